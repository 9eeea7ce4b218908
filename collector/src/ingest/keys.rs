//! Which key admits to which project, remembered for a moment.
//!
//! Another process may make or revoke a key at any time, so nothing is remembered for long. But a store that is
//! slow or locked must neither keep known senders out nor make them wait: what was known stays valid while the
//! store does not answer. And nobody who sends made-up keys may push the real ones out of memory or keep the
//! store busy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use error_sentinel_wire::{ProjectId, PublicKey};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::complaint::Complaint;
use crate::store::{Store, StoreError};

/// How long an answer of the store is taken for true.
const FRESH: Duration = Duration::from_secs(5);
/// How long "no such key" is; short, because a key that was just made must work.
const FRESH_UNKNOWN: Duration = Duration::from_secs(1);
/// How long a request with a known key waits for the store's newer answer.
const KNOWN_PATIENCE: Duration = Duration::from_millis(50);
/// How long a request with a key never seen waits for its turn to ask the store.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(2);
/// Lookups at once.
const LOOKUPS_MAX: usize = 4;
/// Most keys remembered of either kind, those that admit and those that do not.
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

/// Looks keys up and remembers them for a moment.
pub struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn KeySource>,
    memory: Mutex<Memory>,
    lookups: Semaphore,
    complaint: Complaint,
}

impl Keys {
    /// Remembers nothing yet.
    pub fn new(source: Arc<dyn KeySource>) -> Keys {
        let (memory, lookups) = (Mutex::default(), Semaphore::new(LOOKUPS_MAX));
        Keys { shared: Arc::new(Shared { source, memory, lookups, complaint: Complaint::default() }) }
    }

    /// The project that `key` admits to.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer and the key was never seen.
    pub async fn project_of(&self, key: PublicKey) -> Result<Option<ProjectId>, StoreError> {
        let recalled = self.shared.memory().recall(key, Instant::now());
        // A task of its own, since the answer is wanted even when this request is given up.
        let ask = || tokio::spawn(self.shared.clone().ask(key));
        match recalled {
            Recalled::Fresh(project_id) => Ok(project_id),
            Recalled::Stale { project_id, is_first: false } => Ok(Some(project_id)),
            Recalled::Stale { project_id, is_first: true } => match timeout(KNOWN_PATIENCE, ask()).await {
                Ok(Ok(Ok(newer))) => Ok(newer),
                _ => Ok(Some(project_id)),
            },
            Recalled::Nothing => {
                ask().await.unwrap_or_else(|error| Err(StoreError::Storage(error.to_string())))
            }
        }
    }
}

impl Shared {
    /// Asks the store and remembers what it said.
    async fn ask(self: Arc<Self>, key: PublicKey) -> Result<Option<ProjectId>, StoreError> {
        let answer = match timeout(UNKNOWN_PATIENCE, self.lookups.acquire()).await {
            Ok(Ok(_turn)) => {
                // Many with the same key may have waited for this turn.
                if let Recalled::Fresh(project_id) = self.memory().recall(key, Instant::now()) {
                    return Ok(project_id);
                }
                let shared = self.clone();
                tokio::task::spawn_blocking(move || shared.source.project_of(key))
                    .await
                    .unwrap_or_else(|error| Err(StoreError::Storage(error.to_string())))
            }
            _ => Err(StoreError::Busy("too many keys are looked up at once".into())),
        };
        match &answer {
            Ok(project_id) => self.memory().learn(key, *project_id, Instant::now()),
            Err(error) => {
                self.memory().defer(key, Instant::now());
                if let Some(kept_back) = self.complaint.may_speak(Instant::now()) {
                    tracing::warn!(%error, kept_back, "keys cannot be looked up; known ones stay valid");
                }
            }
        }
        answer
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing is left half-written by a panic in between.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the store said, and when. Keys that admit are kept apart from those that do not: of the latter anyone
/// can send any number.
#[derive(Debug, Default)]
struct Memory {
    admitted: HashMap<PublicKey, Admitted>,
    unknown: HashMap<PublicKey, Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Admitted {
    project_id: ProjectId,
    /// When the store said so, or was last asked in vain.
    asked_at: Instant,
    /// Whether a request is asking again.
    is_asking: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recalled {
    /// It can be taken for true.
    Fresh(Option<ProjectId>),
    /// It was true; the first to hear so has to ask again.
    Stale { project_id: ProjectId, is_first: bool },
    /// The store has to be asked.
    Nothing,
}

impl Memory {
    fn recall(&mut self, key: PublicKey, now: Instant) -> Recalled {
        if let Some(known) = self.admitted.get_mut(&key) {
            if now.saturating_duration_since(known.asked_at) < FRESH {
                return Recalled::Fresh(Some(known.project_id));
            }
            let is_first = !std::mem::replace(&mut known.is_asking, true);
            return Recalled::Stale { project_id: known.project_id, is_first };
        }
        match self.unknown.get(&key) {
            Some(asked_at) if now.saturating_duration_since(*asked_at) < FRESH_UNKNOWN => {
                Recalled::Fresh(None)
            }
            _ => Recalled::Nothing,
        }
    }

    fn learn(&mut self, key: PublicKey, project_id: Option<ProjectId>, now: Instant) {
        match project_id {
            Some(project_id) => {
                self.unknown.remove(&key);
                if self.admitted.len() >= KEYS_MAX && !self.admitted.contains_key(&key) {
                    self.admitted.retain(|_, known| now.saturating_duration_since(known.asked_at) < FRESH);
                }
                if self.admitted.len() < KEYS_MAX || self.admitted.contains_key(&key) {
                    self.admitted.insert(key, Admitted { project_id, asked_at: now, is_asking: false });
                }
            }
            None => {
                self.admitted.remove(&key);
                if self.unknown.len() >= KEYS_MAX {
                    self.unknown.clear();
                }
                self.unknown.insert(key, now);
            }
        }
    }

    /// The store did not answer: what was known stays valid, and the store has peace for a while.
    fn defer(&mut self, key: PublicKey, now: Instant) {
        if let Some(known) = self.admitted.get_mut(&key) {
            (known.asked_at, known.is_asking) = (now, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const KEY: PublicKey = PublicKey(1);
    const PROJECT: ProjectId = ProjectId(7);

    fn known(at: Instant) -> Memory {
        let mut memory = Memory::default();
        memory.learn(KEY, Some(PROJECT), at);
        memory
    }

    #[test]
    fn an_answer_is_true_for_a_moment_and_then_one_request_asks_again() {
        let start = Instant::now();
        let mut memory = known(start);
        assert_eq!(memory.recall(KEY, start + FRESH / 2), Recalled::Fresh(Some(PROJECT)));
        let late = start + FRESH;
        assert_eq!(memory.recall(KEY, late), Recalled::Stale { project_id: PROJECT, is_first: true });
        assert_eq!(memory.recall(KEY, late), Recalled::Stale { project_id: PROJECT, is_first: false });
        memory.learn(KEY, None, late);
        assert_eq!(memory.recall(KEY, late), Recalled::Fresh(None), "revoked");
    }

    #[test]
    fn a_key_stays_valid_while_the_store_does_not_answer_and_is_asked_for_now_and_then() {
        let start = Instant::now();
        let mut memory = known(start);
        for round in 1..100 {
            let late = start + FRESH * round;
            assert_eq!(memory.recall(KEY, late), Recalled::Stale { project_id: PROJECT, is_first: true });
            memory.defer(KEY, late);
            assert_eq!(memory.recall(KEY, late), Recalled::Fresh(Some(PROJECT)));
        }
    }

    #[test]
    fn a_key_that_was_just_made_works_soon() {
        let start = Instant::now();
        let mut memory = Memory::default();
        memory.learn(KEY, None, start);
        assert_eq!(memory.recall(KEY, start), Recalled::Fresh(None));
        assert_eq!(memory.recall(KEY, start + FRESH_UNKNOWN), Recalled::Nothing);
    }

    #[test]
    fn made_up_keys_push_no_real_one_out_and_take_bounded_memory() {
        let start = Instant::now();
        let mut memory = known(start);
        for n in 0..3 * KEYS_MAX {
            memory.learn(PublicKey(100 + n as u128), None, start);
            assert!(memory.unknown.len() <= KEYS_MAX);
        }
        assert_eq!(memory.recall(KEY, start), Recalled::Fresh(Some(PROJECT)));
    }

    #[test]
    fn real_keys_take_bounded_memory_too() {
        let start = Instant::now();
        let mut memory = Memory::default();
        for n in 0..KEYS_MAX + 10 {
            memory.learn(PublicKey(n as u128), Some(PROJECT), start);
        }
        assert_eq!(memory.admitted.len(), KEYS_MAX);
        memory.learn(PublicKey(u128::MAX), Some(PROJECT), start + FRESH);
        assert_eq!(memory.recall(PublicKey(u128::MAX), start + FRESH), Recalled::Fresh(Some(PROJECT)));
        assert_eq!(memory.admitted.len(), 1, "those of no use any more went");
    }

    /// Answers only when it is told what.
    struct Stuck(Mutex<mpsc::Receiver<Result<Option<ProjectId>, StoreError>>>);

    impl KeySource for Stuck {
        fn project_of(&self, _: PublicKey) -> Result<Option<ProjectId>, StoreError> {
            self.0.lock().unwrap().recv().unwrap_or(Err(StoreError::Busy("gone".into())))
        }
    }

    fn stuck() -> (mpsc::Sender<Result<Option<ProjectId>, StoreError>>, Keys) {
        let (tell, told) = mpsc::channel();
        (tell, Keys::new(Arc::new(Stuck(Mutex::new(told)))))
    }

    #[tokio::test]
    async fn a_store_that_hangs_keeps_no_known_sender_waiting() {
        let (tell, keys) = stuck();
        let long_ago = Instant::now() - FRESH;
        keys.shared.memory().learn(KEY, Some(PROJECT), long_ago);
        for _ in 0..100 {
            assert_eq!(keys.project_of(KEY).await, Ok(Some(PROJECT)));
        }
        // It was asked once; the answer that comes in the end counts.
        tell.send(Ok(None)).unwrap();
        while keys.shared.memory().recall(KEY, Instant::now()) != Recalled::Fresh(None) {
            tokio::task::yield_now().await;
        }
        assert_eq!(keys.project_of(KEY).await, Ok(None));
    }

    #[tokio::test]
    async fn a_revoked_key_is_refused_by_the_first_request_that_asks_again() {
        let (tell, keys) = stuck();
        keys.shared.memory().learn(KEY, Some(PROJECT), Instant::now() - FRESH);
        tell.send(Ok(None)).unwrap();
        assert_eq!(keys.project_of(KEY).await, Ok(None));
    }

    #[tokio::test]
    async fn a_key_never_seen_is_not_admitted_unasked() {
        let (tell, keys) = stuck();
        tell.send(Err(StoreError::Busy("locked".into()))).unwrap();
        assert!(keys.project_of(KEY).await.is_err());
        tell.send(Ok(Some(PROJECT))).unwrap();
        assert_eq!(keys.project_of(KEY).await, Ok(Some(PROJECT)));
    }
}
