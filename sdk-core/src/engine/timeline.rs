//! The engine's own time, which only goes forward.

use super::MonotonicMs;

/// Follows the driver's clock; where that jumps back, time stands still.
#[derive(Debug, Default)]
pub struct Timeline {
    driver: MonotonicMs,
    /// What the engine's time is ahead of the driver's.
    ahead_ms: u64,
}

impl Timeline {
    /// The engine's time when the driver's clock shows `now`.
    pub fn advance(&mut self, now: MonotonicMs) -> MonotonicMs {
        self.ahead_ms = self.ahead_ms.saturating_add(self.driver.after(now));
        self.driver = now;
        self.now()
    }

    /// The engine's time when it was last told.
    pub fn now(&self) -> MonotonicMs {
        self.driver.plus_ms(self.ahead_ms)
    }

    /// A time of the engine's as the driver's clock will show it.
    pub fn of_driver(&self, time: MonotonicMs) -> MonotonicMs {
        MonotonicMs(time.0.saturating_sub(self.ahead_ms))
    }
}
