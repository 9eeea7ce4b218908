//! The SDK's folder of kept events, as anybody can look at it.

use std::fs;
use std::path::Path;

/// Ids of the events kept under a spool folder, of all its projects; none where there is no folder.
pub fn kept_events(dir: &Path) -> Vec<String> {
    let projects = fs::read_dir(dir).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let files = projects.iter().filter_map(|project| fs::read_dir(project.path()).ok()).flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(".event").map(Into::into)).collect()
}
