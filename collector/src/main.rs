//! The binary `error-sentinel`.

use std::process::ExitCode;

use clap::Parser;
use error_sentinel_collector::commands::{self, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    // The one cryptography of every connection: mail, heartbeat, replay. An error says that it is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    match commands::run(cli, std::env::vars_os().collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit_code())
        }
    }
}
