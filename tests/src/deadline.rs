//! Waiting for what must come true, without guessing how long it takes.

use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);

/// Asks until there is an answer and returns it.
///
/// # Panics
/// When `within` has passed, saying what was awaited.
#[track_caller]
pub fn eventually<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < within, "{what}: not within {within:?}");
        thread::sleep(POLL);
    }
}

/// Checks again and again that `true_still` is so, for what must *not* happen.
///
/// # Panics
/// As soon as it is not.
#[track_caller]
pub fn holds_for(what: &str, time: Duration, mut true_still: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < time {
        assert!(true_still(), "{what}: no more after {:?}", start.elapsed());
        thread::sleep(POLL);
    }
}
