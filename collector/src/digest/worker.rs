//! The stage's two threads: one takes from the queue and prepares, one records in the store and tells the feed.
//!
//! A batch leaves the queue only after the store has it, so a crash anywhere repeats work and loses nothing.
//! While the store cannot be written the threads wait and the queue is the dam. They never stop for bad input:
//! what cannot be understood is logged, counted and passed over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use error_sentinel_wire::UnixMs;

use crate::clock;
use crate::feed::Feed;
use crate::queue::Queue;
use crate::settings::Settings;
use crate::store::Store;

mod intake;
mod record;

use intake::Intake;
use record::Recorder;

/// A tenth of a processor that an answer wants too; all of it otherwise.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// How long to wait before what failed is tried again: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// What the stage is doing, for `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Taking work as it comes.
    Running,
    /// The store or the queue cannot be used; everything accepted waits in the queue.
    Waiting {
        /// Since when.
        since: UnixMs,
        /// What the last try said.
        error: String,
    },
    /// No longer taking work.
    Stopped,
}

/// What the stage has done since it started, for `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events given to the store, redelivered ones too.
    pub event_count: u64,
    /// Items that nothing is done with.
    pub skipped_count: u64,
    /// Items and envelopes that could not be understood.
    pub poison_count: u64,
    /// Times that the store or the queue could not be used.
    pub failure_count: u64,
}

/// The running stage.
#[derive(Debug)]
pub struct Digest {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What both threads, and those who ask about them, look at.
#[derive(Debug)]
struct Shared {
    stopping: Mutex<bool>,
    wake: Condvar,
    state: Mutex<State>,
    events: AtomicU64,
    skipped: AtomicU64,
    poison: AtomicU64,
    failures: AtomicU64,
}

/// What was held is whole even when another thread panicked meanwhile.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Digest {
    /// Starts the stage's threads. `bell` is called when an alarm was put into the outbox.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        queue: Arc<dyn Queue>,
        store: Arc<dyn Store>,
        feed: Feed,
        settings: &Settings,
        bell: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Digest> {
        let shared = Arc::new(Shared {
            stopping: Mutex::new(false),
            wake: Condvar::new(),
            state: Mutex::new(State::Running),
            events: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            poison: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        });
        let digest = Digest { shared: shared.clone(), threads: Mutex::default() };
        // One batch is prepared while another is recorded, and no more than these are in memory.
        let (prepared, to_record) = sync_channel(0);
        let mut intake = Intake::new(queue.clone(), shared.clone());
        let mut recorder = Recorder {
            queue,
            store,
            feed,
            bell: Box::new(bell),
            cooldown_s: settings.alert.cooldown_s,
            spell: Spell::of(shared),
        };
        digest.spawn("digest", move || intake.run(&prepared))?;
        digest.spawn("digest-record", move || recorder.run(&to_record))?;
        Ok(digest)
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            give_way();
            run();
        })?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// What the stage is doing.
    pub fn state(&self) -> State {
        lock(&self.shared.state).clone()
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            event_count: read(&self.shared.events),
            skipped_count: read(&self.shared.skipped),
            poison_count: read(&self.shared.poison),
            failure_count: read(&self.shared.failures),
        }
    }

    /// Finishes what is being recorded and ends the threads; what is left stays in the queue. Blocks until then.
    pub fn stop(&self) {
        *lock(&self.shared.stopping) = true;
        self.shared.wake.notify_all();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(name, "a thread had panicked");
            }
        }
        *lock(&self.shared.state) = State::Stopped;
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets those who wait for an answer go first: what is in the queue is safe, and waits for the processor instead of
/// them. The calling thread's helpers inherit it.
fn give_way() {
    // Elsewhere it would slow down the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "digest runs at the priority of all");
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        *lock(&self.stopping)
    }

    /// Waits, but not longer than until the stage is to stop.
    fn rest(&self, pause: Duration) {
        let stopping = lock(&self.stopping);
        // Neither a timeout nor a poisoned lock changes what comes next: the loop looks again.
        drop(self.wake.wait_timeout_while(stopping, pause, |stopping| !*stopping));
    }

    fn poisoned(&self, project: impl std::fmt::Display, reason: &str) {
        self.poison.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%project, reason, "an accepted item cannot be understood and is passed over");
    }
}

/// A thread's failures one after the other: said once, with longer and longer pauses between them.
#[derive(Debug)]
struct Spell {
    shared: Arc<Shared>,
    /// The pause after the next failure.
    pause: Duration,
    is_failing: bool,
}

impl Spell {
    fn of(shared: Arc<Shared>) -> Spell {
        Spell { shared, pause: FIRST_PAUSE, is_failing: false }
    }

    /// Notes that something failed, and waits before it is tried again.
    fn failed(&mut self, error: String) {
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(error, "digest waits; what is accepted stays in the queue");
        }
        let mut state = lock(&self.shared.state);
        let since = match &*state {
            State::Waiting { since, .. } => *since,
            State::Running | State::Stopped => clock::now(),
        };
        *state = State::Waiting { since, error };
        drop(state);
        self.shared.rest(self.pause);
        self.pause = (self.pause * 2).min(LAST_PAUSE);
    }

    /// Notes that it went well.
    fn recovered(&mut self) {
        self.pause = FIRST_PAUSE;
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("digest goes on");
            *lock(&self.shared.state) = State::Running;
        }
    }
}

#[cfg(test)]
mod tests;
