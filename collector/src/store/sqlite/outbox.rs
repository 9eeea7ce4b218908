//! Alarms in SQLite.

use error_sentinel_wire::{EventId, ProjectId, UnixMs};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use crate::store::digests::NewAlarm;
use crate::store::outbox::{Alarm, AlarmId, AlarmKind, AlarmState, Outbox};
use crate::store::{IssueId, Result, StoreError};

impl Outbox for SqliteStore {
    fn waiting_count(&self) -> Result<u64> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached("SELECT count(*) FROM alarm WHERE state = 'waiting'")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }

    fn dead_letters(&self, limit: usize) -> Result<Vec<Alarm>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, project_id, issue_id, event_id, kind, state, created_at, next_attempt_at,
                        attempt_count, error, delivered_to
                 FROM alarm WHERE state = 'dead' ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = statement.query_and_then([i64::try_from(limit).unwrap_or(i64::MAX)], read_alarm)?;
            rows.collect()
        })
    }

    fn resend(&self, id: AlarmId, now: UnixMs) -> Result<bool> {
        self.write(|tx| {
            let changed = tx.execute(
                "UPDATE alarm SET state = 'waiting', next_attempt_at = ?2, attempt_count = 0, lease_until = NULL
                 WHERE id = ?1 AND state = 'dead'",
                params![id.0, now.0],
            )?;
            Ok(changed > 0)
        })
    }
}

/// Puts an alarm into the outbox, within the transaction that changes its issue.
pub(super) fn insert(
    conn: &Connection,
    project_id: ProjectId,
    issue_id: IssueId,
    alarm: &NewAlarm,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO alarm (project_id, issue_id, event_id, kind, state, created_at, next_attempt_at)
         VALUES (?1, ?2, ?3, ?4, 'waiting', ?5, ?5)",
    )?
    .execute(params![
        project_id.0,
        issue_id.0,
        alarm.event_id.0.to_be_bytes(),
        kind_name(alarm.kind),
        alarm.at.0
    ])?;
    Ok(())
}

/// Cancels what waits to be sent about an issue, within the transaction that changes its status.
pub(super) fn cancel_waiting(conn: &Connection, issue_id: IssueId) -> Result<()> {
    conn.prepare_cached("UPDATE alarm SET state = 'cancelled' WHERE issue_id = ?1 AND state = 'waiting'")?
        .execute([issue_id.0])?;
    Ok(())
}

/// Whether something about an issue is being sent at this moment, by a sender that is alive.
pub(super) fn is_sending(conn: &Connection, issue_id: IssueId, now: UnixMs) -> Result<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM alarm WHERE issue_id = ?1 AND state = 'sending' AND lease_until > ?2)",
    )?;
    Ok(statement.query_row(params![issue_id.0, now.0], |row| row.get(0))?)
}

fn read_alarm(row: &Row<'_>) -> Result<Alarm> {
    let (kind, state): (String, String) = (row.get(4)?, row.get(5)?);
    let delivered_to: String = row.get(10)?;
    Ok(Alarm {
        id: AlarmId(row.get(0)?),
        project_id: ProjectId(row.get(1)?),
        issue_id: IssueId(row.get(2)?),
        event_id: EventId(u128::from_be_bytes(row.get(3)?)),
        kind: KINDS.iter().find(|(_, name)| *name == kind).map(|(kind, _)| *kind).ok_or_else(damaged)?,
        state: STATES.iter().find(|(_, name)| *name == state).map(|(state, _)| *state).ok_or_else(damaged)?,
        created_at: UnixMs(row.get(6)?),
        next_attempt_at: UnixMs(row.get(7)?),
        attempt_count: row.get(8)?,
        error: row.get(9)?,
        delivered_to: serde_json::from_str(&delivered_to).map_err(|_| damaged())?,
    })
}

fn damaged() -> StoreError {
    StoreError::Unusable("an alarm's row cannot be read".into())
}

const KINDS: [(AlarmKind, &str); 4] = [
    (AlarmKind::New, "new"),
    (AlarmKind::Regressed, "regressed"),
    (AlarmKind::Critical, "critical"),
    (AlarmKind::Unmuted, "unmuted"),
];

const STATES: [(AlarmState, &str); 5] = [
    (AlarmState::Waiting, "waiting"),
    (AlarmState::Sending, "sending"),
    (AlarmState::Sent, "sent"),
    (AlarmState::Dead, "dead"),
    (AlarmState::Cancelled, "cancelled"),
];

fn kind_name(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::New => "new",
        AlarmKind::Regressed => "regressed",
        AlarmKind::Critical => "critical",
        AlarmKind::Unmuted => "unmuted",
    }
}
