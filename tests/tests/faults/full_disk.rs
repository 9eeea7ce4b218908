//! A disk that fills up: errors are refused so that SDKs try again, and accepted again when there is room.

use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::{Disk, Request, Setup, eventually, is_root, store_file};
use serde_json::json;

use crate::PATIENCE;
use crate::load_kept::Account;

const DISK_BYTES: u64 = 64 * 1024 * 1024;

#[test]
fn a_full_disk_refuses_falsifies_nothing_and_recovers_without_a_restart() {
    if !is_root() {
        return;
    }
    let disk = Disk::mount(DISK_BYTES);
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start_on(disk.folder());
    let mut account = Account::new(&collector, 12 * 1024);
    account.load_count(&collector, 200).assert_all(200);
    let pid = collector.pid();

    // Each probe may have been stored.
    let mut probes = 0;
    let ballast = disk.fill();
    let outcome = account.load_during(&mut collector, |collector| {
        eventually("errors are refused", PATIENCE, || {
            probes += 1;
            (probe(collector) == 503).then_some(())
        });
        thread::sleep(Duration::from_secs(2));
    });
    assert_eq!(outcome.broken, 0, "it still answers");
    assert!(!outcome.refused.is_empty(), "{} acknowledged on a full disk", outcome.acknowledged.len());
    assert_eq!(collector.send(&Request::get("/healthz")).status, 200, "it lives");
    println!("full disk: {} acknowledged, refused {:?}", outcome.acknowledged.len(), outcome.refused);

    drop(ballast);
    let freed = Instant::now();
    eventually("errors are accepted again", PATIENCE, || {
        probes += 1;
        (probe(&collector) == 202).then_some(())
    });
    println!("accepted again {:?} after there was room", freed.elapsed());
    account.load_count(&collector, 200).assert_all(200);
    account.assert_refusals_mean_later();
    account.assert_kept(&mut collector, probes);
    assert_eq!(collector.pid(), pid);

    collector.kill();
    store_file::assert_intact(collector.data_dir());
    collector.start_again();
    // With the event that ended the account before.
    account.assert_kept(&mut collector, probes + 1);
}

fn probe(collector: &error_sentinel_tests::Collector) -> u16 {
    let body = json!({"message": "is there room?"}).to_string();
    collector.send(&Request::post("/log-error", body).header("X-Sentinel-Key", collector.key())).status
}
