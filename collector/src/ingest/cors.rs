//! Lets pages of every origin send errors and read the answers.
//!
//! A DSN is public and an answer holds nothing secret, so every origin is allowed; credentials never are.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Headers that SDKs, and applications that propagate traces to every host, are known to send.
const ALLOWED_HEADERS: &str = "x-sentry-auth, x-sentinel-key, x-requested-with, x-forwarded-for, origin, referer, \
    accept, content-type, authentication, authorization, content-encoding, transfer-encoding, sentry-trace, \
    baggage, traceparent, tracestate, x-csrftoken";

/// Without these a page's script could not see why it was refused, nor for how long.
const EXPOSED_HEADERS: &str = "x-sentry-error, x-sentry-rate-limits, retry-after, x-error-sentinel";

/// Adds what every answer needs, refusals included.
pub async fn allow_all(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    // A page of another origin may read it although this one isolates itself.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

/// Answers a browser's question whether it may send.
pub async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
