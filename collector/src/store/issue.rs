//! Issues: what many events have in common.

use std::fmt;

use error_sentinel_wire::{Level, ProjectId, UnixMs};

use super::{Page, Result};

/// Names an issue; decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssueId(pub i64);

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the team stands with an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// To be looked at.
    #[default]
    Unresolved,
    /// Mended; one more event makes it regressed.
    Resolved,
    /// Known and not worth a bell.
    Ignored,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 3] = [Status::Unresolved, Status::Resolved, Status::Ignored];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Unresolved => "unresolved",
            Status::Resolved => "resolved",
            Status::Ignored => "ignored",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// An issue as lists and pages show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Its name.
    pub id: IssueId,
    /// Its project.
    pub project_id: ProjectId,
    /// One line: type and value, or the message.
    pub title: String,
    /// Type of the exception; empty for a message.
    pub kind: String,
    /// Message of the exception, or the message.
    pub value: String,
    /// The in-app function or route to look at.
    pub culprit: String,
    /// The worst level seen.
    pub level: Level,
    /// Where the team stands.
    pub status: Status,
    /// Whether it came back after it was resolved.
    pub regressed: bool,
    /// Until when it stays ignored; `None` for ever.
    pub ignored_until: Option<UnixMs>,
    /// Errors, storms counted in full; exact for ever.
    pub count: u64,
    /// Events whose payload is still stored.
    pub stored_count: u64,
    /// Distinct users (bounded, see the store's limits).
    pub users: u64,
    /// Arrival of the first event.
    pub first_seen: UnixMs,
    /// Arrival of the latest.
    pub last_seen: UnixMs,
    /// Release of the first event that named one.
    pub first_release: Option<String>,
    /// Release of the latest that named one.
    pub last_release: Option<String>,
    /// The readable key that events of this issue have in common.
    pub fingerprint: String,
    /// Platform of the first event.
    pub platform: String,
}

/// Which issues to list, newest activity first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IssueQuery {
    /// Only this project's.
    pub project_id: Option<ProjectId>,
    /// Only those of this status.
    pub status: Option<Status>,
    /// Words that title, type, value, culprit or a tag (`key:value`) must contain, letter case aside.
    pub query: String,
    /// At most so many; the store caps it at 500.
    pub limit: usize,
    /// From [`Page::next_cursor`].
    pub cursor: Option<String>,
}

/// Errors in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Its start.
    pub start: UnixMs,
    /// Errors in it.
    pub count: u64,
}

/// How often a tag has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub key: String,
    /// Its value; `None` for all the values past the bound together.
    pub value: Option<String>,
    /// Errors with it.
    pub count: u64,
}

/// Use cases of issues.
pub trait Issues {
    /// Lists issues.
    ///
    /// # Errors
    /// [`super::StoreError::Conflict`] for a cursor that is none; else as every use case.
    fn issues(&self, query: &IssueQuery) -> Result<Page<Issue>>;
    /// One issue.
    ///
    /// # Errors
    /// As every use case.
    fn issue(&self, id: IssueId) -> Result<Option<Issue>>;
    /// Changes the status atomically and cancels waiting alarms when it is no longer unresolved; `None` when
    /// there is no such issue. When this has returned for [`Status::Ignored`], no alarm of the issue is sent
    /// any more: one that is being sent at this moment is waited for, at most `patience_ms`.
    ///
    /// # Errors
    /// [`super::StoreError::Busy`] when a mail was still being sent after `patience_ms`; the status is changed.
    fn set_status(
        &self,
        id: IssueId,
        status: Status,
        ignored_until: Option<UnixMs>,
        now: UnixMs,
        patience_ms: u64,
    ) -> Result<Option<Issue>>;
    /// Errors per hour from `from` (rounded down) to `to`, one row per issue in the order asked, each with every hour in
    /// it, zeroes too. Reads rollups only.
    ///
    /// # Errors
    /// As every use case.
    fn hourly_counts(&self, issues: &[IssueId], from: UnixMs, to: UnixMs) -> Result<Vec<Vec<Bucket>>>;
    /// The most frequent values of every tag of an issue, at most `per_key` of each.
    ///
    /// # Errors
    /// As every use case.
    fn tag_counts(&self, id: IssueId, per_key: usize) -> Result<Vec<TagCount>>;
}
