use bytes::Bytes;
use error_sentinel_wire::{ProjectId, UnixMs};
use rusqlite::Connection;

use super::*;
use crate::queue::Accepted;
use crate::queue::embedded::EmbeddedQueue;
use crate::store::Projects as _;

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_stop_waits_for_a_store_that_is_locked_for_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store_path = folder.path().join("store.db");
    let store = Arc::new(SqliteStore::open(&store_path).unwrap());
    store.create_project("default", PublicKey(1), UnixMs(0)).unwrap();
    let queue = Arc::new(EmbeddedQueue::open(&folder.path().join("queue.db"), 1 << 20).unwrap());
    let digest =
        Digest::start(queue.clone(), store.clone(), Feed::default(), &Settings::default(), || {}).unwrap();

    let other = Connection::open(&store_path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let envelope = Bytes::from_static(b"{}\n{\"type\":\"event\"}\n{\"message\":\"late\"}\n");
    let accepted =
        Accepted { project_id: ProjectId(1), received_at: clock::now(), remote_addr: None, envelope };
    queue.push(accepted).await.unwrap();
    until("digest waits", || matches!(digest.state(), State::Waiting { .. })).await;
    let release = async {
        tokio::task::yield_now().await;
        other.execute_batch("ROLLBACK").unwrap();
    };
    tokio::join!(drain(&*queue, &digest), release);
    assert_eq!(queue.depth().job_count, 0, "it was left to the next start");
}
