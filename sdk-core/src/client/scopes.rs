//! Which scope a thread is in, and the steps of everything that is in none.
//!
//! Each thread has a stack of scopes; a future carries its own and puts it there only while it is polled. Beneath all
//! of them lies the scope of the whole program. Its steps are spread over several rings, of which each thread uses
//! one, so that threads do not wait for each other, and are merged by time when an alert takes them along.
//!
//! The panic hook comes here too, perhaps of a thread that panicked in the middle of one of these functions: nothing
//! may wait or panic when told not to, and no code of the application may run while something is held.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use error_sentinel_wire::{Event, limits};

use super::clock;
use crate::breadcrumbs::{Crumb, Ring, Trail};
use crate::scope::Scope;
use crate::trace::Trace;

/// Rings that threads share the program's steps among.
const SHARDS: usize = 16;

/// A ring on cache lines of its own, so that threads on different rings do not slow each other down.
#[repr(align(128))]
struct Shard(Mutex<Option<Ring>>);

static SHARD: [Shard; SHARDS] = [const { Shard(Mutex::new(None)) }; SHARDS];
/// Threads that have a ring; those after the last ring share the first ones again.
static RING_USER_COUNT: AtomicUsize = AtomicUsize::new(0);
static PROGRAM: RwLock<Option<Scope>> = RwLock::new(None);
static MAX_BREADCRUMBS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // The boxes are what a scope's owner keeps while the scope is not on a stack.
    #[expect(clippy::vec_box, reason = "a future moves its scope in and out with every poll")]
    static STACK: RefCell<Vec<Box<Scope>>> = const { RefCell::new(Vec::new()) };
    static OWN_SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// What was held is whole even when another thread panicked meanwhile.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts anew, with rings of this many steps.
pub fn reset(max_breadcrumbs: usize) {
    MAX_BREADCRUMBS.store(max_breadcrumbs.min(limits::BREADCRUMBS), Ordering::Relaxed);
    *PROGRAM.write().unwrap_or_else(PoisonError::into_inner) = Some(Scope::new());
    for shard in &SHARD {
        *lock(&shard.0) = None;
    }
}

fn new_ring() -> Ring {
    Ring::new(MAX_BREADCRUMBS.load(Ordering::Relaxed))
}

/// The place of this thread's ring.
fn own_shard() -> usize {
    // A thread that is ending has lost its own; any will do.
    OWN_SHARD.try_with(Cell::get).map_or(0, |own| {
        if own != usize::MAX {
            return own;
        }
        let own = RING_USER_COUNT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        // As above.
        let _ = OWN_SHARD.try_with(|cell| cell.set(own));
        own
    })
}

/// Leaves a step in the innermost scope.
pub fn add_breadcrumb(crumb: &Crumb<'_>) {
    let now = crumb.time().unwrap_or_else(clock::coarse_now);
    #[cfg(feature = "crash")]
    super::crash::note_step(crumb, now);
    let is_done = STACK.try_with(|stack| {
        let Ok(mut stack) = stack.try_borrow_mut() else { return true };
        let Some(scope) = stack.last_mut() else { return false };
        scope.ring.add(crumb, now);
        true
    });
    if is_done == Ok(true) {
        return;
    }
    if let Some(shard) = SHARD.get(own_shard()) {
        lock(&shard.0).get_or_insert_with(new_ring).add(crumb, now);
    }
}

/// Changes the innermost scope. `change` must be no code of the application: something is held meanwhile.
pub fn change(change: impl FnOnce(&mut Scope)) {
    let mut change = Some(change);
    // Where the thread is ending and has lost its stack, the program's scope remains.
    let _ = STACK.try_with(|stack| {
        let Ok(mut stack) = stack.try_borrow_mut() else { return };
        if let Some(scope) = stack.last_mut()
            && let Some(change) = change.take()
        {
            change(scope);
        }
    });
    if let Some(change) = change
        && let Some(scope) = PROGRAM.write().unwrap_or_else(PoisonError::into_inner).as_mut()
    {
        change(scope);
        #[cfg(feature = "crash")]
        super::crash::note_facts(scope);
    }
}

/// Puts a scope on this thread's stack for as long as the guard lives.
pub fn enter(mut scope: Box<Scope>) -> Entered {
    if !scope.ring.has_room() {
        scope.ring = new_ring();
    }
    let mut scope = Some(scope);
    let entered = STACK.try_with(|stack| {
        if let Ok(mut stack) = stack.try_borrow_mut() {
            stack.extend(scope.take());
        }
    });
    // A thread that is ending goes without.
    let is_in = entered.is_ok() && scope.is_none();
    Entered { scope, is_in }
}

/// Takes its scope from the stack when dropped.
#[derive(Debug)]
pub struct Entered {
    /// The scope, where there was no stack to put it on.
    scope: Option<Box<Scope>>,
    is_in: bool,
}

impl Entered {
    /// Takes the scope from the stack and hands it back.
    pub fn leave(mut self) -> Option<Box<Scope>> {
        self.take()
    }

    fn take(&mut self) -> Option<Box<Scope>> {
        if !std::mem::take(&mut self.is_in) {
            return self.scope.take();
        }
        STACK.try_with(|stack| stack.try_borrow_mut().ok().and_then(|mut stack| stack.pop())).ok().flatten()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Its owner had no more use for it.
        drop(self.take());
    }
}

/// All that holds here and now, as one scope, without steps.
pub fn current() -> Scope {
    let mut all = Scope::new();
    // A thread that is ending is in no scope but the program's.
    let _ = STACK.try_with(|stack| {
        if let Ok(stack) = stack.try_borrow() {
            stack.iter().rev().for_each(|scope| all.inherit(scope));
        }
    });
    all
}

/// The trace of the innermost scope that has one.
pub fn current_trace() -> Option<Trace> {
    let innermost = STACK.try_with(|stack| {
        let stack = stack.try_borrow().ok()?;
        stack.iter().rev().find_map(|scope| scope.trace)
    });
    innermost.ok().flatten()
}

/// Adds to an event what its scopes say, and returns the steps that led to it.
///
/// With `may_wait` false it goes without what another thread, or this one before it panicked, holds at the moment.
pub fn apply(event: &mut Event, may_wait: bool) -> Trail {
    let max = MAX_BREADCRUMBS.load(Ordering::Relaxed);
    let mut trail = Trail::default();
    // As above.
    let _ = STACK.try_with(|stack| {
        let Ok(stack) = stack.try_borrow() else { return };
        for scope in stack.iter().rev() {
            scope.apply(event);
            trail.add(&scope.ring);
            trail.settle(max);
        }
    });
    let program = match PROGRAM.try_read() {
        Ok(program) => Some(program),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) if may_wait => {
            Some(PROGRAM.read().unwrap_or_else(PoisonError::into_inner))
        }
        Err(TryLockError::WouldBlock) => None,
    };
    if let Some(scope) = program.as_deref().and_then(Option::as_ref) {
        scope.apply(event);
    }
    drop(program);
    // This thread's own ring last: where two steps have one time, its own counts as the later.
    let own = own_shard();
    // Rings that nobody has used yet are nothing to look at.
    let ring_count = RING_USER_COUNT.load(Ordering::Relaxed).clamp(own + 1, SHARDS);
    for place in (own + 1..ring_count).chain(0..=own) {
        let Some(shard) = SHARD.get(place) else { continue };
        let ring = match shard.0.try_lock() {
            Ok(ring) => ring,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) if may_wait => lock(&shard.0),
            Err(TryLockError::WouldBlock) => continue,
        };
        if let Some(ring) = ring.as_ref() {
            trail.add(ring);
        }
    }
    trail.settle(max);
    trail
}
