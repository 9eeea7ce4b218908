//! What every store must do. A backend's tests call these functions with a store that is empty and new.
//!
//! The functions panic where a promise is broken; they are for tests alone.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;

use error_sentinel_wire::{EventId, Level, ProjectId, PublicKey, UnixMs};

use crate::store::digests::{Changes, IssueChange, Known, Lookup, NewEvent, NewIssue, Target};
use crate::store::event::{GroupKey, Grouping};
use crate::store::issue::IssueQuery;
use crate::store::payload::Payload;
use crate::store::{Issue, IssueId, Store};

mod account;
mod digests;
mod event;
mod issue;
mod project;

pub use account::*;
pub use digests::*;
pub use event::*;
pub use issue::*;
pub use project::*;

/// A time at the start of an hour.
pub const START: UnixMs = UnixMs(1_800_000_000_000);

const HOUR_MS: i64 = 3_600_000;

/// Makes a project; `number` keeps its name and key apart from others.
pub fn project(store: &dyn Store, number: u32) -> ProjectId {
    store.create_project(&format!("project {number}"), PublicKey(number.into()), START).unwrap().id
}

/// An event; `number` makes its id and the time of its arrival.
pub fn event(number: u32) -> NewEvent {
    let payload = format!("{{\"event_id\":\"{number:032x}\",\"number\":{number}}}");
    NewEvent {
        event_id: EventId(number.into()),
        received_at: START.plus_ms(i64::from(number) * 1000),
        timestamp: Some(START.plus_ms(i64::from(number) * 1000 - 5000)),
        skew_ms: None,
        occurrence_count: 1,
        level: Level::Error,
        release: None,
        environment: None,
        app: None,
        users: Vec::new(),
        tags: Vec::new(),
        trace_id: None,
        richness: 0,
        payload: Payload::compress(payload.as_bytes()),
        grouping: grouping("key"),
    }
}

fn grouping(text: &str) -> Grouping {
    let key = GroupKey { kind: "app".into(), text: text.into(), hash: hash(text) };
    Grouping { version: 1, keys: vec![key] }
}

/// A hash good enough for tests.
pub fn hash(text: &str) -> [u8; 16] {
    let sum = text.bytes().fold(7u128, |sum, byte| sum.wrapping_mul(1_000_003).wrapping_add(byte.into()));
    sum.to_be_bytes()
}

/// An issue to be made, found by `key` from then on.
pub fn new_issue(project_id: ProjectId, key: &str, events: Vec<NewEvent>) -> IssueChange {
    let new = NewIssue {
        project_id,
        title: format!("{key}: it failed"),
        kind: key.into(),
        value: "it failed".into(),
        culprit: "app.checkout".into(),
        platform: "python".into(),
        fingerprint: format!("app ¦ {key}"),
    };
    IssueChange {
        target: Target::New(new),
        groups: vec![hash(key)],
        level: events.iter().map(|event| event.level).max().unwrap_or_default(),
        status: None,
        events,
        alarm: None,
    }
}

/// More events of an issue.
pub fn more(id: IssueId, events: Vec<NewEvent>) -> IssueChange {
    IssueChange { target: Target::Existing(id), groups: Vec::new(), ..new_issue(ProjectId(0), "", events) }
}

/// Records changes that were decided without looking.
pub fn record(store: &dyn Store, issues: Vec<IssueChange>) -> Vec<IssueId> {
    let mut changes = Some(Changes { issues, ..Changes::default() });
    let recorded = store.record(&Lookup::default(), &mut |_| changes.take().unwrap()).unwrap();
    recorded.issues.into_iter().map(|(_, id)| id).collect()
}

fn record_one(store: &dyn Store, change: IssueChange) -> IssueId {
    record(store, vec![change])[0]
}

fn known(store: &dyn Store, lookup: &Lookup) -> Known {
    let mut seen = None;
    store
        .record(lookup, &mut |known| {
            seen = Some(known);
            Changes::default()
        })
        .unwrap();
    seen.unwrap()
}

fn issue(store: &dyn Store, id: IssueId) -> Issue {
    store.issue(id).unwrap().unwrap()
}

fn list(store: &dyn Store, query: &str) -> BTreeSet<IssueId> {
    let query = IssueQuery { query: query.into(), limit: 500, ..IssueQuery::default() };
    store.issues(&query).unwrap().items.into_iter().map(|issue| issue.id).collect()
}
