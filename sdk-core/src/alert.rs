//! What can be reported, and how it becomes an event.

use std::error::Error;
use std::fmt;

use error_sentinel_wire::{Event, Level, Message, User, Value, limits};

#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use chain::Bounded;
pub(crate) use chain::Chain;

mod chain;

/// An alert on its way, to be adjusted before it is sent; see [`send_alert_with`](crate::send_alert_with).
///
/// ```
/// use error_sentinel::{Level, Object, Options, TestTransport, User};
///
/// let transport = TestTransport::new();
/// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
/// let options = Options::new(dsn).transport(transport.clone());
/// # let options = options.farewell(std::time::Duration::from_secs(60));
/// let guard = error_sentinel::init(options);
/// let mut cart = Object::default();
/// cart.set("items", 3u32);
/// error_sentinel::send_alert_with("payment refused", |alert| {
///     alert
///         .level(Level::Warning)
///         .tag("shop", "berlin")
///         .user(User { id: Some("4711".into()), ..User::default() })
///         .context("cart", cart)
///         .extra("amount", 250u32)
///         // All that this provider refuses is one issue, whatever the message.
///         .fingerprint(["payment refused", "acme-pay"]);
/// });
/// drop(guard);
/// let sent = &transport.envelopes()[0];
/// for part in ["warning", "berlin", "4711", "items", "250", "acme-pay"] {
///     assert!(sent.contains(part), "{part}");
/// }
/// ```
#[derive(Debug)]
pub struct Alert {
    pub(crate) event: Event,
    pub(crate) chain: Chain,
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

    pub(crate) fn new(chain: Chain) -> Alert {
        let event = Event { level: Some(Level::Error), ..Event::default() };
        Alert { event, chain, origin: None }
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
        Alert { event, chain: Chain::default(), origin: None }
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
        Alert::new(Chain::of_type(self, std::any::type_name::<E>()))
    }
}

impl IntoAlert<kind::ABox> for &Box<dyn Error> {
    fn into_alert(self) -> Alert {
        Alert::new(Chain::of(&**self))
    }
}

impl IntoAlert<kind::ABox> for &Box<dyn Error + Send + Sync> {
    fn into_alert(self) -> Alert {
        Alert::new(Chain::of(&**self))
    }
}

/// An event made elsewhere, such as in another language: what it says itself, its id and stack too, is kept.
impl IntoAlert<kind::AnEvent> for Event {
    fn into_alert(self) -> Alert {
        Alert { event: self, chain: Chain::default(), origin: None }
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
        let exceptions = error.into_alert().chain.into_exceptions();
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
