//! The stage's thread: queue → prepare → store → feed.
//!
//! A batch leaves the queue only after the store has it, so a crash anywhere repeats work and loses nothing.
//! While the store cannot be written the thread waits and the queue is the dam. It never stops for bad input:
//! what cannot be understood is logged, counted and passed over.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use error_sentinel_wire::UnixMs;

use super::group::{Batch, decide};
use super::prepare::prepare;
use crate::clock;
use crate::feed::{Change, Feed};
use crate::queue::{Job, JobId, Queue};
use crate::settings::Settings;
use crate::store::digests::Recorded;
use crate::store::{Store, StoreError};

/// Bounds of a batch: large enough to share one sync to disk, small enough to show up at once.
const BATCH_JOBS: usize = 512;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// From so many jobs on a batch is work for two threads.
const SHARED_JOBS: usize = 16;
/// How long to wait for work before looking whether to stop.
const IDLE_WAIT: Duration = Duration::from_millis(200);
/// How long to wait before the store is tried again: doubled from the first to the last.
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
    thread: Mutex<Option<JoinHandle<()>>>,
}

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
    /// Starts the stage's thread. `bell` is called when an alarm was put into the outbox.
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
        let mut line = Line {
            queue,
            store,
            feed,
            bell: Box::new(bell),
            cooldown_s: settings.alert.cooldown_s,
            shared: shared.clone(),
            after: None,
            is_failing: false,
        };
        let thread = std::thread::Builder::new().name("digest".to_owned()).spawn(move || line.run())?;
        Ok(Digest { shared, thread: Mutex::new(Some(thread)) })
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

    /// Finishes the batch in hand and ends the thread; what is left stays in the queue. Blocks until then.
    pub fn stop(&self) {
        *lock(&self.shared.stopping) = true;
        self.shared.wake.notify_all();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the digest thread had panicked");
        }
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why a batch was not recorded.
enum Refusal {
    /// The same batch may be recorded later.
    Later(String),
    /// This batch never will be.
    Never(String),
}

struct Line {
    queue: Arc<dyn Queue>,
    store: Arc<dyn Store>,
    feed: Feed,
    bell: Box<dyn Fn() + Send + Sync>,
    cooldown_s: u64,
    shared: Arc<Shared>,
    /// The last job that is done with; a queue that cannot forget it now will later.
    after: Option<JobId>,
    /// Within a spell of failures, which is logged once.
    is_failing: bool,
}

impl Line {
    fn run(&mut self) {
        let mut pause = FIRST_PAUSE;
        while !self.is_stopping() {
            match self.step() {
                Ok(()) => {
                    self.recovered();
                    pause = FIRST_PAUSE;
                }
                Err(reason) => {
                    self.failed(reason);
                    self.rest(pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
        *lock(&self.shared.state) = State::Stopped;
    }

    fn is_stopping(&self) -> bool {
        *lock(&self.shared.stopping)
    }

    /// Waits, but not longer than until the stage is to stop.
    fn rest(&self, pause: Duration) {
        let stopping = lock(&self.shared.stopping);
        // Neither a timeout nor a poisoned lock changes what comes next: the loop looks again.
        drop(self.shared.wake.wait_timeout_while(stopping, pause, |stopping| !*stopping));
    }

    /// Takes one batch through; an error means that it is to be tried again.
    fn step(&mut self) -> Result<(), String> {
        let asked = std::time::Instant::now();
        if !self.queue.wait(self.after, IDLE_WAIT) {
            // A closed queue answers at once.
            self.rest(IDLE_WAIT.saturating_sub(asked.elapsed()).min(Duration::from_millis(20)));
            return Ok(());
        }
        let jobs = self.queue.take(self.after, BATCH_JOBS, BATCH_BYTES).map_err(|error| error.to_string())?;
        let Some(last) = jobs.last().map(|job| job.id) else { return Ok(()) };
        let batches = self.prepare_all(&jobs);
        drop(jobs);
        self.record_all(batches)?;
        self.after = Some(last);
        self.queue.remove(last).map_err(|error| error.to_string())
    }

    /// Prepares the jobs, in their order. What piled up is shared with a second thread: preparing is most of the
    /// work, and one thread alone would be slower than many senders are answered.
    fn prepare_all(&self, jobs: &[Job]) -> Vec<Batch> {
        if jobs.len() < SHARED_JOBS {
            return jobs.iter().map(|job| self.prepare(job)).collect();
        }
        let next = AtomicUsize::new(0);
        let work = || -> Vec<(usize, Batch)> {
            let mine = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            mine.map_while(|at| Some((at, self.prepare(jobs.get(at)?)))).collect()
        };
        let mut prepared = std::thread::scope(|scope| {
            let helper =
                std::thread::Builder::new().name("digest-helper".to_owned()).spawn_scoped(scope, work);
            let mut prepared = work();
            // Where the system gives no thread, this one has done everything.
            if let Ok(helper) = helper {
                prepared.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            prepared
        });
        prepared.sort_unstable_by_key(|(at, _)| *at);
        prepared.into_iter().map(|(_, batch)| batch).collect()
    }

    fn prepare(&self, job: &Job) -> Batch {
        let prepared = prepare(&job.accepted);
        self.shared.skipped.fetch_add(prepared.skipped_count, Ordering::Relaxed);
        for reason in prepared.poison {
            self.poisoned(job.accepted.project_id, &reason);
        }
        prepared.batch
    }

    fn poisoned(&self, project: impl std::fmt::Display, reason: &str) {
        self.shared.poison.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%project, reason, "an accepted item cannot be understood and is passed over");
    }

    /// Records the batches in one transaction; one by one when they cannot be recorded together, so that a
    /// bad one does not hold up the others.
    fn record_all(&self, batches: Vec<Batch>) -> Result<(), String> {
        let mut whole = Batch::default();
        let mut sizes = Vec::with_capacity(batches.len());
        for batch in batches {
            sizes.push((batch.events.len(), batch.reports.len()));
            whole.append(batch);
        }
        match self.record(&whole) {
            Ok(()) => return Ok(()),
            Err(Refusal::Later(reason)) => return Err(reason),
            Err(Refusal::Never(reason)) => {
                tracing::error!(reason, "a batch cannot be recorded; trying its parts")
            }
        }
        let (mut events, mut reports) = (whole.events.into_iter(), whole.reports.into_iter());
        for (event_count, report_count) in sizes {
            let part = Batch {
                events: events.by_ref().take(event_count).collect(),
                reports: reports.by_ref().take(report_count).collect(),
            };
            match self.record(&part) {
                Ok(()) => {}
                Err(Refusal::Later(reason)) => return Err(reason),
                Err(Refusal::Never(reason)) => {
                    let project = part.events.first().map(|one| one.issue.project_id.to_string());
                    self.poisoned(project.unwrap_or_default(), &reason);
                }
            }
        }
        Ok(())
    }

    fn record(&self, batch: &Batch) -> Result<(), Refusal> {
        if batch.is_empty() {
            return Ok(());
        }
        let lookup = batch.lookup();
        let now = clock::now();
        let recorded = catch_unwind(AssertUnwindSafe(|| {
            self.store.record(&lookup, &mut |known| decide(&known, batch, now, self.cooldown_s))
        }));
        match recorded {
            Ok(Ok(recorded)) => {
                self.shared.events.fetch_add(batch.events.len() as u64, Ordering::Relaxed);
                self.announce(recorded);
                Ok(())
            }
            Ok(Err(StoreError::Conflict(reason))) => Err(Refusal::Never(reason)),
            Ok(Err(error)) => Err(Refusal::Later(error.to_string())),
            Err(_) => Err(Refusal::Never("recording it panicked".to_owned())),
        }
    }

    fn announce(&self, recorded: Recorded) {
        for (project_id, issue_id) in recorded.issues {
            self.feed.publish(Change { project_id, issue_id });
        }
        if recorded.rang {
            (self.bell)();
        }
    }

    fn failed(&mut self, error: String) {
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        if !self.is_failing {
            tracing::warn!(error, "digest waits; what is accepted stays in the queue");
        }
        self.is_failing = true;
        let mut state = lock(&self.shared.state);
        let since = match &*state {
            State::Waiting { since, .. } => *since,
            State::Running | State::Stopped => clock::now(),
        };
        *state = State::Waiting { since, error };
    }

    fn recovered(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("digest goes on");
            *lock(&self.shared.state) = State::Running;
        }
    }
}

#[cfg(test)]
mod tests;
