//! An error and its causes, in words.
//!
//! They are written where the error is, and all into one text: every piece of memory that is asked for there, to be
//! given back by another thread, makes an alert slower than all that is written into it. What the wire wants is made
//! of it where there is time.

use std::error::Error;
use std::fmt::{self, Write};

use error_sentinel_wire::{Exception, Mechanism, limits};

/// The chain of an error; empty where something else is reported.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    /// The types and messages of all links, one after the other.
    text: String,
    /// What surfaced first, then its causes.
    links: Vec<Link>,
}

/// Bytes of the text that say what one error is.
#[derive(Debug, Clone, Copy)]
struct Link {
    kind_bytes: usize,
    value_bytes: usize,
}

impl Chain {
    /// That of `error`, of whose type only `Debug` tells the name.
    pub(crate) fn of(error: &dyn Error) -> Chain {
        Chain::of_type(error, "dyn Error")
    }

    /// That of `error`, whose type has this name.
    pub(crate) fn of_type<E: Error + ?Sized>(error: &E, name: &str) -> Chain {
        let mut chain = Chain::with_room();
        if name.starts_with("dyn ") {
            chain.add(|text| push_type_by_debug(text, &error), error);
        } else {
            chain.add(|text| push_short_type(text, name), error);
        }
        chain.add_causes(error.source());
        chain
    }

    /// With room for what most have to say.
    fn with_room() -> Chain {
        Chain { text: String::with_capacity(160), links: Vec::with_capacity(4) }
    }

    fn add_causes(&mut self, mut source: Option<&(dyn Error + 'static)>) {
        while let Some(error) = source {
            // An error may name itself as its source; such a chain has no end.
            if self.links.len() >= limits::EXCEPTIONS {
                break;
            }
            self.add(|text| push_type_by_debug(text, &error), error);
            source = error.source();
        }
    }

    fn add(&mut self, kind: impl FnOnce(&mut String), value: &(impl fmt::Display + ?Sized)) {
        let start = self.text.len();
        kind(&mut self.text);
        let kind_bytes = self.text.len() - start;
        // A bounded text refuses what is too long, which ends the writing; what it holds by then is kept.
        let _ = write!(Bounded::new(&mut self.text, limits::MESSAGE_BYTES), "{value}");
        self.links.push(Link { kind_bytes, value_bytes: self.text.len() - start - kind_bytes });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Type and message of what surfaced.
    pub(crate) fn surfaced(&self) -> Option<(&str, &str)> {
        self.parts().next()
    }

    fn parts(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.text.as_str();
        self.links.iter().map(move |link| {
            let (kind, after) = rest.split_at_checked(link.kind_bytes).unwrap_or_default();
            let (value, after) = after.split_at_checked(link.value_bytes).unwrap_or_default();
            rest = after;
            (kind, value)
        })
    }

    /// As the wire wants it: the oldest cause first, what surfaced last.
    pub(crate) fn into_exceptions(self) -> Vec<Exception> {
        let exception = |(kind, value): (&str, &str)| Exception {
            kind: Some(kind.to_owned()),
            value: Some(value.to_owned()),
            ..Exception::default()
        };
        let mut exceptions: Vec<_> = self.parts().map(exception).collect();
        exceptions.reverse();
        if let Some(last) = exceptions.last_mut() {
            let mechanism =
                Mechanism { kind: "send_alert".to_owned(), handled: Some(true), ..Mechanism::default() };
            last.mechanism = Some(mechanism);
        }
        exceptions
    }
}

/// Adds the name of an error's type, as far as `Debug` tells: everything before the first brace or bracket.
fn push_type_by_debug(text: &mut String, error: &impl fmt::Debug) {
    let start = text.len();
    // A name refuses what is none, which ends the writing early; what it holds by then is all that is wanted.
    let _ = write!(Name { text, start }, "{error:?}");
    let name = text.get(start..).unwrap_or_default().trim_end_matches(':');
    let (length, is_name) = (name.len(), name.chars().any(char::is_alphabetic));
    text.truncate(start + if is_name { length } else { 0 });
    if !is_name {
        text.push_str("Error");
    }
}

/// A name that ends where something else begins.
struct Name<'t> {
    text: &'t mut String,
    start: usize,
}

impl Write for Name<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
        let room = limits::NAME_BYTES.saturating_sub(self.text.len() - self.start);
        let end = part.char_indices().find(|(at, c)| !is_name(*c) || at + c.len_utf8() > room);
        let Some((end, _)) = end else {
            self.text.push_str(part);
            return Ok(());
        };
        self.text.push_str(part.get(..end).unwrap_or_default());
        Err(fmt::Error)
    }
}

/// Adds `std::io::error::Error` as people write it: the last module and the name, without generic arguments.
fn push_short_type(text: &mut String, name: &str) {
    let plain = name.split('<').next().unwrap_or(name);
    let start = plain.rmatch_indices("::").nth(1).map_or(0, |(at, separator)| at + separator.len());
    text.push_str(plain.get(start..).unwrap_or(plain));
}

/// The end of a text, which stops growing at a bound.
pub(crate) struct Bounded<'t> {
    text: &'t mut String,
    /// Length of the whole text at the bound.
    max: usize,
}

impl Bounded<'_> {
    /// Adds at most this many bytes.
    pub(crate) fn new(text: &mut String, max: usize) -> Bounded<'_> {
        let max = text.len().saturating_add(max);
        Bounded { text, max }
    }
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.max.saturating_sub(self.text.len());
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        let mut end = room;
        while !part.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(part.get(..end).unwrap_or_default());
        Err(fmt::Error)
    }
}
