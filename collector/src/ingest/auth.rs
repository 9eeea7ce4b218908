//! Finds the key that a request came with.
//!
//! Requests carry several: applications add their own `Authorization` to everything they send, proxies their
//! Basic login. So of all that was sent the first that has the form of a key counts, and what has not counts
//! only when nothing else is there, to be named in the refusal.

use axum::http::{HeaderMap, Uri, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use error_sentinel_wire::{Dsn, PublicKey};

/// Why a request has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKey {
    /// None was sent.
    Missing,
    /// Something was sent in this place, but it is no key.
    Malformed(&'static str),
}

/// The key of a request; `dsn` is that of its envelope.
///
/// In this order: `X-Sentry-Auth`, `Authorization: Sentry …`, the query's `sentry_key`, the envelope's DSN,
/// `Authorization: Bearer KEY` and `Basic KEY:…`, `X-Sentinel-Key`, the query's `key`.
///
/// # Errors
/// [`NoKey`] when nothing that was sent is 32 hexadecimal digits.
pub fn key_of(headers: &HeaderMap, uri: &Uri, dsn: Option<&str>) -> Result<PublicKey, NoKey> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (scheme, credentials) = text(header::AUTHORIZATION.as_str())
        .and_then(|value| value.trim().split_once(' '))
        .unwrap_or_default();
    let of_scheme = |wanted: &str| scheme.eq_ignore_ascii_case(wanted).then(|| credentials.trim());
    let query = |name: &str| uri.query().and_then(|query| query_value(query, name)).map(str::to_owned);

    let sent = [
        ("X-Sentry-Auth", text("x-sentry-auth").and_then(sentry_key).map(str::to_owned)),
        ("Authorization", of_scheme("sentry").and_then(sentry_key).map(str::to_owned)),
        ("sentry_key", query("sentry_key")),
        ("dsn", dsn.map(|dsn| Dsn::parse(dsn).map(|dsn| dsn.public_key.to_string()).unwrap_or_default())),
        ("Authorization", of_scheme("bearer").map(str::to_owned)),
        ("Authorization", of_scheme("basic").map(|login| basic_user(login).unwrap_or_default())),
        ("X-Sentinel-Key", text("x-sentinel-key").map(|key| key.trim().to_owned())),
        ("key", query("key")),
    ];
    let mut malformed = None;
    for (place, key) in sent {
        match key.map(|key| PublicKey::parse(&key)) {
            Some(Ok(key)) => return Ok(key),
            Some(Err(_)) => malformed = malformed.or(Some(place)),
            None => {}
        }
    }
    Err(malformed.map_or(NoKey::Missing, NoKey::Malformed))
}

/// Reads `Sentry sentry_version=7, sentry_key=…`; blanks and the leading word are optional.
fn sentry_key(value: &str) -> Option<&str> {
    let value = value.trim();
    let pairs = match value.split_once(' ') {
        Some((word, rest)) if word.eq_ignore_ascii_case("sentry") => rest,
        _ => value,
    };
    pairs.split(',').find_map(|pair| {
        let (name, key) = pair.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("sentry_key").then(|| key.trim().trim_matches('"'))
    })
}

fn basic_user(login: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(login).ok()?).ok()?;
    text.split(':').next().map(str::to_owned)
}

/// A key holds only hexadecimal digits and dashes, so nothing needs unescaping.
fn query_value<'q>(query: &'q str, wanted: &str) -> Option<&'q str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "ffffffffffffffffffffffffffffffff";

    fn found(header: Option<(&'static str, &str)>, uri: &str, dsn: Option<&str>) -> Result<String, NoKey> {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        key_of(&headers, &uri.parse().unwrap(), dsn).map(|key| key.to_string())
    }

    fn basic(login: &str) -> String {
        format!("Basic {}", STANDARD.encode(login))
    }

    #[test]
    fn every_form_in_which_sdks_send_a_key_is_read() {
        for (name, value) in [
            ("x-sentry-auth", format!("Sentry sentry_version=7, sentry_client=x/1, sentry_key={KEY}")),
            (
                "x-sentry-auth",
                format!("sentry sentry_version=7,sentry_client=x/1,sentry_key={KEY},sentry_secret=s"),
            ),
            ("authorization", format!("Sentry sentry_key={KEY}")),
            ("authorization", format!("Bearer {KEY}")),
            ("authorization", format!("bearer  {KEY} ")),
            ("authorization", basic(&format!("{KEY}:"))),
            ("x-sentinel-key", KEY.to_owned()),
            ("x-sentinel-key", "01234567-89AB-CDEF-0123-456789ABCDEF".to_owned()),
        ] {
            assert_eq!(found(Some((name, &value)), "/", None), Ok(KEY.into()), "{name}: {value}");
        }
        for uri in [format!("/?sentry_version=7&sentry_key={KEY}"), format!("/log-error?key={KEY}")] {
            assert_eq!(found(None, &uri, None), Ok(KEY.into()), "{uri}");
        }
        assert_eq!(found(None, "/", Some(&format!("https://{KEY}@host/1"))), Ok(KEY.into()));
    }

    #[test]
    fn of_several_keys_the_first_counts() {
        let uri = format!("/?sentry_key={OTHER}");
        let dsn = format!("https://{OTHER}@host/1");
        let first = format!("Sentry sentry_key={KEY}");
        assert_eq!(found(Some(("x-sentry-auth", &first)), &uri, Some(&dsn)), Ok(KEY.into()));
        let last = format!("Bearer {KEY}");
        assert_eq!(found(Some(("authorization", &last)), "/", Some(&dsn)), Ok(OTHER.into()));
    }

    #[test]
    fn a_login_that_is_not_for_us_hides_no_key() {
        let uri = format!("/?sentry_key={KEY}");
        for foreign in ["Bearer eyJhbGciOi.J9.x", &basic("staging:secret"), "Token abc", "Basic %%", "x"] {
            assert_eq!(found(Some(("authorization", foreign)), &uri, None), Ok(KEY.into()), "{foreign}");
            let uri = format!("/log-error?key={KEY}");
            assert_eq!(found(Some(("authorization", foreign)), &uri, None), Ok(KEY.into()), "{foreign}");
        }
    }

    #[test]
    fn a_missing_key_is_told_from_a_malformed_one() {
        assert_eq!(found(None, "/?monkey=1", None), Err(NoKey::Missing));
        assert_eq!(found(Some(("authorization", "Token abc")), "/", None), Err(NoKey::Missing));
        assert_eq!(found(None, "/?sentry_key=short", None), Err(NoKey::Malformed("sentry_key")));
        assert_eq!(found(None, "/", Some("nonsense")), Err(NoKey::Malformed("dsn")));
    }

    proptest! {
        #[test]
        fn any_header_query_and_dsn_are_read_without_panic(value in "[ -~]{0,80}", dsn in "\\PC{0,80}") {
            for name in ["x-sentry-auth", "authorization", "x-sentinel-key"] {
                let _ = found(Some((name, &value)), "/?sentry_key&=&key=%", Some(&dsn));
            }
        }
    }
}
