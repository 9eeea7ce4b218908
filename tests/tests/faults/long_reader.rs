//! Somebody who reads a file for long keeps its log from beginning anew: that costs no event, and does not fill the
//! disk.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::{Setup, eventually, short_or_long, store_file};
use rusqlite::Connection;

use crate::PATIENCE;
use crate::load_kept::Account;

/// Longest that a log may become.
const LOG_BYTES: u64 = 256 * 1024 * 1024;

#[test]
fn a_reader_that_stays_costs_no_event() {
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 60 * 1024);
    account.load_count(&collector, 50).assert_all(50);
    let readers: Vec<_> = store_file::databases(collector.data_dir())
        .into_iter()
        .map(|path| {
            let reader = Connection::open(&path).expect("opens");
            reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").expect("reads");
            reader
        })
        .collect();
    assert_eq!(readers.len(), 2);
    let outcome = account.load_for(&mut collector, Duration::from_secs(short_or_long(3, 60)));
    let log_bytes = |name: &str| fs::metadata(collector.data_dir().join(name)).map_or(0, |file| file.len());
    let grown = [log_bytes("queue.db-wal"), log_bytes("store.db-wal")];
    println!(
        "beside two readers: {} acknowledged, refused {:?}, logs {grown:?} bytes",
        outcome.acknowledged.len(),
        outcome.refused
    );
    account.assert_refusals_mean_later();
    assert!(grown.iter().all(|bytes| *bytes < LOG_BYTES), "{grown:?}");
    drop(readers);
    let freed = Instant::now();
    // A log that reached its bound is moved into the database first, as fast as the disk is.
    eventually("errors are accepted", PATIENCE, || {
        thread::sleep(Duration::from_millis(50));
        account.load_count(&collector, 1).refused.is_empty().then_some(())
    });
    println!("accepted {:?} after the readers had gone", freed.elapsed());
    account.load_for(&mut collector, Duration::from_secs(1));
    account.assert_refusals_mean_later();
    account.assert_kept(&mut collector, 0);
}
