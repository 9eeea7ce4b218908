//! How a command fails: one sentence, and the next step where there is one.

use std::fmt;

use console::style;

use crate::data_dir::DataDirError;
use crate::settings::SettingsError;
use crate::store::StoreError;

/// What a command ends with.
pub type Outcome = Result<(), Failure>;

/// Why a command did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    help: Option<String>,
    exit_code: u8,
}

impl Failure {
    /// A failure that says `message`.
    pub fn new(message: impl fmt::Display) -> Failure {
        Failure { message: message.to_string(), help: None, exit_code: 1 }
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(self, help: impl fmt::Display) -> Failure {
        Failure { help: Some(help.to_string()), ..self }
    }

    /// Says that what was typed or set is wrong, not that something failed.
    #[must_use]
    pub fn usage(self) -> Failure {
        Failure { exit_code: 2, ..self }
    }

    /// The exit status of the process.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Shows it to whoever typed the command.
    pub fn print(&self) {
        for line in self.message.lines() {
            eprintln!("{} {line}", style("error:").red().bold().for_stderr());
        }
        if let Some(help) = &self.help {
            eprintln!("{} {help}", style("next:").cyan().bold().for_stderr());
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

impl std::error::Error for Failure {}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Failure {
        Failure::new(error).help("`error-sentinel check --example-config` explains every setting").usage()
    }
}

impl From<DataDirError> for Failure {
    fn from(error: DataDirError) -> Failure {
        Failure::new(&error).help(error.help())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let failure = Failure::new(&error);
        match error {
            StoreError::Busy(_) => failure.help("try again in a moment"),
            StoreError::Storage(_) => failure.help("look for free space and write access on the disk"),
            StoreError::Unusable(_) => {
                failure.help("use the release that wrote it, or `error-sentinel restore` a backup")
            }
            StoreError::Conflict(_) => failure,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(error) => Failure::new(format!("{error:#}")),
        }
    }
}
