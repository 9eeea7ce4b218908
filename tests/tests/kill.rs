//! Nothing that was acknowledged is lost or counted twice, however often the collector is killed.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use error_sentinel_tests::load::{self, Door, Requests};
use error_sentinel_tests::payload::Numbers;
use error_sentinel_tests::{Setup, store_file};
use serde_json::json;

const CYCLES: u64 = 20;
const CONNECTIONS: usize = 16;
/// Numbers of one cycle's events start here times the cycle.
const CYCLE: u64 = 1_000_000;

#[test]
fn twenty_kills_under_load_lose_nothing_and_count_nothing_twice() {
    let mut numbers = Numbers::new(2026);
    // Sixteen connections without pause are more than the default limit lets through in a minute.
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut acknowledged = HashSet::new();
    let mut sent = 0;
    let requests = Requests::new(collector.dsn(), Door::Envelope, 1536, 8, 11);
    for cycle in 0..CYCLES {
        let (address, stop) = (collector.address(), AtomicBool::new(false));
        let moment = Duration::from_millis(50 + numbers.below(400));
        let outcome = thread::scope(|scope| {
            let load = scope.spawn(|| {
                let range = cycle * CYCLE..(cycle + 1) * CYCLE;
                load::closed(address, &requests, range, CONNECTIONS, &stop)
            });
            thread::sleep(moment);
            collector.kill();
            stop.store(true, Ordering::Relaxed);
            load.join().expect("the load runs")
        });
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
        sent += outcome.acknowledged.len() as u64 + outcome.broken;
        acknowledged.extend(outcome.acknowledged.iter().map(|number| requests.id(*number)));
        store_file::assert_intact(collector.data_dir());
        collector.start_again();
    }
    assert!(acknowledged.len() > 200, "the load was too light to show anything: {}", acknowledged.len());

    // The queue keeps its order: when the last event is digested, all others are.
    let last = collector.log_error(&json!({"message": "the last one"}));
    let api = collector.api();
    api.event(&last, Duration::from_secs(120));
    let total = api.total_count() - 1;
    // Requests whose answer the kill cut off may or may not have been accepted; nothing else may be there.
    assert!(total <= sent, "{total} counted, {sent} sent at most");
    let mut stored = HashSet::new();
    let mut kept = 0;
    for issue in api.issues() {
        let ids = api.event_ids(&issue.id());
        assert_eq!(ids.len() as u64, issue.count(), "issue {} counts what it holds", issue.id());
        kept += ids.len();
        stored.extend(ids);
    }
    assert_eq!(kept, stored.len(), "no event is stored twice");
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "{} acknowledged events are lost: {lost:?}", lost.len());
    println!("{CYCLES} kills: {} acknowledged, {} stored, 0 lost", acknowledged.len(), stored.len());
    collector.terminate(Duration::from_secs(10));
    store_file::assert_intact(collector.data_dir());
}
