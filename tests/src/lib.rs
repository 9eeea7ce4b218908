//! The harness of the end-to-end tests: the real binary, real clients, real mail, real faults.
//!
//! The tests themselves are in `tests/`, one behaviour of the whole a file. They find the collector's binary by
//! `ERROR_SENTINEL_BIN`, or in `target/release`; `cargo xtask test` builds it first. Nothing here may look into
//! the collector other than through what its users have: the command line, HTTP, mail, and the data folder.

mod api;
mod bugsink;
mod c_face;
mod certificate;
mod clock;
mod collector;
mod crash;
mod deadline;
mod disk;
pub mod encoding;
mod form;
pub mod http;
mod jvm;
pub mod labelled;
pub mod load;
mod mail;
pub mod markdown;
pub mod page;
mod panics;
pub mod payload;
mod person;
mod process;
mod programs;
mod proxy;
mod react_native;
mod silent_dns;
mod spool;
pub mod store_file;
mod strace;
mod tracker;

pub use api::{Api, Issue};
pub use bugsink::Bugsink;
pub use c_face::{CProgram, Linked};
pub use certificate::Certificate;
pub use clock::Clock;
pub use collector::{Collector, Setup};
pub use crash::{crash_functions, crash_records, written_crash_count};
pub use deadline::{eventually, holds_for};
pub use disk::{Ballast, Disk};
pub use form::short_or_long;
pub use http::{Connection, Reply, Request};
pub use jvm::{AndroidHarness, android_folder};
pub use mail::{Encryption, Login, Mail, MailServer};
pub use panics::panic_by_a_way_of_its_own;
pub use person::Person;
pub use process::{Finished, Usage, finish, finish_with, repository, without_settings};
pub use programs::{Python, interpreter, is_root, node_script};
pub use proxy::Proxied;
pub use react_native::{ReactNativeApp, react_native_folder};
pub use silent_dns::{NAME as NAME_WITHOUT_ADDRESS, SilentDns};
pub use spool::kept_events;
pub use strace::{Call, Strace};
pub use tracker::{Conduct, Tracker};
