//! The address at which the collector is reached, and what holds it: DSNs, links, lines to try.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use error_sentinel_wire::{Dsn, ProjectId, PublicKey};

/// The URL of a listening address, for programs on this machine: one that means every interface is none to
/// connect to.
pub fn of_address(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// The DSN of a project at a base URL; `None` when that is no URL.
pub fn dsn(base_url: &str, public_key: PublicKey, project_id: ProjectId) -> Option<Dsn> {
    let (scheme, rest) = base_url.split_once("://")?;
    let rest = rest.trim_end_matches('/');
    Dsn::parse(&format!("{scheme}://{public_key}@{rest}/{project_id}")).ok()
}

/// The path of a URL, without trailing slash: the prefix under which the collector is reached.
pub fn path_of(public_url: &str) -> &str {
    let rest = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    rest.find('/').map_or("", |at| rest[at..].trim_end_matches('/'))
}

/// A line for the shell that raises an alarm.
pub fn curl_line(public_url: &str, dsn: &Dsn) -> String {
    format!(
        "curl {public_url}/log-error -H 'X-Sentinel-Key: {}' -d '{{\"message\": \"The disk is on fire\", \
         \"level\": \"fatal\"}}'",
        dsn.public_key
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_means_every_interface_is_reached_on_this_machine() {
        for (address, url) in [
            ("0.0.0.0:8911", "http://127.0.0.1:8911"),
            ("[::]:8911", "http://[::1]:8911"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
        ] {
            assert_eq!(of_address(address.parse().unwrap()), url);
        }
    }

    #[test]
    fn a_dsn_keeps_port_and_prefix() {
        let dsn = |base| dsn(base, PublicKey(0xab), ProjectId(7)).map(|dsn| dsn.to_string());
        let key = "000000000000000000000000000000ab";
        assert_eq!(dsn("http://[::1]:8911").unwrap(), format!("http://{key}@[::1]:8911/7"));
        assert_eq!(dsn("https://e.example/tools/").unwrap(), format!("https://{key}@e.example/tools/7"));
        assert_eq!(dsn("e.example"), None);
    }

    #[test]
    fn the_prefix_is_the_path_of_the_public_url() {
        for (url, path) in [
            ("http://127.0.0.1:8911", ""),
            ("https://errors.example.com/", ""),
            ("https://example.com/tools/sentinel/", "/tools/sentinel"),
        ] {
            assert_eq!(path_of(url), path);
        }
    }
}
