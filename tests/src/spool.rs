//! The SDK's folder of kept events, as anybody can look at it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Bytes from one panic to the next in the file that a process writes its panics to.
const SLOT_BYTES: usize = 32 << 10;

/// Ids of the events kept under a spool folder, of all its projects; none where there is no folder. An event has a file
/// of its own, or lies with others that its process wrote down while it panicked.
pub fn kept_events(dir: &Path) -> Vec<String> {
    let projects = fs::read_dir(dir).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let files = projects.iter().filter_map(|project| fs::read_dir(project.path()).ok()).flatten().flatten();
    let mut ids = BTreeSet::new();
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        if let Some(id) = name.strip_suffix(".event") {
            ids.insert(id.to_owned());
        } else if name.ends_with(".panics") {
            // It may be gone by now.
            ids.extend(ids_in_slots(&fs::read(file.path()).unwrap_or_default()));
        }
    }
    ids.into_iter().collect()
}

/// Ids of the panics in such a file.
fn ids_in_slots(bytes: &[u8]) -> impl Iterator<Item = String> {
    let slots = bytes.chunks(SLOT_BYTES).filter_map(|slot| slot.split(|byte| *byte == b' ').next());
    let ids = slots.filter(|id| id.len() == 32 && id.iter().all(u8::is_ascii_hexdigit));
    ids.map(|id| String::from_utf8_lossy(id).into_owned())
}
