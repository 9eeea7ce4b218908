//! Settings: defaults < TOML file < environment < flags.
//!
//! Every setting is one row of `table`: its name in the file, in the environment and in `--set`, what it
//! allows, how it is read and shown, and its lines in the packaged `config.toml` all follow from that row.
//! A name that is no setting and a value that is not allowed are errors that say where they stand; nothing
//! is guessed, and a secret's value never reaches a message.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

pub mod base_url;
mod example;
mod problem;
mod source;
mod table;
mod value;

#[cfg(test)]
mod tests;

pub use example::example;
pub use problem::{Problem, SettingsError};
pub use source::{Loaded, Origin, Sources};
pub use table::{SETTINGS, Setting};
pub(crate) use value::mailbox;

/// Everything that can be set; the defaults run without any setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one and prints it.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// How people and SDKs reach the collector from outside, path prefix included, without trailing slash;
    /// `None` means by the listening address.
    pub public_url: Option<String>,
    /// Limit per key and per address.
    pub rate_limit: RateLimit,
    /// Bound on the store's size in bytes; older payloads are evicted, counts stay.
    pub disk_budget_bytes: u64,
    /// Bound on what the queue holds, in bytes.
    pub queue_limit_bytes: u64,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The mail server; `None` leaves alarms waiting until one is set here or through the dashboard.
    pub smtp: Option<SmtpSettings>,
    /// Called every minute while the collector is well.
    pub heartbeat_url: Option<String>,
    /// When to ring.
    pub alert: AlertSettings,
    /// What the collector says about itself.
    pub log: LogSettings,
}

/// Events per minute with a burst, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// No limit.
    Off,
    /// A bucket of `burst` that refills `per_minute`.
    PerMinute {
        /// Events a minute.
        per_minute: u32,
        /// Events at once.
        burst: u32,
    },
}

/// How to reach the mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Sender address.
    pub from: String,
    /// Recipients of projects that name none of their own.
    pub to: Vec<String>,
    /// Login.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Encryption.
    pub tls: SmtpTls,
}

/// Encryption of the way to the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmtpTls {
    /// None; for a server on the same machine.
    None,
    /// Plain first, then STARTTLS, which must succeed.
    #[default]
    StartTls,
    /// From the first byte.
    Tls,
}

impl SmtpTls {
    /// Every way.
    pub const ALL: [SmtpTls; 3] = [SmtpTls::None, SmtpTls::StartTls, SmtpTls::Tls];

    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            SmtpTls::None => "none",
            SmtpTls::StartTls => "starttls",
            SmtpTls::Tls => "tls",
        }
    }

    /// The port that such servers listen on.
    pub fn default_port(self) -> u16 {
        match self {
            SmtpTls::None => 25,
            SmtpTls::StartTls => 587,
            SmtpTls::Tls => 465,
        }
    }
}

/// When to ring and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSettings {
    /// At most one mail per issue in this time, in seconds.
    pub cooldown_s: u64,
    /// Mails per project at once; what comes on top goes into one digest mail.
    pub burst: u32,
    /// Seconds until one more single mail per project is allowed, and the shortest distance between digests.
    pub refill_s: u64,
}

/// What the collector says about itself, on standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A level, or directives of the form `target=level,…`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl LogFormat {
    /// Every format.
    pub const ALL: [LogFormat; 2] = [LogFormat::Text, LogFormat::Json];

    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

/// Text that never shows: prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 8911)),
            data_dir: PathBuf::from("error-sentinel-data"),
            public_url: None,
            rate_limit: RateLimit::PerMinute { per_minute: 60_000, burst: 15_000 },
            disk_budget_bytes: 10 * 1024 * 1024 * 1024,
            queue_limit_bytes: 2 * 1024 * 1024 * 1024,
            trusted_proxies: Vec::new(),
            smtp: None,
            heartbeat_url: None,
            alert: AlertSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for AlertSettings {
    fn default() -> Self {
        AlertSettings { cooldown_s: 3600, burst: 3, refill_s: 300 }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings { filter: "info".into(), format: LogFormat::Text }
    }
}
