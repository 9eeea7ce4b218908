//! Hands one mail to the mail server.
//!
//! The steps of the conversation are taken one by one, so that an error can say which one failed and what a
//! person does about it; and so that a wrong password, which concerns every mail, gives none of them up.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Mail as MailCommand, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, Message};

use super::mail::line::line;
use super::mail::message::{Posting, message, message_id};
use super::mail::{Mail, time};
use crate::settings::{Secret, SmtpSettings, SmtpTls};

/// Longest that handing over one mail may take, from the name look-up to the server's word.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest that a good-bye may take; nothing depends on it.
const GOODBYE: Duration = Duration::from_millis(500);
/// Longest piece of a server's answer that is kept.
const REPLY_CHARS: usize = 300;

/// Why a mail did not go out, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The name has no address.
    #[error("the mail server {host} cannot be found; check smtp.host and this machine's name servers")]
    Dns {
        /// The name.
        host: String,
    },
    /// Nobody listens there, or the way is barred.
    #[error(
        "the mail server {host} does not take connections on port {port} ({reason}); check smtp.port (587 for \
         starttls, 465 for tls) and whether a firewall bars outgoing mail"
    )]
    Connect {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
        /// What the system says.
        reason: String,
    },
    /// It hangs.
    #[error(
        "the mail server {host}:{port} did not answer within {} seconds; check smtp.port and smtp.tls, and \
         whether a firewall bars outgoing mail", PATIENCE.as_secs()
    )]
    Timeout {
        /// The server.
        host: String,
        /// Its port.
        port: u16,
    },
    /// It offers no STARTTLS.
    #[error(
        "the mail server {host} offers no STARTTLS on this port; set smtp.tls to \"tls\" (usually port 465), \
         or to \"none\" for a server on this machine"
    )]
    NoStartTls {
        /// The server.
        host: String,
    },
    /// Encryption fails.
    #[error(
        "no encrypted connection to the mail server {host} ({reason}); check that smtp.tls fits smtp.port and \
         that the server's certificate is valid for this name"
    )]
    Tls {
        /// The server.
        host: String,
        /// What failed.
        reason: String,
    },
    /// It is not ready, or is no mail server.
    #[error(
        "{host} does not answer as a mail server does ({reason}); check smtp.host, smtp.port and smtp.tls"
    )]
    Greeting {
        /// The server.
        host: String,
        /// What it said.
        reason: String,
    },
    /// Wrong name or password.
    #[error(
        "the mail server refuses the login ({reason}); check smtp.username and smtp.password (some providers \
         want a password made for applications)"
    )]
    Login {
        /// What it said.
        reason: String,
    },
    /// It does not let us send under this address.
    #[error(
        "the sender {from} is refused ({reply}); set smtp.from to an address that this login may send as"
    )]
    Sender {
        /// The address.
        from: String,
        /// What it said.
        reply: String,
    },
    /// It does not take mail for this recipient.
    #[error("the recipient {to} is refused ({reply}); check the address")]
    Recipient {
        /// The address.
        to: String,
        /// What it said.
        reply: String,
        /// Whether trying again is of no use.
        is_permanent: bool,
    },
    /// It does not take this mail.
    #[error("the mail server does not take the mail ({reply})")]
    Content {
        /// What it said.
        reply: String,
        /// Whether trying again is of no use.
        is_permanent: bool,
    },
    /// No address.
    #[error("{0} is no mail address")]
    Address(String),
    /// The connection broke or the like.
    #[error("the mail could not be handed over: {0}")]
    Other(String),
}

impl MailError {
    /// Whether this recipient will never get this mail, however often it is tried.
    ///
    /// A server that cannot be reached, a wrong login or a refused sender concern every mail and are mended by
    /// a person, so they are tried again.
    pub fn is_permanent(&self) -> bool {
        match self {
            MailError::Recipient { is_permanent, .. } | MailError::Content { is_permanent, .. } => {
                *is_permanent
            }
            MailError::Address(_) => true,
            _ => false,
        }
    }
}

/// Hands over one mail to one recipient. `Ok` means that the server has it.
///
/// # Errors
/// [`MailError`], after [`PATIENCE`] at the latest.
pub async fn deliver(smtp: &SmtpSettings, mail: &Message, to: &str) -> Result<(), MailError> {
    let timeout = || MailError::Timeout { host: smtp.host.clone(), port: smtp.port };
    let conversation = hand_over(smtp, mail, to);
    tokio::time::timeout(PATIENCE, conversation).await.map_err(|_| timeout())?
}

async fn hand_over(smtp: &SmtpSettings, mail: &Message, to: &str) -> Result<(), MailError> {
    let to = mailbox(to).ok_or_else(|| MailError::Address(line(to, 200)))?;
    let from = mailbox(&smtp.from).ok_or_else(|| refused_sender(smtp, "it is no mail address".into()))?;
    let mut server = connect(smtp).await?;
    let international = !(from.to_string().is_ascii() && to.to_string().is_ascii());
    let mut parameters = vec![];
    if international && server.server_info().supports_feature(Extension::SmtpUtfEight) {
        parameters.push(MailParameter::SmtpUtfEight);
    }
    server
        .command(MailCommand::new(Some(from), parameters))
        .await
        .map_err(|error| step(error, |_, reply| refused_sender(smtp, reply)))?;
    server.command(Rcpt::new(to.clone(), vec![])).await.map_err(|error| {
        step(error, |is_permanent, reply| MailError::Recipient { to: to.to_string(), reply, is_permanent })
    })?;
    let content = |is_permanent, reply| MailError::Content { reply, is_permanent };
    server.command(lettre::transport::smtp::commands::Data).await.map_err(|error| step(error, content))?;
    server.message(&mail.formatted()).await.map_err(|error| step(error, content))?;
    // It has the mail now; whatever the good-bye brings changes nothing.
    let _ = tokio::time::timeout(GOODBYE, server.quit()).await;
    Ok(())
}

/// Connects, encrypts and logs in.
async fn connect(smtp: &SmtpSettings) -> Result<AsyncSmtpConnection, MailError> {
    let host = || smtp.host.clone();
    let address = (smtp.host.as_str(), smtp.port);
    let found = tokio::net::lookup_host(address).await.map_err(|_| MailError::Dns { host: host() })?;
    if found.count() == 0 {
        return Err(MailError::Dns { host: host() });
    }
    let tls = match smtp.tls {
        SmtpTls::None => None,
        SmtpTls::StartTls | SmtpTls::Tls => Some(
            TlsParameters::new(host())
                .map_err(|error| MailError::Tls { host: host(), reason: reason(&error) })?,
        ),
    };
    let hello = ClientId::default();
    let at_once = tls.clone().filter(|_| smtp.tls == SmtpTls::Tls);
    let mut server = AsyncSmtpConnection::connect_tokio1(address, Some(PATIENCE), &hello, at_once, None)
        .await
        .map_err(|error| match io_kind(&error) {
            Some(io::ErrorKind::InvalidData) if smtp.tls == SmtpTls::Tls => {
                MailError::Tls { host: host(), reason: reason(&error) }
            }
            Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) | None => {
                MailError::Greeting { host: host(), reason: reason(&error) }
            }
            Some(_) => MailError::Connect { host: host(), port: smtp.port, reason: reason(&error) },
        })?;
    if let Some(tls) = tls.filter(|_| smtp.tls == SmtpTls::StartTls) {
        if !server.can_starttls() {
            return Err(MailError::NoStartTls { host: host() });
        }
        server
            .starttls(tls, &hello)
            .await
            .map_err(|error| MailError::Tls { host: host(), reason: reason(&error) })?;
    }
    if let (Some(username), Some(Secret(password))) = (&smtp.username, &smtp.password) {
        let credentials = Credentials::new(username.clone(), password.clone());
        server
            .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
            .await
            .map_err(|error| step(error, |_, reason| MailError::Login { reason }))?;
    }
    Ok(server)
}

/// What an error at one step means: the server's refusal, which `refusal` names (permanent or not), or a
/// connection that broke.
fn step(error: lettre::transport::smtp::Error, refusal: impl FnOnce(bool, String) -> MailError) -> MailError {
    if error.is_permanent() || error.is_transient() || error.is_client() {
        refusal(error.is_permanent(), reason(&error))
    } else {
        MailError::Other(reason(&error))
    }
}

fn refused_sender(smtp: &SmtpSettings, reply: String) -> MailError {
    MailError::Sender { from: line(&smtp.from, 200), reply }
}

fn mailbox(text: &str) -> Option<Address> {
    text.parse::<Mailbox>().ok().map(|mailbox| mailbox.email)
}

/// An error's innermost reasons in one line; the server's words are a stranger's.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    let code = error.status().map(|code| code.to_string());
    let source = error.source().map_or_else(|| error.to_string(), |source| source.to_string());
    line(&[code.unwrap_or_default(), source].join(" "), REPLY_CHARS)
}

fn io_kind(error: &lettre::transport::smtp::Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

/// Connects, encrypts, logs in and says good-bye; sends nothing.
///
/// # Errors
/// [`MailError`] says what to do.
pub async fn try_out(smtp: &SmtpSettings) -> Result<(), MailError> {
    let timeout = || MailError::Timeout { host: smtp.host.clone(), port: smtp.port };
    let mut server = tokio::time::timeout(PATIENCE, connect(smtp)).await.map_err(|_| timeout())??;
    // It let us in; whatever the good-bye brings changes nothing.
    let _ = tokio::time::timeout(GOODBYE, server.quit()).await;
    Ok(())
}

/// Sends a mail that says that mail works.
///
/// # Errors
/// [`MailError`] says what to do.
pub async fn send_test(smtp: &SmtpSettings, to: &str, public_url: &str) -> Result<(), MailError> {
    let now = crate::clock::now();
    let mail = test_mail(public_url, to, &time(now)).map_err(|error| MailError::Other(error.to_string()))?;
    let id = message_id(&smtp.from, 0, now, to);
    let posting = Posting { from: &smtp.from, to, date: now, message_id: &id, thread: None, project: None };
    deliver(smtp, &message(&mail, &posting)?, to).await
}

#[derive(askama::Template)]
#[template(path = "mail/test.txt")]
struct TestText<'a> {
    public_url: &'a str,
    recipient: &'a str,
    time: &'a str,
}

#[derive(askama::Template)]
#[template(path = "mail/test.html")]
struct TestHtml<'a> {
    public_url: &'a str,
    recipient: &'a str,
    time: &'a str,
}

fn test_mail(public_url: &str, recipient: &str, time: &str) -> Result<Mail, askama::Error> {
    use askama::Template;
    Ok(Mail {
        subject: "The bell is connected".to_owned(),
        text: TestText { public_url, recipient, time }.render()?,
        html: TestHtml { public_url, recipient, time }.render()?,
    })
}
