//! The binary `error-sentinel`.

use std::process::ExitCode;

use clap::Parser;
use error_sentinel_collector::commands::{self, Cli};

/// Reading events is making and dropping small texts, which took a quarter of the time with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error-sentinel cannot start its threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run());
    // A call that waits for somebody else's lock must not keep the process from ending.
    runtime.shutdown_background();
    code
}

async fn run() -> ExitCode {
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
