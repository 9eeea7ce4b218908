//! `cargo xtask faults`: the long form of the fault suite, of the collector's, of programs that crash, of the Rust SDK in
//! hardship and of a page that lives long, alone on the machine, with its figures shown.

use anyhow::{Result, bail};

use crate::program::Program;
use crate::toolbox::{self, BROWSERS, STRACE, provide_node_packages};
use crate::{repository, target_dir};

/// Of the tests in browsers the one that has a long form.
const LONG_PAGE: &str = "a_page_that_changes_its_route_again_and_again_does_not_grow";

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
    let wants_page = names.is_empty() || names.iter().any(|name| LONG_PAGE.contains(name));
    let log = target_dir().join("xtask/faults-install.log");
    for tool in BROWSERS.into_iter().filter(|_| wants_page).chain([STRACE]) {
        if !tool.provide(&log) {
            bail!("{} is missing; install it: {}", tool.name, tool.install_command());
        }
    }
    if wants_page {
        provide_node_packages(&repository().join("tests/node"), &log)?;
    }
    Program::cargo("build --locked --release -p error-sentinel-collector").succeed()?;
    Program::cargo("build --locked -p error-sentinel-ffi --features harness").succeed()?;
    let tests = |line: &str| {
        let tests = Program::cargo("test --locked -p error-sentinel-tests")
            .words(line)
            .words("-- --nocapture --test-threads 1")
            .environment("ERROR_SENTINEL_BIN", target_dir().join("release/error-sentinel"))
            .environment("ERROR_SENTINEL_C_LIBRARIES", target_dir().join("debug"));
        if quick { tests } else { tests.environment("ERROR_SENTINEL_FAULTS", "long") }
    };
    let faults = tests("--test faults --test crashes --test sdk_hardship");
    names.iter().fold(faults, Program::argument).succeed()?;
    if wants_page { tests("--test browser_sdk").argument(LONG_PAGE).succeed() } else { Ok(()) }
}
