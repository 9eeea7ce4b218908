//! Which key admits to which project, remembered for a moment.
//!
//! Another process may make or revoke a key at any time, so nothing is remembered for long; and a store that
//! is locked must not keep known senders out, so what was known stays valid while the store does not answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use error_sentinel_wire::{ProjectId, PublicKey};

use crate::store::{Store, StoreError};

/// How long an answer of the store is taken for true.
const FRESH: Duration = Duration::from_secs(5);
/// How long "no such key" is; short, because a key that was just made must work.
const FRESH_UNKNOWN: Duration = Duration::from_secs(1);
/// Most keys remembered; past it all are forgotten, since only an attacker sends so many.
const KEYS_MAX: usize = 10_000;

/// Looks keys up. A narrow view of the store, so that this stage can touch nothing else of it.
pub trait KeySource: Send + Sync + 'static {
    /// The project that `key` admits to, unless it is unknown or revoked. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    fn project_of(&self, key: PublicKey) -> Result<Option<ProjectId>, StoreError>;
}

impl KeySource for Arc<dyn Store> {
    fn project_of(&self, key: PublicKey) -> Result<Option<ProjectId>, StoreError> {
        Ok(self.find_key(key)?.map(|found| found.project_id))
    }
}

/// The keys seen lately.
pub struct Keys {
    source: Arc<dyn KeySource>,
    known: Mutex<HashMap<PublicKey, Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    project_id: Option<ProjectId>,
    asked_at: Instant,
}

impl Keys {
    /// Remembers nothing yet.
    pub fn new(source: Arc<dyn KeySource>) -> Keys {
        Keys { source, known: Mutex::default() }
    }

    /// The project that `key` admits to.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer and the key was never seen.
    pub async fn project_of(&self, key: PublicKey) -> Result<Option<ProjectId>, StoreError> {
        let known = self.lock().get(&key).copied();
        if let Some(known) = known {
            let fresh = if known.project_id.is_some() { FRESH } else { FRESH_UNKNOWN };
            if known.asked_at.elapsed() < fresh {
                return Ok(known.project_id);
            }
        }
        let source = self.source.clone();
        let asked = tokio::task::spawn_blocking(move || source.project_of(key))
            .await
            .unwrap_or_else(|error| Err(StoreError::Storage(error.to_string())));
        let project_id = match (asked, known) {
            (Ok(project_id), _) => project_id,
            (Err(error), Some(known)) => {
                tracing::warn!(%error, "the store does not answer; a known key stays valid");
                known.project_id
            }
            (Err(error), None) => return Err(error),
        };
        let mut keys = self.lock();
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        keys.insert(key, Known { project_id, asked_at: Instant::now() });
        Ok(project_id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PublicKey, Known>> {
        // Nothing is left half-written by a panic in between.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
