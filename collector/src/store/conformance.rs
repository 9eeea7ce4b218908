//! What every store must do. A backend's tests call these functions with a store that is empty and new.
//!
//! The functions panic where a promise is broken; they are for tests alone.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use error_sentinel_wire::{EventId, Level, ProjectId, PublicKey, TraceId, UnixMs};

use super::digests::{
    Changes, IssueChange, IssueState, Known, Lookup, Loss, NewAlarm, NewEvent, NewIssue, Target,
};
use super::event::{GroupKey, Grouping};
use super::issue::{Bucket, IssueQuery, TagCount};
use super::outbox::AlarmKind;
use super::payload::Payload;
use super::{Issue, IssueId, Page, Status, Store, StoreError};

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

/// Projects have keys that can be added and revoked, and names that nobody else has.
pub fn keeps_projects(store: &dyn Store) {
    let first = project(store, 1);
    let second = project(store, 2);
    assert_eq!(first, ProjectId(1), "the first project is 1");
    let names: Vec<_> =
        store.projects().unwrap().into_iter().map(|project| (project.id, project.name)).collect();
    assert_eq!(names, [(first, "project 1".into()), (second, "project 2".into())]);
    let taken = store.create_project("project 1", PublicKey(99), START);
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    assert_eq!(store.find_key(PublicKey(99)).unwrap(), None, "a refused project left its key");

    assert_eq!(store.find_key(PublicKey(1)).unwrap().unwrap().project_id, first);
    store.add_key(first, PublicKey(10), "phones", START.plus_ms(1)).unwrap();
    assert!(matches!(store.add_key(second, PublicKey(10), "", START), Err(StoreError::Conflict(_))));
    assert!(matches!(store.add_key(ProjectId(77), PublicKey(11), "", START), Err(StoreError::Conflict(_))));
    assert!(store.revoke_key(PublicKey(1), START.plus_ms(2)).unwrap());
    assert!(!store.revoke_key(PublicKey(1), START.plus_ms(3)).unwrap());
    assert_eq!(store.find_key(PublicKey(1)).unwrap(), None);
    let keys: Vec<_> = store
        .project_keys(first)
        .unwrap()
        .into_iter()
        .map(|key| (key.public_key, key.label, key.revoked_at))
        .collect();
    assert_eq!(
        keys,
        [
            (PublicKey(1), "default".into(), Some(START.plus_ms(2))),
            (PublicKey(10), "phones".to_owned(), None)
        ]
    );

    assert_eq!(store.recipients(first).unwrap(), Vec::<String>::new());
    store.set_recipients(first, &["b@example.com".into(), "a@example.com".into()]).unwrap();
    store.set_recipients(second, &["c@example.com".into()]).unwrap();
    assert_eq!(store.recipients(first).unwrap(), ["a@example.com", "b@example.com"]);
    store.set_recipients(first, &[]).unwrap();
    assert_eq!(store.recipients(first).unwrap(), Vec::<String>::new());
    assert_eq!(store.recipients(second).unwrap(), ["c@example.com"]);
}

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

/// The status changes as people and decisions say, with its flags.
pub fn changes_the_status(store: &dyn Store) {
    let project_id = project(store, 1);
    let id = record_one(store, new_issue(project_id, "E", vec![event(1)]));
    let until = START.plus_ms(HOUR_MS);
    let ignored = store.set_status(id, Status::Ignored, Some(until), START, 0).unwrap().unwrap();
    assert_eq!((ignored.status, ignored.ignored_until), (Status::Ignored, Some(until)));
    assert_eq!(issue(store, id), ignored);
    let resolved = store.set_status(id, Status::Resolved, Some(until), START, 0).unwrap().unwrap();
    assert_eq!((resolved.status, resolved.ignored_until), (Status::Resolved, None));

    record(store, vec![IssueChange { status: Some((Status::Unresolved, true)), ..more(id, vec![event(2)]) }]);
    assert_eq!((issue(store, id).status, issue(store, id).regressed), (Status::Unresolved, true));
    record(store, vec![more(id, vec![event(3)])]);
    assert!(issue(store, id).regressed, "one more event changes nothing about that");
    let resolved = store.set_status(id, Status::Resolved, None, START, 0).unwrap().unwrap();
    assert!(!resolved.regressed);

    store.set_status(id, Status::Ignored, Some(until), START, 0).unwrap();
    record(
        store,
        vec![IssueChange { status: Some((Status::Unresolved, false)), ..more(id, vec![event(4)]) }],
    );
    let unmuted = issue(store, id);
    assert_eq!((unmuted.status, unmuted.ignored_until, unmuted.regressed), (Status::Unresolved, None, false));
    assert_eq!(store.set_status(IssueId(4711), Status::Resolved, None, START, 0).unwrap(), None);
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

fn pages(store: &dyn Store, query: &IssueQuery, mut between: impl FnMut(usize)) -> Vec<IssueId> {
    let mut query = query.clone();
    let mut ids = Vec::new();
    for page in 0.. {
        let Page { items, next_cursor } = store.issues(&query).unwrap();
        ids.extend(items.iter().map(|issue| issue.id));
        match next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return ids,
        }
        between(page);
    }
    ids
}

/// Pages of issues follow one another without gap or repetition, whatever comes in meanwhile.
pub fn pages_issues(store: &dyn Store) {
    let (first, second) = (project(store, 1), project(store, 2));
    // Several arrive in the same millisecond: the id decides.
    let at = |number: u32| NewEvent { received_at: START.plus_ms(i64::from(number / 3)), ..event(number) };
    let ids: Vec<_> = (0..25)
        .map(|number| {
            let project_id = if number % 5 == 0 { second } else { first };
            record_one(store, new_issue(project_id, &format!("E{number}"), vec![at(number)]))
        })
        .collect();
    let newest_first: Vec<_> = ids.iter().rev().copied().collect();
    let query = IssueQuery { limit: 7, ..IssueQuery::default() };
    assert_eq!(pages(store, &query, |_| {}), newest_first);
    let of_second = IssueQuery { project_id: Some(second), limit: 2, ..IssueQuery::default() };
    let expected: Vec<_> = ids.iter().step_by(5).rev().copied().collect();
    assert_eq!(pages(store, &of_second, |_| {}), expected);

    let with_news = pages(store, &query, |page| {
        let number = 1000 + u32::try_from(page).unwrap();
        record_one(store, new_issue(first, &format!("E{number}"), vec![event(number)]));
        // The newest of all is seen again, and moves to the top.
        record(store, vec![more(newest_first[0], vec![event(2000 + number)])]);
    });
    assert_eq!(with_news, newest_first);

    store.set_status(ids[3], Status::Resolved, None, START, 0).unwrap();
    let resolved = IssueQuery { status: Some(Status::Resolved), limit: 5, ..IssueQuery::default() };
    assert_eq!(pages(store, &resolved, |_| {}), [ids[3]]);
    let elsewhere = IssueQuery { project_id: Some(second), ..resolved };
    assert_eq!(pages(store, &elsewhere, |_| {}), []);

    for cursor in ["", "x", "1", "-", "1-x", "999999999999999999999-1", "'; DROP TABLE issue"] {
        let query = IssueQuery { cursor: Some(cursor.into()), limit: 5, ..IssueQuery::default() };
        assert!(matches!(store.issues(&query), Err(StoreError::Conflict(_))), "{cursor}");
        assert!(
            matches!(store.events(ids[0], 5, Some(cursor)), Err(StoreError::Conflict(_))) || cursor == "1"
        );
    }
}

/// Pages of events, newest first, and neighbours, within their issue.
pub fn pages_events(store: &dyn Store) {
    let project_id = project(store, 1);
    let id = record_one(store, new_issue(project_id, "E", vec![event(0)]));
    let other = record_one(store, new_issue(project_id, "F", vec![event(100)]));
    for number in 1..12 {
        record(store, vec![more(id, vec![event(number)]), more(other, vec![event(100 + number)])]);
    }
    let mut got = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.events(id, 5, cursor.as_deref()).unwrap();
        got.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let ids: Vec<_> = got.iter().map(|row| row.event_id.0).collect();
    assert_eq!(ids, (0..12).rev().collect::<Vec<u128>>());

    let middle = store.neighbours(&got[5]).unwrap();
    let named = [middle.first, middle.older, middle.newer, middle.last].map(|id| id.map(|id| id.0));
    assert_eq!(named, [Some(0), Some(5), Some(7), Some(11)]);
    let newest = store.neighbours(&got[0]).unwrap();
    assert_eq!((newest.newer, newest.older.map(|id| id.0)), (None, Some(10)));
    assert_eq!(store.latest_event(id).unwrap().unwrap().row.event_id, EventId(11));
}

/// Events of one trace, over projects, oldest first.
pub fn follows_a_trace(store: &dyn Store) {
    let (first, second) = (project(store, 1), project(store, 2));
    let traced = |number| NewEvent { trace_id: Some(TraceId(5)), ..event(number) };
    record(
        store,
        vec![new_issue(first, "E", vec![traced(1), event(2)]), new_issue(second, "F", vec![traced(3)])],
    );
    let rows = store.events_of_trace(TraceId(5), 10).unwrap();
    assert_eq!(rows.iter().map(|row| row.event_id.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(store.events_of_trace(TraceId(5), 1).unwrap().len(), 1);
    assert_eq!(store.events_of_trace(TraceId(6), 10).unwrap(), []);
}

/// Search finds what contains every term, letter case aside, and takes nothing for a pattern.
pub fn searches(store: &dyn Store) {
    let project_id = project(store, 1);
    let tagged = |number: u32, tags: &[(&str, &str)]| NewEvent {
        tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into(), 1)).collect(),
        ..event(number)
    };
    let named = |key: &str, title: &str, event: NewEvent| {
        let mut change = new_issue(project_id, key, vec![event]);
        if let Target::New(new) = &mut change.target {
            new.title = title.into();
        }
        record_one(store, change)
    };
    let timeout = named(
        "Timeout",
        "Timeout at 100% of std::io",
        tagged(1, &[("os", "Android"), ("app", "Delivery app")]),
    );
    let value = named("ValueError", "ValueError: bad_value", tagged(2, &[("os", "iOS")]));
    let all = BTreeSet::from([timeout, value]);
    let found = |query: &str| list(store, query);
    assert_eq!(found("it FAILED"), all);
    assert_eq!(found("timeout"), BTreeSet::from([timeout]));
    assert_eq!(found("failed valueerror"), BTreeSet::from([value]));
    assert_eq!(found("timeout valueerror"), BTreeSet::new());
    assert_eq!(found("checkout"), all, "the culprit");
    assert_eq!(found("OS:android"), BTreeSet::from([timeout]));
    assert_eq!(found("app:\"Delivery app\" timeout"), BTreeSet::from([timeout]));
    assert_eq!(found("os:Android os:iOS"), BTreeSet::new());
    assert_eq!(found("os:And"), BTreeSet::new(), "a tag has a value or not");
    assert_eq!(found("std::io"), BTreeSet::from([timeout]), "a colon in the text");
    assert_eq!(found("100%"), BTreeSet::from([timeout]));
    assert_eq!(found("%"), BTreeSet::from([timeout]));
    assert_eq!(found("_"), BTreeSet::from([value]));
    assert_eq!(found("\\"), BTreeSet::new());
    assert_eq!(found("' OR 1=1 --"), BTreeSet::new());
}

/// Distinct values of a tag are bounded, and so are tags; what goes beyond is counted together.
pub fn bounds_tags(store: &dyn Store) {
    let project_id = project(store, 1);
    let tagged = |number: u32, tags: Vec<(String, String, u64)>| NewEvent { tags, ..event(number) };
    let id = record_one(store, new_issue(project_id, "E", vec![event(0)]));
    for batch in 0..5u32 {
        let events = (0..100).map(|n| {
            let number = 1 + batch * 100 + n;
            let url = ("url".to_owned(), format!("/{number}"), 2);
            tagged(number, vec![url, ("os".into(), if n % 4 == 0 { "a" } else { "b" }.into(), 1)])
        });
        record(store, vec![more(id, events.collect())]);
    }
    let counts = store.tag_counts(id, 500).unwrap();
    let url: Vec<_> = counts.iter().filter(|tag| tag.key == "url").collect();
    assert!(url.len() <= 200, "{} values", url.len());
    assert_eq!(url.iter().map(|tag| tag.count).sum::<u64>(), 1000, "every error is counted somewhere");
    assert_eq!(url.iter().filter(|tag| tag.value.is_none()).count(), 1);
    let os: Vec<_> =
        counts.iter().filter(|tag| tag.key == "os").map(|tag| (tag.value.as_deref(), tag.count)).collect();
    assert_eq!(os, [(Some("b"), 375), (Some("a"), 125)]);
    let top = store.tag_counts(id, 1).unwrap();
    assert_eq!(top.iter().filter(|tag| tag.key == "os").count(), 1);

    for batch in 0..8u32 {
        let events = (0..50).map(|n| {
            let number = 10_000 + batch * 50 + n;
            tagged(number, vec![(format!("key{number}"), "v".into(), 1)])
        });
        record(store, vec![more(id, events.collect())]);
    }
    let keys: BTreeSet<_> = store.tag_counts(id, 1).unwrap().into_iter().map(|tag| tag.key).collect();
    assert!((150..=250).contains(&keys.len()), "{} tags of 402 are counted", keys.len());
}

/// Distinct users are counted exactly below the bound, and the count stops there.
pub fn bounds_users(store: &dyn Store) {
    let project_id = project(store, 1);
    let of = |number: u32, users: std::ops::Range<u32>| NewEvent {
        users: users.map(|user| format!("user {user}")).collect(),
        ..event(number)
    };
    let id = record_one(store, new_issue(project_id, "E", vec![of(1, 0..3000), of(2, 1000..4000)]));
    assert_eq!(issue(store, id).users, 4000);
    record(store, vec![more(id, vec![of(3, 2000..9999)])]);
    assert_eq!(issue(store, id).users, 9999);
    record(store, vec![more(id, vec![of(4, 0..30_000)])]);
    let bounded = issue(store, id).users;
    assert!((9999..20_000).contains(&bounded), "{bounded}");
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
