//! When to ring. Pure: no clock, no store.

use error_sentinel_wire::UnixMs;

use crate::store::Status;
use crate::store::outbox::AlarmKind;

/// What happened to an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    /// What it became: new, regressed or unmuted; `None` for one more event of an issue known before.
    pub turned: Option<AlarmKind>,
    /// Whether one of its new events is fatal.
    pub fatal: bool,
    /// Where the team stands after it.
    pub status: Status,
    /// When this issue last rang.
    pub last_alarm_at: Option<UnixMs>,
    /// The time now.
    pub now: UnixMs,
}

/// Whether it rings, and why.
///
/// An ignored issue never rings. A fatal event rings whatever the issue was before; otherwise only a turn of
/// the issue does. An issue rings at most once per `cooldown_s`.
pub fn ring(occasion: &Occasion, cooldown_s: u64) -> Option<AlarmKind> {
    if occasion.status == Status::Ignored {
        return None;
    }
    let cooldown_ms = i64::try_from(cooldown_s.saturating_mul(1000)).unwrap_or(i64::MAX);
    // A clock that was set back must not silence the bell for ever.
    let cooling = |last: UnixMs| (0..cooldown_ms).contains(&occasion.now.since(last));
    if occasion.last_alarm_at.is_some_and(cooling) {
        return None;
    }
    if occasion.fatal { Some(AlarmKind::Critical) } else { occasion.turned }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_800_000_000_000);
    const QUIET: Occasion =
        Occasion { turned: None, fatal: false, status: Status::Unresolved, last_alarm_at: None, now: NOW };

    #[test]
    fn a_turn_of_an_issue_rings_and_one_more_event_does_not() {
        for kind in [AlarmKind::New, AlarmKind::Regressed, AlarmKind::Unmuted] {
            assert_eq!(ring(&Occasion { turned: Some(kind), ..QUIET }, 3600), Some(kind));
        }
        assert_eq!(ring(&QUIET, 3600), None);
    }

    #[test]
    fn a_fatal_event_rings_in_a_known_issue_too() {
        assert_eq!(ring(&Occasion { fatal: true, ..QUIET }, 3600), Some(AlarmKind::Critical));
    }

    #[test]
    fn an_ignored_issue_never_rings() {
        assert_eq!(ring(&Occasion { fatal: true, status: Status::Ignored, ..QUIET }, 3600), None);
    }

    #[test]
    fn an_issue_rings_once_per_cooldown() {
        let after = |ms: i64| Occasion { fatal: true, last_alarm_at: Some(NOW.plus_ms(-ms)), ..QUIET };
        assert_eq!(ring(&after(3_599_999), 3600), None);
        assert_eq!(ring(&after(3_600_000), 3600), Some(AlarmKind::Critical));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_silence_the_bell() {
        let occasion = Occasion { fatal: true, last_alarm_at: Some(NOW.plus_ms(1_000_000)), ..QUIET };
        assert_eq!(ring(&occasion, 3600), Some(AlarmKind::Critical));
    }
}
