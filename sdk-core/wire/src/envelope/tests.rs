use super::*;
use alloc::vec;
use proptest::prelude::*;

#[allow(clippy::unwrap_used, reason = "a helper of tests only")]
fn items(bytes: &[u8]) -> Vec<Result<(String, Vec<u8>), String>> {
    let (_, items) = open(bytes).unwrap();
    items.map(|item| item.map(|i| (i.header.kind, i.payload.to_vec())).map_err(|e| e.reason)).collect()
}

fn ok(kind: &str, payload: &str) -> Result<(String, Vec<u8>), String> {
    Ok((kind.into(), payload.into()))
}

#[test]
fn a_browser_writes_neither_length_nor_final_newline() {
    let bytes = b"{\"sent_at\":\"2026-01-01T00:00:00Z\"}\n{\"type\":\"event\"}\n{\"a\":1}\n{\"type\":\"session\"}\n{}";
    assert_eq!(items(bytes), vec![ok("event", "{\"a\":1}"), ok("session", "{}")]);
}

#[test]
fn a_payload_of_given_length_may_hold_newlines() {
    let bytes = b"{}\n{\"type\":\"attachment\",\"length\":3}\na\nb\n{\"type\":\"event\",\"length\":2}\n{}\n";
    assert_eq!(items(bytes), vec![ok("attachment", "a\nb"), ok("event", "{}")]);
}

#[test]
fn empty_payloads_and_blank_lines_are_fine() {
    let bytes = b"{}\n{\"type\":\"attachment\",\"length\":0}\n\n\n{\"type\":\"attachment\",\"length\":0}";
    assert_eq!(items(bytes), vec![ok("attachment", ""), ok("attachment", "")]);
    assert_eq!(items(b"{}"), vec![]);
    assert_eq!(items(b"{}\n"), vec![]);
}

#[test]
fn a_wrong_length_is_named_and_the_items_before_it_are_kept() {
    let short = items(b"{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"event\",\"length\":99}\n{}");
    assert_eq!(short, vec![ok("event", "{}"), Err("its length is 99 bytes, but only 2 follow".into())]);
    let long = items(b"{}\n{\"type\":\"event\",\"length\":1}\n{}\n");
    assert_eq!(long, vec![Err("its length is 1 bytes, but the payload goes on after them".into())]);
}

#[test]
fn after_a_payload_longer_than_it_says_reading_goes_on_at_the_next_line() {
    let bytes = b"{}\n{\"type\":\"session\",\"length\":1}\n{\"a\":1}\n{\"type\":\"event\"}\n{}\n";
    let (_, items) = open(bytes).unwrap();
    let items: Vec<_> = items.collect();
    assert_eq!(items[0].as_ref().unwrap_err().kind.as_deref(), Some("session"));
    assert_eq!(items[1].as_ref().unwrap().header.kind, "event");
}

#[test]
fn a_bad_value_in_the_header_is_dropped_and_the_rest_kept() {
    let (header, _) = open(br#"{"event_id":"nope","sent_at":"yesterday","sdk":7,"dsn":"x"}"#).unwrap();
    assert_eq!(header, Header { dsn: Some("x".into()), ..Header::default() });
}

#[test]
fn no_header_is_no_envelope() {
    assert_eq!(open(b"").unwrap_err(), EnvelopeError::Empty);
    assert!(matches!(open(b"hello"), Err(EnvelopeError::Header(_))));
    assert!(matches!(open(b"[]"), Err(EnvelopeError::Header(_))));
    let long = vec![b' '; crate::limits::HEADER_LINE_BYTES + 1];
    assert_eq!(open(&long).unwrap_err(), EnvelopeError::HeaderTooLong);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6),
        id in any::<u128>(),
        ms in 0i64..4_000_000_000_000,
    ) {
        let header = Header { event_id: Some(EventId(id)), sent_at: Some(UnixMs(ms)), ..Header::default() };
        let mut writer = EnvelopeWriter::new(&header);
        for payload in &payloads {
            writer.item("attachment", Some(EventId(id)), payload);
        }
        let bytes = writer.into_bytes();
        let (read, items) = open(&bytes).unwrap();
        prop_assert_eq!(read, header);
        let items: Vec<_> = items.map(|item| item.unwrap()).collect();
        prop_assert!(items.iter().all(|item| item.header.event_id == Some(EventId(id))));
        prop_assert_eq!(items.iter().map(|item| item.payload.to_vec()).collect::<Vec<_>>(), payloads);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((_, items)) = open(&bytes) {
            prop_assert!(items.count() <= bytes.len());
        }
    }
}
