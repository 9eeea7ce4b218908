//! Alarms and the mails that tell them, in SQLite.

use error_sentinel_wire::{EventId, ProjectId, UnixMs};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::SqliteStore;
use crate::settings::{Secret, SmtpSettings, SmtpTls};
use crate::store::digests::NewAlarm;
use crate::store::outbox::{
    Alarm, AlarmId, AlarmKind, AlarmState, Backlog, ClaimedMail, MailId, Outbox, Outcome, PastMail,
    PlannedMail, Progress, WaitingAlarm,
};
use crate::store::{IssueId, Result, StoreError};

/// Alarms that are looked at when mails are decided; the rest waits for the next digest.
const BACKLOG_MAX: i64 = 10_000;
/// Rows that are forgotten in one transaction, so that nobody waits for it.
const FORGET_MAX: i64 = 5_000;
/// Name of the row that holds the mail server.
const SMTP: &str = "smtp";

impl Outbox for SqliteStore {
    fn waiting_count(&self) -> Result<u64> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached("SELECT count(*) FROM alarm WHERE state = 'waiting'")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }

    fn dead_letters(&self, limit: usize) -> Result<Vec<Alarm>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {ALARM} FROM alarm WHERE state = 'dead' ORDER BY id DESC LIMIT ?1"
            ))?;
            let rows = statement.query_and_then([i64::try_from(limit).unwrap_or(i64::MAX)], read_alarm)?;
            rows.collect()
        })
    }

    fn resend(&self, id: AlarmId, now: UnixMs) -> Result<bool> {
        self.write(|tx| {
            // A mail of its own: mail servers drop a second one of the same id.
            let made = tx.execute(
                "INSERT INTO mail (project_id, is_digest, planned_at)
                 SELECT project_id, 0, ?2 FROM alarm WHERE id = ?1 AND state = 'dead'",
                params![id.0, now.0],
            )?;
            if made == 0 {
                return Ok(false);
            }
            tx.execute(
                "UPDATE alarm SET state = 'waiting', mail_id = ?3, next_attempt_at = ?2, attempted_at = NULL,
                        attempt_count = 0, lease_until = NULL, error = NULL, refused = '[]'
                 WHERE id = ?1",
                params![id.0, now.0, tx.last_insert_rowid()],
            )?;
            Ok(true)
        })
    }

    fn plan_mails(
        &self,
        now: UnixMs,
        past_from: UnixMs,
        decide: &mut (dyn FnMut(&Backlog) -> Vec<PlannedMail> + Send),
    ) -> Result<()> {
        // The writer is asked for only when there is something to write.
        let some = self.read(|conn| {
            let any = "SELECT EXISTS (SELECT 1 FROM alarm WHERE state = 'waiting' AND mail_id IS NULL)";
            Ok(conn.prepare_cached(any)?.query_row([], |row| row.get::<_, bool>(0))?)
        })?;
        if !some {
            return Ok(());
        }
        self.write(|tx| {
            for backlog in backlogs(tx, past_from)? {
                for mail in decide(&backlog) {
                    plan(tx, backlog.project_id, &mail, now)?;
                }
            }
            Ok(())
        })
    }

    fn claim_mail(&self, now: UnixMs, lease_ms: i64) -> Result<Option<ClaimedMail>> {
        // A lease or a try that lies further ahead than any can is from before the clock was set back.
        let due =
            "(state = 'waiting' AND mail_id IS NOT NULL AND (next_attempt_at <= ?1 OR attempted_at > ?1))
                OR (state = 'sending' AND (lease_until <= ?1 OR lease_until > ?1 + ?2))";
        if !self.read(|conn| {
            let any = format!("SELECT EXISTS (SELECT 1 FROM alarm WHERE {due})");
            Ok(conn.prepare_cached(&any)?.query_row([now.0, lease_ms], |row| row.get::<_, bool>(0))?)
        })? {
            return Ok(None);
        }
        self.write(|tx| {
            tx.execute(
                "UPDATE alarm SET state = 'waiting', lease_until = NULL, next_attempt_at = ?1
                 WHERE state = 'sending' AND (lease_until <= ?1 OR lease_until > ?1 + ?2)",
                [now.0, lease_ms],
            )?;
            // Whoever resolved or ignored an issue has cancelled its alarms; a try that failed meanwhile, or
            // one sent again by hand, is caught here.
            tx.execute(
                "UPDATE alarm SET state = 'cancelled'
                 WHERE state = 'waiting' AND mail_id IS NOT NULL AND (next_attempt_at <= ?1 OR attempted_at > ?1)
                   AND (SELECT status FROM issue WHERE issue.id = alarm.issue_id) IS NOT 0",
                [now.0],
            )?;
            let found = tx
                .prepare_cached(
                    "SELECT mail.id, mail.project_id, mail.is_digest, mail.planned_at
                     FROM alarm JOIN mail ON mail.id = alarm.mail_id
                     WHERE alarm.state = 'waiting' AND (next_attempt_at <= ?1 OR attempted_at > ?1)
                     GROUP BY mail.id
                     ORDER BY max(kind = 'critical') DESC, min(attempt_count), mail.id LIMIT 1",
                )?
                .query_row([now.0], |row| {
                    Ok((MailId(row.get(0)?), ProjectId(row.get(1)?), row.get(2)?, UnixMs(row.get(3)?)))
                })
                .optional()?;
            let Some((id, project_id, is_digest, planned_at)) = found else { return Ok(None) };
            tx.execute(
                "UPDATE alarm SET state = 'sending', lease_until = ?1 + ?2, attempted_at = ?1
                 WHERE mail_id = ?3 AND state = 'waiting'
                   AND (SELECT status FROM issue WHERE issue.id = alarm.issue_id) IS 0",
                params![now.0, lease_ms, id.0],
            )?;
            let alarms: Vec<Alarm> = tx
                .prepare_cached(&format!(
                    "SELECT {ALARM} FROM alarm WHERE mail_id = ?1 AND state = 'sending' ORDER BY id"
                ))?
                .query_and_then([id.0], read_alarm)?
                .collect::<Result<_>>()?;
            let Some(first) = alarms.first() else { return Ok(None) };
            let (attempt_count, delivered_to, refused) =
                (first.attempt_count, first.delivered_to.clone(), first.refused.clone());
            Ok(Some(ClaimedMail {
                id,
                project_id,
                is_digest,
                planned_at,
                alarms,
                attempt_count,
                delivered_to,
                refused,
            }))
        })
    }

    fn renew_mail(
        &self,
        id: MailId,
        progress: &Progress,
        now: UnixMs,
        lease_ms: i64,
    ) -> Result<Vec<AlarmId>> {
        self.write(|tx| {
            tx.execute(
                "UPDATE alarm SET lease_until = ?2, delivered_to = ?3, refused = ?4
                 WHERE mail_id = ?1 AND state = 'sending'",
                params![
                    id.0,
                    now.plus_ms(lease_ms).0,
                    json(&progress.delivered_to)?,
                    json(&progress.refused)?
                ],
            )?;
            let mut statement = tx.prepare_cached(
                "SELECT alarm.id FROM alarm JOIN issue ON issue.id = alarm.issue_id
                 WHERE mail_id = ?1 AND state = 'sending' AND issue.status = 0 ORDER BY alarm.id",
            )?;
            let rows = statement.query_map([id.0], |row| Ok(AlarmId(row.get(0)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn settle_mail(&self, id: MailId, progress: &Progress, outcome: &Outcome, now: UnixMs) -> Result<()> {
        let (state, at, error) = match outcome {
            Outcome::Sent => ("sent", now, None),
            Outcome::Retry { at, error } => ("waiting", *at, Some(error)),
            Outcome::Dead { error } => ("dead", now, Some(error)),
        };
        self.write(|tx| {
            // What was resolved or ignored while it was being sent is not tried again.
            tx.execute(
                "UPDATE alarm SET lease_until = NULL, next_attempt_at = ?3, attempted_at = ?4,
                        attempt_count = attempt_count + 1, error = ?5, delivered_to = ?6, refused = ?7,
                        state = CASE WHEN ?2 = 'waiting'
                                      AND (SELECT status FROM issue WHERE issue.id = alarm.issue_id) IS NOT 0
                                THEN 'cancelled' ELSE ?2 END
                 WHERE mail_id = ?1 AND state = 'sending'",
                params![
                    id.0,
                    state,
                    at.0,
                    now.0,
                    error,
                    json(&progress.delivered_to)?,
                    json(&progress.refused)?
                ],
            )?;
            Ok(())
        })
    }

    fn next_mail_at(&self) -> Result<Option<UnixMs>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT min(at) FROM (
                   SELECT min(next_attempt_at) AS at FROM alarm WHERE state = 'waiting' AND mail_id IS NOT NULL
                   UNION ALL SELECT min(lease_until) FROM alarm WHERE state = 'sending')",
            )?;
            Ok(statement.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(UnixMs))
        })
    }

    fn mail_thread(&self, issue_id: IssueId, recipient: &str, message_id: &str) -> Result<String> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO mail_thread (issue_id, recipient, message_id) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
                params![issue_id.0, recipient, message_id],
            )?;
            let root = "SELECT message_id FROM mail_thread WHERE issue_id = ?1 AND recipient = ?2";
            Ok(tx.query_row(root, params![issue_id.0, recipient], |row| row.get(0))?)
        })
    }

    fn forget_alarms(&self, before: UnixMs) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "DELETE FROM alarm WHERE id IN (
                   SELECT id FROM alarm WHERE state IN ('sent', 'cancelled') AND next_attempt_at < ?1 LIMIT ?2)",
                [before.0, FORGET_MAX],
            )?;
            tx.execute(
                "DELETE FROM mail WHERE id IN (
                   SELECT id FROM mail WHERE planned_at < ?1
                     AND NOT EXISTS (SELECT 1 FROM alarm WHERE alarm.mail_id = mail.id) LIMIT ?2)",
                [before.0, FORGET_MAX],
            )?;
            Ok(())
        })
    }

    fn mail_settings(&self) -> Result<Option<SmtpSettings>> {
        let stored: Option<String> = self.read(|conn| {
            let mut statement = conn.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
            Ok(statement.query_row([SMTP], |row| row.get(0)).optional()?)
        })?;
        // The reason stays unsaid: it could quote the password.
        let damaged =
            |_| StoreError::Unusable("the stored mail settings cannot be read; set them anew".into());
        let Some(stored) = stored else { return Ok(None) };
        let stored: StoredSmtp = serde_json::from_str(&stored).map_err(damaged)?;
        Ok(Some(stored.into()))
    }

    fn set_mail_settings(&self, smtp: Option<&SmtpSettings>) -> Result<()> {
        self.write(|tx| {
            match smtp {
                None => tx.execute("DELETE FROM setting WHERE name = ?1", [SMTP])?,
                Some(smtp) => tx.execute(
                    "INSERT INTO setting (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    params![SMTP, json(&StoredSmtp::from(smtp))?],
                )?,
            };
            Ok(())
        })
    }
}

/// What waits without a mail, project by project.
fn backlogs(conn: &Connection, past_from: UnixMs) -> Result<Vec<Backlog>> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT project_id FROM alarm WHERE state = 'waiting' AND mail_id IS NULL",
    )?;
    let projects: Vec<u32> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut waiting = conn.prepare_cached(
        "SELECT id, issue_id, kind, created_at FROM alarm
         WHERE project_id = ?1 AND state = 'waiting' AND mail_id IS NULL ORDER BY id LIMIT ?2",
    )?;
    let mut past = conn.prepare_cached(
        "SELECT planned_at, is_digest FROM mail WHERE project_id = ?1 AND planned_at >= ?2",
    )?;
    projects
        .into_iter()
        .map(|project| {
            let waiting = waiting
                .query_and_then(params![project, BACKLOG_MAX], |row| {
                    Ok(WaitingAlarm {
                        id: AlarmId(row.get(0)?),
                        issue_id: IssueId(row.get(1)?),
                        kind: kind(&row.get::<_, String>(2)?)?,
                        created_at: UnixMs(row.get(3)?),
                    })
                })?
                .collect::<Result<_>>()?;
            let past = past
                .query_map(params![project, past_from.0], |row| {
                    Ok(PastMail { planned_at: UnixMs(row.get(0)?), is_digest: row.get(1)? })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Backlog { project_id: ProjectId(project), waiting, past })
        })
        .collect()
}

fn plan(conn: &Connection, project_id: ProjectId, mail: &PlannedMail, now: UnixMs) -> Result<()> {
    conn.prepare_cached("INSERT INTO mail (project_id, is_digest, planned_at) VALUES (?1, ?2, ?3)")?
        .execute(params![project_id.0, mail.is_digest, now.0])?;
    let id = conn.last_insert_rowid();
    let mut statement = conn.prepare_cached(
        "UPDATE alarm SET mail_id = ?1, next_attempt_at = ?2
         WHERE id = ?3 AND state = 'waiting' AND mail_id IS NULL",
    )?;
    for alarm in &mail.alarms {
        statement.execute(params![id, now.0, alarm.0])?;
    }
    Ok(())
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

/// The columns that [`read_alarm`] reads.
const ALARM: &str = "id, project_id, issue_id, event_id, kind, state, created_at, next_attempt_at,
    attempt_count, error, delivered_to, refused";

fn read_alarm(row: &Row<'_>) -> Result<Alarm> {
    let state: String = row.get(5)?;
    let (delivered_to, refused): (String, String) = (row.get(10)?, row.get(11)?);
    Ok(Alarm {
        id: AlarmId(row.get(0)?),
        project_id: ProjectId(row.get(1)?),
        issue_id: IssueId(row.get(2)?),
        event_id: EventId(u128::from_be_bytes(row.get(3)?)),
        kind: kind(&row.get::<_, String>(4)?)?,
        state: STATES.iter().find(|(_, name)| *name == state).map(|(state, _)| *state).ok_or_else(damaged)?,
        created_at: UnixMs(row.get(6)?),
        next_attempt_at: UnixMs(row.get(7)?),
        attempt_count: row.get(8)?,
        error: row.get(9)?,
        delivered_to: serde_json::from_str(&delivered_to).map_err(|_| damaged())?,
        refused: serde_json::from_str(&refused).map_err(|_| damaged())?,
    })
}

fn damaged() -> StoreError {
    StoreError::Unusable("an alarm's row cannot be read".into())
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Storage(error.to_string()))
}

const STATES: [(AlarmState, &str); 5] = [
    (AlarmState::Waiting, "waiting"),
    (AlarmState::Sending, "sending"),
    (AlarmState::Sent, "sent"),
    (AlarmState::Dead, "dead"),
    (AlarmState::Cancelled, "cancelled"),
];

fn kind(name: &str) -> Result<AlarmKind> {
    AlarmKind::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind).ok_or_else(damaged)
}

fn kind_name(kind: AlarmKind) -> &'static str {
    AlarmKind::NAMES.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

/// The mail server as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredSmtp {
    host: String,
    port: u16,
    from: String,
    to: Vec<String>,
    username: Option<String>,
    password: Option<String>,
    tls: String,
}

impl From<&SmtpSettings> for StoredSmtp {
    fn from(smtp: &SmtpSettings) -> StoredSmtp {
        StoredSmtp {
            host: smtp.host.clone(),
            port: smtp.port,
            from: smtp.from.clone(),
            to: smtp.to.clone(),
            username: smtp.username.clone(),
            password: smtp.password.as_ref().map(|Secret(text)| text.clone()),
            tls: smtp.tls.as_str().to_owned(),
        }
    }
}

impl From<StoredSmtp> for SmtpSettings {
    fn from(stored: StoredSmtp) -> SmtpSettings {
        let tls = SmtpTls::ALL.into_iter().find(|tls| tls.as_str() == stored.tls).unwrap_or_default();
        SmtpSettings {
            host: stored.host,
            port: stored.port,
            from: stored.from,
            to: stored.to,
            username: stored.username,
            password: stored.password.map(Secret),
            tls,
        }
    }
}
