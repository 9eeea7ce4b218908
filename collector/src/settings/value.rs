//! Reads the values of settings. `None` means that the text is not allowed; the table says what is.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use lettre::message::Mailbox;
use reqwest::Url;

use super::RateLimit;

/// `ADDRESS:PORT`; the name `localhost` is taken for 127.0.0.1.
pub fn address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?))),
        None => text.parse().ok(),
    }
}

/// An absolute `http` or `https` URL without login, query and fragment; trailing slashes are cut.
pub fn base_url(text: &str) -> Option<String> {
    let url = http_url(text)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (plain && url.fragment().is_none()).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// An absolute `http` or `https` URL.
pub fn http_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Bytes, with `K`, `M`, `G` or `T` for powers of 1024; at least a megabyte, since less holds nothing.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches(['B', 'b']).trim_end_matches('i');
    let (number, unit) = split_unit(text);
    let factor: u64 = match unit.to_ascii_uppercase().as_str() {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return None,
    };
    number?.checked_mul(factor).filter(|bytes| *bytes >= 1 << 20)
}

/// How [`bytes`] are written, with the greatest unit that divides them.
pub fn show_bytes(bytes: u64) -> String {
    let unit = [("T", 40), ("G", 30), ("M", 20), ("K", 10)]
        .into_iter()
        .find(|(_, shift)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    match unit {
        Some((name, shift)) => format!("{}{name}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// A time in seconds, with `s`, `m`, `h` or `d`.
pub fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text.trim());
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number?.checked_mul(factor)
}

/// How [`seconds`] are written, with the greatest unit that divides them.
pub fn show_seconds(seconds: u64) -> String {
    let unit = [("d", 86_400), ("h", 3600), ("m", 60)]
        .into_iter()
        .find(|(_, factor)| seconds > 0 && seconds.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", seconds / factor),
        None => format!("{seconds}s"),
    }
}

/// `off`, events per minute, or `PER_MINUTE/BURST`; the burst defaults to a quarter of a minute's events.
pub fn rate_limit(text: &str) -> Option<RateLimit> {
    if text.eq_ignore_ascii_case("off") {
        return Some(RateLimit::Off);
    }
    let (per_minute, burst) = match text.split_once('/') {
        Some((rate, burst)) => (whole(rate.trim())?, whole(burst.trim())?),
        None => {
            let rate: u32 = whole(text)?;
            (rate, rate.div_ceil(4))
        }
    };
    (per_minute > 0 && burst > 0).then_some(RateLimit::PerMinute { per_minute, burst })
}

/// How a [`rate_limit`] is written.
pub fn show_rate_limit(limit: RateLimit) -> String {
    match limit {
        RateLimit::Off => "off".into(),
        RateLimit::PerMinute { per_minute, burst } => format!("{per_minute}/{burst}"),
    }
}

/// A whole number; unlike `FromStr`, no sign.
pub fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A port that can be connected to.
pub fn port(text: &str) -> Option<u16> {
    whole(text).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
}

/// A host name or address.
pub fn host(text: &str) -> Option<String> {
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (!text.is_empty() && text.len() <= 253 && text.chars().all(letters)).then(|| text.to_owned())
}

/// `ada@example.com` or `Ada <ada@example.com>`.
pub fn mailbox(text: &str) -> Option<String> {
    let single_line = !text.contains(char::is_control);
    (single_line && text.parse::<Mailbox>().is_ok()).then(|| text.to_owned())
}

/// Networks and single addresses.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A comma-separated list, each part read by `item`; empty text is the empty list.
pub fn list<T>(text: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(item).collect()
}

/// What a log filter may be.
pub fn log_filter(text: &str) -> Option<String> {
    text.parse::<tracing_subscriber::filter::Targets>().is_ok().then(|| text.to_owned())
}

/// The number at the start, and what follows it.
fn split_unit(text: &str) -> (Option<u64>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    (number.parse().ok(), unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        assert_eq!(address("localhost:80"), Some(([127, 0, 0, 1], 80).into()));
        assert_eq!(address("0.0.0.0:0"), Some(([0, 0, 0, 0], 0).into()));
        assert!(address("[::1]:8911").is_some());
        for wrong in ["", "8911", "127.0.0.1", "example.com:80", "127.0.0.1:99999", "localhost:"] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base_urls_lose_their_trailing_slash_and_keep_their_prefix() {
        assert_eq!(base_url("https://errors.example.com/").as_deref(), Some("https://errors.example.com"));
        assert_eq!(base_url("http://h:81/tools/es/").as_deref(), Some("http://h:81/tools/es"));
        for wrong in ["", "errors.example.com", "ftp://h", "https://u:p@h", "https://h?q=1", "https://h/#x"] {
            assert_eq!(base_url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn byte_counts() {
        for (text, bytes_expected) in [
            ("10G", 10 << 30),
            ("500 M", 500 << 20),
            ("2097152", 2 << 20),
            ("1GiB", 1 << 30),
            ("3mb", 3 << 20),
        ] {
            assert_eq!(bytes(text), Some(bytes_expected), "{text}");
        }
        for wrong in ["", "G", "-1G", "1.5G", "10X", "1K", "99999999999T", "1G1"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in
            [("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("1h", 3600), ("4 d", 345_600)]
        {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for wrong in ["", "h", "1w", "1.5h", "-1", "1h30m", "999999999999999999d"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rate_limits() {
        let limit = |per_minute, burst| Some(RateLimit::PerMinute { per_minute, burst });
        assert_eq!(rate_limit("off"), Some(RateLimit::Off));
        assert_eq!(rate_limit("60000"), limit(60_000, 15_000));
        assert_eq!(rate_limit("1"), limit(1, 1));
        assert_eq!(rate_limit("600/ 100"), limit(600, 100));
        for wrong in ["", "0", "10/0", "on", "+5", "-5", "1/2/3", "99999999999"] {
            assert_eq!(rate_limit(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn mailboxes_networks_hosts_and_filters() {
        assert!(mailbox("ada@example.com").is_some() && mailbox("Ada <ada@example.com>").is_some());
        assert!(mailbox("ada").is_none() && mailbox("a@b.c\r\nBcc: d@e.f").is_none());
        assert_eq!(network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("::1").unwrap().to_string(), "::1/128");
        assert!(network("proxy").is_none());
        assert!(host("smtp.example.com").is_some() && host("a b").is_none() && host("").is_none());
        assert!(log_filter("info,error_sentinel_collector::alert=debug").is_some());
        assert!(log_filter("error_sentinel=loud").is_none());
        assert_eq!(list("a, b,,", |part| Some(part.to_owned())), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(port("0"), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(count in (1u64 << 20).., time in any::<u64>(), rate in 1u32.., burst in 1u32..) {
            prop_assert_eq!(bytes(&show_bytes(count)), Some(count));
            prop_assert_eq!(seconds(&show_seconds(time)), Some(time));
            let limit = RateLimit::PerMinute { per_minute: rate, burst };
            prop_assert_eq!(rate_limit(&show_rate_limit(limit)), Some(limit));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = (address(&text), base_url(&text), bytes(&text), seconds(&text), rate_limit(&text));
            let _ = (mailbox(&text), network(&text), host(&text), log_filter(&text));
        }
    }
}
