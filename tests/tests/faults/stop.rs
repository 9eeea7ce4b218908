//! A stop in the midst of load answers what is in hand and leaves nothing to the next start.

use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::{Setup, short_or_long};

use crate::load_kept::Account;

/// After this container platforms kill.
pub const GRACE: Duration = Duration::from_secs(10);

#[test]
fn each_stop_under_load_drains_the_queue() {
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 1536);
    for round in 1..=short_or_long(3, 20) {
        let mut took = Duration::ZERO;
        account.load_during(&mut collector, |collector| {
            thread::sleep(Duration::from_millis(150));
            let asked = Instant::now();
            let status = collector.terminate(GRACE);
            took = asked.elapsed();
            assert!(status.success(), "{status:?}: {}", collector.log());
        });
        let drained = collector.log().matches("left_in_queue=0").count();
        assert_eq!(drained, round, "something was left in the queue: {}", collector.log());
        println!("stop {round} under load took {took:?}");
        collector.start_again();
    }
    account.assert_refusals_mean_later();
    account.assert_kept(&mut collector, 0);
}
