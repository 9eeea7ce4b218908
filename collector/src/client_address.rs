//! Whose address counts: the peer's, or the one that a trusted proxy names.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The sender's address.
///
/// `X-Forwarded-For` is read from the right, and only as far as every hop is a trusted proxy: what stands
/// left of that was written by the sender and may be anything.
pub fn of(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut client = peer.ip().to_canonical();
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in forwarded.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        match parse_hop(hop) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let address = hop
        .parse::<IpAddr>()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &str, trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        of(SocketAddr::new(peer.parse().unwrap(), 9), &headers, &trusted).to_string()
    }

    #[test]
    fn a_header_of_an_untrusted_peer_counts_for_nothing() {
        assert_eq!(seen("203.0.113.9", "1.2.3.4", &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", "1.2.3.4", &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_names_the_sender_and_the_sender_cannot_name_another() {
        let trusted = &["10.0.0.0/8", "::1/128"];
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", trusted), "203.0.113.9");
        assert_eq!(seen("::1", "[2001:db8::7]", trusted), "2001:db8::7");
        assert_eq!(seen("::ffff:10.0.0.1", "203.0.113.9:4711", trusted), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "garbage", trusted), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", "", trusted), "10.0.0.1");
    }
}
