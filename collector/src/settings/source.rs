//! Where settings come from, and in which order they count.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{self, Problem, SettingsError};
use super::table::{Draft, Kind, SETTINGS, Setting};
use super::{Settings, SmtpSettings};

/// Names the file, where `--config` does not.
pub(super) const CONFIG_VARIABLE: &str = "ERROR_SENTINEL_CONFIG";
/// Read by others under our prefix: the SDK of programs that report to a collector and share our environment,
/// and `user add`.
const OTHER_VARIABLES: [&str; 4] = [
    "ERROR_SENTINEL_DSN",
    "ERROR_SENTINEL_RELEASE",
    "ERROR_SENTINEL_ENVIRONMENT",
    "ERROR_SENTINEL_NEW_PASSWORD",
];

/// What settings are read from. Nothing else is looked at, so that a test can pass a world of its own.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Flags: as written on the command line, the setting, the value.
    pub flags: Vec<(String, String, String)>,
    /// The environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// The file that `--config` names; it must be there.
    pub config: Option<PathBuf>,
    /// The file that is read when neither a flag nor the environment names one and the data folder has no
    /// `config.toml`.
    pub system_config: Option<PathBuf>,
}

/// Settings and where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read.
    pub config: Option<PathBuf>,
    origins: BTreeMap<&'static str, Origin>,
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file, at this line.
    File(PathBuf, usize),
    /// This variable of the environment.
    Variable(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

impl Loaded {
    /// Where `setting` came from.
    pub fn origin(&self, setting: &Setting) -> Origin {
        self.origins.get(setting.name).cloned().unwrap_or(Origin::Default)
    }

    /// Reads the settings: defaults, then `$PORT`, then one file, then the environment, then flags.
    ///
    /// The file is `--config`, else `$ERROR_SENTINEL_CONFIG`, else `config.toml` in the data folder (that of
    /// flag, environment or default), else the system's. Only one is read.
    ///
    /// # Errors
    /// [`SettingsError`] with everything that is wrong.
    pub fn read(sources: &Sources) -> Result<Loaded, SettingsError> {
        let mut reading = Reading::default();
        let environment = reading.environment(&sources.environment);
        reading.platform_port(&environment);
        let config = reading.file(sources, &environment);
        for (name, value) in &environment {
            reading.variable(name, value);
        }
        for (flag, name, value) in &sources.flags {
            reading.flag(flag, name, value);
        }
        let settings = reading.finish();
        if !reading.problems.is_empty() {
            return Err(SettingsError(reading.problems));
        }
        Ok(Loaded { settings, config, origins: reading.origins })
    }
}

/// Settings half read.
#[derive(Default)]
struct Reading {
    draft: Draft,
    origins: BTreeMap<&'static str, Origin>,
    problems: Vec<Problem>,
}

impl Reading {
    fn problem(&mut self, place: impl fmt::Display, reason: impl Into<String>) {
        self.problems.push(Problem { place: place.to_string(), reason: reason.into() });
    }

    /// The variables that concern us, without those that are empty, which counts as not set.
    fn environment(&mut self, all: &BTreeMap<OsString, OsString>) -> BTreeMap<String, String> {
        let mut ours = BTreeMap::new();
        for (name, value) in all {
            let Some(name) =
                name.to_str().filter(|name| name.starts_with("ERROR_SENTINEL_") || *name == "PORT")
            else {
                continue;
            };
            match value.to_str() {
                Some("") => {}
                Some(value) => _ = ours.insert(name.to_owned(), value.to_owned()),
                None => self.problem(name, "its value is not UTF-8 text"),
            }
        }
        ours
    }

    /// Hosting platforms say by `$PORT` where they forward to, and forward from outside the machine.
    fn platform_port(&mut self, environment: &BTreeMap<String, String>) {
        if let (Some(port), Some(listen)) = (environment.get("PORT"), find("listen")) {
            let origin = Origin::Variable("PORT".into());
            match super::value::port(port) {
                Some(port) => self.set(listen.0, &format!("0.0.0.0:{port}"), origin),
                None => self.problem(origin, format!("{port:?} is no port number from 1 to 65535")),
            }
        }
    }

    fn variable(&mut self, name: &str, value: &str) {
        let known = SETTINGS.iter().find_map(|setting| {
            let rest = name.strip_prefix(&setting.variable())?;
            match rest {
                "" => Some((setting, false)),
                "_FILE" if setting.kind == Kind::Secret => Some((setting, true)),
                _ => None,
            }
        });
        let origin = Origin::Variable(name.to_owned());
        match known {
            Some((setting, true)) => self.set_from_file(setting, Path::new(value), origin),
            Some((setting, false)) => self.set(setting, value, origin),
            None if name == "PORT" || name == CONFIG_VARIABLE || OTHER_VARIABLES.contains(&name) => {}
            None if is_service_link(name) => {}
            None => self.problem(origin, problem::unknown("variable", name, problem::variables())),
        }
    }

    fn flag(&mut self, flag: &str, name: &str, value: &str) {
        let origin = Origin::Flag(flag.to_owned());
        match find(name) {
            Some((setting, true)) => self.set_from_file(setting, Path::new(value), origin),
            Some((setting, false)) if setting.kind == Kind::Secret => {
                let name = setting.name;
                self.problem(
                    origin,
                    format!("{name} is a secret, and other users of this machine see flags; use {name}_file"),
                );
            }
            Some((setting, false)) => self.set(setting, value, origin),
            None => self.problem(origin, problem::unknown("setting", name, problem::names())),
        }
    }

    /// Finds the file and reads it.
    fn file(&mut self, sources: &Sources, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
        let named = sources.config.clone().or_else(|| environment.get(CONFIG_VARIABLE).map(PathBuf::from));
        let data_dir = sources
            .flags
            .iter()
            .rfind(|(_, name, _)| name == "data_dir")
            .map(|(_, _, value)| value)
            .or_else(|| environment.get("ERROR_SENTINEL_DATA_DIR"))
            .map_or_else(|| Settings::default().data_dir, PathBuf::from);
        let must_exist = named.is_some();
        let candidates = match named {
            Some(path) => vec![path],
            None => [Some(data_dir.join("config.toml")), sources.system_config.clone()]
                .into_iter()
                .flatten()
                .collect(),
        };
        for path in candidates {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    self.document(&path, &text);
                    return Some(path);
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {}
                Err(error) => {
                    self.problem(path.display(), format!("the settings file cannot be read: {error}"));
                    return None;
                }
            }
        }
        None
    }

    fn document(&mut self, path: &Path, text: &str) {
        let document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let line = line_of(text, error.span().map_or(0, |span| span.start));
                return self.problem(Origin::File(path.to_owned(), line), error.message().trim().to_owned());
            }
        };
        self.group(path, text, "", document.get_ref());
    }

    fn group(&mut self, path: &Path, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let origin = Origin::File(path.to_owned(), line_of(text, key.span().start));
            let inner = format!("{name}.");
            match (find(&name), value.get_ref()) {
                (None, DeValue::Table(table)) if SETTINGS.iter().any(|one| one.name.starts_with(&inner)) => {
                    self.group(path, text, &inner, table);
                }
                (None, _) => self.problem(origin, problem::unknown("setting", &name, problem::names())),
                (Some((setting, from_file)), _) => match text_of(value, setting.kind == Kind::List) {
                    None => self.refuse(setting, value.get_ref().type_str(), origin),
                    Some(value) if from_file => {
                        self.set_from_file(setting, &beside(path, &value), origin);
                    }
                    Some(value) if setting.name == "data_dir" => {
                        self.set(setting, &beside(path, &value).to_string_lossy(), origin);
                    }
                    Some(value) => self.set(setting, &value, origin),
                },
            }
        }
    }

    fn set(&mut self, setting: &'static Setting, value: &str, origin: Origin) {
        if (setting.set)(&mut self.draft, value) {
            self.origins.insert(setting.name, origin);
        } else {
            self.refuse(setting, &format!("{value:?}"), origin);
        }
    }

    fn refuse(&mut self, setting: &Setting, value: &str, origin: Origin) {
        let shown = if setting.kind == Kind::Secret { "its value (not shown)" } else { value };
        let (name, expects) = (setting.name, setting.expects);
        self.problem(origin, format!("{shown} is not allowed for {name}; expected {expects}"));
    }

    /// Takes a secret from a file that holds nothing else; the newline at its end is not part of it.
    fn set_from_file(&mut self, setting: &'static Setting, path: &Path, origin: Origin) {
        let same_source = match (&origin, self.origins.get(setting.name)) {
            (Origin::File(..), Some(Origin::File(..))) | (Origin::Variable(_), Some(Origin::Variable(_))) => {
                true
            }
            (_, _) => false,
        };
        if same_source {
            let name = setting.name;
            return self.problem(origin, format!("{name} is set twice, as a value and as a file; keep one"));
        }
        match std::fs::read_to_string(path) {
            Ok(secret) => self.set(setting, secret.trim_end_matches(['\r', '\n']), origin),
            Err(error) => {
                let reason = format!(
                    "{}, from which {} is to be taken, cannot be read: {error}",
                    path.display(),
                    setting.name
                );
                self.problem(origin, reason);
            }
        }
    }

    /// Settles what one setting says about another.
    fn finish(&mut self) -> Settings {
        let Draft { mut settings, smtp } = std::mem::take(&mut self.draft);
        let Some((name, origin)) = self
            .origins
            .iter()
            .find(|(name, _)| name.starts_with("smtp."))
            .map(|(name, origin)| (*name, origin.clone()))
        else {
            return settings;
        };
        let Some(host) = smtp.host else {
            // A host that is there and wrong was named already.
            if self.problems.is_empty() {
                self.problem(
                    origin,
                    format!("{name} without smtp.host reaches nobody; set smtp.host as well"),
                );
            }
            return settings;
        };
        let username_as_sender = || smtp.username.as_deref().and_then(super::value::mailbox);
        let Some(from) = smtp.from.clone().or_else(username_as_sender) else {
            if self.problems.is_empty() {
                let reason = "smtp.from, the sender of the mails, is missing; set smtp.from as well";
                self.problem(origin, reason);
            }
            return settings;
        };
        if smtp.username.is_some() != smtp.password.is_some() {
            let (there, missing) = match smtp.username {
                Some(_) => ("smtp.username", "smtp.password"),
                None => ("smtp.password", "smtp.username"),
            };
            let origin = self.origins.get(there).cloned().unwrap_or(origin);
            self.problem(origin, format!("{there} needs {missing} beside it"));
        }
        settings.smtp = Some(SmtpSettings {
            host,
            port: smtp.port.unwrap_or(smtp.tls.default_port()),
            from,
            to: smtp.to,
            username: smtp.username,
            password: smtp.password,
            tls: smtp.tls,
        });
        settings
    }
}

/// The setting of this name, and whether the name says that a file holds its value.
fn find(name: &str) -> Option<(&'static Setting, bool)> {
    SETTINGS.iter().find_map(|setting| {
        let secret = setting.kind == Kind::Secret;
        match name.strip_prefix(setting.name)? {
            "" => Some((setting, false)),
            "_file" if secret => Some((setting, true)),
            _ => None,
        }
    })
}

/// What an orchestrator puts into every container beside a service of the name `error-sentinel`.
fn is_service_link(name: &str) -> bool {
    let rest = name.strip_prefix("ERROR_SENTINEL_").unwrap_or_default();
    rest == "PORT"
        || rest == "SERVICE_HOST"
        || rest.starts_with("SERVICE_PORT")
        || rest.strip_prefix("PORT_").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A value as the text that the other sources would give; `None` for what no setting can be.
fn text_of(value: &Spanned<DeValue<'_>>, list: bool) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Array(items) if list => {
            let texts: Option<Vec<String>> = items.iter().map(|item| text_of(item, false)).collect();
            Some(texts?.join(","))
        }
        _ => None,
    }
}

/// A path in a file starts at the file's own folder.
fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}

/// The line, from 1, of the byte at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}
