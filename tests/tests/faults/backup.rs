//! A copy made under load holds all that was acknowledged before it began, and a killed one leaves no false copy.

use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::{Setup, short_or_long, store_file};

use crate::load_kept::{Account, stored_ids};

#[test]
fn a_backup_under_full_load_holds_all_that_was_acknowledged_before() {
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 1536);
    account.load_for(&mut collector, Duration::from_secs(short_or_long(1, 10)));
    let before = account.acknowledged();
    let outer = tempfile::tempdir().expect("a temporary folder");
    let (copy, killed) = (outer.path().join("copy"), outer.path().join("killed"));
    let outcome = account.load_during(&mut collector, |collector| {
        let mut doomed = collector.command(&["backup", &killed.display().to_string()]);
        let mut doomed = doomed.spawn().expect("it starts");
        thread::sleep(Duration::from_millis(20));
        doomed.kill().expect("it is ours");
        doomed.wait().expect("it is ours");
        let start = Instant::now();
        collector.run(&["backup", &copy.display().to_string()]).success();
        println!("backup under load took {:?}", start.elapsed());
    });
    assert!(
        outcome.refused.is_empty() && outcome.broken == 0,
        "{:?}, {} broken",
        outcome.refused,
        outcome.broken
    );
    println!("acknowledged meanwhile: {}, longest {:?}", outcome.acknowledged.len(), outcome.quantile(1.0));
    store_file::assert_intact(&copy);
    let restored = tempfile::tempdir().expect("a temporary folder");
    let path = restored.path().display().to_string();
    collector.run(&["restore", &copy.display().to_string(), "--data-dir", &path]).success();
    let mut second = Setup::default().start_on(restored);
    let held = stored_ids(&mut second);
    let missing = before.difference(&held).count();
    assert_eq!(missing, 0, "of {} acknowledged before", before.len());
    account.assert_kept(&mut collector, 0);
}
