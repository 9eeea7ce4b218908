//! `project` and `dsn`: who may send, and where to.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::opened::{Opened, public_key};
use super::{Outcome, output};
use crate::clock;
use crate::settings::{Settings, mailbox};

/// Longest name of a project, in characters.
const NAME_LENGTH: usize = 100;

/// Make and list projects
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Make a project and print its DSN
    #[command(after_help = "Example:\n  error-sentinel project create shop --notify team@example.com")]
    Create(Create),
    /// List the projects
    List(List),
}

/// Make a project and print its DSN
#[derive(Debug, Args)]
pub struct Create {
    /// Its name
    #[arg(value_parser = name)]
    pub name: String,
    /// Who is told about its issues, instead of smtp.to
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_parser = address)]
    pub notify: Vec<String>,
}

/// List the projects
#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Print the DSN of a project, and nothing else
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ERROR_SENTINEL_DSN=$(error-sentinel dsn shop) ./my-app")]
pub struct PrintDsn {
    /// Its name or number; without it, the only project or the one named default
    pub project: Option<String>,
}

#[derive(Serialize)]
struct ProjectDocument {
    id: u32,
    name: String,
    dsn: Option<String>,
    notify: Vec<String>,
    created_at: String,
}

impl ProjectCommand {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        match self {
            ProjectCommand::Create(create) => create.run(settings),
            ProjectCommand::List(list) => list.run(settings),
        }
    }
}

impl Create {
    fn run(self, settings: Settings) -> Outcome {
        let opened = Opened::or_new(settings)?;
        let project = opened.store.create_project(&self.name, public_key()?, clock::now())?;
        if !self.notify.is_empty() {
            opened.store.set_recipients(project.id, &self.notify)?;
        }
        eprintln!("Project {} ({}) is ready; its DSN:", project.name, project.id);
        output::line(opened.dsn(project.id)?)
    }
}

impl List {
    fn run(self, settings: Settings) -> Outcome {
        let opened = Opened::existing(settings)?;
        let mut documents = Vec::new();
        for project in opened.store.projects()? {
            documents.push(ProjectDocument {
                id: project.id.0,
                // A port that nobody knows yet is no reason to list nothing.
                dsn: opened.dsn(project.id).ok().map(|dsn| dsn.to_string()),
                notify: opened.store.recipients(project.id)?,
                name: project.name,
                created_at: project.created_at.to_string(),
            });
        }
        if self.json {
            return output::json(&documents);
        }
        let rows = documents.into_iter().map(|project| {
            let dsn = project.dsn.unwrap_or_default();
            [project.id.to_string(), project.name, project.notify.join(", "), dsn]
        });
        output::table(["ID", "NAME", "NOTIFY", "DSN"], rows)
    }
}

impl PrintDsn {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        let opened = Opened::existing(settings)?;
        let project = opened.project(self.project.as_deref())?;
        output::line(opened.dsn(project.id)?)?;
        if opened.settings.public_url.is_none() && opened.settings.listen.ip().is_unspecified() {
            eprintln!("This DSN works on this machine; for others set --public-url URL.");
        }
        Ok(())
    }
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH || name.contains(char::is_control) {
        return Err(format!("a name is one line of 1 to {NAME_LENGTH} characters"));
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("a name of digits alone would be taken for a project's number".into());
    }
    Ok(name.to_owned())
}

fn address(text: &str) -> Result<String, String> {
    mailbox(text).ok_or_else(|| "expected a mail address, such as team@example.com".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_confuse_are_refused() {
        assert_eq!(name(" User app ").as_deref(), Ok("User app"));
        for wrong in ["", "  ", "12", "a\nb", &"x".repeat(101)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
        assert!(address("team@example.com").is_ok() && address("team").is_err());
    }
}
