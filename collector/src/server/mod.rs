//! Puts the stages together and runs them until the process is told to stop.
//!
//! The order matters twice. At the start the queue and the store are open before the first connection is
//! accepted; at the end no new work is accepted, what is on its way is answered, digest empties what it can,
//! and whatever is left lies on the disk for the next start.

pub mod first_start;
pub mod limits;
pub mod listen;
pub mod paths;
pub mod welcome;

use anyhow::Context;

use crate::data_dir::DataDir;
use crate::settings::{Settings, base_url};

/// Runs the collector on a folder that the caller has locked, until the process is told to stop.
///
/// # Errors
/// What keeps it from starting, as one sentence with the next step.
pub async fn run(settings: Settings, data_dir: &DataDir) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("{} cannot be listened on", settings.listen))?;
    data_dir.note_address(&base_url::of_address(listener.local_addr()?))?;
    let stop = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "the signal to stop cannot be heard");
        }
    };
    let drain = std::time::Duration::from_secs(10);
    listen::serve(listener, axum::Router::new(), limits::connections(), stop, drain).await;
    Ok(())
}
