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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Projects;
    use crate::store::sqlite::SqliteStore;
    use error_sentinel_wire::ProjectId;

    #[test]
    fn the_first_project_is_made_once_and_has_the_number_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
        let made = ensure_project(&store, PublicKey(1), UnixMs(0)).unwrap().unwrap();
        assert_eq!((made.id, made.name.as_str()), (ProjectId(1), PROJECT));
        assert_eq!(ensure_project(&store, PublicKey(2), UnixMs(1)).unwrap(), None);
        assert_eq!(store.projects().unwrap().len(), 1);
        assert_eq!(store.find_key(PublicKey(1)).unwrap().unwrap().project_id, made.id);
    }
}
