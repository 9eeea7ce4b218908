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

/// A release as lists and subjects show it: a bare commit hash is cut to what people recognise.
pub fn short_release(release: &str) -> String {
    let is_hash = release.len() == 40 && release.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { release[..10].to_owned() } else { release.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_hash_is_cut_and_a_version_is_not() {
        assert_eq!(short_release("d0d3f1ea630178c8f2836c2d2382dd534e9b47ac"), "d0d3f1ea63");
        assert_eq!(short_release("shop@1.4.2"), "shop@1.4.2");
    }
}
