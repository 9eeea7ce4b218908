//! Events in SQLite.

use error_sentinel_wire::{EventId, ProjectId, TraceId, UnixMs, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::column::{PAGE_ROWS, level_at};
use crate::database::packing;
use crate::store::event::{EventRow, Events, GroupKey, Grouping, Neighbours, StoredEvent};
use crate::store::payload::expand;
use crate::store::{IssueId, Page, Result, StoreError};

/// Columns of an event without its payload, in the order of [`read_row`].
const COLUMNS: &str = "event.sequence, event.event_id, event.project_id, event.issue_id, event.received_at,
    event.timestamp, event.skew_ms, event.occurrence_count, event.level, event.release, event.environment,
    event.app, event.user, event.trace_id, event.has_payload";

/// Bound on what comes out of a payload: the scrubber's marks and escapes may make it longer than it came.
const PAYLOAD_BYTES: usize = 8 * limits::EVENT_BYTES;

impl Events for SqliteStore {
    fn events(&self, issue_id: IssueId, limit: usize, cursor: Option<&str>) -> Result<Page<EventRow>> {
        let before = match cursor {
            Some(cursor) => cursor
                .parse::<i64>()
                .map_err(|_| StoreError::Conflict("the cursor is not one of this list".into()))?,
            None => i64::MAX,
        };
        let limit = limit.clamp(1, PAGE_ROWS);
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM event WHERE issue_id = ?1 AND sequence < ?2
                 ORDER BY sequence DESC LIMIT ?3"
            ))?;
            let rows = statement.query_map(params![issue_id.0, before, limit + 1], read_row)?;
            let mut items = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let more = items.len() > limit;
            items.truncate(limit);
            let next_cursor = items.last().filter(|_| more).map(|row| row.sequence.to_string());
            Ok(Page { items, next_cursor })
        })
    }

    fn event(&self, event_id: EventId) -> Result<Option<StoredEvent>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS}, payload.body, payload.grouping FROM event LEFT JOIN payload USING (sequence)
                 WHERE event_id = ?1 ORDER BY project_id LIMIT 1"
            ))?;
            let found = statement.query_row([event_id.0.to_be_bytes()], read_parts).optional()?;
            found.map(stored_event).transpose()
        })
    }

    fn latest_event(&self, issue_id: IssueId) -> Result<Option<StoredEvent>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS}, payload.body, payload.grouping FROM event JOIN payload USING (sequence)
                 WHERE issue_id = ?1 AND has_payload = 1 ORDER BY sequence DESC LIMIT 1"
            ))?;
            let found = statement.query_row([issue_id.0], read_parts).optional()?;
            found.map(stored_event).transpose()
        })
    }

    fn neighbours(&self, row: &EventRow) -> Result<Neighbours> {
        self.read(|conn| {
            let (older, newer) = ("sequence < ?2 ORDER BY sequence DESC", "sequence > ?2 ORDER BY sequence");
            Ok(Neighbours {
                first: neighbour(conn, row.issue_id, newer, i64::MIN)?,
                older: neighbour(conn, row.issue_id, older, row.sequence)?,
                newer: neighbour(conn, row.issue_id, newer, row.sequence)?,
                last: neighbour(conn, row.issue_id, older, i64::MAX)?,
            })
        })
    }

    fn events_of_trace(&self, trace_id: TraceId, limit: usize) -> Result<Vec<EventRow>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM event WHERE trace_id = ?1 ORDER BY sequence LIMIT ?2"
            ))?;
            let rows =
                statement.query_map(params![trace_id.0.to_be_bytes(), limit.min(PAGE_ROWS)], read_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// The nearest stored event on one side of `sequence`.
fn neighbour(conn: &Connection, issue_id: IssueId, side: &str, sequence: i64) -> Result<Option<EventId>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT event_id FROM event WHERE issue_id = ?1 AND has_payload = 1 AND {side} LIMIT 1"
    ))?;
    let found = statement.query_row(params![issue_id.0, sequence], |row| row.get(0)).optional()?;
    Ok(found.map(|bytes| EventId(u128::from_be_bytes(bytes))))
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        sequence: row.get(0)?,
        event_id: EventId(u128::from_be_bytes(row.get(1)?)),
        project_id: ProjectId(row.get(2)?),
        issue_id: IssueId(row.get(3)?),
        received_at: UnixMs(row.get(4)?),
        timestamp: row.get::<_, Option<i64>>(5)?.map(UnixMs),
        skew_ms: row.get(6)?,
        occurrence_count: row.get(7)?,
        level: level_at(row, 8)?,
        release: row.get(9)?,
        environment: row.get(10)?,
        app: row.get(11)?,
        user: row.get(12)?,
        trace_id: row.get::<_, Option<[u8; 16]>>(13)?.map(|bytes| TraceId(u128::from_be_bytes(bytes))),
        has_payload: row.get(14)?,
    })
}

/// An event as it lies in its rows.
type Parts = (EventRow, Option<Vec<u8>>, Option<Vec<u8>>);

fn read_parts(row: &Row<'_>) -> rusqlite::Result<Parts> {
    Ok((read_row(row)?, row.get(15)?, row.get(16)?))
}

fn stored_event((row, body, grouping): Parts) -> Result<StoredEvent> {
    Ok(StoredEvent {
        row,
        payload: body.map(|body| expand(&body, PAYLOAD_BYTES)).transpose()?,
        grouping: grouping.map(|bytes| decode_grouping(&bytes)).transpose()?.unwrap_or_default(),
    })
}

/// Why an event belongs to its issue, as it lies on the disk: packed JSON `[version, [[kind, text, hash]…]]`.
pub(super) fn encode_grouping(grouping: &Grouping) -> Result<Vec<u8>> {
    let keys: Vec<_> = grouping
        .keys
        .iter()
        .map(|key| (&key.kind, &key.text, u128::from_be_bytes(key.hash).to_string()))
        .collect();
    let json = serde_json::to_vec(&(grouping.version, keys))
        .map_err(|error| StoreError::Unusable(format!("a grouping cannot be written: {error}")))?;
    Ok(packing::pack_quickly(&json))
}

fn decode_grouping(bytes: &[u8]) -> Result<Grouping> {
    let json = expand(bytes, PAYLOAD_BYTES)?;
    let damaged = || StoreError::Unusable("a grouping cannot be read".into());
    let (version, keys): (u32, Vec<(String, String, String)>) =
        serde_json::from_slice(&json).map_err(|_| damaged())?;
    let keys = keys
        .into_iter()
        .map(|(kind, text, hash)| {
            let hash = hash.parse::<u128>().map_err(|_| damaged())?.to_be_bytes();
            Ok(GroupKey { kind, text, hash })
        })
        .collect::<Result<_>>()?;
    Ok(Grouping { version, keys })
}
