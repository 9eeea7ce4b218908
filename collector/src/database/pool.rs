//! Connections in turn: a bounded set of them, lent first come, first served, and never waited for longer than
//! the caller has patience.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lends things, at most so many at a time. A pool of one is a lock that can be waited for with patience and
/// that is fair, so that long work done in slices never starves the others.
#[derive(Debug)]
pub struct Pool<T> {
    state: Mutex<State<T>>,
    freed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    idle: Vec<T>,
    /// How many more may be made.
    room: usize,
    /// Those who wait, by ticket.
    line: VecDeque<u64>,
    next_ticket: u64,
}

/// What was lent; goes back when dropped.
#[derive(Debug)]
pub struct Lease<'a, T> {
    pool: &'a Pool<T>,
    item: Option<T>,
}

impl<T> Pool<T> {
    /// A pool that lends at most `capacity` things at a time.
    pub fn new(capacity: usize) -> Pool<T> {
        let state = State { idle: Vec::new(), room: capacity, line: VecDeque::new(), next_ticket: 0 };
        Pool { state: Mutex::new(state), freed: Condvar::new() }
    }

    /// Lends a thing, made by `make` when none is idle; `None` when none came free within `patience`.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn lease<E>(
        &self,
        patience: Duration,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Option<Lease<'_, T>>, E> {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.line.push_back(ticket);
        while state.line.front() != Some(&ticket) || (state.idle.is_empty() && state.room == 0) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.line.retain(|waiting| *waiting != ticket);
                self.freed.notify_all();
                return Ok(None);
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.line.pop_front();
        // The next in line may find one too.
        self.freed.notify_all();
        if let Some(item) = state.idle.pop() {
            return Ok(Some(Lease { pool: self, item: Some(item) }));
        }
        state.room -= 1;
        drop(state);
        // From here on the lease gives the room back, should `make` fail or panic.
        let mut lease = Lease { pool: self, item: None };
        lease.item = Some(make()?);
        Ok(Some(lease))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lease<'_, T> {
    /// Throws the thing away; the next caller gets a new one.
    pub fn discard(mut self) {
        self.item = None;
    }
}

impl<T> Drop for Lease<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.item.take() {
            Some(item) => state.idle.push(item),
            None => state.room += 1,
        }
        self.pool.freed.notify_all();
    }
}

impl<T> Deref for Lease<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        match &self.item {
            Some(item) => item,
            None => unreachable!("a lease in use holds its item"),
        }
    }
}

impl<T> DerefMut for Lease<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.item {
            Some(item) => item,
            None => unreachable!("a lease in use holds its item"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn made(number: u32) -> impl FnOnce() -> Result<u32, Infallible> {
        move || Ok(number)
    }

    #[test]
    fn what_comes_back_is_lent_again() {
        let pool = Pool::new(1);
        drop(pool.lease(LONG, made(1)).unwrap().unwrap());
        assert_eq!(*pool.lease(LONG, made(2)).unwrap().unwrap(), 1);
    }

    #[test]
    fn what_was_discarded_is_made_anew() {
        let pool = Pool::new(1);
        pool.lease(LONG, made(1)).unwrap().unwrap().discard();
        assert_eq!(*pool.lease(LONG, made(2)).unwrap().unwrap(), 2);
    }

    #[test]
    fn nobody_waits_beyond_his_patience() {
        let pool = Pool::new(1);
        let held = pool.lease(LONG, made(1)).unwrap();
        assert!(pool.lease(Duration::ZERO, made(2)).unwrap().is_none());
        drop(held);
        assert!(pool.lease(Duration::ZERO, made(2)).unwrap().is_some());
    }

    #[test]
    fn a_failed_making_leaves_its_room() {
        let pool = Pool::new(1);
        assert_eq!(pool.lease(LONG, || Err::<u32, _>("no")).unwrap_err(), "no");
        assert_eq!(*pool.lease(LONG, made(2)).unwrap().unwrap(), 2);
    }

    #[test]
    fn those_who_wait_are_served_in_turn() {
        let pool = Pool::new(1);
        let (served, order) = mpsc::channel();
        std::thread::scope(|scope| {
            let held = pool.lease(LONG, made(0)).unwrap();
            for number in 1..=3 {
                let (pool, served) = (&pool, served.clone());
                scope.spawn(move || {
                    let _lease = pool.lease(LONG, made(0)).unwrap().unwrap();
                    served.send(number).unwrap();
                });
                // The next one queues up only when this one stands in line.
                while pool.lock().line.len() < number {
                    std::thread::yield_now();
                }
            }
            drop(held);
        });
        drop(served);
        assert_eq!(order.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
