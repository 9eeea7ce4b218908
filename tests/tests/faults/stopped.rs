//! A process that stands still for a while: nothing breaks, and it goes on by itself.

use std::thread;
use std::time::Duration;

use error_sentinel_tests::{Setup, short_or_long};

use crate::load_kept::Account;

#[test]
fn a_collector_that_stood_still_goes_on_and_has_lost_nothing() {
    let still = Duration::from_secs(short_or_long(2, 30));
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 1536);
    let outcome = account.load_during(&mut collector, |collector| {
        thread::sleep(Duration::from_millis(300));
        collector.signal("STOP");
        thread::sleep(still);
        collector.signal("CONT");
        thread::sleep(Duration::from_millis(300));
    });
    assert!(
        outcome.refused.is_empty() && outcome.broken == 0,
        "{:?}, {} broken",
        outcome.refused,
        outcome.broken
    );
    println!("stood still for {still:?}: {} acknowledged, none refused", outcome.acknowledged.len());
    account.assert_kept(&mut collector, 0);
}
