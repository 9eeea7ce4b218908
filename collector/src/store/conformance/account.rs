//! What every store must do for the people and programs that may look.

use super::START;
use crate::store::account::Link;
use crate::store::{Store, StoreError};

/// The first link makes the first account, once; a newer one replaces it.
pub fn lets_the_first_one_in_once(store: &dyn Store) {
    let first = Link { email: None };
    assert!(store.needs_setup().unwrap());
    store.add_link(&[1; 32], &first, None).unwrap();
    store.add_link(&[2; 32], &first, None).unwrap();
    assert_eq!(store.find_link(&[1; 32], START).unwrap(), None, "a newer link replaces it");
    let account = store.use_link(&[2; 32], "ada@example.com", "hash", START).unwrap().unwrap();
    assert_eq!(account.email, "ada@example.com");
    assert_eq!(store.use_link(&[2; 32], "eve@example.com", "hash", START).unwrap(), None);
    assert!(!store.needs_setup().unwrap());
    store.add_link(&[3; 32], &first, None).unwrap();
    assert_eq!(store.use_link(&[3; 32], "eve@example.com", "hash", START).unwrap(), None);
    assert_eq!(store.accounts().unwrap().len(), 1);
}

/// A link for somebody sets nobody else's password, and only until it expires.
pub fn bounds_links(store: &dyn Store) {
    let link = Link { email: Some("bob@example.com".into()) };
    store.add_link(&[1; 32], &link, Some(START.plus_ms(10))).unwrap();
    assert_eq!(store.find_link(&[1; 32], START.plus_ms(9)).unwrap(), Some(link.clone()));
    assert_eq!(store.find_link(&[1; 32], START.plus_ms(10)).unwrap(), None);
    let late = store.use_link(&[1; 32], "bob@example.com", "hash", START.plus_ms(10));
    assert_eq!(late.unwrap(), None, "it has expired");
    store.add_link(&[2; 32], &link, Some(START.plus_ms(10))).unwrap();
    let account = store.use_link(&[2; 32], "ada@example.com", "hash", START).unwrap().unwrap();
    assert_eq!(account.email, "bob@example.com");
}

/// Sessions expire, can be ended, and do not outlive a password.
pub fn ends_sessions(store: &dyn Store) {
    let account = store.set_password("ada@example.com", "one", START).unwrap();
    for hash in [[1; 32], [2; 32]] {
        store.add_session(&hash, account.id, START.plus_ms(10)).unwrap();
    }
    assert_eq!(store.find_session(&[1; 32], START.plus_ms(9)).unwrap(), Some(account.clone()));
    assert_eq!(store.find_session(&[1; 32], START.plus_ms(10)).unwrap(), None);
    store.end_session(&[1; 32], START).unwrap();
    assert_eq!(store.find_session(&[1; 32], START).unwrap(), None);
    let again = store.set_password("ADA@example.com", "two", START).unwrap();
    assert_eq!((again.id, again.password_hash.as_str()), (account.id, "two"));
    assert_eq!(store.find_session(&[2; 32], START).unwrap(), None);
}

/// Who is removed is out at once and cannot come back by an old link; the only account stays.
pub fn removes_accounts(store: &dyn Store) {
    let ada = store.set_password("ada@example.com", "hash", START).unwrap();
    let last = store.remove_account("ada@example.com");
    assert!(matches!(last, Err(StoreError::Conflict(_))), "{last:?}");
    store.set_password("bob@example.com", "hash", START).unwrap();
    store.add_session(&[1; 32], ada.id, START.plus_ms(10)).unwrap();
    store.add_link(&[2; 32], &Link { email: Some("ada@example.com".into()) }, None).unwrap();
    assert!(store.remove_account("ADA@example.com").unwrap());
    assert!(!store.remove_account("ada@example.com").unwrap());
    assert_eq!(store.find_account("ada@example.com").unwrap(), None);
    assert_eq!(store.find_session(&[1; 32], START).unwrap(), None);
    assert_eq!(store.find_link(&[2; 32], START).unwrap(), None);
    assert_eq!(store.accounts().unwrap().len(), 1);
}

/// A token admits until it is revoked.
pub fn admits_tokens(store: &dyn Store) {
    store.add_token("ci", &[7; 32], START).unwrap();
    assert!(store.admits_token(&[7; 32]).unwrap());
    assert!(!store.admits_token(&[8; 32]).unwrap());
    let token = store.tokens().unwrap().remove(0);
    assert_eq!(token.name, "ci");
    assert!(store.revoke_token(token.id).unwrap());
    assert!(!store.revoke_token(token.id).unwrap());
    assert!(!store.admits_token(&[7; 32]).unwrap());
}
