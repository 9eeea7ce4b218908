//! Developer commands: `cargo xtask test`, `faults`, `sanitize`, `fuzz`, `semver`, `bench`, `wasm`, `react-native`,
//! `aar` and `c-package`.
//!
//! They exist so that a fresh machine, a contributor and CI do the same. They must never skip anything in
//! silence: what cannot be run is named at the end with the command that would make it run.

mod android;
mod bench;
mod bench_ffi;
mod c_package;
mod faults;
mod fuzz;
mod program;
mod react_native;
mod report;
mod sanitize;
mod semver;
mod small;
mod suite;
mod toolbox;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of Error Sentinel.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Installs what the tests need and runs them all; stops at the first that fails.
    Test {
        /// Runs only the steps with these names, as they are printed.
        steps: Vec<String>,
        /// Shows what the steps print while they run.
        #[arg(long)]
        verbose: bool,
    },
    /// Lets everything around the collector fail, for long, and shows the figures. Needs root.
    Faults {
        /// Runs only the faults whose names contain one of these, such as `kill` or `full_disk`.
        names: Vec<String>,
        /// The short form that the test command runs.
        #[arg(long)]
        quick: bool,
    },
    /// Looks for races between threads in the Rust SDK. Takes a nightly Rust, which it installs.
    Sanitize,
    /// Searches for input that makes a parser fail. Takes cargo-fuzz, which it installs.
    Fuzz {
        /// Only these targets, such as `event`.
        targets: Vec<String>,
        /// How long to search in each.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Looks for what breaks programs that use the Rust crates. Takes cargo-semver-checks, which it installs.
    Semver {
        /// What to compare with: a commit or tag of this repository, such as the last release.
        baseline: String,
    },
    /// Builds the browser SDK's files in `sdk-wasm/dist`, which are committed.
    Wasm,
    /// Builds the React Native package's files in `sdk-ffi/react-native/dist`, which are committed; `wasm` does it too.
    ReactNative,
    /// Builds the C library and puts it, its header, and what pkg-config and CMake ask for, into a folder.
    CPackage {
        /// The folder, such as `/usr/local`.
        prefix: PathBuf,
        /// The profile of cargo that it is built with.
        #[arg(long, default_value = "release")]
        profile: String,
        /// Optimised for size: delivered by the host, with native crashes, without the stack of who raises an alert.
        #[arg(long, conflicts_with = "profile")]
        small: bool,
    },
    /// Builds the Android library, `target/android/error-sentinel.aar`.
    Aar {
        /// Leaves native crashes out, whatever an application asks for: a tenth less to download.
        #[arg(long)]
        without_native_crashes: bool,
    },
    /// Measures, prints a table, and writes the same figures to `target/bench/NAME.json`.
    Bench {
        /// What to measure.
        #[arg(value_enum, default_value = "collector")]
        what: bench::Subject,
        /// A short run with rough figures.
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Test { steps, verbose } => suite::run(&steps, verbose),
        Command::Faults { names, quick } => faults::run(&names, quick),
        Command::Sanitize => sanitize::run(),
        Command::Fuzz { targets, seconds } => fuzz::run(&targets, seconds),
        Command::Semver { baseline } => semver::run(&baseline),
        Command::Wasm => wasm::run(),
        Command::ReactNative => react_native::build_package(),
        Command::CPackage { prefix, small: true, .. } => c_package::run_small(&prefix),
        Command::CPackage { prefix, profile, .. } => c_package::run(&prefix, &profile),
        Command::Aar { without_native_crashes } => android::run(!without_native_crashes),
        Command::Bench { what, quick } => bench::run(what, quick),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn repository() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map_or(xtask.clone(), PathBuf::from)
}

/// Where cargo builds to.
fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => repository().join(dir),
        None => repository().join("target"),
    }
}
