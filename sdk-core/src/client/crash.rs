//! Native crashes: what is kept ready for the moment in which nothing can be done any more.
//!
//! The crate `error-sentinel-crash` writes the record and reads it back; here it is told what the application says about
//! itself, in the words of an event, and what was read becomes one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use error_sentinel_crash::Step;
use error_sentinel_wire::codec::JsonWriter;
use error_sentinel_wire::{Event, EventId, Level, UnixMs};

use super::clock;
use super::spool::Folder;
use super::surroundings::Surroundings;
use crate::breadcrumbs::{Crumb, Datum};
use crate::fit::fit;
use crate::scope::Scope;

mod event;
mod left;
mod names;

use event::event_of;
pub use left::take_left;
pub use names::Names;

/// Levels by the numbers that records have for them.
const LEVELS: [Level; 5] = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];

/// Whether a crash would be recorded; a glance at it is all that steps cost otherwise.
static IS_ON: AtomicBool = AtomicBool::new(false);
static OWN: Mutex<Option<Own>> = Mutex::new(None);

/// The record of this process, which is empty as long as it lives.
struct Own {
    folder: Arc<Folder>,
    event_id: EventId,
    surroundings: Arc<Surroundings>,
}

fn own() -> MutexGuard<'static, Option<Own>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records the next crash, with this many of the last steps. Where that is not possible, says why and goes without.
pub fn start(folder: Option<Arc<Folder>>, surroundings: Arc<Surroundings>, step_count: usize) {
    stop();
    let Some(folder) = folder else {
        eprintln!("error-sentinel: crashes will not be reported: there is no spool folder");
        return;
    };
    let event_id = clock::event_id();
    let armed = folder.new_crash(event_id).and_then(|file| error_sentinel_crash::arm(file, step_count));
    if let Err(error) = armed {
        eprintln!("error-sentinel: crashes will not be reported: {error}");
        folder.forget_crash(event_id);
        return;
    }
    *own() = Some(Own { folder, event_id, surroundings });
    IS_ON.store(true, Ordering::Relaxed);
    note_facts(&Scope::new());
}

/// Records no crash any more.
pub fn stop() {
    IS_ON.store(false, Ordering::Relaxed);
    let Some(own) = own().take() else { return };
    if error_sentinel_crash::disarm() {
        own.folder.forget_crash(own.event_id);
    }
}

/// Whether a record is the one that this process writes to if it crashes.
fn is_own(event_id: EventId) -> bool {
    own().as_ref().is_some_and(|own| own.event_id == event_id)
}

/// Keeps ready what the application says about itself.
pub fn note_facts(scope: &Scope) {
    if !IS_ON.load(Ordering::Relaxed) {
        return;
    }
    let own = own();
    let Some(own) = own.as_ref() else { return };
    let mut event = Event::default();
    scope.apply(&mut event);
    own.surroundings.describe(&mut event);
    fit(&mut event);
    if error_sentinel_crash::set_facts(&event.to_json()) {
        return;
    }
    // Better who it is without the large parts than nothing.
    (event.contexts, event.request) = Default::default();
    if !error_sentinel_crash::set_facts(&event.to_json()) {
        event.tags.clear();
        error_sentinel_crash::set_facts(&event.to_json());
    }
}

/// Keeps a step ready.
#[inline]
pub fn note_step(crumb: &Crumb<'_>, now: UnixMs) {
    if IS_ON.load(Ordering::Relaxed) {
        keep_step(crumb, now);
    }
}

fn keep_step(crumb: &Crumb<'_>, now: UnixMs) {
    let [kind, category, message] = crumb.texts();
    let data = data_of(crumb);
    let level = crumb.badness().and_then(|level| LEVELS.iter().position(|known| *known == level));
    error_sentinel_crash::note_step(&Step {
        at_ms: now.0,
        // Zero is a step that said nothing about it.
        level: level.map_or(0, |at| at as u8 + 1),
        kind,
        category,
        message,
        data: data.as_deref().unwrap_or_default(),
    });
}

/// The data of a step as JSON; it is put together only where there is any.
fn data_of(crumb: &Crumb<'_>) -> Option<String> {
    let (data, object) = crumb.all_data();
    let object = object.filter(|object| !object.0.is_empty());
    if data.is_empty() && object.is_none() {
        return None;
    }
    let mut writer = JsonWriter::default();
    writer.object(|w| {
        for (key, datum) in data {
            let w = w.key(key);
            match datum {
                Datum::Text(text) => w.string(text),
                Datum::Int(number) => w.int(*number),
                Datum::UInt(number) => w.uint(*number),
                Datum::Float(number) => w.float(*number),
                Datum::Bool(value) => w.bool(*value),
            }
        }
        for (key, value) in object.iter().flat_map(|object| &object.0) {
            w.key(key).value(value);
        }
    });
    String::from_utf8(writer.into_bytes()).ok()
}
