//! Takes out of a damaged queue what can still be read of it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use error_sentinel_wire::{ProjectId, UnixMs};
use rusqlite::{Connection, OptionalExtension, Rows};

use super::file::{self, Extent, Row};
use super::{EmbeddedQueue, QueueError};
use crate::database::{self, beside};

/// Jobs moved in one transaction, after which the log is emptied.
const BATCH_JOBS: usize = 256;

/// What became of a damaged queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    /// Where the damaged file is now.
    pub aside: PathBuf,
    /// Jobs that could be read and are held by the new one.
    pub job_count: u64,
}

impl EmbeddedQueue {
    /// Puts the damaged queue at `path` aside and a new one in its place, with every job that can be read. Nobody may
    /// have it open. What was put aside before is replaced.
    ///
    /// # Errors
    /// [`QueueError`] when the files cannot be moved or written.
    pub fn rescue(path: &Path) -> Result<Rescue, QueueError> {
        let aside = beside(path, ".damaged");
        let failed = |error| QueueError(format!("{} cannot be put aside: {error}", path.display()));
        for suffix in ["", "-wal", "-shm"] {
            remove(&beside(&aside, suffix)).map_err(failed)?;
        }
        // The index is made anew from the log.
        remove(&beside(path, "-shm")).map_err(failed)?;
        for suffix in ["", "-wal"] {
            ignore_missing(fs::rename(beside(path, suffix), beside(&aside, suffix))).map_err(failed)?;
        }
        let new = file::open(path)?;
        let mut extent = Extent::default();
        if let Err(error) = move_jobs(&aside, &new, &mut extent) {
            tracing::warn!(%error, "the rest of the damaged queue cannot be read");
        }
        new.close().map_err(|(_, error)| error)?;
        Ok(Rescue { aside, job_count: extent.job_count() })
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    ignore_missing(fs::remove_file(path))
}

fn ignore_missing(done: std::io::Result<()>) -> std::io::Result<()> {
    done.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// From the oldest job on as far as it goes, and then from the newest back to there.
fn move_jobs(from: &Path, to: &Connection, extent: &mut Extent) -> Result<(), QueueError> {
    let from = Connection::open(from)?;
    let removed_up_to: i64 = from
        .query_row("SELECT removed_up_to FROM mark", [], |row| row.get(0))
        .optional()
        .unwrap_or_default()
        .unwrap_or_default();
    let mut moving = Moving { to, extent, last: removed_up_to, failure: None };
    for order in ["ASC", "DESC"] {
        let sql = format!(
            "SELECT id, project_id, received_at, remote_addr, unpacked_bytes, envelope FROM job WHERE id > ?1
             ORDER BY id {order}"
        );
        let after = moving.last;
        let mut statement = from.prepare(&sql)?;
        let mut rows = statement.query([after])?;
        while moving.batch(&mut rows)? {}
        match moving.failure.take() {
            None => break,
            Some(error) => tracing::warn!(%error, order, "a part of the damaged queue cannot be read"),
        }
    }
    Ok(())
}

struct Moving<'a> {
    to: &'a Connection,
    extent: &'a mut Extent,
    /// The last job that was read on the way up.
    last: i64,
    failure: Option<rusqlite::Error>,
}

impl Moving<'_> {
    /// Moves some jobs; `false` after the last that can be read.
    fn batch(&mut self, rows: &mut Rows<'_>) -> Result<bool, QueueError> {
        let transaction = self.to.unchecked_transaction()?;
        let mut goes_on = true;
        for _ in 0..BATCH_JOBS {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => {
                    goes_on = false;
                    break;
                }
                Err(error) => {
                    self.failure = Some(error);
                    goes_on = false;
                    break;
                }
            };
            match read(row) {
                Ok((id, row)) => {
                    file::append(&transaction, self.extent, &row)?;
                    self.last = self.last.max(id);
                }
                Err(error) => tracing::warn!(%error, "a job of the damaged queue cannot be read"),
            }
        }
        transaction.commit()?;
        database::restart_log(self.to)?;
        Ok(goes_on)
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Row)> {
    let held = Row::read(
        ProjectId(row.get(1)?),
        UnixMs(row.get(2)?),
        row.get(3)?,
        row.get(4)?,
        row.get::<_, Vec<u8>>(5)?.into(),
    );
    Ok((row.get(0)?, held))
}
