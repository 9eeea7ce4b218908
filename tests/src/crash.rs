//! What a program that died of a signal left in its spool folder, as anybody can look at it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Names of the records in a spool folder.
pub fn crash_records(folder: &Path) -> BTreeSet<String> {
    let names = files(folder).filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
    names.filter_map(|name| name.strip_suffix(".crash").map(Into::into)).collect()
}

/// Records in a spool folder that a dying process has written.
pub fn written_crash_count(folder: &Path) -> usize {
    files(folder).filter(|file| fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"ESCRASH1"))).count()
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let projects = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = projects.filter_map(|project| fs::read_dir(project.path()).ok()).flatten().flatten();
    files.map(|file| file.path())
}

/// Functions of the stack of a crash, the newest first, without those that have no name.
///
/// # Panics
/// When there is no stack.
#[track_caller]
pub fn crash_functions(event: &Value) -> Vec<&str> {
    let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().expect("frames");
    frames.iter().rev().filter_map(|frame| frame["function"].as_str()).collect()
}
