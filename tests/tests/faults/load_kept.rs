//! Load during a fault, and the account of it afterwards.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use error_sentinel_tests::Collector;
use error_sentinel_tests::load::{self, Door, Outcome, Requests};
use serde_json::json;

use crate::{CONNECTIONS, PATIENCE};

/// What was sent over all loads of a test, and what was said to it.
pub struct Account {
    requests: Requests,
    next: u64,
    acknowledged: HashSet<String>,
    /// Requests that may have been stored: acknowledged, refused, or broken off.
    sent: u64,
    refused: BTreeSet<u16>,
}

impl Account {
    /// Of events of this size.
    pub fn new(collector: &Collector, event_bytes: usize) -> Account {
        Account {
            requests: Requests::new(collector.dsn(), Door::Envelope, event_bytes, 8, 11),
            next: 0,
            acknowledged: HashSet::new(),
            sent: 0,
            refused: BTreeSet::new(),
        }
    }

    /// Loads the collector from all connections while `fault` runs, and returns what became of that.
    pub fn load_during(&mut self, collector: &mut Collector, fault: impl FnOnce(&mut Collector)) -> Outcome {
        let (address, stop) = (collector.address(), AtomicBool::new(false));
        let outcome = thread::scope(|scope| {
            let load = scope
                .spawn(|| load::closed(address, &self.requests, self.next..u64::MAX, CONNECTIONS, &stop));
            fault(collector);
            stop.store(true, Ordering::Relaxed);
            load.join().expect("the load runs")
        });
        self.note(&outcome);
        outcome
    }

    /// The same for a fault that stands while nothing else happens.
    pub fn load_for(&mut self, collector: &mut Collector, time: Duration) -> Outcome {
        self.load_during(collector, |_| thread::sleep(time))
    }

    /// Sends this many events.
    pub fn load_count(&mut self, collector: &Collector, count: u64) -> Outcome {
        let numbers = self.next..self.next + count;
        let never = AtomicBool::new(false);
        let outcome = load::closed(collector.address(), &self.requests, numbers, CONNECTIONS, &never);
        self.note(&outcome);
        outcome
    }

    fn note(&mut self, outcome: &Outcome) {
        self.acknowledged.extend(outcome.acknowledged.iter().map(|number| self.requests.id(*number)));
        let sent = outcome.acknowledged.len() as u64 + outcome.broken + outcome.refused.values().sum::<u64>();
        self.sent += sent;
        // Numbers that a thread drew and never sent are left out.
        self.next += sent + CONNECTIONS as u64;
        self.refused.extend(outcome.refused.keys());
    }

    /// How many were acknowledged so far.
    pub fn acknowledged_count(&self) -> usize {
        self.acknowledged.len()
    }

    /// Copies what was acknowledged so far.
    pub fn acknowledged(&self) -> HashSet<String> {
        self.acknowledged.clone()
    }

    /// That nothing was refused but by 429 or 503, which SDKs take for "later".
    #[track_caller]
    pub fn assert_refusals_mean_later(&self) {
        let others: Vec<_> = self.refused.iter().filter(|status| !matches!(status, 429 | 503)).collect();
        assert!(others.is_empty(), "refused by {others:?}");
    }

    /// That all that was acknowledged is stored, once, and nothing that was never sent. The collector runs and can
    /// digest; `others` says how many events came beside this account.
    #[track_caller]
    pub fn assert_kept(&self, collector: &mut Collector, others: u64) {
        let stored = stored_ids(collector);
        let lost: Vec<_> = self.acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "{} acknowledged events are lost: {lost:?}", lost.len());
        let count = stored.len() as u64;
        assert!(count <= self.sent + others, "{count} stored, {} sent at most", self.sent + others);
    }
}

/// The ids of all events, once everything that was accepted is digested; each is stored and counted once.
#[track_caller]
pub fn stored_ids(collector: &mut Collector) -> HashSet<String> {
    // The queue keeps its order: when the last event is digested, all others are.
    let last = collector.log_error(&json!({"message": "the last one"}));
    let api = collector.api();
    api.event(&last, PATIENCE * 3);
    let (mut stored, mut kept) = (HashSet::new(), 0);
    for issue in api.issues() {
        let ids = api.event_ids(&issue.id());
        assert_eq!(ids.len() as u64, issue.count(), "issue {} counts what it holds", issue.id());
        kept += ids.len();
        stored.extend(ids);
    }
    assert_eq!(kept, stored.len(), "no event is stored twice");
    stored.remove(&last);
    stored
}
