//! Delivery without input or output: what to send when, what to keep, what to give up.
//!
//! The engine reads no clock, opens nothing and spawns nothing; it is told the time and what happened, and answers
//! what to do next. So the same code serves a thread, a browser's event loop and a foreign host, and its tests need
//! no waiting.
//!
//! # The run loop
//! 1. An error that repeats goes to [`Storms`] first; what that lets pass, and the counts that it hands out, become
//!    an [`Outgoing`] and go to [`Engine::enqueue`].
//! 2. Whatever happened — something was enqueued, an answer came ([`Engine::handle_reply`]) or did not
//!    ([`Engine::handle_failure`]), a copy was kept or not ([`Engine::handle_kept`]), time passed — call
//!    [`Engine::poll`] until it returns [`Output::Wait`] or [`Output::Idle`], and do what it says:
//!    * [`Output::Send`]: deliver the envelope, then tell what came of it. There is one envelope at a time; polling
//!      goes on meanwhile.
//!    * [`Output::Spool`]: keep these bytes where they outlive the process, then tell by [`Engine::handle_kept`].
//!    * [`Output::Forget`]: the copy kept under this name is no longer needed.
//! 3. While [`Engine::wants_stored`] says so, hand it what earlier runs left, by [`Engine::restore`].
//! 4. Before the process ends, call [`Engine::hurry`].
//!
//! A driver that cannot keep anything never sees [`Output::Spool`] ([`Limits::keeps_copies`] is off).
//!
//! # Conservation
//! At every moment, in occurrences: enqueued = delivered + queued + in flight + spooled + lost by reason.
//! [`Engine::counts`] tells all six, and a property test holds the engine to it.
//!
//! # Time
//! Times are [`MonotonicMs`] of any clock. One that jumps back stands still for the engine, so that no jump makes it
//! silent.

use alloc::vec::Vec;

use error_sentinel_wire::{Event, EventId, Level};

mod delivery;
mod losses;
mod queue;
mod rate_limit;
mod retry;
pub mod stored;
mod storm;
#[cfg(test)]
mod tests;
mod timeline;

pub use delivery::{Counts, Engine};
pub use losses::{Losses, Reason};
pub use storm::{Collapsed, Sighting, Storms, Verdict, hash};

/// Milliseconds of a clock that never goes back; its zero means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonotonicMs(pub u64);

impl MonotonicMs {
    /// The time `ms` later.
    pub fn plus_ms(self, ms: u64) -> MonotonicMs {
        MonotonicMs(self.0.saturating_add(ms))
    }

    /// Milliseconds until this time; 0 when it has come.
    pub fn after(self, now: MonotonicMs) -> u64 {
        self.0.saturating_sub(now.0)
    }
}

/// Bounds of what the engine holds and sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most events held.
    pub queue_count: usize,
    /// Most bytes of events held.
    pub queue_bytes: usize,
    /// Most events of one envelope, once the collector takes batches.
    pub batch_count: usize,
    /// Most bytes of one batch.
    pub batch_bytes: usize,
    /// How long after one batch the next is filled before it leaves.
    pub batch_age_ms: u64,
    /// Whether the driver can keep copies that outlive the process.
    pub keeps_copies: bool,
}

impl Default for Limits {
    fn default() -> Self {
        // A burst of a thousand errors fits, and the host never misses the memory. A quarter of a second is no
        // delay for people, and turns a burst into one request.
        Limits {
            queue_count: 1000,
            queue_bytes: 4 << 20,
            batch_count: 50,
            batch_bytes: 256 << 10,
            batch_age_ms: 250,
            keeps_copies: false,
        }
    }
}

/// An event ready to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its name, which makes a second delivery harmless.
    pub event_id: EventId,
    /// What is sent.
    pub json: Vec<u8>,
    /// How many errors it stands for, at least 1.
    pub occurrence_count: u64,
    /// Whether it must not wait for others: the process may be about to die.
    pub is_urgent: bool,
}

impl Outgoing {
    /// An event as it leaves; `None` when it has no name.
    pub fn new(event: &Event) -> Option<Outgoing> {
        Some(Outgoing {
            event_id: event.event_id?,
            json: event.to_json(),
            occurrence_count: event.occurrence_count(),
            is_urgent: event.level == Some(Level::Fatal),
        })
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this envelope and tell what came of it.
    Send(Vec<u8>),
    /// Keep a copy under this name and tell whether that worked.
    Spool {
        /// Its name.
        event_id: EventId,
        /// What to keep; [`stored::decode`] reads it.
        bytes: Vec<u8>,
    },
    /// Remove the copy kept under this name.
    Forget(EventId),
    /// Nothing before this time, unless something happens.
    Wait(MonotonicMs),
    /// Nothing at all until something happens.
    Idle,
}
