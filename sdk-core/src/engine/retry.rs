//! When to try again after a failure.

use super::MonotonicMs;

/// First pause and longest, in milliseconds.
const FIRST_MS: u64 = 500;
const LONGEST_MS: u64 = 60_000;

/// Pauses that double, each shortened by chance so that many programs do not come back at once.
#[derive(Debug)]
pub struct Retry {
    pause_ms: u64,
    next_at: MonotonicMs,
    random: u64,
}

impl Retry {
    /// No failure yet.
    pub fn new(seed: u64) -> Retry {
        // Zero would stay zero.
        Retry { pause_ms: FIRST_MS, next_at: MonotonicMs::default(), random: seed | 1 }
    }

    /// It failed; the next try is later than the last was.
    pub fn failed(&mut self, now: MonotonicMs) {
        // Marsaglia's xorshift: chance enough to spread, and no dependency.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let half_ms = self.pause_ms / 2;
        self.next_at = now.plus_ms(half_ms + self.random % (half_ms + 1));
        self.pause_ms = (self.pause_ms * 2).min(LONGEST_MS);
    }

    /// It worked.
    pub fn succeeded(&mut self) {
        self.pause_ms = FIRST_MS;
        self.next_at = MonotonicMs::default();
    }

    /// The next try is due; the pause after it is as long as it would have been.
    pub fn try_now(&mut self) {
        self.next_at = MonotonicMs::default();
    }

    /// When to try again.
    pub fn next_at(&self) -> MonotonicMs {
        self.next_at
    }
}
