//! What every alert carries: tags, the user, the last steps.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use error_sentinel_wire::{Breadcrumb, Event, User, limits};

use crate::breadcrumbs::Ring;
use crate::client::clock;

#[derive(Debug)]
struct Scope {
    tags: Vec<(String, String)>,
    user: Option<User>,
    ring: Ring,
}

static SCOPE: Mutex<Option<Scope>> = Mutex::new(None);

/// What was held is whole even when another thread panicked meanwhile.
fn lock() -> MutexGuard<'static, Option<Scope>> {
    SCOPE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts anew.
pub fn reset(max_breadcrumbs: usize) {
    *lock() = Some(Scope { tags: Vec::new(), user: None, ring: Ring::new(max_breadcrumbs) });
}

pub fn add_breadcrumb(mut crumb: Breadcrumb) {
    crumb.timestamp.get_or_insert_with(clock::now);
    if let Some(scope) = lock().as_mut() {
        scope.ring.add(crumb);
    }
}

pub fn set_tag(key: String, value: String) {
    if let Some(scope) = lock().as_mut() {
        if let Some((_, old)) = scope.tags.iter_mut().find(|(name, _)| *name == key) {
            *old = value;
        } else if scope.tags.len() < limits::TAGS {
            scope.tags.push((key, value));
        }
    }
}

pub fn set_user(user: Option<User>) {
    if let Some(scope) = lock().as_mut() {
        scope.user = user;
    }
}

/// Adds the scope to an event; what the event says itself wins.
///
/// Called from the panic hook too, so it does not wait: when this very thread panicked while it held the lock,
/// waiting would be for ever, and an alert without breadcrumbs is better than none.
pub fn apply(event: &mut Event, may_wait: bool) {
    let guard = match SCOPE.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(error)) => error.into_inner(),
        Err(TryLockError::WouldBlock) if may_wait => lock(),
        Err(TryLockError::WouldBlock) => return,
    };
    let Some(scope) = guard.as_ref() else { return };
    for (key, value) in &scope.tags {
        if event.tag(key).is_none() {
            event.tags.push((key.clone(), value.clone()));
        }
    }
    if event.user.is_none() {
        event.user.clone_from(&scope.user);
    }
    event.breadcrumbs = scope.ring.steps();
}
