//! Native crashes: what a process writes down while it dies of a signal, and how the next one reads it.
//!
//! A process that broke its own memory can do little: no allocation, no lock, no code that may do either. So all that
//! can be prepared is prepared while the process is well ([`arm`], [`set_facts`], [`note_step`], [`refresh_modules`]),
//! and the handler only copies: registers, what was prepared, and a piece of the stack, by plain writes into a file
//! that was opened and given its room before. Everything that takes thought (whose functions those addresses are, what
//! an event looks like) is left to the next start, which reads the file as hostile bytes ([`Record::decode`]).
//!
//! The handler must never change how the process dies: the handlers that were there before run, and the exit status is
//! the one without it.
//!
//! Linux and Android, on x86-64 and 64-bit ARM; elsewhere [`IS_SUPPORTED`] says no, and nothing is ever written.
//!
//! Why not one of the crates for it: those that write minidumps take a second process or allocate while the process
//! dies, and `crash-handler` waits for locks in its handler.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unreachable))]
#![cfg_attr(
    not(all(
        any(target_os = "linux", target_os = "android"),
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    allow(dead_code, reason = "nothing is recorded there")
)]

mod layout;
mod record;
mod steps;
mod unwind;
mod words;

#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod native;
#[cfg(not(all(
    any(target_os = "linux", target_os = "android"),
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "elsewhere.rs"]
mod native;

pub use layout::{FACTS_BYTES, RECORD_BYTES, SECTIONS_AT};
pub use native::{
    IS_SUPPORTED, arm, disarm, is_alive, loaded_modules, name_at, prepare_thread, refresh_modules,
};
pub use record::{Module, NotARecord, Record, Register};
pub use steps::{STEP_BYTES, STEPS, Step, StepRead, note_step};
pub use unwind::{LoadedModule, Table};

/// Publishes what the next crash says about its surroundings, whatever that is to the caller; says whether it fits.
pub fn set_facts(bytes: &[u8]) -> bool {
    words::FACTS.publish(bytes)
}
