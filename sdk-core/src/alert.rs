//! What can be reported, and how it becomes an event.

use std::error::Error;
use std::fmt::{self, Write};

use error_sentinel_wire::{Event, Exception, Level, Mechanism, Message, User, Value, limits};

/// An alert on its way, to be adjusted before it is sent.
#[derive(Debug)]
pub struct Alert {
    pub(crate) event: Event,
    pub(crate) origin: Option<Origin>,
}

/// The backtrace that an error brings along from where it began, as the standard library writes it.
///
/// To write it takes a thousand times longer than to report the error, so that is put off where it can be.
#[cfg_attr(
    not(all(feature = "backtrace", any(feature = "anyhow", feature = "eyre"))),
    allow(dead_code, reason = "only they make one")
)]
pub(crate) struct Origin(Box<dyn FnOnce() -> String + Send>);

impl Origin {
    #[cfg(any(feature = "anyhow", feature = "eyre"))]
    pub(crate) fn new(write: impl FnOnce() -> String + Send + 'static) -> Origin {
        Origin(Box::new(write))
    }

    /// Writes it.
    #[cfg(feature = "backtrace")]
    pub(crate) fn into_text(self) -> String {
        (self.0)()
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

impl Alert {
    /// How bad; `Error` unless said otherwise.
    pub fn level(&mut self, level: Level) -> &mut Alert {
        self.event.level = Some(level);
        self
    }

    /// Labels it.
    pub fn tag(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Alert {
        self.event.tags.push((key.into(), value.into()));
        self
    }

    /// Adds a named set of facts, such as `device` or one of the application's own.
    pub fn context(&mut self, name: impl AsRef<str>, facts: impl Into<Value>) -> &mut Alert {
        self.event.contexts.set(name.as_ref(), facts);
        self
    }

    /// Says whose work it is about.
    pub fn user(&mut self, user: User) -> &mut Alert {
        self.event.user = Some(user);
        self
    }

    /// Adds anything that helps to understand it.
    pub fn extra(&mut self, key: impl AsRef<str>, value: impl Into<Value>) -> &mut Alert {
        self.event.extra.set(key.as_ref(), value);
        self
    }

    /// Groups it with others of the same parts; `{{ default }}` stands for the collector's own grouping.
    pub fn fingerprint<P: Into<String>>(&mut self, parts: impl IntoIterator<Item = P>) -> &mut Alert {
        self.event.fingerprint = parts.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn new(exceptions: Vec<Exception>) -> Alert {
        let event = Event { level: Some(Level::Error), exceptions, ..Event::default() };
        Alert { event, origin: None }
    }

    /// As a logger's record: its level and its name.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn of_logger(&mut self, level: Level, name: &str) {
        self.event.level = Some(level);
        self.event.logger = Some(name.to_owned());
    }

    pub(crate) fn text(text: String) -> Alert {
        let mut text = text;
        limits::cut(&mut text, limits::MESSAGE_BYTES);
        let message = Message { formatted: Some(text), ..Message::default() };
        let event = Event { level: Some(Level::Error), message: Some(message), ..Event::default() };
        Alert { event, origin: None }
    }
}

/// What can be reported. `K` only tells the kinds apart and is always inferred.
pub trait IntoAlert<K> {
    /// The alert.
    fn into_alert(self) -> Alert;
}

/// Kinds of what can be reported.
#[allow(missing_docs, reason = "names for the compiler only")]
pub mod kind {
    #[derive(Debug)]
    pub struct AnError;
    #[derive(Debug)]
    pub struct AText;
    #[derive(Debug)]
    pub struct ABox;
    #[derive(Debug)]
    pub struct AnEvent;
    #[cfg(any(feature = "anyhow", feature = "eyre"))]
    #[derive(Debug)]
    pub struct AReport;
}

impl<E: Error + ?Sized> IntoAlert<kind::AnError> for &E {
    fn into_alert(self) -> Alert {
        let name = std::any::type_name::<E>();
        let surfaced = Exception {
            kind: Some(if name.starts_with("dyn ") { type_by_debug(&self) } else { short_type(name) }),
            value: Some(display(&self)),
            ..Exception::default()
        };
        Alert::new(chain(surfaced, self.source()))
    }
}

impl IntoAlert<kind::ABox> for &Box<dyn Error> {
    fn into_alert(self) -> Alert {
        Alert::new(chain(link(&**self), self.source()))
    }
}

impl IntoAlert<kind::ABox> for &Box<dyn Error + Send + Sync> {
    fn into_alert(self) -> Alert {
        Alert::new(chain(link(&**self), self.source()))
    }
}

/// An event made elsewhere, such as in another language: what it says itself, its id and stack too, is kept.
impl IntoAlert<kind::AnEvent> for Event {
    fn into_alert(self) -> Alert {
        Alert { event: self, origin: None }
    }
}

impl IntoAlert<kind::AText> for &str {
    fn into_alert(self) -> Alert {
        Alert::text(self.to_owned())
    }
}

impl IntoAlert<kind::AText> for String {
    fn into_alert(self) -> Alert {
        Alert::text(self)
    }
}

impl IntoAlert<kind::AText> for &String {
    fn into_alert(self) -> Alert {
        Alert::text(self.clone())
    }
}

/// The causes of `surfaced`, oldest first, and `surfaced` itself last, as the wire wants them.
pub(crate) fn chain(surfaced: Exception, mut source: Option<&(dyn Error + 'static)>) -> Vec<Exception> {
    let mut exceptions = vec![surfaced];
    while let Some(error) = source {
        // An error may name itself as its source; such a chain has no end.
        if exceptions.len() >= limits::EXCEPTIONS {
            break;
        }
        exceptions.push(link(error));
        source = error.source();
    }
    exceptions.reverse();
    if let Some(last) = exceptions.last_mut() {
        last.mechanism =
            Some(Mechanism { kind: "send_alert".to_owned(), handled: Some(true), ..Mechanism::default() });
    }
    exceptions
}

pub(crate) fn link(error: &dyn Error) -> Exception {
    Exception { kind: Some(type_by_debug(&error)), value: Some(display(&error)), ..Exception::default() }
}

fn display(error: &impl fmt::Display) -> String {
    let mut text = Bounded::new(limits::MESSAGE_BYTES);
    // A bounded text refuses what is too long, which ends the writing; what it holds by then is kept.
    let _ = write!(text, "{error}");
    text.text
}

/// The name of an error's type, as far as `Debug` tells: everything before the first brace or bracket.
fn type_by_debug(error: &impl fmt::Debug) -> String {
    let mut name = Name(String::new());
    // A name refuses what is none, which ends the writing early; what it holds by then is all that is wanted.
    let _ = write!(name, "{error:?}");
    let name = name.0.trim_end_matches(':');
    if name.chars().any(char::is_alphabetic) { name.to_owned() } else { "Error".to_owned() }
}

/// A name that ends where something else begins.
struct Name(String);

impl Write for Name {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
        let room = limits::NAME_BYTES.saturating_sub(self.0.len());
        let end = part.char_indices().find(|(at, c)| !is_name(*c) || at + c.len_utf8() > room);
        let Some((end, _)) = end else {
            self.0.push_str(part);
            return Ok(());
        };
        self.0.push_str(part.get(..end).unwrap_or_default());
        Err(fmt::Error)
    }
}

/// `std::io::error::Error` as people write it: the last module and the name, without generic arguments.
fn short_type(name: &str) -> String {
    let plain = name.split('<').next().unwrap_or(name);
    let mut parts: Vec<&str> = plain.rsplit("::").take(2).collect();
    parts.reverse();
    parts.join("::")
}

/// Text that stops growing at a bound.
pub(crate) struct Bounded {
    text: String,
    max: usize,
}

impl Bounded {
    pub(crate) fn new(max: usize) -> Bounded {
        Bounded { text: String::new(), max }
    }

    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

impl Write for Bounded {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot read the amount")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn outer() -> Outer {
        Outer("x".parse::<u32>().unwrap_err())
    }

    fn names<K>(error: impl IntoAlert<K>) -> Vec<(String, String)> {
        let exceptions = error.into_alert().event.exceptions;
        exceptions.into_iter().map(|e| (e.kind.unwrap(), e.value.unwrap())).collect()
    }

    #[test]
    fn the_oldest_cause_comes_first_and_what_surfaced_last() {
        let cause = ("ParseIntError".to_owned(), "invalid digit found in string".to_owned());
        let text = "cannot read the amount".to_owned();
        assert_eq!(names(&outer()), [cause.clone(), ("tests::Outer".into(), text.clone())]);
        let boxed: Box<dyn Error + Send + Sync> = Box::new(outer());
        assert_eq!(names(&boxed), [cause.clone(), ("Outer".into(), text.clone())]);
        let plain: &dyn Error = &outer();
        assert_eq!(names(plain), [cause, ("Outer".into(), text)]);
    }

    #[test]
    fn texts_are_messages() {
        for alert in ["x".into_alert(), String::from("x").into_alert(), (&String::from("x")).into_alert()] {
            assert_eq!(alert.event.message.unwrap().text(), Some("x"));
        }
    }

    #[test]
    fn an_error_that_never_ends_is_cut() {
        #[derive(Debug)]
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("ü and so on ")?;
                }
            }
        }
        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Endless)
            }
        }
        let names = names(&Endless);
        assert_eq!(names.len(), limits::EXCEPTIONS);
        assert!(names.iter().all(|(_, value)| value.len() <= limits::MESSAGE_BYTES));
    }
}
