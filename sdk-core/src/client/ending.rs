//! Writes to disk what waits when the process ends by `exit`, or because `main` returned and the guard was not dropped.
//!
//! Between [`send_alert`](crate::send_alert) and the spool lie some milliseconds in which the worker dozes, and longer
//! ones in which it finds the names of a stack. `exit` may be called by any thread, with any lock held, even by a signal
//! handler that interrupted an allocation. So the handler here allocates nothing and waits for no lock: it asks a
//! thread that is there for this alone, and sleeps until that has written, no longer than the farewell.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use error_sentinel_wire::Event;

use super::keeper::Keeper;
use super::{CHANNEL, SharedStorms, Snapshot, State, Task, clock, worker};
use crate::breadcrumbs::Trail;
use crate::engine::Collapsed;
use crate::transport::TransportError;

/// Whether anything tells of an exit. Android's applications do not exit, they are ended.
pub const IS_TOLD: bool = cfg!(all(unix, not(target_os = "android")));
/// How often somebody who waits looks again.
const LOOK: Duration = Duration::from_micros(200);

/// Longest that the start of the client waits for the thread.
const START: Duration = Duration::from_millis(20);

/// What the worker, the thread that writes and the one that exits tell each other.
#[derive(Debug, Default)]
pub struct Ending {
    is_asked: AtomicBool,
    /// Whether the worker is gone.
    is_over: AtomicBool,
    /// Whether all is written that could be.
    is_done: AtomicBool,
    /// Odd while the worker may hold an alert that is neither on disk nor put aside. Only the worker changes it.
    step: AtomicU64,
    /// What the worker is looking into and could not write down before.
    aside: Mutex<Vec<(Event, Trail)>>,
    writer: OnceLock<Thread>,
}

impl Ending {
    /// Called by the worker before it takes an alert.
    pub fn takes(&self) {
        self.move_to(1);
    }

    /// Called by the worker when the alert that it has taken would be found by others.
    pub fn is_safe(&self) {
        self.move_to(0);
    }

    fn move_to(&self, parity: u64) {
        let step = self.step.load(Ordering::Relaxed);
        if step % 2 != parity {
            // Before what is taken is gone from where the writer would find it.
            self.step.store(step.wrapping_add(1), Ordering::SeqCst);
        }
    }

    /// Puts an alert where the writer finds it.
    pub fn put_aside(&self, event: Event, trail: Trail) {
        self.lock_aside().push((event, trail));
    }

    /// Called by the worker when all that it has taken is on disk or was given up.
    pub fn has_written(&self) {
        self.lock_aside().clear();
        self.is_safe();
    }

    /// Called when the worker is gone, or never came.
    pub fn is_over(&self) {
        // However it went, there is nothing more to come of what it had in hand.
        self.is_safe();
        self.is_over.store(true, Ordering::Release);
        self.wake();
    }

    fn lock_aside(&self) -> std::sync::MutexGuard<'_, Vec<(Event, Trail)>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Has all written that waits, and returns when it is, or when `patience` is at its end.
    #[cfg_attr(
        not(all(unix, not(target_os = "android"))),
        allow(dead_code, reason = "nothing tells of an exit")
    )]
    fn write_out(&self, patience: Duration) {
        self.is_asked.store(true, Ordering::Release);
        self.wake();
        let started = Instant::now();
        while !self.is_done.load(Ordering::Acquire) && started.elapsed() < patience {
            thread::sleep(LOOK);
        }
    }
}

/// The thread that writes when the process ends.
struct Writer {
    inbox: Receiver<Task>,
    keeper: Arc<Keeper>,
    storms: SharedStorms,
    state: Arc<State>,
}

/// Starts the thread; it ends with the worker.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    inbox: Receiver<Task>,
    keeper: Arc<Keeper>,
    storms: SharedStorms,
    state: Arc<State>,
) -> Result<(), TransportError> {
    let writer = Writer { inbox, keeper, storms, state: state.clone() };
    let named = thread::Builder::new().name("error-sentinel-exit".to_owned());
    let (ready, wait) = bounded(1);
    let started = named.spawn(move || {
        worker::mark_as_own();
        // The C library sets memory aside for a thread when that first asks for some: now, since at an exit there may
        // be none left, and since later it would be missing elsewhere.
        drop(std::hint::black_box(vec![0_u8; 1]));
        // Whoever started it may have lost patience.
        let _ = ready.try_send(());
        writer.run();
    });
    let started = started.map_err(|error| TransportError(format!("no thread could be started: {error}")))?;
    // It is there in a moment, or the machine is so busy that it comes later.
    let _ = wait.recv_timeout(START);
    // Nobody else says who it is.
    let _ = state.ending.writer.set(started.thread().clone());
    Ok(())
}

impl Writer {
    fn run(&self) {
        let ending = &self.state.ending;
        while !ending.is_asked.load(Ordering::Acquire) && !ending.is_over.load(Ordering::Acquire) {
            thread::park();
        }
        // When the worker is gone, it has left nothing.
        self.write_all();
        self.keeper.close_slots();
        ending.is_done.store(true, Ordering::Release);
    }

    fn write_all(&self) {
        // Those that go on reporting meanwhile are not waited for.
        for task in self.inbox.try_iter().take(CHANNEL) {
            match task {
                Task::Alert(snapshot) => self.write(*snapshot),
                Task::Keep(snapshot, done) => {
                    self.write(*snapshot);
                    // Whoever waited may have gone meanwhile.
                    let _ = done.try_send(());
                }
                // The next start finds it in its slot.
                Task::Kept(..) => {}
                // Who waits for it learns that it has not all left.
                Task::Flush(_) => {}
            }
        }
        while let Some(Collapsed { first, occurrences }) = self.next_storm() {
            let mut snapshot = *first;
            snapshot.settle();
            snapshot.event.occurrences = Some(occurrences);
            self.write(snapshot);
        }
        let step = self.state.ending.step.load(Ordering::SeqCst);
        while step % 2 == 1 && self.state.ending.step.load(Ordering::SeqCst) == step {
            thread::sleep(LOOK);
        }
        let aside = std::mem::take(&mut *self.state.ending.lock_aside());
        aside.into_iter().for_each(|(event, trail)| self.keep(event, trail));
    }

    fn next_storm(&self) -> Option<Collapsed<Box<Snapshot>>> {
        self.storms.lock().unwrap_or_else(PoisonError::into_inner).close_early(clock::monotonic())
    }

    fn write(&self, mut snapshot: Snapshot) {
        snapshot.settle();
        self.keep(snapshot.event, snapshot.trail);
    }

    fn keep(&self, event: Event, trail: Trail) {
        // What the application's own code breaks here, or a disk refuses, nobody is left to hear of.
        let _ = catch_unwind(AssertUnwindSafe(|| self.keeper.keep(event, trail)));
    }
}

/// The client that was started last, in a process with a spool.
static LATEST: Mutex<Option<Arc<State>>> = Mutex::new(None);

/// Has what waits for this client written when the process exits.
pub fn watch(state: Arc<State>) {
    *LATEST.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    #[cfg(all(unix, not(target_os = "android")))]
    {
        static REGISTERED: std::sync::Once = std::sync::Once::new();
        REGISTERED.call_once(|| {
            #[expect(unsafe_code, reason = "the standard library has no handlers of an exit")]
            // Safety: the function does what such a handler may.
            let refused = unsafe { libc::atexit(at_exit) };
            if refused != 0 {
                eprintln!("error-sentinel: what waits when the process exits is not written to disk");
            }
        });
    }
}

/// Called by `exit`. Where the thread's own data was, there is nothing any more.
#[cfg(all(unix, not(target_os = "android")))]
extern "C" fn at_exit() {
    if !super::is_own_process() {
        return;
    }
    let latest = match LATEST.try_lock() {
        Ok(latest) => latest,
        Err(std::sync::TryLockError::Poisoned(error)) => error.into_inner(),
        // A client is being started, or this is a signal handler in the middle of that.
        Err(std::sync::TryLockError::WouldBlock) => return,
    };
    if let Some(state) = latest.as_ref() {
        state.ending.write_out(super::farewell());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_waits_no_longer_than_it_may_for_a_writer_that_never_comes() {
        let ending = Ending::default();
        let started = Instant::now();
        ending.write_out(Duration::from_millis(50));
        assert!(started.elapsed() >= Duration::from_millis(50));
        ending.is_done.store(true, Ordering::Release);
        let started = Instant::now();
        ending.write_out(Duration::from_secs(3600));
        // Against hanging only.
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_the_worker_has_in_hand_is_told_from_what_it_has_not() {
        let ending = Ending::default();
        let step = || ending.step.load(Ordering::SeqCst);
        ending.takes();
        ending.takes();
        assert_eq!(step(), 1);
        ending.is_safe();
        ending.has_written();
        assert_eq!(step(), 2);
        ending.put_aside(Event::default(), Trail::default());
        assert_eq!(ending.lock_aside().len(), 1);
        ending.takes();
        ending.is_over();
        assert_eq!((step(), ending.lock_aside().len()), (4, 1));
        ending.has_written();
        assert!(ending.lock_aside().is_empty());
    }
}
