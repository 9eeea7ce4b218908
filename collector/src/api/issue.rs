//! Issues as programs see them.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use error_sentinel_wire::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::Problem;
use super::query::{self, Asked, IssuesQuery};
use super::{Answer, Shared};
use crate::clock;
use crate::feed::Change;
use crate::store::{self, Page, Status};

/// How long a change of status waits for a mail that is being sent at this moment.
const PATIENCE_MS: u64 = 5_000;

/// An issue.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Issue)]
pub struct IssueDocument {
    /// Its name.
    pub id: i64,
    /// Its project.
    #[schema(value_type = i64)]
    pub project_id: u32,
    /// One line: type and value, or the message.
    pub title: String,
    /// Type of the exception; empty for a message.
    #[serde(rename = "type")]
    pub kind: String,
    /// Message of the exception, or the message.
    pub value: String,
    /// The in-app function or route to look at.
    pub culprit: String,
    /// The worst level seen: debug, info, warning, error or fatal.
    pub level: &'static str,
    /// unresolved, resolved or ignored.
    pub status: &'static str,
    /// Whether it came back after it was resolved.
    pub regressed: bool,
    /// Until when it stays ignored; null for ever.
    pub ignored_until: Option<String>,
    /// Errors, exact.
    pub count: u64,
    /// Distinct users.
    pub users: u64,
    /// Arrival of the first event.
    pub first_seen: String,
    /// Arrival of the latest.
    pub last_seen: String,
    /// Release of the first event that named one.
    pub first_release: Option<String>,
    /// Release of the latest that named one.
    pub last_release: Option<String>,
    /// The readable key that its events have in common.
    pub fingerprint: String,
    /// Platform of the first event.
    pub platform: String,
}

/// A page of issues, newest activity first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Issues)]
pub struct IssuesDocument {
    /// The issues.
    pub issues: Vec<IssueDocument>,
    /// Asks for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// A new status.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusChange {
    /// unresolved, resolved or ignored.
    #[schema(pattern = "^(unresolved|resolved|ignored)$")]
    status: String,
    /// With ignored: until when, as RFC 3339; for ever when left out.
    #[schema(format = "date-time")]
    ignored_until: Option<String>,
}

impl From<store::Issue> for IssueDocument {
    fn from(issue: store::Issue) -> Self {
        IssueDocument {
            id: issue.id.0,
            project_id: issue.project_id.0,
            title: issue.title,
            kind: issue.kind,
            value: issue.value,
            culprit: issue.culprit,
            level: issue.level.as_str(),
            status: issue.status.as_str(),
            regressed: issue.regressed,
            ignored_until: issue.ignored_until.map(|time| time.to_string()),
            count: issue.count,
            users: issue.users,
            first_seen: issue.first_seen.to_string(),
            last_seen: issue.last_seen.to_string(),
            first_release: issue.first_release,
            last_release: issue.last_release,
            fingerprint: issue.fingerprint,
            platform: issue.platform,
        }
    }
}

impl From<Page<store::Issue>> for IssuesDocument {
    fn from(page: Page<store::Issue>) -> Self {
        let issues = page.items.into_iter().map(IssueDocument::from).collect();
        IssuesDocument { issues, next_cursor: page.next_cursor }
    }
}

/// Lists issues, newest activity first.
#[utoipa::path(
    get,
    path = "/api/v1/issues",
    operation_id = "list_issues",
    tag = "issues",
    params(
        ("project" = Option<i64>, Query, description = "Only this project's", minimum = 0, maximum = 4294967295i64),
        ("status" = Option<String>, Query, description = "Only unresolved, resolved or ignored ones", pattern = "^(|unresolved|resolved|ignored)$"),
        ("query" = Option<String>, Query, description = "Words that title, culprit or a tag (key:value) must hold"),
        ("limit" = Option<usize>, Query, description = "100 when left out", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = IssuesDocument), (status = 400, body = Problem), (status = 401, body = Problem)),
    security(("token" = [])),
)]
pub(super) async fn list(State(api): Shared, asked: Asked<IssuesQuery>) -> Answer<Json<IssuesDocument>> {
    let query = query::asked(asked)?.read()?;
    let page = store::blocking(&api.store, move |store| store.issues(&query)).await?;
    Ok(Json(page.into()))
}

/// Shows one issue.
#[utoipa::path(
    get,
    path = "/api/v1/issues/{id}",
    operation_id = "show_issue",
    tag = "issues",
    params(("id" = i64, Path, description = "The issue")),
    responses((status = 200, body = IssueDocument), (status = 401, body = Problem), (status = 404, body = Problem)),
    security(("token" = [])),
)]
pub(super) async fn show(State(api): Shared, Path(id): Path<String>) -> Answer<Json<IssueDocument>> {
    let id = query::issue_id(&id)?;
    let issue = store::blocking(&api.store, move |store| store.issue(id)).await?;
    Ok(Json(issue.ok_or_else(|| query::no_issue(id))?.into()))
}

/// Changes the status of an issue. Once it is ignored, no alarm of it is sent any more.
#[utoipa::path(
    post,
    path = "/api/v1/issues/{id}/status",
    operation_id = "set_issue_status",
    tag = "issues",
    params(("id" = i64, Path, description = "The issue")),
    request_body = StatusChange,
    responses(
        (status = 200, body = IssueDocument),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 404, body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn set_status(
    State(api): Shared,
    Path(id): Path<String>,
    change: Result<Json<StatusChange>, JsonRejection>,
) -> Answer<Json<IssueDocument>> {
    let id = query::issue_id(&id)?;
    let Json(change) = change.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let status = query::status(&change.status)?;
    let now = clock::now();
    let until = change.ignored_until.map(|text| until(&text, status, now)).transpose()?;
    let changed =
        store::blocking(&api.store, move |store| store.set_status(id, status, until, now, PATIENCE_MS));
    let issue = changed.await?.ok_or_else(|| query::no_issue(id))?;
    api.feed.publish(Change { project_id: issue.project_id, issue_id: issue.id });
    Ok(Json(issue.into()))
}

fn until(text: &str, status: Status, now: UnixMs) -> Answer<UnixMs> {
    if status != Status::Ignored {
        return Err(Problem::bad_request("ignored_until goes with the status ignored only"));
    }
    let time = UnixMs::parse(text).filter(|time| *time > now);
    time.ok_or_else(|| {
        Problem::bad_request(format!("ignored_until is a time to come as RFC 3339, not {text:?}"))
    })
}
