use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;
use crate::feed::Feed;
use crate::queue::{Accepted, Depth, Job, JobId, PushError, QueueError};
use crate::settings::Settings;
use crate::store::sqlite::SqliteStore;

/// Holds nothing and says of itself what it is told to say.
#[derive(Default)]
struct SaidDepth(Mutex<Depth>);

impl Queue for SaidDepth {
    fn push(&self, _: Accepted) -> BoxFuture<'_, Result<(), PushError>> {
        Box::pin(async { Err(PushError::Closed) })
    }
    fn wait(&self, _: Option<JobId>, timeout: Duration) -> bool {
        std::thread::park_timeout(timeout);
        false
    }
    fn take(&self, _: Option<JobId>, _: usize, _: usize) -> Result<Vec<Job>, QueueError> {
        Ok(Vec::new())
    }
    fn remove(&self, _: JobId) -> Result<(), QueueError> {
        Ok(())
    }
    fn depth(&self) -> Depth {
        *self.0.lock().unwrap()
    }
    fn close(&self) {}
}

struct Bench {
    folder: TempDir,
    queue: Arc<SaidDepth>,
    health: Health,
}

impl Bench {
    fn with_bytes(byte_count: u64) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let depth = Depth { job_count: 3, byte_count, byte_limit: 1000, oldest: None };
        let queue = Arc::new(SaidDepth(Mutex::new(depth)));
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap());
        let settings = Settings::default();
        let digest = Digest::start(queue.clone(), store.clone(), Feed::default(), &settings, || {}).unwrap();
        let metrics = Arc::default();
        let health = Health { queue: queue.clone(), store, digest: Arc::new(digest), metrics };
        Bench { folder, queue, health }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router(self.health.clone()).oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn ready(&self) -> (u16, serde_json::Value) {
        let (status, body) = self.get("/readyz").await;
        (status.as_u16(), serde_json::from_str(&body).unwrap())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.health.digest.stop();
    }
}

#[tokio::test]
async fn a_collector_with_nothing_wrong_is_ready() {
    let (status, body) = Bench::with_bytes(0).ready().await;
    assert_eq!((status, &body["status"]), (200, &"ready".into()), "{body}");
    for part in ["queue", "store", "digest"] {
        assert_eq!(body[part]["status"], "ok", "{body}");
    }
    assert_eq!((&body["queue"]["jobs"], &body["queue"]["limit_bytes"]), (&3.into(), &1000.into()));
}

#[tokio::test]
async fn a_store_that_another_process_locks_makes_it_degraded_but_able_to_accept() {
    let bench = Bench::with_bytes(0);
    let other = rusqlite::Connection::open(bench.folder.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (status, body) = bench.ready().await;
    assert_eq!((status, &body["status"]), (200, &"degraded".into()), "{body}");
    assert_eq!((&body["store"]["status"], &body["queue"]["status"]), (&"waiting".into(), &"ok".into()));
    assert!(body["store"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(bench.ready().await.1["status"], "ready");
}

#[tokio::test]
async fn a_queue_that_fills_up_makes_it_degraded_and_a_full_one_not_ready() {
    let bench = Bench::with_bytes(800);
    let (status, body) = bench.ready().await;
    assert_eq!((status, &body["queue"]["status"]), (200, &"nearly full".into()), "{body}");
    assert_eq!(body["status"], "degraded");
    bench.queue.0.lock().unwrap().byte_count = 1000;
    let (status, body) = bench.ready().await;
    assert_eq!((status, &body["status"]), (503, &"full".into()), "{body}");
}

#[tokio::test]
async fn a_digest_that_stopped_is_said() {
    let bench = Bench::with_bytes(0);
    bench.health.digest.stop();
    let (status, body) = bench.ready().await;
    assert_eq!((status, &body["status"]), (200, &"degraded".into()), "{body}");
    assert_eq!(body["digest"]["detail"], "stopped");
}

#[tokio::test]
async fn it_lives_and_tells_its_figures_whatever_the_store_does() {
    let bench = Bench::with_bytes(512);
    bench.health.metrics.accepted(2);
    bench.health.metrics.refused("quota");
    bench.health.metrics.ignored("transaction");
    bench.health.metrics.ignored("invented\n by\" a sender");
    bench.health.metrics.answered(Duration::from_millis(3));
    assert_eq!(bench.get("/healthz").await, (StatusCode::OK, "ok\n".into()));
    let (status, text) = bench.get("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    for line in [
        "error_sentinel_accepted_events_total 2",
        "error_sentinel_accepted_envelopes_total 1",
        "error_sentinel_refused_total{reason=\"quota\"} 1",
        "error_sentinel_ignored_items_total{kind=\"transaction\"} 1",
        "error_sentinel_ignored_items_total{kind=\"other\"} 1",
        "error_sentinel_acknowledgement_seconds_bucket{le=\"0.005\"} 1",
        "error_sentinel_queue_jobs 3",
        "error_sentinel_queue_bytes 512",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
