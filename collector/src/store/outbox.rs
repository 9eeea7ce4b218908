//! The outbox: alarms that were decided and must reach people, whatever happens meanwhile.

use error_sentinel_wire::{EventId, ProjectId, UnixMs};

use super::{IssueId, Result};
use crate::settings::SmtpSettings;

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

impl AlarmKind {
    /// Every kind, with the name under which it is stored.
    pub const NAMES: [(AlarmKind, &str); 4] = [
        (AlarmKind::New, "new"),
        (AlarmKind::Regressed, "regressed"),
        (AlarmKind::Critical, "critical"),
        (AlarmKind::Unmuted, "unmuted"),
    ];
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
    /// Recipients whose server refused it for good, and why.
    pub refused: Vec<(String, String)>,
}

/// Names a mail that was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(pub i64);

/// What a project's next mails depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The project.
    pub project_id: ProjectId,
    /// Alarms that no mail was decided for yet, oldest first; bounded.
    pub waiting: Vec<WaitingAlarm>,
    /// Mails that were decided lately, in any order.
    pub past: Vec<PastMail>,
}

/// An alarm that no mail was decided for yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingAlarm {
    /// Its name.
    pub id: AlarmId,
    /// The issue that rang.
    pub issue_id: IssueId,
    /// Why.
    pub kind: AlarmKind,
    /// When it was decided.
    pub created_at: UnixMs,
}

/// A mail that was decided lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastMail {
    /// When.
    pub planned_at: UnixMs,
    /// Whether it was a digest.
    pub is_digest: bool,
}

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMail {
    /// The alarms that it tells.
    pub alarms: Vec<AlarmId>,
    /// Whether it is a digest.
    pub is_digest: bool,
}

/// A mail that is ours to send until its lease runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMail {
    /// Its name.
    pub id: MailId,
    /// Its project.
    pub project_id: ProjectId,
    /// Whether it is a digest.
    pub is_digest: bool,
    /// When it was decided.
    pub planned_at: UnixMs,
    /// What it tells; never empty.
    pub alarms: Vec<Alarm>,
    /// Tries so far, this one not included.
    pub attempt_count: u32,
    /// Recipients that have it.
    pub delivered_to: Vec<String>,
    /// Recipients whose server refused it for good, and why.
    pub refused: Vec<(String, String)>,
}

/// How far a mail got with its recipients.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Recipients that have it.
    pub delivered_to: Vec<String>,
    /// Recipients whose server refused it for good, and why.
    pub refused: Vec<(String, String)>,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every recipient has it.
    Sent,
    /// To be tried again.
    Retry {
        /// When.
        at: UnixMs,
        /// What this try said.
        error: String,
    },
    /// Given up.
    Dead {
        /// Why.
        error: String,
    },
}

/// Use cases of the outbox; the alert stage sends what it holds.
///
/// An alarm waits until a mail was decided that tells it ([`Outbox::plan_mails`]), the mail is claimed with a
/// lease, sent, and settled; when the sender dies, its lease runs out and the mail is due again.
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
    /// Puts a dead alarm back in line for those who did not get it; says whether there was one.
    ///
    /// # Errors
    /// As every use case.
    fn resend(&self, id: AlarmId, now: UnixMs) -> Result<bool>;
    /// Shows `decide` what waits, project by project, and writes the mails that it decides, all in one
    /// transaction. `past` goes back to `past_from`. Cheap when nothing waits.
    ///
    /// # Errors
    /// As every use case; nothing is decided then.
    fn plan_mails(
        &self,
        now: UnixMs,
        past_from: UnixMs,
        decide: &mut (dyn FnMut(&Backlog) -> Vec<PlannedMail> + Send),
    ) -> Result<()>;
    /// Takes the mail that is due, those about fatal errors first, then those tried least. Alarms whose issue
    /// is no longer unresolved are cancelled instead.
    ///
    /// # Errors
    /// As every use case.
    fn claim_mail(&self, now: UnixMs, lease_ms: i64) -> Result<Option<ClaimedMail>>;
    /// Writes down how far a claimed mail got and keeps it for `lease_ms` more. Says which of its alarms are
    /// still to be told: none when the issues were ignored or resolved meanwhile.
    ///
    /// # Errors
    /// As every use case.
    fn renew_mail(&self, id: MailId, progress: &Progress, now: UnixMs, lease_ms: i64)
    -> Result<Vec<AlarmId>>;
    /// Ends the try of a claimed mail.
    ///
    /// # Errors
    /// As every use case.
    fn settle_mail(&self, id: MailId, progress: &Progress, outcome: &Outcome, now: UnixMs) -> Result<()>;
    /// When the next decided mail is due, or a lease runs out.
    ///
    /// # Errors
    /// As every use case.
    fn next_mail_at(&self) -> Result<Option<UnixMs>>;
    /// The id of the first mail about an issue to a recipient; `message_id` becomes it when there was none.
    ///
    /// # Errors
    /// As every use case.
    fn mail_thread(&self, issue_id: IssueId, recipient: &str, message_id: &str) -> Result<String>;
    /// Forgets alarms that were sent or cancelled before `before`; at most a few thousand a call.
    ///
    /// # Errors
    /// As every use case.
    fn forget_alarms(&self, before: UnixMs) -> Result<()>;
    /// The mail server that was set through the dashboard.
    ///
    /// # Errors
    /// As every use case.
    fn mail_settings(&self) -> Result<Option<SmtpSettings>>;
    /// Replaces it. The password lies in the database alone and in no log.
    ///
    /// # Errors
    /// As every use case.
    fn set_mail_settings(&self, smtp: Option<&SmtpSettings>) -> Result<()>;
}
