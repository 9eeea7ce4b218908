//! How bad something is.

use error_sentinel::Level;

use crate::status::Status;

/// For those who look for something.
pub const SENTINEL_LEVEL_DEBUG: u32 = 1;
/// As it should be.
pub const SENTINEL_LEVEL_INFO: u32 = 2;
/// Not yet an error.
pub const SENTINEL_LEVEL_WARNING: u32 = 3;
/// Something failed. What counts when nothing is said.
pub const SENTINEL_LEVEL_ERROR: u32 = 4;
/// Everything failed; rings at once.
pub const SENTINEL_LEVEL_FATAL: u32 = 5;

/// Reads a level.
pub(crate) fn level_of(number: u32) -> Result<Level, Status> {
    match number {
        SENTINEL_LEVEL_DEBUG => Ok(Level::Debug),
        SENTINEL_LEVEL_INFO => Ok(Level::Info),
        SENTINEL_LEVEL_WARNING => Ok(Level::Warning),
        SENTINEL_LEVEL_ERROR => Ok(Level::Error),
        SENTINEL_LEVEL_FATAL => Ok(Level::Fatal),
        _ => Err(Status::InvalidArgument),
    }
}
