//! Nothing that was acknowledged is lost or counted twice, however often the collector is killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::payload::Numbers;
use error_sentinel_tests::{
    Collector, Setup, is_root, repository, short_or_long, store_file, without_settings,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::load_kept::{Account, stored_ids};

#[test]
fn kills_under_load_lose_nothing_and_count_nothing_twice() {
    let cycles = short_or_long(20, 200);
    let mut numbers = Numbers::new(2026);
    // Sixteen connections without pause are more than the default limit lets through in a minute.
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 1536);
    let mut ready = Vec::new();
    for _ in 0..cycles {
        let moment = Duration::from_millis(50 + numbers.below(400));
        let outcome = account.load_during(&mut collector, |collector| {
            thread::sleep(moment);
            collector.kill();
        });
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
        store_file::assert_intact(collector.data_dir());
        let start = Instant::now();
        collector.start_again();
        ready.push(start.elapsed());
    }
    assert!(account.acknowledged_count() > 200, "too light: {}", account.acknowledged_count());
    account.assert_kept(&mut collector, 0);
    assert!(!collector.log().contains("damaged"), "a kill damages nothing: {}", collector.log());
    ready.sort_unstable();
    println!(
        "{cycles} kills: {} acknowledged, 0 lost; ready again in {:?} (median), {:?} (longest)",
        account.acknowledged_count(),
        ready[ready.len() / 2],
        ready[ready.len() - 1]
    );
    collector.terminate(PATIENCE);
    store_file::assert_intact(collector.data_dir());
}

/// The first start makes both files and brings the store from no schema to the newest.
#[test]
fn a_migration_killed_at_any_write_is_finished_by_the_next_start() {
    if !is_root() {
        return;
    }
    let moments = short_or_long(vec![1, 2, 3, 5, 8, 13, 21], (1..=60).collect());
    let mut killed = 0;
    for moment in moments {
        let folder = tempfile::tempdir().expect("a temporary folder");
        killed += usize::from(start_killed_at_write(moment, folder.path()));
        let mut collector = Setup::default().start_on(folder);
        assert_eq!(stored_ids(&mut collector).len(), 0, "write {moment}");
        collector.terminate(PATIENCE);
        store_file::assert_intact(collector.data_dir());
    }
    assert!(killed >= 4, "only {killed} starts were killed: the moments are past the migration");
    println!("{killed} first starts killed at a write, all finished by the next");
}

/// A folder whose store has the oldest schema and holds a project, as a first start left it before the tables came
/// that the newer ones add.
fn folder_of_the_oldest_schema() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let schema = repository().join("collector/src/store/sqlite/schema/0001_pipeline.sql");
    let store = Connection::open(folder.path().join("store.db")).expect("opens");
    store.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL").expect("settings");
    store.execute_batch(&std::fs::read_to_string(schema).expect("readable")).expect("a schema");
    store
        .execute_batch(
            "INSERT INTO project VALUES (7, 'older than the rest', 0);
             INSERT INTO project_key VALUES (x'00112233445566778899aabbccddeeff', 7, '', 0, NULL);
             PRAGMA user_version = 1",
        )
        .expect("a project");
    folder
}

#[test]
fn an_upgrade_from_the_oldest_schema_killed_at_any_write_is_finished_by_the_next_start_and_loses_nothing() {
    if !is_root() {
        return;
    }
    let moments = short_or_long(vec![1, 2, 3, 5, 8, 13], (1..=40).collect());
    let mut killed = 0;
    for moment in moments {
        let folder = folder_of_the_oldest_schema();
        killed += usize::from(start_killed_at_write(moment, folder.path()));
        let mut collector = Setup::default().start_on(folder);
        assert_eq!(stored_ids(&mut collector).len(), 0, "write {moment}");
        let projects = collector.run(&["project", "list"]).success().stdout;
        assert!(projects.contains("older than the rest"), "write {moment}: {projects}");
        collector.terminate(PATIENCE);
        store_file::assert_intact(collector.data_dir());
    }
    assert!(killed >= 4, "only {killed} starts were killed: the moments are past the migration");
    println!("{killed} upgrades killed at a write, all finished by the next start");
}

/// Whether that start made so many writes at all.
fn start_killed_at_write(moment: u64, folder: &Path) -> bool {
    let mut command = Command::new("strace");
    // As a grandchild (-D), so that our child is the collector itself.
    command.args(["-D", "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e"]);
    command.arg(format!("inject=pwrite64:signal=KILL:when={moment}")).arg(Collector::binary());
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder);
    without_settings(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("strace starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let came_up = lines.map_while(Result::ok).any(|line| line.trim().starts_with("Data "));
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    !came_up
}
