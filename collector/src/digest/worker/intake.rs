//! The first thread: from the queue to what can be recorded.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use super::{Shared, Spell};
use crate::digest::group::Batch;
use crate::digest::prepare::prepare;
use crate::queue::{Job, JobId, Queue};

/// Bounds of a batch: large enough to share one sync to disk, small enough to show up at once.
const BATCH_JOBS: usize = 512;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// From so many jobs on a batch is work for two threads.
const SHARED_JOBS: usize = 16;
/// How long to wait for work before looking whether to stop.
const IDLE_WAIT: Duration = Duration::from_millis(200);

/// Jobs that are ready to be recorded.
#[derive(Debug)]
pub(super) struct Ready {
    /// The last of them.
    pub(super) last: JobId,
    /// What is in each, in their order.
    pub(super) batches: Vec<Batch>,
}

/// The thread's state.
pub(super) struct Intake {
    queue: Arc<dyn Queue>,
    shared: Arc<Shared>,
    spell: Spell,
    /// The last job that was taken; the queue holds it until it is recorded.
    after: Option<JobId>,
}

impl Intake {
    pub(super) fn new(queue: Arc<dyn Queue>, shared: Arc<Shared>) -> Intake {
        Intake { queue, spell: Spell::of(shared.clone()), shared, after: None }
    }

    /// Takes and prepares until the stage is to stop.
    pub(super) fn run(&mut self, prepared: &SyncSender<Ready>) {
        while !self.shared.is_stopping() {
            match self.take() {
                Ok(Some(ready)) => {
                    self.spell.recovered();
                    // Nobody records any more: the stage stops, and the jobs are in the queue still.
                    if prepared.send(ready).is_err() {
                        return;
                    }
                }
                Ok(None) => self.spell.recovered(),
                Err(reason) => self.spell.failed(reason),
            }
        }
    }

    /// The next jobs, prepared; `None` when none came for a while.
    fn take(&mut self) -> Result<Option<Ready>, String> {
        let asked = Instant::now();
        if !self.queue.wait(self.after, IDLE_WAIT) {
            // A closed queue answers at once.
            self.shared.rest(IDLE_WAIT.saturating_sub(asked.elapsed()).min(Duration::from_millis(20)));
            return Ok(None);
        }
        let jobs = self.queue.take(self.after, BATCH_JOBS, BATCH_BYTES).map_err(|error| error.to_string())?;
        let Some(last) = jobs.last().map(|job| job.id) else { return Ok(None) };
        self.after = Some(last);
        Ok(Some(Ready { last, batches: self.prepare_all(&jobs) }))
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
            self.shared.poisoned(job.accepted.project_id, &reason);
        }
        prepared.batch
    }
}
