//! A mail with its headers, as mail servers take it.

use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use error_sentinel_wire::{ProjectId, UnixMs};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use sha2::{Digest, Sha256};

use super::Mail;
use super::line::{header, line};
use crate::alert::delivery::MailError;

/// Name of the sender where the settings give only an address.
const SENDER: &str = "Error Sentinel";

/// What the headers need to know.
#[derive(Debug, Clone, Copy)]
pub struct Posting<'a> {
    /// Sender, from the settings.
    pub from: &'a str,
    /// The one recipient.
    pub to: &'a str,
    /// When the mail was decided; the same on every try.
    pub date: UnixMs,
    /// Its id, see [`message_id`].
    pub message_id: &'a str,
    /// The first mail about the issue to this recipient, unless it is this one.
    pub thread: Option<&'a str>,
    /// The project that it is about; `None` for a test mail.
    pub project: Option<(ProjectId, &'a str)>,
}

/// An id that is the same on every try and never the same for two mails or two recipients: `<…@domain>`.
pub fn message_id(from: &str, mail_id: i64, planned_at: UnixMs, recipient: &str) -> String {
    let domain =
        from.parse::<Mailbox>().map_or_else(|_| "localhost".to_owned(), |m| m.email.domain().to_owned());
    let hash = Sha256::digest(recipient.as_bytes());
    let mut name = format!("{mail_id}.{:x}.", planned_at.0);
    for byte in hash.iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    format!("<{name}@{domain}>")
}

/// Puts the mail together.
///
/// # Errors
/// [`MailError::Address`] when sender or recipient is no address.
pub fn message(mail: &Mail, posting: &Posting<'_>) -> Result<Message, MailError> {
    let from: Mailbox = posting.from.parse().map_err(|_| MailError::Sender {
        from: line(posting.from, 200),
        reply: "it is no mail address".into(),
    })?;
    let from = Mailbox::new(from.name.or_else(|| Some(SENDER.to_owned())), from.email);
    let to: Address = address(posting.to)?;
    let millis = u64::try_from(posting.date.0).unwrap_or(0);
    let mut builder = Message::builder()
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .to(Mailbox::new(None, to))
        .subject(header(&mail.subject, 200))
        .message_id(Some(posting.message_id.to_owned()))
        .raw_header(raw("Auto-Submitted", "auto-generated".into()))
        .raw_header(raw("X-Auto-Response-Suppress", "All".into()));
    if let Some(root) = posting.thread {
        builder = builder.in_reply_to(root.to_owned()).references(root.to_owned());
    }
    if let Some((id, _)) = posting.project {
        let list = format!("<project-{}.error-sentinel.{}>", id.0, from.email.domain());
        builder = builder.raw_header(raw("List-Id", list));
    }
    builder
        .from(from)
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| MailError::Other(error.to_string()))
}

/// Reads a recipient.
fn address(text: &str) -> Result<Address, MailError> {
    let mailbox: Result<Mailbox, _> = text.parse();
    mailbox.map(|mailbox| mailbox.email).map_err(|_| MailError::Address(line(text, 200)))
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}
