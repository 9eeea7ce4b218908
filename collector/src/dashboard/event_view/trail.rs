//! Breadcrumbs as a line of time that ends with the crash.

use error_sentinel_wire::{Event, Level, UnixMs, codec};

/// One step.
pub struct Step {
    /// Seconds before the event, in words; empty where the step has no time.
    pub before: String,
    /// The exact time.
    pub exact: String,
    /// Where it comes from.
    pub category: String,
    /// What happened.
    pub message: String,
    /// Anything more, as JSON.
    pub data: String,
    /// How bad.
    pub level: &'static str,
}

/// The steps that lead to the event, oldest first.
pub fn steps(event: &Event, at: UnixMs) -> Vec<Step> {
    event
        .breadcrumbs
        .iter()
        .map(|crumb| {
            let category = crumb.category.clone().or_else(|| crumb.kind.clone()).unwrap_or_default();
            let data = if crumb.data.0.is_empty() {
                String::new()
            } else {
                codec::to_json(&crumb.data.clone().into())
            };
            Step {
                before: crumb.timestamp.map(|time| before(at.since(time))).unwrap_or_default(),
                exact: crumb.timestamp.map(|time| time.to_string()).unwrap_or_default(),
                category,
                message: crumb.message.clone().unwrap_or_default(),
                data,
                level: crumb.level.unwrap_or(Level::Info).as_str(),
            }
        })
        .collect()
}

fn before(ms: i64) -> String {
    match ms {
        ..0 => "after".to_owned(),
        0..=9_999 => format!("−{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..=119_999 => format!("−{} s", ms / 1000),
        120_000..=7_199_999 => format!("−{} min", ms / 60_000),
        _ => format!("−{} h", ms / 3_600_000),
    }
}
