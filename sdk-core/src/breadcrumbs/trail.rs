//! The steps that an alert takes along.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::{Breadcrumb, Object, Value};

use super::Ring;
use super::place::{Field, Outline, Stored};

/// Steps on their way with an alert: copied at once, put into words later.
///
/// Rings are taken in the order of their claim: first the one closest to what failed, then those around it, each
/// with as many of its latest steps as there is room for.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    text: String,
    fields: Vec<Field>,
    steps: Vec<Step>,
    /// Steps that have not claimed their place yet.
    fresh: Vec<Step>,
    evicted_count: u64,
}

/// A step in the trail's buffers.
#[derive(Debug, Clone, Copy)]
struct Step {
    outline: Outline,
    text_start: usize,
    field_start: usize,
}

impl Trail {
    /// Copies the steps of a ring. Rings that are added before the next [`Trail::settle`] claim alike.
    pub fn add(&mut self, ring: &Ring) {
        self.evicted_count += ring.evicted_count();
        self.fresh.reserve(ring.len());
        for place in ring.iter() {
            let step =
                Step { outline: place.outline, text_start: self.text.len(), field_start: self.fields.len() };
            self.text.push_str(&place.text);
            self.fields.extend_from_slice(&place.fields);
            self.fresh.push(step);
        }
    }

    /// Lets go of the oldest of the steps added since the last time, so that there are at most `max` in all.
    pub fn settle(&mut self, max: usize) {
        self.fresh.sort_by_key(|step| step.outline.at);
        let excess = self.fresh.len().saturating_sub(max.saturating_sub(self.steps.len()));
        self.fresh.drain(..excess);
        self.evicted_count += excess as u64;
        // Where two steps have one time, what is further out counts as the earlier.
        self.fresh.append(&mut self.steps);
        core::mem::swap(&mut self.fresh, &mut self.steps);
    }

    /// Whether there is no step in it.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Steps that were left in the course of the program and are not in the trail.
    pub fn evicted_count(&self) -> u64 {
        self.evicted_count
    }

    /// The steps as the wire has them, oldest first.
    pub fn into_breadcrumbs(mut self) -> Vec<Breadcrumb> {
        self.steps.sort_by_key(|step| step.outline.at);
        self.steps.iter().map(|step| self.breadcrumb(step)).collect()
    }

    fn breadcrumb(&self, step: &Step) -> Breadcrumb {
        let outline = &step.outline;
        let mut rest = self.text.get(step.text_start..).unwrap_or_default();
        let mut cut = |bytes: usize| {
            let (part, after) = rest.split_at_checked(bytes).unwrap_or_default();
            rest = after;
            part.to_owned()
        };
        let kind = cut(outline.kind_bytes);
        let category = cut(outline.category_bytes);
        let message = cut(outline.message_bytes);
        let fields = self.fields.iter().skip(step.field_start).take(outline.field_count);
        let data = fields.map(|field| {
            let key = cut(field.key_bytes);
            let value = match field.datum {
                Stored::Text { bytes } => Value::String(cut(bytes)),
                Stored::Int(number) => Value::Int(number),
                Stored::UInt(number) => Value::from(number),
                Stored::Float(number) => Value::Float(number),
                Stored::Bool(value) => Value::Bool(value),
            };
            (key, value)
        });
        Breadcrumb {
            data: Object(data.collect()),
            timestamp: Some(outline.at),
            kind: Some(kind).filter(|text| !text.is_empty()),
            category: Some(category).filter(|text| !text.is_empty()),
            message: Some(message).filter(|text| !text.is_empty()),
            level: outline.level,
        }
    }
}
