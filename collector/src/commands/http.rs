//! The client by which commands speak to a collector as any SDK would.

use std::time::Duration;

use error_sentinel_wire::reply::{Fate, Reply};
use error_sentinel_wire::{Dsn, Value, codec};
use reqwest::Client;

use super::Failure;

const TIMEOUT: Duration = Duration::from_secs(30);

/// What a collector answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub reply: Reply,
    /// The event's id, where it was named.
    pub id: Option<String>,
    /// Why it was refused.
    pub detail: Option<String>,
}

impl Answer {
    pub fn is_stored(&self) -> bool {
        self.reply.fate == Fate::Stored
    }
}

/// A client for the collector behind `dsn`. A proxy of the environment is not asked the way to this machine.
pub(super) fn client(dsn: &Dsn) -> Result<Client, Failure> {
    let builder = Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
    let local = ["localhost", "127.", "[::1]"].iter().any(|start| dsn.host.starts_with(start));
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| Failure::new(format!("no connection can be made: {}", chain(&error))))
}

/// Sends an envelope.
///
/// # Errors
/// A sentence, when there was no answer.
pub(super) async fn send(client: &Client, dsn: &Dsn, envelope: Vec<u8>) -> Result<Answer, String> {
    let agent = concat!("error-sentinel-collector/", env!("CARGO_PKG_VERSION"));
    let auth = format!("Sentry sentry_version=7, sentry_client={agent}, sentry_key={}", dsn.public_key);
    let response = client
        .post(dsn.envelope_url())
        .header("content-type", "application/x-sentry-envelope")
        .header("user-agent", agent)
        .header("x-sentry-auth", auth)
        .body(envelope)
        .send()
        .await
        .map_err(|error| chain(&error))?;
    let status = response.status().as_u16();
    let reply = Reply::read(status, |name| response.headers().get(name)?.to_str().ok());
    let body = response.bytes().await.map_err(|error| chain(&error))?;
    let body = codec::decode_value(&body).unwrap_or(Value::Null);
    let text = |key| body.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Answer { status, reply, id: text("id"), detail: text("detail") })
}

/// The whole chain of an error in one line; reqwest says at the top only that it failed.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
