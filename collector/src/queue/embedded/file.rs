//! What lies in the queue's file.
//!
//! Ids follow one another without gaps, and each job says how many bytes came before it, so that how much is held
//! is known from the newest job and the mark of the last removal, however much that is.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use error_sentinel_wire::{ProjectId, UnixMs};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Accepted, ENVELOPE_BYTES, Job, JobId, QueueError};
use crate::database::{self, packing};

/// Pages as large as a usual envelope: fewer of them are written and chained.
const LAYOUT: &str = "PRAGMA page_size = 16384;";

/// 2 has envelopes that LZ4 packed, which no older release can read; the tables are those of 1.
const SCHEMA_VERSION: i64 = 2;

const SCHEMA: &str = "
    CREATE TABLE job (
        id             INTEGER PRIMARY KEY, -- without gaps
        byte_total     INTEGER NOT NULL,    -- bytes held by this and all jobs before it, removed ones too
        project_id     INTEGER NOT NULL,
        received_at    INTEGER NOT NULL,
        remote_addr    TEXT,
        unpacked_bytes INTEGER,             -- NULL: the envelope lies as it came
        envelope       BLOB    NOT NULL
    ) STRICT;
    -- One row: jobs up to here are removed, whether their rows are gone yet or not.
    CREATE TABLE mark (
        removed_up_to INTEGER NOT NULL,
        removed_bytes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO mark VALUES (0, 0);
    PRAGMA user_version = 2;
";

/// How long a lock is waited for; nobody else writes here, so one that is held longer is a failure.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// What a job takes beside its envelope, about.
const ROW_BYTES: u64 = 64;

/// Shorter envelopes are not worth packing.
const PACK_FROM_BYTES: usize = 256;

/// An envelope as it will lie in the file.
#[derive(Debug)]
pub(super) struct Row {
    project_id: ProjectId,
    received_at: UnixMs,
    remote_addr: Option<String>,
    unpacked_bytes: Option<usize>,
    envelope: Bytes,
}

impl Row {
    /// Packs the envelope when that pays.
    pub(super) fn pack(accepted: Accepted) -> Row {
        let plain_bytes = accepted.envelope.len();
        let packed = (plain_bytes >= PACK_FROM_BYTES)
            .then(|| packing::pack_quickly(&accepted.envelope))
            .filter(|packed| packed.len() < plain_bytes - plain_bytes / 8);
        Row {
            project_id: accepted.project_id,
            received_at: accepted.received_at,
            remote_addr: accepted.remote_addr.map(|addr| addr.to_string()),
            unpacked_bytes: packed.as_ref().map(|_| plain_bytes),
            envelope: packed.map_or(accepted.envelope, Bytes::from),
        }
    }

    /// One that lay in a file already.
    pub(super) fn read(
        project_id: ProjectId,
        received_at: UnixMs,
        remote_addr: Option<String>,
        unpacked_bytes: Option<usize>,
        envelope: Bytes,
    ) -> Row {
        Row { project_id, received_at, remote_addr, unpacked_bytes, envelope }
    }

    /// What it counts against the bound.
    pub(super) fn held_bytes(&self) -> u64 {
        self.envelope.len() as u64 + ROW_BYTES
    }
}

/// Where the jobs of a file begin and end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// The last job that was ever held; 0 before the first.
    pub(super) newest_id: i64,
    /// Bytes of all jobs ever held.
    pub(super) byte_total: u64,
    /// The last job that was removed.
    pub(super) removed_up_to: i64,
    /// Bytes of all jobs ever removed.
    pub(super) removed_bytes: u64,
}

impl Extent {
    /// Jobs held.
    pub(super) fn job_count(&self) -> u64 {
        self.newest_id.abs_diff(self.removed_up_to)
    }

    /// Bytes held.
    pub(super) fn byte_count(&self) -> u64 {
        self.byte_total.saturating_sub(self.removed_bytes)
    }
}

/// Opens the file and makes it when it is not there.
pub(super) fn open(path: &Path) -> Result<Connection, QueueError> {
    let mut conn = database::open_writer(path, LAYOUT)?;
    conn.busy_timeout(LOCK_PATIENCE)?;
    // A thread of its own does this, so that it never holds up an answer.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    // What was removed is overwritten wherever the page is written anyway.
    conn.pragma_update(None, "secure_delete", "FAST")?;
    let tx = conn.transaction()?;
    let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        SCHEMA_VERSION => {}
        0 => tx.execute_batch(SCHEMA)?,
        1 => tx.pragma_update(None, "user_version", SCHEMA_VERSION)?,
        _ => {
            return Err(QueueError(
                "the queue was written by a newer release; start that release, so that it can empty it"
                    .into(),
            ));
        }
    }
    tx.commit()?;
    Ok(conn)
}

/// Where the jobs begin and end.
pub(super) fn extent(conn: &Connection) -> Result<Extent, QueueError> {
    let (removed_up_to, removed_bytes) =
        conn.query_row("SELECT removed_up_to, removed_bytes FROM mark", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let newest = conn
        .query_row("SELECT id, byte_total FROM job ORDER BY id DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (newest_id, byte_total) = newest.unwrap_or((removed_up_to, removed_bytes));
    Ok(Extent { newest_id, byte_total, removed_up_to, removed_bytes })
}

/// Arrival of the oldest job later than `removed_up_to`.
pub(super) fn oldest(conn: &Connection, removed_up_to: i64) -> Result<Option<UnixMs>, QueueError> {
    let mut statement =
        conn.prepare_cached("SELECT received_at FROM job WHERE id > ?1 ORDER BY id LIMIT 1")?;
    Ok(statement.query_row([removed_up_to], |row| row.get(0)).optional()?.map(UnixMs))
}

/// Appends a job.
pub(super) fn append(conn: &Connection, extent: &mut Extent, row: &Row) -> Result<(), QueueError> {
    let id = extent.newest_id + 1;
    let byte_total = extent.byte_total + row.held_bytes();
    conn.prepare_cached(
        "INSERT INTO job (id, byte_total, project_id, received_at, remote_addr, unpacked_bytes, envelope)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        id,
        byte_total,
        row.project_id.0,
        row.received_at.0,
        row.remote_addr,
        row.unpacked_bytes,
        &*row.envelope
    ])?;
    (extent.newest_id, extent.byte_total) = (id, byte_total);
    Ok(())
}

/// Marks every job up to `up_to` as removed; their rows go later, by [`clear`].
pub(super) fn mark_removed(conn: &Connection, extent: &mut Extent, up_to: i64) -> Result<(), QueueError> {
    let up_to = up_to.min(extent.newest_id);
    if up_to <= extent.removed_up_to {
        return Ok(());
    }
    let removed_bytes = conn
        .prepare_cached("SELECT byte_total FROM job WHERE id = ?1")?
        .query_row([up_to], |row| row.get(0))?;
    conn.prepare_cached("UPDATE mark SET removed_up_to = ?1, removed_bytes = ?2")?
        .execute(params![up_to, removed_bytes])?;
    (extent.removed_up_to, extent.removed_bytes) = (up_to, removed_bytes);
    Ok(())
}

/// Clears at most `max_rows` of the removed jobs away; says whether that may have left some.
pub(super) fn clear(conn: &Connection, removed_up_to: i64, max_rows: i64) -> Result<bool, QueueError> {
    let first: Option<i64> = conn
        .prepare_cached("SELECT id FROM job ORDER BY id LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(first) = first.filter(|first| *first <= removed_up_to) else { return Ok(false) };
    let last = removed_up_to.min(first.saturating_add(max_rows - 1));
    conn.prepare_cached("DELETE FROM job WHERE id <= ?1")?.execute([last])?;
    Ok(last < removed_up_to)
}

/// Reads jobs in order.
pub(super) fn take(
    conn: &Connection,
    after: Option<JobId>,
    max_jobs: usize,
    max_bytes: usize,
) -> Result<Vec<Job>, QueueError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, project_id, received_at, remote_addr, unpacked_bytes, envelope FROM job
         WHERE id > max(?1, (SELECT removed_up_to FROM mark)) ORDER BY id",
    )?;
    let mut rows = statement.query([after.map_or(0, |JobId(id)| id)])?;
    let (mut jobs, mut bytes, mut damaged) = (Vec::new(), 0, None);
    while jobs.len() < max_jobs.max(1) && bytes < max_bytes.max(1) {
        let Some(row) = rows.next()? else { break };
        let id = JobId(row.get(0)?);
        let envelope = row.get_ref(5)?.as_bytes().map_err(rusqlite::Error::from)?;
        let envelope = match row.get::<_, Option<usize>>(4)? {
            None => Bytes::copy_from_slice(envelope),
            Some(plain_bytes) => match packing::unpack(envelope, plain_bytes.min(ENVELOPE_BYTES)) {
                Ok(plain) => Bytes::from(plain),
                Err(error) => {
                    // One rotten page must not keep back all that came after it.
                    tracing::error!(job = id.0, %error, "an envelope in the queue is damaged and passed over");
                    damaged = Some(id);
                    continue;
                }
            },
        };
        bytes += envelope.len();
        jobs.push(Job {
            id,
            accepted: Accepted {
                project_id: ProjectId(row.get(1)?),
                received_at: UnixMs(row.get(2)?),
                remote_addr: row.get::<_, Option<String>>(3)?.and_then(|addr| addr.parse().ok()),
                envelope,
            },
        });
    }
    match damaged {
        Some(JobId(id)) if jobs.is_empty() => Err(QueueError(format!("job {id} is damaged"))),
        _ => Ok(jobs),
    }
}

/// Begins the log anew when nobody reads it at this moment.
pub(super) fn restart_log_at_once(conn: &Connection) -> Result<bool, QueueError> {
    Ok(database::restart_log_at_once(conn, LOCK_PATIENCE)?)
}

/// Gives the space of removed jobs back to the disk; quick, since nothing may be held.
pub(super) fn shrink(conn: &Connection) -> Result<(), QueueError> {
    // All rows at once are dropped without being read, and what is left to copy is the mark.
    Ok(conn.execute_batch("DELETE FROM job; VACUUM")?)
}
