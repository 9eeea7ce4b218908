//! What every store must do when it records a batch: everything once, exactly, or not at all.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use error_sentinel_wire::{EventId, Level, TraceId, UnixMs};

use super::{HOUR_MS, START, event, hash, issue, known, list, more, new_issue, project, record, record_one};
use crate::store::digests::{Changes, IssueChange, IssueState, Lookup, Loss, NewAlarm, NewEvent};
use crate::store::issue::{Bucket, TagCount};
use crate::store::outbox::AlarmKind;
use crate::store::{IssueId, Status, Store};

/// A new issue is what its events say, and its events come back as they were.
pub fn keeps_what_it_is_given(store: &dyn Store) {
    let project_id = project(store, 1);
    let full = NewEvent {
        skew_ms: Some(-1500),
        level: Level::Fatal,
        release: Some("app@1.0".into()),
        environment: Some("production".into()),
        app: Some("Delivery app".into()),
        users: vec!["ann".into(), "bob".into()],
        trace_id: Some(TraceId(u128::MAX)),
        ..event(7)
    };
    let id = record_one(store, new_issue(project_id, "TypeError", vec![full.clone()]));
    let issue = issue(store, id);
    assert_eq!((issue.title.as_str(), issue.kind.as_str()), ("TypeError: it failed", "TypeError"));
    assert_eq!((issue.value.as_str(), issue.culprit.as_str()), ("it failed", "app.checkout"));
    assert_eq!((issue.fingerprint.as_str(), issue.platform.as_str()), ("app ¦ TypeError", "python"));
    assert_eq!((issue.project_id, issue.level, issue.status), (project_id, Level::Fatal, Status::Unresolved));
    assert_eq!((issue.count, issue.stored_count, issue.users, issue.regressed), (1, 1, 2, false));
    assert_eq!((issue.first_seen, issue.last_seen), (full.received_at, full.received_at));
    assert_eq!(issue.first_release.as_deref(), Some("app@1.0"));

    let stored = store.event(full.event_id).unwrap().unwrap();
    assert_eq!(
        stored.payload.as_deref(),
        Some(&b"{\"event_id\":\"00000000000000000000000000000007\",\"number\":7}"[..])
    );
    assert_eq!(stored.grouping, full.grouping);
    let row = stored.row.clone();
    assert_eq!((row.event_id, row.project_id, row.issue_id), (full.event_id, project_id, id));
    assert_eq!(
        (row.received_at, row.timestamp, row.skew_ms),
        (full.received_at, full.timestamp, full.skew_ms)
    );
    assert_eq!((row.level, row.occurrence_count, row.has_payload), (Level::Fatal, 1, true));
    assert_eq!((row.release, row.environment, row.app), (full.release, full.environment, full.app));
    assert_eq!((row.user.as_deref(), row.trace_id), (Some("ann"), full.trace_id));
    assert_eq!(store.latest_event(id).unwrap(), Some(stored));
    assert_eq!(store.event(EventId(8)).unwrap(), None);
    assert_eq!(store.issue(IssueId(id.0 + 1)).unwrap(), None);
}

/// The same event again changes nothing, in the next batch or in the same one; another project may have its id.
pub fn records_an_event_once(store: &dyn Store) {
    let (first, second) = (project(store, 1), project(store, 2));
    let tagged = NewEvent {
        tags: vec![("os".into(), "Linux".into(), 1)],
        users: vec!["ann".into()],
        occurrence_count: 5,
        ..event(1)
    };
    let id = record_one(store, new_issue(first, "E", vec![tagged.clone(), tagged.clone()]));
    record(store, vec![more(id, vec![tagged.clone()])]);
    let once = issue(store, id);
    assert_eq!((once.count, once.stored_count, once.users), (5, 1, 1));
    let tags = store.tag_counts(id, 10).unwrap();
    assert_eq!(tags, [TagCount { key: "os".into(), value: Some("Linux".into()), count: 1 }]);
    assert_eq!(store.events(id, 10, None).unwrap().items.len(), 1);

    let other = record_one(store, new_issue(second, "E", vec![tagged]));
    assert_eq!(issue(store, other).count, 5);

    let lookup = Lookup {
        event_ids: vec![(first, EventId(1)), (second, EventId(1)), (first, EventId(2))],
        ..Lookup::default()
    };
    let seen = known(store, &lookup).seen_events;
    assert_eq!(seen, HashSet::from([(first, EventId(1)), (second, EventId(1))]));
}

/// Counts are exact over batches and storms, and say the same in every place.
pub fn counts_exactly(store: &dyn Store) {
    let project_id = project(store, 1);
    let at = |number: u32, minutes: i64, count: u64| NewEvent {
        received_at: START.plus_ms(minutes * 60_000),
        occurrence_count: count,
        ..event(number)
    };
    let id = record_one(store, new_issue(project_id, "E", vec![at(1, 0, 1), at(2, 4, 1_000_000)]));
    record(store, vec![more(id, vec![at(3, 59, 10), at(4, 61, 100), at(5, 185, 7)])]);
    let other = record_one(store, new_issue(project_id, "other", vec![at(6, 61, 3)]));
    assert_eq!(issue(store, id).count, 1_000_118);
    assert_eq!(issue(store, id).stored_count, 5);
    assert_eq!(issue(store, id).last_seen, START.plus_ms(185 * 60_000));

    let hours =
        store.hourly_counts(&[other, id], START.plus_ms(20 * 60_000), START.plus_ms(4 * HOUR_MS)).unwrap();
    let expected = |counts: [u64; 4]| -> Vec<Bucket> {
        (0..)
            .zip(counts)
            .map(|(hour, count)| Bucket { start: START.plus_ms(hour * HOUR_MS), count })
            .collect()
    };
    assert_eq!(hours, [expected([0, 3, 0, 0]), expected([1_000_011, 100, 0, 7])]);
    assert_eq!(store.hourly_counts(&[], START, START).unwrap(), Vec::<Vec<Bucket>>::new());
}

/// Numbers from outside may be as large as they like: a count stops at its bound, the batch is kept.
pub fn survives_numbers_beyond_all_bounds(store: &dyn Store) {
    let project_id = project(store, 1);
    let huge = |number| NewEvent {
        occurrence_count: u64::MAX,
        tags: vec![("k".into(), "v".into(), u64::MAX)],
        skew_ms: Some(i64::MIN),
        timestamp: Some(UnixMs(i64::MAX)),
        richness: u32::MAX,
        ..event(number)
    };
    let id = record_one(store, new_issue(project_id, "E", vec![huge(1), huge(2)]));
    record(store, vec![more(id, vec![huge(3), huge(4)])]);
    assert!(issue(store, id).count >= 1 << 60);
    assert!(store.tag_counts(id, 5).unwrap()[0].count >= 1 << 60);
    let far = store.hourly_counts(&[id], UnixMs(i64::MIN), UnixMs(i64::MAX)).unwrap();
    assert!(far[0].len() < 100_000, "{} hours", far[0].len());
}

/// First and last release and time, the worst level, and which user is new.
pub fn follows_the_newest_and_the_worst(store: &dyn Store) {
    let project_id = project(store, 1);
    let with = |number: u32, level, release: Option<&str>, user: &str| NewEvent {
        level,
        release: release.map(Into::into),
        users: vec![user.into()],
        ..event(number)
    };
    let id = record_one(store, new_issue(project_id, "E", vec![with(1, Level::Warning, None, "ann")]));
    record(
        store,
        vec![more(id, vec![with(2, Level::Fatal, Some("1"), "bob"), with(3, Level::Info, None, "ann")])],
    );
    record(store, vec![more(id, vec![with(4, Level::Error, Some("2"), "cy")])]);
    let issue = issue(store, id);
    assert_eq!((issue.first_release.as_deref(), issue.last_release.as_deref()), (Some("1"), Some("2")));
    assert_eq!((issue.level, issue.users), (Level::Fatal, 3));
    assert_eq!((issue.first_seen, issue.last_seen), (event(1).received_at, event(4).received_at));
}

/// Decisions see what the transaction before them wrote: groups, the state of issues, ids.
pub fn knows_what_it_recorded(store: &dyn Store) {
    let (first, second) = (project(store, 1), project(store, 2));
    let change = IssueChange { groups: vec![hash("a"), hash("b")], ..new_issue(first, "E", vec![event(1)]) };
    let id = record_one(store, change);
    record(store, vec![IssueChange { groups: vec![hash("c"), hash("a")], ..more(id, vec![event(2)]) }]);
    let lookup = Lookup {
        groups: [(first, "a"), (first, "b"), (first, "c"), (first, "d"), (second, "a")]
            .map(|(project, key)| (project, hash(key)))
            .to_vec(),
        ..Lookup::default()
    };
    let known = known(store, &lookup);
    let expected = ["a", "b", "c"].map(|key| ((first, hash(key)), id));
    assert_eq!(known.groups, expected.into_iter().collect());
    let state = IssueState {
        status: Status::Unresolved,
        ignored_until: None,
        last_alarm_at: None,
        level: Level::Error,
    };
    assert_eq!(known.issues, [(id, state)].into_iter().collect());
}

/// A batch that fails leaves nothing behind.
pub fn records_all_or_nothing(store: &dyn Store) {
    let project_id = project(store, 1);
    let good = new_issue(project_id, "E", vec![event(1)]);
    let bad = more(IssueId(4711), vec![event(2)]);
    let changes = Changes { issues: vec![good, bad], ..Changes::default() };
    assert!(store.record(&Lookup::default(), &mut |_| changes.clone()).is_err());
    assert_eq!(list(store, ""), BTreeSet::new());
    assert_eq!(store.event(EventId(1)).unwrap(), None);
    record_one(store, new_issue(project_id, "E", vec![event(1)]));
    assert_eq!(list(store, "").len(), 1);
}

/// An alarm is there as soon as its issue is, and is cancelled with the status.
pub fn rings_in_the_same_transaction(store: &dyn Store) {
    let project_id = project(store, 1);
    let alarm = |number: u32| {
        Some(NewAlarm { kind: AlarmKind::New, event_id: EventId(number.into()), at: START.plus_ms(9) })
    };
    let failing = Changes {
        issues: vec![
            IssueChange { alarm: alarm(1), ..new_issue(project_id, "E", vec![event(1)]) },
            more(IssueId(4711), vec![event(2)]),
        ],
        ..Changes::default()
    };
    assert!(store.record(&Lookup::default(), &mut |_| failing.clone()).is_err());
    assert_eq!(store.waiting_count().unwrap(), 0, "it rings for a batch that was not recorded");

    let ringing = IssueChange { alarm: alarm(1), ..new_issue(project_id, "E", vec![event(1)]) };
    let quiet = new_issue(project_id, "F", vec![event(2)]);
    let changes = Changes { issues: vec![ringing, quiet], ..Changes::default() };
    let recorded = store.record(&Lookup::default(), &mut |_| changes.clone()).unwrap();
    assert!(recorded.rang);
    assert_eq!(store.waiting_count().unwrap(), 1);
    let lookup = Lookup { groups: vec![(project_id, hash("E"))], ..Lookup::default() };
    let id = recorded.issues[0].1;
    assert_eq!(known(store, &lookup).issues[&id].last_alarm_at, Some(START.plus_ms(9)));

    store.set_status(id, Status::Unresolved, None, START, 0).unwrap();
    assert_eq!(store.waiting_count().unwrap(), 1, "an issue that stays open keeps its alarm");
    store.set_status(id, Status::Ignored, None, START, 0).unwrap();
    assert_eq!(store.waiting_count().unwrap(), 0);

    let changes = Changes { issues: vec![more(id, vec![event(3)])], ..Changes::default() };
    assert!(!store.record(&Lookup::default(), &mut |_| changes.clone()).unwrap().rang);
}

/// Losses are summed by reason and category, each report once.
pub fn sums_losses(store: &dyn Store) {
    let (first, second) = (project(store, 1), project(store, 2));
    let loss = |project_id, hours: i64, reason: &str, quantity| Loss {
        project_id,
        at: START.plus_ms(hours * HOUR_MS + 5),
        reason: reason.into(),
        category: "error".into(),
        quantity,
    };
    let changes = Changes {
        losses: vec![
            loss(first, 0, "queue_overflow", 10),
            loss(first, 1, "queue_overflow", 5),
            loss(first, 1, "network_error", 100),
            loss(second, 1, "network_error", 7),
        ],
        report_keys: vec![hash("report 1")],
        ..Changes::default()
    };
    store.record(&Lookup::default(), &mut |_| changes.clone()).unwrap();
    let sums = |project_id, hours: i64| -> Vec<(String, u64)> {
        let losses = store.losses(project_id, START.plus_ms(hours * HOUR_MS)).unwrap();
        losses.into_iter().map(|loss| (loss.reason, loss.quantity)).collect()
    };
    assert_eq!(sums(first, 0), [("network_error".to_owned(), 100), ("queue_overflow".to_owned(), 15)]);
    assert_eq!(sums(first, 1), [("network_error".to_owned(), 100), ("queue_overflow".to_owned(), 5)]);
    assert_eq!(sums(second, 0), [("network_error".to_owned(), 7)]);

    let lookup = Lookup { report_keys: vec![hash("report 1"), hash("report 2")], ..Lookup::default() };
    assert_eq!(known(store, &lookup).seen_reports, HashSet::from([hash("report 1")]));
}

/// Batches from many threads do not lose each other's counts.
pub fn serves_many_at_once(store: &dyn Store) {
    let project_id = project(store, 1);
    let id = record_one(store, new_issue(project_id, "E", vec![event(0)]));
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            scope.spawn(move || {
                for number in 0..15 {
                    record(store, vec![more(id, vec![event(1 + thread * 100 + number)])]);
                    let seen = issue(store, id);
                    assert_eq!(seen.count, seen.stored_count, "a reader sees half a batch");
                }
            });
        }
    });
    assert_eq!(issue(store, id).count, 61);
    let counts: BTreeMap<_, _> = store.hourly_counts(&[id], START, START.plus_ms(HOUR_MS)).unwrap()[0]
        .iter()
        .map(|b| (b.start, b.count))
        .collect();
    assert_eq!(counts.values().sum::<u64>(), 61);
}
