//! The only reader of the wall clock. Everything that decides takes the time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use error_sentinel_wire::UnixMs;

/// The time now.
pub fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
