//! The only reader of the clock and of randomness.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// The wall clock as it last ticked, some milliseconds ago at most; a fraction of the price.
pub fn coarse_now() -> UnixMs {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        UnixMs(time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000))
    }
    #[cfg(not(target_os = "linux"))]
    now()
}

static GENERATION: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// A generation and two words of state: asking the system for every name costs more than the rest of an alert.
    static NAMES: Cell<(u64, [u64; 2])> = const { Cell::new((0, [0; 2])) };
}

/// Makes all threads draw new randomness; a forked child would else go on with its parent's names.
pub fn reseed() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// A new event's name.
pub fn event_id() -> EventId {
    let generation = GENERATION.load(Ordering::Relaxed);
    let drawn = NAMES.try_with(|names| {
        let (known, mut state) = names.get();
        if known != generation {
            state = [getrandom::u64().ok()?, getrandom::u64().ok()?];
        }
        state = state.map(|word| word.wrapping_add(0x9e37_79b9_7f4a_7c15));
        names.set((generation, state));
        Some(state.map(mixed))
    });
    let [high, low] = match drawn {
        Ok(Some(words)) => words,
        // The thread is ending.
        Err(_) => [random(), random()],
        // Without randomness, time and a counter still tell events apart.
        Ok(None) => {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            [now().0.unsigned_abs(), COUNT.fetch_add(1, Ordering::Relaxed)]
        }
    };
    EventId::from_random((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

/// The output of SplitMix64, by Steele, Lea and Flood.
fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_all_different_in_all_threads_and_after_a_fresh_start() {
        let draw = || (0..10_000).map(|_| event_id()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let mut all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        all.extend(draw());
        reseed();
        all.extend(draw());
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 60_000);
    }

    #[test]
    fn the_coarse_clock_shows_the_same_time() {
        assert!(now().since(coarse_now()).abs() < 1000);
    }
}
