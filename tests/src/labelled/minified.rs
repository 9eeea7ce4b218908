//! Errors of one small web shop, built twice by a real bundler with a week's work between.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::Labelled;
use crate::{finish, node_script};

/// Each bug of the shop, met once in each build: file names have other hashes, local names are others, every
/// line and column moved.
///
/// # Panics
/// When the bundler is not installed, saying how it is.
#[track_caller]
pub fn two_builds() -> Vec<Labelled> {
    let mut command: Command = node_script("two_builds.mjs");
    let printed = finish(&mut command, Duration::from_secs(60)).success().stdout;
    let error = |line: &str| {
        let mut error: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let bug = error["bug"].as_str().unwrap_or_else(|| panic!("no bug in {line}")).to_owned();
        Labelled { bug, event: error["event"].take() }
    };
    printed.lines().map(error).collect()
}
