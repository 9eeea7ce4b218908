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
//!
//! # Without the standard library
//! Without the feature `std` there is no client, only what it is made of: [`engine`], [`breadcrumbs`], [`Scope`] and
//! the limits, for drivers of other kinds, such as a page in a browser.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
// But for stacks, read in `client/backtrace`, the handler of an exit, in `client/ending.rs`, and the limit of files, in
// `client/spool/slots.rs`.
#![deny(unsafe_code)]
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

extern crate alloc;

#[cfg(feature = "std")]
mod alert;
pub mod breadcrumbs;
#[cfg(feature = "std")]
mod client;
pub mod engine;
mod fit;
#[cfg(feature = "std")]
mod in_scope;
#[cfg(feature = "std")]
pub mod integrations;
#[cfg(feature = "std")]
mod options;
#[cfg(feature = "std")]
mod report;
mod scope;
mod scrub;
mod trace;
#[cfg(feature = "std")]
mod transport;

#[cfg(feature = "std")]
pub use alert::{Alert, IntoAlert};
pub use breadcrumbs::{AsCrumb, Crumb, Datum};
pub use error_sentinel_wire::{
    Breadcrumb, Discarded, Event, EventId, Level, Message, Object, Request, TraceId, UnixMs, User, Value,
};
#[cfg(feature = "std")]
pub use error_sentinel_wire::{
    Dsn,
    reply::{Fate, Reply},
};
pub use fit::fit;
#[cfg(feature = "std")]
pub use in_scope::{InScope, ScopedFuture};
#[cfg(feature = "std")]
pub use options::Options;
#[cfg(feature = "std")]
pub use report::{
    Guard, add_breadcrumb, current_trace, flush, init, is_reporting, send_alert, send_alert_with, send_crash,
    set_context, set_tag, set_user, with_scope,
};
#[cfg(feature = "crash")]
pub use report::{REPORTS_CRASHES, prepare_thread, refresh_modules};
pub use scope::Scope;
pub use scrub::{scrub, scrub_object, scrub_occurrences};
pub use trace::Trace;
#[cfg(feature = "http")]
pub use transport::HttpTransport;
#[cfg(feature = "std")]
pub use transport::{TestTransport, Transport, TransportError};

/// What the page of the crate shows is compiled and run.
#[cfg(all(doctest, feature = "http", feature = "backtrace"))]
#[doc = include_str!("../README.md")]
struct Readme;
