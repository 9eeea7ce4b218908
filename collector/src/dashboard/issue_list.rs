//! The list of issues. Everything that chooses what is shown stands in the address.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use error_sentinel_wire::ProjectId;
use serde::Deserialize;

use super::Shared;
use super::page::{Problem, Shell};
use super::session::SignedIn;
use super::sparkline::Sparkline;
use super::words::{Moment, level_sign, short_count};
use crate::alert::words;
use crate::clock;
use crate::settings::base_url;
use crate::store::issue::{Issue, IssueQuery};
use crate::store::{Status, Store};

/// Rows of a page.
const ROWS: usize = 50;
/// The sparkline's span.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "dashboard/issue_list.html")]
struct IssueListPage {
    shell: Shell,
    tabs: Vec<Tab>,
    projects: Vec<Choice>,
    project: String,
    status: String,
    query: String,
    rows: Vec<Row>,
    next: Option<String>,
    /// The first page, unless it is this one.
    newest: Option<String>,
    /// Nothing was ever received: a first alarm to try.
    first_curl: Option<String>,
}

struct Tab {
    name: &'static str,
    href: String,
    is_current: bool,
}

struct Choice {
    id: String,
    name: String,
    is_current: bool,
}

struct Row {
    id: String,
    level: &'static str,
    level_sign: &'static str,
    kind: String,
    value: String,
    culprit: String,
    project: String,
    release: String,
    badge: &'static str,
    sparkline: Sparkline,
    count: String,
    exact_count: u64,
    users: String,
    first_seen: Moment,
    last_seen: Moment,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    project: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    cursor: String,
}

impl Asked {
    /// The address that asks for the same but for one thing.
    fn href(&self, prefix: &str, change: impl FnOnce(&mut Asked)) -> String {
        let mut asked = self.clone();
        asked.cursor = String::new();
        change(&mut asked);
        let pairs = [
            ("project", asked.project),
            ("status", asked.status),
            ("query", asked.query),
            ("cursor", asked.cursor),
        ];
        let query: Vec<String> = pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", super::session::percent_encoded(&value)))
            .collect();
        if query.is_empty() { format!("{prefix}/") } else { format!("{prefix}/?{}", query.join("&")) }
    }
}

/// `GET /`
pub async fn show(
    State(dashboard): Shared,
    signed_in: SignedIn,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Problem> {
    // The one that is shown anyway has one address.
    if asked.status == Status::Unresolved.as_str() {
        asked.status.clear();
    }
    dashboard
        .page(move |store, frame| {
            let now = clock::now();
            let shell = Shell::read(store, frame, &signed_in.account, "issues")?;
            let status = match asked.status.as_str() {
                "" => Some(Status::Unresolved),
                "all" => None,
                name => Some(Status::parse(name).ok_or_else(|| Problem::bad("There is no such status."))?),
            };
            let project_id = match asked.project.as_str() {
                "" => None,
                id => Some(ProjectId(id.parse().map_err(|_| Problem::bad("There is no such project."))?)),
            };
            let page = store.issues(&IssueQuery {
                project_id,
                status,
                query: asked.query.clone(),
                limit: ROWS,
                cursor: Some(asked.cursor.clone()).filter(|cursor| !cursor.is_empty()),
            })?;
            let projects = store.projects()?;
            let ids: Vec<_> = page.items.iter().map(|issue| issue.id).collect();
            let hours = store.hourly_counts(&ids, now.plus_ms(-DAY_MS), now)?;
            let name_of = |id: ProjectId| {
                projects.iter().find(|project| project.id == id).map_or(String::new(), |p| p.name.clone())
            };
            let rows: Vec<Row> = page
                .items
                .into_iter()
                .zip(hours)
                .map(|(issue, hours)| Row::new(name_of(issue.project_id), issue, Sparkline::new(&hours), now))
                .collect();
            let prefix = frame.prefix.as_str();
            let tab = |name: &'static str, value: &'static str| Tab {
                name,
                href: asked.href(prefix, |asked| asked.status = value.to_owned()),
                is_current: asked.status == value,
            };
            let tabs = vec![
                tab("Unresolved", ""),
                tab("Resolved", "resolved"),
                tab("Ignored", "ignored"),
                tab("All", "all"),
            ];
            let is_filtered =
                !asked.query.is_empty() || !asked.project.is_empty() || !asked.cursor.is_empty();
            let first_curl =
                if rows.is_empty() && !is_filtered { first_alarm(store, &frame.public_url)? } else { None };
            Ok(IssueListPage {
                shell,
                tabs,
                projects: projects
                    .iter()
                    .map(|project| Choice {
                        id: project.id.to_string(),
                        name: project.name.clone(),
                        is_current: Some(project.id) == project_id,
                    })
                    .collect(),
                rows,
                next: page.next_cursor.map(|cursor| asked.href(prefix, |asked| asked.cursor = cursor)),
                newest: (!asked.cursor.is_empty()).then(|| asked.href(prefix, |_| {})),
                first_curl,
                project: asked.project,
                status: asked.status,
                query: asked.query,
            })
        })
        .await
}

/// The line that raises a first alarm, when no issue was ever made.
fn first_alarm(store: &dyn Store, public_url: &str) -> Result<Option<String>, Problem> {
    let any = store.issues(&IssueQuery { limit: 1, ..IssueQuery::default() })?;
    if !any.items.is_empty() {
        return Ok(None);
    }
    for project in store.projects()? {
        let keys = store.project_keys(project.id)?;
        if let Some(key) = keys.iter().find(|key| key.revoked_at.is_none()) {
            let dsn = base_url::dsn(public_url, key.public_key, project.id);
            return Ok(dsn.map(|dsn| base_url::curl_line(public_url, &dsn)));
        }
    }
    Ok(None)
}

impl Row {
    fn new(project: String, issue: Issue, sparkline: Sparkline, now: error_sentinel_wire::UnixMs) -> Row {
        Row {
            id: issue.id.to_string(),
            level: issue.level.as_str(),
            level_sign: level_sign(issue.level),
            badge: badge(&issue, now),
            culprit: issue.culprit,
            project,
            release: issue.last_release.as_deref().map(words::short_release).unwrap_or_default(),
            sparkline,
            count: short_count(issue.count),
            exact_count: issue.count,
            users: if issue.users == 0 { String::new() } else { short_count(issue.users) },
            first_seen: Moment::new(issue.first_seen, now),
            last_seen: Moment::new(issue.last_seen, now),
            value: if issue.value.is_empty() { issue.title } else { issue.value },
            kind: issue.kind,
        }
    }
}

/// The one word that matters most about an issue.
pub fn badge(issue: &Issue, now: error_sentinel_wire::UnixMs) -> &'static str {
    match issue.status {
        Status::Resolved => "resolved",
        Status::Ignored => "ignored",
        Status::Unresolved if issue.regressed => "regressed",
        Status::Unresolved if now.since(issue.first_seen) < DAY_MS => "new",
        Status::Unresolved => "",
    }
}
