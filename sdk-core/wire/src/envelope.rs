//! The envelope: a header line, then items, each a header line and a payload.
//!
//! Written with `length` on every item. Read in all the forms that real senders use: no `length` and no
//! final newline (browsers), blank lines between items, unknown item types, missing ids.

use alloc::string::String;
use alloc::vec::Vec;

use crate::codec::JsonWriter;
use crate::context::Sdk;
use crate::event::Event;
use crate::id::EventId;
use crate::time::UnixMs;
use crate::value::Object;

/// The first line of an envelope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Header {
    /// The event that the items belong to.
    pub event_id: Option<EventId>,
    /// The DSN, where the envelope must find its own way (tunnels, replays).
    pub dsn: Option<String>,
    /// When it was sent, by the sender's clock; tells how wrong that clock is.
    pub sent_at: Option<UnixMs>,
    /// The library that sent it.
    pub sdk: Option<Sdk>,
}

/// The header line of an item.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ItemHeader {
    /// `event`, `client_report`, `attachment`…; an open set.
    pub kind: String,
    /// Bytes of the payload; absent means up to the end of the line.
    pub length: Option<usize>,
    /// The event's own id, which our SDKs and queue write on every item so that an envelope can hold many.
    pub event_id: Option<EventId>,
    /// Everything else.
    pub rest: Object,
}

/// Builds an envelope.
#[derive(Debug)]
pub struct EnvelopeWriter {
    out: Vec<u8>,
}

impl EnvelopeWriter {
    /// Starts with the header line.
    pub fn new(header: &Header) -> EnvelopeWriter {
        let mut w = JsonWriter::default();
        w.object(|w| {
            if let Some(id) = header.event_id {
                w.key("event_id").plain_string(id);
            }
            w.opt_string("dsn", header.dsn.as_deref());
            if let Some(time) = header.sent_at {
                w.key("sent_at").plain_string(time);
            }
            if let Some(sdk) = &header.sdk {
                sdk.write(w.key("sdk"));
            }
        });
        let mut out = w.into_bytes();
        out.push(b'\n');
        EnvelopeWriter { out }
    }

    /// Adds an item of any type.
    pub fn item(&mut self, kind: &str, event_id: Option<EventId>, payload: &[u8]) {
        let mut w = JsonWriter::new(core::mem::take(&mut self.out));
        w.object(|w| {
            w.key("type").string(kind);
            if let Some(id) = event_id {
                w.key("event_id").plain_string(id);
            }
            w.key("length").uint(payload.len() as u64);
        });
        self.out = w.into_bytes();
        self.out.push(b'\n');
        self.out.extend_from_slice(payload);
        self.out.push(b'\n');
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event) {
        self.item("event", event.event_id, &event.to_json());
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Never true: the header line is always there.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The whole envelope.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }
}

#[cfg(feature = "decode")]
pub use decode::{EnvelopeError, Item, ItemError, Items, open};

#[cfg(feature = "decode")]
mod decode {
    use alloc::string::String;
    use core::fmt;

    use super::{Header, ItemHeader};
    use crate::codec::{DecodeError, decode_value};
    use crate::context::Sdk;
    use crate::id::EventId;
    use crate::limits;
    use crate::time::UnixMs;
    use crate::value::{Object, Value};

    /// Why bytes are no envelope at all.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum EnvelopeError {
        /// Nothing was sent.
        Empty,
        /// The first line is longer than [`limits::HEADER_LINE_BYTES`].
        HeaderTooLong,
        /// The first line is no JSON object.
        Header(DecodeError),
    }

    impl fmt::Display for EnvelopeError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                EnvelopeError::Empty => f.write_str("the envelope is empty"),
                EnvelopeError::HeaderTooLong => {
                    write!(f, "the envelope's header line is over {} bytes", limits::HEADER_LINE_BYTES)
                }
                EnvelopeError::Header(error) => write!(f, "the envelope's header line is {error}"),
            }
        }
    }

    impl core::error::Error for EnvelopeError {}

    /// Why reading had to stop inside an envelope; the items before it are good.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ItemError {
        /// Which item, from 0.
        pub index: usize,
        /// What is wrong with it.
        pub reason: String,
    }

    impl fmt::Display for ItemError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "item {}: {}", self.index, self.reason)
        }
    }

    impl core::error::Error for ItemError {}

    /// One item, its payload borrowed from the envelope.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Item<'a> {
        /// Its header line.
        pub header: ItemHeader,
        /// Its payload.
        pub payload: &'a [u8],
    }

    /// The items of an envelope; ends after the first [`ItemError`], since what follows cannot be framed.
    #[derive(Debug, Clone)]
    pub struct Items<'a> {
        rest: &'a [u8],
        index: usize,
        failed: bool,
    }

    /// Reads the header line; the items are read one by one.
    ///
    /// # Errors
    /// [`EnvelopeError`] when there is no header line. A bad value inside the header is dropped.
    pub fn open(bytes: &[u8]) -> Result<(Header, Items<'_>), EnvelopeError> {
        if bytes.is_empty() {
            return Err(EnvelopeError::Empty);
        }
        let (line, rest) = split_line(bytes);
        if line.len() > limits::HEADER_LINE_BYTES {
            return Err(EnvelopeError::HeaderTooLong);
        }
        let mut object = read_object(line).map_err(EnvelopeError::Header)?;
        let header = Header {
            event_id: take_id(&mut object),
            dsn: object.take("dsn").and_then(Value::into_text),
            sent_at: object.get("sent_at").and_then(UnixMs::from_value),
            sdk: object.take("sdk").and_then(Sdk::from_value),
        };
        Ok((header, Items { rest, index: 0, failed: false }))
    }

    impl<'a> Iterator for Items<'a> {
        type Item = Result<Item<'a>, ItemError>;

        fn next(&mut self) -> Option<Self::Item> {
            while let [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] = self.rest {
                self.rest = rest;
            }
            if self.failed || self.rest.is_empty() {
                return None;
            }
            let index = self.index;
            self.index += 1;
            let item = self.read_item();
            self.failed = item.is_err();
            Some(item.map_err(|reason| ItemError { index, reason }))
        }
    }

    impl<'a> Items<'a> {
        fn read_item(&mut self) -> Result<Item<'a>, String> {
            let (line, rest) = split_line(self.rest);
            if line.len() > limits::HEADER_LINE_BYTES {
                return Err(alloc::format!("its header line is over {} bytes", limits::HEADER_LINE_BYTES));
            }
            let mut object =
                read_object(line).map_err(|error| alloc::format!("its header line is {error}"))?;
            let kind = match object.take("type").and_then(Value::into_text) {
                Some(kind) if !kind.is_empty() => kind,
                _ => return Err("its header line has no \"type\"".into()),
            };
            let length = match object.take("length") {
                None => None,
                Some(Value::Int(length)) if length >= 0 => usize::try_from(length).ok(),
                Some(other) => {
                    let text = other.into_text().unwrap_or_default();
                    return Err(alloc::format!("its length is {text:.40}, not a number of bytes"));
                }
            };
            let event_id = take_id(&mut object);
            let payload = match length {
                None => {
                    let (payload, rest) = split_line(rest);
                    self.rest = rest;
                    payload
                }
                Some(length) => {
                    let (Some(payload), Some(after)) = (rest.get(..length), rest.get(length..)) else {
                        return Err(alloc::format!(
                            "its length is {length} bytes, but only {} follow",
                            rest.len()
                        ));
                    };
                    self.rest = match after {
                        [] => after,
                        [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => after,
                        _ => {
                            return Err(alloc::format!(
                                "its length is {length} bytes, but the payload goes on after them"
                            ));
                        }
                    };
                    payload
                }
            };
            Ok(Item { header: ItemHeader { kind, length, event_id, rest: object }, payload })
        }
    }

    fn take_id(object: &mut Object) -> Option<EventId> {
        object.take("event_id").and_then(|value| EventId::parse(value.as_str()?).ok())
    }

    fn read_object(line: &[u8]) -> Result<Object, DecodeError> {
        match decode_value(line)? {
            Value::Object(object) => Ok(object),
            _ => Err(DecodeError { reason: "expected an object".into() }),
        }
    }

    /// The bytes before the first newline, and those after it.
    fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
        match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (&bytes[..at], &bytes[at + 1..]),
            None => (bytes, &[]),
        }
    }
}

#[cfg(all(test, feature = "decode"))]
mod tests {
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
        let bytes =
            b"{}\n{\"type\":\"attachment\",\"length\":3}\na\nb\n{\"type\":\"event\",\"length\":2}\n{}\n";
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
}
