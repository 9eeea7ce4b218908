//! The last steps before an alert, in a ring of fixed size.
//!
//! A program leaves far more steps than it reports errors, so leaving one must cost next to nothing: the ring keeps
//! each place's buffers when a newer step takes it, and a [`Crumb`] only borrows its texts. Copies are made when an
//! alert takes the steps along, and made cheap: all texts go into one buffer, names are cut out of it later, by
//! whoever has the time. The ring must never grow past [`CRUMB_BYTES`] a step, whatever it is given.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::{Breadcrumb, Level, Object, UnixMs, Value, limits};

use crate::fit;

mod ring;

pub use ring::Ring;

/// Most bytes of text that one step keeps, all its parts together.
pub const CRUMB_BYTES: usize = 4096;
/// Most bytes of a step's kind and of its category.
const LABEL_BYTES: usize = 128;
/// Most entries of a step's data.
const FIELDS: usize = 32;
/// Stands for the entries that were left out, with their number.
const LEFT_OUT: &str = "…";

/// One step, borrowed from whoever leaves it.
///
/// ```
/// use error_sentinel::{Crumb, Level};
///
/// error_sentinel::add_breadcrumb("cart opened");
/// let items = 3;
/// error_sentinel::add_breadcrumb(
///     Crumb::new("order placed").category("shop.order").level(Level::Info).data(&[("items", items.into())]),
/// );
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a step counts once it is given to add_breadcrumb"]
pub struct Crumb<'a> {
    message: &'a str,
    kind: &'a str,
    category: &'a str,
    level: Option<Level>,
    at: Option<UnixMs>,
    data: &'a [(&'a str, Datum<'a>)],
    object: Option<&'a Object>,
}

impl<'a> Crumb<'a> {
    /// A step with a message.
    pub fn new(message: &'a str) -> Crumb<'a> {
        Crumb { message, ..Crumb::default() }
    }

    /// Kind of step: `default`, `http`, `navigation`, `query`…
    pub fn kind(self, kind: &'a str) -> Crumb<'a> {
        Crumb { kind, ..self }
    }

    /// Where it comes from, dotted: `ui.click`, `db.query`…
    pub fn category(self, category: &'a str) -> Crumb<'a> {
        Crumb { category, ..self }
    }

    /// How bad it was.
    pub fn level(self, level: Level) -> Crumb<'a> {
        Crumb { level: Some(level), ..self }
    }

    /// When it happened; now, unless said otherwise.
    pub fn at(self, at: UnixMs) -> Crumb<'a> {
        Crumb { at: Some(at), ..self }
    }

    /// Anything more, by name.
    pub fn data(self, data: &'a [(&'a str, Datum<'a>)]) -> Crumb<'a> {
        Crumb { data, ..self }
    }

    /// The time it was given.
    pub fn time(&self) -> Option<UnixMs> {
        self.at
    }
}

/// A value of a step's data that needs no memory of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Datum<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A whole number that has no sign.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
}

macro_rules! datum_from {
    ($($from:ty => |$value:ident| $datum:expr),+ $(,)?) => {$(
        impl<'a> From<$from> for Datum<'a> {
            fn from($value: $from) -> Datum<'a> {
                $datum
            }
        }
    )+};
}

datum_from! {
    &'a str => |value| Datum::Text(value),
    &'a String => |value| Datum::Text(value),
    i32 => |value| Datum::Int(value.into()),
    i64 => |value| Datum::Int(value),
    u32 => |value| Datum::UInt(value.into()),
    u64 => |value| Datum::UInt(value),
    usize => |value| Datum::UInt(value as u64),
    f64 => |value| Datum::Float(value),
    bool => |value| Datum::Bool(value),
}

/// What can be left as a step: a text, a [`Crumb`], or a [`Breadcrumb`] of the wire.
pub trait AsCrumb {
    /// The step.
    fn as_crumb(&self) -> Crumb<'_>;
}

impl AsCrumb for Crumb<'_> {
    fn as_crumb(&self) -> Crumb<'_> {
        *self
    }
}

impl AsCrumb for str {
    fn as_crumb(&self) -> Crumb<'_> {
        Crumb::new(self)
    }
}

impl AsCrumb for String {
    fn as_crumb(&self) -> Crumb<'_> {
        Crumb::new(self)
    }
}

impl AsCrumb for Breadcrumb {
    fn as_crumb(&self) -> Crumb<'_> {
        Crumb {
            message: self.message.as_deref().unwrap_or_default(),
            kind: self.kind.as_deref().unwrap_or_default(),
            category: self.category.as_deref().unwrap_or_default(),
            level: self.level,
            at: self.timestamp,
            data: &[],
            object: Some(&self.data),
        }
    }
}

impl<T: AsCrumb + ?Sized> AsCrumb for &T {
    fn as_crumb(&self) -> Crumb<'_> {
        (**self).as_crumb()
    }
}

/// A step without its texts.
#[derive(Debug, Clone, Copy, Default)]
struct Outline {
    at: UnixMs,
    level: Option<Level>,
    kind_bytes: usize,
    category_bytes: usize,
    message_bytes: usize,
    field_count: usize,
}

/// An entry of a step's data without its texts.
#[derive(Debug, Clone, Copy)]
struct Field {
    key_bytes: usize,
    datum: Stored,
}

#[derive(Debug, Clone, Copy)]
enum Stored {
    Text { bytes: usize },
    Int(i64),
    UInt(u64),
    Float(f64),
    Bool(bool),
}

/// One place of the ring, whose buffers outlive the step in it.
#[derive(Debug, Clone, Default)]
pub struct Place {
    outline: Outline,
    text: String,
    fields: Vec<Field>,
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
            place.write(crumb, crumb.at.unwrap_or(now));
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;
    use proptest::prelude::*;

    fn steps(rings: &[&Ring], max: usize) -> Vec<Breadcrumb> {
        let mut trail = Trail::default();
        rings.iter().for_each(|ring| trail.add(ring));
        trail.settle(max);
        trail.into_breadcrumbs()
    }

    fn messages(crumbs: &[Breadcrumb]) -> Vec<&str> {
        crumbs.iter().filter_map(|crumb| crumb.message.as_deref()).collect()
    }

    /// Any step at all, with parts that fit and parts that do not.
    fn any_crumb() -> impl Strategy<Value = Breadcrumb> {
        let text = || prop_oneof!["\\PC{0,20}", (1usize..4000).prop_map(|count| "aü".repeat(count))];
        let value = prop_oneof![
            text().prop_map(Value::String),
            any::<i64>().prop_map(Value::Int),
            any::<bool>().prop_map(Value::Bool),
            any::<f64>().prop_map(Value::Float),
            Just(Value::Array(vec![Value::from("nested"); 3])),
        ];
        let data = prop::collection::vec((prop_oneof!["[a-z]{1,9}", Just("k".repeat(200))], value), 0..40)
            .prop_map(Object);
        (text(), text(), text(), data).prop_map(|(kind, category, message, data)| Breadcrumb {
            kind: Some(kind),
            category: Some(category),
            message: Some(message),
            data,
            ..Breadcrumb::default()
        })
    }

    proptest! {
        #[test]
        fn the_ring_holds_the_last_steps_in_order(capacity in 0usize..30, count in 0usize..100) {
            let mut ring = Ring::new(capacity);
            let mut model = Vec::new();
            for n in 0..count {
                let text = n.to_string();
                let data = [("number", n.into())];
                ring.add(&Crumb::new(&text).category("test").data(&data), UnixMs(7));
                model.push(Breadcrumb {
                    timestamp: Some(UnixMs(7)),
                    category: Some("test".into()),
                    message: Some(text),
                    data: Object(vec![("number".into(), Value::from(n as u64))]),
                    ..Breadcrumb::default()
                });
            }
            let kept = model.len().saturating_sub(capacity);
            prop_assert_eq!(ring.evicted_count(), kept as u64);
            prop_assert_eq!(steps(&[&ring], 100), &model[kept..]);
        }

        #[test]
        fn a_step_of_any_size_stays_within_its_bytes(crumbs in prop::collection::vec(any_crumb(), 1..4)) {
            let mut ring = Ring::new(2);
            for crumb in &crumbs {
                ring.add(&crumb.as_crumb(), UnixMs(1));
            }
            let held = |text: &String| text.len() <= CRUMB_BYTES && text.capacity() <= 2 * CRUMB_BYTES;
            prop_assert!(ring.iter().all(|place| held(&place.text) && place.fields.len() <= FIELDS + 1));
            // What was cut says so, and what was not is as it was left.
            let last = steps(&[&ring], 100).pop().unwrap();
            let given = crumbs.last().unwrap().message.clone().unwrap();
            let kept = last.message.unwrap_or_default();
            let is_cut_and_marked = || given.starts_with(kept.trim_end_matches('…')) && kept.ends_with('…');
            prop_assert!(kept == given || is_cut_and_marked(), "{kept:?} of {given:?}");
        }
    }

    #[test]
    fn rings_that_claim_alike_share_the_room_by_time() {
        let (mut one, mut two) = (Ring::new(3), Ring::new(3));
        for at in 1..=4 {
            one.add(&Crumb::new("one"), UnixMs(2 * at));
            two.add(&Crumb::new("two"), UnixMs(2 * at + 1));
        }
        assert_eq!(messages(&steps(&[&one, &two], 3)), ["two", "one", "two"]);
    }

    #[test]
    fn the_ring_that_is_closest_claims_first() {
        let (mut near, mut far) = (Ring::new(3), Ring::new(3));
        near.add(&Crumb::new("near"), UnixMs(2));
        for at in [1, 3, 4] {
            far.add(&Crumb::new("far"), UnixMs(at));
        }
        let mut trail = Trail::default();
        for ring in [&near, &far] {
            trail.add(ring);
            trail.settle(2);
        }
        assert_eq!(trail.evicted_count(), 2);
        assert_eq!(messages(&trail.into_breadcrumbs()), ["near", "far"]);
    }

    #[test]
    fn nested_data_is_kept_as_json() {
        let nested = Value::Object(Object(vec![("a".into(), Value::from(vec![1u32, 2]))]));
        let crumb = Breadcrumb { data: Object(vec![("nested".into(), nested)]), ..Breadcrumb::default() };
        let mut ring = Ring::new(1);
        ring.add(&crumb.as_crumb(), UnixMs(0));
        let kept = steps(&[&ring], 1).remove(0);
        assert_eq!(kept.data.get("nested"), Some(&Value::from("{\"a\":[1,2]}")));
    }
}
