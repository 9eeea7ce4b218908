//! Issues in SQLite.

use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_wire::{ProjectId, UnixMs};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::column::{HOUR_MS, PAGE_ROWS, bucket, level_at, status_at, status_code};
use super::{SqliteStore, outbox};
use crate::store::issue::{Bucket, Issue, IssueQuery, Issues, TagCount};
use crate::store::search::parse_terms;
use crate::store::{IssueId, Page, Result, Status, StoreError};

/// Columns of an issue, in the order of [`read_issue`].
const COLUMNS: &str = "id, project_id, title, type, value, culprit, level, status, regressed, ignored_until,
    event_count, stored_count, user_count, first_seen, last_seen, first_release, last_release, fingerprint,
    platform";

/// Most hours that one answer covers; a year.
const HOURS_MAX: i64 = 366 * 24;

/// A time beyond all that clocks show, and small enough to be reckoned with.
const TIME_MAX: i64 = i64::MAX / 2;

/// How often a mail that is being sent is looked at.
const SENDING_POLL: Duration = Duration::from_millis(20);

impl Issues for SqliteStore {
    fn issues(&self, query: &IssueQuery) -> Result<Page<Issue>> {
        let limit = query.limit.clamp(1, PAGE_ROWS);
        let (sql, values) = list_sql(query, limit + 1)?;
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(values), read_issue)?;
            let mut items = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let more = items.len() > limit;
            items.truncate(limit);
            let next_cursor = items.last().filter(|_| more).map(write_cursor);
            Ok(Page { items, next_cursor })
        })
    }

    fn issue(&self, id: IssueId) -> Result<Option<Issue>> {
        self.read(|conn| find(conn, id))
    }

    fn set_status(
        &self,
        id: IssueId,
        status: Status,
        ignored_until: Option<UnixMs>,
        now: UnixMs,
        patience_ms: u64,
    ) -> Result<Option<Issue>> {
        let asked = Instant::now();
        let ignored_until = ignored_until.filter(|_| status == Status::Ignored);
        let changed = self.write(|tx| {
            tx.prepare_cached(
                "UPDATE issue SET status = ?2, regressed = 0, ignored_until = ?3 WHERE id = ?1",
            )?
            .execute(params![id.0, status_code(status), ignored_until.map(|until| until.0)])?;
            if status != Status::Unresolved {
                outbox::cancel_waiting(tx, id)?;
            }
            find(tx, id)
        })?;
        if changed.is_none() || status != Status::Ignored {
            return Ok(changed);
        }
        // Nothing new is sent from here on; what is under way ends, or its sender's lease does.
        loop {
            let waited = asked.elapsed();
            let moment = now.plus_ms(i64::try_from(waited.as_millis()).unwrap_or(i64::MAX));
            if !self.read(|conn| outbox::is_sending(conn, id, moment))? {
                return Ok(changed);
            }
            if waited >= Duration::from_millis(patience_ms) {
                return Err(StoreError::Busy("the status is changed; a mail is still being sent".into()));
            }
            thread::sleep(SENDING_POLL);
        }
    }

    fn hourly_counts(&self, issues: &[IssueId], from: UnixMs, to: UnixMs) -> Result<Vec<Vec<Bucket>>> {
        // Far from where the arithmetic of hours would overflow; nothing was ever received out there.
        let sane = |at: UnixMs| UnixMs(at.0.clamp(-TIME_MAX, TIME_MAX));
        let end = sane(to).0;
        let start = bucket(sane(from), HOUR_MS).max(bucket(sane(to), HOUR_MS) - HOURS_MAX * HOUR_MS);
        let empty: Vec<Bucket> = (0..)
            .map(|hour| start + hour * HOUR_MS)
            .take_while(|hour| *hour < end)
            .map(|hour| Bucket { start: UnixMs(hour), count: 0 })
            .collect();
        self.read(|conn| {
            // One snapshot, so that the rows of one answer agree.
            let tx = conn.unchecked_transaction()?;
            let mut statement = tx.prepare_cached(
                "SELECT start, count FROM rollup WHERE issue_id = ?1 AND start >= ?2 AND start < ?3",
            )?;
            let mut answer = Vec::with_capacity(issues.len());
            for issue in issues {
                let mut hours = empty.clone();
                let mut rows = statement.query(params![issue.0, start, end])?;
                while let Some(row) = rows.next()? {
                    let (at, count): (i64, u64) = (row.get(0)?, row.get(1)?);
                    let hour = usize::try_from((at - start) / HOUR_MS).ok().and_then(|n| hours.get_mut(n));
                    if let Some(hour) = hour {
                        hour.count = hour.count.saturating_add(count);
                    }
                }
                answer.push(hours);
            }
            Ok(answer)
        })
    }

    fn tag_counts(&self, id: IssueId, per_key: usize) -> Result<Vec<TagCount>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT key, value, other, count FROM (
                     SELECT key, value, other, count,
                            row_number() OVER (PARTITION BY key, other ORDER BY count DESC, value) AS place
                     FROM tag_count WHERE issue_id = ?1
                 ) WHERE place <= ?2 ORDER BY key, other, count DESC, value",
            )?;
            let rows = statement.query_map(params![id.0, per_key.min(PAGE_ROWS)], |row| {
                let other: bool = row.get(2)?;
                Ok(TagCount {
                    key: row.get(0)?,
                    value: if other { None } else { Some(row.get(1)?) },
                    count: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn find(conn: &Connection, id: IssueId) -> Result<Option<Issue>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM issue WHERE id = ?1"))?;
    Ok(statement.query_row([id.0], read_issue).optional()?)
}

/// The statement that lists issues: one walk along the index of the project and status asked for.
pub(super) fn list_sql(query: &IssueQuery, rows: usize) -> Result<(String, Vec<Value>)> {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    if let Some(ProjectId(id)) = query.project_id {
        conditions.push("project_id = ?".to_owned());
        values.push(i64::from(id).into());
    }
    if let Some(status) = query.status {
        conditions.push("status = ?".to_owned());
        values.push(status_code(status).into());
    }
    if let Some(cursor) = &query.cursor {
        let (last_seen, id) = read_cursor(cursor)
            .ok_or_else(|| StoreError::Conflict("the cursor is not one of this list".into()))?;
        conditions.push("(last_seen, id) < (?, ?)".to_owned());
        values.extend([last_seen.into(), id.into()]);
    }
    for term in parse_terms(&query.query) {
        const IN_TEXT: &str = "title LIKE ? ESCAPE '\\' OR value LIKE ? ESCAPE '\\'
            OR culprit LIKE ? ESCAPE '\\' OR type LIKE ? ESCAPE '\\'";
        let pattern = like_pattern(&term.text);
        values.extend(std::iter::repeat_n(Value::from(pattern), 4));
        match term.tag {
            Some((key, value)) => {
                conditions.push(format!(
                    "({IN_TEXT} OR issue.id IN (SELECT issue_id FROM tag_count
                     WHERE key = ? COLLATE NOCASE AND value = ? COLLATE NOCASE AND other = 0))"
                ));
                values.extend([key.into(), value.into()]);
            }
            None => conditions.push(format!("({IN_TEXT})")),
        }
    }
    let condition = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
    values.push(i64::try_from(rows).unwrap_or(i64::MAX).into());
    let sql =
        format!("SELECT {COLUMNS} FROM issue WHERE {condition} ORDER BY last_seen DESC, id DESC LIMIT ?");
    Ok((sql, values))
}

/// A pattern for `LIKE` that matches what contains `text`, whatever characters it is made of.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn write_cursor(last: &Issue) -> String {
    format!("{}-{}", last.last_seen.0, last.id)
}

fn read_cursor(cursor: &str) -> Option<(i64, i64)> {
    let (last_seen, id) = cursor.rsplit_once('-')?;
    Some((last_seen.parse().ok()?, id.parse().ok()?))
}

fn read_issue(row: &Row<'_>) -> rusqlite::Result<Issue> {
    Ok(Issue {
        id: IssueId(row.get(0)?),
        project_id: ProjectId(row.get(1)?),
        title: row.get(2)?,
        kind: row.get(3)?,
        value: row.get(4)?,
        culprit: row.get(5)?,
        level: level_at(row, 6)?,
        status: status_at(row, 7)?,
        regressed: row.get(8)?,
        ignored_until: row.get::<_, Option<i64>>(9)?.map(UnixMs),
        count: row.get(10)?,
        stored_count: row.get(11)?,
        users: row.get(12)?,
        first_seen: UnixMs(row.get(13)?),
        last_seen: UnixMs(row.get(14)?),
        first_release: row.get(15)?,
        last_release: row.get(16)?,
        fingerprint: row.get(17)?,
        platform: row.get(18)?,
    })
}
