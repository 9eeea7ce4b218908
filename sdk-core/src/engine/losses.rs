//! What could not be delivered, counted by reason.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use error_sentinel_wire::Discarded;

/// Why an event was lost. The names are those of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There was no room in line.
    QueueOverflow,
    /// The collector asked to hold back.
    RateLimit,
    /// The collector refused it.
    SendError,
    /// The application dropped it.
    BeforeSend,
    /// It was not among those that the sample rate keeps.
    SampleRate,
    /// The SDK itself failed on it.
    Internal,
}

const REASONS: [(Reason, &str); 6] = [
    (Reason::QueueOverflow, "queue_overflow"),
    (Reason::RateLimit, "ratelimit_backoff"),
    (Reason::SendError, "send_error"),
    (Reason::BeforeSend, "before_send"),
    (Reason::SampleRate, "sample_rate"),
    (Reason::Internal, "internal_sdk_error"),
];

/// Counts by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Losses {
    counts: [u64; REASONS.len()],
}

impl Losses {
    /// Counts `count` more.
    pub fn add(&mut self, reason: Reason, count: u64) {
        for ((known, _), sum) in REASONS.iter().zip(&mut self.counts) {
            if *known == reason {
                *sum = sum.saturating_add(count);
            }
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Losses) {
        for (sum, more) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.saturating_add(more);
        }
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// As the wire has them.
    pub fn discarded(&self) -> Vec<Discarded> {
        let named = REASONS.iter().zip(self.counts).filter(|(_, count)| *count > 0);
        named
            .map(|((_, name), quantity)| Discarded {
                reason: (*name).to_owned(),
                category: "error".to_owned(),
                quantity,
            })
            .collect()
    }
}
