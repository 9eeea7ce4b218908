//! Numbers and times as people say them.

use error_sentinel_wire::{Level, UnixMs};

/// A moment, to be read at a glance, with the exact time behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// `3 min ago`.
    pub text: String,
    /// RFC 3339, for `<time datetime>`.
    pub exact: String,
}

impl Moment {
    /// `at` as seen from `now`.
    pub fn new(at: UnixMs, now: UnixMs) -> Moment {
        Moment { text: ago(now.since(at)), exact: at.to_string() }
    }
}

fn ago(ms: i64) -> String {
    let seconds = ms / 1000;
    let (count, unit) = match seconds.abs() {
        0..=4 => return "just now".to_owned(),
        5..=59 => (seconds, "s"),
        60..=3599 => (seconds / 60, "min"),
        3600..=86_399 => (seconds / 3600, "h"),
        86_400..=2_591_999 => (seconds / 86_400, "d"),
        2_592_000..=31_535_999 => (seconds / 2_592_000, "mo"),
        _ => (seconds / 31_536_000, "y"),
    };
    if count < 0 { format!("in {} {unit}", -count) } else { format!("{count} {unit} ago") }
}

/// `1,234`, `12.3k`, `4.5M`: never wider than six characters.
pub fn short_count(count: u64) -> String {
    let scaled = |unit: u64, letter: char| {
        let tenths = count / (unit / 10);
        match tenths % 10 {
            _ if tenths >= 1000 => format!("{}{letter}", tenths / 10),
            0 => format!("{}{letter}", tenths / 10),
            tenth => format!("{}.{tenth}{letter}", tenths / 10),
        }
    };
    match count {
        0..=999 => count.to_string(),
        1000..=9999 => format!("{},{:03}", count / 1000, count % 1000),
        10_000..=999_999 => scaled(1000, 'k'),
        1_000_000..=999_999_999 => scaled(1_000_000, 'M'),
        _ => scaled(1_000_000_000, 'G'),
    }
}

/// A sign for each level that differs in form, not only in colour.
pub fn level_sign(level: Level) -> &'static str {
    match level {
        Level::Fatal => "✖",
        Level::Error => "●",
        Level::Warning => "▲",
        Level::Info => "■",
        Level::Debug => "◆",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        for (ms, text) in [
            (900, "just now"),
            (42_000, "42 s ago"),
            (185_000, "3 min ago"),
            (7_200_000, "2 h ago"),
            (3 * 86_400_000, "3 d ago"),
            (400 * 86_400_000, "1 y ago"),
            (-60_000, "in 1 min"),
        ] {
            assert_eq!(ago(ms), text);
        }
    }

    #[test]
    fn counts_stay_short() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1234, "1,234"),
            (12_345, "12.3k"),
            (20_000, "20k"),
            (999_999, "999k"),
            (1_000_000, "1M"),
            (4_560_000, "4.5M"),
            (u64::MAX, "18446744073G"),
        ] {
            assert_eq!(short_count(count), text);
        }
    }
}
