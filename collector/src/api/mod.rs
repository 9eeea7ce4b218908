//! Programs: JSON over HTTP, for scripts and other tools.
//!
//! Everything lies under `/api/v1` and asks for a token as `Authorization: Bearer`. Errors are problem
//! documents (RFC 9457) whose `detail` says what to do. The API shows what the store holds and changes an
//! issue's status; it must never hand out what the collector's scrubber took out, and so knows no payload but
//! the stored one.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::feed::Feed;
use crate::store::Store;

mod document;
mod event;
pub mod issue;
mod problem;
mod query;
pub mod token;

#[cfg(test)]
mod tests;

use problem::Problem;

/// What the API works with.
#[derive(Clone)]
pub struct Api {
    /// What is shown.
    pub store: Arc<dyn Store>,
    /// Told when a status changes.
    pub feed: Feed,
}

/// The routes: `/api/v1/…` and `/api/openapi.json`.
pub fn router(api: Api) -> Router {
    let v1 = Router::new()
        .route("/issues", get(issue::list))
        .route("/issues/{id}", get(issue::show))
        .route("/issues/{id}/events", get(event::list))
        .route("/issues/{id}/status", post(issue::set_status))
        .route("/events/{event_id}", get(event::show))
        .fallback(|| async { Problem::not_found("there is nothing at this path; see /api/openapi.json") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(middleware::from_fn_with_state(api.clone(), token::require))
        .layer(middleware::map_response(not_to_be_kept))
        .with_state(api);
    Router::new().nest("/api/v1", v1).route("/api/openapi.json", get(document::show))
}

/// Answers hold what only the token's owner may see.
async fn not_to_be_kept(mut response: Response) -> Response {
    let headers: [(HeaderName, &str); 2] =
        [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

type Answer<T> = Result<T, Problem>;
type Shared = State<Api>;

/// JSON that is not what serde would write: an event as it was received.
struct RawJson(String);

impl IntoResponse for RawJson {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
