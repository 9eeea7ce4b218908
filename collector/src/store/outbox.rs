//! The outbox: alarms that were decided and must reach people, whatever happens meanwhile.

use error_sentinel_wire::{EventId, ProjectId, UnixMs};

use super::{IssueId, Result};

/// Names an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId(pub i64);

/// Why it rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlarmKind {
    /// An issue that was never seen before.
    New,
    /// A resolved issue came back.
    Regressed,
    /// A fatal error, in whatever issue.
    Critical,
    /// The time for which an issue was ignored is over and it still happens.
    Unmuted,
}

/// Where an alarm stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlarmState {
    /// To be sent when its time comes.
    Waiting,
    /// Being sent.
    Sending,
    /// Sent, alone or within a digest mail.
    Sent,
    /// Given up; the reason is kept and it can be sent again by hand.
    Dead,
    /// The issue was resolved or ignored first.
    Cancelled,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub id: AlarmId,
    /// Its project.
    pub project_id: ProjectId,
    /// The issue that rang.
    pub issue_id: IssueId,
    /// The event that rang.
    pub event_id: EventId,
    /// Why.
    pub kind: AlarmKind,
    /// Where it stands.
    pub state: AlarmState,
    /// When it was decided.
    pub created_at: UnixMs,
    /// When it is to be tried (again).
    pub next_attempt_at: UnixMs,
    /// Tries so far.
    pub attempt_count: u32,
    /// What the last try said.
    pub error: Option<String>,
    /// Recipients that have it already, so that a partial failure repeats nothing.
    pub delivered_to: Vec<String>,
}

/// Use cases of the outbox. (Its owner is the alert stage; see `alert`.)
pub trait Outbox {
    /// How many alarms wait to be sent.
    ///
    /// # Errors
    /// As every use case: [`super::StoreError`].
    fn waiting_count(&self) -> Result<u64>;
    /// Alarms that were given up, newest first, at most `limit`.
    ///
    /// # Errors
    /// As every use case.
    fn dead_letters(&self, limit: usize) -> Result<Vec<Alarm>>;
    /// Puts a dead alarm back in line; says whether there was one.
    ///
    /// # Errors
    /// As every use case.
    fn resend(&self, id: AlarmId, now: UnixMs) -> Result<bool>;
}
