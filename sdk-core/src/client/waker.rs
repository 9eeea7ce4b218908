//! How the worker sleeps and is woken.
//!
//! To wake a thread takes a system call, which costs as much as all the rest of an alert, and where processors are
//! few the woken one takes the place of the one that woke it: the caller then waits for all that the worker has to do.
//! So while alerts come in, the worker looks for more every few milliseconds by itself, and only one that would sleep
//! for long is woken.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// How long the worker dozes between two looks.
const DOZE: Duration = Duration::from_millis(5);
/// So many looks in vain, and it sleeps until it is woken.
const LOOKS: u32 = 20;

/// Shared by the worker and those that have something for it.
#[derive(Debug, Default)]
pub struct Waker {
    worker: OnceLock<Thread>,
    /// Whether the worker sleeps until it is woken, or is about to.
    is_asleep: AtomicBool,
    /// Looks in vain since it last found something. Only the worker's.
    look_count: AtomicU32,
}

impl Waker {
    /// Says who is to be woken. Both the worker and who started it may say so, in any order.
    pub fn belongs_to(&self, worker: Thread) {
        // Whoever came first has said the same.
        let _ = self.worker.set(worker);
    }

    /// Wakes the worker: what was done before can wait no moment.
    pub fn wake(&self) {
        if let Some(worker) = self.worker.get() {
            worker.unpark();
        }
    }

    /// Wakes the worker unless it will look by itself in a moment.
    pub fn wake_sleeper(&self) {
        // Either the worker sees what was done before this, or this sees that the worker sleeps.
        fence(Ordering::SeqCst);
        if self.is_asleep.load(Ordering::Relaxed) && self.is_asleep.swap(false, Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Tells the worker's next [`Waker::rest`] that there was something to do.
    pub fn found(&self) {
        self.look_count.store(0, Ordering::Relaxed);
    }

    /// Called by the worker when what it has to do can wait a moment for what cannot.
    pub fn doze(&self) {
        thread::park_timeout(DOZE);
    }

    /// Called by the worker when a look was in vain; returns when it is to look again: after `longest` at most, where
    /// there is one.
    pub fn rest(&self, longest: Option<Duration>) {
        let look_count = self.look_count.load(Ordering::Relaxed);
        if look_count < LOOKS {
            self.look_count.store(look_count + 1, Ordering::Relaxed);
            thread::park_timeout(longest.map_or(DOZE, |longest| longest.min(DOZE)));
        } else if !self.is_asleep.swap(true, Ordering::Relaxed) {
            // What came before anybody could know that it is to be woken: one more look. See `wake_sleeper`.
            fence(Ordering::SeqCst);
        } else {
            match longest {
                Some(longest) => thread::park_timeout(longest),
                None => thread::park(),
            }
            self.is_asleep.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    /// A worker that counts off what others have for it, until that is `end`.
    fn worker(waker: &Arc<Waker>, given: &Arc<AtomicU64>, end: u64) -> thread::JoinHandle<()> {
        let (waker, given) = (waker.clone(), given.clone());
        thread::spawn(move || {
            waker.belongs_to(thread::current());
            let mut seen = 0;
            while seen < end {
                let all = given.load(Ordering::Relaxed);
                if all > seen {
                    seen = all;
                    waker.found();
                } else {
                    waker.rest(None);
                }
            }
        })
    }

    #[test]
    fn a_worker_that_sleeps_for_good_misses_nothing() {
        const COUNT: u64 = 20_000;
        let (waker, given) = (Arc::new(Waker::default()), Arc::new(AtomicU64::new(0)));
        // As if it had looked in vain for long: every rest is one that only others end.
        waker.look_count.store(LOOKS, Ordering::Relaxed);
        let worker = worker(&waker, &given, COUNT);
        waker.belongs_to(worker.thread().clone());
        for _ in 0..COUNT {
            waker.look_count.store(LOOKS, Ordering::Relaxed);
            given.fetch_add(1, Ordering::Relaxed);
            waker.wake_sleeper();
        }
        // It hangs where a wake was missed.
        worker.join().unwrap();
    }

    #[test]
    fn a_worker_that_dozes_looks_without_being_woken() {
        let (waker, given) = (Arc::new(Waker::default()), Arc::new(AtomicU64::new(0)));
        let worker = worker(&waker, &given, 1);
        given.store(1, Ordering::Relaxed);
        worker.join().unwrap();
    }
}
