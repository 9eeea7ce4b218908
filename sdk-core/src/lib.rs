//! The alarm that tells a team its software is breaking: one line, [`send_alert`].
//!
//! ```
//! // Without a DSN nothing is sent and nothing is in the way.
//! let _guard = error_sentinel::init("");
//! if let Err(err) = "forty-two".parse::<u32>() {
//!     error_sentinel::send_alert(&err);
//! }
//! ```
//!
//! The DSN comes from the collector's start or its dashboard; an empty one is looked up in the environment
//! variable `ERROR_SENTINEL_DSN`. From [`init`] on, panics are reported too; when the guard is dropped, what
//! is on its way is given a moment to leave.
//!
//! # What it promises its host
//! Every call returns at once: it never blocks on input or output, never panics, holds bounded memory, and
//! counts what it has to drop; the counts travel with the next event and the collector shows them.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]

use std::time::Duration;

mod alert;
mod breadcrumbs;
mod client;
pub mod engine;
mod options;
mod scope;
mod transport;

pub use alert::{Alert, IntoAlert};
pub use error_sentinel_wire::{Breadcrumb, Event, EventId, Level, User, Value};
pub use options::Options;
#[cfg(feature = "http")]
pub use transport::HttpTransport;
pub use transport::{TestTransport, Transport, TransportError};

/// Starts reporting and installs the panic hook. Keep the guard for as long as the program runs.
///
/// A wrong DSN never stops the program: it is said once on standard error, and nothing is sent.
///
/// ```
/// use error_sentinel::Options;
///
/// let _guard = error_sentinel::init(
///     Options::new("http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1")
///         .release("shop@1.4.2")
///         .environment("production")
///         .transport(error_sentinel::TestTransport::new()),
/// );
/// ```
#[must_use = "when the guard is dropped, reporting ends"]
pub fn init(options: impl Into<Options>) -> Guard {
    Guard { is_started: client::start(options.into()) }
}

/// Ends reporting when dropped, after what is on its way had up to two seconds to leave.
#[derive(Debug)]
pub struct Guard {
    is_started: bool,
}

impl Guard {
    /// Whether anything is reported at all.
    pub fn is_enabled(&self) -> bool {
        self.is_started
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.is_started {
            client::stop();
        }
    }
}

/// Reports an error with its whole chain of causes, or a text.
///
/// Takes `&err` for any error, `&dyn Error`, `&Box<dyn Error>`, with the feature `anyhow` also
/// `&anyhow::Error`; and `&str` or `String`. Returns the id under which the collector shows it.
///
/// # Drops
/// Nothing is sent while reporting is off; what the queue cannot hold is counted.
///
/// ```
/// error_sentinel::send_alert("The disk is on fire");
/// let err = std::io::Error::other("no space left");
/// error_sentinel::send_alert(&err);
/// ```
#[track_caller]
pub fn send_alert<E: IntoAlert<K>, K>(error: E) -> EventId {
    send_alert_with(error, |_| {})
}

/// Reports an error after `adjust` has had its way with it.
///
/// ```
/// use error_sentinel::Level;
///
/// error_sentinel::send_alert_with("payment refused", |alert| {
///     alert.level(Level::Fatal).tag("shop", "berlin").extra("amount", 250u32);
/// });
/// ```
#[track_caller]
pub fn send_alert_with<E: IntoAlert<K>, K>(error: E, adjust: impl FnOnce(&mut Alert)) -> EventId {
    let id = client::clock::event_id();
    if client::is_on() {
        client::send(id, || {
            let mut alert = error.into_alert();
            adjust(&mut alert);
            alert
        });
    }
    id
}

/// Remembers one step; the last ones travel with every alert.
///
/// ```
/// error_sentinel::add_breadcrumb("cart opened");
/// ```
///
/// # Drops
/// The oldest step, when the ring of [`Options::max_breadcrumbs`] is full.
pub fn add_breadcrumb(crumb: impl IntoBreadcrumb) {
    if client::is_on() {
        scope::add_breadcrumb(crumb.into_breadcrumb());
    }
}

/// What can be a breadcrumb: one made with care, or just a text.
pub trait IntoBreadcrumb {
    /// The breadcrumb.
    fn into_breadcrumb(self) -> Breadcrumb;
}

impl IntoBreadcrumb for Breadcrumb {
    fn into_breadcrumb(self) -> Breadcrumb {
        self
    }
}

impl IntoBreadcrumb for &str {
    fn into_breadcrumb(self) -> Breadcrumb {
        Breadcrumb { message: Some(self.to_owned()), ..Breadcrumb::default() }
    }
}

impl IntoBreadcrumb for String {
    fn into_breadcrumb(self) -> Breadcrumb {
        Breadcrumb { message: Some(self), ..Breadcrumb::default() }
    }
}

/// Labels every alert from now on.
pub fn set_tag(key: impl Into<String>, value: impl Into<String>) {
    scope::set_tag(key.into(), value.into());
}

/// Says whose work every alert from now on is about; `None` when nobody's.
pub fn set_user(user: Option<User>) {
    scope::set_user(user);
}

/// Waits until everything reported so far has left, at most `timeout`; says whether it has.
pub fn flush(timeout: Duration) -> bool {
    client::flush(timeout)
}
