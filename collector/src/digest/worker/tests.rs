use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;
use error_sentinel_wire::ProjectId;
use error_sentinel_wire::PublicKey;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::*;
use crate::queue::{Accepted, Depth, Job, JobId, PushError, QueueError};
use crate::store::issue::{IssueQuery, Issues as _};
use crate::store::sqlite::SqliteStore;
use crate::store::{Events as _, Projects as _};

/// A queue in memory that can be told to fail.
#[derive(Default)]
struct Held {
    jobs: Mutex<BTreeMap<i64, Accepted>>,
    arrived: Condvar,
    removals_fail: Mutex<bool>,
}

impl Queue for Held {
    fn push(&self, accepted: Accepted) -> BoxFuture<'_, Result<(), PushError>> {
        let mut jobs = lock(&self.jobs);
        let id = jobs.last_key_value().map_or(1, |(id, _)| id + 1);
        jobs.insert(id, accepted);
        self.arrived.notify_all();
        futures_util::future::ready(Ok(())).boxed()
    }

    fn wait(&self, after: Option<JobId>, timeout: Duration) -> bool {
        let from = after.map_or(0, |id| id.0 + 1);
        let is_empty = |jobs: &mut BTreeMap<i64, Accepted>| jobs.range(from..).next().is_none();
        let (mut jobs, _) = self.arrived.wait_timeout_while(lock(&self.jobs), timeout, is_empty).unwrap();
        !is_empty(&mut jobs)
    }

    fn take(&self, after: Option<JobId>, max_jobs: usize, _: usize) -> Result<Vec<Job>, QueueError> {
        let from = after.map_or(0, |id| id.0 + 1);
        let jobs = lock(&self.jobs);
        let jobs = jobs.range(from..).take(max_jobs);
        Ok(jobs.map(|(id, accepted)| Job { id: JobId(*id), accepted: accepted.clone() }).collect())
    }

    fn remove(&self, up_to: JobId) -> Result<(), QueueError> {
        if *lock(&self.removals_fail) {
            return Err(QueueError("told to fail".into()));
        }
        lock(&self.jobs).retain(|id, _| *id > up_to.0);
        Ok(())
    }

    fn depth(&self) -> Depth {
        Depth { job_count: lock(&self.jobs).len() as u64, ..Depth::default() }
    }

    fn close(&self) {}
}

struct Stage {
    folder: tempfile::TempDir,
    queue: Arc<Held>,
    store: Arc<SqliteStore>,
    feed: Feed,
    rung: Arc<AtomicU64>,
    digest: Digest,
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap());
    store.create_project("default", PublicKey(1), UnixMs(0)).unwrap();
    let (queue, feed, rung) = (Arc::new(Held::default()), Feed::default(), Arc::new(AtomicU64::new(0)));
    let bell = rung.clone();
    let ring = move || {
        bell.fetch_add(1, Ordering::Relaxed);
    };
    let digest =
        Digest::start(queue.clone(), store.clone(), feed.clone(), &Settings::default(), ring).unwrap();
    Stage { folder, queue, store, feed, rung, digest }
}

impl Stage {
    fn push(&self, envelope: &str) {
        let accepted = Accepted {
            project_id: ProjectId(1),
            received_at: clock::now(),
            remote_addr: Some(IpAddr::from([203, 0, 113, 9])),
            envelope: Bytes::from(envelope.to_owned()),
        };
        self.queue.push(accepted).now_or_never().unwrap().unwrap();
    }

    fn push_event(&self, id: u128, message: &str) {
        let id = format!("{id:032x}");
        self.push(&format!(
            "{{}}\n{{\"type\":\"event\",\"event_id\":\"{id}\"}}\n{{\"message\":\"{message}\"}}\n"
        ));
    }

    /// Waits for what a thread does, for as long as a busy machine can need.
    fn until(&self, what: &str, is_so: impl Fn(&Stage) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_so(self) {
            assert!(
                Instant::now() < deadline,
                "{what}: {:?} {:?}",
                self.digest.state(),
                self.digest.counts()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn until_drained(&self) {
        self.until("drained", |stage| stage.queue.depth().job_count == 0);
    }

    fn issue_counts(&self) -> Vec<(String, u64)> {
        let query = IssueQuery { limit: 100, ..IssueQuery::default() };
        let mut found: Vec<_> = self
            .store
            .issues(&query)
            .unwrap()
            .items
            .into_iter()
            .map(|issue| (issue.title, issue.count))
            .collect();
        found.sort();
        found
    }
}

#[test]
fn what_is_accepted_becomes_issues_rings_and_shows() {
    let stage = stage();
    let mut pages = stage.feed.subscribe();
    stage.push_event(1, "disk 1 full");
    stage.push_event(2, "disk 2 full");
    stage.push_event(3, "no route");
    stage.push_event(2, "disk 2 full");
    stage.until_drained();
    assert_eq!(stage.issue_counts(), [("disk 1 full".to_owned(), 2), ("no route".to_owned(), 1)]);
    assert!(pages.try_recv().is_ok());
    stage.until("rung", |stage| stage.rung.load(Ordering::Relaxed) > 0);
    assert_eq!(stage.digest.state(), State::Running);
}

#[test]
fn what_cannot_be_understood_is_counted_and_passed_over() {
    let stage = stage();
    stage.push("nonsense");
    stage.push("{}\n{\"type\":\"event\"}\nnot json\n");
    stage.push("{}\n{\"type\":\"feedback\"}\n{}\n");
    stage.push_event(1, "good");
    stage.until_drained();
    assert_eq!(stage.issue_counts(), [("good".to_owned(), 1)]);
    let counts = stage.digest.counts();
    assert_eq!((counts.poison_count, counts.skipped_count), (2, 1));
}

#[test]
fn while_the_store_is_locked_the_jobs_stay_and_nothing_is_lost() {
    let stage = stage();
    let other = rusqlite::Connection::open(stage.folder.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for id in 1..=50 {
        stage.push_event(id, "locked out");
    }
    stage.until("waiting", |stage| matches!(stage.digest.state(), State::Waiting { .. }));
    assert_eq!(stage.queue.depth().job_count, 50);
    other.execute_batch("ROLLBACK").unwrap();
    stage.until_drained();
    stage.until("running", |stage| stage.digest.state() == State::Running);
    assert_eq!(stage.issue_counts(), [("locked out".to_owned(), 50)]);
}

#[test]
fn what_piled_up_is_recorded_in_its_order() {
    const COUNT: u128 = 200;
    let stage = stage();
    let other = rusqlite::Connection::open(stage.folder.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    stage.push_event(1, "piled up");
    stage.until("waiting", |stage| matches!(stage.digest.state(), State::Waiting { .. }));
    for id in 2..=COUNT {
        stage.push_event(id, "piled up");
    }
    other.execute_batch("ROLLBACK").unwrap();
    stage.until_drained();
    let mut statement = other.prepare("SELECT event_id FROM event ORDER BY sequence").unwrap();
    let ids = statement.query_map([], |row| row.get::<_, [u8; 16]>(0)).unwrap();
    let ids: Vec<u128> = ids.map(|id| u128::from_be_bytes(id.unwrap())).collect();
    assert_eq!(ids, (1..=COUNT).collect::<Vec<_>>());
}

#[test]
fn a_queue_that_cannot_forget_costs_no_count() {
    let stage = stage();
    *lock(&stage.queue.removals_fail) = true;
    stage.push_event(1, "once");
    stage.until("failed", |stage| stage.digest.counts().failure_count > 0);
    stage.push_event(2, "once");
    stage.until("recorded", |stage| stage.digest.counts().event_count >= 2);
    *lock(&stage.queue.removals_fail) = false;
    stage.push_event(3, "once");
    stage.until_drained();
    assert_eq!(stage.issue_counts(), [("once".to_owned(), 3)]);
}

#[test]
fn stopping_ends_the_thread_and_leaves_the_rest_in_the_queue() {
    let stage = stage();
    stage.digest.stop();
    stage.push_event(1, "late");
    assert_eq!(stage.digest.state(), State::Stopped);
    assert_eq!(stage.queue.depth().job_count, 1);
    stage.digest.stop();
}

#[test]
fn the_stored_event_is_scrubbed_and_knows_its_sender() {
    let stage = stage();
    let id = format!("{:032x}", 7);
    stage.push(&format!(
        "{{}}\n{{\"type\":\"event\",\"event_id\":\"{id}\"}}\n{{\"message\":\"password=hunter2\",\"user\":{{\"ip_address\":\"{{{{auto}}}}\"}}}}\n"
    ));
    stage.until_drained();
    let stored = stage.store.event(error_sentinel_wire::EventId(7)).unwrap().unwrap();
    let payload = String::from_utf8(stored.payload.unwrap()).unwrap();
    assert!(payload.contains("203.0.113.9") && !payload.contains("hunter2"), "{payload}");
    assert_eq!(stored.grouping.keys[0].kind, "message");
}
