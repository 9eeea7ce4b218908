//! `cargo xtask bench`: builds what is measured and what measures, both optimised, and runs them.

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::program::Program;
use crate::target_dir;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// The collector under load, beside a bare handler on the same machine.
    Collector,
}

/// Measures.
///
/// # Errors
/// When something cannot be built, or a measurement could not be taken.
pub fn run(what: Subject, quick: bool) -> Result<()> {
    let (package, binary) = match what {
        Subject::Collector => ("error-sentinel-tests", "load"),
    };
    let build = Program::cargo("build --locked --release -p error-sentinel-collector -p")
        .words(package)
        .words("--bin error-sentinel --bin")
        .words(binary);
    succeed(&build)?;
    let folder = target_dir().join("bench");
    let mut measure = Program::new(target_dir().join("release").join(binary))
        .environment("ERROR_SENTINEL_BIN", target_dir().join("release/error-sentinel"))
        .words("--json")
        .argument(folder.join("collector.json"));
    if quick {
        measure = measure.words("--quick");
    }
    succeed(&measure)
}

fn succeed(program: &Program) -> Result<()> {
    eprintln!("$ {program}");
    let status = program.command().status()?;
    if !status.success() {
        bail!("that failed: {status}");
    }
    Ok(())
}
