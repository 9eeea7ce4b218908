//! What is answered: in words for the person who reads the SDK's log, in headers for the SDK.

use std::sync::OnceLock;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use error_sentinel_wire::EventId;
use error_sentinel_wire::reply::{
    CAPABILITY_BATCH, CAPABILITY_HEADER, Category, ERROR_HEADER, Pause, RATE_LIMITS_HEADER,
};
use serde_json::json;

use crate::queue::PushError;

/// How long SDKs shall hold back what nobody here reads, in seconds.
const NOT_SUPPORTED_S: u64 = 24 * 60 * 60;
/// How long to hold back when the queue is full, in seconds: digest empties thousands of events in that time.
const QUEUE_FULL_S: u64 = 10;

/// How long to hold back when the memory for requests is in use, in seconds.
const OVERLOADED_S: u64 = 5;

/// What this collector does not keep; SDKs that are told stop sending it, which saves phones' batteries.
const NOT_SUPPORTED: [Category; 9] = [
    Category::Transaction,
    Category::Span,
    Category::Profile,
    Category::ProfileChunk,
    Category::Replay,
    Category::LogItem,
    Category::TraceMetric,
    Category::Monitor,
    Category::Session,
];

/// Categories that a full quota holds back. Named, because SDKs take a refusal without names for everything.
const EVENTS: [Category; 4] = [Category::Error, Category::Default, Category::Security, Category::Feedback];

/// Why a request, or a part of it, was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status that says so.
    pub status: StatusCode,
    /// A short name for counters: `auth`, `quota`, `too_large`…
    pub reason: &'static str,
    /// One sentence for a person, with what to do.
    pub detail: String,
    /// What to hold back for how many seconds, when waiting helps.
    pub pause_s: Option<u64>,
}

impl Refusal {
    /// A refusal that waiting does not mend.
    pub fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal { status, reason, detail: detail.into(), pause_s: None }
    }

    /// The sender's quota is used up for now.
    pub fn over_quota(whose: &str, pause_s: u64) -> Refusal {
        let detail = format!("the rate limit of this {whose} is reached; try again in {pause_s} s");
        Refusal { pause_s: Some(pause_s), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "quota", detail) }
    }

    /// Whether the sender has sent more than it may.
    pub fn is_over_quota(&self) -> bool {
        self.reason == "quota"
    }

    /// A fault of ours.
    pub fn internal() -> Refusal {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the collector failed on this request")
    }

    /// Whether the sender did nothing wrong: the collector is full, failing or stopping.
    pub fn is_ours(&self) -> bool {
        self.status.is_server_error() || matches!(self.reason, "queue_full" | "overloaded")
    }

    /// More arrives at once than fits into memory.
    pub fn overloaded() -> Refusal {
        let detail = "the collector holds as many requests as it can; try again in a few seconds";
        Refusal {
            pause_s: Some(OVERLOADED_S),
            ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", detail)
        }
    }
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Refusal {
        let (status, reason) = match &error {
            PushError::Full { .. } => (StatusCode::TOO_MANY_REQUESTS, "queue_full"),
            PushError::Storage(_) => (StatusCode::SERVICE_UNAVAILABLE, "storage"),
            PushError::Closed => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        };
        let detail = match &error {
            // What the disk said is for the operator's log, not for every sender.
            PushError::Storage(_) => "the collector cannot write to its disk".to_owned(),
            other => other.to_string(),
        };
        Refusal { pause_s: Some(QUEUE_FULL_S), ..Refusal::new(status, reason, detail) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refused(&self, None, &[])
    }
}

/// Answers a refusal; `id` and `causes` say what was kept and refused of an envelope.
pub fn refused(refusal: &Refusal, id: Option<EventId>, causes: &[String]) -> Response {
    let mut body = json!({ "detail": refusal.detail, "causes": causes });
    if let Some(id) = id {
        body["id"] = json!(id.to_string());
    }
    let mut response = (refusal.status, Json(body)).into_response();
    let headers = response.headers_mut();
    // Only visible ASCII fits a header.
    let plain: String =
        refusal.detail.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).take(400).collect();
    insert(headers, ERROR_HEADER, &plain);
    if let Some(seconds) = refusal.pause_s {
        insert(headers, header::RETRY_AFTER.as_str(), &seconds.to_string());
        let pause = Pause { seconds, categories: EVENTS.to_vec() };
        insert(headers, RATE_LIMITS_HEADER, &pause.to_header(refusal.reason));
    }
    response
}

/// The category under which SDKs hold back items of a type.
fn category_of(item_kind: &str) -> Option<Category> {
    Some(match item_kind {
        "transaction" => Category::Transaction,
        "span" => Category::Span,
        "profile" => Category::Profile,
        "profile_chunk" => Category::ProfileChunk,
        "replay_event" | "replay_recording" | "replay_video" => Category::Replay,
        "log" | "otel_log" => Category::LogItem,
        "trace_metric" => Category::TraceMetric,
        "check_in" => Category::Monitor,
        // Sessions are held back with the rest, but do not bring the hint about, see `accepted`.
        _ => return None,
    })
}

/// Answers that everything worth keeping is on the disk; `ignored` are the types of the items that were not kept.
///
/// Only who sent something that is not supported is told what is not. SDKs that empty their offline queue wait a
/// minute after every answer with limits, whatever they are about, so an error's answer has none. Nor has that to a
/// session: every page sends one as it opens, just when the last page's errors shall leave the queue.
pub fn accepted(status: StatusCode, id: Option<EventId>, ignored: &[String]) -> Response {
    static STANDING_HINT: OnceLock<String> = OnceLock::new();
    let body = match id {
        Some(id) => json!({ "id": id.to_string() }),
        None => json!({}),
    };
    let mut response = (status, Json(body)).into_response();
    if ignored.iter().filter_map(|kind| category_of(kind)).any(|category| NOT_SUPPORTED.contains(&category)) {
        let hint = STANDING_HINT.get_or_init(|| {
            Pause { seconds: NOT_SUPPORTED_S, categories: NOT_SUPPORTED.to_vec() }.to_header("not_supported")
        });
        insert(response.headers_mut(), RATE_LIMITS_HEADER, hint);
    }
    insert(response.headers_mut(), CAPABILITY_HEADER, CAPABILITY_BATCH);
    response
}

/// Answers every other verb.
pub async fn only_post() -> Response {
    let detail = "errors are sent with POST; this address has no page";
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail);
    ([(header::ALLOW, "POST, OPTIONS")], refusal).into_response()
}

/// Answers endpoints of the protocol that this collector does not have.
pub async fn no_such_endpoint() -> Response {
    let detail = "this collector takes POST /api/<project>/envelope/, /api/<project>/store/ and /log-error";
    Refusal::new(StatusCode::NOT_FOUND, "endpoint", detail).into_response()
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
