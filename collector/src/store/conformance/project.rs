//! What every store must do for projects, their keys and recipients.

use error_sentinel_wire::{ProjectId, PublicKey};

use super::{START, project};
use crate::store::{Store, StoreError};

/// Projects have keys that can be added and revoked, and names that nobody else has.
pub fn keeps_projects(store: &dyn Store) {
    let first = project(store, 1);
    let second = project(store, 2);
    assert_eq!(first, ProjectId(1), "the first project is 1");
    let names: Vec<_> =
        store.projects().unwrap().into_iter().map(|project| (project.id, project.name)).collect();
    assert_eq!(names, [(first, "project 1".into()), (second, "project 2".into())]);
    let taken = store.create_project("project 1", PublicKey(99), START);
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    assert_eq!(store.find_key(PublicKey(99)).unwrap(), None, "a refused project left its key");

    assert_eq!(store.find_key(PublicKey(1)).unwrap().unwrap().project_id, first);
    store.add_key(first, PublicKey(10), "phones", START.plus_ms(1)).unwrap();
    assert!(matches!(store.add_key(second, PublicKey(10), "", START), Err(StoreError::Conflict(_))));
    assert!(matches!(store.add_key(ProjectId(77), PublicKey(11), "", START), Err(StoreError::Conflict(_))));
    assert!(store.revoke_key(PublicKey(1), START.plus_ms(2)).unwrap());
    assert!(!store.revoke_key(PublicKey(1), START.plus_ms(3)).unwrap());
    assert_eq!(store.find_key(PublicKey(1)).unwrap(), None);
    let keys: Vec<_> = store
        .project_keys(first)
        .unwrap()
        .into_iter()
        .map(|key| (key.public_key, key.label, key.revoked_at))
        .collect();
    assert_eq!(
        keys,
        [
            (PublicKey(1), "default".into(), Some(START.plus_ms(2))),
            (PublicKey(10), "phones".to_owned(), None)
        ]
    );

    assert_eq!(store.recipients(first).unwrap(), Vec::<String>::new());
    store.set_recipients(first, &["b@example.com".into(), "a@example.com".into()]).unwrap();
    store.set_recipients(second, &["c@example.com".into()]).unwrap();
    assert_eq!(store.recipients(first).unwrap(), ["a@example.com", "b@example.com"]);
    store.set_recipients(first, &[]).unwrap();
    assert_eq!(store.recipients(first).unwrap(), Vec::<String>::new());
    assert_eq!(store.recipients(second).unwrap(), ["c@example.com"]);
}
