//! Quotas are honest: what is acknowledged is stored, and what is not is refused by name.

use error_sentinel_tests::{Request, Setup};
use serde_json::json;

use crate::PATIENCE;
use crate::load_kept::{Account, stored_ids};

#[test]
fn of_a_burst_over_the_limit_exactly_the_acknowledged_are_stored_and_the_others_refused_by_name() {
    const BURST: u64 = 2100;
    const LIMIT: u64 = 1000;
    let setup = Setup::default().set("RATE_LIMIT", format!("1/{LIMIT}"));
    let mut collector = setup.start();
    let mut account = Account::new(&collector, 1536);
    let outcome = account.load_count(&collector, BURST);
    let acknowledged = outcome.acknowledged.len() as u64;
    // One more may pass for each minute that the burst took.
    let more = outcome.elapsed.as_secs() / 60 + 1;
    assert!((LIMIT..=LIMIT + more).contains(&acknowledged), "{acknowledged} acknowledged");
    assert_eq!(outcome.refused.into_iter().collect::<Vec<_>>(), [(429, BURST - acknowledged)]);

    let refused = collector.send(
        &Request::post("/log-error", json!({"message": "one more"}).to_string())
            .header("X-Sentinel-Key", collector.key()),
    );
    assert_eq!(refused.status, 429);
    let limits = refused.header("X-Sentry-Rate-Limits").expect("a refusal names what it holds back");
    let categories: Vec<_> = limits.split(':').nth(1).expect("categories").split(';').collect();
    assert!(categories.contains(&"error") && categories.contains(&"default"), "{limits}");
    assert!(!categories.contains(&"transaction"), "only what was refused: {limits}");
    assert!(refused.header("Retry-After").is_some_and(|seconds| seconds.parse::<u64>().is_ok()));

    // A start anew has a full bucket, so that what was digested can be asked for.
    collector.terminate(PATIENCE);
    collector.start_again();
    let stored = stored_ids(&mut collector);
    assert_eq!(stored, account.acknowledged());
    println!("burst of {BURST} over {LIMIT}: {acknowledged} acknowledged and stored, the others refused");
}
