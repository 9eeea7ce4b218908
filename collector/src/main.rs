//! The binary `error-sentinel`.

use std::process::ExitCode;

use clap::Parser;
use error_sentinel_collector::commands::{self, Cli};
use mimalloc::MiMalloc;

/// An event is a tree of many small texts: making and freeing them was a fifth of what it costs.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    save_memory();
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

/// Memory in pieces as small as they are needed: by itself the allocator asks for pages of two megabytes, which made a
/// collector that does nothing twice as large.
fn save_memory() {
    #[cfg(target_os = "linux")]
    // Where the kernel has no such pages there is nothing to refuse.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
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
