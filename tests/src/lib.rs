//! The harness of the end-to-end tests: the real binary, real clients, real mail, real faults.
//!
//! The tests themselves are in `tests/`, one behaviour of the whole a file. They find the collector's binary by
//! `ERROR_SENTINEL_BIN`, or in `target/release`; `cargo xtask test` builds it first. Nothing here may look into
//! the collector other than through what its users have: the command line, HTTP, mail, and the data folder.

mod api;
mod collector;
mod deadline;
pub mod http;
pub mod load;
mod mail;
pub mod payload;
mod person;
mod process;
mod programs;
pub mod store_file;

pub use api::{Api, Issue};
pub use collector::{Collector, Setup};
pub use deadline::{eventually, holds_for};
pub use http::{Connection, Reply, Request};
pub use mail::{Mail, MailServer};
pub use person::Person;
pub use process::{Finished, Usage, finish, finish_with, repository, without_settings};
pub use programs::{Python, interpreter};
