//! Keep: projects, issues, events and what belongs to them.
//!
//! [`Store`] is a set of use cases, split by noun. A store holds no rule: what becomes of an event is decided
//! by pure functions in `digest` and `alert`, which run between the store's reading and writing of one
//! transaction (see [`Digests::record`]), so that every backend runs the same ones. Calls block; async code
//! goes through [`blocking`].

use std::sync::Arc;

pub mod account;
#[cfg(test)]
pub mod conformance;
pub mod digests;
pub mod event;
pub mod issue;
pub mod outbox;
pub mod payload;
pub mod project;
pub mod search;
pub mod sqlite;

pub use account::Accounts;
pub use digests::Digests;
pub use event::Events;
pub use issue::{Issue, IssueId, Issues, Status};
pub use outbox::Outbox;
pub use project::Projects;

/// Everything that the collector keeps.
pub trait Store: Projects + Issues + Events + Digests + Outbox + Accounts + Send + Sync + 'static {
    /// Whether it can be written now.
    ///
    /// # Errors
    /// [`StoreError`] says why not.
    fn check_writable(&self) -> Result<(), StoreError>;

    /// Bytes on disk.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be read.
    fn size_bytes(&self) -> Result<u64, StoreError>;
}

/// Why the store could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds it, or it is slow; the same call may succeed later.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// The disk is full or failing; the same call may succeed when that is mended.
    #[error("the store cannot write: {0}")]
    Storage(String),
    /// What was asked for contradicts what is there (a name taken, a row gone).
    #[error("{0}")]
    Conflict(String),
    /// The file is damaged or of another version.
    #[error("the store is unusable: {0}")]
    Unusable(String),
}

/// Result of a store's call.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// One page of a list, and where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque; `None` on the last page.
    pub next_cursor: Option<String>,
}

/// Runs a blocking use case off the async threads.
///
/// # Errors
/// Those of `call`, and [`StoreError::Storage`] when the collector is stopping.
pub async fn blocking<T: Send + 'static>(
    store: &Arc<dyn Store>,
    call: impl FnOnce(&dyn Store) -> Result<T> + Send + 'static,
) -> Result<T> {
    let store = store.clone();
    tokio::task::spawn_blocking(move || call(&*store))
        .await
        .map_err(|error| StoreError::Storage(format!("the call did not finish: {error}")))?
}
