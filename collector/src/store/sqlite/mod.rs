//! The store inside the binary: SQLite, one writer at a time, readers that it never blocks.
//!
//! The command line opens the same file while the server runs, so nothing that another process could change is
//! kept in memory: every use case asks the file. Writing goes through one connection, lent in turn; each use
//! case is one `BEGIN IMMEDIATE` transaction. Reading goes through a few read-only connections with a cap on
//! the time of a query. A database that somebody else holds gives [`StoreError::Busy`] after five seconds;
//! no call may hang for ever.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction};
use rusqlite_migration::{M, Migrations};

use super::{Result, Store, StoreError};
use crate::database::backup::BackupError;
use crate::database::pool::{Lease, Pool};
use crate::database::{self, BUSY_PATIENCE, STEPS_PER_LOOK, Trouble, trouble};

mod account;
mod column;
mod digests;
mod event;
mod issue;
mod outbox;
mod project;
mod retention;
mod tally;

pub use retention::Maintenance;

/// Every version of the schema, in order; a released one is never edited.
const SCHEMA: [&str; 3] = [
    include_str!("schema/0001_pipeline.sql"),
    include_str!("schema/0002_outbox.sql"),
    include_str!("schema/0003_account.sql"),
];

/// Counts only before the first table is made: pages that become free can be given back to the disk.
const LAYOUT: &str = "PRAGMA auto_vacuum = INCREMENTAL;";

/// Memory for pages that a batch reads and writes, in KiB: a batch touches thousands, and those that find no room are
/// written to the log before their time and read again.
const WRITER_CACHE_KIB: i64 = 4 * 1024;

/// Pages of the log from which on it is moved into the file: most batches write the same pages of an index, which are
/// moved once. With SQLite's own sizes of both, recording took a third more time.
const LOG_PAGES: i64 = 4_000;

/// Readers at a time; pages are short, and a small machine has few cores.
const READER_COUNT: usize = 4;

/// Longest a query may run; no page needs a tenth of it.
const QUERY_PATIENCE: Duration = Duration::from_secs(5);

/// How long [`Store::check_writable`] and [`SqliteStore::settle`] wait; who asks wants to know now, or to end.
const CHECK_PATIENCE: Duration = Duration::from_millis(500);

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Pool<Connection>,
    readers: Pool<Connection>,
    /// A sync failed: the log is to be restarted before anything is written again.
    suspect: AtomicBool,
    /// Most bytes of the write-ahead log before digest has to wait.
    log_bytes_max: u64,
}

impl SqliteStore {
    /// Opens the store at `path`, makes it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file is damaged or was written by a newer release.
    pub fn open(path: &Path) -> Result<SqliteStore> {
        let store = SqliteStore {
            path: path.to_owned(),
            writer: Pool::new(1),
            readers: Pool::new(READER_COUNT),
            suspect: AtomicBool::new(false),
            log_bytes_max: database::LOG_BYTES_MAX,
        };
        let mut writer = store.lease_writer(BUSY_PATIENCE)?;
        migrate(&mut writer)?;
        drop(writer);
        Ok(store)
    }

    /// Copies the store as it is now to `to`, which must not exist, while it is being written to; `progress` hears
    /// (pages done, pages in all). To be copied after the queue, see [`crate::database::backup`].
    ///
    /// # Errors
    /// [`BackupError`]; nothing is left behind.
    pub fn backup_to(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), BackupError> {
        database::backup::copy(&self.path, to, progress)
    }

    /// Sees to it that the write-ahead log does not fill the disk while somebody reads an old state of the store.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while it is too long and cannot begin anew.
    fn bound_log(&self) -> Result<()> {
        if database::log_bytes(&self.path).unwrap_or(0) < self.log_bytes_max {
            return Ok(());
        }
        let writer = self.lease_writer(BUSY_PATIENCE)?;
        match database::restart_log_at_once(&writer, BUSY_PATIENCE)? {
            true => Ok(()),
            false => Err(StoreError::Busy(
                "something has read store.db for long and keeps its log from beginning anew".into(),
            )),
        }
    }

    /// Moves what can be moved of the write-ahead log into the database.
    fn move_log(&self) -> Result<()> {
        let writer = self.lease_writer(BUSY_PATIENCE)?;
        Ok(writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
    }

    /// Moves all of the write-ahead log into the database and gives its space back, as far as nobody reads it: for the
    /// end of the process, after which one file holds everything.
    ///
    /// # Errors
    /// As every use case; nothing is lost then either.
    pub fn settle(&self) -> Result<()> {
        let writer = self.lease_writer(CHECK_PATIENCE)?;
        database::restart_log(&writer)?;
        Ok(())
    }

    /// Reads, from a snapshot of its own per statement; wrap several in a transaction where they must agree.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + QUERY_PATIENCE;
        let reader = self
            .readers
            .lease(QUERY_PATIENCE, || database::open_reader(&self.path))?
            .ok_or_else(|| StoreError::Busy("too many pages are being read".into()))?;
        reader.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() > deadline))?;
        work(&reader)
    }

    /// Writes, in one transaction that is synced when this returns `Ok` and has left no trace otherwise.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.write_within(BUSY_PATIENCE, work)
    }

    fn write_within<T>(
        &self,
        patience: Duration,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut writer = self.lease_writer(patience)?;
        let written = (|| {
            let transaction = writer.transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        if let Err(StoreError::Storage(_)) = written {
            self.suspect.store(true, Ordering::Release);
            writer.discard();
        }
        written
    }

    fn open_writer(&self) -> rusqlite::Result<Connection> {
        let writer = database::open_writer(&self.path, LAYOUT)?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        writer.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        Ok(writer)
    }

    /// The one writing connection, ready and trusted.
    fn lease_writer(&self, patience: Duration) -> Result<Lease<'_, Connection>> {
        let deadline = Instant::now() + patience;
        let writer = self
            .writer
            .lease(patience, || self.open_writer())?
            .ok_or_else(|| StoreError::Busy("another call is writing".into()))?;
        writer.busy_timeout(deadline.saturating_duration_since(Instant::now()))?;
        if self.suspect.load(Ordering::Acquire) {
            if !database::restart_log(&writer)? {
                return Err(StoreError::Busy("it recovers from a failure of the disk".into()));
            }
            self.suspect.store(false, Ordering::Release);
        }
        Ok(writer)
    }
}

/// Brings the schema up to date, each step in a transaction.
fn migrate(conn: &mut Connection) -> Result<()> {
    let migrations = Migrations::new(SCHEMA.iter().map(|sql| M::up(sql)).collect());
    // Another process may migrate at the same moment; what it did first fails here and is then found done.
    let migrated = migrations.to_latest(conn).or_else(|_| migrations.to_latest(conn));
    migrated.map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(_) => StoreError::Unusable(
            "the data was written by a newer release; start that release, or restore a backup made by this one"
                .into(),
        ),
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => StoreError::Unusable(other.to_string()),
    })
}

impl Store for SqliteStore {
    fn check_writable(&self) -> Result<()> {
        // Only a write that reaches the disk proves that writing works; this one changes nothing.
        self.write_within(CHECK_PATIENCE, |tx| {
            let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok(tx.pragma_update(None, "user_version", version)?)
        })
    }

    fn size_bytes(&self) -> Result<u64> {
        database::size_bytes(&self.path).map_err(|error| StoreError::Storage(error.to_string()))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        let text = error.to_string();
        match trouble(&error) {
            Trouble::Busy => StoreError::Busy(text),
            Trouble::Disk => StoreError::Storage(text),
            Trouble::Conflict => StoreError::Conflict(text),
            Trouble::Damage => StoreError::Unusable(text),
        }
    }
}

#[cfg(test)]
mod tests;
