//! Recording a batch: the one way in which events reach the store.

use std::collections::{HashMap, HashSet};

use error_sentinel_wire::{EventId, Level, ProjectId, TraceId, UnixMs};

use super::event::Grouping;
use super::outbox::AlarmKind;
use super::payload::Payload;
use super::{IssueId, Result, Status};

/// What has to be known before a batch can be decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lookup {
    /// Ids of the batch's events.
    pub event_ids: Vec<(ProjectId, EventId)>,
    /// Idempotency keys of the batch's other items.
    pub report_keys: Vec<[u8; 16]>,
    /// Hashes of every grouping key of the batch.
    pub groups: Vec<(ProjectId, [u8; 16])>,
}

/// What the store knows of it, read inside the transaction that will write the decision.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Events that were recorded before.
    pub seen_events: HashSet<(ProjectId, EventId)>,
    /// Other items that were recorded before.
    pub seen_reports: HashSet<[u8; 16]>,
    /// The issue behind each known hash.
    pub groups: HashMap<(ProjectId, [u8; 16]), IssueId>,
    /// State of those issues.
    pub issues: HashMap<IssueId, IssueState>,
}

/// What a decision about an issue depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueState {
    /// Where the team stands.
    pub status: Status,
    /// Until when it stays ignored; `None` for ever.
    pub ignored_until: Option<UnixMs>,
    /// When the last alarm of this issue was made.
    pub last_alarm_at: Option<UnixMs>,
    /// The worst level seen.
    pub level: Level,
}

/// What a batch does to the store; applied whole or not at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Issues made or touched, each once.
    pub issues: Vec<IssueChange>,
    /// Losses that SDKs report.
    pub losses: Vec<Loss>,
    /// Idempotency keys of the items that `losses` come from.
    pub report_keys: Vec<[u8; 16]>,
}

/// Which issue is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One that exists.
    Existing(IssueId),
    /// One to be made.
    New(NewIssue),
}

/// An issue to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIssue {
    /// Its project.
    pub project_id: ProjectId,
    /// One line.
    pub title: String,
    /// Type of the exception.
    pub kind: String,
    /// Its message.
    pub value: String,
    /// Where to look.
    pub culprit: String,
    /// Platform of the first event.
    pub platform: String,
    /// The readable key.
    pub fingerprint: String,
}

/// What one batch does to one issue.
#[derive(Debug, Clone, PartialEq)]
pub struct IssueChange {
    /// Which one.
    pub target: Target,
    /// Hashes that lead to it from now on.
    pub groups: Vec<[u8; 16]>,
    /// The worst level in the batch.
    pub level: Level,
    /// Another status, and whether it counts as regressed.
    pub status: Option<(Status, bool)>,
    /// Its events, in order of arrival.
    pub events: Vec<NewEvent>,
    /// Rings, once at most a batch; written to the outbox in the same transaction.
    pub alarm: Option<NewAlarm>,
}

/// An event to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Its name.
    pub event_id: EventId,
    /// When it arrived.
    pub received_at: UnixMs,
    /// When it happened, by the sender's clock.
    pub timestamp: Option<UnixMs>,
    /// How far the sender's clock was ahead, in milliseconds.
    pub skew_ms: Option<i64>,
    /// Errors it stands for.
    pub occurrence_count: u64,
    /// How bad.
    pub level: Level,
    /// Version of the application.
    pub release: Option<String>,
    /// `production`, `staging`…
    pub environment: Option<String>,
    /// The application.
    pub app: Option<String>,
    /// Identities of the users concerned; several for a storm.
    pub users: Vec<String>,
    /// Tags to count, with the count of each value (a storm has several values of one key).
    pub tags: Vec<(String, String, u64)>,
    /// The request, across services.
    pub trace_id: Option<TraceId>,
    /// How much it tells, for eviction; greater is more.
    pub richness: u32,
    /// The scrubbed JSON.
    pub payload: Payload,
    /// Why it belongs to its issue.
    pub grouping: Grouping,
}

/// An alarm to be put into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlarm {
    /// Why it rings.
    pub kind: AlarmKind,
    /// The event that rang.
    pub event_id: EventId,
    /// When.
    pub at: UnixMs,
}

/// Losses that an SDK reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The project.
    pub project_id: ProjectId,
    /// When the report arrived; counted by hour.
    pub at: UnixMs,
    /// Why they were lost.
    pub reason: String,
    /// What was lost.
    pub category: String,
    /// How many.
    pub quantity: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Issues made or touched, in the order of [`Changes::issues`].
    pub issues: Vec<(ProjectId, IssueId)>,
    /// Whether alarms were put into the outbox.
    pub rang: bool,
}

/// The use case of the digest stage.
pub trait Digests {
    /// Reads what `lookup` asks for, lets `decide` say what follows, and writes that: one transaction, synced.
    ///
    /// # Errors
    /// [`super::StoreError::Busy`] and `Storage` leave everything as it was; the batch is to be tried again.
    fn record(&self, lookup: &Lookup, decide: &mut (dyn FnMut(Known) -> Changes + Send)) -> Result<Recorded>;
    /// Losses of a project since `from`, summed by reason and category, most first.
    ///
    /// # Errors
    /// As every use case.
    fn losses(&self, project_id: ProjectId, from: UnixMs) -> Result<Vec<Loss>>;
}
