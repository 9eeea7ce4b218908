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

    /// One with the package `schemathesis`, which tries out an API by its own description.
    ///
    /// # Panics
    /// When there is none, saying how to get it.
    #[track_caller]
    pub fn with_schemathesis() -> Python {
        Python::named("ERROR_SENTINEL_PYTHON_SCHEMATHESIS", "target/python-schemathesis")
    }

    /// One with Bugsink.
    ///
    /// # Panics
    /// When there is none, saying how to get it.
    #[track_caller]
    pub fn with_bugsink() -> Python {
        Python::named("ERROR_SENTINEL_PYTHON_BUGSINK", "target/python-bugsink")
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

    /// A command that runs a program that came with an installed package.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.0.with_file_name(name))
    }

    /// A command that runs one of the scripts in `tests/python`.
    pub fn script(&self, name: &str) -> Command {
        self.run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name))
    }

    /// A command that runs an installed module.
    pub fn module(&self, name: &str) -> Command {
        let mut command = Command::new(&self.0);
        command.args(["-m", name]);
        command
    }

    /// A command that runs any script.
    pub fn run(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("-u").arg(script);
        command
    }
}

/// A command that runs one of the scripts in `tests/node` with the packages of its `package-lock.json`.
///
/// # Panics
/// When they are not installed, saying how they are.
#[track_caller]
pub fn node_script(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    assert!(
        folder.join("node_modules").is_dir(),
        "the packages of tests/node are not installed: `cargo xtask test` does it, or npm ci in {}",
        folder.display()
    );
    let mut command = Command::new("node");
    command.arg(folder.join(name));
    command
}

/// The interpreter of this name, or `None` where the environment variable `ERROR_SENTINEL_WITHOUT` lists it: then
/// whoever runs the tests knows that it is missing and says so.
///
/// # Panics
/// When it is missing and nobody said so.
#[track_caller]
pub fn interpreter(name: &str, version_flag: &str) -> Option<Command> {
    if goes_without(name) {
        return None;
    }
    let found = Command::new(name).arg(version_flag).output().is_ok_and(|output| output.status.success());
    assert!(found, "{name} is not here: install it, or go without by ERROR_SENTINEL_WITHOUT={name}");
    Some(Command::new(name))
}

/// Whether what only root may do can be tested (mounting, tracing another process); `false` only where the
/// environment variable `ERROR_SENTINEL_WITHOUT` lists `root`: then whoever runs the tests says so.
///
/// # Panics
/// When nobody said so and this is not root.
#[track_caller]
pub fn is_root() -> bool {
    if goes_without("root") {
        return false;
    }
    let id = Command::new("id").arg("-u").output().expect("every system has `id`");
    let is_root = String::from_utf8_lossy(&id.stdout).trim() == "0";
    assert!(
        is_root,
        "this mounts a disk or traces a process: run it as root, or go without by ERROR_SENTINEL_WITHOUT=root"
    );
    true
}

fn goes_without(name: &str) -> bool {
    let without = std::env::var("ERROR_SENTINEL_WITHOUT").unwrap_or_default();
    without.split(',').any(|missing| missing == name)
}
