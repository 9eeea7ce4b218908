//! How often somebody may try a password.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Tries at once, and a minute, from one address and for one account.
const TRIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);
/// Most addresses and accounts remembered before those with full buckets are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// Tries of every address and every account.
pub struct Attempts {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    accounts: DefaultKeyedRateLimiter<String>,
}

impl Default for Attempts {
    fn default() -> Self {
        let quota = Quota::per_minute(TRIES);
        Attempts { addresses: RateLimiter::keyed(quota), accounts: RateLimiter::keyed(quota) }
    }
}

impl Attempts {
    /// Whether one more try may be made.
    pub fn allow(&self, address: IpAddr, email: &str) -> bool {
        if self.addresses.len() + self.accounts.len() > REMEMBERED_MAX {
            self.addresses.retain_recent();
            self.accounts.retain_recent();
        }
        let email: String = email.chars().take(254).flat_map(char::to_lowercase).collect();
        self.addresses.check_key(&address).is_ok() && self.accounts.check_key(&email).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tries_and_then_a_pause_for_the_address_and_for_the_account() {
        let attempts = Attempts::default();
        let address = |n| IpAddr::from([203, 0, 113, n]);
        assert_eq!((0..20).filter(|_| attempts.allow(address(1), "ada@example.com")).count(), 5);
        assert!(!attempts.allow(address(2), "ADA@example.com"), "from elsewhere");
        assert!(attempts.allow(address(2), "bob@example.com"));
        assert!(!attempts.allow(address(1), "bob@example.com"), "for somebody else");
    }
}
