//! Who is signed in, and whether a request really comes from our own page.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::page::Problem;
use super::{Dashboard, Shared};
use crate::store::account::{Account, SecretHash};
use crate::{clock, secret, store};

const COOKIE: &str = "error_sentinel_session";
/// How long a session lasts, in seconds.
const LIFETIME_S: i64 = 30 * 24 * 60 * 60;

/// A person who is signed in. A handler that asks for it is closed to everybody else.
pub struct SignedIn {
    /// Who.
    pub account: Account,
    /// Which session.
    pub session: SecretHash,
}

impl FromRequestParts<Arc<Dashboard>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Arc<Dashboard>) -> Result<SignedIn, Response> {
        match find(dashboard, &parts.headers).await {
            Ok(Some(signed_in)) => Ok(signed_in),
            Ok(None) if parts.method == Method::GET => {
                let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                let query = percent_encoded(wanted);
                Err(Redirect::to(&format!("{}/login?next={query}", dashboard.prefix)).into_response())
            }
            Ok(None) => Err(Problem::unauthorized().into_response()),
            Err(error) => Err(Problem::from(error).into_response()),
        }
    }
}

/// Percent-encodes a path for a query value.
pub fn percent_encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                text.push(char::from(byte))
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
        text
    })
}

/// Who the cookie belongs to.
pub async fn find(dashboard: &Dashboard, headers: &HeaderMap) -> store::Result<Option<SignedIn>> {
    let Some(session) = cookie(headers).map(|value| secret::hash(&value)) else { return Ok(None) };
    let now = clock::now();
    let account = store::blocking(&dashboard.store, move |store| store.find_session(&session, now)).await?;
    Ok(account.map(|account| SignedIn { account, session }))
}

/// Opens a new session for `account` and returns its cookie. The one before, if any, is ended by the caller.
pub async fn open(dashboard: &Dashboard, account: &Account) -> Result<HeaderValue, Problem> {
    let value = secret::new("").map_err(|_| Problem::internal("the system has no randomness"))?;
    let (hash, id) = (secret::hash(&value), account.id);
    let expires_at = clock::now().plus_ms(LIFETIME_S * 1000);
    store::blocking(&dashboard.store, move |store| store.add_session(&hash, id, expires_at)).await?;
    Ok(set_cookie(dashboard, &value, LIFETIME_S))
}

/// Ends a session and returns the cookie that forgets it.
pub async fn end(dashboard: &Dashboard, session: SecretHash) -> Result<HeaderValue, Problem> {
    let now = clock::now();
    store::blocking(&dashboard.store, move |store| store.end_session(&session, now)).await?;
    Ok(set_cookie(dashboard, "", 0))
}

fn set_cookie(dashboard: &Dashboard, value: &str, lifetime_s: i64) -> HeaderValue {
    let secure = if dashboard.public_url.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={value}; Path={}/; Max-Age={lifetime_s}; HttpOnly; SameSite=Lax{secure}",
        dashboard.prefix
    );
    // The prefix comes from a URL that was checked; a header that cannot be written signs nobody in.
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
}

/// Refuses requests that change something and do not come from a page of ours.
///
/// Every browser of today says where a request comes from, by `Sec-Fetch-Site` or at least by `Origin`, and a
/// page of another site can change neither. What says nothing is no browser: scripts have the API.
pub async fn refuse_forged(State(dashboard): Shared, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || comes_from_us(request.headers(), &dashboard.public_url) {
        return next.run(request).await;
    }
    Problem::forged().into_response()
}

fn comes_from_us(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()) {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host_of = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default().to_ascii_lowercase()
    };
    let origin = host_of(origin);
    text(header::HOST).is_some_and(|host| host.eq_ignore_ascii_case(&origin)) || origin == host_of(public_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        comes_from_us(&headers, "https://errors.example.com/tools")
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        assert!(passes(&[("sec-fetch-site", "same-origin")]));
        assert!(passes(&[("origin", "https://errors.example.com")]));
        assert!(passes(&[("origin", "http://127.0.0.1:8911"), ("host", "127.0.0.1:8911")]));
        for forged in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://errors.example.com")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example.com"), ("host", "errors.example.com")],
            &[("origin", "https://errors.example.com.evil.com")],
            &[("origin", "null")],
            &[],
        ] {
            assert!(!passes(forged), "{forged:?}");
        }
    }
}
