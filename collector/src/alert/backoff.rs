//! When to try a mail again. Pure: the count of tries decides, not the clock, so that a clock that jumps by a
//! year gives nothing up.

use error_sentinel_wire::UnixMs;

/// Minutes to wait after the first tries; mail servers ask for two tries in the first hour.
const FIRST_MINUTES: [i64; 4] = [1, 5, 15, 60];
/// Tries, an hour apart after the first ones, until four days have passed.
pub const ATTEMPTS: u32 = 4 + 94;

/// When to try again after `attempt_count` tries (this one included); `None` gives the mail up.
///
/// `random` spreads mails that failed together over a tenth of the time.
pub fn next_attempt(attempt_count: u32, now: UnixMs, random: u64) -> Option<UnixMs> {
    if attempt_count >= ATTEMPTS {
        return None;
    }
    let place = usize::try_from(attempt_count.saturating_sub(1)).unwrap_or(usize::MAX);
    let wait_ms = FIRST_MINUTES.get(place).unwrap_or(&60) * 60_000;
    let spread = u64::try_from(wait_ms / 10).unwrap_or(1).max(1);
    let jitter_ms = i64::try_from(random % spread).unwrap_or(0);
    Some(now.plus_ms(wait_ms + jitter_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_hour_has_three_more_tries() {
        let after = |count| next_attempt(count, UnixMs(0), 0).unwrap().0 / 60_000;
        assert_eq!((after(1), after(2), after(3), after(4), after(50)), (1, 5, 15, 60, 60));
    }

    #[test]
    fn it_tries_for_four_days_and_then_gives_up() {
        let mut now = UnixMs(0);
        let mut count = 1;
        while let Some(at) = next_attempt(count, now, 0) {
            now = at;
            count += 1;
        }
        assert_eq!(count, ATTEMPTS);
        let days = now.0 as f64 / 86_400_000.0;
        assert!((3.9..4.4).contains(&days), "{days}");
    }

    proptest! {
        #[test]
        fn it_is_never_sooner_than_asked_nor_a_tenth_later(count in 1u32..ATTEMPTS, random: u64) {
            let exact = next_attempt(count, UnixMs(0), 0).unwrap().0;
            let spread = next_attempt(count, UnixMs(0), random).unwrap().0;
            prop_assert!((exact..exact + exact / 10).contains(&spread));
        }
    }
}
