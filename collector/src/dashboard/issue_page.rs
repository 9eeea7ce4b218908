//! An issue, and one of its events.

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use error_sentinel_wire::{EventId, ProjectId, UnixMs};
use serde::Deserialize;

use super::event_list::EventLine;
use super::event_view::EventView;
use super::page::{Problem, Shell};
use super::session::{SignedIn, percent_encoded};
use super::sparkline::Sparkline;
use super::words::{Moment, level_sign, short_count};
use super::{Dashboard, Shared, issue_list};
use crate::alert::words;
use crate::clock;
use crate::feed::Change;
use crate::store::event::Neighbours;
use crate::store::issue::{Issue, TagCount};
use crate::store::{self, IssueId, Status, Store, StoreError};

/// Values shown of each tag.
const TAG_VALUES: usize = 5;
/// Events listed.
const EVENTS: usize = 20;
/// Events of the same request that are looked at, and issues of them that are listed.
const TRACE_EVENTS: usize = 200;
const TRACE_ISSUES: usize = 10;
/// The sparkline's span: three days of hours.
const SPAN_MS: i64 = 72 * 60 * 60 * 1000;
/// How long a click on "Ignore" waits for a mail that is being sent at that moment.
const PATIENCE_MS: u64 = 20_000;

#[derive(Template)]
#[template(path = "dashboard/issue.html")]
struct IssuePage {
    shell: Shell,
    id: String,
    project_id: String,
    project: String,
    kind: String,
    value: String,
    culprit: String,
    level: &'static str,
    level_sign: &'static str,
    badge: &'static str,
    status: &'static str,
    ignored_until: Option<Moment>,
    count: String,
    exact_count: u64,
    users: String,
    stored_count: String,
    first_seen: Moment,
    last_seen: Moment,
    first_release: String,
    last_release: String,
    sparkline: Sparkline,
    tags: Vec<Tag>,
    event: Option<EventView>,
    older: Option<String>,
    newer: Option<String>,
    first: Option<String>,
    last: Option<String>,
    events: Vec<EventLine>,
    trace: Vec<TraceLine>,
}

struct Tag {
    key: String,
    values: Vec<TagValue>,
}

struct TagValue {
    value: String,
    percent: u64,
    /// Whether it can be searched for.
    search: Option<String>,
}

struct TraceLine {
    issue: String,
    event: String,
    title: String,
    project: String,
    received: Moment,
}

/// `GET /issues/<id>`
pub async fn show(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    page(&dashboard, signed_in, &id, None).await
}

/// `GET /issues/<id>/events/<event id>`
pub async fn show_event(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Path((id, event_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let event_id = EventId::parse(&event_id).map_err(|_| no_event())?;
    page(&dashboard, signed_in, &id, Some(event_id)).await
}

async fn page(
    dashboard: &Arc<Dashboard>,
    signed_in: SignedIn,
    id: &str,
    event_id: Option<EventId>,
) -> Result<Response, Problem> {
    let id = parse_id(id)?;
    dashboard
        .page(move |store, frame| {
            let now = clock::now();
            let shell = Shell::read(store, frame, &signed_in.account, "issues")?;
            let issue = store.issue(id)?.ok_or_else(no_issue)?;
            let projects = store.projects()?;
            let project_name = |id| {
                projects.iter().find(|project| project.id == id).map_or(String::new(), |p| p.name.clone())
            };
            let stored = match event_id {
                Some(event_id) => {
                    let found = store.event(event_id)?.filter(|found| found.row.issue_id == id);
                    Some(found.ok_or_else(no_event)?)
                }
                None => store.latest_event(id)?,
            };
            let around = match &stored {
                Some(stored) => store.neighbours(&stored.row)?,
                None => Neighbours::default(),
            };
            let current = stored.as_ref().map(|stored| stored.row.event_id);
            let link = |to: Option<EventId>| to.filter(|to| Some(*to) != current).map(|to| to.to_string());
            let trace_rows = match stored.as_ref().and_then(|stored| stored.row.trace_id) {
                Some(trace_id) => store.events_of_trace(trace_id, TRACE_EVENTS)?,
                None => Vec::new(),
            };
            let mut trace: Vec<TraceLine> = Vec::new();
            let mut told = HashSet::from([id]);
            for row in trace_rows.into_iter().filter(|row| told.insert(row.issue_id)).take(TRACE_ISSUES) {
                let title = store.issue(row.issue_id)?.map(|issue| issue.title).unwrap_or_default();
                trace.push(TraceLine {
                    issue: row.issue_id.to_string(),
                    event: row.event_id.to_string(),
                    title,
                    project: project_name(row.project_id),
                    received: Moment::new(row.received_at, now),
                });
            }
            let events = store.events(id, EVENTS, None)?.items;
            let hours = store.hourly_counts(&[id], now.plus_ms(-SPAN_MS), now)?;
            let tags = tags(store.tag_counts(id, TAG_VALUES)?, issue.count);
            Ok(IssuePage {
                shell,
                id: issue.id.to_string(),
                project_id: issue.project_id.to_string(),
                project: project_name(issue.project_id),
                level: issue.level.as_str(),
                level_sign: level_sign(issue.level),
                badge: issue_list::badge(&issue, now),
                status: issue.status.as_str(),
                ignored_until: issue.ignored_until.map(|until| Moment::new(until, now)),
                count: short_count(issue.count),
                exact_count: issue.count,
                users: short_count(issue.users),
                stored_count: short_count(issue.stored_count),
                first_seen: Moment::new(issue.first_seen, now),
                last_seen: Moment::new(issue.last_seen, now),
                first_release: issue.first_release.as_deref().map(words::short_release).unwrap_or_default(),
                last_release: issue.last_release.as_deref().map(words::short_release).unwrap_or_default(),
                sparkline: Sparkline::new(hours.first().map_or(&[], Vec::as_slice)),
                tags,
                older: link(around.older),
                newer: link(around.newer),
                first: link(around.first),
                last: link(around.last),
                events: events.into_iter().map(|row| EventLine::new(row, current, now)).collect(),
                trace,
                event: stored.as_ref().map(|stored| EventView::new(stored, now)),
                value: if issue.value.is_empty() { issue.title } else { issue.value },
                kind: issue.kind,
                culprit: issue.culprit,
            })
        })
        .await
}

/// Groups counts by tag, each with its share of all errors.
fn tags(counts: Vec<TagCount>, total: u64) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for count in counts {
        let percent = (count.count.saturating_mul(100) / total.max(1)).min(100);
        let search = count.value.as_ref().and_then(|value| search(&count.key, value));
        let value = TagValue { value: count.value.unwrap_or_else(|| "all others".into()), percent, search };
        match tags.iter_mut().find(|tag| tag.key == count.key) {
            Some(tag) => tag.values.push(value),
            None => tags.push(Tag { key: count.key, values: vec![value] }),
        }
    }
    tags
}

/// The search for a tag, ready for an address; `None` for those that no search can say.
fn search(key: &str, value: &str) -> Option<String> {
    let is_word = |text: &str| !text.contains([':', '"']) && !text.contains(char::is_whitespace);
    if key.is_empty() || value.is_empty() || !is_word(key) || value.contains('"') {
        return None;
    }
    let is_quoted = value.contains(char::is_whitespace);
    let words = if is_quoted { format!("{key}:\"{value}\"") } else { format!("{key}:{value}") };
    Some(percent_encoded(&words))
}

/// What to do with an issue.
#[derive(Deserialize)]
pub struct StatusForm {
    status: String,
    /// For how many hours to ignore it; empty or zero for ever.
    #[serde(default)]
    hours: String,
}

/// `POST /issues/<id>/status`
pub async fn set_status(
    State(dashboard): Shared,
    _: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<StatusForm>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let status = Status::parse(&form.status).ok_or_else(|| Problem::bad("There is no such status."))?;
    let hours: i64 = match form.hours.trim() {
        "" => 0,
        text => text.parse().map_err(|_| Problem::bad("The duration is a number of hours."))?,
    };
    let now = clock::now();
    let until = (hours > 0).then(|| now.plus_ms(hours.saturating_mul(60 * 60 * 1000)));
    let changed = store::blocking(&dashboard.store, move |store| {
        change_status(store, id, status, until, now, PATIENCE_MS)
    });
    let changed = changed.await?.ok_or_else(no_issue)?;
    dashboard.feed.publish(Change { project_id: changed.project_id, issue_id: id });
    if changed.may_still_mail {
        return Err(Problem::bad(
            "The status is changed, but a mail of this issue was being sent at that moment and may still arrive.",
        ));
    }
    Ok(dashboard.to(&format!("/issues/{id}")))
}

/// An issue whose status is changed.
pub struct StatusChange {
    project_id: ProjectId,
    /// A mail was on its way and did not end in time.
    pub may_still_mail: bool,
}

/// Changes the status; `None` when there is no such issue.
///
/// # Errors
/// Those of the store, and nothing is changed.
pub fn change_status(
    store: &dyn Store,
    id: IssueId,
    status: Status,
    until: Option<UnixMs>,
    now: UnixMs,
    patience_ms: u64,
) -> store::Result<Option<StatusChange>> {
    let (issue, may_still_mail) = match store.set_status(id, status, until, now, patience_ms) {
        // Busy with a mail of this issue, and the status is changed; or with something else, and it is not.
        Err(StoreError::Busy(reason)) if status == Status::Ignored => {
            let is_changed = |issue: &Issue| issue.status == status && issue.ignored_until == until;
            let issue = store.issue(id)?.filter(is_changed).ok_or(StoreError::Busy(reason))?;
            (Some(issue), true)
        }
        changed => (changed?, false),
    };
    Ok(issue.map(|issue| StatusChange { project_id: issue.project_id, may_still_mail }))
}

/// `GET /events/<event id>.json`: the event as it is stored.
pub async fn raw(
    State(dashboard): Shared,
    _: SignedIn,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let id = file.strip_suffix(".json").and_then(|id| EventId::parse(id).ok()).ok_or_else(no_event)?;
    let found = store::blocking(&dashboard.store, move |store| store.event(id)).await?;
    let payload = found.and_then(|found| found.payload).ok_or_else(no_event)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{id}.json\"")),
    ];
    Ok((headers, payload).into_response())
}

/// The issue that a path names.
pub fn parse_id(text: &str) -> Result<IssueId, Problem> {
    text.parse().map(IssueId).map_err(|_| no_issue())
}

/// There is none of this id.
pub fn no_issue() -> Problem {
    Problem::not_found("There is no such issue.")
}

fn no_event() -> Problem {
    Problem::not_found("There is no such event, or its details were removed to keep within the disk budget.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::search::parse_terms;

    #[test]
    fn the_search_of_a_tag_finds_that_tag() {
        for (key, value) in [("os", "Android"), ("app", "Delivery app"), ("url", "http://a:80/?x=1&y=%20")] {
            let decoded: Vec<u8> = {
                let text = search(key, value).unwrap();
                let mut bytes = text.bytes();
                let hex = |byte: Option<u8>| char::from(byte.unwrap()).to_digit(16).unwrap() as u8;
                std::iter::from_fn(|| match bytes.next()? {
                    b'%' => Some(hex(bytes.next()) << 4 | hex(bytes.next())),
                    byte => Some(byte),
                })
                .collect()
            };
            let terms = parse_terms(std::str::from_utf8(&decoded).unwrap());
            assert_eq!(terms.len(), 1, "{terms:?}");
            assert_eq!(terms[0].tag, Some((key.to_owned(), value.to_owned())));
        }
        for (key, value) in [("a b", "c"), ("a", "say \"x\""), ("a:b", "c"), ("", "c"), ("a", "")] {
            assert_eq!(search(key, value), None, "{key:?} {value:?}");
        }
    }

    #[test]
    fn tags_are_grouped_with_their_share() {
        let count = |key: &str, value: Option<&str>, count| TagCount {
            key: key.into(),
            value: value.map(Into::into),
            count,
        };
        let counts = vec![count("os", Some("a"), 3), count("os", None, 1), count("app", Some("b"), 9)];
        let tags = tags(counts, 4);
        let shown: Vec<Vec<(&str, u64)>> = tags
            .iter()
            .map(|tag| tag.values.iter().map(|v| (v.value.as_str(), v.percent)).collect())
            .collect();
        assert_eq!(shown, [vec![("a", 75), ("all others", 25)], vec![("b", 100)]]);
        assert!(tags[0].values[1].search.is_none());
    }
}
