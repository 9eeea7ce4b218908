//! The queue inside the binary: its own SQLite file, one writer thread, group commit.
//!
//! Pushes are packed where they arrive and handed to the writer, which takes all that wait into one
//! transaction, syncs it and only then answers: an idle queue answers after one sync, a busy one shares each
//! sync among many. Jobs are read through a connection of its own, and the log is moved into the database by a
//! third thread, so that neither holds up an answer.
//!
//! After a write that failed the queue accepts nothing until the log was moved into the database and synced
//! anew: a kernel that lost pages once must not be believed about the same file again.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use error_sentinel_wire::{UnixMs, limits};
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::{Accepted, Depth, Job, JobId, PushError, Queue, QueueError};
use crate::database::{self, backup::BackupError};
use file::{Extent, Row};
use writer::{Command, Push, Writer};

mod checkpoint;
mod file;
mod rescue;
mod writer;

pub use rescue::Rescue;

/// Envelopes from here on are packed off the async threads, which must not be held up for a millisecond.
const LARGE_BYTES: usize = 256 * 1024;

/// Large envelopes packed at once: each needs its size again, and each thread that packs a context of a megabyte.
const PACKERS: usize = 2;

/// Most bytes on their way to the disk. Who gave them may be gone, so that nobody else counts them.
const PENDING_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Longest a removal is waited for; the disk has failed long before that.
const REMOVE_PATIENCE: Duration = Duration::from_secs(30);

/// The queue in one SQLite file.
#[derive(Debug)]
pub struct EmbeddedQueue {
    path: PathBuf,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    packers: Arc<Semaphore>,
    reader: Mutex<Option<Connection>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What pushers, readers and the writer know in common.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something was committed, or the queue closes.
    changed: Condvar,
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    job_count: u64,
    byte_count: u64,
    /// The last job held.
    newest: Option<JobId>,
    oldest: Option<UnixMs>,
    /// Bytes on their way to the disk.
    pending_bytes: u64,
    /// Bytes of the log while it is too long, else 0.
    long_log_bytes: u64,
    limit_bytes: u64,
    closed: bool,
}

impl State {
    fn show(&mut self, extent: &Extent, oldest: Option<UnixMs>) {
        self.job_count = extent.job_count();
        self.byte_count = extent.byte_count();
        self.newest = (self.job_count > 0).then_some(JobId(extent.newest_id));
        self.oldest = oldest;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EmbeddedQueue {
    /// Opens the queue at `path` and makes it when it is not there. It holds at most `limit_bytes` as they lie on
    /// the disk.
    ///
    /// # Errors
    /// [`QueueError`] when the file cannot be used.
    pub fn open(path: &Path, limit_bytes: u64) -> Result<EmbeddedQueue, QueueError> {
        EmbeddedQueue::open_bounded(path, limit_bytes, database::LOG_BYTES_MAX)
    }

    fn open_bounded(path: &Path, limit_bytes: u64, log_bytes_max: u64) -> Result<EmbeddedQueue, QueueError> {
        let conn = file::open(path)?;
        let extent = file::extent(&conn)?;
        let mut state = State { limit_bytes, ..State::default() };
        state.show(&extent, file::oldest(&conn, extent.removed_up_to)?);
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let (commands, inbox) = mpsc::channel();
        let (nudges, nudged) = mpsc::sync_channel(1);
        let writer = Writer::new(path.to_owned(), conn, extent, log_bytes_max, shared.clone(), nudges);
        let mut threads = vec![spawn("queue-writer", move || writer.run(&inbox))?];
        let (checkpoint_path, checkpoint_commands) = (path.to_owned(), commands.clone());
        threads.push(spawn("queue-checkpoint", move || {
            checkpoint::run(&checkpoint_path, &nudged, &checkpoint_commands);
        })?);
        Ok(EmbeddedQueue {
            path: path.to_owned(),
            shared,
            commands,
            packers: Arc::new(Semaphore::new(PACKERS)),
            reader: Mutex::new(None),
            threads: Mutex::new(threads),
        })
    }

    /// Copies the queue as it is now to `to`, which must not exist, while it is being written to; `progress` hears
    /// (pages done, pages in all). To be copied before the store, see [`crate::database::backup`].
    ///
    /// # Errors
    /// [`BackupError`]; nothing is left behind.
    pub fn backup_to(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), BackupError> {
        database::backup::copy(&self.path, to, progress)
    }

    /// Reserves the room for `bytes`; the writer turns that into bytes held, or gives it back.
    fn reserve(&self, bytes: u64) -> Result<(), PushError> {
        let mut state = self.shared.lock();
        if state.closed {
            return Err(PushError::Closed);
        }
        let held_bytes = state.byte_count + state.pending_bytes + state.long_log_bytes;
        let is_over = state.long_log_bytes > 0
            || held_bytes.saturating_add(bytes) > state.limit_bytes
            || state.pending_bytes.saturating_add(bytes) > PENDING_BYTES_MAX;
        if is_over {
            return Err(PushError::Full { held_bytes });
        }
        state.pending_bytes += bytes;
        Ok(())
    }

    /// Ends the threads after what they were asked to do.
    fn finish(&self) {
        self.close();
        // A writer that is gone has finished already.
        let _ = self.commands.send(Command::Close);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the queue panicked");
            }
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, QueueError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(body);
    spawned.map_err(|error| QueueError(format!("no thread can be started: {error}")))
}

impl Queue for EmbeddedQueue {
    fn push(&self, accepted: Accepted) -> BoxFuture<'_, Result<(), PushError>> {
        Box::pin(async move {
            let row = if accepted.envelope.len() < LARGE_BYTES {
                Row::pack(accepted)
            } else {
                // It is never closed. The turn goes along: the work goes on even when nobody waits for it any more.
                let turn = self.packers.clone().acquire_owned().await;
                let packed = tokio::task::spawn_blocking(move || (Row::pack(accepted), turn).0).await;
                packed.map_err(|error| PushError::Storage(error.to_string()))?
            };
            self.reserve(row.held_bytes())?;
            let (answer, answered) = oneshot::channel();
            // Both only fail when the writer has ended.
            self.commands.send(Command::Push(Push { row, answer })).map_err(|_| PushError::Closed)?;
            answered.await.unwrap_or(Err(PushError::Closed))
        })
    }

    fn wait(&self, after: Option<JobId>, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if state.newest.is_some_and(|newest| Some(newest) > after) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                return false;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn take(&self, after: Option<JobId>, max_jobs: usize, max_bytes: usize) -> Result<Vec<Job>, QueueError> {
        let mut slot = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = match &*slot {
            Some(reader) => reader,
            None => slot.insert(database::open_reader(&self.path)?),
        };
        let taken = file::take(reader, after, max_jobs, max_bytes);
        if taken.is_err() {
            *slot = None;
        }
        taken
    }

    fn remove(&self, up_to: JobId) -> Result<(), QueueError> {
        let (answer, answered) = mpsc::sync_channel(1);
        let stopped = || QueueError("the collector is stopping".into());
        self.commands.send(Command::Remove { up_to, answer }).map_err(|_| stopped())?;
        match answered.recv_timeout(REMOVE_PATIENCE) {
            Ok(removed) => removed,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(QueueError("the disk does not answer".into())),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(stopped()),
        }
    }

    fn depth(&self) -> Depth {
        let state = *self.shared.lock();
        Depth {
            job_count: state.job_count,
            byte_count: state.byte_count,
            byte_limit: state.limit_bytes,
            oldest: state.oldest,
        }
    }

    fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for EmbeddedQueue {
    fn drop(&mut self) {
        self.finish();
    }
}

impl From<rusqlite::Error> for QueueError {
    fn from(error: rusqlite::Error) -> QueueError {
        QueueError(error.to_string())
    }
}

/// The largest envelope that can lie in a queue.
const ENVELOPE_BYTES: usize = 2 * limits::ENVELOPE_BYTES;

#[cfg(test)]
mod tests;
