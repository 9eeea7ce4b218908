//! What every store must do for events: pages, neighbours, traces.

use error_sentinel_wire::{EventId, TraceId};

use super::{event, more, new_issue, project, record, record_one};
use crate::store::Store;
use crate::store::digests::NewEvent;

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
