//! The SQLite files: how queue and store open, pack and copy theirs.
//!
//! Both promise that what they acknowledged is on the disk, so both need the same few settings, the same
//! answer to a disk that fails and the same way to be copied while they run. What a file holds is its owner's
//! business; nothing here knows a table.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

pub mod backup;
pub mod log;
pub mod packing;
pub mod pool;

/// How long a call waits for a lock that another process holds before it says so.
pub const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// Steps of SQLite's machine between two looks at the clock; a fraction of a millisecond.
pub const STEPS_PER_LOOK: i32 = 10_000;

/// What an unused write-ahead log may keep on the disk: enough that a steady load never makes it grow, since
/// a file that does not grow is quicker to sync.
const WAL_KEPT_BYTES: i64 = 64 * 1024 * 1024;

/// Most bytes of a write-ahead log. It begins anew only when nobody reads an older state of the file any more; who
/// reads for long, such as a backup, would let it fill the disk. With what is on its way then it stays below 256 MiB.
pub const LOG_BYTES_MAX: u64 = 192 * 1024 * 1024;

/// Opens a database file for writing and makes it when it is not there, readable by its owner only.
///
/// `layout` runs first: pragmas such as `page_size` that count only before the first table is made.
///
/// # Errors
/// SQLite's, and `CannotOpen` when the file cannot be made.
pub fn open_writer(path: &Path, layout: &str) -> rusqlite::Result<Connection> {
    make_private(path).map_err(|error| {
        rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some(format!("{}: {error}", path.display())),
        )
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_PATIENCE)?;
    conn.execute_batch(layout)?;
    log_ahead(&conn)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    // Reading first and writing later in a deferred transaction fails at once when another process wrote in
    // between, whatever the timeout.
    conn.set_transaction_behavior(TransactionBehavior::Immediate);
    conn.set_prepared_statement_cache_capacity(128);
    Ok(conn)
}

/// Switches to a write-ahead log. Of two that do it to a new file at once SQLite refuses one without asking how long
/// it would wait.
fn log_ahead(conn: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match conn.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < BUSY_PATIENCE =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

/// Opens a database file that exists for reading only.
///
/// # Errors
/// SQLite's.
pub fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(128);
    Ok(conn)
}

/// The file as its owner's alone; SQLite gives the log and the index beside it the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// Moves the whole write-ahead log into the database, syncs that, and starts the log anew.
///
/// After a failed sync the kernel may have dropped what it could not write and yet say that later syncs went
/// well, so nothing may be appended to that log any more: a power failure would end its recovery at the hole.
/// Returns `false` while somebody still reads the old log; then it is to be tried again.
///
/// # Errors
/// SQLite's; the log is not to be trusted yet.
pub fn restart_log(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}

/// What lies beside the database file itself: `-wal` or `-shm`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Bytes on disk, the write-ahead log included.
///
/// # Errors
/// When the file's size cannot be read.
pub fn size_bytes(path: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(path)?.len() + log_bytes(path)?)
}

/// Bytes of the write-ahead log.
///
/// # Errors
/// When its size cannot be read.
pub fn log_bytes(path: &Path) -> io::Result<u64> {
    match std::fs::metadata(beside(path, "-wal")) {
        Ok(log) => Ok(log.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Begins the log anew when nobody needs the old one just now; waits for nobody. Says whether it did.
///
/// # Errors
/// SQLite's.
pub fn restart_log_at_once(conn: &Connection, patience: Duration) -> rusqlite::Result<bool> {
    conn.busy_timeout(Duration::ZERO)?;
    let restarted = restart_log(conn);
    conn.busy_timeout(patience)?;
    match restarted {
        Err(error) if trouble(&error) == Trouble::Busy => Ok(false),
        restarted => restarted,
    }
}

/// What a look for damage found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soundness {
    /// No damage.
    Sound,
    /// No damage as far as time allowed to look.
    SoundSoFar,
    /// What is damaged.
    Damaged(String),
}

/// Looks for damage in a file, from its first page on, as long as `patience` lasts. What a torn or scrambled page
/// breaks is found; a bit within a text is not, since SQLite keeps no sums of them.
///
/// # Errors
/// SQLite's, where it is not that the file is damaged.
pub fn check(conn: &Connection, patience: Option<Duration>) -> rusqlite::Result<Soundness> {
    let deadline = patience.map(|patience| Instant::now() + patience);
    if let Some(deadline) = deadline {
        conn.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() > deadline))?;
    }
    let found = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    if deadline.is_some() {
        conn.progress_handler(0, None::<fn() -> bool>)?;
    }
    match found {
        Ok(word) if word == "ok" => Ok(Soundness::Sound),
        Ok(finding) => Ok(Soundness::Damaged(finding)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            Ok(Soundness::SoundSoFar)
        }
        Err(error) if trouble(&error) == Trouble::Damage => Ok(Soundness::Damaged(error.to_string())),
        Err(error) => Err(error),
    }
}

/// What kind of trouble an error of SQLite is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Somebody else holds a lock, or the call took too long.
    Busy,
    /// The disk is full, read-only or failing.
    Disk,
    /// The statement contradicts what is there.
    Conflict,
    /// The file is damaged, or is not what was expected.
    Damage,
}

/// Sorts an error of SQLite.
pub fn trouble(error: &rusqlite::Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted) => {
            Trouble::Busy
        }
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport,
        ) => Trouble::Disk,
        Some(ErrorCode::ConstraintViolation) => Trouble::Conflict,
        _ => Trouble::Damage,
    }
}

#[cfg(test)]
mod tests;
