//! What keeps the file within its budget: folding, pruning, evicting, and giving space back.
//!
//! All of it happens in short transactions between which others write. Counts are never touched: what is evicted
//! is the payload, and of each issue the first, the latest and the most telling event keep theirs. Ids of events
//! stay for a week at least, so that a late retry is still known.

use error_sentinel_wire::UnixMs;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::column::{COUNT_MAX, FINE_MS, HOUR_MS, bucket};
use crate::store::Result;

const DAY_MS: i64 = 24 * HOUR_MS;
/// Fine buckets are folded into hours when they are older.
const FINE_FOR_MS: i64 = 2 * DAY_MS;
/// Ids of evicted events and of reports are kept so long.
const IDS_FOR_MS: i64 = 7 * DAY_MS;
/// Losses are kept so long.
const LOSSES_FOR_MS: i64 = 90 * DAY_MS;

/// Rows that one transaction touches; a few milliseconds of the writer's time.
const SLICE_ROWS: usize = 200;
/// Pages that one transaction gives back.
const SLICE_PAGES: i64 = 256;
/// Events that every issue keeps: first, latest, richest.
const KEPT_COUNT: u64 = 3;
/// Issues looked at in one round of evicting, those with the most payloads first.
const ROUND_ISSUES: usize = 256;

/// What one call of [`SqliteStore::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintenance {
    /// Fine buckets folded into hours.
    pub folded_count: u64,
    /// Ids of reports forgotten.
    pub pruned_report_count: u64,
    /// Rows of evicted events forgotten.
    pub pruned_event_count: u64,
    /// Payloads evicted.
    pub evicted_count: u64,
    /// Bytes by which the file became smaller.
    pub shrunk_bytes: u64,
    /// Bytes over the budget that cannot be evicted: every issue is down to the events that it keeps.
    pub over_budget_bytes: u64,
}

impl SqliteStore {
    /// Folds, prunes, evicts down to `disk_budget_bytes` and gives free space back to the disk. To be called every
    /// few minutes; calls that find nothing to do cost little.
    ///
    /// # Errors
    /// As every use case. What was done until then stays done; the next call goes on.
    pub fn maintain(&self, now: UnixMs, disk_budget_bytes: u64) -> Result<Maintenance> {
        let mut done = Maintenance {
            folded_count: self.in_slices(|conn| fold(conn, now))?,
            pruned_report_count: self.in_slices(|conn| prune_reports(conn, now))?,
            pruned_event_count: self.in_slices(|conn| prune_events(conn, now))?,
            ..Maintenance::default()
        };
        self.write(|tx| prune_losses(tx, now))?;
        (done.evicted_count, done.over_budget_bytes) = self.evict(disk_budget_bytes)?;
        done.shrunk_bytes = self.shrink()?;
        Ok(done)
    }

    /// Repeats a slice of work, each in its own transaction, until one finds less than a whole slice.
    fn in_slices(&self, mut slice: impl FnMut(&Connection) -> Result<usize>) -> Result<u64> {
        let mut total = 0;
        loop {
            let count = self.write(|tx| slice(tx))?;
            total += count as u64;
            if count < SLICE_ROWS {
                return Ok(total);
            }
        }
    }

    /// Evicts payloads; how many, and how many bytes are over the budget still.
    fn evict(&self, budget_bytes: u64) -> Result<(u64, u64)> {
        let mut total = 0;
        if self.used_bytes()? <= budget_bytes {
            return Ok((0, 0));
        }
        // Somewhat below the budget, so that not every event that comes evicts another.
        let target_bytes = budget_bytes - budget_bytes / 20;
        loop {
            let richest = self.read(most_stored)?;
            let Some((_, most)) = richest.first() else { break };
            // Those with the most give first, and all down to the same level: no issue pays for another's storm.
            let level = (most / 4 * 3).max(KEPT_COUNT);
            let mut round = 0;
            for (issue_id, stored) in richest {
                let mut surplus = usize::try_from(stored.saturating_sub(level)).unwrap_or(usize::MAX);
                while surplus > 0 {
                    let slice = surplus.min(SLICE_ROWS);
                    let evicted = self.write(|tx| evict_of_issue(tx, issue_id, slice))?;
                    round += evicted as u64;
                    if self.used_bytes()? <= target_bytes {
                        return Ok((total + round, 0));
                    }
                    surplus = if evicted == 0 { 0 } else { surplus - slice };
                }
            }
            total += round;
            if round == 0 {
                break;
            }
        }
        Ok((total, self.used_bytes()?.saturating_sub(budget_bytes)))
    }

    /// Bytes in use, free pages aside.
    pub(super) fn used_bytes(&self) -> Result<u64> {
        self.read(|conn| {
            let (pages, free, page_bytes) = pages(conn)?;
            Ok(pages.saturating_sub(free) * page_bytes)
        })
    }

    /// Gives free pages back to the disk, but for a few that the next events need anyway.
    fn shrink(&self) -> Result<u64> {
        let before = self.read(pages)?;
        let reserve = before.0 / 32;
        let mut free = before.1;
        while free > reserve {
            let left = self.write(|tx| {
                let mut vacuum = tx.prepare(&format!("PRAGMA incremental_vacuum({SLICE_PAGES})"))?;
                let mut rows = vacuum.query([])?;
                while rows.next()?.is_some() {}
                Ok(pages(tx)?.1)
            })?;
            if left >= free {
                break;
            }
            free = left;
        }
        let after = self.read(pages)?;
        if after.0 < before.0 {
            // The file itself becomes shorter when the log is moved into it.
            self.move_log()?;
        }
        Ok(before.0.saturating_sub(after.0) * before.2)
    }
}

/// Pages of the file, those of them that are free, and bytes of a page.
fn pages(conn: &Connection) -> Result<(u64, u64, u64)> {
    let pragma = |name: &str| conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, u64>(0));
    Ok((pragma("page_count")?, pragma("freelist_count")?, pragma("page_size")?))
}

fn fold(conn: &Connection, now: UnixMs) -> Result<usize> {
    // Whole hours only: one that is folded in part would be read as whole.
    let before = bucket(now.plus_ms(-FINE_FOR_MS), HOUR_MS);
    let mut old = conn.prepare_cached(
        "SELECT issue_id, start, count FROM rollup WHERE width_ms = 300000 AND start < ?1 ORDER BY start LIMIT ?2",
    )?;
    let rows = old.query_map(params![before, SLICE_ROWS], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut remove =
        conn.prepare_cached("DELETE FROM rollup WHERE issue_id = ?1 AND start = ?2 AND width_ms = ?3")?;
    let mut add = conn.prepare_cached(
        "INSERT INTO rollup (issue_id, start, width_ms, count) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET count = min(count + excluded.count, ?5)",
    )?;
    for (issue_id, start, count) in &rows {
        remove.execute(params![issue_id, start, FINE_MS])?;
        add.execute(params![issue_id, bucket(UnixMs(*start), HOUR_MS), HOUR_MS, count, COUNT_MAX])?;
    }
    Ok(rows.len())
}

fn prune_reports(conn: &Connection, now: UnixMs) -> Result<usize> {
    let mut prune = conn.prepare_cached(
        "DELETE FROM seen_report WHERE key IN (SELECT key FROM seen_report WHERE seen_at < ?1 LIMIT ?2)",
    )?;
    Ok(prune.execute(params![now.plus_ms(-IDS_FOR_MS).0, SLICE_ROWS])?)
}

fn prune_events(conn: &Connection, now: UnixMs) -> Result<usize> {
    let mut prune = conn.prepare_cached(
        "DELETE FROM event WHERE sequence IN
             (SELECT sequence FROM event WHERE has_payload = 0 AND received_at < ?1 LIMIT ?2)",
    )?;
    Ok(prune.execute(params![now.plus_ms(-IDS_FOR_MS).0, SLICE_ROWS])?)
}

fn prune_losses(conn: &Connection, now: UnixMs) -> Result<()> {
    // Per project, so that the index is used.
    conn.prepare_cached("DELETE FROM loss WHERE project_id IN (SELECT id FROM project) AND hour < ?1")?
        .execute([now.plus_ms(-LOSSES_FOR_MS).0])?;
    Ok(())
}

/// The issues with the most payloads that have some to spare.
fn most_stored(conn: &Connection) -> Result<Vec<(i64, u64)>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, stored_count FROM issue WHERE stored_count > ?1
         ORDER BY stored_count DESC, last_seen LIMIT ?2",
    )?;
    let rows =
        statement.query_map(params![KEPT_COUNT, ROUND_ISSUES], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Evicts payloads of one issue: of its oldest ones, those that tell least.
fn evict_of_issue(conn: &Connection, issue_id: i64, max_count: usize) -> Result<usize> {
    let mut oldest = conn.prepare_cached(
        "SELECT sequence, richness FROM event
         WHERE issue_id = ?1 AND has_payload = 1
           AND sequence > (SELECT min(sequence) FROM event WHERE issue_id = ?1 AND has_payload = 1)
           AND sequence < (SELECT max(sequence) FROM event WHERE issue_id = ?1 AND has_payload = 1)
           AND sequence IS NOT (SELECT richest_sequence FROM issue WHERE id = ?1)
         ORDER BY sequence LIMIT ?2",
    )?;
    let rows = oldest.query_map(params![issue_id, max_count.saturating_mul(2)], |row| {
        Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(0)?))
    })?;
    let mut candidates = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    candidates.sort_unstable();
    candidates.truncate(max_count);
    let mut drop_payload = conn.prepare_cached("DELETE FROM payload WHERE sequence = ?1")?;
    let mut mark = conn.prepare_cached("UPDATE event SET has_payload = 0 WHERE sequence = ?1")?;
    for (_, sequence) in &candidates {
        drop_payload.execute([sequence])?;
        mark.execute([sequence])?;
    }
    conn.prepare_cached("UPDATE issue SET stored_count = stored_count - ?2 WHERE id = ?1")?
        .execute(params![issue_id, candidates.len()])?;
    Ok(candidates.len())
}
