//! Understand: what was accepted becomes issues.
//!
//! [`worker`] takes envelopes from the queue in batches; [`prepare`] reads each: [`scrub`] takes secrets out,
//! [`normalise`] makes one form out of many, [`fingerprint`] says what an event has in common with others.
//! [`group`] then decides inside the store's transaction what is new, regressed or more of the same. All but
//! the worker are pure functions, and none of them may fail an event for what an SDK put into it.

pub mod fingerprint;
pub mod group;
pub mod normalise;
pub mod prepare;
pub mod scrub;
pub mod worker;

pub use worker::{Counts, Digest, State};
