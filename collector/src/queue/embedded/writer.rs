//! The one thread that writes the queue's file: group commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use error_sentinel_wire::UnixMs;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::file::{self, Extent, Row};
use super::{JobId, PushError, QueueError, Shared};
use crate::database;

/// Most commands in one transaction; past it the answers would wait longer than a sync takes.
const BATCH_COUNT: usize = 1024;
/// Most bytes in one transaction.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// Rows of removed jobs cleared away beside each batch.
const CLEAR_ROWS: i64 = 64;
/// Bytes written between two moves of the log into the database.
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;
/// What a commit writes beside the envelopes.
const COMMIT_BYTES: u64 = 32 * 1024;
/// How often a file that failed is tried again.
const REOPEN_PAUSE: Duration = Duration::from_millis(50);
/// How often a log that has become too long is tried to be begun anew.
const LOG_PAUSE: Duration = Duration::from_millis(100);
/// An empty queue that had nothing to do for so long gives its space back, as one does that closes.
const SHRINK_AFTER: Duration = Duration::from_secs(5);
/// A file smaller than this is not worth shrinking: the next burst would make it as large again.
const SHRINK_FROM_BYTES: u64 = 16 * 1024 * 1024;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Hold this.
    Push(Push),
    /// Forget these.
    Remove {
        /// The last of them.
        up_to: JobId,
        /// Where the answer goes.
        answer: SyncSender<Result<(), QueueError>>,
    },
    /// Move what is left of the log into the database, so that it can begin anew.
    FinishCheckpoint,
    /// Finish what was asked before, and end.
    Close,
}

/// Something to hold.
#[derive(Debug)]
pub(super) struct Push {
    /// It.
    pub(super) row: Row,
    /// Where the answer goes.
    pub(super) answer: oneshot::Sender<Result<(), PushError>>,
}

/// The thread's state.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    /// `None` after a failure, until the file has been opened anew and its log restarted.
    conn: Option<Connection>,
    /// When a file that failed was last tried again.
    retried_at: Option<Instant>,
    extent: Extent,
    /// Whether rows of removed jobs lie there still.
    clearing: bool,
    unmoved_bytes: u64,
    /// Most bytes of the log.
    log_bytes_max: u64,
    /// It has more, since somebody reads an old state of the file: nothing is accepted until it could begin anew.
    log_is_long: bool,
    shared: Arc<Shared>,
    /// Wakes the thread that moves the log.
    nudges: SyncSender<()>,
}

/// What is done in one transaction.
#[derive(Debug, Default)]
struct Batch {
    pushes: Vec<Push>,
    removals: Vec<SyncSender<Result<(), QueueError>>>,
    remove_up_to: Option<JobId>,
    byte_count: u64,
    finish_checkpoint: bool,
    close: bool,
}

impl Batch {
    fn add(&mut self, command: Command) {
        match command {
            Command::Push(push) => {
                self.byte_count += push.row.held_bytes();
                self.pushes.push(push);
            }
            Command::Remove { up_to, answer } => {
                self.remove_up_to = self.remove_up_to.max(Some(up_to));
                self.removals.push(answer);
            }
            Command::FinishCheckpoint => self.finish_checkpoint = true,
            Command::Close => self.close = true,
        }
    }

    fn is_full(&self) -> bool {
        self.close || self.byte_count >= BATCH_BYTES || self.pushes.len() + self.removals.len() >= BATCH_COUNT
    }
}

impl Writer {
    /// A writer of a file that was just opened.
    pub(super) fn new(
        path: PathBuf,
        conn: Connection,
        extent: Extent,
        log_bytes_max: u64,
        shared: Arc<Shared>,
        nudges: SyncSender<()>,
    ) -> Writer {
        Writer {
            path,
            conn: Some(conn),
            retried_at: None,
            extent,
            clearing: true,
            unmoved_bytes: 0,
            log_bytes_max,
            log_is_long: false,
            shared,
            nudges,
        }
    }

    /// Serves until it is told to close.
    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        while let Some(batch) = self.next_batch(inbox) {
            let close = batch.close;
            let finish_checkpoint = batch.finish_checkpoint;
            self.serve(batch);
            if finish_checkpoint {
                self.finish_checkpoint();
            }
            if close {
                self.shrink();
                return;
            }
        }
    }

    /// Everything that waits, or the first that comes; `None` when nobody is left who could ask.
    fn next_batch(&mut self, inbox: &Receiver<Command>) -> Option<Batch> {
        let mut batch = Batch::default();
        if self.is_clearing() && self.conn.is_some() {
            match inbox.try_recv() {
                Ok(command) => batch.add(command),
                Err(TryRecvError::Empty) => return Some(batch),
                Err(TryRecvError::Disconnected) => return None,
            }
        } else {
            let pause = if self.log_is_long { LOG_PAUSE } else { SHRINK_AFTER };
            match inbox.recv_timeout(pause) {
                Ok(command) => batch.add(command),
                Err(RecvTimeoutError::Timeout) => {
                    if !self.log_is_long {
                        self.shrink();
                    }
                    return Some(batch);
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        while !batch.is_full() {
            match inbox.try_recv() {
                Ok(command) => batch.add(command),
                Err(_) => break,
            }
        }
        Some(batch)
    }

    /// Writes a batch and answers.
    fn serve(&mut self, batch: Batch) {
        let worked = self.conn.is_some();
        let written = self.write(&batch);
        let mut state = self.shared.lock();
        state.pending_bytes = state.pending_bytes.saturating_sub(batch.byte_count);
        match &written {
            Ok((extent, oldest)) => {
                self.extent = *extent;
                state.show(extent, *oldest);
            }
            Err(error) if worked => tracing::error!(%error, "the queue cannot write"),
            // Said once; who pushes hears it every time.
            Err(_) => {}
        }
        drop(state);
        self.shared.changed.notify_all();
        // An answer that nobody waits for any more is no error.
        for push in batch.pushes {
            let answer = written.as_ref().map(|_| ()).map_err(|error| PushError::Storage(error.0.clone()));
            let _ = push.answer.send(answer);
        }
        for removal in batch.removals {
            let _ = removal.send(written.as_ref().map(|_| ()).map_err(Clone::clone));
        }
        self.nudge(batch.byte_count);
        self.bound_log();
    }

    /// Rows of removed jobs can wait until the log has room for their removal.
    fn is_clearing(&self) -> bool {
        self.clearing && !self.log_is_long
    }

    /// One transaction; when it returns `Ok`, it is synced. A connection that failed is not used again.
    fn write(&mut self, batch: &Batch) -> Result<(Extent, Option<UnixMs>), QueueError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.reopen()?,
        };
        let mut extent = self.extent;
        let tx = conn.transaction()?;
        for push in &batch.pushes {
            file::append(&tx, &mut extent, &push.row)?;
        }
        if let Some(JobId(up_to)) = batch.remove_up_to {
            file::mark_removed(&tx, &mut extent, up_to)?;
            self.clearing = true;
        }
        if self.is_clearing() {
            self.clearing = file::clear(&tx, extent.removed_up_to, CLEAR_ROWS)?;
        }
        tx.commit()?;
        let oldest = file::oldest(&conn, extent.removed_up_to)?;
        self.conn = Some(conn);
        Ok((extent, oldest))
    }

    /// Opens the file anew after a failure, and makes sure of all that was acknowledged before.
    fn reopen(&mut self) -> Result<Connection, QueueError> {
        if self.retried_at.is_some_and(|at| at.elapsed() < REOPEN_PAUSE) {
            return Err(QueueError("the disk failed a moment ago".into()));
        }
        self.retried_at = Some(Instant::now());
        let conn = file::open(&self.path)?;
        if !database::restart_log(&conn)? {
            return Err(QueueError("its log is still being read".into()));
        }
        self.extent = file::extent(&conn)?;
        self.clearing = true;
        self.retried_at = None;
        tracing::info!("the queue can write again");
        Ok(conn)
    }

    /// Has the log moved into the database now and then, by the other thread.
    fn nudge(&mut self, byte_count: u64) {
        self.unmoved_bytes += byte_count + COMMIT_BYTES;
        // A full channel means that it was told already.
        if self.unmoved_bytes >= CHECKPOINT_BYTES && self.nudges.try_send(()).is_ok() {
            self.unmoved_bytes = 0;
        }
    }

    /// While this thread writes nothing the log can be moved to its very end, and then begins anew.
    fn finish_checkpoint(&mut self) {
        let Some(conn) = &self.conn else { return };
        if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the queue's log cannot be moved into its database");
        }
    }

    /// Looks at how long the log is. One that is too long is begun anew as soon as nobody reads it.
    fn bound_log(&mut self) {
        let mut bytes = database::log_bytes(&self.path).unwrap_or(0);
        if bytes >= self.log_bytes_max
            && let Some(conn) = &self.conn
        {
            match file::restart_log_at_once(conn) {
                Ok(true) => bytes = 0,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the queue's log cannot be moved into its database"),
            }
        }
        let is_long = bytes >= self.log_bytes_max;
        if std::mem::replace(&mut self.log_is_long, is_long) != is_long {
            self.shared.lock().long_log_bytes = if is_long { bytes } else { 0 };
            match is_long {
                true => tracing::warn!(
                    log_bytes = bytes,
                    "errors are refused, since something has read queue.db for long and keeps its log from ending"
                ),
                false => tracing::info!("the queue's log could begin anew; errors are accepted"),
            }
        }
    }

    fn shrink(&mut self) {
        let large = database::size_bytes(&self.path).is_ok_and(|bytes| bytes >= SHRINK_FROM_BYTES);
        let Some(conn) = self.conn.as_ref().filter(|_| large && self.extent.job_count() == 0) else { return };
        let shrunk = file::shrink(conn).and_then(|()| Ok(database::restart_log(conn)?));
        if let Err(error) = shrunk {
            tracing::warn!(%error, "the queue's file cannot be made smaller");
        }
    }
}
