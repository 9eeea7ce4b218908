//! The only reader of the clock and of randomness.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use error_sentinel_wire::{EventId, UnixMs};

use crate::engine::MonotonicMs;

/// The wall clock.
pub fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The clock that never goes back.
pub fn monotonic() -> MonotonicMs {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
    MonotonicMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A random number.
pub fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| now().0.unsigned_abs())
}

/// A new event's name.
pub fn event_id() -> EventId {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness, time and a counter still tell events apart.
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let value = u128::from(now().0.unsigned_abs()) << 64 | u128::from(count);
        bytes = value.to_be_bytes();
    }
    EventId::from_random(bytes)
}
