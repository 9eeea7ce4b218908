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

#[cfg(feature = "decode")]
mod decode;
#[cfg(all(test, feature = "decode"))]
mod tests;

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
                w.key("event_id").plain_string(&id.digits());
            }
            w.opt_string("dsn", header.dsn.as_deref());
            if let Some(time) = header.sent_at {
                w.key("sent_at").plain_string(&time.digits());
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
                w.key("event_id").plain_string(&id.digits());
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
