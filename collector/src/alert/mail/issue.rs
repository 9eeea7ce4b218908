//! The mail about one issue.

use askama::Template;
use error_sentinel_wire::Level;

use super::frames::{FrameLine, frames};
use super::line::{header, line, lines};
use super::{Fact, Mail, number, time};
use crate::alert::words;
use crate::store::Issue;
use crate::store::event::StoredEvent;
use crate::store::outbox::AlarmKind;

/// Longest subject in characters; phones show half of it.
const SUBJECT_CHARS: usize = 150;

/// What the mail is about.
#[derive(Debug, Clone, Copy)]
pub struct Topic<'a> {
    /// Name of the project.
    pub project: &'a str,
    /// The issue.
    pub issue: &'a Issue,
    /// Its latest event, where one is still stored.
    pub event: Option<&'a StoredEvent>,
    /// Why it rings.
    pub kind: AlarmKind,
    /// How people reach the dashboard, without trailing slash.
    pub public_url: &'a str,
    /// Who gets it.
    pub recipient: &'a str,
}

#[derive(Template)]
#[template(path = "mail/issue.txt")]
struct Text<'a> {
    view: &'a View,
}

#[derive(Template)]
#[template(path = "mail/issue.html")]
struct Html<'a> {
    view: &'a View,
}

/// Everything that both parts show.
struct View {
    project: String,
    heading: String,
    value: String,
    word: &'static str,
    reason: &'static str,
    colour: &'static str,
    culprit: String,
    frames: Vec<FrameLine>,
    facts: Vec<Fact>,
    link: String,
    recipient: String,
}

/// Writes it.
///
/// # Errors
/// When a template fails, which no content makes it do.
pub fn issue(topic: &Topic<'_>) -> Result<Mail, askama::Error> {
    let Topic { project, issue, event, kind, public_url, recipient } = *topic;
    let heading = if issue.kind.is_empty() { line(&issue.title, 200) } else { line(&issue.kind, 200) };
    let value = lines(&issue.value, 12, 1200);
    let value = if value == heading { String::new() } else { value };
    let row = event.map(|event| &event.row);
    let release = row.and_then(|row| row.release.as_deref()).or(issue.last_release.as_deref());
    let payload = event.and_then(|event| event.payload.as_deref());
    let view = View {
        project: line(project, 80),
        heading,
        value,
        word: words::kind(kind),
        reason: words::reason(kind),
        colour: colour(issue.level),
        culprit: line(&issue.culprit, 200),
        frames: payload.map(frames).unwrap_or_default(),
        facts: facts(issue, row, release),
        link: format!("{public_url}/issues/{}", issue.id),
        recipient: line(recipient, 200),
    };
    Ok(Mail {
        subject: subject(project, issue, kind, release),
        text: Text { view: &view }.render()?,
        html: Html { view: &view }.render()?,
    })
}

/// `[project] Type: value (new, release)`. The end says what is new, so the middle gives way.
fn subject(project: &str, issue: &Issue, kind: AlarmKind, release: Option<&str>) -> String {
    let start = format!("[{}] ", header(project, 40));
    let end = match release {
        Some(release) => format!(" ({}, {})", words::kind(kind), header(&words::short_release(release), 40)),
        None => format!(" ({})", words::kind(kind)),
    };
    let room = SUBJECT_CHARS.saturating_sub(start.chars().count() + end.chars().count());
    // What was cut is a character longer where a stranger's text looked encoded; no matter.
    format!("{start}{}{end}", header(first_line(&issue.title), room))
}

fn first_line(text: &str) -> &str {
    text.trim_start().lines().next().unwrap_or_default()
}

fn facts(issue: &Issue, row: Option<&crate::store::event::EventRow>, release: Option<&str>) -> Vec<Fact> {
    let mut facts = vec![
        Fact { name: "Level", value: issue.level.as_str().to_owned() },
        Fact {
            name: "Seen",
            value: if issue.count == 1 {
                "once".to_owned()
            } else {
                format!("{} times", number(issue.count))
            },
        },
    ];
    if issue.users > 0 {
        facts.push(Fact { name: "Users", value: number(issue.users) });
    }
    facts.push(Fact { name: "First", value: time(issue.first_seen) });
    if issue.last_seen != issue.first_seen {
        facts.push(Fact { name: "Latest", value: time(issue.last_seen) });
    }
    let texts = [
        ("Release", release),
        ("Environment", row.and_then(|row| row.environment.as_deref())),
        ("App", row.and_then(|row| row.app.as_deref())),
    ];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name, line(value?, 200))));
    facts.extend(texts.filter(|(_, v)| !v.is_empty()).map(|(name, value)| Fact { name, value }));
    facts
}

/// A colour that reads on white and on black.
pub(super) fn colour(level: Level) -> &'static str {
    match level {
        Level::Fatal => "#d6336c",
        Level::Error => "#e03131",
        Level::Warning => "#e8890c",
        Level::Info => "#2f7ed8",
        Level::Debug => "#868e96",
    }
}
