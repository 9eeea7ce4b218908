//! Accept: authenticate, decode within caps, check the quota, enqueue durably, answer.
//!
//! A request is answered 2xx only after [`Queue::push`] has returned: what it
//! carried is synced to disk. Whatever is wrong with one item costs that item only; the answer names it. What
//! a request carried never reaches the log, and no flood of requests floods it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::routing::{any, post};

use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::settings::Settings;

mod auth;
mod body;
mod complaint;
mod cors;
mod decode;
mod envelope;
mod keys;
mod memory;
mod quota;
mod reply;
mod route;
mod sort;
#[cfg(test)]
mod tests;

pub use keys::KeySource;

/// What this stage works with.
#[derive(Clone)]
pub struct Deps {
    /// Where accepted envelopes go.
    pub queue: Arc<dyn Queue>,
    /// Who may send.
    pub keys: Arc<dyn KeySource>,
    /// Limits and trusted proxies.
    pub settings: Arc<Settings>,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
}

/// The stage's state, shared by its requests.
struct Ingest {
    queue: Arc<dyn Queue>,
    keys: keys::Keys,
    quota: quota::Quota,
    bodies: body::Bodies,
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    complaint: complaint::Complaint,
}

/// The routes that take errors.
pub fn router(deps: Deps) -> Router {
    let ingest = Arc::new(Ingest {
        queue: deps.queue,
        keys: keys::Keys::new(deps.keys),
        quota: quota::Quota::new(deps.settings.rate_limit),
        bodies: body::Bodies::default(),
        settings: deps.settings,
        metrics: deps.metrics,
        complaint: complaint::Complaint::default(),
    });
    let envelope = || post(route::envelope).fallback(reply::only_post).options(cors::preflight);
    let store = || post(route::store).fallback(reply::only_post).options(cors::preflight);
    let log_error = || post(route::log_error).fallback(reply::only_post).options(cors::preflight);
    Router::new()
        .route("/api/{project}/envelope", envelope())
        .route("/api/{project}/envelope/", envelope())
        .route("/api/{project}/store", store())
        .route("/api/{project}/store/", store())
        .route("/log-error", log_error())
        .route("/log-error/", log_error())
        // Some SDKs have endpoints that we have not; they learn it in a form that a browser lets them read.
        .route("/api/{project}/{*rest}", any(reply::no_such_endpoint).options(cors::preflight))
        .layer(from_fn(route::never_panic))
        .layer(map_response(cors::allow_all))
        .with_state(ingest)
}
