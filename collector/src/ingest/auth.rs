//! Finds the key that a request came with. The first form that is there counts.

use axum::http::{HeaderMap, Uri, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The key as it was sent, wherever it was sent.
///
/// In this order: `X-Sentry-Auth`, `Authorization` (`Sentry …`, `Bearer KEY`, `Basic KEY:…`),
/// `X-Sentinel-Key`, and the query's `sentry_key` or `key`.
pub fn key_of(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("x-sentry-auth")
        .and_then(sentry_key)
        .or_else(|| text(header::AUTHORIZATION.as_str()).and_then(authorization))
        .or_else(|| text("x-sentinel-key").map(|key| key.trim().to_owned()))
        .or_else(|| uri.query().and_then(query_key))
        .filter(|key| !key.is_empty())
}

fn authorization(value: &str) -> Option<String> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(rest.trim().to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        Some(text.split(':').next().unwrap_or_default().to_owned())
    } else {
        sentry_key(value)
    }
}

/// Reads `Sentry sentry_version=7, sentry_key=…`; blanks and the leading word are optional.
fn sentry_key(value: &str) -> Option<String> {
    let value = value.trim();
    let pairs = match value.split_once(' ') {
        Some((word, rest)) if word.eq_ignore_ascii_case("sentry") => rest,
        _ => value,
    };
    pairs.split(',').find_map(|pair| {
        let (name, key) = pair.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("sentry_key").then(|| key.trim().trim_matches('"').to_owned())
    })
}

/// A key holds only hexadecimal digits and dashes, so nothing needs unescaping.
fn query_key(query: &str) -> Option<String> {
    ["sentry_key", "key"].into_iter().find_map(|wanted| {
        query.split('&').find_map(|pair| {
            let (name, key) = pair.split_once('=')?;
            (name == wanted).then(|| key.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn found(header: Option<(&'static str, &str)>, uri: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        key_of(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn every_form_in_which_sdks_send_a_key_is_read() {
        let basic = format!("Basic {}", STANDARD.encode(format!("{KEY}:")));
        for (name, value) in [
            ("x-sentry-auth", format!("Sentry sentry_version=7, sentry_client=x/1, sentry_key={KEY}")),
            (
                "x-sentry-auth",
                format!("sentry sentry_version=7,sentry_client=x/1,sentry_key={KEY},sentry_secret=s"),
            ),
            ("authorization", format!("Sentry sentry_key={KEY}")),
            ("authorization", format!("Bearer {KEY}")),
            ("authorization", format!("bearer  {KEY} ")),
            ("authorization", basic),
            ("x-sentinel-key", KEY.to_owned()),
        ] {
            assert_eq!(found(Some((name, &value)), "/"), Some(KEY.into()), "{name}: {value}");
        }
        for uri in [format!("/?sentry_version=7&sentry_key={KEY}"), format!("/log-error?key={KEY}")] {
            assert_eq!(found(None, &uri), Some(KEY.into()), "{uri}");
        }
        assert_eq!(found(None, "/?monkey=1"), None);
    }

    #[test]
    fn of_several_forms_the_first_counts() {
        let header = Some(("x-sentry-auth", "Sentry sentry_key=first"));
        assert_eq!(found(header, "/?sentry_key=second"), Some("first".into()));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(value in "[ -~]{0,80}") {
            for name in ["x-sentry-auth", "authorization", "x-sentinel-key"] {
                let _ = found(Some((name, &value)), "/");
            }
        }
    }
}
