//! The mail that names many issues at once.

use askama::Template;

use super::line::{header, line};
use super::{Mail, number};
use crate::alert::words;
use crate::store::Issue;
use crate::store::outbox::AlarmKind;

/// What the mail is about.
#[derive(Debug, Clone, Copy)]
pub struct Topic<'a> {
    /// Name of the project.
    pub project: &'a str,
    /// Its issues and why each rings, in the order shown.
    pub issues: &'a [(Issue, AlarmKind)],
    /// How people reach the dashboard, without trailing slash.
    pub public_url: &'a str,
    /// Who gets it.
    pub recipient: &'a str,
}

#[derive(Template)]
#[template(path = "mail/digest.txt")]
struct Text<'a> {
    view: &'a View,
}

#[derive(Template)]
#[template(path = "mail/digest.html")]
struct Html<'a> {
    view: &'a View,
}

struct View {
    project: String,
    heading: String,
    summary: String,
    rows: Vec<Row>,
    link: String,
    recipient: String,
}

struct Row {
    title: String,
    about: String,
    colour: &'static str,
    link: String,
}

/// Writes it.
///
/// # Errors
/// When a template fails, which no content makes it do.
pub fn digest(topic: &Topic<'_>) -> Result<Mail, askama::Error> {
    let Topic { project, issues, public_url, recipient } = *topic;
    let count = u64::try_from(issues.len()).unwrap_or(u64::MAX);
    let kinds = [AlarmKind::Critical, AlarmKind::New, AlarmKind::Regressed, AlarmKind::Unmuted];
    let counted = kinds.into_iter().filter_map(|kind| {
        let of_kind = issues.iter().filter(|(_, other)| *other == kind).count();
        (of_kind > 0).then(|| format!("{of_kind} {}", words::kind(kind)))
    });
    let summary = counted.collect::<Vec<_>>().join(", ");
    let noun = if count == 1 { "issue" } else { "issues" };
    let heading = format!("{} {noun} at once", number(count));
    let row = |(issue, kind): &(Issue, AlarmKind)| {
        let times = if issue.count == 1 { "once".into() } else { format!("{} times", number(issue.count)) };
        let culprit = line(&issue.culprit, 120);
        let place = if culprit.is_empty() { culprit } else { format!(" · {culprit}") };
        Row {
            title: line(&issue.title, 140),
            about: format!("{} · {times}{place}", words::kind(*kind)),
            colour: super::issue::colour(issue.level),
            link: format!("{public_url}/issues/{}", issue.id),
        }
    };
    let view = View {
        project: line(project, 80),
        heading,
        summary: summary.clone(),
        rows: issues.iter().map(row).collect(),
        link: format!("{public_url}/issues"),
        recipient: line(recipient, 200),
    };
    Ok(Mail {
        subject: format!("[{}] {} {noun}: {summary}", header(project, 40), number(count)),
        text: Text { view: &view }.render()?,
        html: Html { view: &view }.render()?,
    })
}
