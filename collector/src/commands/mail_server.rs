//! Speaks to the mail server while a person waits for the verdict.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::settings::{SmtpSettings, SmtpTls};

/// Longest wait for the server's word.
const PATIENCE: Duration = Duration::from_secs(10);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Connects, encrypts and logs in, and sends nothing.
///
/// # Errors
/// A sentence; never with the password.
pub(super) async fn try_out(smtp: &SmtpSettings) -> Result<(), String> {
    let place = format!("{}:{}", smtp.host, smtp.port);
    match transport(smtp)?.test_connection().await {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{place} closed the connection")),
        Err(error) => Err(format!("{place}: {}", chain(&error))),
    }
}

/// Sends a mail that says that mail works.
///
/// # Errors
/// A sentence; never with the password.
pub(super) async fn send_test(smtp: &SmtpSettings, to: &str) -> Result<(), String> {
    let mailbox =
        |text: &str| text.parse::<Mailbox>().map_err(|error| format!("{text} is no address: {error}"));
    let message = Message::builder()
        .from(mailbox(&smtp.from)?)
        .to(mailbox(to)?)
        .subject("Error Sentinel: this is what the bell sounds like")
        .body("This is a test. Alarms of Error Sentinel will reach this address.\n".to_owned())
        .map_err(|error| error.to_string())?;
    let place = format!("{}:{}", smtp.host, smtp.port);
    transport(smtp)?.send(message).await.map_err(|error| format!("{place}: {}", chain(&error)))?;
    Ok(())
}

fn transport(smtp: &SmtpSettings) -> Result<Transport, String> {
    let builder = match smtp.tls {
        SmtpTls::None => Ok(Transport::builder_dangerous(&smtp.host)),
        SmtpTls::StartTls => Transport::starttls_relay(&smtp.host),
        SmtpTls::Tls => Transport::relay(&smtp.host),
    };
    let mut builder = builder.map_err(|error| chain(&error))?.port(smtp.port).timeout(Some(PATIENCE));
    if let (Some(username), Some(password)) = (&smtp.username, &smtp.password) {
        builder = builder.credentials(Credentials::new(username.clone(), password.0.clone()));
    }
    Ok(builder.build())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
