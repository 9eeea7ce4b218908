//! Moves the write-ahead log into the database while the writer goes on writing.
//!
//! A log is begun anew only when all of it has been moved and nobody writes at that moment, which under a steady
//! load never happens by itself. So this thread moves the bulk, and asks the writer to move the little rest
//! between two batches when the log has become long.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};

use rusqlite::Connection;

use super::writer::Command;
use crate::database;

/// Pages of the log beyond which the writer is asked to finish.
const LONG_LOG_PAGES: i64 = 2048;

/// Works at every nudge until nobody can nudge any more.
pub(super) fn run(path: &Path, nudged: &Receiver<()>, commands: &Sender<Command>) {
    let mut conn = None;
    while nudged.recv().is_ok() {
        match pass(path, &mut conn) {
            Ok(log_pages) if log_pages >= LONG_LOG_PAGES => {
                if commands.send(Command::FinishCheckpoint).is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => {
                // The writer finds out by itself whether the disk fails; here nothing is lost but time.
                tracing::warn!(%error, "the queue's log cannot be moved into its database");
                conn = None;
            }
        }
    }
}

/// One pass; the length of the log in pages. It waits for nobody who writes: the file was made, and its schema looked
/// at, before this thread began.
fn pass(path: &Path, slot: &mut Option<Connection>) -> rusqlite::Result<i64> {
    let conn = match slot {
        Some(conn) => conn,
        None => slot.insert(database::open_writer(path, "")?),
    };
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::database::BUSY_PATIENCE;
    use crate::queue::embedded::file;

    #[test]
    fn a_log_is_moved_while_somebody_else_holds_the_lock_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let writer = file::open(&path).unwrap();
        writer
            .execute_batch("INSERT INTO job VALUES (1, 9, 1, 0, NULL, NULL, x'00'); BEGIN IMMEDIATE")
            .unwrap();
        let asked = Instant::now();
        let mut conn = None;
        assert!(pass(&path, &mut conn).unwrap() > 0);
        assert!(asked.elapsed() < BUSY_PATIENCE, "it waited for the lock");
        let moved: i64 =
            conn.unwrap().query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2)).unwrap();
        assert!(moved > 0, "nothing was moved");
    }
}
