//! All events of an issue, newest first: the whole of what an issue's page shows the head of.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use error_sentinel_wire::{EventId, UnixMs};
use serde::Deserialize;

use super::Shared;
use super::issue_page::{no_issue, parse_id};
use super::page::{Problem, Shell};
use super::session::{SignedIn, percent_encoded};
use super::words::{Moment, short_count};
use crate::clock;
use crate::store::event::EventRow;

/// Rows of a page.
const ROWS: usize = 100;

#[derive(Template)]
#[template(path = "dashboard/event_list.html")]
struct EventListPage {
    shell: Shell,
    id: String,
    title: String,
    count: String,
    stored_count: String,
    lines: Vec<EventLine>,
    is_first_page: bool,
    next: Option<String>,
}

/// An event as lists show it.
pub struct EventLine {
    /// 32 hexadecimal digits.
    pub id: String,
    /// When it arrived.
    pub received: Moment,
    /// How bad.
    pub level: &'static str,
    /// How many errors it stands for, when more than one.
    pub occurrence_count: Option<String>,
    /// Version of the application.
    pub release: String,
    /// `production`, `staging`…
    pub environment: String,
    /// Whose work failed.
    pub user: String,
    /// Whether it is the one that is shown.
    pub is_current: bool,
    /// Whether its details are still there.
    pub has_payload: bool,
}

impl EventLine {
    /// A row as seen from `now`, beside the event that is shown.
    pub fn new(row: EventRow, current: Option<EventId>, now: UnixMs) -> EventLine {
        EventLine {
            is_current: Some(row.event_id) == current,
            id: row.event_id.to_string(),
            received: Moment::new(row.received_at, now),
            level: row.level.as_str(),
            occurrence_count: (row.occurrence_count > 1).then(|| short_count(row.occurrence_count)),
            release: row.release.unwrap_or_default(),
            environment: row.environment.unwrap_or_default(),
            user: row.user.unwrap_or_default(),
            has_payload: row.has_payload,
        }
    }
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    cursor: String,
}

/// `GET /issues/<id>/events`
pub async fn show(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    dashboard
        .page(move |store, frame| {
            let now = clock::now();
            let shell = Shell::read(store, frame, &signed_in.account, "issues")?;
            let issue = store.issue(id)?.ok_or_else(no_issue)?;
            let cursor = Some(asked.cursor.as_str()).filter(|cursor| !cursor.is_empty());
            let page = store.events(id, ROWS, cursor)?;
            let next = page.next_cursor.map(|cursor| {
                format!("{}/issues/{id}/events?cursor={}", frame.prefix, percent_encoded(&cursor))
            });
            Ok(EventListPage {
                shell,
                id: id.to_string(),
                title: issue.title,
                count: short_count(issue.count),
                stored_count: short_count(issue.stored_count),
                lines: page.items.into_iter().map(|row| EventLine::new(row, None, now)).collect(),
                is_first_page: asked.cursor.is_empty(),
                next,
            })
        })
        .await
}
