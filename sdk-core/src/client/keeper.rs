//! Writes an alert to disk as it is, before anything else is done about it: to find the names of its stack can take
//! longer than the process has. The copy with names takes its place later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::bounded;
use error_sentinel_wire::{Event, Object};

use super::spool::{Folder, Slot, Slots};
use super::surroundings::Surroundings;
use super::worker;
use crate::breadcrumbs::Trail;
use crate::engine::{MonotonicMs, Outgoing, stored};
use crate::fit::fit;
use crate::options::BeforeSend;
use crate::scrub::scrub;

/// Longest that a dying process waits for a thread of its own that writes.
const PATIENCE: Duration = Duration::from_secs(1);

/// All that it takes to write an event down.
pub struct Keeper {
    folder: Arc<Folder>,
    surroundings: Arc<Surroundings>,
    before_send: Option<BeforeSend>,
    keeps_pii: bool,
    is_writing_apart: AtomicBool,
    /// Where threads that panic write; not yet at the start, and never where no file for it could be made.
    slots: OnceLock<Slots>,
}

impl Keeper {
    /// One that writes to `folder`.
    pub fn new(
        folder: Arc<Folder>,
        surroundings: Arc<Surroundings>,
        before_send: Option<BeforeSend>,
        keeps_pii: bool,
    ) -> Keeper {
        Keeper {
            folder,
            surroundings,
            before_send,
            keeps_pii,
            is_writing_apart: AtomicBool::new(false),
            slots: OnceLock::new(),
        }
    }

    /// Where it writes.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Whether an event may be written before the worker has looked at it: not where the application has a word in
    /// what is reported, which comes first.
    pub fn keeps_early(&self) -> bool {
        self.before_send.is_none()
    }

    /// Writes an event to disk without the names of its stack; says whether it is there.
    pub fn keep(&self, event: Event, trail: Trail) -> bool {
        let event = self.made(event, trail);
        event.is_some_and(|event| self.folder.keep(event.event_id, &stored::encode(&event)))
    }

    fn made(&self, mut event: Event, trail: Trail) -> Option<Outgoing> {
        add_trail(&mut event, trail);
        self.surroundings.describe(&mut event);
        finished(event, self.before_send.as_ref(), self.keeps_pii).and_then(|event| Outgoing::new(&event))
    }

    /// Opens what threads that panic write to.
    pub fn open_slots(&self) {
        if self.keeps_early()
            && let Ok(slots) = Slots::create(&self.folder)
        {
            // It is opened once.
            let _ = self.slots.set(slots);
        }
    }

    /// Where threads that panic write.
    pub fn slots(&self) -> Option<&Slots> {
        self.slots.get()
    }

    /// Removes what threads that panic write to, unless there is something in it.
    pub fn close_slots(&self) {
        if let Some(slots) = self.slots.get() {
            slots.close();
        }
    }

    /// Writes an event for a thread that panics, which waits for nobody and runs no code of the application: into a slot that
    /// was opened before. `None` where there is none, or the disk does not take it at once.
    pub fn keep_in_slot(&self, event: &Event, trail: &Trail, now: MonotonicMs) -> Option<Slot> {
        let slots = self.slots.get()?;
        if !self.keeps_early() || self.folder.hangs(now) {
            return None;
        }
        let event = self.made(event.clone(), trail.clone())?;
        let _busy = self.folder.busy(now);
        slots.keep(&stored::encode_named(&event))
    }

    /// The same by another thread, for one that must not wait for ever: it waits a moment. While one is still at it, no further one is started.
    pub fn keep_apart(self: Arc<Keeper>, event: Event, trail: Trail) {
        if self.is_writing_apart.swap(true, Ordering::Relaxed) {
            return;
        }
        let (done, wait) = bounded(1);
        let itself = self.clone();
        let started = std::thread::Builder::new().name("error-sentinel-keeper".to_owned()).spawn(move || {
            worker::mark_as_own();
            itself.keep(event, trail);
            itself.is_writing_apart.store(false, Ordering::Relaxed);
            // Whoever waited may have lost patience.
            let _ = done.try_send(());
        });
        match started {
            // It is there, or the disk hangs and the process has waited for it long enough.
            Ok(_) => _ = wait.recv_timeout(PATIENCE),
            Err(_) => self.is_writing_apart.store(false, Ordering::Relaxed),
        }
    }
}

/// Puts the steps into words; those that the application gave the event itself come after them.
pub fn add_trail(event: &mut Event, trail: Trail) {
    let evicted_count = trail.evicted_count();
    if evicted_count > 0 {
        let mut steps = Object::default();
        steps.set("evicted_count", evicted_count);
        event.contexts.set("breadcrumbs", steps);
    }
    let own = std::mem::replace(&mut event.breadcrumbs, trail.into_breadcrumbs());
    event.breadcrumbs.extend(own);
}

/// The event as it leaves; `None` when the application dropped it.
pub fn finished(event: Event, before_send: Option<&BeforeSend>, keeps_pii: bool) -> Option<Event> {
    // What makes the counts exact is not the application's to change.
    let (id, occurrences) = (event.event_id, event.occurrences.clone());
    let mut event = match before_send {
        Some(change) => change(event)?,
        None => event,
    };
    (event.event_id, event.occurrences) = (id, occurrences);
    // Again, for what the application added.
    fit(&mut event);
    // Last, so that nothing comes in behind it.
    scrub(&mut event, keeps_pii);
    Some(event)
}
