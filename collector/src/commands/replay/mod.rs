//! `replay`: sends saved events again and reports what became of each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use error_sentinel_wire::Dsn;
use error_sentinel_wire::reply::Fate;
use futures_util::{StreamExt, stream};
use reqwest::Client;

use super::progress::Progress;
use super::{Failure, Outcome, http, output};
use crate::clock;

mod saved;
#[cfg(test)]
mod tests;

/// Most tries of one file when the collector says that it is to come again later.
const TRIES: u32 = 5;
/// Longest pause between two tries, in seconds, whatever the collector asks for.
const PAUSE_MAX_S: u64 = 60;

/// Send saved events again and report what became of each
///
/// Files are events as JSON, envelopes, or arrays of an envelope's lines; folders are searched. Events get
/// fresh ids, so that the collector does not take them for retries, and keep their own times.
#[derive(Debug, Args)]
#[command(
    after_help = "Each line of the output is the status, the event's id and the file; the exit status is 1 \
                        if any file was refused.\n\nExample:\n  error-sentinel replay crashes/ --dsn $(error-sentinel dsn)"
)]
pub struct Replay {
    /// Files, or folders of files
    #[arg(required = true, value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// Where to send them
    #[arg(long, value_name = "DSN", value_parser = Dsn::parse)]
    pub dsn: Dsn,
    /// Send the ids that the events have, so that those known already are not counted again
    #[arg(long)]
    pub keep_ids: bool,
    /// How many to send at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub parallel: u8,
}

/// What became of one file.
enum Fared {
    Accepted(http::Answer),
    Refused(http::Answer),
    /// It was never sent, or there was no answer.
    Failed(String),
}

impl Replay {
    pub(super) async fn run(self) -> Outcome {
        let files = saved::find(&self.files)?;
        let client = &http::client(&self.dsn)?;
        let replay = &self;
        let mut progress = Progress::bar_only("Replaying", "files");
        let total = files.len() as u64;
        let mut sent = stream::iter(&files)
            .map(|file| async move { (file, replay.replay(client, file).await) })
            .buffered(usize::from(self.parallel));
        let (mut done, mut accepted) = (0, 0);
        while let Some((file, fared)) = sent.next().await {
            done += 1;
            accepted += u64::from(matches!(fared, Fared::Accepted(_)));
            progress.line(&fared.line(file))?;
            progress.at(done, total);
        }
        progress.finish();
        output::line(format_args!("{accepted} of {total} accepted"))?;
        if accepted < total {
            return Err(Failure::new(format!("{} of {total} were not accepted", total - accepted)));
        }
        Ok(())
    }

    async fn replay(&self, client: &Client, file: &Path) -> Fared {
        let fresh = |bytes: &mut [u8; 16]| !self.keep_ids && getrandom::fill(bytes).is_ok();
        let envelope = match std::fs::read(file) {
            Ok(bytes) => saved::envelope(&bytes, saved::Form::of(file), clock::now(), fresh),
            Err(error) => Err(error.to_string()),
        };
        let envelope = match envelope {
            Ok(envelope) => envelope,
            Err(reason) => return Fared::Failed(reason),
        };
        let mut attempt = 1;
        loop {
            match http::send(client, &self.dsn, envelope.clone()).await {
                Err(reason) => return Fared::Failed(reason),
                Ok(answer) if answer.is_stored() => return Fared::Accepted(answer),
                Ok(answer) if attempt < TRIES && answer.reply.fate != Fate::Refused => {
                    let asked = answer.reply.pauses.iter().map(|pause| pause.seconds).max();
                    let pause_s = asked.unwrap_or(1).min(PAUSE_MAX_S);
                    tokio::time::sleep(Duration::from_secs(pause_s)).await;
                    attempt += 1;
                }
                Ok(answer) => return Fared::Refused(answer),
            }
        }
    }
}

impl Fared {
    fn line(&self, file: &Path) -> String {
        let file = file.display();
        match self {
            Fared::Accepted(answer) => {
                // Sessions and transactions are answered without an id.
                let id = answer.id.as_deref().unwrap_or("no event");
                format!("{} {id:<32} {file}", answer.status)
            }
            Fared::Refused(answer) => {
                let detail = answer.detail.as_deref().unwrap_or("refused");
                format!("{} {:<32} {file}: {detail}", answer.status, "-")
            }
            Fared::Failed(reason) => format!("--- {:<32} {file}: {reason}", "-"),
        }
    }
}
