//! What every store must do for issues: status, pages, search, bounded counts.

use std::collections::BTreeSet;

use super::{HOUR_MS, START, event, issue, list, more, new_issue, project, record, record_one};
use crate::store::digests::{IssueChange, NewEvent, Target};
use crate::store::issue::IssueQuery;
use crate::store::{IssueId, Page, Status, Store, StoreError};

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
