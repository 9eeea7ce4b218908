//! Handles: numbers that stand for what lives on this side of the border.
//!
//! A pointer that was freed twice or made up is a crash; a number that is looked up is a status.

use std::sync::{Mutex, MutexGuard, PoisonError};

use slotmap::{DefaultKey, Key, KeyData, SlotMap};

use crate::status::Status;

/// Most things of one kind at once; more are a leak of the host's.
const MAX: usize = 65_536;

/// All things of one kind that have been given out and not freed.
pub(crate) struct Registry<T>(Mutex<Option<SlotMap<DefaultKey, T>>>);

impl<T> Registry<T> {
    pub(crate) const fn new() -> Registry<T> {
        Registry(Mutex::new(None))
    }

    fn lock(&self) -> MutexGuard<'_, Option<SlotMap<DefaultKey, T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps something and returns its number, which is never 0.
    pub(crate) fn keep(&self, thing: T) -> Result<u64, Status> {
        let mut all = self.lock();
        let all = all.get_or_insert_with(SlotMap::new);
        if all.len() >= MAX {
            return Err(Status::InvalidArgument);
        }
        Ok(all.insert(thing).data().as_ffi())
    }

    /// Does something with what a number stands for.
    pub(crate) fn with<R>(
        &self,
        number: u64,
        work: impl FnOnce(&mut T) -> Result<R, Status>,
    ) -> Result<R, Status> {
        let mut all = self.lock();
        let thing = all.as_mut().and_then(|all| all.get_mut(key(number)));
        work(thing.ok_or(Status::InvalidHandle)?)
    }

    /// Takes out what a number stands for; the number is then nobody's.
    pub(crate) fn take(&self, number: u64) -> Result<T, Status> {
        let mut all = self.lock();
        all.as_mut().and_then(|all| all.remove(key(number))).ok_or(Status::InvalidHandle)
    }
}

fn key(number: u64) -> DefaultKey {
    KeyData::from_ffi(number).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_good_until_it_is_taken_and_never_again() {
        let registry = Registry::new();
        let first = registry.keep("first").unwrap();
        assert_ne!(first, 0);
        assert_eq!(registry.with(first, |thing| Ok(*thing)), Ok("first"));
        assert_eq!(registry.take(first), Ok("first"));
        let second = registry.keep("second").unwrap();
        assert_ne!(first, second);
        for nobodys in [first, 0, u64::MAX, second + 1] {
            assert_eq!(registry.take(nobodys), Err(Status::InvalidHandle), "{nobodys}");
        }
    }

    #[test]
    fn a_leak_is_bounded() {
        let registry = Registry::new();
        for _ in 0..MAX {
            registry.keep(()).unwrap();
        }
        assert_eq!(registry.keep(()), Err(Status::InvalidArgument));
    }
}
