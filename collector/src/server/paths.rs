//! Tidies the path of a request before it is routed.
//!
//! Real DSNs hold doubled slashes, and a proxy in front may or may not strip the path prefix under which the
//! collector is reached. A redirect would lose the body of a POST, so the path is rewritten in place.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use tower::{ServiceBuilder, ServiceExt};

/// Wraps `app` so that it sees tidy paths below its own root. `prefix` is empty or starts with a slash.
pub fn tidied(app: Router, prefix: &str) -> Router {
    let prefix = prefix.trim_end_matches('/').to_owned();
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request| {
            if let Some(uri) = tidy(request.uri(), &prefix) {
                *request.uri_mut() = uri;
            }
            request
        })
        .service(app)
        .map_err(|error: Infallible| match error {});
    Router::new().fallback_service(service)
}

/// The URI with runs of slashes folded and `prefix` taken off; `None` when that changes nothing.
fn tidy(uri: &Uri, prefix: &str) -> Option<Uri> {
    let path = uri.path();
    let mut folded = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        folded.push('/');
        folded.push_str(part);
    }
    if path.ends_with('/') {
        folded.push('/');
    }
    let inner = match folded.strip_prefix(prefix) {
        Some("") => "/",
        Some(inner) if inner.starts_with('/') => inner,
        _ => &folded,
    };
    if inner == path {
        return None;
    }
    let path_and_query = match uri.query() {
        Some(query) => format!("{inner}?{query}"),
        None => inner.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path_and_query).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied_path(uri: &str, prefix: &str) -> String {
        let uri: Uri = uri.parse().unwrap();
        tidy(&uri, prefix).unwrap_or(uri).to_string()
    }

    #[test]
    fn doubled_slashes_are_folded_and_the_query_is_kept() {
        assert_eq!(
            tidied_path("//api//1///envelope/?sentry_key=a//b", ""),
            "/api/1/envelope/?sentry_key=a//b"
        );
        assert_eq!(tidied_path("/api/1/envelope", ""), "/api/1/envelope");
        assert_eq!(tidied_path("//", ""), "/");
    }

    #[test]
    fn a_prefix_is_taken_off_whether_or_not_the_proxy_did() {
        for path in ["/tools/sentinel/api/1/store/", "/api/1/store/"] {
            assert_eq!(tidied_path(path, "/tools/sentinel"), "/api/1/store/");
        }
        assert_eq!(tidied_path("/tools/sentinel", "/tools/sentinel"), "/");
        assert_eq!(tidied_path("/tools/sentinels", "/tools/sentinel"), "/tools/sentinels");
    }
}
