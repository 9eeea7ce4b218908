//! `cargo xtask faults`: the long form of the fault suite, of the collector's, of programs that crash and of the Rust SDK
//! in hardship, alone on the machine, with its figures shown.

use anyhow::{Result, bail};

use crate::program::Program;
use crate::target_dir;
use crate::toolbox::{self, STRACE};

/// Runs the faults whose names contain one of `names`, or all; `quick` takes the short form of the test command.
///
/// # Errors
/// When something is missing or cannot be built, or a promise was broken.
pub fn run(names: &[String], quick: bool) -> Result<()> {
    if !toolbox::is_root() {
        bail!(
            "faults mount disks and trace a process, which only root may: run it as root; `cargo xtask test` runs \
             what needs no root, and names the rest"
        );
    }
    let log = target_dir().join("xtask/faults-install.log");
    if !STRACE.provide(&log) {
        bail!("strace is missing; install it: {}", STRACE.install_command());
    }
    Program::cargo("build --locked --release -p error-sentinel-collector").succeed()?;
    Program::cargo("build --locked -p error-sentinel-ffi --features harness").succeed()?;
    let test = "test --locked -p error-sentinel-tests --test faults --test crashes --test sdk_hardship -- --nocapture \
                --test-threads 1";
    let mut faults = Program::cargo(test)
        .environment("ERROR_SENTINEL_BIN", target_dir().join("release/error-sentinel"))
        .environment("ERROR_SENTINEL_C_LIBRARIES", target_dir().join("debug"));
    if !quick {
        faults = faults.environment("ERROR_SENTINEL_FAULTS", "long");
    }
    for name in names {
        faults = faults.argument(name);
    }
    faults.succeed()
}
