//! The collector's database files, as a fault or a check meets them from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// The SQLite files of a data folder.
///
/// # Panics
/// When the folder cannot be read.
#[track_caller]
pub fn databases(data_dir: &Path) -> Vec<PathBuf> {
    let is_database =
        |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"));
    let entries = fs::read_dir(data_dir).expect("the data folder is there");
    let mut paths: Vec<_> =
        entries.map(|entry| entry.expect("readable").path()).filter(is_database).collect();
    paths.sort();
    paths
}

/// The file that holds the issues.
///
/// # Panics
/// When there is none.
#[track_caller]
pub fn store(data_dir: &Path) -> PathBuf {
    let has_issues = |path: &PathBuf| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let tables = Connection::open_with_flags(path, flags).and_then(|connection| {
            connection.query_row(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('issue', 'issues')",
                [],
                |row| row.get::<_, i64>(0),
            )
        });
        tables.is_ok_and(|count| count > 0)
    };
    let found = databases(data_dir).into_iter().find(has_issues);
    found.unwrap_or_else(|| panic!("no database with issues in {}", data_dir.display()))
}

/// Checks every database of the folder from its first page to its last.
///
/// # Panics
/// When one is damaged, or there is none.
#[track_caller]
pub fn assert_intact(data_dir: &Path) {
    let databases = databases(data_dir);
    assert!(!databases.is_empty(), "no database in {}", data_dir.display());
    for path in databases {
        let connection = Connection::open(&path).expect("opens");
        connection.busy_timeout(Duration::from_secs(30)).expect("a setting");
        let verdict: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
        assert_eq!(verdict, "ok", "{}", path.display());
    }
}

/// Keeps everybody else from writing the store until it is dropped.
#[derive(Debug)]
pub struct Locked(Connection);

impl Locked {
    /// Takes the lock.
    ///
    /// # Panics
    /// When it cannot be had within half a minute.
    #[track_caller]
    pub fn store(data_dir: &Path) -> Locked {
        let connection = Connection::open(store(data_dir)).expect("opens");
        connection.busy_timeout(Duration::from_secs(30)).expect("a setting");
        connection.execute_batch("BEGIN EXCLUSIVE").expect("the lock is given");
        Locked(connection)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // The connection is closed next, which frees the lock all the same.
        let _ = self.0.execute_batch("ROLLBACK");
    }
}
