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
    empties_after_it_is_closed(ROOM),
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
    Connection::open(folder.path()).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let error = EmbeddedQueue::open(&folder.path(), ROOM).unwrap_err();
    assert!(error.0.contains("newer release"), "{error}");
}

#[test]
fn a_queue_of_the_first_release_gives_what_it_holds() {
    let folder = Folder::new();
    let envelope = bytes::Bytes::from("{\"type\":\"event\"}\n".repeat(1000));
    let queue = folder.open(ROOM);
    push(&queue, Accepted { envelope: envelope.clone(), ..accepted(1, 4) }).unwrap();
    queue.close();
    drop(queue);
    // It was all zstd then.
    let conn = Connection::open(folder.path()).unwrap();
    conn.execute("UPDATE job SET envelope = ?1", [database::packing::pack(&envelope)]).unwrap();
    conn.pragma_update(None, "user_version", 1).unwrap();
    drop(conn);
    let queue = folder.open(ROOM);
    push(&queue, Accepted { envelope: envelope.clone(), ..accepted(2, 4) }).unwrap();
    let jobs = queue.take(None, 10, ROOM as usize).unwrap();
    assert!(jobs.iter().all(|job| job.accepted.envelope == envelope) && jobs.len() == 2, "{jobs:?}");
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
fn what_is_on_its_way_to_the_disk_is_bounded_though_nobody_waits_for_it() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    queue.reserve(PENDING_BYTES_MAX).unwrap();
    assert_eq!(queue.reserve(1), Err(PushError::Full { held_bytes: PENDING_BYTES_MAX }));
    assert!(u64::try_from(limits::ENVELOPE_BYTES).unwrap() < PENDING_BYTES_MAX, "the largest gets through");
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
fn an_empty_queue_gives_its_space_back_when_it_closes_and_one_that_holds_something_keeps_it() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    for number in 0..100 {
        push(&queue, accepted(number, 400_000)).unwrap();
    }
    queue.remove(JobId(99)).unwrap();
    drop(queue);
    assert!(database::size_bytes(&folder.path()).unwrap() > 20_000_000);
    let queue = folder.open(ROOM);
    assert_eq!(numbers_held(&queue), [99]);
    queue.remove(JobId(100)).unwrap();
    drop(queue);
    assert!(database::size_bytes(&folder.path()).unwrap() < 200_000);
    let queue = folder.open(ROOM);
    push(&queue, accepted(100, 100)).unwrap();
    assert_eq!(numbers_held(&queue), [100]);
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
fn a_reader_that_stays_lets_the_log_grow_to_its_bound_and_no_further() {
    const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;
    let folder = Folder::new();
    let queue = EmbeddedQueue::open_bounded(&folder.path(), ROOM, LOG_BYTES_MAX).unwrap();
    let log_bytes = || database::log_bytes(&folder.path()).unwrap();
    push(&queue, accepted(0, 100)).unwrap();
    let reader = Connection::open(folder.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM job").unwrap();
    let mut held = 1;
    let refused = loop {
        match push(&queue, accepted(held, 200_000)) {
            Ok(()) => held += 1,
            Err(error) => break error,
        }
        assert!(log_bytes() < 2 * LOG_BYTES_MAX, "{} bytes of log", log_bytes());
    };
    assert!(matches!(refused, PushError::Full { held_bytes } if held_bytes > LOG_BYTES_MAX), "{refused:?}");
    // What is held can be taken and removed all the same.
    queue.remove(queue.take(None, 3, usize::MAX).unwrap()[2].id).unwrap();
    assert!(log_bytes() < 2 * LOG_BYTES_MAX, "{} bytes of log", log_bytes());

    reader.execute_batch("COMMIT").unwrap();
    eventually("a push succeeds", || push(&queue, accepted(held, 200_000)).is_ok());
    assert!(log_bytes() < LOG_BYTES_MAX, "{} bytes of log", log_bytes());
    assert_eq!(numbers_held(&queue), (3..=held).collect::<Vec<_>>());
}

fn numbers_held(queue: &EmbeddedQueue) -> Vec<u32> {
    let jobs = queue.take(None, usize::MAX, usize::MAX).unwrap();
    jobs.iter().map(|job| u32::from_be_bytes(job.accepted.envelope[..4].try_into().unwrap())).collect()
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

/// Writes nonsense over a page of the file.
fn scramble(path: &Path, page: u64) {
    use std::os::unix::fs::FileExt;
    let file = fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&[0xa5; 16 * 1024], page * 16 * 1024).unwrap();
}

#[test]
fn of_a_damaged_queue_every_job_that_can_be_read_is_kept_and_the_file_put_aside() {
    let folder = Folder::new();
    let queue = folder.open(ROOM);
    for number in 0..100 {
        push(&queue, accepted(number, 12_000)).unwrap();
    }
    queue.remove(queue.take(None, 10, usize::MAX).unwrap()[9].id).unwrap();
    drop(queue);
    let pages = fs::metadata(folder.path()).unwrap().len() / (16 * 1024);
    scramble(&folder.path(), pages / 2);
    let rescue = EmbeddedQueue::rescue(&folder.path()).unwrap();
    let queue = folder.open(ROOM);
    let held = numbers_held(&queue);
    assert_eq!(rescue.job_count, held.len() as u64);
    // One page holds one job, or a part of one.
    assert!(held.len() >= 87 && held.iter().all(|number| (10..100).contains(number)), "{held:?}");
    assert_eq!(queue.depth().job_count, rescue.job_count);
    push(&queue, accepted(100, 12_000)).unwrap();
    assert!(rescue.aside.exists());
}

#[test]
fn a_queue_of_which_nothing_can_be_read_leaves_an_empty_one() {
    let folder = Folder::new();
    fs::write(folder.path(), "this is no database, and long enough to be read as one".repeat(2000)).unwrap();
    assert_eq!(EmbeddedQueue::rescue(&folder.path()).unwrap().job_count, 0);
    push(&folder.open(ROOM), accepted(0, 10)).unwrap();
    let rescue = EmbeddedQueue::rescue(&folder.path()).unwrap();
    assert_eq!(rescue.job_count, 1, "what was put aside before is replaced");
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
