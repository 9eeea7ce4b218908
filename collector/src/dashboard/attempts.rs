//! How often somebody may try a password.
//!
//! Three buckets, the narrowest first. One address may try one account a few times a minute. The same address
//! may try several accounts somewhat more often, since an office shares one. And an account takes a bounded
//! number of tries from everywhere, high enough that a stranger at one address cannot lock its owner out.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Tries at once, and a minute, from one address for one account.
const PAIR_TRIES: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
/// From one address.
const ADDRESS_TRIES: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
/// For one account.
const ACCOUNT_TRIES: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
/// Most addresses and accounts remembered before those with full buckets are forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// Longest name of an account that is told from others, in characters.
const ACCOUNT_CHARS: usize = 254;

/// Tries of every address and every account.
pub struct Attempts {
    pairs: DefaultKeyedRateLimiter<(IpAddr, String)>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    accounts: DefaultKeyedRateLimiter<String>,
}

impl Default for Attempts {
    fn default() -> Self {
        Attempts {
            pairs: RateLimiter::keyed(Quota::per_minute(PAIR_TRIES)),
            addresses: RateLimiter::keyed(Quota::per_minute(ADDRESS_TRIES)),
            accounts: RateLimiter::keyed(Quota::per_minute(ACCOUNT_TRIES)),
        }
    }
}

impl Attempts {
    /// Whether one more try may be made. A try that one bucket refuses takes nothing from the wider ones.
    pub fn allow(&self, address: IpAddr, email: &str) -> bool {
        if self.pairs.len() > REMEMBERED_MAX {
            self.pairs.retain_recent();
            self.addresses.retain_recent();
            self.accounts.retain_recent();
        }
        let address = household(address);
        let email: String = email.trim().chars().take(ACCOUNT_CHARS).flat_map(char::to_lowercase).collect();
        self.pairs.check_key(&(address, email.clone())).is_ok()
            && self.addresses.check_key(&address).is_ok()
            && self.accounts.check_key(&email).is_ok()
    }
}

/// What one customer of a provider holds: one IPv4 address, or 2^64 of IPv6.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    fn passed(attempts: &Attempts, tries: u8, mut one: impl FnMut(u8) -> (IpAddr, String)) -> usize {
        (0..tries)
            .filter(|n| {
                let (address, email) = one(*n);
                attempts.allow(address, &email)
            })
            .count()
    }

    #[test]
    fn five_tries_and_then_a_pause_for_one_address_and_one_account() {
        let attempts = Attempts::default();
        assert_eq!(passed(&attempts, 20, |_| (address(1), "ada@example.com".into())), 5);
        assert!(!attempts.allow(address(1), " ADA@example.com"), "the same in other letters");
    }

    #[test]
    fn a_stranger_does_not_lock_the_owner_out() {
        let attempts = Attempts::default();
        while attempts.allow(address(1), "ada@example.com") {}
        assert!(attempts.allow(address(2), "ada@example.com"));
    }

    #[test]
    fn one_address_cannot_go_through_a_list_of_accounts() {
        let attempts = Attempts::default();
        assert_eq!(passed(&attempts, 60, |n| (address(1), format!("{n}@example.com"))), 20);
    }

    #[test]
    fn many_addresses_cannot_go_through_a_list_of_passwords() {
        let attempts = Attempts::default();
        assert_eq!(passed(&attempts, 250, |n| (address(n), "ada@example.com".into())), 100);
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_household() {
        let attempts = Attempts::default();
        let within = |n: u8| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, u16::from(n)]);
        assert_eq!(passed(&attempts, 20, |n| (within(n), "ada@example.com".into())), 5);
    }
}
