//! How values of the model lie in columns.

use error_sentinel_wire::{Level, UnixMs};
use rusqlite::Row;
use rusqlite::types::Type;

use crate::store::Status;

/// Most rows of one page.
pub(super) const PAGE_ROWS: usize = 500;

/// Greatest count kept: two of them can be added without leaving SQLite's integers.
pub(super) const COUNT_MAX: i64 = i64::MAX / 2;

/// Width of a fresh rollup bucket.
pub(super) const FINE_MS: i64 = 5 * 60 * 1000;
/// Width of a folded one.
pub(super) const HOUR_MS: i64 = 60 * 60 * 1000;

/// A count as it is kept.
pub(super) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(COUNT_MAX).min(COUNT_MAX)
}

/// The start of the bucket of `width_ms` that `at` falls into.
pub(super) fn bucket(at: UnixMs, width_ms: i64) -> i64 {
    at.0.saturating_sub(at.0.rem_euclid(width_ms))
}

/// A level as it is kept: its place among all levels, mildest first.
pub(super) fn level_code(level: Level) -> i64 {
    Level::ALL.iter().take_while(|known| **known < level).count() as i64
}

pub(super) fn level_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Level> {
    let code: usize = row.get(index)?;
    Level::ALL.get(code).copied().ok_or_else(|| unknown(index))
}

/// A status as it is kept.
pub(super) fn status_code(status: Status) -> i64 {
    match status {
        Status::Unresolved => 0,
        Status::Resolved => 1,
        Status::Ignored => 2,
    }
}

pub(super) fn status_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Status> {
    let code: i64 = row.get(index)?;
    Status::ALL.into_iter().find(|status| status_code(*status) == code).ok_or_else(|| unknown(index))
}

fn unknown(index: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, "a code that nothing has".into())
}
