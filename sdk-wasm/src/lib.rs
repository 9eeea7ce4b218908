//! The core of the browser SDK: what is heavy or must be exact, compiled to WebAssembly.
//!
//! A thin script (`js/`) hooks into the page and moves bytes; everything that decides lives here and in
//! `error-sentinel`, whose engine, breadcrumb ring, scrubbing and limits are the same on every platform. It exists
//! so that a page gets the delivery that a server gets, storms counted exactly and losses reported, for a few
//! kilobytes of download.
//!
//! Only texts and numbers cross the [`boundary`]: every richer type costs glue that each visitor downloads.
//! Must never panic: a panic is a trap, after which the script turns to its raw path and never calls again.
#![cfg_attr(target_family = "wasm", no_std)]
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

pub mod boundary;
mod debug_id;
pub mod page;
pub mod record;
#[cfg(target_family = "wasm")]
mod runtime;
pub mod stack;
