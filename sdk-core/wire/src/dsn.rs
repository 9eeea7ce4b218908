//! The address of a project: `SCHEME://KEY[:SECRET]@HOST[:PORT][/PATH]/PROJECT`.

use alloc::string::String;
use core::fmt;

use crate::context::Sdk;
use crate::id::{ProjectId, PublicKey};

/// Where a project's events go and the key that admits them. Not a secret: every web page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsn {
    /// `http` or `https`.
    pub scheme: String,
    /// The project's public key.
    pub public_key: PublicKey,
    /// Host name or address, with the port where one is given.
    pub host: String,
    /// The path under which the collector lives, without the trailing slash; empty at the root.
    pub path: String,
    /// The project.
    pub project_id: ProjectId,
}

/// Why a DSN is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidDsn {
    /// It does not start with `http://` or `https://`.
    Scheme,
    /// Nothing stands before `@`, or it is not 32 hexadecimal digits.
    Key,
    /// No host.
    Host,
    /// The last part of the path is not a decimal number.
    Project,
}

impl fmt::Display for InvalidDsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidDsn::Scheme => "a DSN starts with http:// or https://",
            InvalidDsn::Key => "a DSN has a key of 32 hexadecimal digits before the @",
            InvalidDsn::Host => "a DSN has a host after the @",
            InvalidDsn::Project => "a DSN ends with the project's number",
        })
    }
}

impl core::error::Error for InvalidDsn {}

impl Dsn {
    /// Reads a DSN. The dead secret of old DSNs and doubled slashes are tolerated.
    ///
    /// # Errors
    /// [`InvalidDsn`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Dsn, InvalidDsn> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(InvalidDsn::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(InvalidDsn::Scheme);
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').ok_or(InvalidDsn::Project)?;
        let (keys, host) = authority.rsplit_once('@').ok_or(InvalidDsn::Key)?;
        let key = keys.split(':').next().unwrap_or_default();
        let public_key = PublicKey::parse(key).map_err(|_| InvalidDsn::Key)?;
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(InvalidDsn::Host);
        }
        let path = path.trim_end_matches('/');
        let (prefix, project) = path.rsplit_once('/').unwrap_or(("", path));
        let project_id = project
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| project.parse().ok())
            .flatten()
            .ok_or(InvalidDsn::Project)?;
        let mut path = String::new();
        for part in prefix.split('/').filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
        }
        Ok(Dsn { scheme, public_key, host: host.into(), path, project_id })
    }

    /// The URL that takes this project's envelopes.
    pub fn envelope_url(&self) -> String {
        alloc::format!("{}://{}{}/api/{}/envelope/", self.scheme, self.host, self.path, self.project_id)
    }

    /// The value of the header `X-Sentry-Auth`, by which `sdk` is let in.
    pub fn auth_header(&self, sdk: &Sdk) -> String {
        let Sdk { name, version } = sdk;
        alloc::format!(
            "Sentry sentry_version=7, sentry_client={name}/{version}, sentry_key={}",
            self.public_key
        )
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dsn { scheme, public_key, host, path, project_id } = self;
        write!(f, "{scheme}://{public_key}@{host}{path}/{project_id}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_dsn_reads_and_writes_back() {
        for (text, url) in [
            (
                "http://0123456789abcdef0123456789abcdef@localhost:8911/1",
                "http://localhost:8911/api/1/envelope/",
            ),
            (
                "https://0123456789abcdef0123456789abcdef@errors.example.com/tools/sentinel/42",
                "https://errors.example.com/tools/sentinel/api/42/envelope/",
            ),
        ] {
            let dsn = Dsn::parse(text).unwrap();
            assert_eq!(dsn.to_string(), text);
            assert_eq!(dsn.envelope_url(), url);
        }
    }

    #[test]
    fn old_and_untidy_forms_are_tolerated() {
        let plain = Dsn::parse(&alloc::format!("https://{KEY}@host/7"));
        assert!(plain.is_ok());
        for text in [
            alloc::format!("https://{KEY}:deadsecret@host/7"),
            alloc::format!(" HTTPS://{KEY}@host//7/ "),
            "https://01234567-89ab-cdef-0123-456789abcdef@host/7".into(),
        ] {
            assert_eq!(Dsn::parse(&text), plain, "{text}");
        }
    }

    #[test]
    fn each_wrong_part_is_named() {
        for (text, error) in [
            ("", InvalidDsn::Scheme),
            ("ftp://0123456789abcdef0123456789abcdef@host/1", InvalidDsn::Scheme),
            ("https://host/1", InvalidDsn::Key),
            ("https://short@host/1", InvalidDsn::Key),
            ("https://0123456789abcdef0123456789abcdef@/1", InvalidDsn::Host),
            ("https://0123456789abcdef0123456789abcdef@host", InvalidDsn::Project),
            ("https://0123456789abcdef0123456789abcdef@host/abc", InvalidDsn::Project),
            ("https://0123456789abcdef0123456789abcdef@host/+1", InvalidDsn::Project),
        ] {
            assert_eq!(Dsn::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            let _ = Dsn::parse(&text);
        }
    }
}
