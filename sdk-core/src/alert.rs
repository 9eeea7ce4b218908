//! What can be reported, and how it becomes an event.

use std::error::Error;
use std::fmt::{self, Write};

use error_sentinel_wire::{Event, Exception, Level, Mechanism, Message, Value, limits};

/// An alert on its way, to be adjusted before it is sent.
#[derive(Debug, Clone)]
pub struct Alert {
    pub(crate) event: Event,
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

    fn new(exceptions: Vec<Exception>) -> Alert {
        Alert { event: Event { level: Some(Level::Error), exceptions, ..Event::default() } }
    }

    fn text(text: String) -> Alert {
        let mut text = text;
        limits::cut(&mut text, limits::MESSAGE_BYTES);
        let message = Message { formatted: Some(text), ..Message::default() };
        Alert { event: Event { level: Some(Level::Error), message: Some(message), ..Event::default() } }
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
    #[cfg(feature = "anyhow")]
    #[derive(Debug)]
    pub struct AnAnyhow;
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

#[cfg(feature = "anyhow")]
impl IntoAlert<kind::AnAnyhow> for &anyhow::Error {
    fn into_alert(self) -> Alert {
        let error: &(dyn Error + Send + Sync + 'static) = self.as_ref();
        Alert::new(chain(link(error), error.source()))
    }
}

/// The causes of `surfaced`, oldest first, and `surfaced` itself last, as the wire wants them.
fn chain(surfaced: Exception, mut source: Option<&(dyn Error + 'static)>) -> Vec<Exception> {
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

fn link(error: &dyn Error) -> Exception {
    Exception { kind: Some(type_by_debug(&error)), value: Some(display(&error)), ..Exception::default() }
}

fn display(error: &impl fmt::Display) -> String {
    let mut text = Bounded { text: String::new(), max: limits::MESSAGE_BYTES };
    // A bounded text refuses what is too long, which ends the writing; what it holds by then is kept.
    let _ = write!(text, "{error}");
    text.text
}

/// The name of an error's type, as far as `Debug` tells: everything before the first brace or bracket.
fn type_by_debug(error: &impl fmt::Debug) -> String {
    let mut text = Bounded { text: String::new(), max: limits::NAME_BYTES };
    // As above.
    let _ = write!(text, "{error:?}");
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let name: String = text.text.chars().take_while(|c| is_name(*c)).collect();
    let name = name.trim_end_matches(':');
    if name.is_empty() || !name.chars().any(char::is_alphabetic) {
        "Error".to_owned()
    } else {
        name.to_owned()
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
struct Bounded {
    text: String,
    max: usize,
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

    #[cfg(feature = "anyhow")]
    #[test]
    fn anyhow_errors_keep_their_context() {
        let error = anyhow::Error::new(outer()).context("checkout failed");
        let values: Vec<String> = names(&error).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["invalid digit found in string", "cannot read the amount", "checkout failed"]);
    }
}
