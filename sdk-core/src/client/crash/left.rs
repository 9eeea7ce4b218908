//! What processes left that died of a signal: each record becomes a kept event in its place.

use std::panic::{AssertUnwindSafe, catch_unwind};

use error_sentinel_crash::{LoadedModule, RECORD_BYTES, Record, loaded_modules};
use error_sentinel_wire::{Event, EventId};

use super::{Names, event_of, is_own};
use crate::client::spool::Spool;
use crate::engine::{Outgoing, Reason, stored};

/// Makes events of all records that are there; `finish` makes each ready to leave, and says `None` where the application
/// wants none of it. What cannot be kept is told to `lose`.
pub fn take_left(
    spool: &mut Spool,
    names: &mut Names,
    finish: impl Fn(Event) -> Option<Event>,
    mut lose: impl FnMut(Reason),
) {
    let mut loaded = None;
    for event_id in spool.crashes() {
        // To close it again would end the lock by which others know that this process lives.
        if is_own(event_id) {
            continue;
        }
        let record = match spool.folder().read_crash(event_id, RECORD_BYTES) {
            Ok(None) => continue,
            Ok(Some(bytes)) => Record::decode(&bytes).ok(),
            Err(_) => None,
        };
        if let Some(record) = record {
            let loaded = loaded.get_or_insert_with(loaded_modules);
            match keep(spool, event_id, &record, loaded, names, &finish) {
                Ok(()) => spool.add_left(event_id),
                Err(reason) => lose(reason),
            }
        }
        spool.folder().forget_crash(event_id);
    }
}

/// Keeps the event of one.
///
/// # Errors
/// Why it is lost.
fn keep(
    spool: &Spool,
    event_id: EventId,
    record: &Record,
    loaded: &[LoadedModule],
    names: &mut Names,
    finish: &impl Fn(Event) -> Option<Event>,
) -> Result<(), Reason> {
    // Neither a mistake in what was read nor one of the application's ends more than this report.
    let made = catch_unwind(AssertUnwindSafe(|| finish(event_of(event_id, record, loaded, names))));
    let event = made.map_err(|_| Reason::Internal)?.ok_or(Reason::BeforeSend)?;
    let event = Outgoing::new(&event).ok_or(Reason::Internal)?;
    if spool.folder().keep(event_id, &stored::encode(&event)) { Ok(()) } else { Err(Reason::QueueOverflow) }
}
