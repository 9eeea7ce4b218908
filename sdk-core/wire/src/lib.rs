//! What crosses the network between an Error Sentinel SDK and a collector, defined once.
//!
//! The format is the Sentry envelope, because it is the field's common language: every Sentry SDK can
//! reach our collector and every Sentry-compatible server can read our SDKs. Reading is lenient (one bad
//! attribute never costs the event, one bad item never costs the envelope); writing is strict and
//! deterministic (the same value gives the same bytes on every platform).
//!
//! This crate imports nothing of ours, reads no clock, no environment and no file. Its encoding half is
//! `no_std + alloc`, since a browser downloads every kilobyte of it; the reading half is the feature
//! `decode`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod breadcrumb;
pub mod client_report;
pub mod codec;
pub mod context;
pub mod dsn;
pub mod envelope;
pub mod event;
pub mod exception;
pub mod id;
pub mod level;
pub mod limits;
#[cfg(feature = "decode")]
pub mod log_error;
pub mod reply;
pub mod search;
pub mod time;
pub mod value;

pub use breadcrumb::Breadcrumb;
pub use client_report::{ClientReport, Discarded};
pub use context::{Request, Sdk, User};
pub use dsn::Dsn;
pub use event::{Event, Message, Occurrences};
pub use exception::{Exception, Frame, Mechanism, Stacktrace, Thread};
pub use id::{EventId, ProjectId, PublicKey, TraceId};
pub use level::Level;
pub use time::UnixMs;
pub use value::{Object, Value};
