//! A step in the ring: all its texts in one buffer, and an outline that tells them apart.

use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::{Level, UnixMs, Value, limits};

use super::{Crumb, Datum, Ring};
use crate::fit;

/// Most bytes of text that one step keeps, all its parts together.
pub const CRUMB_BYTES: usize = 4096;
/// Most bytes of a step's kind and of its category.
const LABEL_BYTES: usize = 128;
/// Most entries of a step's data.
pub(super) const FIELDS: usize = 32;
/// Stands for the entries that were left out, with their number.
const LEFT_OUT: &str = "…";

/// A step without its texts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outline {
    pub(super) at: UnixMs,
    pub(super) level: Option<Level>,
    pub(super) kind_bytes: usize,
    pub(super) category_bytes: usize,
    pub(super) message_bytes: usize,
    pub(super) field_count: usize,
}

/// An entry of a step's data without its texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) key_bytes: usize,
    pub(super) datum: Stored,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Stored {
    Text { bytes: usize },
    Int(i64),
    UInt(u64),
    Float(f64),
    Bool(bool),
}

/// One place of the ring, whose buffers outlive the step in it.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub(super) outline: Outline,
    pub(super) text: String,
    pub(super) fields: Vec<Field>,
}

impl Place {
    fn write(&mut self, crumb: &Crumb<'_>, at: UnixMs) {
        self.text.clear();
        self.fields.clear();
        let kind_bytes = self.push(crumb.kind, LABEL_BYTES);
        let category_bytes = self.push(crumb.category, LABEL_BYTES);
        let message_bytes = self.push(crumb.message, CRUMB_BYTES);
        if !crumb.data.is_empty() || crumb.object.is_some_and(|object| !object.0.is_empty()) {
            self.write_data(crumb);
        }
        self.outline = Outline {
            at,
            level: crumb.level,
            kind_bytes,
            category_bytes,
            message_bytes,
            field_count: self.fields.len(),
        };
    }

    fn write_data(&mut self, crumb: &Crumb<'_>) {
        let mut left_out_count = 0;
        for (key, datum) in crumb.data {
            left_out_count += u64::from(!self.push_field(key, *datum));
        }
        for (key, value) in crumb.object.iter().flat_map(|object| &object.0) {
            let is_in = match value {
                Value::Null => true,
                Value::Bool(value) => self.push_field(key, Datum::Bool(*value)),
                Value::Int(number) => self.push_field(key, Datum::Int(*number)),
                Value::UInt(number) => self.push_field(key, Datum::UInt(*number)),
                Value::Float(number) => self.push_field(key, Datum::Float(*number)),
                Value::String(text) => self.push_field(key, Datum::Text(text)),
                nested @ (Value::Array(_) | Value::Object(_)) => {
                    self.push_field(key, Datum::Text(&fit::json_within(nested, self.room())))
                }
            };
            left_out_count += u64::from(!is_in);
        }
        if left_out_count > 0 {
            self.text.push_str(LEFT_OUT);
            self.fields.push(Field { key_bytes: LEFT_OUT.len(), datum: Stored::UInt(left_out_count) });
        }
    }

    /// Adds an entry; says whether there was room for it.
    fn push_field(&mut self, key: &str, datum: Datum<'_>) -> bool {
        if self.fields.len() >= FIELDS || key.len() > LABEL_BYTES || key.len() >= self.room() {
            return false;
        }
        let key_bytes = self.push(key, LABEL_BYTES);
        let datum = match datum {
            Datum::Text(text) => Stored::Text { bytes: self.push(text, CRUMB_BYTES) },
            Datum::Int(number) => Stored::Int(number),
            Datum::UInt(number) => Stored::UInt(number),
            Datum::Float(number) => Stored::Float(number),
            Datum::Bool(value) => Stored::Bool(value),
        };
        self.fields.push(Field { key_bytes, datum });
        true
    }

    /// Bytes that may still come; what marks that something was left out always fits.
    fn room(&self) -> usize {
        (CRUMB_BYTES - LEFT_OUT.len()).saturating_sub(self.text.len())
    }

    /// Appends as much of a text as fits, and returns how much that was.
    fn push(&mut self, text: &str, max: usize) -> usize {
        let before = self.text.len();
        let room = max.min(self.room());
        limits::push_cut(&mut self.text, text, room);
        self.text.len() - before
    }
}

impl Ring {
    /// Remembers a step that happened at `now`, unless it has a time of its own; its texts are cut to their limits.
    pub fn add(&mut self, crumb: &Crumb<'_>, now: UnixMs) {
        if let Some(place) = self.next_place() {
            place.write(crumb, crumb.time().unwrap_or(now));
        }
    }
}
