//! Which alerts the sample rate leaves out, and how many they were.

use std::sync::atomic::{AtomicU64, Ordering};

use error_sentinel_wire::EventId;

/// Events whose name's upper half is up to this are kept. That half is evenly spread; in the lower one, the highest
/// bits say what kind of name it is.
static KEPT_UP_TO: AtomicU64 = AtomicU64::new(u64::MAX);
static LEFT_OUT_COUNT: AtomicU64 = AtomicU64::new(0);

/// Sets which alerts are kept from now on.
pub fn keep_up_to(up_to: u64) {
    KEPT_UP_TO.store(up_to, Ordering::Relaxed);
}

/// Whether an alert is one of those that are left out; then it is counted.
pub fn leaves_out(id: EventId) -> bool {
    let is_out = (id.0 >> 64) as u64 > KEPT_UP_TO.load(Ordering::Relaxed);
    if is_out {
        LEFT_OUT_COUNT.fetch_add(1, Ordering::Relaxed);
    }
    is_out
}

/// Alerts left out since the last time.
pub fn take_count() -> u64 {
    LEFT_OUT_COUNT.swap(0, Ordering::Relaxed)
}
