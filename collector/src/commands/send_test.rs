//! `send-test`: an alarm on purpose, to see that it is heard.

use clap::Args;
use error_sentinel_wire::envelope::{EnvelopeWriter, Header};
use error_sentinel_wire::{Event, EventId, Level, Message};

use super::opened::{Opened, random};
use super::{Failure, Outcome, http, output};
use crate::alert;
use crate::clock;
use crate::settings::{Settings, mailbox};

/// Send a test event through the running collector, or a test mail
#[derive(Debug, Args)]
#[command(
    after_help = "Each test event is an issue of its own, so that it rings each time.\n\nExamples:\n  \
                        error-sentinel send-test\n  error-sentinel send-test --email ada@example.com"
)]
pub struct SendTest {
    /// The project, by name or number; without it, the only one or the one named default
    #[arg(conflicts_with = "email")]
    pub project: Option<String>,
    /// Send a mail to this address instead, without any event
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
}

impl SendTest {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        match self.email {
            Some(address) => send_mail(settings, &address).await,
            None => send_event(settings, self.project.as_deref()).await,
        }
    }
}

async fn send_mail(settings: Settings, address: &str) -> Outcome {
    let address =
        mailbox(address).ok_or_else(|| Failure::new(format!("{address:?} is no mail address")).usage())?;
    let opened = Opened::existing(settings)?;
    let smtp = match opened.settings.smtp.clone() {
        Some(smtp) => smtp,
        None => opened.store.mail_settings()?.ok_or_else(|| {
            Failure::new("no mail server is set")
                .help("set smtp.host and smtp.from, or use the dashboard's settings")
        })?,
    };
    let public_url = opened.base_url()?;
    alert::send_test(&smtp, &address, &public_url).await.map_err(|error| {
        Failure::new(format!("the mail was not sent: {error}"))
            .help("`error-sentinel check` tries the server out")
    })?;
    output::line(format_args!("{} took the mail for {address}", smtp.host))
}

async fn send_event(settings: Settings, project: Option<&str>) -> Outcome {
    let opened = Opened::existing(settings)?;
    let dsn = opened.dsn(opened.project(project)?.id)?;
    let event_id = EventId::from_random(random()?);
    let envelope = envelope(event_id);
    let answer = http::send(&http::client(&dsn)?, &dsn, envelope).await.map_err(|reason| {
        Failure::new(format!("the collector does not answer: {reason}"))
            .help("is `error-sentinel serve` running, and does the public URL lead to it?")
    })?;
    if !answer.is_stored() {
        let detail = answer.detail.unwrap_or_default();
        return Err(Failure::new(format!("the collector answered {} {detail}", answer.status)));
    }
    output::line(event_id)?;
    eprintln!("The test event is accepted; the dashboard shows it within a second.");
    Ok(())
}

fn envelope(event_id: EventId) -> Vec<u8> {
    let now = clock::now();
    let event = Event {
        event_id: Some(event_id),
        timestamp: Some(now),
        level: Some(Level::Error),
        platform: Some("other".into()),
        logger: Some("error-sentinel".into()),
        message: Some(Message {
            formatted: Some("This is a test: the alarm works".into()),
            ..Message::default()
        }),
        fingerprint: vec!["send-test".into(), event_id.to_string()],
        ..Event::default()
    };
    let header = Header { event_id: Some(event_id), sent_at: Some(now), ..Header::default() };
    let mut writer = EnvelopeWriter::new(&header);
    writer.event(&event);
    writer.into_bytes()
}
