//! How many events a key and an address may send.
//!
//! Each has a bucket of its own, so that one flooding project or client takes nothing from the others. What is
//! refused is refused before anything of it is stored: the answer and the store never disagree.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use error_sentinel_wire::PublicKey;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota as Bucket, RateLimiter};

use super::reply::Refusal;
use crate::settings::RateLimit;

/// Checks between two sweeps of buckets that are full again and need not be remembered.
const SWEEP_EVERY: u32 = 4096;

/// The buckets of every key and address.
pub struct Quota {
    buckets: Option<Buckets>,
    clock: DefaultClock,
    checks: AtomicU32,
}

struct Buckets {
    burst: NonZeroU32,
    keys: DefaultKeyedRateLimiter<PublicKey>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

impl Quota {
    /// Buckets of the given size.
    pub fn new(limit: RateLimit) -> Quota {
        let buckets = match limit {
            RateLimit::Off => None,
            RateLimit::PerMinute { per_minute, burst } => {
                let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
                let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
                let bucket = Bucket::per_minute(per_minute).allow_burst(burst);
                Some(Buckets {
                    burst,
                    keys: RateLimiter::keyed(bucket),
                    addresses: RateLimiter::keyed(bucket),
                })
            }
        };
        Quota { buckets, clock: DefaultClock::default(), checks: AtomicU32::new(0) }
    }

    /// Takes `event_count` events out of the buckets of key and address.
    ///
    /// An envelope larger than the whole bucket counts as one full bucket; it could never pass otherwise.
    ///
    /// # Errors
    /// [`Refusal`] with the seconds until it fits.
    pub fn take(&self, key: PublicKey, address: IpAddr, event_count: usize) -> Result<(), Refusal> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        let Some(count) = u32::try_from(event_count).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        let count = count.min(buckets.burst);
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            buckets.keys.retain_recent();
            buckets.addresses.retain_recent();
        }
        // `count` was cut to the burst, so the bucket is always large enough for it.
        if let Ok(Err(wait)) = buckets.addresses.check_key_n(&address, count) {
            return Err(Refusal::over_quota("address", self.seconds(&wait)));
        }
        if let Ok(Err(wait)) = buckets.keys.check_key_n(&key, count) {
            return Err(Refusal::over_quota("key", self.seconds(&wait)));
        }
        Ok(())
    }

    fn seconds(&self, wait: &NotUntil<<DefaultClock as Clock>::Instant>) -> u64 {
        let wait = wait.wait_time_from(self.clock.now());
        wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: PublicKey = PublicKey(1);

    fn address(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    #[test]
    fn a_burst_passes_and_the_next_event_waits() {
        let quota = Quota::new(RateLimit::PerMinute { per_minute: 1, burst: 10 });
        let passed = (0..30).filter(|_| quota.take(KEY, address(1), 1).is_ok()).count();
        assert_eq!(passed, 10);
        let refusal = quota.take(KEY, address(1), 1).unwrap_err();
        assert!((1..=60).contains(&refusal.pause_s.unwrap()), "{refusal:?}");
    }

    #[test]
    fn one_flooding_key_takes_nothing_from_another() {
        let quota = Quota::new(RateLimit::PerMinute { per_minute: 1, burst: 5 });
        while quota.take(KEY, address(1), 1).is_ok() {}
        assert!(quota.take(PublicKey(2), address(2), 5).is_ok());
    }

    #[test]
    fn an_envelope_larger_than_the_bucket_is_not_refused_for_ever() {
        let quota = Quota::new(RateLimit::PerMinute { per_minute: 60, burst: 5 });
        assert!(quota.take(KEY, address(1), 100).is_ok());
        assert!(quota.take(KEY, address(1), 1).is_err());
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let quota = Quota::new(RateLimit::Off);
        assert!((0..100_000).all(|_| quota.take(KEY, address(1), 1000).is_ok()));
    }
}
