//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, which looks for input that takes ways not yet taken.
//!
//! The test command tries each target on its examples and on mutations that are always the same; this searches, for as
//! long as it is told to, and so is no step of it. It takes cargo-fuzz, which it installs, and the flags of a nightly
//! compiler, which `RUSTC_BOOTSTRAP` lends to a stable one.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::toolbox::{CXX, provide_python};
use crate::{repository, target_dir};

/// Searches for `seconds` in each of `targets`, or of all.
///
/// # Errors
/// When something is missing, or a target failed; says where the input lies that made it.
pub fn run(targets: &[String], seconds: u64) -> Result<()> {
    let log = target_dir().join("xtask/fuzz-install.log");
    if !CXX.provide(&log) {
        bail!("{} is missing and cannot be installed here; install it: {}", CXX.name, CXX.install_command());
    }
    let python =
        provide_python("python-fuzz", &repository().join("tests/python/requirements-fuzz.txt"), &log)?;
    let known = known()?;
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target {unknown:?}; the targets are {known:?}");
    }
    let chosen = if targets.is_empty() { &known } else { targets };
    let mut failed = Vec::new();
    for target in chosen {
        // What it finds interesting goes here; what is committed is only read.
        let found = target_dir().join("fuzz").join(target);
        fs::create_dir_all(&found)?;
        let search = Program::new(python.with_file_name("cargo-fuzz"))
            .words("run --fuzz-dir")
            .argument(folder().join("guided"))
            .argument(target)
            .argument(&found)
            .argument(folder().join("corpus").join(target))
            .words("-- -timeout=10 -rss_limit_mb=2048 -print_final_stats=1")
            .argument(format!("-max_total_time={seconds}"))
            .environment("RUSTC_BOOTSTRAP", "1");
        if let Err(error) = search.succeed() {
            failed.push(format!("{target}: {error}"));
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "found in {}, each with its input in {}; mend it, and keep the input in tests/fuzz/corpus/TARGET",
        failed.join(", "),
        folder().join("guided/artifacts").display()
    )
}

fn folder() -> PathBuf {
    repository().join("tests/fuzz")
}

/// The names of all targets.
fn known() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder().join("guided/fuzz_targets"))? {
        let name = entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned());
        names.extend(name);
    }
    names.sort();
    Ok(names)
}
