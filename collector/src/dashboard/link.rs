//! One-time links to choose a password by.

use error_sentinel_wire::UnixMs;

use crate::secret;
use crate::store::account::Link;
use crate::store::{Result, Store, StoreError};

/// The link that makes the first account. Replaces an earlier one.
///
/// # Errors
/// Those of the store, or no randomness.
pub fn for_setup(store: &dyn Store, public_url: &str, now: UnixMs) -> Result<String> {
    add(store, public_url, Link { email: None }, now)
}

/// The link by which `email` chooses a password. Replaces an earlier one for that address.
///
/// # Errors
/// Those of the store, or no randomness.
pub fn for_account(store: &dyn Store, public_url: &str, email: &str, now: UnixMs) -> Result<String> {
    add(store, public_url, Link { email: Some(email.to_owned()) }, now)
}

fn add(store: &dyn Store, public_url: &str, link: Link, now: UnixMs) -> Result<String> {
    let token = secret::new("")
        .map_err(|error| StoreError::Storage(format!("the system has no randomness: {error}")))?;
    store.add_link(&secret::hash(&token), &link, now)?;
    Ok(format!("{public_url}/setup?token={token}"))
}
