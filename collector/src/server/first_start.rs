//! What the first start on a data folder makes.

use error_sentinel_wire::{PublicKey, UnixMs};

use crate::store::project::Project;
use crate::store::{Result, Store};

/// The project that is there from the start; its id is 1.
pub const PROJECT: &str = "default";

/// Makes the first project, with `public_key`, when there is none.
///
/// # Errors
/// Those of the store.
pub fn ensure_project(store: &dyn Store, public_key: PublicKey, now: UnixMs) -> Result<Option<Project>> {
    if !store.projects()?.is_empty() {
        return Ok(None);
    }
    store.create_project(PROJECT, public_key, now).map(Some)
}
