//! Decides what a batch of events does to issues. Pure: what the store knows comes in, what it shall write
//! goes out.
//!
//! The store calls this inside the transaction that writes the outcome, so two batches never decide on the
//! same state. Every event counts once, however often its job is delivered.

use std::collections::{HashMap, HashSet};

use error_sentinel_wire::{EventId, Level, ProjectId, UnixMs};

use crate::alert::rules::{Occasion, ring};
use crate::store::digests::{
    Changes, IssueChange, IssueState, Known, Lookup, Loss, NewAlarm, NewEvent, NewIssue, Target,
};
use crate::store::outbox::AlarmKind;
use crate::store::{IssueId, Status};

/// Hash of a grouping key.
type Hash = [u8; 16];

/// An event, ready to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The issue that it makes when it joins none.
    pub issue: NewIssue,
    /// Hashes by which it joins, the one that decides first.
    pub joining: Vec<Hash>,
    /// What is kept of it.
    pub event: NewEvent,
}

/// Losses that one item reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Idempotency key.
    pub key: Hash,
    /// The losses.
    pub losses: Vec<Loss>,
}

/// Everything that is decided at once, in order of arrival.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Events.
    pub events: Vec<Candidate>,
    /// Client reports.
    pub reports: Vec<Report>,
}

impl Batch {
    /// What has to be known before [`decide`].
    pub fn lookup(&self) -> Lookup {
        let mut groups: Vec<(ProjectId, Hash)> = self
            .events
            .iter()
            .flat_map(|one| one.joining.iter().map(|hash| (one.issue.project_id, *hash)))
            .collect();
        groups.sort_unstable();
        groups.dedup();
        Lookup {
            event_ids: self.events.iter().map(|one| (one.issue.project_id, one.event.event_id)).collect(),
            report_keys: self.reports.iter().map(|report| report.key).collect(),
            groups,
        }
    }

    /// Takes over what another holds.
    pub fn append(&mut self, other: Batch) {
        self.events.extend(other.events);
        self.reports.extend(other.reports);
    }

    /// Whether there is nothing to record.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.reports.is_empty()
    }
}

/// Says what the batch changes. Events that share a key become one issue, also when it is new.
pub fn decide(known: &Known, batch: &Batch, now: UnixMs, cooldown_s: u64) -> Changes {
    let mut seen: HashSet<(ProjectId, EventId)> = HashSet::new();
    let mut plan = Plan { known, drafts: Vec::new(), by_hash: HashMap::new(), by_issue: HashMap::new() };
    for candidate in &batch.events {
        let id = (candidate.issue.project_id, candidate.event.event_id);
        if known.seen_events.contains(&id) || !seen.insert(id) {
            continue;
        }
        plan.add(candidate);
    }
    let issues = plan.drafts.into_iter().map(|draft| draft.close(now, cooldown_s)).collect();
    let mut changes = Changes { issues, ..Changes::default() };
    for report in &batch.reports {
        if known.seen_reports.contains(&report.key) || changes.report_keys.contains(&report.key) {
            continue;
        }
        changes.report_keys.push(report.key);
        changes.losses.extend(report.losses.iter().cloned());
    }
    changes
}

/// Issues as the batch makes or touches them.
struct Plan<'a> {
    known: &'a Known,
    drafts: Vec<Draft<'a>>,
    by_hash: HashMap<(ProjectId, Hash), usize>,
    by_issue: HashMap<IssueId, usize>,
}

impl<'a> Plan<'a> {
    fn add(&mut self, candidate: &'a Candidate) {
        let project_id = candidate.issue.project_id;
        let at = self.find(candidate).unwrap_or_else(|| {
            let target = Target::New(candidate.issue.clone());
            self.open(target, None)
        });
        for hash in &candidate.joining {
            let key = (project_id, *hash);
            // A hash leads to one issue; that it also fits another stack does not move it.
            if self.known.groups.contains_key(&key) || self.by_hash.contains_key(&key) {
                continue;
            }
            self.by_hash.insert(key, at);
            self.drafts[at].change.groups.push(*hash);
        }
        self.drafts[at].add(&candidate.event);
    }

    /// The issue that one of the event's hashes leads to, the deciding one asked first.
    fn find(&mut self, candidate: &Candidate) -> Option<usize> {
        for hash in &candidate.joining {
            let key = (candidate.issue.project_id, *hash);
            if let Some(at) = self.by_hash.get(&key) {
                return Some(*at);
            }
            if let Some(issue) = self.known.groups.get(&key) {
                let known = self.by_issue.get(issue).copied();
                return Some(known.unwrap_or_else(|| {
                    let at = self.open(Target::Existing(*issue), self.known.issues.get(issue));
                    self.by_issue.insert(*issue, at);
                    at
                }));
            }
        }
        None
    }

    fn open(&mut self, target: Target, state: Option<&'a IssueState>) -> usize {
        let change = IssueChange {
            target,
            groups: Vec::new(),
            level: Level::Debug,
            status: None,
            events: Vec::new(),
            alarm: None,
        };
        self.drafts.push(Draft { change, state, fatal: None });
        self.drafts.len() - 1
    }
}

struct Draft<'a> {
    change: IssueChange,
    state: Option<&'a IssueState>,
    /// The first fatal event.
    fatal: Option<EventId>,
}

impl Draft<'_> {
    fn add(&mut self, event: &NewEvent) {
        self.change.level = self.change.level.max(event.level);
        if event.level == Level::Fatal {
            self.fatal.get_or_insert(event.event_id);
        }
        self.change.events.push(event.clone());
    }

    /// Sees what became of the issue and whether that rings.
    fn close(mut self, now: UnixMs, cooldown_s: u64) -> IssueChange {
        let is_new = matches!(self.change.target, Target::New(_));
        let status = self.state.map_or(Status::Unresolved, |state| state.status);
        let is_over = self.state.and_then(|state| state.ignored_until).is_some_and(|until| until <= now);
        let turned = match status {
            _ if is_new => Some(AlarmKind::New),
            Status::Resolved => Some(AlarmKind::Regressed),
            Status::Ignored if is_over => Some(AlarmKind::Unmuted),
            Status::Unresolved | Status::Ignored => None,
        };
        self.change.status = match turned {
            Some(AlarmKind::Regressed) => Some((Status::Unresolved, true)),
            Some(AlarmKind::Unmuted) => Some((Status::Unresolved, false)),
            _ => None,
        };
        let occasion = Occasion {
            turned,
            fatal: self.fatal.is_some(),
            status: self.change.status.map_or(status, |(status, _)| status),
            last_alarm_at: self.state.and_then(|state| state.last_alarm_at),
            now,
        };
        let first = self.change.events.first().map(|event| event.event_id);
        if let Some(kind) = ring(&occasion, cooldown_s)
            && let Some(event_id) = self.fatal.or(first)
        {
            self.change.alarm = Some(NewAlarm { kind, event_id, at: now });
        }
        self.change
    }
}

#[cfg(test)]
mod tests;
