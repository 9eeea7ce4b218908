//! The running client, as those see it that report: what they hand over, and to whom.
//!
//! A thread that panics comes here too: where `may_wait` is false nothing may wait for a lock, and nothing may panic.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use super::keeper::Keeper;
use super::snapshot::Snapshot;
use super::{CROWD, SharedStorms, State, Task, clock, farewell};
use crate::engine::Verdict;

/// The running client.
pub struct Client {
    pub tasks: Sender<Task>,
    pub state: Arc<State>,
    pub storms: SharedStorms,
    /// Whether what the worker gets is written to disk.
    pub is_spooled: bool,
    /// What writes a panic down before the worker comes to it.
    pub keeper: Option<Arc<Keeper>>,
}

impl Client {
    /// Gives an alert to the worker, or counts it where it repeats. In a process with a spool that may be about to die
    /// (`is_panic`), returns when it is on disk.
    pub fn hand_over(&self, snapshot: Snapshot, may_wait: bool) {
        let Some(snapshot) = self.count_repeats(Box::new(snapshot), may_wait) else { return };
        if snapshot.is_panic && self.is_spooled {
            self.keep(snapshot, farewell());
        } else {
            self.tell(snapshot);
        }
    }

    /// Gives an alert to the worker.
    fn tell(&self, snapshot: Box<Snapshot>) {
        if self.tasks.try_send(Task::Alert(snapshot)).is_err() {
            self.count_overflow();
        } else {
            self.wake_for_more();
        }
    }

    /// Sees to it that the worker looks at what it was just given, in a moment at the latest.
    fn wake_for_more(&self) {
        if self.tasks.len() >= CROWD {
            self.state.waker.wake();
        } else {
            self.state.waker.wake_sleeper();
        }
    }

    fn count_overflow(&self) {
        self.state.overflow_count.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes a panic to disk on this thread, and where that cannot be, has it written by the worker if that comes to
    /// it in time.
    fn keep(&self, snapshot: Box<Snapshot>, patience: Duration) {
        let is_stuck = self.state.is_stuck.load(Ordering::Relaxed);
        let keep =
            |keeper: &Arc<Keeper>| keeper.keep_in_slot(&snapshot.event, &snapshot.trail, clock::monotonic());
        let slot = self.keeper.as_ref().and_then(keep);
        // No clock reaches what cannot be added to it.
        let now = Instant::now();
        let deadline = now.checked_add(if is_stuck { Duration::ZERO } else { patience }).unwrap_or(now);
        let Some(slot) = slot else { return self.have_kept(snapshot, deadline) };
        if self.tasks.is_full() {
            self.state.waker.wake();
        }
        if self.tasks.send_deadline(Task::Kept(snapshot, slot), deadline).is_ok() {
            self.wake_for_more();
        } else {
            // The next start finds it in its slot.
            self.state.is_stuck.store(true, Ordering::Relaxed);
        }
    }

    /// Has a panic written to disk by the worker, or where that is stuck by another thread.
    fn have_kept(&self, snapshot: Box<Snapshot>, deadline: Instant) {
        let copy = self.keeper.clone().map(|keeper| (keeper, snapshot.event.clone(), snapshot.trail.clone()));
        let (done, wait) = bounded(1);
        let is_taken = self.tasks.send_deadline(Task::Keep(snapshot, done), deadline).is_ok();
        self.state.waker.wake();
        if !is_taken {
            self.count_overflow();
        }
        if is_taken && wait.recv_deadline(deadline).is_ok() {
            return;
        }
        self.state.is_stuck.store(true, Ordering::Relaxed);
        if let Some((keeper, event, trail)) = copy {
            keeper.keep_apart(event, trail);
        }
    }

    /// The alert, unless it is one of a storm and only counts.
    fn count_repeats(&self, snapshot: Box<Snapshot>, may_wait: bool) -> Option<Box<Snapshot>> {
        let Some(at) = snapshot.event.timestamp else { return Some(snapshot) };
        if snapshot.event.occurrences.is_some() {
            return Some(snapshot);
        }
        let mut storms = match self.storms.try_lock() {
            Ok(storms) => storms,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) if may_wait => {
                self.storms.lock().unwrap_or_else(PoisonError::into_inner)
            }
            Err(TryLockError::WouldBlock) => return Some(snapshot),
        };
        let sighting = snapshot.sighting(at);
        let key = sighting.key;
        match storms.admit(&sighting, clock::monotonic()) {
            Verdict::Pass => Some(snapshot),
            Verdict::Counted => {
                // The lock is given back before the snapshot is freed.
                drop(storms);
                None
            }
            Verdict::First => {
                storms.hold(key, snapshot);
                drop(storms);
                // Its window wants to be closed in time.
                self.state.waker.wake_sleeper();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use error_sentinel_wire::{Dsn, Event, EventId, Level};

    use super::super::{spool, surroundings};
    use super::*;
    use crate::alert::Chain;
    use crate::breadcrumbs::Trail;
    use crate::engine::MonotonicMs;
    use crate::options::Options;

    fn panic_of(id: u128) -> Box<Snapshot> {
        let event = Event { event_id: Some(EventId(id)), level: Some(Level::Fatal), ..Event::default() };
        Box::new(Snapshot {
            event,
            chain: Chain::default(),
            trail: Trail::default(),
            addresses: Vec::new(),
            origin: None,
            is_panic: true,
        })
    }

    /// A client whose worker is stuck: nobody ever takes anything out of its channel, which has room for one.
    fn stuck(dir: &Path) -> (Client, Arc<spool::Folder>, crossbeam_channel::Receiver<Task>) {
        let dsn = Dsn::parse("http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1").unwrap();
        let folder = Arc::new(spool::Folder::new(dir, &dsn));
        let sdk = error_sentinel_wire::Sdk { name: "test".into(), version: "0".into() };
        let surroundings = Arc::new(surroundings::Surroundings::new(Options::new(""), sdk));
        let (tasks, inbox) = bounded(1);
        let client = Client {
            tasks,
            state: Arc::default(),
            storms: SharedStorms::default(),
            is_spooled: true,
            keeper: Some(Arc::new(Keeper::new(folder.clone(), surroundings, None, false))),
        };
        (client, folder, inbox)
    }

    #[test]
    fn a_panic_is_on_disk_even_when_the_worker_is_stuck() {
        let dir = tempfile::tempdir().unwrap();
        let (client, folder, _inbox) = stuck(dir.path());
        for id in 1..=3 {
            // The first finds room in the channel, the others do not.
            client.keep(panic_of(id), Duration::ZERO);
            assert!(folder.read(EventId(id)).is_ok(), "{id}");
        }
        assert_eq!(client.state.overflow_count.load(Ordering::Relaxed), 2);
        assert!(client.state.is_stuck.load(Ordering::Relaxed));
    }

    #[test]
    fn a_panic_that_is_in_a_slot_waits_for_no_worker_and_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (client, folder, inbox) = stuck(dir.path());
        client.keeper.as_ref().unwrap().open_slots();
        // With this patience it would hang.
        client.keep(panic_of(1), Duration::from_secs(3600));
        assert!(!client.state.is_stuck.load(Ordering::Relaxed));
        client.keep(panic_of(2), Duration::ZERO);
        assert!(client.state.is_stuck.load(Ordering::Relaxed), "the worker was not told");
        assert_eq!(client.state.overflow_count.load(Ordering::Relaxed), 0);
        assert!([1, 2].iter().all(|id| !folder.has(EventId(*id))), "there is no need for a file");
        drop(client);
        drop(inbox);
        let mut next = spool::Spool::open(folder.clone());
        assert_eq!(next.take_panics(), (vec![], 0));
        for id in [1, 2] {
            assert_eq!(folder.read(EventId(id)).unwrap().event_id, EventId(id));
        }
    }

    #[test]
    fn a_disk_that_hangs_or_refuses_is_for_the_worker_to_wait_for() {
        let dir = tempfile::tempdir().unwrap();
        let (client, folder, _inbox) = stuck(dir.path());
        let keeper = client.keeper.as_ref().unwrap();
        keeper.open_slots();
        let snapshot = panic_of(1);
        let kept_at = |now| keeper.keep_in_slot(&snapshot.event, &snapshot.trail, MonotonicMs(now));
        let busy = folder.busy(MonotonicMs(1000));
        let slot = kept_at(1100).unwrap();
        assert!(kept_at(1101).is_none());
        drop(busy);
        keeper.slots().unwrap().give_back(slot);
        keeper.slots().unwrap().give_back(kept_at(1101).unwrap());
        keeper.close_slots();
        assert!(kept_at(1101).is_none());
        client.keep(snapshot, Duration::ZERO);
        assert!(folder.has(EventId(1)));
    }
}
