//! The protocol at the router, line by line, with a queue that only remembers.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, StatusCode};
use error_sentinel_wire::{ProjectId, PublicKey, envelope, limits};
use futures_util::future::BoxFuture;
use tower::ServiceExt;

use super::*;
use crate::queue::{Accepted, Depth, Job, JobId, PushError, QueueError};
use crate::settings::RateLimit;
use crate::store::StoreError;

mod hostile;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const ID: &str = "fc6d8c0c43fc4630ad850ee518f1b9d0";

#[derive(Default)]
struct FakeQueue {
    held: Mutex<Vec<Accepted>>,
    refuses: Mutex<Option<PushError>>,
}

impl Queue for FakeQueue {
    fn push(&self, accepted: Accepted) -> BoxFuture<'_, Result<(), PushError>> {
        let outcome = match self.refuses.lock().unwrap().clone() {
            Some(error) => Err(error),
            None => {
                self.held.lock().unwrap().push(accepted);
                Ok(())
            }
        };
        Box::pin(async { outcome })
    }
    fn wait(&self, _: Option<JobId>, _: Duration) -> bool {
        false
    }
    fn take(&self, _: Option<JobId>, _: usize, _: usize) -> Result<Vec<Job>, QueueError> {
        Ok(Vec::new())
    }
    fn remove(&self, _: JobId) -> Result<(), QueueError> {
        Ok(())
    }
    fn depth(&self) -> Depth {
        Depth::default()
    }
    fn close(&self) {}
}

struct OneKey;

impl KeySource for OneKey {
    fn project_of(&self, key: PublicKey) -> Result<Option<ProjectId>, StoreError> {
        Ok((key == PublicKey::parse(KEY).unwrap()).then_some(ProjectId(1)))
    }
}

struct Bench {
    queue: Arc<FakeQueue>,
    router: Router,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(Settings::default())
    }

    fn with(settings: Settings) -> Bench {
        let queue = Arc::new(FakeQueue::default());
        let deps = Deps {
            queue: queue.clone(),
            keys: Arc::new(OneKey),
            settings: Arc::new(settings),
            metrics: Arc::default(),
        };
        Bench { queue, router: router(deps) }
    }

    async fn send(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let mut request: Request<Body> = request.body(body.into()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 4711))));
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn envelope(&self, body: impl Into<Body>) -> Answer {
        self.send(post(&format!("/api/1/envelope/?sentry_key={KEY}")), body).await
    }

    /// Kind, id and payload of every item held.
    fn held(&self) -> Vec<(String, String, String)> {
        let held = self.queue.held.lock().unwrap();
        let mut found = Vec::new();
        for accepted in held.iter() {
            let (_, items) = envelope::open(&accepted.envelope).unwrap();
            for item in items {
                let item = item.unwrap();
                let id = item.header.event_id.map(|id| id.to_string()).unwrap_or_default();
                found.push((item.header.kind, id, String::from_utf8(item.payload.to_vec()).unwrap()));
            }
        }
        found
    }

    fn held_payloads(&self) -> Vec<String> {
        self.held().into_iter().map(|(_, _, payload)| payload).collect()
    }
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: serde_json::Value,
}

impl Answer {
    async fn of(response: Response<Body>) -> Answer {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

fn post(uri: &str) -> axum::http::request::Builder {
    Request::builder().method(Method::POST).uri(uri)
}

fn one_event(payload: &str) -> String {
    format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{payload}")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Brotli's way of not compressing: one block of plain bytes, then the end.
fn brotli_stored(bytes: &[u8]) -> Vec<u8> {
    // A window of 16 bits; a block that is not the last, its length less one in four nibbles, plain.
    let head = u32::try_from(bytes.len() - 1).unwrap() << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], bytes, &[0b11]].concat()
}

#[tokio::test]
async fn line_1_a_browsers_envelope_without_length_or_final_newline_is_held() {
    let bench = Bench::new();
    let answer = bench.envelope(one_event(r#"{"message":"x"}"#)).await;
    assert_eq!((answer.status, answer.body["id"].as_str()), (StatusCode::OK, Some(ID)));
    assert_eq!(bench.held(), [("event".into(), ID.into(), r#"{"message":"x"}"#.into())]);
    assert_eq!(answer.header("x-error-sentinel"), "batch");
    assert_eq!(answer.header("x-sentry-rate-limits"), "", "SDKs would empty their offline queue slowly");
}

#[tokio::test]
async fn line_2_no_content_type_and_any_content_type_are_taken() {
    for kind in ["", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let bench = Bench::new();
        let mut request = post(&format!("/api/1/envelope/?sentry_key={KEY}"));
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        assert_eq!(bench.send(request, one_event("{}")).await.status, StatusCode::OK, "{kind}");
        assert_eq!(bench.held().len(), 1);
    }
}

#[tokio::test]
async fn line_3_a_gzipped_body_may_arrive_in_pieces_without_a_length() {
    let bench = Bench::new();
    let bytes = gzip(one_event(r#"{"a":1}"#).as_bytes());
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        bytes.chunks(7).map(|piece| Ok(piece.to_vec())).collect();
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let request = post(&format!("/api/1/envelope/?sentry_key={KEY}")).header("content-encoding", "gzip");
    assert_eq!(bench.send(request, body).await.status, StatusCode::OK);
    assert_eq!(bench.held_payloads(), [r#"{"a":1}"#]);
}

#[tokio::test]
async fn line_4_to_6_every_content_encoding_is_undone_and_an_empty_one_ignored() {
    let plain = one_event(r#"{"a":1}"#).into_bytes();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&plain).unwrap();
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    raw.write_all(&plain).unwrap();
    for (encoding, body) in [
        ("", plain.clone()),
        ("UTF-8", plain.clone()),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("zstd", zstd::encode_all(&plain[..], 1).unwrap()),
        ("br", brotli_stored(&plain)),
    ] {
        let bench = Bench::new();
        let request =
            post(&format!("/api/1/envelope/?sentry_key={KEY}")).header("content-encoding", encoding);
        assert_eq!(bench.send(request, body).await.status, StatusCode::OK, "{encoding}");
        assert_eq!(bench.held_payloads(), [r#"{"a":1}"#], "{encoding}");
    }
}

#[tokio::test]
async fn line_7_a_key_is_found_in_header_query_and_envelope() {
    let with_dsn = format!("{{\"dsn\":\"https://{KEY}@host/1\"}}\n{{\"type\":\"event\"}}\n{{}}");
    for (request, body) in [
        (
            post("/api/1/envelope/").header("x-sentry-auth", format!("Sentry sentry_key={KEY}")),
            one_event("{}"),
        ),
        (post("/api/1/envelope/").header("authorization", format!("Bearer {KEY}")), one_event("{}")),
        (post(&format!("/api/1/envelope/?sentry_key={KEY}")), one_event("{}")),
        (post("/api/1/envelope/"), with_dsn.clone()),
        (post(&format!("/api/1/envelope/?sentry_key={KEY}")), with_dsn),
        (
            post(&format!("/api/1/envelope/?sentry_key={KEY}"))
                .header("authorization", "Bearer app.login.token"),
            one_event("{}"),
        ),
    ] {
        assert_eq!(Bench::new().send(request, body).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn line_7_a_missing_or_wrong_key_is_answered_with_what_to_do() {
    for (uri, status, words) in [
        ("/api/1/envelope/", 401, "no key was sent"),
        ("/api/1/envelope/?sentry_key=short", 401, "32 hexadecimal digits"),
        ("/api/1/envelope/?sentry_key=ffffffffffffffffffffffffffffffff", 403, "unknown here"),
        ("/api/2/envelope/?sentry_key=0123456789abcdef0123456789abcdef", 403, "belongs to project 1"),
        ("/log-error", 401, "no key was sent"),
    ] {
        let bench = Bench::new();
        let answer = bench.send(post(uri), one_event("{}")).await;
        assert_eq!(answer.status.as_u16(), status, "{uri}");
        assert!(answer.detail().contains(words), "{uri}: {}", answer.detail());
        assert_eq!(answer.header("x-sentry-error"), answer.detail());
        assert!(bench.held().is_empty());
    }
}

#[tokio::test]
async fn line_8_every_answer_can_be_read_by_a_page_of_any_origin() {
    let bench = Bench::new();
    let big = vec![b' '; limits::REQUEST_BYTES + 1];
    let key = format!("?sentry_key={KEY}");
    let answers = [
        (200, bench.envelope(one_event("{}")).await),
        (204, bench.send(Request::builder().method("OPTIONS").uri("/api/1/envelope/"), "").await),
        (204, bench.send(Request::builder().method("OPTIONS").uri("/log-error"), "").await),
        (400, bench.envelope("nonsense").await),
        (401, bench.send(post("/api/1/store/"), "{}").await),
        (404, bench.send(post("/api/1/minidump/"), "").await),
        (405, bench.send(Request::builder().uri("/api/1/envelope/"), "").await),
        (413, bench.send(post(&format!("/api/1/envelope/{key}")), big).await),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{status}");
        assert!(answer.header("access-control-expose-headers").contains("x-sentry-rate-limits"), "{status}");
    }
}

#[tokio::test]
async fn line_8_a_preflight_allows_what_sdks_and_tracing_applications_send() {
    let answer = Bench::new().send(Request::builder().method("OPTIONS").uri("/api/1/envelope"), "").await;
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    assert_eq!(answer.header("access-control-max-age"), "3600");
    let allowed: Vec<&str> = answer.header("access-control-allow-headers").split(", ").collect();
    for name in
        ["x-sentry-auth", "content-type", "content-encoding", "sentry-trace", "baggage", "x-sentinel-key"]
    {
        assert!(allowed.contains(&name), "{name}: {allowed:?}");
    }
}

#[tokio::test]
async fn line_9_10_12_items_of_other_types_never_cost_the_event() {
    let bench = Bench::new();
    let answer = bench
        .envelope(format!(
            "{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"mystery\"}}\n{{}}\n{{\"type\":\"attachment\",\"length\":3}}\na\nb\n\
             {{\"type\":\"attachment\",\"length\":0}}\n\n{{\"type\":\"event\"}}\n{{}}\n\
             {{\"type\":\"attachment\",\"length\":0}}"
        ))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(bench.held().len(), 1);
}

#[tokio::test]
async fn line_11_a_wrong_length_is_named_and_the_good_item_before_it_held() {
    let bench = Bench::new();
    let answer =
        bench.envelope(format!("{}\n{{\"type\":\"event\",\"length\":999}}\n{{}}", one_event("{}"))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.detail().contains("999 bytes, but only 2 follow"), "{}", answer.detail());
    assert_eq!((bench.held().len(), answer.body["id"].as_str()), (1, Some(ID)));
}

#[tokio::test]
async fn line_13_two_events_are_both_held_under_their_own_ids() {
    let bench = Bench::new();
    let other = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    let event = |id: &str| format!("{{\"type\":\"event\"}}\n{{\"event_id\":\"{id}\"}}\n");
    let answer = bench.envelope(format!("{{\"event_id\":\"{ID}\"}}\n{}{}", event(ID), event(other))).await;
    assert_eq!((answer.status, answer.body["id"].as_str()), (StatusCode::OK, Some(ID)));
    let ids: Vec<String> = bench.held().into_iter().map(|(_, id, _)| id).collect();
    assert_eq!(ids, [ID, other]);
}

#[tokio::test]
async fn line_14_an_envelope_of_sessions_only_is_fine_and_holds_nothing() {
    let bench = Bench::new();
    let answer = bench.envelope("{}\n{\"type\":\"session\"}\n{}\n").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("x-sentry-rate-limits"), "", "each page sends one, beside its offline queue");
    assert!(bench.held().is_empty());
    let answer = bench.envelope("{}\n{\"type\":\"transaction\"}\n{}\n{\"type\":\"session\"}\n{}\n").await;
    assert!(answer.header("x-sentry-rate-limits").starts_with("86400:transaction;span;"));
}

#[tokio::test]
async fn line_15_client_reports_are_held() {
    let bench = Bench::new();
    bench.envelope("{}\n{\"type\":\"client_report\"}\n{\"discarded_events\":[]}").await;
    assert_eq!(bench.held()[0].0, "client_report");
}

#[tokio::test]
async fn line_17_an_event_over_the_limit_is_refused_and_the_rest_held() {
    let bench = Bench::new();
    let big = format!("{{\"x\":\"{}\"}}", "y".repeat(limits::EVENT_BYTES));
    let answer = bench
        .envelope(format!(
            "{{}}\n{{\"type\":\"event\"}}\n{big}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{ID}\"}}"
        ))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.detail().contains("item 0: the event is over 1048576 bytes"), "{}", answer.detail());
    assert_eq!(bench.held()[0].1, ID);
}

#[tokio::test]
async fn line_18_a_bomb_is_refused() {
    let bench = Bench::new();
    let bomb = gzip(&vec![b'0'; 4 * limits::ENVELOPE_BYTES]);
    let request = post(&format!("/api/1/envelope/?sentry_key={KEY}")).header("content-encoding", "gzip");
    assert_eq!(bench.send(request, bomb).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn line_19_the_trailing_slash_may_be_missing() {
    for uri in ["/api/1/envelope", "/api/1/envelope/"] {
        let bench = Bench::new();
        assert_eq!(bench.send(post(&format!("{uri}?sentry_key={KEY}")), one_event("{}")).await.status, 200);
    }
    let bench = Bench::new();
    assert_eq!(bench.send(post(&format!("/log-error?key={KEY}")), r#"{"message":"x"}"#).await.status, 202);
}

#[tokio::test]
async fn line_20_a_full_quota_names_its_categories_and_holds_nothing_more() {
    let bench = Bench::with(Settings {
        rate_limit: RateLimit::PerMinute { per_minute: 1, burst: 3 },
        ..Settings::default()
    });
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(bench.envelope(one_event("{}")).await);
    }
    assert_eq!(statuses.iter().filter(|answer| answer.status == 200).count(), 3);
    assert_eq!(bench.held().len(), 3);
    let refused = statuses.last().unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(
        refused.header("x-sentry-rate-limits"),
        format!("{seconds}:error;default;security;feedback:project:quota")
    );
    let transaction = bench.envelope("{}\n{\"type\":\"transaction\"}\n{}").await;
    assert_eq!(transaction.status, StatusCode::OK, "what costs nothing is not refused");
}

#[tokio::test(start_paused = true)]
async fn who_is_over_the_limit_waits_to_hear_it_and_nobody_else_does() {
    let bench = Bench::with(Settings {
        rate_limit: RateLimit::PerMinute { per_minute: 1, burst: 1 },
        ..Settings::default()
    });
    let begun = tokio::time::Instant::now();
    assert_eq!(bench.envelope(one_event("{}")).await.status, 200);
    assert_eq!(bench.envelope("nonsense").await.status, 400);
    assert!(begun.elapsed() < Duration::from_millis(50));
    assert_eq!(bench.envelope(one_event("{}")).await.status, 429);
    assert!(begun.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn line_23_a_store_body_without_id_gets_one() {
    let bench = Bench::new();
    let answer =
        bench.send(post(&format!("/api/1/store/?sentry_key={KEY}")), r#"{"message":"x","n":NaN}"#).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["id"].as_str(), Some(bench.held()[0].1.as_str()));
    assert_eq!(bench.held()[0].1.len(), 32);
}

#[tokio::test]
async fn line_23_a_store_body_may_be_base64_or_an_envelope_and_names_the_key_first() {
    let uri = format!("/api/1/store/?sentry_key={KEY}");
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, r#"{"message":"x"}"#);
    for (content_type, body) in [
        ("application/octet-stream", encoded),
        ("application/x-sentry-envelope", one_event(r#"{"message":"x"}"#)),
    ] {
        let bench = Bench::new();
        let answer = bench.send(post(&uri).header("content-type", content_type), body).await;
        assert_eq!(answer.status, StatusCode::OK, "{content_type}");
        assert_eq!(bench.held_payloads(), [r#"{"message":"x"}"#]);
    }
    assert_eq!(Bench::new().send(post("/api/1/store/"), "nonsense").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(Bench::new().send(post(&uri), "nonsense").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_event_just_below_the_limit_is_taken_at_every_door() {
    let long = "y".repeat(limits::EVENT_BYTES - 100);
    let event = format!("{{\"message\":\"{long}\"}}");
    for (uri, body) in [
        ("/api/1/envelope/", one_event(&event)),
        ("/api/1/store/", event.clone()),
        ("/log-error", event.clone()),
    ] {
        let bench = Bench::new();
        let answer = bench.send(post(uri).header("x-sentinel-key", KEY), body).await;
        assert!(answer.status.is_success(), "{uri}: {}", answer.body);
        assert_eq!(bench.held().len(), 1);
    }
}

#[tokio::test]
async fn log_error_is_answered_202_with_the_id_once_it_is_held() {
    let bench = Bench::new();
    let request = post("/log-error").header("x-sentinel-key", KEY);
    let answer = bench.send(request, format!(r#"{{"message":"disk full","event_id":"{ID}"}}"#)).await;
    assert_eq!((answer.status, answer.body["id"].as_str()), (StatusCode::ACCEPTED, Some(ID)));
    assert!(bench.held_payloads()[0].contains("disk full"));

    let request = post("/log-error").header("x-sentinel-key", KEY);
    let answer = bench.send(request, "message=disk+full").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.detail().starts_with("the body is not valid JSON"), "{}", answer.detail());
}

#[tokio::test]
async fn nothing_is_acknowledged_that_the_queue_did_not_take() {
    for (error, status) in [
        (PushError::Full { held_bytes: 1 }, StatusCode::TOO_MANY_REQUESTS),
        (PushError::Storage("/secret/path: disk full".into()), StatusCode::SERVICE_UNAVAILABLE),
        (PushError::Closed, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let bench = Bench::new();
        *bench.queue.refuses.lock().unwrap() = Some(error);
        let answer = bench.envelope(one_event("{}")).await;
        assert_eq!(answer.status, status);
        assert!(!answer.header("retry-after").is_empty());
        assert!(!answer.detail().contains("secret"), "the disk's words are not for senders");
    }
}
