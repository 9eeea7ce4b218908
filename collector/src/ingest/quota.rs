//! How many events a key and an address may send.
//!
//! Each has a bucket of its own, so that one flooding project or client takes nothing from the others. What is
//! refused is refused before anything of it is stored: the answer and the store never disagree.
//!
//! Reports of what a client dropped have buckets of their own: who is over the limit can still say what it lost.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use error_sentinel_wire::PublicKey;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota as Bucket, RateLimiter};

use super::reply::Refusal;
use crate::settings::RateLimit;

/// Checks between two sweeps of buckets that are full again and need not be remembered.
const SWEEP_EVERY: u32 = 4096;

/// What is taken out of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// So many events and other things that cost like one.
    Events(usize),
    /// Nothing but so many reports of what a client dropped.
    Reports(usize),
}

impl Default for Cost {
    fn default() -> Self {
        Cost::Events(0)
    }
}

/// The buckets of every key and address.
pub struct Quota {
    buckets: Option<[Buckets; 2]>,
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
                Some(std::array::from_fn(|_| Buckets {
                    burst,
                    keys: RateLimiter::keyed(bucket),
                    addresses: RateLimiter::keyed(bucket),
                }))
            }
        };
        Quota { buckets, clock: DefaultClock::default(), checks: AtomicU32::new(0) }
    }

    /// Takes `cost` out of the buckets of key and address.
    ///
    /// An envelope larger than the whole bucket counts as one full bucket; it could never pass otherwise.
    ///
    /// # Errors
    /// [`Refusal`] with the seconds until it fits.
    pub fn take(&self, key: PublicKey, address: IpAddr, cost: Cost) -> Result<(), Refusal> {
        let Some([events, reports]) = &self.buckets else { return Ok(()) };
        let (buckets, count) = match cost {
            Cost::Events(count) => (events, count),
            Cost::Reports(count) => (reports, count),
        };
        let Some(count) = u32::try_from(count).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        let count = count.min(buckets.burst);
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            for buckets in [events, reports] {
                buckets.keys.retain_recent();
                buckets.keys.shrink_to_fit();
                buckets.addresses.retain_recent();
                buckets.addresses.shrink_to_fit();
            }
        }
        let address = sender_of(address);
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

/// What one sender can hardly change: an address, or of IPv6 the network, since each household has 2^64 addresses.
fn sender_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
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
        let passed = (0..30).filter(|_| quota.take(KEY, address(1), Cost::Events(1)).is_ok()).count();
        assert_eq!(passed, 10);
        let refusal = quota.take(KEY, address(1), Cost::Events(1)).unwrap_err();
        assert!((1..=60).contains(&refusal.pause_s.unwrap()), "{refusal:?}");
    }

    #[test]
    fn one_flooding_key_takes_nothing_from_another() {
        let quota = Quota::new(RateLimit::PerMinute { per_minute: 1, burst: 5 });
        while quota.take(KEY, address(1), Cost::Events(1)).is_ok() {}
        assert!(quota.take(PublicKey(2), address(2), Cost::Events(5)).is_ok());
    }

    #[test]
    fn who_is_over_the_limit_can_still_say_what_it_dropped() {
        let quota = Quota::new(RateLimit::PerMinute { per_minute: 1, burst: 5 });
        while quota.take(KEY, address(1), Cost::Events(1)).is_ok() {}
        let reports = (0..20).filter(|_| quota.take(KEY, address(1), Cost::Reports(1)).is_ok()).count();
        assert_eq!(reports, 5, "but not without end");
    }

    #[test]
    fn an_envelope_larger_than_the_bucket_is_not_refused_for_ever() {
        let quota = Quota::new(RateLimit::PerMinute { per_minute: 60, burst: 5 });
        assert!(quota.take(KEY, address(1), Cost::Events(100)).is_ok());
        assert!(quota.take(KEY, address(1), Cost::Events(1)).is_err());
    }

    #[test]
    fn a_sender_with_many_addresses_of_one_network_has_one_bucket() {
        let quota = Quota::new(RateLimit::PerMinute { per_minute: 1, burst: 5 });
        let taken =
            |text: &str, key| quota.take(PublicKey(key), text.parse().unwrap(), Cost::Events(1)).is_ok();
        let passed = (0..20_u128).filter(|n| taken(&format!("2001:db8::{n}"), *n)).count();
        assert_eq!(passed, 5);
        assert!(taken("2001:db8:0:1::1", 99), "another network has its own");
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let quota = Quota::new(RateLimit::Off);
        assert!((0..100_000).all(|_| quota.take(KEY, address(1), Cost::Events(1000)).is_ok()));
    }
}
