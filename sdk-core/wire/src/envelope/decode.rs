//! Reading an envelope in all the forms that real senders use.

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

/// Why an item cannot be read; the items before it are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError {
    /// Which item, from 0.
    pub index: usize,
    /// Its type, where its header line could be read: a wrong length of something that nobody reads matters
    /// to nobody.
    pub kind: Option<String>,
    /// Whether its end was found all the same, so that nothing else can hide in it.
    pub is_framed: bool,
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

/// The items of an envelope.
///
/// After an item whose payload is longer than it says, reading goes on at the next line; after every other
/// [`ItemError`] it ends, since what follows cannot be framed.
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
        Some(item.map_err(|(kind, reason)| ItemError { index, kind, is_framed: !self.failed, reason }))
    }
}

impl<'a> Items<'a> {
    /// Reads one item; an error comes with the item's type where that is known.
    fn read_item(&mut self) -> Result<Item<'a>, (Option<String>, String)> {
        // Until the end of the item is found, there is nothing to go on from.
        self.failed = true;
        let (line, rest) = split_line(self.rest);
        let header = read_header(line).map_err(|reason| (None, reason))?;
        let Some(length) = header.length else {
            let (payload, rest) = split_line(rest);
            (self.rest, self.failed) = (rest, false);
            return Ok(Item { header, payload });
        };
        let (Some(payload), Some(after)) = (rest.get(..length), rest.get(length..)) else {
            let reason = alloc::format!("its length is {length} bytes, but only {} follow", rest.len());
            return Err((Some(header.kind), reason));
        };
        let (surplus, after) = split_line(after);
        (self.rest, self.failed) = (after, false);
        match surplus {
            [] | [b'\r'] => Ok(Item { header, payload }),
            _ => {
                let reason =
                    alloc::format!("its length is {length} bytes, but the payload goes on after them");
                Err((Some(header.kind), reason))
            }
        }
    }
}

fn read_header(line: &[u8]) -> Result<ItemHeader, String> {
    if line.len() > limits::HEADER_LINE_BYTES {
        return Err(alloc::format!("its header line is over {} bytes", limits::HEADER_LINE_BYTES));
    }
    let mut object = read_object(line).map_err(|error| alloc::format!("its header line is {error}"))?;
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
    Ok(ItemHeader { kind, length, event_id, rest: object })
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
