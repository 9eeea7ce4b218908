//! How long a test goes on.

/// The first in the test command, the second in `cargo xtask faults`, which takes hours of machine.
pub fn short_or_long<T>(short: T, long: T) -> T {
    match std::env::var("ERROR_SENTINEL_FAULTS").as_deref() {
        Ok("long") => long,
        _ => short,
    }
}
