//! Files that were cut or scrambled while nobody ran: refused in words, or served; never a panic, never a hang.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use error_sentinel_tests::payload::Numbers;
use error_sentinel_tests::store_file::Locked;
use error_sentinel_tests::{Request, Setup, short_or_long};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::load_kept::{Account, stored_ids};

/// The files of a collector that was killed, their logs beside them.
fn killed_folder() -> TempDir {
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 4096);
    account.load_during(&mut collector, |collector| {
        thread::sleep(Duration::from_millis(500));
        collector.kill();
    });
    copy_of(collector.data_dir())
}

fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    copy
}

/// Starts on the folder; says whether it came up. What it says when it refuses names the trouble.
#[track_caller]
fn outlive(what: &str, folder: TempDir) -> bool {
    let collector = match Setup::default().set("RATE_LIMIT", "off").try_start_on(folder) {
        Ok(collector) => collector,
        Err(said) => {
            assert!(!said.contains("panicked") && !said.contains("signal"), "{what}: {said}");
            assert!(said.contains("error-sentinel") || said.contains("damaged"), "{what}: {said}");
            return false;
        }
    };
    assert_eq!(collector.send(&Request::get("/healthz")).status, 200, "{what}");
    let body = json!({"message": "after the damage"}).to_string();
    let request = Request::post("/log-error", body).header("X-Sentinel-Key", collector.key());
    let status = collector.send(&request).status;
    // A file whose page of projects is gone knows no key.
    assert!(matches!(status, 202 | 403 | 429 | 503), "{what}: {status}");
    let mut collector = collector;
    collector.terminate(PATIENCE);
    assert!(!collector.log().contains("panicked"), "{what}: {}", collector.log());
    true
}

#[test]
fn cut_files_are_refused_in_words_or_served() {
    let folder = killed_folder();
    let mut served = Vec::new();
    for name in ["queue.db", "queue.db-wal", "queue.db-shm", "store.db", "store.db-wal", "store.db-shm"] {
        let bytes = fs::metadata(folder.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}")).len();
        for left in [0, 50, bytes / 2, bytes.saturating_sub(1)] {
            let copy = copy_of(folder.path());
            let file = File::options().write(true).open(copy.path().join(name)).expect("it is there");
            file.set_len(left).expect("cut");
            served.push(outlive(&format!("{name} cut to {left} of {bytes}"), copy));
        }
        let copy = copy_of(folder.path());
        fs::remove_file(copy.path().join(name)).expect("removed");
        served.push(outlive(&format!("{name} removed"), copy));
    }
    println!("{} cut files: {} served", served.len(), served.iter().filter(|served| **served).count());
}

#[test]
fn scrambled_files_are_refused_in_words_or_served() {
    let folder = killed_folder();
    let mut numbers = Numbers::new(2027);
    let rounds = short_or_long(12, 200);
    let mut served = 0;
    for round in 0..rounds {
        let names = ["queue.db", "queue.db-wal", "store.db", "store.db-wal"];
        let name = names[usize::try_from(round % 4).expect("small")];
        let copy = copy_of(folder.path());
        let path = copy.path().join(name);
        let mut bytes = fs::read(&path).expect("readable");
        let at = usize::try_from(numbers.below(bytes.len() as u64)).expect("small");
        bytes[at] ^= 1 << numbers.below(8);
        fs::write(&path, bytes).expect("written");
        served += usize::from(outlive(&format!("{name}, a bit of byte {at}"), copy));
    }
    println!("{rounds} files with one bit wrong: {served} served, the others refused in words");
}

#[test]
fn a_store_that_is_gone_is_not_taken_for_a_first_start() {
    let folder = killed_folder();
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        fs::remove_file(folder.path().join(name)).expect("removed");
    }
    let store = folder.path().join("store.db");
    let said = match Setup::default().try_start_on(folder) {
        Ok(collector) => panic!("it began with nothing: {}", collector.log()),
        Err(said) => said,
    };
    assert!(said.contains(&format!("{} is missing", store.display())), "{said}");
    assert!(said.contains("restore"), "it says what to do: {said}");
}

/// A collector that was killed while its store was locked, so that the queue holds all that was acknowledged.
fn killed_with_a_full_queue(event_count: u64) -> (TempDir, Account) {
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 12 * 1024);
    let lock = Locked::store(collector.data_dir());
    account.load_count(&collector, event_count).assert_all(event_count);
    collector.kill();
    drop(lock);
    (copy_of(collector.data_dir()), account)
}

#[test]
fn a_queues_log_that_was_cut_or_scrambled_is_told_and_what_came_before_is_kept() {
    let (folder, account) = killed_with_a_full_queue(100);
    let log = folder.path().join("queue.db-wal");
    let whole = fs::read(&log).expect("readable");
    let half = whole.len() / 2;
    let mut scrambled = whole.clone();
    scrambled[half] ^= 1;
    for (what, bytes) in [("cut", &whole[..half]), ("scrambled", &scrambled[..])] {
        let copy = copy_of(folder.path());
        fs::write(copy.path().join("queue.db-wal"), bytes).expect("written");
        let mut collector = Setup::default().set("RATE_LIMIT", "off").start_on(copy);
        let said = collector.log();
        let line =
            said.lines().find(|line| line.contains("the log of") && line.contains("queue.db is damaged"));
        let line = line.unwrap_or_else(|| panic!("{what}: it starts silently: {said}"));
        assert!(line.contains("ERROR") && line.contains("error-sentinel restore"), "{line}");
        assert!(!said.contains("store.db is damaged"), "{said}");
        let stored = stored_ids(&mut collector);
        let kept = account.acknowledged().intersection(&stored).count();
        println!("a log {what} in the middle: {kept} of 100 are kept, and the loss is told");
        assert!(kept > 10 && kept < 100, "{what}: {kept} kept");
    }
    // The same files unharmed: nothing is said, and nothing is lost.
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start_on(folder);
    assert!(!collector.log().contains("damaged"), "{}", collector.log());
    account.assert_kept(&mut collector, 0);
}

/// Moves a log into its database, so that what is done to that is not hidden by it.
fn move_log(database: &Path) {
    let connection = Connection::open(database).expect("opens");
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("the log is moved");
}

#[test]
fn of_a_damaged_queue_what_can_be_read_is_kept() {
    let (folder, account) = killed_with_a_full_queue(100);
    let queue = folder.path().join("queue.db");
    move_log(&queue);
    let mut bytes = fs::read(&queue).expect("readable");
    let half = bytes.len() / 2;
    // A page of the queue is 16 KiB.
    let page = half - half % (16 * 1024);
    bytes[page..page + 16 * 1024].fill(0xa5);
    fs::write(&queue, bytes).expect("written");
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start_on(folder);
    let said = collector.log();
    assert!(said.contains("queue.db is damaged; what could be read of it is kept"), "{said}");
    assert!(collector.data_dir().join("queue.db.damaged").exists());
    let kept = account.acknowledged().intersection(&stored_ids(&mut collector)).count();
    println!("a page of the queue scrambled: {kept} of 100 are kept");
    assert!((80..100).contains(&kept), "{kept} kept");
}

#[test]
fn a_queue_that_is_gone_is_noticed() {
    let folder = killed_folder();
    for name in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        fs::remove_file(folder.path().join(name)).expect("removed");
    }
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start_on(folder);
    let said = collector.log();
    assert!(
        said.contains("queue.db is missing, and with it what was accepted and not recorded yet"),
        "{said}"
    );
    stored_ids(&mut collector);
    collector.terminate(PATIENCE);
    collector.start_again();
    assert_eq!(collector.log().matches("is missing").count(), 1, "it is said once: {}", collector.log());
}

#[test]
fn a_store_that_is_damaged_is_refused_with_the_next_step() {
    let folder = killed_folder();
    let store = folder.path().join("store.db");
    move_log(&store);
    let mut bytes = fs::read(&store).expect("readable");
    bytes[..4096].fill(0xa5);
    fs::write(&store, bytes).expect("written");
    let said = match Setup::default().try_start_on(folder) {
        Ok(collector) => panic!("it serves a damaged store: {}", collector.log()),
        Err(said) => said,
    };
    assert!(said.contains(&format!("{} is damaged", store.display())), "{said}");
    assert!(said.contains("error-sentinel restore"), "it says what to do: {said}");
}
