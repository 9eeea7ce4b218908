//! Copies a database file while it is being written to.
//!
//! Of the pair, the queue is copied first and the store after it: a job moves from the queue into the store, so
//! what was accepted before the copy began is then in one of the copies, or in both, and digest records nothing
//! twice. The other way round a job that moves in between would be in neither.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};

use super::{Soundness, beside, make_private, open_reader};

/// Pages a step; small enough that progress shows, large enough that steps cost nothing.
const STEP_PAGES: i32 = 2048;

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be read, or the copy not be written.
    #[error("the copy to {path} failed: {source}")]
    Sqlite {
        /// The copy.
        path: String,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// The copy's file cannot be made.
    #[error("the copy {path} cannot be made: {source}")]
    File {
        /// The copy.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The copy does not hold what it should.
    #[error("the copy {path} is damaged: {finding}")]
    Damaged {
        /// The copy.
        path: String,
        /// What SQLite found.
        finding: String,
    },
}

/// Copies the database at `from` to `to`, which must not exist, and checks the copy. `progress` hears
/// (pages done, pages in all).
///
/// The copy is of one moment: that of the call. A read transaction is held over all steps, because a step would
/// start anew whenever another process had written, and under load never finish. Writers are not held up; their
/// log grows until the copy is made. The copy appears under its name only when it is whole and synced.
///
/// # Errors
/// [`BackupError`]; nothing is left behind.
pub fn copy(from: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), BackupError> {
    let shown = || to.display().to_string();
    let file = |source| BackupError::File { path: shown(), source };
    if to.exists() {
        return Err(file(std::io::ErrorKind::AlreadyExists.into()));
    }
    let partial = beside(to, ".partial");
    discard(&partial).map_err(file)?;
    let copied = copy_whole(from, &partial, progress).and_then(|()| {
        std::fs::File::open(&partial).and_then(|copy| copy.sync_all()).map_err(file)?;
        std::fs::rename(&partial, to).map_err(file)?;
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(file)?;
        }
        Ok(())
    });
    let cleared = discard(&partial).map_err(file);
    copied.and(cleared)
}

fn copy_whole(from: &Path, partial: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), BackupError> {
    let path = || partial.display().to_string();
    let sqlite = |source| BackupError::Sqlite { path: path(), source };
    make_private(partial).map_err(|source| BackupError::File { path: path(), source })?;
    let source = open_reader(from).map_err(sqlite)?;
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(sqlite)?;
    let mut copy = rusqlite::Connection::open(partial).map_err(sqlite)?;
    {
        let backup = Backup::new(&source, &mut copy).map_err(sqlite)?;
        loop {
            let step = backup.step(STEP_PAGES).map_err(sqlite)?;
            let at = backup.progress();
            let total = u64::try_from(at.pagecount).unwrap_or(0);
            progress(total.saturating_sub(u64::try_from(at.remaining).unwrap_or(0)), total);
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // Only the copy itself could be locked, by somebody who looks at it.
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
    // A copy in one file: no log beside it that could be forgotten.
    copy.pragma_update(None, "journal_mode", "DELETE").map_err(sqlite)?;
    if let Soundness::Damaged(finding) = super::check(&copy, None).map_err(sqlite)? {
        return Err(BackupError::Damaged { path: path(), finding });
    }
    copy.close().map_err(|(_, source)| sqlite(source))
}

/// Removes an unfinished copy and what lies beside it.
fn discard(partial: &Path) -> std::io::Result<()> {
    for file in
        [partial.to_owned(), beside(partial, "-wal"), beside(partial, "-shm"), beside(partial, "-journal")]
    {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::open_writer;

    fn numbers(path: &Path) -> i64 {
        open_reader(path).unwrap().query_row("SELECT count(*) FROM number", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_copy_is_of_the_moment_of_the_call_however_much_is_written_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from.db"), dir.path().join("to.db"));
        let writer = open_writer(&from, "").unwrap();
        writer.execute_batch("CREATE TABLE number (n, filler)").unwrap();
        let add = |count: i64| {
            for n in 0..count {
                writer.execute("INSERT INTO number VALUES (?1, zeroblob(20000))", [n]).unwrap();
            }
        };
        writer.execute_batch("BEGIN").unwrap();
        add(1000);
        writer.execute_batch("COMMIT").unwrap();
        let mut steps = Vec::new();
        copy(&from, &to, &mut |done, total| {
            add(1);
            steps.push((done, total));
        })
        .unwrap();
        assert!(steps.len() > 1, "{steps:?}");
        assert_eq!(steps.last().map(|(done, total)| done == total), Some(true));
        assert_eq!(numbers(&to), 1000);
        assert!(!beside(&to, ".partial").exists());
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from.db"), dir.path().join("to.db"));
        open_writer(&from, "").unwrap();
        std::fs::write(&to, "precious").unwrap();
        assert!(matches!(copy(&from, &to, &mut |_, _| {}), Err(BackupError::File { .. })));
        assert_eq!(std::fs::read(&to).unwrap(), b"precious");
    }

    #[test]
    fn a_failed_copy_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from.db"), dir.path().join("to.db"));
        std::fs::write(&from, "this is no database, and long enough to be looked at as one".repeat(20))
            .unwrap();
        assert!(copy(&from, &to, &mut |_, _| {}).is_err());
        let left: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["from.db"]);
    }
}
