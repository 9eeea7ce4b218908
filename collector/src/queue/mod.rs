//! Hold: the dam between accepting and understanding.
//!
//! Ingest may acknowledge only what [`Queue::push`] has returned `Ok` for, and `push` returns only after the
//! commit is synced to disk. Delivery to digest is at least once: a job stays until it is removed, so digest
//! must be idempotent. When the store is slow or locked the queue grows up to its byte bound and then refuses;
//! it never forgets.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use error_sentinel_wire::{ProjectId, UnixMs};
use futures_util::future::BoxFuture;

#[cfg(test)]
pub mod conformance;
pub mod embedded;

/// What ingest accepted: one envelope in its canonical form (decoded, every `event` item with its own
/// `event_id`, items that nobody would read left out).
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Where it belongs.
    pub project_id: ProjectId,
    /// When the request arrived, by the collector's clock.
    pub received_at: UnixMs,
    /// Who sent it, where known; fills in `{{auto}}`.
    pub remote_addr: Option<IpAddr>,
    /// The envelope's bytes.
    pub envelope: Bytes,
}

/// Names a job; later jobs have greater ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// A held envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name in the queue.
    pub id: JobId,
    /// What was accepted.
    pub accepted: Accepted,
}

/// Why something was not accepted. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The byte bound is reached.
    #[error("the queue is full ({held_bytes} bytes held)")]
    Full {
        /// Bytes held now.
        held_bytes: u64,
    },
    /// The disk refused: full, read-only, failing.
    #[error("the queue cannot write: {0}")]
    Storage(String),
    /// The collector is stopping.
    #[error("the collector is stopping")]
    Closed,
}

/// Why the queue could not be read or cleared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue cannot be used: {0}")]
pub struct QueueError(pub String);

/// How full the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Jobs held.
    pub job_count: u64,
    /// Bytes held.
    pub byte_count: u64,
    /// The bound on those bytes.
    pub byte_limit: u64,
    /// Arrival of the oldest job held.
    pub oldest: Option<UnixMs>,
}

/// Holds accepted envelopes until digest has understood them. Every implementation passes the same
/// conformance suite.
pub trait Queue: Send + Sync + 'static {
    /// Holds `accepted`; ready only when that is synced to disk.
    fn push(&self, accepted: Accepted) -> BoxFuture<'_, Result<(), PushError>>;

    /// Waits until a job later than `after` is held, at most `timeout`; says whether there is one. Blocks the thread.
    fn wait(&self, after: Option<JobId>, timeout: Duration) -> bool;

    /// The oldest jobs later than `after`, in order, at most `max_jobs` and about `max_bytes` (but at least one).
    ///
    /// # Errors
    /// [`QueueError`] when they cannot be read.
    fn take(&self, after: Option<JobId>, max_jobs: usize, max_bytes: usize) -> Result<Vec<Job>, QueueError>;

    /// Forgets every job up to and including `up_to`; what they held is stored.
    ///
    /// # Errors
    /// [`QueueError`] when that cannot be written; they will be delivered again.
    fn remove(&self, up_to: JobId) -> Result<(), QueueError>;

    /// How full it is.
    fn depth(&self) -> Depth;

    /// Accepts nothing more and lets nobody wait longer; what is held can still be taken and removed.
    fn close(&self);
}
