//! The copies of events on disk, as the worker keeps and forgets them for the engine: a file of the spool each, and of a
//! panic the slot that its thread wrote it into, until it has a file.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;

use error_sentinel_wire::EventId;

use super::clock;
use super::keeper::Keeper;
use super::spool::{Slot, Spool};
use crate::engine::{Engine, Reason};

/// All copies of this process's events; none where there is no spool.
pub struct Copies {
    spool: Option<Spool>,
    keeper: Option<Arc<Keeper>>,
    /// Slots of events that have no file of their own yet.
    slots: BTreeMap<EventId, Slot>,
}

impl Copies {
    /// Copies in no spool, until there is one.
    pub fn new(keeper: Option<Arc<Keeper>>) -> Copies {
        Copies { spool: None, keeper, slots: BTreeMap::new() }
    }

    /// Opens the spool, which can be large, and on a disk that is slow.
    pub fn open(&mut self) {
        let Some(keeper) = &self.keeper else { return };
        // First, since somebody may be about to panic.
        keeper.open_slots();
        self.spool = Some(Spool::open(keeper.folder().clone()));
    }

    /// Removes what nobody needs when the process ends.
    pub fn close(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.close_slots();
        }
    }

    /// The spool, where there is one.
    #[cfg(feature = "crash")]
    pub fn spool(&mut self) -> Option<&mut Spool> {
        self.spool.as_mut()
    }

    /// Takes what processes left that panicked and were gone before their worker had looked at it.
    pub fn take_panics(&mut self, engine: &mut Engine) {
        let Some(spool) = &mut self.spool else { return };
        let (without_file, broken_count) = spool.take_panics();
        without_file.into_iter().for_each(|event| engine.enqueue(event, clock::monotonic()));
        if broken_count > 0 {
            engine.lose(Reason::Internal, broken_count);
        }
    }

    /// Remembers the slot of an event that the engine is about to be given.
    pub fn is_in(&mut self, event_id: EventId, slot: Slot) {
        self.slots.insert(event_id, slot);
    }

    /// Keeps a copy, in the place of an earlier one; says whether there is any.
    pub fn keep(&mut self, event_id: EventId, bytes: &[u8]) -> bool {
        if self.spool.as_ref().is_some_and(|spool| spool.folder().keep(event_id, bytes)) {
            self.empty_slot(event_id);
            return true;
        }
        self.slots.contains_key(&event_id)
    }

    /// Removes the copy of an event that is stored, or never will be.
    pub fn forget(&mut self, event_id: EventId) {
        self.empty_slot(event_id);
        if let Some(spool) = &self.spool {
            spool.folder().forget(event_id);
        }
    }

    /// Reads back what is only on disk, while there is nothing newer to send.
    pub fn hand_in(&mut self, engine: &mut Engine) {
        let Some(spool) = &mut self.spool else { return };
        if !engine.wants_stored() {
            return;
        }
        for _ in 0..engine.batch_count() {
            let Some(event_id) = spool.next_left().or_else(|| engine.next_spooled()) else { return };
            let slot = self.slots.get(&event_id);
            let read = match slot.zip(self.keeper.as_ref().and_then(|keeper| keeper.slots())) {
                Some((slot, slots)) => slots.read(slot),
                None => spool.folder().read(event_id),
            };
            match read {
                Ok(event) => engine.restore(event, clock::monotonic()),
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::NotFound && !engine.is_spooled(event_id) => {}
                Err(_) => engine.handle_unreadable(event_id),
            }
        }
    }

    /// Frees the slots of what the engine has no more, once that is empty: what had no copy when it was given up, it
    /// does not tell of.
    pub fn tidy(&mut self, engine: &Engine) {
        if self.slots.is_empty() {
            return;
        }
        let ended = self.slots.keys().copied().filter(|event_id| !engine.is_spooled(*event_id));
        for event_id in ended.collect::<Vec<_>>() {
            self.empty_slot(event_id);
        }
    }

    fn empty_slot(&mut self, event_id: EventId) {
        if let Some(slot) = self.slots.remove(&event_id)
            && let Some(slots) = self.keeper.as_ref().and_then(|keeper| keeper.slots())
        {
            slots.give_back(slot);
        }
    }
}
