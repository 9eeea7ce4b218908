//! The table of settings: each one written once.

use super::value;
use super::{LogFormat, Secret, Settings, SmtpTls};

/// One setting.
pub struct Setting {
    /// Its name in the file, dotted; the other names follow from it.
    pub name: &'static str,
    /// What it is for, in lines of the packaged file.
    pub about: &'static [&'static str],
    /// What is allowed, as the end of the sentence "expected …".
    pub expects: &'static str,
    /// An example, as TOML; the default where there is one.
    pub example: &'static str,
    /// What sort of value it is.
    pub kind: Kind,
    /// Takes a value over; `false` when it is not allowed.
    pub(super) set: fn(&mut Draft, &str) -> bool,
    /// The value in force; `None` when there is none.
    pub(super) show: fn(&Settings) -> Option<String>,
}

/// What sort of value a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    Single,
    /// Several: an array in the file, separated by commas elsewhere.
    List,
    /// One that is never shown, and that can be read from a file of its own.
    Secret,
}

/// Settings while they are put together; a mail server is one only when all its parts are known.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub settings: Settings,
    pub smtp: SmtpDraft,
}

#[derive(Debug, Default)]
pub(super) struct SmtpDraft {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub from: Option<String>,
    pub to: Vec<String>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub tls: SmtpTls,
}

impl Setting {
    /// Its name in the environment: `ERROR_SENTINEL_` and the name in capitals, `__` for a dot.
    pub fn variable(&self) -> String {
        format!("ERROR_SENTINEL_{}", self.name.replace('.', "__").to_uppercase())
    }

    /// The value in force as it may be shown: secrets as `***`, `None` when there is none.
    pub fn show(&self, settings: &Settings) -> Option<String> {
        let value = (self.show)(settings)?;
        Some(if self.kind == Kind::Secret { "***".into() } else { value })
    }
}

/// Puts a value that was allowed into its place.
fn put<T>(place: &mut T, value: Option<T>) -> bool {
    let allowed = value.is_some();
    if let Some(value) = value {
        *place = value;
    }
    allowed
}

fn join<T: ToString>(values: &[T]) -> Option<String> {
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

const SECONDS: &str = "a time such as 90s, 15m, 1h or 2d";
const BYTES: &str = "a number of bytes with K, M, G or T, such as 500M, and 1M at least";

/// Every setting, in the order of the packaged file; those of a group stand together.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "listen",
        about: &["Where to listen. Port 0 takes a free one and prints it; 0.0.0.0 is every interface."],
        expects: "ADDRESS:PORT, such as 127.0.0.1:8911 or 0.0.0.0:8911",
        example: r#""127.0.0.1:8911""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.listen, value::address(text)),
        show: |settings| Some(settings.listen.to_string()),
    },
    Setting {
        name: "data_dir",
        about: &[
            "Where everything is kept; made on the first start. A relative path in this file starts at the",
            "file's own folder.",
        ],
        expects: "the path of a folder",
        example: r#""error-sentinel-data""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.data_dir, (!text.is_empty()).then(|| text.into())),
        show: |settings| Some(settings.data_dir.display().to_string()),
    },
    Setting {
        name: "public_url",
        about: &[
            "How people and SDKs reach the collector from outside, with a path prefix where the proxy has one.",
            "Stands in DSNs and in the links of mails. Without it, the address that it listens on.",
        ],
        expects: "an http:// or https:// URL without query, such as https://errors.example.com",
        example: r#""https://errors.example.com""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.public_url, value::base_url(text).map(Some)),
        show: |settings| settings.public_url.clone(),
    },
    Setting {
        name: "rate_limit",
        about: &[
            "Events per minute that one key, and one address, may send, and after a slash how many at once (a",
            "quarter of it when left out). More is answered with 429. \"off\" takes everything.",
        ],
        expects: "events per minute such as 60000, with a burst such as 60000/15000, or off",
        example: r#""60000/15000""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.rate_limit, value::rate_limit(text)),
        show: |settings| Some(value::show_rate_limit(settings.rate_limit)),
    },
    Setting {
        name: "disk_budget",
        about: &[
            "Bound on the size of the store. Past it the least telling events of each issue lose their",
            "details; counts stay exact.",
        ],
        expects: BYTES,
        example: r#""10G""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.disk_budget_bytes, value::bytes(text)),
        show: |settings| Some(value::show_bytes(settings.disk_budget_bytes)),
    },
    Setting {
        name: "queue_limit",
        about: &[
            "Bound on what is accepted and not yet stored. Past it senders are told to come back later;",
            "nothing that was accepted is dropped.",
        ],
        expects: BYTES,
        example: r#""2G""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.queue_limit_bytes, value::bytes(text)),
        show: |settings| Some(value::show_bytes(settings.queue_limit_bytes)),
    },
    Setting {
        name: "trusted_proxies",
        about: &[
            "Networks of the proxies in front. Only from them does X-Forwarded-For count, for everyone else",
            "the address of the connection does. Recipes: nginx.conf and Caddyfile beside this file.",
        ],
        expects: "networks or addresses, such as 127.0.0.1 or 10.0.0.0/8",
        example: r#"["127.0.0.1", "10.0.0.0/8"]"#,
        kind: Kind::List,
        set: |draft, text| put(&mut draft.settings.trusted_proxies, value::list(text, value::network)),
        show: |settings| join(&settings.trusted_proxies),
    },
    Setting {
        name: "heartbeat_url",
        about: &[
            "Called every minute while the collector is well, so that a watching service notices when the",
            "alarm itself is silent.",
        ],
        expects: "an http:// or https:// URL",
        example: r#""https://watch.example.com/ping/error-sentinel""#,
        kind: Kind::Single,
        set: |draft, text| {
            put(&mut draft.settings.heartbeat_url, value::http_url(text).map(|url| Some(url.into())))
        },
        show: |settings| settings.heartbeat_url.clone(),
    },
    Setting {
        name: "smtp.host",
        about: &["The mail server. Without one alarms wait until one is set here or through the dashboard."],
        expects: "a host name or address, such as smtp.example.com",
        example: r#""smtp.example.com""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.smtp.host, value::host(text).map(Some)),
        show: |settings| Some(settings.smtp.as_ref()?.host.clone()),
    },
    Setting {
        name: "smtp.port",
        about: &["Its port. Without it 587 for starttls, 465 for tls, 25 for none."],
        expects: "a port number from 1 to 65535",
        example: "587",
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.smtp.port, value::port(text).map(Some)),
        show: |settings| Some(settings.smtp.as_ref()?.port.to_string()),
    },
    Setting {
        name: "smtp.from",
        about: &["Sender. Without it the username, where that is an address."],
        expects: "a mail address, such as Error Sentinel <alarms@example.com>",
        example: r#""Error Sentinel <alarms@example.com>""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.smtp.from, value::mailbox(text).map(Some)),
        show: |settings| Some(settings.smtp.as_ref()?.from.clone()),
    },
    Setting {
        name: "smtp.to",
        about: &["Who is told about projects that name nobody of their own."],
        expects: "mail addresses, such as team@example.com",
        example: r#"["team@example.com"]"#,
        kind: Kind::List,
        set: |draft, text| put(&mut draft.smtp.to, value::list(text, value::mailbox)),
        show: |settings| join(&settings.smtp.as_ref()?.to),
    },
    Setting {
        name: "smtp.username",
        about: &["Login, where the server wants one."],
        expects: "a name",
        example: r#""alarms@example.com""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.smtp.username, Some(Some(text.to_owned()))),
        show: |settings| settings.smtp.as_ref()?.username.clone(),
    },
    Setting {
        name: "smtp.password",
        about: &[
            "Its password; better in a file that only the collector can read: password_file = \"/path\" takes it",
            "from there.",
        ],
        expects: "a password",
        example: r#""…""#,
        kind: Kind::Secret,
        set: |draft, text| put(&mut draft.smtp.password, Some(Some(Secret(text.to_owned())))),
        show: |settings| Some(settings.smtp.as_ref()?.password.as_ref()?.0.clone()),
    },
    Setting {
        name: "smtp.tls",
        about: &[
            "Encryption of the way to the server: \"starttls\", \"tls\" (from the first byte) or \"none\".",
        ],
        expects: "one of starttls, tls, none",
        example: r#""starttls""#,
        kind: Kind::Single,
        set: |draft, text| {
            put(&mut draft.smtp.tls, SmtpTls::ALL.into_iter().find(|tls| tls.as_str() == text))
        },
        show: |settings| Some(settings.smtp.as_ref()?.tls.as_str().to_owned()),
    },
    Setting {
        name: "alert.cooldown",
        about: &["At most one mail per issue in this time."],
        expects: SECONDS,
        example: r#""1h""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.alert.cooldown_s, value::seconds(text)),
        show: |settings| Some(value::show_seconds(settings.alert.cooldown_s)),
    },
    Setting {
        name: "alert.burst",
        about: &["Mails per project at once; what comes on top goes into one digest mail."],
        expects: "a whole number, at least 1",
        example: "3",
        kind: Kind::Single,
        set: |draft, text| {
            put(&mut draft.settings.alert.burst, value::whole(text).filter(|burst| *burst > 0))
        },
        show: |settings| Some(settings.alert.burst.to_string()),
    },
    Setting {
        name: "alert.refill",
        about: &["Time until one more single mail per project, and between two digest mails."],
        expects: SECONDS,
        example: r#""5m""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.alert.refill_s, value::seconds(text)),
        show: |settings| Some(value::show_seconds(settings.alert.refill_s)),
    },
    Setting {
        name: "log.filter",
        about: &["What is logged: error, warn, info, debug or trace, or target=level pairs with commas."],
        expects: "a level such as info, or target=level pairs",
        example: r#""info""#,
        kind: Kind::Single,
        set: |draft, text| put(&mut draft.settings.log.filter, value::log_filter(text)),
        show: |settings| Some(settings.log.filter.clone()),
    },
    Setting {
        name: "log.format",
        about: &["\"text\" for people, \"json\" for programs; on standard error either way."],
        expects: "one of text, json",
        example: r#""text""#,
        kind: Kind::Single,
        set: |draft, text| {
            put(&mut draft.settings.log.format, LogFormat::ALL.into_iter().find(|form| form.as_str() == text))
        },
        show: |settings| Some(settings.log.format.as_str().to_owned()),
    },
];
