//! How many mails a project may send, and what becomes of the rest. Pure: no clock, no store.
//!
//! A deploy can break five hundred things in a minute; nobody reads five hundred mails. The first few alarms
//! go out as mails of their own, a bucket that refills; what comes on top is collected for a short while and
//! told in one digest that names every issue. The bucket is worked out anew from the mails that were decided
//! before, so that a restart forgets nothing.

use std::collections::HashMap;

use error_sentinel_wire::UnixMs;

use crate::settings::AlertSettings;
use crate::store::IssueId;
use crate::store::outbox::{AlarmId, AlarmKind, Backlog, PastMail, PlannedMail, WaitingAlarm};

/// A digest closes when nothing was added for this long…
const QUIET_MS: i64 = 15_000;
/// …or when its oldest alarm has waited this long.
const COLLECT_MS: i64 = 90_000;
/// The same for a digest that tells a fatal error.
const CRITICAL_COLLECT_MS: i64 = 10_000;
/// A storm that goes on after its first digest is told once more this soon; after that, digests keep the
/// distance of the refill.
const SECOND_DIGEST_MS: i64 = 60_000;
/// Digests that tell a fatal error may follow each other faster, by this factor.
const CRITICAL_HASTE: i64 = 5;
/// Most issues in one digest; more follow in the next.
pub const DIGEST_ISSUES: usize = 1000;

/// The mails to send now, and when to look again if something still waits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// To be sent now.
    pub mails: Vec<PlannedMail>,
    /// When what still waits will be due.
    pub look_again_at: Option<UnixMs>,
}

/// How far back mails count. The bucket is taken to have been full before that, so the time is long enough for
/// the difference not to matter, and short enough for the mails in it to be few.
pub fn past_from(settings: &AlertSettings, now: UnixMs) -> UnixMs {
    let fill_ms = refill_ms(settings).saturating_mul(i64::from(settings.burst).saturating_add(1));
    now.plus_ms(fill_ms.saturating_mul(-20))
}

/// Decides which of a project's waiting alarms become mails now.
pub fn plan(backlog: &Backlog, settings: &AlertSettings, now: UnixMs) -> Plan {
    let issues = by_issue(&backlog.waiting);
    if issues.is_empty() {
        return Plan::default();
    }
    let refill_ms = refill_ms(settings);
    // A mail from the future was decided before the clock was set back; it must not silence the bell.
    let past: Vec<PastMail> = backlog.past.iter().copied().filter(|mail| mail.planned_at <= now).collect();
    let tokens = tokens(&past, settings, now);
    let last_digest = past.iter().filter(|mail| mail.is_digest).map(|mail| mail.planned_at).max();
    let in_storm = last_digest.is_some_and(|at| now.since(at) < refill_ms);

    // In a storm single mails would only come on top of the digest that is being collected.
    let single_count = if issues.len() <= tokens || !in_storm { tokens.min(issues.len()) } else { 0 };
    let (singles, rest) = issues.split_at(single_count);
    let mut plan = Plan {
        mails: singles
            .iter()
            .map(|issue| PlannedMail { alarms: issue.alarms.clone(), is_digest: false })
            .collect(),
        look_again_at: None,
    };
    if rest.is_empty() {
        return plan;
    }
    let storm_ms = refill_ms.saturating_mul(4);
    let recent_digests =
        past.iter().filter(|mail| mail.is_digest && now.since(mail.planned_at) < storm_ms).count();
    let gap_ms = if recent_digests > 1 { refill_ms } else { refill_ms.min(SECOND_DIGEST_MS) };
    let due = digest_due(rest, last_digest, refill_ms, gap_ms, now);
    if due > now {
        plan.look_again_at = Some(due);
        return plan;
    }
    let (told, later) = rest.split_at(rest.len().min(DIGEST_ISSUES));
    plan.mails.push(PlannedMail {
        alarms: told.iter().flat_map(|issue| issue.alarms.iter().copied()).collect(),
        is_digest: true,
    });
    if !later.is_empty() {
        plan.look_again_at = Some(now.plus_ms(refill_ms));
    }
    plan
}

/// What waits about one issue.
struct Waiting {
    alarms: Vec<AlarmId>,
    is_critical: bool,
    oldest: UnixMs,
    newest: UnixMs,
}

/// Fatal ones first, then those that wait longest.
fn by_issue(waiting: &[WaitingAlarm]) -> Vec<Waiting> {
    let mut issues: Vec<Waiting> = Vec::new();
    let mut places: HashMap<IssueId, usize> = HashMap::new();
    for alarm in waiting {
        let is_critical = alarm.kind == AlarmKind::Critical;
        let place = *places.entry(alarm.issue_id).or_insert(issues.len());
        match issues.get_mut(place) {
            Some(issue) => {
                issue.alarms.push(alarm.id);
                issue.is_critical |= is_critical;
                issue.oldest = issue.oldest.min(alarm.created_at);
                issue.newest = issue.newest.max(alarm.created_at);
            }
            None => issues.push(Waiting {
                alarms: vec![alarm.id],
                is_critical,
                oldest: alarm.created_at,
                newest: alarm.created_at,
            }),
        }
    }
    issues.sort_by_key(|issue| !issue.is_critical);
    issues
}

/// Single mails that may be sent now.
fn tokens(past: &[PastMail], settings: &AlertSettings, now: UnixMs) -> usize {
    let burst = i64::from(settings.burst);
    let refill_ms = refill_ms(settings);
    let mut singles: Vec<UnixMs> =
        past.iter().filter(|mail| !mail.is_digest).map(|mail| mail.planned_at).collect();
    singles.sort_unstable();
    // Counted in milliseconds of refilling, so that no fraction of a token is lost.
    let full = burst.saturating_mul(refill_ms);
    let mut level = full;
    let mut last = singles.first().copied().unwrap_or(now);
    for at in singles {
        level = level.saturating_add(at.since(last)).min(full);
        level = level.saturating_sub(refill_ms).max(0);
        last = at;
    }
    level = level.saturating_add(now.since(last)).min(full);
    usize::try_from(level / refill_ms).unwrap_or(0)
}

/// When a digest of `rest` is to be sent.
fn digest_due(
    rest: &[Waiting],
    last_digest: Option<UnixMs>,
    refill_ms: i64,
    gap_ms: i64,
    now: UnixMs,
) -> UnixMs {
    let is_critical = rest.iter().any(|issue| issue.is_critical);
    let collect_ms = if is_critical { CRITICAL_COLLECT_MS } else { COLLECT_MS }.min(refill_ms);
    let quiet_ms = QUIET_MS.min(collect_ms);
    let gap_ms = if is_critical { gap_ms.min(refill_ms / CRITICAL_HASTE) } else { gap_ms };
    // An alarm from the future was decided before the clock was set back: it has waited long enough.
    let past = |at: UnixMs| if at > now { now.plus_ms(-collect_ms) } else { at };
    let oldest = rest.iter().map(|issue| past(issue.oldest)).min().unwrap_or(now);
    let newest = rest.iter().map(|issue| past(issue.newest)).max().unwrap_or(now);
    let collected = newest.plus_ms(quiet_ms).min(oldest.plus_ms(collect_ms));
    last_digest.map_or(collected, |at| collected.max(at.plus_ms(gap_ms)))
}

fn refill_ms(settings: &AlertSettings) -> i64 {
    i64::try_from(settings.refill_s.saturating_mul(1000)).unwrap_or(i64::MAX).clamp(1000, 366 * 86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use error_sentinel_wire::ProjectId;
    use proptest::prelude::*;

    const START: i64 = 1_800_000_000_000;

    /// A project whose mails are decided by [`plan`] alone, second by second.
    struct Project {
        settings: AlertSettings,
        waiting: Vec<WaitingAlarm>,
        past: Vec<PastMail>,
        sent: Vec<(i64, PlannedMail)>,
        next_id: i64,
    }

    impl Project {
        fn new() -> Project {
            Project {
                settings: AlertSettings::default(),
                waiting: vec![],
                past: vec![],
                sent: vec![],
                next_id: 0,
            }
        }

        fn ring(&mut self, at_ms: i64, kind: AlarmKind) -> AlarmId {
            self.next_id += 1;
            self.waiting.push(WaitingAlarm {
                id: AlarmId(self.next_id),
                issue_id: IssueId(self.next_id),
                kind,
                created_at: UnixMs(START + at_ms),
            });
            AlarmId(self.next_id)
        }

        fn look(&mut self, at_ms: i64) -> Plan {
            let now = UnixMs(START + at_ms);
            let from = past_from(&self.settings, now);
            let past = self.past.iter().copied().filter(|mail| mail.planned_at >= from).collect();
            let backlog = Backlog { project_id: ProjectId(1), waiting: self.waiting.clone(), past };
            let plan = plan(&backlog, &self.settings, now);
            for mail in &plan.mails {
                self.past.push(PastMail { planned_at: now, is_digest: mail.is_digest });
                self.waiting.retain(|alarm| !mail.alarms.contains(&alarm.id));
                self.sent.push((at_ms, mail.clone()));
            }
            plan
        }
    }

    #[test]
    fn five_hundred_new_issues_in_a_minute_are_four_mails_that_name_all() {
        for kind in [AlarmKind::New, AlarmKind::Critical] {
            let mut project = Project::new();
            for at_ms in (0..600_000).step_by(120) {
                if at_ms < 60_000 {
                    project.ring(at_ms, kind);
                }
                project.look(at_ms);
            }
            assert!(project.sent.len() <= 5, "{kind:?}: {} mails", project.sent.len());
            assert_eq!(project.sent.iter().map(|(_, mail)| mail.alarms.len()).sum::<usize>(), 500);
            assert!(project.waiting.is_empty());
            assert!(project.sent.iter().all(|(at_ms, _)| *at_ms <= 90_000), "{kind:?}: too late");
        }
    }

    #[test]
    fn the_first_alarms_go_out_at_once_each_alone() {
        let mut project = Project::new();
        for at_ms in [0, 1, 2] {
            project.ring(at_ms, AlarmKind::New);
            let plan = project.look(at_ms);
            assert!(plan.mails.len() == 1 && !plan.mails[0].is_digest);
        }
    }

    #[test]
    fn a_lone_overflow_waits_a_quarter_of_a_minute() {
        let mut project = Project::new();
        (0..3).for_each(|_| _ = project.ring(0, AlarmKind::New));
        project.look(0);
        project.ring(1000, AlarmKind::New);
        let plan = project.look(1000);
        assert_eq!(plan, Plan { mails: vec![], look_again_at: Some(UnixMs(START + 16_000)) });
        assert_eq!(project.look(16_000).mails.len(), 1);
    }

    #[test]
    fn digests_keep_their_distance() {
        let mut project = Project::new();
        for second in 0..3600 {
            project.ring(second * 1000, AlarmKind::New);
            project.look(second * 1000);
        }
        let digests: Vec<i64> =
            project.sent.iter().filter(|(_, mail)| mail.is_digest).map(|(at_ms, _)| *at_ms).collect();
        assert!(digests[1] - digests[0] >= 60_000, "the second tells soon that it goes on");
        assert!(digests.windows(2).skip(1).all(|pair| pair[1] - pair[0] >= 300_000));
        assert!(project.sent.len() <= 3 + 2 * 12, "{}", project.sent.len());
    }

    #[test]
    fn fatal_errors_take_the_single_mails_first() {
        let mut project = Project::new();
        (0..10).for_each(|_| _ = project.ring(0, AlarmKind::New));
        let fatal = project.ring(0, AlarmKind::Critical);
        assert_eq!(project.look(0).mails[0].alarms, [fatal]);
    }

    #[test]
    fn alarms_of_one_issue_that_waited_for_a_mail_server_share_a_mail() {
        let mut project = Project::new();
        let (first, second) = (project.ring(0, AlarmKind::New), project.ring(5, AlarmKind::Regressed));
        project.waiting[1].issue_id = project.waiting[0].issue_id;
        assert_eq!(project.look(10).mails, [PlannedMail { alarms: vec![first, second], is_digest: false }]);
    }

    #[test]
    fn a_great_backlog_is_told_in_digests_of_bounded_length() {
        let mut project = Project::new();
        (0..2500).for_each(|_| _ = project.ring(0, AlarmKind::New));
        (0..40).for_each(|minute| _ = project.look(minute * 60_000));
        assert!(project.waiting.is_empty());
        assert!(project.sent.iter().all(|(_, mail)| mail.alarms.len() <= DIGEST_ISSUES));
    }

    #[test]
    fn an_hour_back_neither_silences_nor_bursts() {
        let mut project = Project::new();
        (0..100).for_each(|_| _ = project.ring(0, AlarmKind::New));
        project.look(0);
        project.look(20_000);
        (0..100).for_each(|_| _ = project.ring(21_000, AlarmKind::New));
        let before = project.sent.len();
        project.look(21_000 - 3_600_000);
        project.look(22_000 - 3_600_000);
        assert!(project.waiting.is_empty() && project.sent.len() - before <= 4);
    }

    #[test]
    fn a_year_forward_sends_what_waits_and_no_more_than_a_full_bucket() {
        let mut project = Project::new();
        (0..100).for_each(|_| _ = project.ring(0, AlarmKind::New));
        let plan = project.look(31_536_000_000);
        assert_eq!(plan.mails.len(), 4);
        assert!(project.waiting.is_empty());
    }

    proptest! {
        #[test]
        fn every_alarm_is_told_once_and_mails_stay_few(
            rings in prop::collection::vec((0i64..3_600_000, 0usize..4), 0..200),
            burst in 0u32..6,
            refill_s in 1u64..900,
        ) {
            let mut rings = rings;
            rings.sort_unstable();
            let mut project = Project::new();
            project.settings.burst = burst;
            project.settings.refill_s = refill_s;
            let mut next = rings.iter().peekable();
            for second in 0..(3600 + 2 * 900 + 200) {
                while let Some((at_ms, kind)) = next.next_if(|(at_ms, _)| *at_ms <= second * 1000) {
                    project.ring(*at_ms, AlarmKind::NAMES[*kind].0);
                }
                project.look(second * 1000);
            }
            let mut told: Vec<i64> =
                project.sent.iter().flat_map(|(_, mail)| mail.alarms.iter().map(|id| id.0)).collect();
            told.sort_unstable();
            prop_assert_eq!(told, (1..=project.next_id).collect::<Vec<_>>());
            let singles = project.sent.iter().filter(|(_, mail)| !mail.is_digest).count();
            prop_assert!(singles as u64 <= u64::from(burst) + 5600 / refill_s + 1);
        }
    }
}
