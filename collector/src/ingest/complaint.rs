//! Says in the log that something goes wrong, but not for every request that meets it.
//!
//! Whoever can send requests could fill the disk with lines of the log otherwise.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two lines about the same trouble.
const SILENCE: Duration = Duration::from_secs(10);

/// One kind of trouble.
#[derive(Debug, Default)]
pub struct Complaint {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spoken_at: Option<Instant>,
    kept_back: u64,
}

impl Complaint {
    /// Whether to write a line now, and if so how many were kept back since the last one.
    pub fn may_speak(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.spoken_at.is_some_and(|at| now.saturating_duration_since(at) < SILENCE) {
            state.kept_back += 1;
            return None;
        }
        state.spoken_at = Some(now);
        Some(std::mem::take(&mut state.kept_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_speaks_the_next_are_counted_and_the_count_is_told_later() {
        let complaint = Complaint::default();
        let start = Instant::now();
        assert_eq!(complaint.may_speak(start), Some(0));
        for _ in 0..1000 {
            assert_eq!(complaint.may_speak(start + SILENCE / 2), None);
        }
        assert_eq!(complaint.may_speak(start + SILENCE), Some(1000));
        assert_eq!(complaint.may_speak(start + SILENCE * 2), Some(0));
    }
}
