//! One-time links to choose a password by.

use error_sentinel_wire::UnixMs;

use crate::secret;
use crate::store::account::Link;
use crate::store::{Result, Store, StoreError};

/// How long a link waits for somebody to choose a password.
const LIFETIME_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// The link that makes the first account. Replaces an earlier one, and is good until it is used: whoever reads
/// it off the collector's output has no other way in.
///
/// # Errors
/// Those of the store, or no randomness.
pub fn for_setup(store: &dyn Store, public_url: &str) -> Result<String> {
    add(store, public_url, Link { email: None }, None)
}

/// The link by which `email` chooses a password within a week. Replaces an earlier one for that address.
///
/// # Errors
/// Those of the store, or no randomness.
pub fn for_account(store: &dyn Store, public_url: &str, email: &str, now: UnixMs) -> Result<String> {
    add(store, public_url, Link { email: Some(email.to_owned()) }, Some(now.plus_ms(LIFETIME_MS)))
}

fn add(store: &dyn Store, public_url: &str, link: Link, expires_at: Option<UnixMs>) -> Result<String> {
    let token = secret::new("")
        .map_err(|error| StoreError::Storage(format!("the system has no randomness: {error}")))?;
    store.add_link(&secret::hash(&token), &link, expires_at)?;
    Ok(format!("{public_url}/setup?token={token}"))
}
