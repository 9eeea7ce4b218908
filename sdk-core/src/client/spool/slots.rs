//! The panics that the worker has not looked at yet: one file of this process with a slot for each.
//!
//! To make a file takes longer than all else that is done about a panic, and a thread that panics can wait for nobody.
//! So one file is opened beforehand. Such a thread takes a slot of it without asking anybody, and fills it by one call
//! of the system; once the event has a file of its own, or needs none, the worker gives the slot back. What a process
//! left in its slots gets files at a later start, which tells by the file's lock that the process is gone.
//!
//! Nothing is appended and nothing is cut off, so that no two threads can be in each other's way; and nothing is
//! mapped, since to write to what is mapped on a full disk ends the process. A panic here would end it too.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::{Folder, is_same_file, lock};
use super::local::is_local;
use super::{PANICS, UNFINISHED};
use crate::client::clock;
use crate::engine::{Outgoing, stored};

/// Panics of one process that can wait for the worker. The file is no larger than those that were written to.
const SLOTS: usize = 256;
/// Most bytes of one; what does not fit is for the worker to write.
const SLOT_BYTES: usize = 32 << 10;
const FILE_BYTES: usize = SLOTS * SLOT_BYTES;
const WORD_BITS: usize = u64::BITS as usize;

/// A slot that is taken.
#[derive(Debug)]
pub struct Slot(usize);

impl Slot {
    fn at(&self) -> u64 {
        (self.0 * SLOT_BYTES) as u64
    }
}

/// The slots of this process.
#[derive(Debug)]
pub struct Slots {
    file: File,
    /// The file as it was made.
    made: Metadata,
    path: PathBuf,
    /// A bit for each slot: whether it is taken.
    taken: [AtomicU64; SLOTS / WORD_BITS],
}

impl Slots {
    /// Makes the file of this process.
    ///
    /// # Errors
    /// When it cannot be made or locked, may not become large enough, or lies on no disk of this machine.
    pub fn create(folder: &Folder) -> io::Result<Slots> {
        if !may_be_large() {
            // To write behind that would end the process.
            return Err(ErrorKind::FileTooLarge.into());
        }
        folder.make()?;
        let name = clock::event_id();
        let (unfinished, path) = (folder.file(name, UNFINISHED), folder.file(name, PANICS));
        let locked = folder.create(&unfinished).and_then(|file| {
            if !is_local(&file, &unfinished) {
                return Err(io::Error::other("it may hang for as long as a network"));
            }
            lock(&file).ok_or(ErrorKind::WouldBlock)?;
            // Who sees it under its name finds it locked.
            fs::rename(&unfinished, &path)?;
            let made = file.metadata()?;
            Ok((file, made))
        });
        if locked.is_err() {
            // Where this fails too, it has the name of what is removed later.
            let _ = fs::remove_file(&unfinished);
        }
        let (file, made) = locked?;
        Ok(Slots { file, made, path, taken: [const { AtomicU64::new(0) }; SLOTS / WORD_BITS] })
    }

    /// Writes an event into a slot that is free, by one call; `None` where there is none, or the disk refuses.
    pub fn keep(&self, bytes: &[u8]) -> Option<Slot> {
        if bytes.len() > SLOT_BYTES || !self.is_there() {
            return None;
        }
        let slot = self.take()?;
        if write_at(&self.file, bytes, slot.at()).is_ok_and(|written| written == bytes.len()) {
            return Some(slot);
        }
        self.give_back(slot);
        None
    }

    /// Reads back what was written into a slot; for the worker alone.
    ///
    /// # Errors
    /// When it cannot be read any more.
    pub fn read(&self, slot: &Slot) -> io::Result<Outgoing> {
        let mut bytes = vec![0; SLOT_BYTES];
        let length = read_at(&self.file, &mut bytes, slot.at())?;
        stored::decode_named(bytes.get(..length).unwrap_or_default()).map_err(io::Error::other)
    }

    /// Frees a slot: what is in it counts no more.
    pub fn give_back(&self, slot: Slot) {
        if self.is_there() {
            // Where this fails, a later start sends it once more, under the same name.
            let _ = write_at(&self.file, &[0], slot.at());
        }
        if let Some(word) = self.taken.get(slot.0 / WORD_BITS) {
            word.fetch_and(!(1 << (slot.0 % WORD_BITS)), Ordering::Release);
        }
    }

    /// Removes the file, unless somebody has a slot of it; from then on nobody gets one.
    pub fn close(&self) {
        let is_closed = |word: &AtomicU64| {
            word.compare_exchange(0, u64::MAX, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let closed_count = self.taken.iter().take_while(|word| is_closed(word)).count();
        if closed_count == self.taken.len() {
            // It may be gone already.
            let _ = fs::remove_file(&self.path);
            return;
        }
        self.taken.iter().take(closed_count).for_each(|word| word.store(0, Ordering::Release));
    }

    /// Whether what is written can be found: whoever tidies up may have removed the file. And whether the descriptor is
    /// still the file's: a program that closes all that it has may have given it to another.
    fn is_there(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let found = self.file.metadata();
            found.is_ok_and(|found| {
                found.nlink() > 0 && (found.dev(), found.ino()) == (self.made.dev(), self.made.ino())
            })
        }
        // Elsewhere nobody can remove what is open.
        #[cfg(not(unix))]
        self.made.is_file()
    }

    /// Takes the first slot that is free: the less is written to, the smaller the file stays.
    fn take(&self) -> Option<Slot> {
        self.taken.iter().enumerate().find_map(|(at, word)| {
            let free = |taken: u64| (taken != u64::MAX).then(|| taken | (taken + 1));
            let taken = word.fetch_update(Ordering::Acquire, Ordering::Relaxed, free).ok()?;
            Some(Slot(at * WORD_BITS + taken.trailing_ones() as usize))
        })
    }
}

/// What a process left in its slots. Nobody else reads it as long as this lives.
#[derive(Debug)]
pub struct Left {
    /// The events.
    pub events: Vec<Outgoing>,
    /// What was begun and is no whole event.
    pub broken_count: u64,
    path: PathBuf,
    /// Its lock is that of the process that is gone.
    _file: File,
}

impl Left {
    /// Reads a file; nothing while its process lives, or once another one has read it.
    ///
    /// # Errors
    /// When it cannot be read, or is no such file.
    pub fn read(path: PathBuf) -> io::Result<Option<Left>> {
        let named = fs::symlink_metadata(&path)?;
        if !named.is_file() || named.len() > FILE_BYTES as u64 {
            return Err(io::Error::other("it is none of our files"));
        }
        let mut file = File::options().read(true).write(true).open(&path)?;
        if lock(&file).is_none() || !is_same_file(&file, &fs::symlink_metadata(&path)?)? {
            return Ok(None);
        }
        let (mut events, mut broken_count) = (Vec::new(), 0);
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        for _ in 0..SLOTS {
            bytes.clear();
            Read::by_ref(&mut file).take(SLOT_BYTES as u64).read_to_end(&mut bytes)?;
            match bytes.first() {
                // A slot that was never taken, or was given back.
                Some(0) => {}
                Some(_) => match stored::decode_named(&bytes) {
                    Ok(event) => events.push(event),
                    Err(_) => broken_count += 1,
                },
                None => break,
            }
        }
        Ok(Some(Left { events, broken_count, path, _file: file }))
    }

    /// Whether nothing was left.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.broken_count == 0
    }

    /// Removes the file, before its lock is given up.
    pub fn remove(self) {
        // What cannot be removed is read again at the next start, under the same names.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the system lets a file of this process become large enough.
#[cfg(unix)]
fn may_be_large() -> bool {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Fsize).current.is_none_or(|limit| limit >= FILE_BYTES as u64)
}

#[cfg(not(unix))]
fn may_be_large() -> bool {
    true
}

/// Writes at a place; says how much. One call, but for signals that come before anything is written.
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
    loop {
        #[cfg(unix)]
        let written = std::os::unix::fs::FileExt::write_at(file, bytes, at);
        #[cfg(windows)]
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at);
        #[cfg(not(any(unix, windows)))]
        let written = Err(io::Error::from(ErrorKind::Unsupported));
        match written {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            written => return written,
        }
    }
}

/// Reads from a place as much as there is; says how much that was. Only one thread may: Android 5.0 has no call that goes
/// to a place and reads.
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        let from = at + length as u64;
        #[cfg(not(windows))]
        let read = {
            use std::io::{Seek, SeekFrom};
            let mut file = file;
            file.seek(SeekFrom::Start(from)).and_then(|_| file.read(rest))
        };
        // What other threads write moves the place here.
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, rest, from);
        match read {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
