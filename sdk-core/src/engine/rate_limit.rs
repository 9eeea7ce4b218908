//! What the collector asked to hold back, and until when.

use alloc::vec::Vec;

use error_sentinel_wire::limits;
use error_sentinel_wire::reply::{Category, Pause};

use super::MonotonicMs;

/// Ends of the pauses, by category.
#[derive(Debug, Default)]
pub struct RateLimit {
    all: MonotonicMs,
    by_category: Vec<(Category, MonotonicMs)>,
}

impl RateLimit {
    /// Takes pauses over; a longer one that runs already stays.
    pub fn pause(&mut self, pauses: &[Pause], now: MonotonicMs) {
        for pause in pauses {
            let seconds = pause.seconds.min(limits::PAUSE_MAX_S);
            let until = now.plus_ms(seconds * 1000);
            if pause.categories.is_empty() {
                self.all = self.all.max(until);
            }
            for category in &pause.categories {
                match self.by_category.iter_mut().find(|(known, _)| known == category) {
                    Some((_, end)) => *end = (*end).max(until),
                    None => self.by_category.push((*category, until)),
                }
            }
        }
    }

    /// When a category may be sent again.
    pub fn until(&self, category: Category) -> MonotonicMs {
        let own = self.by_category.iter().find(|(known, _)| *known == category).map(|(_, end)| *end);
        self.all.max(own.unwrap_or_default())
    }

    /// Whether a category is held back now.
    pub fn is_paused(&self, category: Category, now: MonotonicMs) -> bool {
        self.until(category) > now
    }
}
