//! `cargo xtask sanitize`: the Rust SDK under ThreadSanitizer, which sees two threads that touch one place without
//! telling each other.
//!
//! It takes a nightly compiler, and the sources of the standard library: where that is not compiled for it too, the
//! locks and channels in it look like races. So it is no step of the test command, which works with a stable one.

use anyhow::{Result, bail};

use crate::program::Program;
use crate::target_dir;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What ThreadSanitizer says of a race.
const FOUND: &str = "WARNING: ThreadSanitizer";
/// A test that has one.
const ON_PURPOSE: &str = "a_race_on_purpose_is_seen";

/// Runs the tests in which threads meet.
///
/// # Errors
/// When the compiler is missing, a race was found, or the one that was made on purpose was not.
pub fn run() -> Result<()> {
    provide_nightly()?;
    // That one is found shows that the others would be.
    let log = target_dir().join("xtask/sanitize.log");
    let proof = test("--test race", ON_PURPOSE);
    eprintln!("$ {proof}");
    let proof = proof.run(&log, false)?;
    if proof.success || !proof.output.contains(FOUND) {
        bail!("the race on purpose was not seen:\n{}", proof.output);
    }
    for (tests, filter) in [
        ("--test race", "--skip a_race_on_purpose_is_seen --nocapture"),
        ("--test capture", ""),
        // The rest of the unit tests has one thread.
        ("--lib", "client::"),
    ] {
        test(tests, filter).succeed()?;
    }
    eprintln!("no race but the one on purpose");
    Ok(())
}

/// Tests of the SDK without what needs C, compiled with everything below them to be watched.
fn test(tests: &str, filter: &str) -> Program {
    Program::new("rustup")
        .words("run nightly cargo test --locked -Zbuild-std --target")
        .words(TARGET)
        .words("--target-dir")
        .argument(target_dir().join("sanitize"))
        .words("-p error-sentinel --no-default-features --features std,backtrace,test")
        .words(tests)
        .words("--")
        .words(filter)
        .environment("RUSTFLAGS", "-Zsanitizer=thread --cfg sanitized")
        .environment("ERROR_SENTINEL_FAREWELL_MS", "60000")
}

/// A nightly compiler with the sources of the standard library.
fn provide_nightly() -> Result<()> {
    let install =
        Program::new("rustup").words("toolchain install nightly --profile minimal --component rust-src");
    let log = target_dir().join("xtask/sanitize-install.log");
    let is_here = || {
        let sysroot = Program::new("rustup").words("run nightly rustc --print sysroot").run(&log, false);
        let sysroot = sysroot.ok().filter(|ended| ended.success).map(|ended| ended.output.trim().to_owned());
        sysroot.is_some_and(|path| std::path::Path::new(&path).join("lib/rustlib/src/rust/library").is_dir())
    };
    if is_here() || (install.run(&log, false).is_ok_and(|ended| ended.success) && is_here()) {
        return Ok(());
    }
    bail!("a nightly Rust with its sources is missing and cannot be installed here; install it: {install}")
}
