//! `issues`: what the dashboard lists, for the terminal and for scripts.

use clap::{Args, Subcommand};
use error_sentinel_wire::ProjectId;

use super::opened::Opened;
use super::{Outcome, output};
use crate::api::issue::IssuesDocument;
use crate::settings::Settings;
use crate::store::Status;
use crate::store::issue::IssueQuery;

/// Most rows that the store gives at once.
const PAGE: usize = 500;

/// Look at issues
#[derive(Debug, Subcommand)]
pub enum IssuesCommand {
    /// List issues, newest activity first
    #[command(
        after_help = "Example:\n  error-sentinel issues list --status unresolved --query 'timeout release:1.4.2' --json"
    )]
    List(List),
}

/// List issues, newest activity first
#[derive(Debug, Args)]
pub struct List {
    /// Only this project's, by name or number
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Only those of this status: unresolved, resolved or ignored
    #[arg(long, value_name = "STATUS", value_parser = status)]
    pub status: Option<Status>,
    /// Words that title, culprit or a tag (key:value) must hold
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub query: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// Print JSON, as the API gives it
    #[arg(long)]
    pub json: bool,
}

impl IssuesCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let IssuesCommand::List(list) = self;
        let opened = Opened::existing(settings)?;
        let project_id = match &list.project {
            Some(project) => Some(opened.project(Some(project))?.id),
            None => None,
        };
        let document = list.document(&opened, project_id)?;
        if list.json {
            return output::json(&document);
        }
        let rows = document.issues.into_iter().map(|issue| {
            let status = if issue.regressed { "regressed" } else { issue.status };
            let (id, level) = (issue.id.to_string(), issue.level.to_owned());
            let (count, users) = (issue.count.to_string(), issue.users.to_string());
            [id, status.to_owned(), level, count, users, issue.last_seen, issue.title]
        });
        output::table(["ID", "STATUS", "LEVEL", "COUNT", "USERS", "LAST SEEN", "TITLE"], rows)
    }
}

impl List {
    /// Page after page up to the limit.
    fn document(
        &self,
        opened: &Opened,
        project_id: Option<ProjectId>,
    ) -> Result<IssuesDocument, super::Failure> {
        let mut document = IssuesDocument { issues: Vec::new(), next_cursor: None };
        loop {
            let page = opened.store.issues(&IssueQuery {
                project_id,
                status: self.status,
                query: self.query.clone(),
                limit: self.limit.saturating_sub(document.issues.len()).min(PAGE),
                cursor: document.next_cursor.take(),
            })?;
            let page = IssuesDocument::from(page);
            document.issues.extend(page.issues);
            document.next_cursor = page.next_cursor;
            if document.next_cursor.is_none() || document.issues.len() >= self.limit {
                return Ok(document);
            }
        }
    }
}

fn status(name: &str) -> Result<Status, String> {
    Status::parse(name)
        .ok_or_else(|| format!("expected one of {}", Status::ALL.map(Status::as_str).join(", ")))
}
