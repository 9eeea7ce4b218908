//! Moves the write-ahead log into the database while the writer goes on writing.
//!
//! A log is begun anew only when all of it has been moved and nobody writes at that moment, which under a steady
//! load never happens by itself. So this thread moves the bulk, and asks the writer to move the little rest
//! between two batches when the log has become long.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender};

use rusqlite::Connection;

use super::file;
use super::writer::Command;

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

/// One pass; the length of the log in pages.
fn pass(path: &Path, slot: &mut Option<Connection>) -> Result<i64, super::QueueError> {
    let conn = match slot {
        Some(conn) => conn,
        None => slot.insert(file::open(path)?),
    };
    Ok(conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?)
}
