use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::queue::conformance::{self, accepted};

const ROOM: u64 = 1 << 30;

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("queue.db")
    }

    fn open(&self, limit_bytes: u64) -> EmbeddedQueue {
        EmbeddedQueue::open(&self.path(), limit_bytes).unwrap()
    }
}

/// What lies on the disk at this moment, as a machine that stops here would leave it.
fn copy_of(from: &Path, folder: &Path) -> EmbeddedQueue {
    let to = folder.join("queue.db");
    for suffix in ["", "-wal"] {
        fs::copy(database::beside(from, suffix), database::beside(&to, suffix)).unwrap();
    }
    EmbeddedQueue::open(&to, ROOM).unwrap()
}

macro_rules! conforms {
    ($($promise:ident($limit:expr)),* $(,)?) => {$(
        #[test]
        fn $promise() {
            let folder = Folder::new();
            conformance::$promise(&folder.open($limit));
        }
    )*};
}

conforms! {
    gives_what_was_pushed_in_order(ROOM),
    bounds_a_batch(ROOM),
    refuses_at_its_bound(200_000),
    refuses_at_its_bound_under_load(200_000),
    removes_what_it_is_told(ROOM),
    wakes_who_waits(ROOM),
    serves_many_at_once(ROOM),
}

#[test]
fn keeps_what_it_acknowledged() {
    let folder = Folder::new();
    conformance::keeps_what_it_acknowledged(&mut || Arc::new(folder.open(ROOM)));
}

#[test]
fn closes() {
    let folder = Folder::new();
    conformance::closes(&mut || Arc::new(folder.open(ROOM)));
}

#[test]
fn acknowledges_only_what_is_stored() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    let mut copies = Vec::new();
    conformance::acknowledges_only_what_is_stored(&queue, &mut || {
        let copy = tempfile::tempdir().unwrap();
        let queue = copy_of(&folder.path(), copy.path());
        copies.push(copy);
        Arc::new(queue)
    });
}

fn push(queue: &EmbeddedQueue, accepted: Accepted) -> Result<(), PushError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(queue.push(accepted))
}

/// Waits for something that another thread does.
fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline, "it never came true that {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_queue_of_a_newer_release_is_refused() {
    let folder = Folder::new();
    drop(folder.open(ROOM));
    Connection::open(folder.path()).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = EmbeddedQueue::open(&folder.path(), ROOM).unwrap_err();
    assert!(error.0.contains("newer release"), "{error}");
}

#[test]
fn what_packs_well_counts_as_little_as_it_takes() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    let envelope = bytes::Bytes::from("{\"type\":\"event\"}\n".repeat(1000));
    push(&queue, Accepted { envelope, ..accepted(1, 4) }).unwrap();
    assert!(queue.depth().byte_count < 1000, "{:?}", queue.depth());
}

#[test]
fn removed_rows_are_cleared_away_and_their_space_is_used_again() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    let rows = Connection::open(folder.path()).unwrap();
    let mut pages = Vec::new();
    for round in 0..3 {
        for number in 0..200 {
            push(&queue, accepted(round * 200 + number, 12_000)).unwrap();
        }
        queue.remove(JobId(i64::MAX)).unwrap();
        eventually("no row is left", || {
            rows.query_row("SELECT count(*) FROM job", [], |row| row.get::<_, i64>(0)).unwrap() == 0
        });
        pages.push(rows.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap());
    }
    assert!(pages[2] <= pages[0] + 4, "{pages:?}");
}

#[test]
fn a_long_log_begins_anew_under_steady_load() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    for number in 0..400 {
        push(&queue, accepted(number, 200_000)).unwrap();
    }
    let log_bytes = fs::metadata(database::beside(&folder.path(), "-wal")).unwrap().len();
    assert!(log_bytes < 60 * 1024 * 1024, "{log_bytes} bytes of log after 80 MB");
}

#[test]
fn a_write_that_fails_is_not_acknowledged_and_the_queue_recovers_by_itself() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    push(&queue, accepted(0, 100)).unwrap();
    // A lock of another process stands for a disk that refuses: both end in an error of the write.
    let intruder = Connection::open(folder.path()).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = push(&queue, accepted(1, 100)).unwrap_err();
    assert!(matches!(refused, PushError::Storage(_)), "{refused:?}");
    assert_eq!(queue.depth().job_count, 1);
    intruder.execute_batch("ROLLBACK").unwrap();
    eventually("a push succeeds", || push(&queue, accepted(2, 100)).is_ok());
    let numbers: Vec<_> = queue.take(None, 10, usize::MAX).unwrap();
    assert_eq!(numbers.len(), 2);
    assert_eq!(numbers[1].accepted, accepted(2, 100));
}

#[test]
fn after_a_failure_the_log_is_restarted_before_anything_is_acknowledged() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    push(&queue, accepted(0, 100)).unwrap();
    let intruder = Connection::open(folder.path()).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    push(&queue, accepted(1, 100)).unwrap_err();
    intruder.execute_batch("ROLLBACK").unwrap();
    // A reader keeps the old log alive, so nothing may be appended to it yet.
    intruder.execute_batch("BEGIN; SELECT * FROM job").unwrap();
    thread::sleep(REOPENED);
    assert!(matches!(push(&queue, accepted(2, 100)), Err(PushError::Storage(_))));
    intruder.execute_batch("COMMIT").unwrap();
    eventually("a push succeeds", || push(&queue, accepted(3, 100)).is_ok());
}

/// Longer than the pause between two tries to open a failed file.
const REOPENED: Duration = Duration::from_millis(60);

#[test]
fn a_damaged_envelope_does_not_keep_back_the_next() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    let packed = bytes::Bytes::from(vec![b'x'; 10_000]);
    push(&queue, Accepted { envelope: packed, ..accepted(0, 4) }).unwrap();
    let rot = Connection::open(folder.path()).unwrap();
    rot.execute("UPDATE job SET envelope = x'00112233'", []).unwrap();
    assert!(queue.take(None, 10, usize::MAX).is_err());
    push(&queue, accepted(1, 100)).unwrap();
    let jobs = queue.take(None, 10, usize::MAX).unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].accepted, accepted(1, 100));
}

#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Remove(usize),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (4usize..3000).prop_map(Step::Push),
        2 => (0usize..12).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn it_holds_what_a_list_would_hold(steps in steps()) {
        const LIMIT: u64 = 20_000;
        let folder = Folder::new();
        let mut queue = folder.open(LIMIT);
        let mut model: Vec<Accepted> = Vec::new();
        for (number, step) in (0u32..).zip(steps) {
            match step {
                Step::Push(bytes) => match push(&queue, accepted(number, bytes)) {
                    Ok(()) => model.push(accepted(number, bytes)),
                    Err(error) => {
                        let full = PushError::Full { held_bytes: queue.depth().byte_count };
                        prop_assert_eq!(error, full);
                        prop_assert!(queue.depth().byte_count + bytes as u64 + 200 > LIMIT);
                    }
                },
                Step::Remove(count) => {
                    let jobs = queue.take(None, count.max(1), usize::MAX).unwrap();
                    if let Some(last) = jobs.last().filter(|_| count > 0) {
                        queue.remove(last.id).unwrap();
                        model.drain(..jobs.len());
                    }
                }
                Step::Reopen => {
                    drop(queue);
                    queue = folder.open(LIMIT);
                }
            }
            let depth = queue.depth();
            prop_assert_eq!(depth.job_count, model.len() as u64);
            prop_assert_eq!(depth.oldest, model.first().map(|first| first.received_at));
            prop_assert!(depth.byte_count <= LIMIT);
        }
        let held = queue.take(None, usize::MAX, usize::MAX).unwrap();
        let held: Vec<_> = held.into_iter().map(|job| job.accepted).collect();
        prop_assert_eq!(held, model);
    }
}
