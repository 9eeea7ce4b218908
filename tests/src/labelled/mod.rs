//! Errors of which it is known which bug they come from, and how far a collector's issues agree with that.
//!
//! All of them are made here, from a seed or by a real bundler, so that anyone can repeat a figure.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use serde_json::{Value, json};

use crate::payload::event_id;
use crate::{Api, Collector, Request};

mod messages;
mod minified;
mod native;

pub use messages::messages;
pub use minified::two_builds;
pub use native::crashes;

/// An error and what it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The bug: a template, a name, a crash line.
    pub bug: String,
    /// What is sent, without an id.
    pub event: Value,
}

/// How far issues agree with bugs. A pair of errors is of one issue or not, and of one bug or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Errors.
    pub events: usize,
    /// Bugs that they come from.
    pub bugs: usize,
    /// Issues that were made of them.
    pub issues: usize,
    /// Of the pairs of one issue, the share that is of one bug; less than 1 where different bugs were joined.
    pub precision: f64,
    /// Of the pairs of one bug, the share that is of one issue; less than 1 where a bug was split.
    pub recall: f64,
}

impl Agreement {
    /// Compares bugs with issues, each given for the same errors in the same order.
    pub fn of<Bug: Hash + Eq, Issue: Hash + Eq>(pairs: &[(Bug, Issue)]) -> Agreement {
        let bugs = counts(pairs.iter().map(|(bug, _)| bug));
        let issues = counts(pairs.iter().map(|(_, issue)| issue));
        let both = pairs_within(&counts(pairs.iter()));
        Agreement {
            events: pairs.len(),
            bugs: bugs.len(),
            issues: issues.len(),
            precision: share(both, pairs_within(&issues)),
            recall: share(both, pairs_within(&bugs)),
        }
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        2.0 * self.precision * self.recall / (self.precision + self.recall)
    }
}

fn counts<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, u64> {
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn pairs_within<K>(counts: &HashMap<K, u64>) -> u64 {
    counts.values().map(|count| count * (count - 1) / 2).sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs are far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// Sends the errors to a collector and returns each one's bug and the issue that it became part of.
///
/// # Panics
/// When one is not accepted, or not kept.
#[track_caller]
pub fn grouped(collector: &mut Collector, errors: &[Labelled]) -> Vec<(String, String)> {
    const EVENTS_PER_ENVELOPE: usize = 100;
    let api = collector.api();
    let path = format!("/api/{}/envelope/", collector.dsn().project_id);
    let auth = format!("Sentry sentry_version=7, sentry_key={}", collector.key());
    let mut connection = collector.connect();
    let mut bugs = HashMap::new();
    for (number, some) in errors.chunks(EVENTS_PER_ENVELOPE).enumerate() {
        let mut envelope = "{}\n".to_owned();
        for (at, error) in some.iter().enumerate() {
            let id = event_id(11, (number * EVENTS_PER_ENVELOPE + at) as u64);
            let mut event = error.event.clone();
            event["event_id"] = json!(id);
            let event = event.to_string();
            envelope.push_str(&format!("{{\"type\":\"event\",\"length\":{}}}\n{event}\n", event.len()));
            bugs.insert(id, error.bug.clone());
        }
        let request = Request::post(&path, envelope).header("X-Sentry-Auth", &auth);
        let reply = connection.send(&request).expect("the collector listens");
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    api.await_total(errors.len() as u64, Duration::from_secs(120));
    issues_of(&api, &bugs)
}

/// Every event's bug and issue.
fn issues_of(api: &Api, bugs: &HashMap<String, String>) -> Vec<(String, String)> {
    let issues: HashSet<String> = api.issues().iter().map(crate::Issue::id).collect();
    let mut found = Vec::new();
    for issue in issues {
        for id in api.event_ids(&issue) {
            let bug = bugs.get(&id).unwrap_or_else(|| panic!("nobody sent {id}"));
            found.push((bug.clone(), issue.clone()));
        }
    }
    assert_eq!(found.len(), bugs.len(), "not every event was kept");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_costs_precision_and_what_is_split_costs_recall() {
        let agreement = Agreement::of(&[("a", 1), ("a", 1), ("b", 2), ("b", 2)]);
        assert_eq!((agreement.precision, agreement.recall, agreement.f1()), (1.0, 1.0, 1.0));
        let joined = Agreement::of(&[("a", 1), ("a", 1), ("b", 1), ("b", 1)]);
        assert_eq!((joined.issues, joined.precision, joined.recall), (1, 2.0 / 6.0, 1.0));
        let split = Agreement::of(&[("a", 1), ("a", 1), ("a", 2), ("a", 2)]);
        assert_eq!((split.issues, split.precision, split.recall), (2, 1.0, 2.0 / 6.0));
    }
}
