//! A file that a process left when it crashed is read as far as it makes sense, or refused; what it says of its stack
//! leads nowhere but to an end.
//!
//! The bytes are the sections of such a file, each behind the two bytes of its length, so that a short input reaches all
//! of them.

use std::sync::OnceLock;

use error_sentinel_crash::{
    LoadedModule, RECORD_BYTES, Record, SECTIONS_AT, STEP_BYTES, STEPS, loaded_modules,
};

/// More than any stack that is reported has.
const FRAMES: usize = 300;

pub fn run(bytes: &[u8]) {
    // As it is, such as it lies in a folder.
    let _ = Record::decode(bytes);
    let mut file = vec![0; RECORD_BYTES];
    let mut rest = bytes;
    for at in SECTIONS_AT {
        let Some((length, after)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len()).min(RECORD_BYTES - at);
        file[at..at + length].copy_from_slice(&after[..length]);
        rest = &after[length..];
    }
    let Ok(mut record) = Record::decode(&file) else { return };
    assert!(record.steps.len() <= STEPS);
    for step in &record.steps {
        // What is no text is three bytes for each.
        assert!(step.message.len() + step.data.len() <= 3 * STEP_BYTES);
    }
    static LOADED: OnceLock<Vec<LoadedModule>> = OnceLock::new();
    let loaded = LOADED.get_or_init(loaded_modules);
    assert!(record.addresses(loaded, FRAMES).len() <= FRAMES);
    // And as one of this very program, so that its tables are asked.
    if let (Some(module), Some(twin)) = (record.modules.first_mut(), loaded.first()) {
        module.identity.clone_from(&twin.module.identity);
        module.size = twin.module.size;
    }
    for address in record.addresses(loaded, FRAMES) {
        let _ = record.relocated(address, loaded);
    }
}
