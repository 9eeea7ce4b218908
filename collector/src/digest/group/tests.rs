use proptest::prelude::*;

use super::*;
use crate::store::payload::Payload;

const PROJECT: ProjectId = ProjectId(1);
const NOW: UnixMs = UnixMs(1_800_000_000_000);

fn event(id: u128, hashes: &[u8], level: Level) -> Candidate {
    Candidate {
        issue: NewIssue {
            project_id: PROJECT,
            title: format!("E{id}"),
            kind: "E".into(),
            value: String::new(),
            culprit: String::new(),
            platform: "rust".into(),
            fingerprint: "E".into(),
        },
        joining: hashes.iter().map(|byte| [*byte; 16]).collect(),
        event: NewEvent {
            event_id: EventId(id),
            received_at: NOW,
            timestamp: None,
            skew_ms: None,
            occurrence_count: 1,
            level,
            release: None,
            environment: None,
            app: None,
            users: Vec::new(),
            tags: Vec::new(),
            trace_id: None,
            richness: 0,
            payload: Payload { compressed: Vec::new() },
            grouping: Default::default(),
        },
    }
}

fn batch(events: Vec<Candidate>) -> Batch {
    Batch { events, reports: Vec::new() }
}

fn known(hash: u8, status: Status, ignored_until: Option<UnixMs>) -> Known {
    let mut known = Known::default();
    known.groups.insert((PROJECT, [hash; 16]), IssueId(7));
    let state = IssueState { status, ignored_until, last_alarm_at: None, level: Level::Error };
    known.issues.insert(IssueId(7), state);
    known
}

fn one(known: &Known, events: Vec<Candidate>) -> IssueChange {
    let mut changes = decide(known, &batch(events), NOW, 3600);
    assert_eq!(changes.issues.len(), 1);
    changes.issues.remove(0)
}

fn ids(change: &IssueChange) -> Vec<u128> {
    change.events.iter().map(|event| event.event_id.0).collect()
}

#[test]
fn events_of_one_batch_that_share_any_key_make_one_new_issue() {
    let change = one(
        &Known::default(),
        vec![event(1, &[1, 2], Level::Error), event(2, &[3, 2], Level::Warning), event(3, &[3], Level::Info)],
    );
    assert!(matches!(change.target, Target::New(_)));
    assert_eq!(ids(&change), [1, 2, 3]);
    assert_eq!(change.groups, [[1; 16], [2; 16], [3; 16]]);
    assert_eq!(change.level, Level::Error);
    assert_eq!(change.alarm, Some(NewAlarm { kind: AlarmKind::New, event_id: EventId(1), at: NOW }));
}

#[test]
fn a_known_key_leads_to_its_issue_and_brings_the_others() {
    let change = one(&known(2, Status::Unresolved, None), vec![event(1, &[1, 2], Level::Error)]);
    assert_eq!(change.target, Target::Existing(IssueId(7)));
    assert_eq!(change.groups, [[1; 16]]);
    assert_eq!((change.alarm, change.status), (None, None));
}

#[test]
fn the_deciding_key_is_asked_first() {
    let mut known = known(1, Status::Unresolved, None);
    known.groups.insert((PROJECT, [2; 16]), IssueId(8));
    let change = one(&known, vec![event(1, &[2, 1], Level::Error)]);
    assert_eq!(change.target, Target::Existing(IssueId(8)));
    assert_eq!(change.groups, [[0; 16]; 0]);
}

#[test]
fn an_event_counts_once_in_a_batch_and_over_time() {
    let twice = vec![event(1, &[1], Level::Error), event(1, &[1], Level::Error)];
    assert_eq!(ids(&one(&Known::default(), twice)), [1]);
    let mut known = known(1, Status::Resolved, None);
    known.seen_events.insert((PROJECT, EventId(1)));
    assert_eq!(decide(&known, &batch(vec![event(1, &[1], Level::Fatal)]), NOW, 0), Changes::default());
}

#[test]
fn the_same_key_in_two_projects_is_two_issues() {
    let mut other = event(2, &[1], Level::Error);
    other.issue.project_id = ProjectId(2);
    let changes = decide(&Known::default(), &batch(vec![event(1, &[1], Level::Error), other]), NOW, 3600);
    assert_eq!(changes.issues.len(), 2);
}

#[test]
fn a_resolved_issue_comes_back_and_rings() {
    let change = one(&known(1, Status::Resolved, None), vec![event(1, &[1], Level::Error)]);
    assert_eq!(change.status, Some((Status::Unresolved, true)));
    assert_eq!(change.alarm.unwrap().kind, AlarmKind::Regressed);
}

#[test]
fn an_ignored_issue_stays_quiet_until_its_time_is_over() {
    let later = Some(NOW.plus_ms(1));
    for until in [None, later] {
        let change = one(&known(1, Status::Ignored, until), vec![event(1, &[1], Level::Fatal)]);
        assert_eq!((change.status, change.alarm), (None, None));
    }
    let change = one(&known(1, Status::Ignored, Some(NOW)), vec![event(1, &[1], Level::Error)]);
    assert_eq!(change.status, Some((Status::Unresolved, false)));
    assert_eq!(change.alarm.unwrap().kind, AlarmKind::Unmuted);
}

#[test]
fn a_fatal_event_rings_for_itself() {
    let events = vec![event(1, &[1], Level::Error), event(2, &[1], Level::Fatal)];
    let alarm = one(&known(1, Status::Unresolved, None), events).alarm.unwrap();
    assert_eq!((alarm.kind, alarm.event_id), (AlarmKind::Critical, EventId(2)));
}

#[test]
fn a_report_counts_once() {
    let loss =
        Loss { project_id: PROJECT, at: NOW, reason: "r".into(), category: "error".into(), quantity: 3 };
    let report = |key: u8| Report { key: [key; 16], losses: vec![loss.clone()] };
    let batch = Batch { events: Vec::new(), reports: vec![report(1), report(1), report(2)] };
    let mut known = Known::default();
    known.seen_reports.insert([2; 16]);
    let changes = decide(&known, &batch, NOW, 0);
    assert_eq!((changes.report_keys, changes.losses), (vec![[1; 16]], vec![loss]));
}

proptest! {
    #[test]
    fn no_event_is_lost_or_counted_twice_and_each_hash_leads_to_one_issue(
        events in prop::collection::vec((0u128..20, prop::collection::vec(0u8..12, 1..3)), 0..30),
    ) {
        let batch = batch(events.iter().map(|(id, hashes)| event(*id, hashes, Level::Error)).collect());
        let changes = decide(&known(3, Status::Resolved, None), &batch, NOW, 3600);
        let mut recorded: Vec<u128> = changes.issues.iter().flat_map(ids).collect();
        recorded.sort_unstable();
        let mut sent: Vec<u128> = events.iter().map(|(id, _)| *id).collect();
        sent.sort_unstable();
        sent.dedup();
        prop_assert_eq!(recorded, sent);
        let hashes: Vec<Hash> = changes.issues.iter().flat_map(|issue| issue.groups.clone()).collect();
        let distinct: HashSet<Hash> = hashes.iter().copied().collect();
        prop_assert_eq!(hashes.len(), distinct.len());
        prop_assert!(changes.issues.iter().all(|issue| !issue.events.is_empty()));
    }
}
