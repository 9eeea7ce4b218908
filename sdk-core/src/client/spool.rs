//! Events on disk, so that they outlive the process: one file each, until the collector has stored them.
//!
//! A folder can be shared by processes; each removes what it has delivered, and the one that holds the folder's lock
//! also sends what earlier ones left. Files are written under another name first, so that no half of one is ever
//! read, and not synced: what is written outlives the process, and more would stop it. What is read back is hostile.
//! Nothing here follows a symbolic link, touches a file that is not of its own naming, or fails loudly: what cannot
//! be kept stays in memory as if there were no spool.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use error_sentinel_wire::EventId;

use crate::engine::{Outgoing, stored};

mod folder;
mod local;
mod slots;

pub use folder::Folder;
use slots::Left;
pub use slots::{Slot, Slots};

/// Most files of one folder, and most bytes in them.
const FILES: usize = 1000;
const BYTES: u64 = 32 << 20;
/// Ending of a kept event's file.
const ENDING: &str = "event";
/// Ending of one that is being written. What is older was left by a process that died over it.
const UNFINISHED: &str = "unfinished";
/// Ending of what a process writes down while it dies of a signal; empty until then.
const CRASH: &str = "crash";
/// Ending of what a process writes down while one of its threads panics.
const PANICS: &str = "panics";
const ABANDONED: Duration = Duration::from_secs(60);

/// The events that earlier processes left in a folder, as far as it is this process that sends them.
#[derive(Debug)]
pub struct Spool {
    folder: Arc<Folder>,
    /// Held as long as this process sends what others left.
    lock: Option<File>,
    /// Found, and not handed in yet.
    found: VecDeque<EventId>,
    /// Whether there was more than could be remembered.
    is_more: bool,
}

impl Spool {
    /// Looks at a folder, made when there is none. Never fails: one that cannot be used keeps nothing.
    pub fn open(folder: Arc<Folder>) -> Spool {
        let mut spool = Spool { folder, lock: None, found: VecDeque::new(), is_more: false };
        if spool.folder.make().is_ok() {
            spool.lock = spool.folder.take_lock();
            spool.look();
        }
        spool
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Counts what is there; with the lock, it is also remembered for sending.
    fn look(&mut self) {
        let (mut file_count, mut byte_count) = (0, 0);
        self.is_more = false;
        self.found.clear();
        let Ok(entries) = fs::read_dir(self.folder.path()) else { return self.folder.set_counts(0, 0) };
        for entry in entries.flatten() {
            let path = entry.path();
            let Some((id, ending)) = name_of(&path) else { continue };
            if [CRASH, PANICS].contains(&ending) {
                continue;
            }
            let Ok(found) = entry.metadata() else { continue };
            if ending == UNFINISHED {
                // A time that is yet to come is of a clock that was wrong.
                let age =
                    found.modified().map(|time| time.elapsed().unwrap_or_else(|ahead| ahead.duration()));
                if self.lock.is_some() && age.is_ok_and(|age| age > ABANDONED) {
                    // When it cannot be removed, the next start tries again.
                    let _ = fs::remove_file(&path);
                }
                continue;
            }
            file_count += 1;
            byte_count += found.len();
            if self.lock.is_some() {
                if self.found.len() < FILES {
                    self.found.push_back(id);
                } else {
                    self.is_more = true;
                    break;
                }
            }
        }
        self.folder.set_counts(file_count, byte_count);
    }

    /// The records of crashes in the folder, as far as it is this process that sends what others left.
    #[cfg(feature = "crash")]
    pub fn crashes(&self) -> Vec<EventId> {
        if self.lock.is_some() { self.named(CRASH) } else { Vec::new() }
    }

    /// Names with this ending in the folder, of files that there is one of for each process.
    fn named(&self, ending: &str) -> Vec<EventId> {
        let Ok(entries) = fs::read_dir(self.folder.path()) else { return Vec::new() };
        let found = entries.flatten().filter_map(|entry| {
            name_of(&entry.path()).and_then(|(id, known)| (known == ending).then_some(id))
        });
        found.take(FILES).collect()
    }

    /// Gives the panics that processes left in their slots files of their own, to be handed in like all that was left.
    /// Returns those that there is no room for, and how many could not be read.
    pub fn take_panics(&mut self) -> (Vec<Outgoing>, u64) {
        let (mut without_file, mut broken_count) = (Vec::new(), 0);
        for name in self.named(PANICS) {
            let path = self.folder.file(name, PANICS);
            // It lives, another one was faster, or it is none of ours.
            let Ok(Some(left)) = Left::read(path) else { continue };
            if self.lock.is_none() && !left.is_empty() {
                // Whoever sends what others left comes to it.
                continue;
            }
            broken_count += left.broken_count;
            for event in &left.events {
                let event_id = event.event_id;
                if self.folder.has(event_id) {
                    // Its process got as far as that, and died before it could free the slot.
                } else if self.folder.keep(event_id, &stored::encode(event)) {
                    self.add_left(event_id);
                } else {
                    without_file.push(event.clone());
                }
            }
            left.remove();
        }
        (without_file, broken_count)
    }

    /// Remembers an event for sending that has come to the folder since it was looked at.
    pub fn add_left(&mut self, event_id: EventId) {
        self.found.push_back(event_id);
    }

    /// The next event that an earlier process left.
    pub fn next_left(&mut self) -> Option<EventId> {
        if self.found.is_empty() && self.is_more {
            self.look();
        }
        self.found.pop_front()
    }
}

/// The event and the ending of a name of ours.
fn name_of(path: &Path) -> Option<(EventId, &str)> {
    let ending = path.extension()?.to_str()?;
    let name = path.file_stem()?.to_str()?;
    let is_ours = [ENDING, UNFINISHED, CRASH, PANICS].contains(&ending) && name.len() == 32;
    let id = EventId::parse(name).ok().filter(|id| is_ours && id.to_string() == name)?;
    Some((id, ending))
}

#[cfg(test)]
mod tests;
