//! What one batch adds to the counts of one issue: summed in memory, written once per row.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest as _, Sha256};

use super::column::{COUNT_MAX, FINE_MS, bucket, count};
use crate::store::digests::NewEvent;
use crate::store::{IssueId, Result};

/// Distinct values counted of one tag of one issue; the rest is counted together.
pub(super) const TAG_VALUES: usize = 100;
/// Distinct tags counted of one issue; further ones are found in the events alone.
pub(super) const TAG_KEYS: usize = 200;
/// Distinct users counted of one issue; exact below.
pub(super) const USERS: usize = 10_000;

/// Sums over the events of one issue in one batch.
#[derive(Debug, Default)]
pub(super) struct Tally<'a> {
    buckets: BTreeMap<i64, i64>,
    tags: BTreeMap<&'a str, BTreeMap<&'a str, i64>>,
    users: BTreeSet<[u8; 16]>,
}

impl<'a> Tally<'a> {
    /// Adds an event.
    pub(super) fn add(&mut self, event: &'a NewEvent) {
        let sum = self.buckets.entry(bucket(event.received_at, FINE_MS)).or_default();
        *sum = add_counts(*sum, count(event.occurrence_count));
        for (key, value, occurrences) in &event.tags {
            let sum = self.tags.entry(key).or_default().entry(value).or_default();
            *sum = add_counts(*sum, count(*occurrences));
        }
        self.users.extend(event.users.iter().map(|user| identity(user)));
    }

    /// Writes everything; returns how many users were new. `user_count` is that of the issue before.
    pub(super) fn write(&self, conn: &Connection, issue_id: IssueId, user_count: usize) -> Result<usize> {
        let mut upsert = conn.prepare_cached(
            "INSERT INTO rollup (issue_id, start, width_ms, count) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET count = min(count + excluded.count, ?5)",
        )?;
        for (start, sum) in &self.buckets {
            upsert.execute(params![issue_id.0, start, FINE_MS, sum, COUNT_MAX])?;
        }
        self.write_tags(conn, issue_id)?;
        self.write_users(conn, issue_id, user_count)
    }

    fn write_tags(&self, conn: &Connection, issue_id: IssueId) -> Result<()> {
        let mut add = conn.prepare_cached(
            "UPDATE tag_count SET count = min(count + ?4, ?5)
             WHERE issue_id = ?1 AND key = ?2 AND other = 0 AND value = ?3",
        )?;
        let mut insert = conn.prepare_cached(
            "INSERT INTO tag_count (issue_id, key, value, other, count) VALUES (?1, ?2, ?3, 0, ?4)",
        )?;
        let mut key_count = None;
        for (key, values) in &self.tags {
            // Counted once per key and batch, and only when a value is new.
            let mut value_count = None;
            let mut other = 0;
            for (value, sum) in values {
                if add.execute(params![issue_id.0, key, value, sum, COUNT_MAX])? > 0 {
                    continue;
                }
                let distinct = match value_count {
                    Some(distinct) => distinct,
                    None => *value_count.insert(distinct_values(conn, issue_id, key)?),
                };
                if distinct >= TAG_VALUES {
                    other = add_counts(other, *sum);
                    continue;
                }
                if distinct == 0 {
                    let keys = match key_count {
                        Some(keys) => keys,
                        None => *key_count.insert(distinct_keys(conn, issue_id)?),
                    };
                    if keys >= TAG_KEYS {
                        break;
                    }
                    key_count = Some(keys + 1);
                }
                insert.execute(params![issue_id.0, key, value, sum])?;
                value_count = Some(distinct + 1);
            }
            if other > 0 {
                conn.prepare_cached(
                    "INSERT INTO tag_count (issue_id, key, value, other, count) VALUES (?1, ?2, '', 1, ?3)
                     ON CONFLICT DO UPDATE SET count = min(count + excluded.count, ?4)",
                )?
                .execute(params![issue_id.0, key, other, COUNT_MAX])?;
            }
        }
        Ok(())
    }

    fn write_users(&self, conn: &Connection, issue_id: IssueId, user_count: usize) -> Result<usize> {
        let mut insert =
            conn.prepare_cached("INSERT OR IGNORE INTO issue_user (issue_id, identity) VALUES (?1, ?2)")?;
        let mut new_count = 0;
        for identity in &self.users {
            if user_count + new_count >= USERS {
                break;
            }
            new_count += insert.execute(params![issue_id.0, identity])?;
        }
        Ok(new_count)
    }
}

/// Counts are clamped one by one, so the sum of two never overflows; the sum of many must not either.
fn add_counts(sum: i64, more: i64) -> i64 {
    sum.saturating_add(more).min(COUNT_MAX)
}

fn distinct_values(conn: &Connection, issue_id: IssueId, key: &str) -> Result<usize> {
    let mut statement =
        conn.prepare_cached("SELECT count(*) FROM tag_count WHERE issue_id = ?1 AND key = ?2 AND other = 0")?;
    Ok(statement.query_row(params![issue_id.0, key], |row| row.get(0))?)
}

/// How many tags an issue has, up to the bound: one look into the index per tag, not one per value.
fn distinct_keys(conn: &Connection, issue_id: IssueId) -> Result<usize> {
    let mut next = conn
        .prepare_cached("SELECT key FROM tag_count WHERE issue_id = ?1 AND key > ?2 ORDER BY key LIMIT 1")?;
    let first: Option<String> = conn
        .prepare_cached("SELECT key FROM tag_count WHERE issue_id = ?1 ORDER BY key LIMIT 1")?
        .query_row([issue_id.0], |row| row.get(0))
        .optional()?;
    let mut at = first;
    let mut found = 0;
    while let Some(key) = at.filter(|_| found < TAG_KEYS) {
        found += 1;
        at = next.query_row(params![issue_id.0, key], |row| row.get(0)).optional()?;
    }
    Ok(found)
}

/// What is kept of a user for counting: enough to tell users apart, too little to name one at a glance.
fn identity(user: &str) -> [u8; 16] {
    let hash = Sha256::digest(user.as_bytes());
    let mut identity = [0; 16];
    for (to, from) in identity.iter_mut().zip(hash) {
        *to = from;
    }
    identity
}
