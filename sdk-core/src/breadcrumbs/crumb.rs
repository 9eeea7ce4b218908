//! A step as it is left: borrowed, so that leaving it copies each of its texts once.

use alloc::string::String;

use error_sentinel_wire::{Breadcrumb, Level, Object, UnixMs};

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
    pub(super) message: &'a str,
    pub(super) kind: &'a str,
    pub(super) category: &'a str,
    pub(super) level: Option<Level>,
    at: Option<UnixMs>,
    pub(super) data: &'a [(&'a str, Datum<'a>)],
    pub(super) object: Option<&'a Object>,
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

    /// Its texts: kind, category, message.
    #[cfg(feature = "crash")]
    pub(crate) fn texts(&self) -> [&'a str; 3] {
        [self.kind, self.category, self.message]
    }

    /// How bad it was, where that was said.
    #[cfg(feature = "crash")]
    pub(crate) fn badness(&self) -> Option<Level> {
        self.level
    }

    /// Its data, borrowed either way.
    #[cfg(feature = "crash")]
    pub(crate) fn all_data(&self) -> (&'a [(&'a str, Datum<'a>)], Option<&'a Object>) {
        (self.data, self.object)
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
