//! How bad an event is.

use crate::value::Value;

/// Severity of an event or breadcrumb, mildest first, so that `max` is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// For developers only.
    Debug,
    /// Worth knowing.
    Info,
    /// Not yet an error.
    Warning,
    /// The default: something failed.
    #[default]
    Error,
    /// The process or the user's work is lost; rings at once.
    Fatal,
}

impl Level {
    /// Every level, mildest first.
    pub const ALL: [Level; 5] = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// Reads a level name or one of the aliases found in the wild; `None` when it is none of them.
    pub fn parse(text: &str) -> Option<Level> {
        const NAMES: [(&str, Level); 12] = [
            ("debug", Level::Debug),
            ("trace", Level::Debug),
            ("info", Level::Info),
            ("log", Level::Info),
            ("notice", Level::Info),
            ("warning", Level::Warning),
            ("warn", Level::Warning),
            ("error", Level::Error),
            ("fatal", Level::Fatal),
            ("critical", Level::Fatal),
            ("emergency", Level::Fatal),
            ("alert", Level::Fatal),
        ];
        let text = text.trim();
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, level)| *level)
    }

    /// Reads a level from JSON: a name, an alias, or Python's logging numbers (10 to 50).
    pub fn from_value(value: &Value) -> Option<Level> {
        match value {
            Value::String(text) => {
                Level::parse(text).or_else(|| text.trim().parse().ok().and_then(Level::from_number))
            }
            Value::Int(number) => Level::from_number(*number),
            _ => None,
        }
    }

    fn from_number(number: i64) -> Option<Level> {
        match number {
            ..=0 => None,
            1..=19 => Some(Level::Debug),
            20..=29 => Some(Level::Info),
            30..=39 => Some(Level::Warning),
            40..=49 => Some(Level::Error),
            _ => Some(Level::Fatal),
        }
    }
}
