//! What becomes of a record of a log: an alert, a step, or nothing.

use std::fmt::{self, Write};

use error_sentinel_wire::{Level, limits};

use crate::alert::Bounded;
use crate::breadcrumbs::Crumb;
use crate::{add_breadcrumb, send_alert_with};

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is reported.
    Alert,
    /// It is remembered.
    Step,
    /// It is for developers only.
    Ignore,
}

impl Action {
    /// What becomes of records of this level.
    pub fn of(level: Level) -> Action {
        match level {
            Level::Fatal | Level::Error => Action::Alert,
            Level::Warning | Level::Info => Action::Step,
            Level::Debug => Action::Ignore,
        }
    }
}

/// Reports or remembers a record. The SDK's own libraries log too, on its own thread; those are passed over.
pub fn report(level: Level, target: &str, message: fmt::Arguments<'_>) {
    let action = Action::of(level);
    if action == Action::Ignore || crate::client::is_own_thread() {
        return;
    }
    let mut text = String::new();
    // What is too long ends the writing; what there is by then is kept.
    let _ = Bounded::new(&mut text, limits::MESSAGE_BYTES).write_fmt(message);
    match action {
        Action::Alert => _ = send_alert_with(text, |alert| alert.of_logger(level, target)),
        _ => add_breadcrumb(Crumb::new(&text).category(target).level(level)),
    }
}
