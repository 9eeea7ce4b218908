//! The data folder: made on the first start, held by one server at a time.
//!
//! Commands work on the same folder beside a running server; only `serve` and `restore` hold the lock, since
//! two digests on one queue would undo each other's order. The lock belongs to the open file, so that a
//! process that is killed leaves none behind.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The store's file name.
pub const STORE_FILE: &str = "store.db";
/// The queue's file name.
pub const QUEUE_FILE: &str = "queue.db";
const LOCK_FILE: &str = "lock";
const ADDRESS_FILE: &str = "address";
const STATE_FILE: &str = "state";

/// What the file of the state holds. Anything else, such as nothing at all, was cut off.
const RUNNING: &[u8] = b"running\n";
const ENDED: &[u8] = b"ended\n";

/// A command that asks whether a server runs holds the lock for an instant; a server outwaits it.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// A folder that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
}

/// Why the folder cannot be used. Each is one sentence; [`DataDirError::help`] is the next step.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Nothing is there.
    #[error("there is no data folder at {}", .0.display())]
    Missing(PathBuf),
    /// Something else has the name.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// It could not be made, or nothing can be written into it.
    #[error("the data folder {} cannot be {action}: {error}", path.display())]
    Denied {
        /// The folder.
        path: PathBuf,
        /// `made`, `read`, `written to` or `locked`.
        action: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// Another server holds it.
    #[error("the data folder {} is held by another error-sentinel", .0.display())]
    Locked(PathBuf),
}

impl DataDirError {
    /// The next step.
    pub fn help(&self) -> &'static str {
        match self {
            DataDirError::Missing(_) => {
                "start `error-sentinel serve` once to make it, or say where it is with --data-dir DIR"
            }
            DataDirError::NotAFolder(_) => "name another folder with --data-dir DIR",
            DataDirError::Denied { .. } => {
                "let the user that runs error-sentinel own the folder, or name another with --data-dir DIR"
            }
            DataDirError::Locked(_) => {
                "stop the other one, or give this one a folder of its own with --data-dir DIR"
            }
        }
    }
}

/// What the last server on a folder left it as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// None has run on it.
    New,
    /// It ended by itself, and nothing was in its hands.
    Ended,
    /// It was killed, crashed, or lost its power.
    BrokenOff,
}

/// Holds a data folder until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl DataDir {
    /// Opens the folder, making it when it is missing, readable by its owner only.
    ///
    /// # Errors
    /// [`DataDirError`] when it cannot be made or written to.
    pub fn create(path: &Path) -> Result<DataDir, DataDirError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(path) {
            Ok(()) => {}
            Err(_) if path.exists() && !path.is_dir() => {
                return Err(DataDirError::NotAFolder(path.to_owned()));
            }
            Err(error) => return Err(denied(path, "made", error)),
        }
        let dir = DataDir { path: path.to_owned() };
        dir.check_writable()?;
        Ok(dir)
    }

    /// Opens a folder that must be there already.
    ///
    /// # Errors
    /// [`DataDirError`] when it is missing or is no folder.
    pub fn open(path: &Path) -> Result<DataDir, DataDirError> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(DataDir { path: path.to_owned() }),
            Ok(_) => Err(DataDirError::NotAFolder(path.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(DataDirError::Missing(path.to_owned())),
            Err(error) => Err(denied(path, "read", error)),
        }
    }

    /// Writes and removes a file, since rights alone do not tell (read-only mounts, full disks).
    ///
    /// # Errors
    /// [`DataDirError::Denied`] when that fails.
    pub fn check_writable(&self) -> Result<(), DataDirError> {
        let probe = self.path.join(format!(".probe-{}", std::process::id()));
        let outcome = private_file(&probe).and_then(|mut file| io::Write::write_all(&mut file, b"probe"));
        let removed = fs::remove_file(&probe);
        outcome.and(removed).map_err(|error| denied(&self.path, "written to", error))
    }

    /// Takes the lock, which only one process can have.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] when another process has it.
    pub fn lock(&self) -> Result<Lock, DataDirError> {
        let file = self.lock_file().map_err(|error| denied(&self.path, "locked", error))?;
        for attempt in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < LOCK_TRIES => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(DataDirError::Locked(self.path.clone())),
                Err(TryLockError::Error(error)) => return Err(denied(&self.path, "locked", error)),
            }
        }
        // What the server before us noted is not our address.
        match fs::remove_file(self.path.join(ADDRESS_FILE)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(denied(&self.path, "written to", error)),
            _ => Ok(Lock { _file: file }),
        }
    }

    /// Whether a server runs on it.
    pub fn is_locked(&self) -> bool {
        let lock = File::open(self.path.join(LOCK_FILE));
        lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store is.
    pub fn store_path(&self) -> PathBuf {
        self.path.join(STORE_FILE)
    }

    /// Where the queue is.
    pub fn queue_path(&self) -> PathBuf {
        self.path.join(QUEUE_FILE)
    }

    /// How the last server on it ended.
    ///
    /// # Errors
    /// [`DataDirError::Denied`] when that cannot be read.
    pub fn past(&self) -> Result<Past, DataDirError> {
        match fs::read(self.path.join(STATE_FILE)) {
            Ok(state) if state == ENDED => Ok(Past::Ended),
            Ok(_) => Ok(Past::BrokenOff),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Past::New),
            Err(error) => Err(denied(&self.path, "read", error)),
        }
    }

    /// Notes that a server has both files open.
    ///
    /// # Errors
    /// [`DataDirError::Denied`] when that cannot be written.
    pub fn note_running(&self) -> Result<(), DataDirError> {
        self.note_state(RUNNING)
    }

    /// Notes that the server has ended by itself.
    ///
    /// # Errors
    /// [`DataDirError::Denied`] when that cannot be written; the next start looks for damage then.
    pub fn note_ended(&self) -> Result<(), DataDirError> {
        self.note_state(ENDED)
    }

    fn note_state(&self, state: &[u8]) -> Result<(), DataDirError> {
        let path = self.path.join(STATE_FILE);
        let written = File::create(path).and_then(|mut file| {
            io::Write::write_all(&mut file, state)?;
            file.sync_all()
        });
        written.map_err(|error| denied(&self.path, "written to", error))
    }

    /// Notes the URL at which the server that holds the lock is reached on this machine, for the commands:
    /// with port 0, or a flag that they do not see, the settings do not tell.
    ///
    /// # Errors
    /// [`DataDirError::Denied`] when it cannot be written.
    pub fn note_address(&self, url: &str) -> Result<(), DataDirError> {
        let path = self.path.join(ADDRESS_FILE);
        fs::write(path, format!("{url}\n")).map_err(|error| denied(&self.path, "written to", error))
    }

    /// The URL of the server that runs on this folder; `None` when none does.
    pub fn address(&self) -> Option<String> {
        if !self.is_locked() {
            return None;
        }
        let text = fs::read_to_string(self.path.join(ADDRESS_FILE)).ok()?;
        Some(text.trim().to_owned()).filter(|url| !url.is_empty())
    }

    fn lock_file(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.path.join(LOCK_FILE))
    }
}

/// Makes a file that only its owner can read; it must not be there yet.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn denied(path: &Path, action: &'static str, error: io::Error) -> DataDirError {
    DataDirError::Denied { path: path.to_owned(), action, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_made_for_its_owner_only() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("deep/data");
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Missing(_))));
        let dir = DataDir::create(&path).unwrap();
        assert_eq!(DataDir::open(&path).unwrap(), dir);
        assert_eq!(DataDir::create(&path).unwrap(), dir, "a folder that is there is taken as it is");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "the probe is removed");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn what_is_no_folder_is_named() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("file");
        fs::write(&path, "").unwrap();
        for error in [DataDir::create(&path).unwrap_err(), DataDir::open(&path).unwrap_err()] {
            assert_eq!(error.to_string(), format!("{} is not a folder", path.display()));
        }
        let below = DataDir::create(&path.join("below")).unwrap_err();
        assert!(matches!(below, DataDirError::Denied { action: "made", .. }), "{below}");
    }

    #[test]
    fn a_second_server_is_refused_until_the_first_one_ends() {
        let outer = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outer.path()).unwrap();
        assert!(!dir.is_locked());
        let first = dir.lock().unwrap();
        assert!(dir.is_locked());
        let second = dir.lock().unwrap_err();
        assert_eq!(
            second.to_string(),
            format!("the data folder {} is held by another error-sentinel", outer.path().display())
        );
        drop(first);
        assert!(!dir.is_locked());
        dir.lock().unwrap();
    }

    #[test]
    fn only_a_server_that_said_so_has_ended() {
        let outer = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outer.path()).unwrap();
        assert_eq!(dir.past().unwrap(), Past::New);
        dir.note_running().unwrap();
        assert_eq!(dir.past().unwrap(), Past::BrokenOff);
        dir.note_ended().unwrap();
        assert_eq!(dir.past().unwrap(), Past::Ended);
        fs::write(outer.path().join(STATE_FILE), "").unwrap();
        assert_eq!(dir.past().unwrap(), Past::BrokenOff);
    }

    #[test]
    fn the_address_counts_only_while_its_server_runs() {
        let outer = tempfile::tempdir().unwrap();
        let dir = DataDir::create(outer.path()).unwrap();
        let lock = dir.lock().unwrap();
        assert_eq!(dir.address(), None);
        dir.note_address("http://127.0.0.1:45678").unwrap();
        assert_eq!(dir.address().as_deref(), Some("http://127.0.0.1:45678"));
        drop(lock);
        assert_eq!(dir.address(), None);
        let _lock = dir.lock().unwrap();
        assert_eq!(dir.address(), None, "the address of an earlier server is forgotten");
    }
}
