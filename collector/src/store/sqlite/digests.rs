//! Recording a batch in SQLite.

use std::collections::HashSet;

use error_sentinel_wire::{EventId, ProjectId, UnixMs};
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{COUNT_MAX, HOUR_MS, bucket, count, level_at, level_code, status_at, status_code};
use super::event::encode_grouping;
use super::tally::Tally;
use super::{SqliteStore, outbox};
use crate::store::digests::{
    Changes, Digests, IssueChange, IssueState, Known, Lookup, Loss, NewEvent, Recorded, Target,
};
use crate::store::{IssueId, Result, StoreError};

impl Digests for SqliteStore {
    fn record(&self, lookup: &Lookup, decide: &mut (dyn FnMut(Known) -> Changes + Send)) -> Result<Recorded> {
        self.bound_log()?;
        self.write(|tx| {
            let changes = decide(know(tx, lookup)?);
            let mut recorded = Recorded::default();
            for change in &changes.issues {
                let (project_id, issue_id) = apply(tx, change)?;
                recorded.issues.push((project_id, issue_id));
                recorded.rang |= change.alarm.is_some();
            }
            write_losses(tx, &changes)?;
            Ok(recorded)
        })
    }

    fn losses(&self, project_id: ProjectId, from: UnixMs) -> Result<Vec<Loss>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT max(hour), reason, category, min(total(quantity), ?3) FROM loss
                 WHERE project_id = ?1 AND hour >= ?2 GROUP BY reason, category
                 ORDER BY total(quantity) DESC, reason, category",
            )?;
            let hour = bucket(from, HOUR_MS);
            let rows = statement.query_map(params![project_id.0, hour, COUNT_MAX], |row| {
                Ok(Loss {
                    project_id,
                    at: UnixMs(row.get(0)?),
                    reason: row.get(1)?,
                    category: row.get(2)?,
                    quantity: row.get::<_, f64>(3)? as u64,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Reads what the decision depends on: point look-ups, each by a prepared statement on a unique index.
fn know(conn: &Connection, lookup: &Lookup) -> Result<Known> {
    let mut known = Known::default();
    let mut event = conn.prepare_cached("SELECT 1 FROM event WHERE event_id = ?1 AND project_id = ?2")?;
    for (project_id, event_id) in &lookup.event_ids {
        if event.exists(params![event_id.0.to_be_bytes(), project_id.0])? {
            known.seen_events.insert((*project_id, *event_id));
        }
    }
    let mut report = conn.prepare_cached("SELECT 1 FROM seen_report WHERE key = ?1")?;
    for key in &lookup.report_keys {
        if report.exists([key])? {
            known.seen_reports.insert(*key);
        }
    }
    let mut group =
        conn.prepare_cached("SELECT issue_id FROM issue_group WHERE project_id = ?1 AND hash = ?2")?;
    for (project_id, hash) in &lookup.groups {
        let found: Option<i64> = group.query_row(params![project_id.0, hash], |row| row.get(0)).optional()?;
        if let Some(id) = found {
            known.groups.insert((*project_id, *hash), IssueId(id));
        }
    }
    let mut state =
        conn.prepare_cached("SELECT status, ignored_until, last_alarm_at, level FROM issue WHERE id = ?1")?;
    for id in known.groups.values().copied().collect::<HashSet<_>>() {
        let found = state.query_row([id.0], |row| {
            Ok(IssueState {
                status: status_at(row, 0)?,
                ignored_until: row.get::<_, Option<i64>>(1)?.map(UnixMs),
                last_alarm_at: row.get::<_, Option<i64>>(2)?.map(UnixMs),
                level: level_at(row, 3)?,
            })
        })?;
        known.issues.insert(id, found);
    }
    Ok(known)
}

/// Does to one issue what was decided.
fn apply(conn: &Connection, change: &IssueChange) -> Result<(ProjectId, IssueId)> {
    let (project_id, issue_id, user_count, mut richness) = target(conn, change)?;

    let mut tally = Tally::default();
    let mut sum = Sum::default();
    for event in &change.events {
        let Some(sequence) = insert_event(conn, project_id, issue_id, event)? else { continue };
        tally.add(event);
        sum.add(event);
        if i64::from(event.richness) > richness {
            richness = i64::from(event.richness);
            sum.richest_sequence = Some(sequence);
        }
    }
    let new_users = tally.write(conn, issue_id, user_count)?;

    let status = change.status.map(|(status, regressed)| (status_code(status), regressed));
    conn.prepare_cached(
        "UPDATE issue SET
             level            = max(level, ?2),
             status           = coalesce(?3, status),
             regressed        = coalesce(?4, regressed),
             ignored_until    = CASE WHEN ?3 IS NULL THEN ignored_until END,
             last_alarm_at    = coalesce(?5, last_alarm_at),
             event_count      = min(event_count + ?6, ?7),
             stored_count     = stored_count + ?8,
             user_count       = user_count + ?9,
             first_seen       = min(first_seen, coalesce(?10, first_seen)),
             last_seen        = max(last_seen, coalesce(?11, last_seen)),
             first_release    = coalesce(first_release, ?12),
             last_release     = coalesce(?13, last_release),
             richest_sequence = coalesce(?14, richest_sequence),
             richness         = ?15
         WHERE id = ?1",
    )?
    .execute(params![
        issue_id.0,
        level_code(change.level),
        status.map(|(code, _)| code),
        status.map(|(_, regressed)| regressed),
        change.alarm.as_ref().map(|alarm| alarm.at.0),
        sum.occurrence_count,
        COUNT_MAX,
        sum.stored_count,
        new_users,
        sum.first_seen.map(|at| at.0),
        sum.last_seen.map(|at| at.0),
        sum.first_release,
        sum.last_release,
        sum.richest_sequence,
        richness,
    ])?;

    let mut attach = conn.prepare_cached(
        "INSERT OR IGNORE INTO issue_group (project_id, hash, issue_id) VALUES (?1, ?2, ?3)",
    )?;
    for hash in &change.groups {
        attach.execute(params![project_id.0, hash, issue_id.0])?;
    }
    if let Some(alarm) = &change.alarm {
        outbox::insert(conn, project_id, issue_id, alarm)?;
    }
    Ok((project_id, issue_id))
}

/// The issue meant, made when it is new: its project, its id, its users and the richness of its richest event.
fn target(conn: &Connection, change: &IssueChange) -> Result<(ProjectId, IssueId, usize, i64)> {
    match &change.target {
        Target::Existing(id) => {
            let mut find =
                conn.prepare_cached("SELECT project_id, user_count, richness FROM issue WHERE id = ?1")?;
            find.query_row([id.0], |row| Ok((ProjectId(row.get(0)?), *id, row.get(1)?, row.get(2)?)))
                .optional()?
                .ok_or_else(|| StoreError::Conflict(format!("there is no issue {id}")))
        }
        Target::New(new) => {
            let received = || change.events.iter().map(|event| event.received_at);
            conn.prepare_cached(
                "INSERT INTO issue (project_id, title, type, value, culprit, platform, fingerprint, level,
                                    first_seen, last_seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                new.project_id.0,
                new.title,
                new.kind,
                new.value,
                new.culprit,
                new.platform,
                new.fingerprint,
                level_code(change.level),
                received().min().unwrap_or_default().0,
                received().max().unwrap_or_default().0,
            ])?;
            Ok((new.project_id, IssueId(conn.last_insert_rowid()), 0, -1))
        }
    }
}

/// What a batch adds to an issue's own row.
#[derive(Debug, Default)]
struct Sum<'a> {
    occurrence_count: i64,
    stored_count: i64,
    first_seen: Option<UnixMs>,
    last_seen: Option<UnixMs>,
    first_release: Option<&'a str>,
    last_release: Option<&'a str>,
    richest_sequence: Option<i64>,
}

impl<'a> Sum<'a> {
    fn add(&mut self, event: &'a NewEvent) {
        let at = event.received_at;
        self.occurrence_count =
            self.occurrence_count.saturating_add(count(event.occurrence_count)).min(COUNT_MAX);
        self.stored_count += 1;
        self.first_seen = Some(self.first_seen.map_or(at, |first| first.min(at)));
        self.last_seen = Some(self.last_seen.map_or(at, |last| last.max(at)));
        let release = event.release.as_deref();
        self.first_release = self.first_release.or(release);
        self.last_release = release.or(self.last_release);
    }
}

/// Inserts an event with its payload; `None` when it was recorded before.
fn insert_event(
    conn: &Connection,
    project_id: ProjectId,
    issue_id: IssueId,
    event: &NewEvent,
) -> Result<Option<i64>> {
    let EventId(id) = event.event_id;
    let inserted = conn
        .prepare_cached(
            "INSERT INTO event (event_id, project_id, issue_id, received_at, timestamp, skew_ms,
                 occurrence_count, level, richness, has_payload, release, environment, app, user, trace_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (event_id, project_id) DO NOTHING",
        )?
        .execute(params![
            id.to_be_bytes(),
            project_id.0,
            issue_id.0,
            event.received_at.0,
            event.timestamp.map(|at| at.0),
            event.skew_ms,
            count(event.occurrence_count),
            level_code(event.level),
            event.richness,
            event.release,
            event.environment,
            event.app,
            event.users.first(),
            event.trace_id.map(|id| id.0.to_be_bytes()),
        ])?;
    if inserted == 0 {
        return Ok(None);
    }
    let sequence = conn.last_insert_rowid();
    conn.prepare_cached("INSERT INTO payload (sequence, body, grouping) VALUES (?1, ?2, ?3)")?
        .execute(params![sequence, event.payload.compressed, encode_grouping(&event.grouping)?])?;
    Ok(Some(sequence))
}

fn write_losses(conn: &Connection, changes: &Changes) -> Result<()> {
    let mut add = conn.prepare_cached(
        "INSERT INTO loss (project_id, hour, reason, category, quantity) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET quantity = min(quantity + excluded.quantity, ?6)",
    )?;
    for loss in &changes.losses {
        add.execute(params![
            loss.project_id.0,
            bucket(loss.at, HOUR_MS),
            loss.reason,
            loss.category,
            count(loss.quantity),
            COUNT_MAX
        ])?;
    }
    let mut see = conn.prepare_cached("INSERT OR IGNORE INTO seen_report (key, seen_at) VALUES (?1, ?2)")?;
    let seen_at = changes.losses.iter().map(|loss| loss.at).max().unwrap_or_default();
    for key in &changes.report_keys {
        see.execute(params![key, seen_at.0])?;
    }
    Ok(())
}
