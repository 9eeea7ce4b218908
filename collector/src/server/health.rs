//! What other programs ask about this one: does it live, does it do all its work, how much has it done.
//!
//! `/readyz` is not "is everything fine" but "may I send you errors": while the store is locked the queue still
//! holds what arrives, so the answer is 200 and `degraded`. Only when nothing can be accepted it is 503.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::clock;
use crate::digest::worker::{self, Digest};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::store::{self, Store};

/// Share of the queue's bound from which it is called nearly full.
const NEARLY_FULL_PERCENT: u64 = 80;

/// What is asked.
#[derive(Clone)]
pub struct Health {
    /// Whether there is room.
    pub queue: Arc<dyn Queue>,
    /// Whether it can be written.
    pub store: Arc<dyn Store>,
    /// Whether it keeps up.
    pub digest: Arc<Digest>,
    /// What was counted.
    pub metrics: Arc<Metrics>,
}

/// The routes `/healthz`, `/readyz` and `/metrics`.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

#[derive(Debug, Serialize)]
struct Ready {
    status: &'static str,
    queue: QueuePart,
    store: Part,
    digest: Part,
}

#[derive(Debug, Serialize)]
struct QueuePart {
    status: &'static str,
    jobs: u64,
    bytes: u64,
    limit_bytes: u64,
    oldest_age_ms: i64,
}

#[derive(Debug, Serialize)]
struct Part {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Part {
    fn of(trouble: Option<String>) -> Part {
        Part { status: if trouble.is_some() { "waiting" } else { "ok" }, detail: trouble }
    }
}

async fn ready(State(health): State<Health>) -> Response {
    let depth = health.queue.depth();
    let is_full = depth.byte_count >= depth.byte_limit;
    let is_nearly_full = depth.byte_count >= depth.byte_limit / 100 * NEARLY_FULL_PERCENT;
    let digest = match health.digest.state() {
        worker::State::Running => None,
        worker::State::Waiting { since, error } => Some(format!("since {since}: {error}")),
        worker::State::Stopped => Some("stopped".to_owned()),
    };
    let store = store::blocking(&health.store, |store| store.check_writable()).await;
    let store = store.err().map(|error| error.to_string());
    let is_degraded = is_nearly_full || digest.is_some() || store.is_some();
    let (code, status) = match (is_full, is_degraded) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "full"),
        (false, true) => (StatusCode::OK, "degraded"),
        (false, false) => (StatusCode::OK, "ready"),
    };
    let queue = QueuePart {
        status: if is_full {
            "full"
        } else if is_nearly_full {
            "nearly full"
        } else {
            "ok"
        },
        jobs: depth.job_count,
        bytes: depth.byte_count,
        limit_bytes: depth.byte_limit,
        oldest_age_ms: depth.oldest.map_or(0, |oldest| clock::now().since(oldest).max(0)),
    };
    let body = Ready { status, queue, store: Part::of(store), digest: Part::of(digest) };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn metrics(State(health): State<Health>) -> Response {
    let measured =
        store::blocking(&health.store, |store| Ok((store.waiting_count()?, store.size_bytes()?))).await;
    // A store that does not answer now must not hide the other figures.
    let (waiting_alarms, store_bytes) = measured.unwrap_or_default();
    let depth = health.queue.depth();
    health.metrics.measure(depth.job_count, depth.byte_count, waiting_alarms, store_bytes);
    let digested = health.digest.counts();
    health.metrics.digested(digested.event_count, digested.poison_count, digested.failure_count);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], health.metrics.text()).into_response()
}

#[cfg(test)]
mod tests;
