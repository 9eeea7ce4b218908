//! What alarms are called where people read them.

use crate::store::outbox::{AlarmKind, AlarmState};

/// One word, as in a mail's subject: `(new, 1.4.2)`.
pub fn kind(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::New => "new",
        AlarmKind::Regressed => "regressed",
        AlarmKind::Critical => "critical",
        AlarmKind::Unmuted => "no longer ignored",
    }
}

/// Why somebody is told, as a sentence.
pub fn reason(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::New => "It was never seen before.",
        AlarmKind::Regressed => "It was resolved and came back.",
        AlarmKind::Critical => "A fatal error: a process or somebody's work was lost.",
        AlarmKind::Unmuted => "The time for which it was ignored is over and it still happens.",
    }
}

/// Where an alarm stands.
pub fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Waiting => "waiting",
        AlarmState::Sending => "being sent",
        AlarmState::Sent => "sent",
        AlarmState::Dead => "given up",
        AlarmState::Cancelled => "not needed any more",
    }
}
