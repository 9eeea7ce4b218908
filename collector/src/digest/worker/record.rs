//! The second thread: into the store, out of the queue, and to those who look.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use super::Spell;
use super::intake::Ready;
use crate::clock;
use crate::digest::group::{Batch, decide};
use crate::feed::{Change, Feed};
use crate::queue::{JobId, Queue};
use crate::store::digests::Recorded;
use crate::store::{Store, StoreError};

/// The thread's state.
pub(super) struct Recorder {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) store: Arc<dyn Store>,
    pub(super) feed: Feed,
    pub(super) bell: Box<dyn Fn() + Send + Sync>,
    pub(super) cooldown_s: u64,
    pub(super) spell: Spell,
}

/// Why a batch was not recorded.
enum Refusal {
    /// The same batch may be recorded later.
    Later(String),
    /// This batch never will be.
    Never(String),
}

/// The stage is to stop; what was not recorded is in the queue still.
struct Stopping;

impl Recorder {
    /// Records what comes, until the stage is to stop.
    pub(super) fn run(&mut self, prepared: &Receiver<Ready>) {
        while let Ok(ready) = prepared.recv() {
            if self.record_all(ready.batches).is_err() {
                return;
            }
            self.forget(ready.last);
            if self.spell.shared.is_stopping() {
                return;
            }
        }
    }

    /// A queue that cannot forget jobs now will with the next ones.
    fn forget(&mut self, last: JobId) {
        match self.queue.remove(last) {
            Ok(()) => self.spell.recovered(),
            Err(error) => self.spell.failed(error.to_string()),
        }
    }

    /// Records the batches in one transaction; one by one when they cannot be recorded together, so that a
    /// bad one does not hold up the others.
    fn record_all(&mut self, batches: Vec<Batch>) -> Result<(), Stopping> {
        let mut whole = Batch::default();
        let mut sizes = Vec::with_capacity(batches.len());
        for batch in batches {
            sizes.push((batch.events.len(), batch.reports.len()));
            whole.append(batch);
        }
        let Err(reason) = self.record_when_possible(&whole)? else { return Ok(()) };
        tracing::error!(reason, "a batch cannot be recorded; trying its parts");
        let (mut events, mut reports) = (whole.events.into_iter(), whole.reports.into_iter());
        for (event_count, report_count) in sizes {
            let part = Batch {
                events: events.by_ref().take(event_count).collect(),
                reports: reports.by_ref().take(report_count).collect(),
            };
            if let Err(reason) = self.record_when_possible(&part)? {
                let project = part.events.first().map(|one| one.issue.project_id.to_string());
                self.spell.shared.poisoned(project.unwrap_or_default(), &reason);
            }
        }
        Ok(())
    }

    /// Waits for a store that can be written; inside, why it never will take this batch.
    fn record_when_possible(&mut self, batch: &Batch) -> Result<Result<(), String>, Stopping> {
        loop {
            match self.record(batch) {
                Ok(()) => return Ok(Ok(())),
                Err(Refusal::Never(reason)) => return Ok(Err(reason)),
                Err(Refusal::Later(reason)) => self.spell.failed(reason),
            }
            if self.spell.shared.is_stopping() {
                return Err(Stopping);
            }
        }
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
                self.spell.shared.events.fetch_add(batch.events.len() as u64, Ordering::Relaxed);
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
}
