//! What a collector answers, written and read in one place.
//!
//! An SDK learns from a reply whether its envelope is stored, gone or to be sent again, and which kinds of
//! data to hold back for how long. Unknown categories are ignored; a longer pause always wins; no reply can
//! silence an SDK for more than [`limits::PAUSE_MAX_S`].

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::{limits, search};

/// Header that names what to hold back: `SECONDS:CATEGORY;CATEGORY:SCOPE[:REASON], …`.
pub const RATE_LIMITS_HEADER: &str = "x-sentry-rate-limits";
/// Header with which our collector announces what it can do beyond the protocol.
pub const CAPABILITY_HEADER: &str = "x-error-sentinel";
/// The capability of taking many events in one envelope.
pub const CAPABILITY_BATCH: &str = "batch";
/// Header with the reason of a refusal.
pub const ERROR_HEADER: &str = "x-sentry-error";

/// Kinds of data that can be held back separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Errors: what this product is about.
    Error,
    /// What has no category of its own.
    Default,
    /// Traces of requests.
    Transaction,
    /// Single spans.
    Span,
    /// Health of users' sessions.
    Session,
    /// Files beside an event.
    Attachment,
    /// Profiles.
    Profile,
    /// Pieces of continuous profiles.
    ProfileChunk,
    /// Recordings of the screen.
    Replay,
    /// What users wrote.
    Feedback,
    /// Check-ins of cron jobs.
    Monitor,
    /// Structured log lines.
    LogItem,
    /// Metrics.
    TraceMetric,
    /// Browser security reports.
    Security,
    /// The protocol's own talk: client reports.
    Internal,
}

impl Category {
    /// Every category.
    pub const ALL: [Category; 15] = [
        Category::Error,
        Category::Default,
        Category::Transaction,
        Category::Span,
        Category::Session,
        Category::Attachment,
        Category::Profile,
        Category::ProfileChunk,
        Category::Replay,
        Category::Feedback,
        Category::Monitor,
        Category::LogItem,
        Category::TraceMetric,
        Category::Security,
        Category::Internal,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Error => "error",
            Category::Default => "default",
            Category::Transaction => "transaction",
            Category::Span => "span",
            Category::Session => "session",
            Category::Attachment => "attachment",
            Category::Profile => "profile",
            Category::ProfileChunk => "profile_chunk",
            Category::Replay => "replay",
            Category::Feedback => "feedback",
            Category::Monitor => "monitor",
            Category::LogItem => "log_item",
            Category::TraceMetric => "trace_metric",
            Category::Security => "security",
            Category::Internal => "internal",
        }
    }

    /// Reads a name; `None` for one unknown here.
    pub fn parse(name: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.as_str().eq_ignore_ascii_case(name.trim_ascii()))
    }
}

/// Data to hold back for some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// For how long, in seconds from the reply.
    pub seconds: u64,
    /// What; empty means everything.
    pub categories: Vec<Category>,
}

impl Pause {
    /// Writes one entry of the header, with the reason that people see in the SDK's log.
    pub fn to_header(&self, reason: &str) -> String {
        let mut header = String::new();
        // Writing into a String cannot fail.
        let _ = write!(header, "{}:", self.seconds);
        for (at, category) in self.categories.iter().enumerate() {
            let _ = write!(header, "{}{}", if at == 0 { "" } else { ";" }, category.as_str());
        }
        let _ = write!(header, ":project:{reason}");
        header
    }
}

/// What to do with the envelope that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Stored; forget it.
    Stored,
    /// Not stored, and never will be; forget it and count it.
    Refused,
    /// Over the limit; forget it and count it, unless it can wait for the pause to end.
    Limited,
    /// Not stored this time; send it again later.
    Retry,
}

/// A reply as an SDK understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What became of the envelope.
    pub fate: Fate,
    /// What to hold back.
    pub pauses: Vec<Pause>,
    /// Whether the collector takes many events in one envelope.
    pub takes_batches: bool,
}

impl Reply {
    /// Reads status and headers of a reply. `header` looks a header up by its lower-case name.
    ///
    /// 5xx and 408 are worth another try, since the event id makes a second delivery harmless; every other
    /// status but 2xx and 429 is final.
    pub fn read<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>) -> Reply {
        let fate = match status {
            200..=299 => Fate::Stored,
            429 => Fate::Limited,
            408 | 500..=599 => Fate::Retry,
            _ => Fate::Refused,
        };
        let mut pauses = header(RATE_LIMITS_HEADER).map(parse_rate_limits).unwrap_or_default();
        if pauses.is_empty() && matches!(fate, Fate::Limited | Fate::Retry) {
            let seconds = match header("retry-after").and_then(parse_seconds) {
                Some(seconds) => Some(seconds),
                None if fate == Fate::Limited => Some(limits::PAUSE_DEFAULT_S),
                None => None,
            };
            pauses.extend(seconds.map(|seconds| Pause { seconds, categories: Vec::new() }));
        }
        let takes_batches = header(CAPABILITY_HEADER).is_some_and(|capabilities| {
            search::split(capabilities, ",")
                .any(|name| name.trim_ascii().eq_ignore_ascii_case(CAPABILITY_BATCH))
        });
        Reply { fate, pauses, takes_batches }
    }
}

/// Seconds as a decimal number, rounded up, at most a day; by hand, since a reader of floating point numbers is a
/// large part of what a browser would download.
fn parse_seconds(text: &str) -> Option<u64> {
    let text = text.trim_ascii();
    let (whole, fraction) = search::split_once(text, ".").unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let up = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    // Only digits, so what cannot be read is more than any pause.
    let seconds = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
    Some(seconds.saturating_add(up).min(limits::PAUSE_MAX_S))
}

/// Reads the header; entries that cannot be read or name only unknown categories are left out.
fn parse_rate_limits(header: &str) -> Vec<Pause> {
    let mut pauses = Vec::new();
    for entry in search::split(header, ",") {
        let mut parts = search::split(entry, ":");
        let Some(seconds) = parts.next().and_then(parse_seconds) else { continue };
        let names = parts.next().unwrap_or("").trim_ascii();
        let categories: Vec<Category> = search::split(names, ";").filter_map(Category::parse).collect();
        if categories.is_empty() && !names.is_empty() {
            continue;
        }
        pauses.push(Pause { seconds, categories });
    }
    pauses
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn read(status: u16, headers: &[(&str, &str)]) -> Reply {
        Reply::read(status, |name| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
    }

    #[test]
    fn the_status_decides_what_becomes_of_the_envelope() {
        for (status, fate) in [
            (200, Fate::Stored),
            (202, Fate::Stored),
            (301, Fate::Refused),
            (400, Fate::Refused),
            (403, Fate::Refused),
            (408, Fate::Retry),
            (413, Fate::Refused),
            (429, Fate::Limited),
            (500, Fate::Retry),
            (503, Fate::Retry),
        ] {
            assert_eq!(read(status, &[]).fate, fate, "{status}");
        }
    }

    #[test]
    fn a_429_pauses_exactly_what_its_headers_name() {
        let header = "60:error;transaction:project:quota, 2700:default:organization, 10:nonsense:project";
        assert_eq!(
            read(429, &[(RATE_LIMITS_HEADER, header), ("retry-after", "9")]).pauses,
            vec![
                Pause { seconds: 60, categories: vec![Category::Error, Category::Transaction] },
                Pause { seconds: 2700, categories: vec![Category::Default] },
            ]
        );
        let all = |seconds| vec![Pause { seconds, categories: vec![] }];
        assert_eq!(read(429, &[("retry-after", "9")]).pauses, all(9));
        assert_eq!(read(429, &[]).pauses, all(limits::PAUSE_DEFAULT_S));
        assert_eq!(read(429, &[(RATE_LIMITS_HEADER, "5::organization")]).pauses, all(5));
    }

    #[test]
    fn no_reply_silences_an_sdk_for_more_than_a_day() {
        for header in ["99999999999999999999:error:project", "100000.5:error:project"] {
            assert_eq!(read(200, &[(RATE_LIMITS_HEADER, header)]).pauses[0].seconds, limits::PAUSE_MAX_S);
        }
        assert_eq!(
            read(429, &[("retry-after", "1000000000000000000")]).pauses[0].seconds,
            limits::PAUSE_MAX_S
        );
    }

    #[test]
    fn seconds_are_rounded_up_and_nonsense_is_no_pause() {
        for (text, seconds) in [("0", 0), ("1.0", 1), ("1.01", 2), (" 7 ", 7), (".5", 1), ("86400.1", 86_400)]
        {
            assert_eq!(parse_seconds(text), Some(seconds), "{text}");
        }
        for text in
            ["", ".", "-1", "+1", "1e3", "inf", "NaN", "1.2.3", "1 2", "Wed, 21 Oct 2026 07:28:00 GMT"]
        {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_pause_rides_on_a_success_too() {
        let pause = Pause { seconds: 86_400, categories: vec![Category::Transaction, Category::Replay] };
        let header = pause.to_header("not_supported");
        assert_eq!(header, "86400:transaction;replay:project:not_supported");
        let reply = read(200, &[(RATE_LIMITS_HEADER, &header), (CAPABILITY_HEADER, "batch")]);
        assert_eq!(reply, Reply { fate: Fate::Stored, pauses: vec![pause], takes_batches: true });
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(status in 100u16..600, header in "\\PC{0,80}") {
            let reply = read(status, &[(RATE_LIMITS_HEADER, &header), ("retry-after", &header)]);
            prop_assert!(reply.pauses.iter().all(|pause| pause.seconds <= limits::PAUSE_MAX_S));
        }
    }
}
