//! Systems and processors whose crashes are not recorded.

use std::fs::File;
use std::io;

use crate::unwind::LoadedModule;

/// Whether crashes can be recorded here.
pub const IS_SUPPORTED: bool = false;

/// Records nothing here.
///
/// # Errors
/// Always.
pub fn arm(_: File, _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is nothing to undo.
pub fn disarm() -> bool {
    true
}

/// There is nothing to prepare.
///
/// # Errors
/// Always.
pub fn prepare_thread() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is nothing to refresh.
pub fn refresh_modules() {}

/// No process has such a file.
pub fn is_alive(_: &File) -> bool {
    false
}

/// None is known.
pub fn name_at(_: u64) -> Option<String> {
    None
}

/// None is known.
pub fn loaded_modules() -> Vec<LoadedModule> {
    Vec::new()
}
