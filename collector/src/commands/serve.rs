//! `serve`: runs the collector until it is told to stop.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::Outcome;
use crate::data_dir::DataDir;
use crate::server;
use crate::settings::{Loaded, LogFormat, LogSettings};

/// Makes and locks the data folder, then serves.
pub async fn run(loaded: Loaded) -> Outcome {
    log_to_stderr(&loaded.settings.log);
    let data_dir = DataDir::create(&loaded.settings.data_dir)?;
    let _lock = data_dir.lock()?;
    if let Some(config) = &loaded.config {
        tracing::info!(file = %config.display(), "settings read");
    }
    Ok(server::run(loaded.settings, &data_dir).await?)
}

/// Standard output belongs to what a script reads: the address, the DSN.
fn log_to_stderr(settings: &LogSettings) {
    // The setting was checked when it was read.
    let filter: Targets = settings.filter.parse().unwrap_or_default();
    let lines = fmt::layer().with_writer(std::io::stderr);
    let layer = match settings.format {
        LogFormat::Json => lines.json().boxed(),
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal() && console::colors_enabled_stderr();
            lines.with_ansi(colour).with_target(false).boxed()
        }
    };
    // A program that embeds the collector may have its own subscriber already; then that one stays.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}
