//! Events: what was received, as it was received but for what the scrubber took out.

use error_sentinel_wire::{EventId, Level, ProjectId, TraceId, UnixMs};

use super::{IssueId, Page, Result};

/// An event without its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Place in the order of arrival; for cursors.
    pub sequence: i64,
    /// Its name.
    pub event_id: EventId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its issue.
    pub issue_id: IssueId,
    /// When it arrived.
    pub received_at: UnixMs,
    /// When it happened, by the sender's clock.
    pub timestamp: Option<UnixMs>,
    /// How far the sender's clock was ahead of ours, in milliseconds, where that could be measured.
    pub skew_ms: Option<i64>,
    /// Errors it stands for.
    pub occurrence_count: u64,
    /// How bad.
    pub level: Level,
    /// Version of the application.
    pub release: Option<String>,
    /// `production`, `staging`…
    pub environment: Option<String>,
    /// The application, where a project has several.
    pub app: Option<String>,
    /// Whose work failed.
    pub user: Option<String>,
    /// The request, across services.
    pub trace_id: Option<TraceId>,
    /// Whether the payload is still stored.
    pub has_payload: bool,
}

/// An event with its payload.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// What is indexed.
    pub row: EventRow,
    /// The scrubbed JSON as received; `None` once evicted.
    pub payload: Option<Vec<u8>>,
    /// Why it belongs to its issue.
    pub grouping: Grouping,
}

/// The keys by which an event was grouped, so that the page can say why and a merge can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grouping {
    /// Version of the mechanism.
    pub version: u32,
    /// The keys, the one that decides first.
    pub keys: Vec<GroupKey>,
}

/// One way to say what an event has in common with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupKey {
    /// `custom`, `app` (in-app frames), `system` (all frames), `message`.
    pub kind: String,
    /// The readable key.
    pub text: String,
    /// Hash of project-independent version, kind and text; what is looked up.
    pub hash: [u8; 16],
}

/// Neighbours of an event within its issue, for paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Neighbours {
    /// The oldest stored event.
    pub first: Option<EventId>,
    /// The next older one.
    pub older: Option<EventId>,
    /// The next newer one.
    pub newer: Option<EventId>,
    /// The newest.
    pub last: Option<EventId>,
}

/// Use cases of events.
pub trait Events {
    /// Events of an issue, newest first, at most `limit` (capped at 500).
    ///
    /// # Errors
    /// [`super::StoreError::Conflict`] for a cursor that is none; else as every use case.
    fn events(&self, issue_id: IssueId, limit: usize, cursor: Option<&str>) -> Result<Page<EventRow>>;
    /// One event, whichever project it is in.
    ///
    /// # Errors
    /// As every use case.
    fn event(&self, event_id: EventId) -> Result<Option<StoredEvent>>;
    /// The newest event of an issue whose payload is stored.
    ///
    /// # Errors
    /// As every use case.
    fn latest_event(&self, issue_id: IssueId) -> Result<Option<StoredEvent>>;
    /// Neighbours with stored payloads.
    ///
    /// # Errors
    /// As every use case.
    fn neighbours(&self, row: &EventRow) -> Result<Neighbours>;
    /// Events of any project with this trace id, oldest first, at most `limit`.
    ///
    /// # Errors
    /// As every use case.
    fn events_of_trace(&self, trace_id: TraceId, limit: usize) -> Result<Vec<EventRow>>;
}
