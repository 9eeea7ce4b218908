//! `health`: asks the running server whether it is well, for container platforms without curl.

use std::time::Duration;

use clap::Args;
use reqwest::Client;

use super::{Failure, Outcome};
use crate::data_dir::DataDir;
use crate::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(4);

/// Ask the running server whether it is well
#[derive(Debug, Args)]
#[command(after_help = "The exit status is 0 if it answers /healthz, or /readyz with --ready, and 1 if not.")]
pub struct Health {
    /// Ask whether it does all its work, not only whether it lives
    #[arg(long)]
    pub ready: bool,
}

impl Health {
    pub(super) async fn run(self, settings: &Settings) -> Outcome {
        let data_dir = DataDir::open(&settings.data_dir)?;
        let address = data_dir.address().ok_or_else(|| {
            Failure::new(format!("no server runs on {}", data_dir.path().display()))
                .help("start `error-sentinel serve`")
        })?;
        let url = format!("{address}{}", if self.ready { "/readyz" } else { "/healthz" });
        let client = Client::builder().timeout(PATIENCE).no_proxy().build();
        let answer = async { client?.get(&url).send().await };
        match answer.await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(Failure::new(format!("{url} answers {}", answer.status()))),
            Err(error) => Err(Failure::new(super::http::chain(&error))),
        }
    }
}
