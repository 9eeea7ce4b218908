//! One project's folder: what is in it, and how a file gets there and goes.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use error_sentinel_wire::{Dsn, EventId};

#[cfg(feature = "crash")]
use super::CRASH;
use super::{BYTES, ENDING, FILES, UNFINISHED};
use crate::client::clock;
use crate::engine::{MonotonicMs, Outgoing, stored};

/// A disk on which one event takes longer is not one that a thread may wait for which can do without.
const HANGING_MS: u64 = 100;

/// One project's folder, shared by all threads that write to it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    file_count: AtomicUsize,
    byte_count: AtomicU64,
    /// Since when somebody writes here, on the clock that never goes back; 0 while nobody does.
    busy_since_ms: AtomicU64,
}

/// Somebody writes as long as this lives.
#[derive(Debug)]
pub struct Busy<'a>(Option<&'a AtomicU64>);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if let Some(since_ms) = self.0 {
            since_ms.store(0, Ordering::Relaxed);
        }
    }
}

impl Folder {
    /// The part of `folder` that is `dsn`'s; looks at nothing yet.
    pub fn new(folder: &Path, dsn: &Dsn) -> Folder {
        let path = folder.join(format!("{}-{}", dsn.project_id, dsn.public_key));
        Folder {
            path,
            file_count: AtomicUsize::new(0),
            byte_count: AtomicU64::new(0),
            busy_since_ms: AtomicU64::new(0),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it when there is none.
    ///
    /// # Errors
    /// When that is not possible, or something else has its name.
    pub fn make(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)?;
        if fs::symlink_metadata(&self.path)?.is_dir() {
            Ok(())
        } else {
            Err(io::Error::other("it is no folder"))
        }
    }

    /// The right to send what others left here; `None` while another process has it.
    pub fn take_lock(&self) -> Option<File> {
        let path = self.path.join("lock");
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return None;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = private(&mut options).open(path).ok()?;
        lock(&file)?;
        Some(file)
    }

    /// Notes what was found in it.
    pub fn set_counts(&self, file_count: usize, byte_count: u64) {
        self.file_count.store(file_count, Ordering::Relaxed);
        self.byte_count.store(byte_count, Ordering::Relaxed);
    }

    /// Events and bytes in it, as far as this process knows.
    pub fn counts(&self) -> (usize, u64) {
        (self.file_count.load(Ordering::Relaxed), self.byte_count.load(Ordering::Relaxed))
    }

    /// Notes that somebody writes from now on.
    pub fn busy(&self, now: MonotonicMs) -> Busy<'_> {
        // Of several, the first is the one to look at.
        let is_first = self
            .busy_since_ms
            .compare_exchange(0, now.0.max(1), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        Busy(is_first.then_some(&self.busy_since_ms))
    }

    /// Whether somebody has been writing for longer than a disk takes that is well.
    pub fn hangs(&self, now: MonotonicMs) -> bool {
        let since_ms = self.busy_since_ms.load(Ordering::Relaxed);
        since_ms != 0 && now.0.saturating_sub(since_ms) > HANGING_MS
    }

    /// Writes an event's bytes, in the place of earlier ones; says whether they are there.
    pub fn keep(&self, event_id: EventId, bytes: &[u8]) -> bool {
        let _busy = self.busy(clock::monotonic());
        let length = bytes.len() as u64;
        let earlier = fs::symlink_metadata(self.file(event_id, ENDING)).ok().map(|found| found.len());
        let (files, others) = self.counts();
        let (more_files, freed) = match earlier {
            Some(earlier) => (0, earlier),
            None => (1, 0),
        };
        if files + more_files > FILES || others.saturating_sub(freed) + length > BYTES {
            return false;
        }
        let is_kept = self.write(event_id, bytes).or_else(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                // Somebody tidied up; one more try with a folder of our own.
                self.make()?;
                return self.write(event_id, bytes);
            }
            Err(error)
        });
        if is_kept.is_err() {
            return false;
        }
        self.file_count.fetch_add(more_files, Ordering::Relaxed);
        self.change_bytes(|count| count.saturating_sub(freed) + length);
        true
    }

    fn write(&self, event_id: EventId, bytes: &[u8]) -> io::Result<()> {
        if !fs::symlink_metadata(&self.path)?.is_dir() {
            return Err(io::Error::other("it is no folder"));
        }
        let unfinished = self.file(event_id, UNFINISHED);
        let written = self.create(&unfinished).and_then(|mut file| file.write_all(bytes));
        let done = written.and_then(|()| fs::rename(&unfinished, self.file(event_id, ENDING)));
        if done.is_err() {
            // On a disk that is full or broken even this can fail; it has the name of what is removed later.
            let _ = fs::remove_file(&unfinished);
        }
        done
    }

    /// Makes a file that was not there, to be written and read.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        private(&mut options).open(path)
    }

    /// Whether an event has a file here.
    pub fn has(&self, event_id: EventId) -> bool {
        fs::symlink_metadata(self.file(event_id, ENDING)).is_ok()
    }

    /// Removes an event that is stored, or never will be.
    pub fn forget(&self, event_id: EventId) {
        let _busy = self.busy(clock::monotonic());
        let path = self.file(event_id, ENDING);
        let length = fs::symlink_metadata(&path).map(|found| found.len()).unwrap_or_default();
        // It may be gone already: another process was faster.
        if fs::remove_file(&path).is_ok() {
            // `None` where there is nothing left to count down.
            let _ = self
                .file_count
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1));
            self.change_bytes(|count| count.saturating_sub(length));
        }
    }

    /// Reads an event back; what is none is removed.
    ///
    /// # Errors
    /// When it is not there, or is no event.
    pub fn read(&self, event_id: EventId) -> io::Result<Outgoing> {
        let path = self.file(event_id, ENDING);
        let event = read_file(&path, stored::MAX_BYTES)
            .and_then(|bytes| stored::decode(event_id, &bytes).map_err(io::Error::other));
        if event.is_err() {
            self.forget(event_id);
        }
        event
    }

    /// Opens a file for the record of a crash that may come.
    ///
    /// # Errors
    /// When it cannot be made.
    #[cfg(feature = "crash")]
    pub fn new_crash(&self, event_id: EventId) -> io::Result<File> {
        self.make()?;
        self.create(&self.file(event_id, CRASH))
    }

    /// Reads what a process left when it crashed, at most `max` bytes; nothing while that process lives.
    ///
    /// # Errors
    /// When it cannot be read, or is no such file.
    #[cfg(feature = "crash")]
    pub fn read_crash(&self, event_id: EventId, max: usize) -> io::Result<Option<Vec<u8>>> {
        let path = self.file(event_id, CRASH);
        if fs::symlink_metadata(&path)?.is_file() && error_sentinel_crash::is_alive(&File::open(&path)?) {
            return Ok(None);
        }
        read_file(&path, max).map(Some)
    }

    /// Removes the record of a crash.
    #[cfg(feature = "crash")]
    pub fn forget_crash(&self, event_id: EventId) {
        // It may be gone already; what cannot be removed is read again at the next start, under the same name.
        let _ = fs::remove_file(self.file(event_id, CRASH));
    }

    pub(super) fn file(&self, event_id: EventId, ending: &str) -> PathBuf {
        self.path.join(format!("{event_id}.{ending}"))
    }

    fn change_bytes(&self, change: impl Fn(u64) -> u64) {
        // It always succeeds: there is a new count for every old one.
        let _ =
            self.byte_count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(change(count)));
    }
}

/// Readable for nobody else: an event can hold what is nobody else's business.
fn private(options: &mut OpenOptions) -> &OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Reads a file that must be a plain one of bounded size.
fn read_file(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let named = fs::symlink_metadata(path)?;
    if !named.is_file() || named.len() > max as u64 {
        return Err(io::Error::other("it is none of our files"));
    }
    let file = File::open(path)?;
    if !is_same_file(&file, &named)? {
        return Err(io::Error::other("it was exchanged meanwhile"));
    }
    let mut bytes = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file that was opened is the one that was found under its name.
pub(super) fn is_same_file(file: &File, named: &Metadata) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let opened = file.metadata()?;
        Ok((opened.dev(), opened.ino()) == (named.dev(), named.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, named);
        Ok(true)
    }
}

/// Takes a file's lock, unless another process has it.
#[cfg(not(target_os = "android"))]
pub(super) fn lock(file: &File) -> Option<()> {
    file.try_lock().ok()
}

/// The same where the standard library has no locks, though the system does.
#[cfg(target_os = "android")]
pub(super) fn lock(file: &File) -> Option<()> {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive).ok()
}
