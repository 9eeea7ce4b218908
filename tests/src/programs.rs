//! Interpreters that tests run real clients with.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::repository;

/// Python with the packages of `tests/python/requirements.txt`.
#[derive(Debug)]
pub struct Python(PathBuf);

impl Python {
    /// The one in `target/python`, or that of `ERROR_SENTINEL_PYTHON`.
    ///
    /// # Panics
    /// When there is none, saying how to get it.
    #[track_caller]
    pub fn find() -> Python {
        Python::named("ERROR_SENTINEL_PYTHON", "target/python")
    }

    /// The same with the package `brotli`, which makes the Sentry SDK compress by it.
    ///
    /// # Panics
    /// When there is none, saying how to get it.
    #[track_caller]
    pub fn with_brotli() -> Python {
        Python::named("ERROR_SENTINEL_PYTHON_BROTLI", "target/python-brotli")
    }

    #[track_caller]
    fn named(variable: &str, folder: &str) -> Python {
        let path = match std::env::var_os(variable) {
            Some(path) => PathBuf::from(path),
            None => repository().join(folder).join("bin/python"),
        };
        assert!(
            path.exists(),
            "no Python with the tests' packages at {}: `cargo xtask test` makes it, or name one by {variable}",
            path.display()
        );
        Python(path)
    }

    /// A command that runs one of the scripts in `tests/python`.
    pub fn script(&self, name: &str) -> Command {
        self.run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name))
    }

    /// A command that runs any script.
    pub fn run(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("-u").arg(script);
        command
    }
}

/// The interpreter of this name, or `None` where the environment variable `ERROR_SENTINEL_WITHOUT` lists it: then
/// whoever runs the tests knows that it is missing and says so.
///
/// # Panics
/// When it is missing and nobody said so.
#[track_caller]
pub fn interpreter(name: &str, version_flag: &str) -> Option<Command> {
    let without = std::env::var("ERROR_SENTINEL_WITHOUT").unwrap_or_default();
    if without.split(',').any(|missing| missing == name) {
        return None;
    }
    let found = Command::new(name).arg(version_flag).output().is_ok_and(|output| output.status.success());
    assert!(found, "{name} is not here: install it, or go without by ERROR_SENTINEL_WITHOUT={name}");
    Some(Command::new(name))
}
