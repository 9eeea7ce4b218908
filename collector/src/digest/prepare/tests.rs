use bytes::Bytes;
use error_sentinel_wire::codec::to_json;
use error_sentinel_wire::envelope::EnvelopeWriter;
use error_sentinel_wire::{Object, ProjectId, UnixMs};
use proptest::prelude::*;

use super::*;

fn accepted(header: &Header, items: &[(&str, Option<u128>, &[u8])]) -> Accepted {
    let mut writer = EnvelopeWriter::new(header);
    for (kind, id, payload) in items {
        writer.item(kind, id.map(EventId), payload);
    }
    Accepted {
        project_id: ProjectId(1),
        received_at: UnixMs(1_000_000),
        remote_addr: None,
        envelope: Bytes::from(writer.into_bytes()),
    }
}

fn ids(prepared: &Prepared) -> Vec<u128> {
    prepared.batch.events.iter().map(|one| one.event.event_id.0).collect()
}

#[test]
fn an_event_is_read_scrubbed_titled_and_grouped() {
    let header = Header { sent_at: Some(UnixMs(1_000_700)), ..Header::default() };
    let json = br#"{"level":"fatal","release":"1","exception":{"type":"E","value":"password=hunter2"}}"#;
    let prepared = prepare(&accepted(&header, &[("event", Some(5), json)]));
    let one = &prepared.batch.events[0];
    assert_eq!(one.issue.title, "E: password=[Filtered]");
    assert_eq!((one.event.event_id, one.event.skew_ms), (EventId(5), Some(700)));
    assert_eq!(one.joining, [one.event.grouping.keys[0].hash]);
    let stored = crate::store::payload::expand(&one.event.payload.compressed, 10_000).unwrap();
    let stored = String::from_utf8(stored).unwrap();
    assert!(stored.contains(&EventId(5).to_string()) && !stored.contains("hunter2"), "{stored}");
}

#[test]
fn what_came_by_a_tunnel_as_a_page_sends_it_raw_has_frames() {
    let json = br#"{"event_id":"00000000000000000000000000000007","type":"TypeError","message":"x is null",
        "stack":"TypeError: x is null\n    at pay (https://shop.example/app.js:3:7)"}"#;
    let prepared = prepare(&accepted(&Header::default(), &[("event", None, json)]));
    let one = &prepared.batch.events[0];
    assert_eq!((one.event.event_id, one.issue.title.as_str()), (EventId(7), "TypeError: x is null"));
    assert!(one.issue.culprit.contains("pay"), "{}", one.issue.culprit);
}

#[test]
fn one_bad_item_does_not_cost_the_others() {
    let items: [(&str, Option<u128>, &[u8]); 5] = [
        ("event", Some(1), b"{}"),
        ("event", Some(2), b"not json"),
        ("feedback", None, b"{}"),
        (
            "client_report",
            None,
            br#"{"timestamp":1,"discarded_events":[{"reason":"r","category":"error","quantity":2}]}"#,
        ),
        ("event", Some(3), b"[]"),
    ];
    let prepared = prepare(&accepted(&Header::default(), &items));
    assert_eq!(ids(&prepared), [1, 3]);
    assert_eq!((prepared.poison.len(), prepared.skipped_count), (1, 1));
    assert_eq!(prepared.batch.reports[0].losses[0].quantity, 2);
}

#[test]
fn no_envelope_at_all_is_named() {
    let mut bad = accepted(&Header::default(), &[]);
    bad.envelope = Bytes::from_static(b"nonsense");
    assert_eq!(prepare(&bad).poison.len(), 1);
}

#[test]
fn every_event_has_an_id_that_a_redelivery_repeats() {
    let header = Header { event_id: Some(EventId(9)), ..Header::default() };
    let own = br#"{"event_id":"00000000000000000000000000000004"}"#;
    let items: [(&str, Option<u128>, &[u8]); 3] =
        [("event", None, b"{}"), ("event", None, own), ("event", None, b"{}")];
    let accepted = accepted(&header, &items);
    let found = ids(&prepare(&accepted));
    assert_eq!(found[..2], [9, 4]);
    assert_eq!(ids(&prepare(&accepted)), found);
}

#[test]
fn a_report_has_one_key_however_often_it_is_sent() {
    let key = |payload: &[u8], received_ms: i64| {
        let mut accepted = accepted(&Header::default(), &[("client_report", None, payload)]);
        accepted.received_at = UnixMs(received_ms);
        prepare(&accepted).batch.reports[0].key
    };
    assert_eq!(key(br#"{"timestamp":1}"#, 1), key(br#"{"timestamp":1}"#, 2));
    assert_ne!(key(br#"{"timestamp":1}"#, 1), key(br#"{"timestamp":2}"#, 1));
    assert_ne!(key(b"{}", 1), key(b"{}", 2));
}

/// Values under the names that the chain looks at, so that it meets every wrong type in every place.
fn any_event() -> impl Strategy<Value = Value> {
    const NAMES: &str = "(exception|values|stacktrace|frames|threads|function|filename|abs_path|module|package|platform|value|type|mechanism|synthetic|handled|message|logentry|params|formatted|contexts|trace|trace_id|user|ip_address|sdk|settings|infer_ip|request|url|headers|cookies|query_string|tags|fingerprint|occurrences|count|level|context_line|colno|in_app|vars|release|crashed|breadcrumbs)";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<f64>().prop_map(Value::Float),
        "(\\PC{0,30}|javascript|native|rust|\\{\\{auto\\}\\}|\\{\\{ default \\}\\}|[a-z:<>(){}$./'\"-]{0,20})".prop_map(Value::String),
    ];
    leaf.prop_recursive(7, 120, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((NAMES, inner), 0..8).prop_map(|pairs| Value::Object(Object(pairs))),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_an_event_holds_it_gets_a_title_and_a_key(value in any_event()) {
        let json = to_json(&value);
        let prepared = prepare(&accepted(&Header::default(), &[("event", Some(1), json.as_bytes())]));
        prop_assert_eq!(&prepared.poison, &Vec::<String>::new());
        let one = &prepared.batch.events[0];
        prop_assert!(!one.issue.title.trim().is_empty());
        prop_assert!(!one.issue.title.contains('\n'));
        prop_assert!(!one.joining.is_empty());
        prop_assert!(one.event.grouping.keys.iter().all(|key| !key.text.is_empty()));
    }

    #[test]
    fn any_bytes_are_taken_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut any = accepted(&Header::default(), &[]);
        any.envelope = Bytes::from(bytes);
        let _ = prepare(&any);
    }
}
