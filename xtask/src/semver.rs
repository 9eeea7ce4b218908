//! `cargo xtask semver`: whether a program that compiles with an earlier state of the crates that others use still
//! compiles with this one, and what version says so.
//!
//! It takes cargo-semver-checks, which it installs; that is minutes of compiling, and only a release needs the answer, so
//! it is no step of the test command.

use anyhow::{Result, bail};

use crate::program::Program;
use crate::target_dir;

const CHECKER: &str = "cargo-semver-checks";
const VERSION: &str = "0.51.0";

/// What other people's programs name in their `Cargo.toml`.
const PACKAGES: [&str; 2] = ["error-sentinel", "error-sentinel-wire"];

/// Compares with the state of the repository at `baseline`, such as `v0.1.0`.
///
/// # Errors
/// When the checker cannot be installed, or something that others may use is gone or different without the version
/// that would say so.
pub fn run(baseline: &str) -> Result<()> {
    let tools = target_dir().join("tools");
    let checker = tools.join("bin").join(CHECKER);
    let log = target_dir().join("xtask/semver-install.log");
    let is_here = Program::new(&checker)
        .words("semver-checks --version")
        .run(&log, false)
        .is_ok_and(|ended| ended.success && ended.output.contains(VERSION));
    if !is_here {
        let install = Program::cargo("install --locked --version")
            .words(VERSION)
            .words(CHECKER)
            .words("--root")
            .argument(&tools);
        eprintln!("$ {install}");
        if !install.run(&log, true).is_ok_and(|ended| ended.success) {
            bail!("{CHECKER} is missing and cannot be installed here; install it: {install}");
        }
    }
    let mut compare =
        Program::new(&checker).words("semver-checks --all-features --baseline-rev").words(baseline);
    for package in PACKAGES {
        compare = compare.words("--package").words(package);
    }
    compare.succeed()
}
