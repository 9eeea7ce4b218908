//! What is wrong with the settings, said so that it can be mended at once.

use std::fmt;

use super::table::{Kind, SETTINGS};

/// One thing that is wrong: a clear sentence that starts with the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `config.toml:3`, the variable, or the flag.
    pub place: String,
    /// What is wrong there, and what would be right. Never a secret's value.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

/// Everything that is wrong with the settings, so that one look at them mends all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(pub Vec<Problem>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// The sentence about a name that is no setting. `names` are those that the place allows.
pub(super) fn unknown(kind_of_name: &str, name: &str, names: impl Iterator<Item = String>) -> String {
    match nearest(name, names) {
        Some(near) => format!("there is no {kind_of_name} {name}; did you mean {near}?"),
        None => {
            format!("there is no {kind_of_name} {name}; `error-sentinel check --example-config` lists all")
        }
    }
}

/// The candidate that `name` was probably meant to be.
fn nearest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let lower = name.to_lowercase();
    let last_part = |text: &str| text.rsplit('.').next().map(str::to_owned);
    candidates
        .map(|candidate| {
            let other = candidate.to_lowercase();
            // `host` outside its group is most likely `smtp.host`.
            let same_end = !lower.contains('.') && last_part(&other).as_deref() == Some(&lower);
            let likeness =
                if same_end { 1.0 } else { strsim::normalized_damerau_levenshtein(&lower, &other) };
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Every name that the file and `--set` take.
pub(super) fn names() -> impl Iterator<Item = String> {
    SETTINGS.iter().flat_map(|setting| {
        let file = (setting.kind == Kind::Secret).then(|| format!("{}_file", setting.name));
        std::iter::once(setting.name.to_owned()).chain(file)
    })
}

/// Every variable.
pub(super) fn variables() -> impl Iterator<Item = String> {
    SETTINGS
        .iter()
        .flat_map(|setting| {
            let file = (setting.kind == Kind::Secret).then(|| format!("{}_FILE", setting.variable()));
            std::iter::once(setting.variable()).chain(file)
        })
        .chain(std::iter::once(super::source::CONFIG_VARIABLE.to_owned()))
}
