//! Records of the crate `log`: errors become alerts, the rest becomes the steps before them.
//!
//! ```
//! use error_sentinel::integrations::log::SentinelLog;
//!
//! // In front of the logger that the program has anyway, here none.
//! let logger = SentinelLog::new(log::logger());
//! log::set_boxed_logger(Box::new(logger)).unwrap();
//! log::set_max_level(log::LevelFilter::Info);
//! log::info!("cart opened");
//! log::error!("the shelf is empty");
//! ```

use log::{Log, Metadata, Record};

use crate::integrations::record::{Action, report};
use crate::{Level, is_reporting};

/// Reports records and passes all of them on.
#[derive(Debug)]
pub struct SentinelLog<L> {
    next: L,
}

impl<L: Log> SentinelLog<L> {
    /// In front of another logger.
    pub fn new(next: L) -> SentinelLog<L> {
        SentinelLog { next }
    }
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug | log::Level::Trace => Level::Debug,
    }
}

impl<L: Log> Log for SentinelLog<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.next.enabled(metadata) || is_reporting() && Action::of(level(metadata.level())) != Action::Ignore
    }

    fn log(&self, record: &Record<'_>) {
        if is_reporting() {
            report(level(record.level()), record.target(), *record.args());
        }
        if self.next.enabled(record.metadata()) {
            self.next.log(record);
        }
    }

    fn flush(&self) {
        self.next.flush();
    }
}
