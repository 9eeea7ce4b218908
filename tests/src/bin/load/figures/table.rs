//! Tables for people.

use crate::scenario::Measured;

/// The table of steady load.
pub fn steady(rows: &[Measured]) -> String {
    let mut text = format!(
        "{:<44} {:>9} {:>9} {:>9} {:>9} {:>12} {:>9} {:>9}\n",
        "", "acks/s", "p50 ms", "p99 ms", "max ms", "CPU µs/event", "RSS MB", "lost"
    );
    for row in rows {
        let outcome = &row.outcome;
        text.push_str(&format!(
            "{:<44} {:>9.0} {:>9.2} {:>9.2} {:>9.2} {:>12.0} {:>9.1} {:>9}\n",
            row.name(),
            outcome.per_second(),
            ms(outcome.quantile(0.5)),
            ms(outcome.quantile(0.99)),
            ms(outcome.quantile(1.0)),
            row.processor_us_per_event(),
            megabytes(row.usage.resident_bytes),
            row.not_acknowledged(),
        ));
    }
    text
}

/// The table of full load.
pub fn full(rows: &[Measured]) -> String {
    let mut text = format!(
        "{:<44} {:>9} {:>9} {:>9} {:>12} {:>12} {:>9} {:>12} {:>9}\n",
        "", "acks/s", "p50 ms", "p99 ms", "stored/s", "CPU µs/event", "RSS MB", "disk B/event", "lost"
    );
    for row in rows {
        let outcome = &row.outcome;
        let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
        text.push_str(&format!(
            "{:<44} {:>9.0} {:>9.2} {:>9.2} {:>12} {:>12.0} {:>9.1} {:>12} {:>9}\n",
            row.name(),
            outcome.per_second(),
            ms(outcome.quantile(0.5)),
            ms(outcome.quantile(0.99)),
            or_dash(row.stored_per_second),
            row.processor_us_per_event(),
            megabytes(row.usage.resident_bytes),
            or_dash(row.disk_bytes_per_event),
            row.not_acknowledged(),
        ));
    }
    text
}

fn ms(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
