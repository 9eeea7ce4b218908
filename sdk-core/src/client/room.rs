//! Whether the system leaves room for the SDK.
//!
//! Where memory cannot be had, a program of Rust ends at once, whichever thread asked for it. So a program that may
//! only have little of it is better off without the SDK, and is told so when that starts.

use crate::transport::TransportError;

/// Address space that there must be: the C library sets 64 MB aside for each of up to three threads, and the program's
/// own debug information is read, in which the names of functions are found. A reporter whose file has 24 MB was ended now and
/// then with up to 145 MB left, and in none of 60 starts with 250 and more.
#[cfg(target_os = "linux")]
const ROOM_BYTES: u64 = 256 << 20;

/// Looks for it.
///
/// # Errors
/// When there is too little.
#[cfg(target_os = "linux")]
pub fn look_for_room() -> Result<(), TransportError> {
    use rustix::process::{Resource, getrlimit};
    let Some(limit) = getrlimit(Resource::As).current else { return Ok(()) };
    // The first number is the pages of the address space, see proc(5).
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default();
    let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or_default();
    let room_bytes = limit.saturating_sub(pages.saturating_mul(page_bytes));
    if room_bytes >= ROOM_BYTES {
        return Ok(());
    }
    Err(TransportError(format!(
        "{} MB of address space are left, and it needs {}; see ulimit -v",
        room_bytes >> 20,
        ROOM_BYTES >> 20
    )))
}

/// Elsewhere nobody limits it.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn look_for_room() -> Result<(), TransportError> {
    Ok(())
}
