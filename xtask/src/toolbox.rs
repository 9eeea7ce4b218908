//! What the tests need beyond cargo, and how it comes here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::program::Program;
use crate::{repository, target_dir};

/// A program that comes with a package of Debian's.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// What it is called on the command line.
    pub name: &'static str,
    version_flag: &'static str,
    package: &'static str,
}

/// Makes virtual environments.
pub const PYTHON: Tool = Tool { name: "python3", version_flag: "--version", package: "python3" };

/// Interpreters of the snippets in `examples/`.
pub const INTERPRETERS: [Tool; 4] = [
    Tool { name: "curl", version_flag: "--version", package: "curl" },
    Tool { name: "node", version_flag: "--version", package: "nodejs" },
    Tool { name: "php", version_flag: "--version", package: "php-cli" },
    Tool { name: "go", version_flag: "version", package: "golang-go" },
];

impl Tool {
    fn is_here(self) -> bool {
        Program::new(self.name).words(self.version_flag).succeeds()
    }

    /// The command that a person would install it with.
    pub fn install_command(self) -> String {
        format!("apt-get install -y {}", self.package)
    }

    /// Installs it if it is missing and can be had; says whether it is here now.
    pub fn provide(self, log: &Path) -> bool {
        self.is_here() || (install(self.package, log) && self.is_here())
    }
}

/// Installs a package of Debian's where that is possible.
fn install(package: &str, log: &Path) -> bool {
    let is_root = Program::new("sh").argument("-c").argument("test $(id -u) = 0").succeeds();
    if !is_root || !Program::new("apt-get").words("--version").succeeds() {
        return false;
    }
    let apt_get = |line: &str| {
        let program = Program::new("apt-get").words(line).environment("DEBIAN_FRONTEND", "noninteractive");
        program.run(log, false).is_ok_and(|ended| ended.success)
    };
    let line = format!("install -y --no-install-recommends {package}");
    apt_get(&line) || (apt_get("update") && apt_get(&line))
}

/// Makes a virtual environment in `target/NAME` with the packages that `requirements` pins, unless it is there
/// with just these.
///
/// # Errors
/// Says what is missing and how it is installed.
pub fn provide_python(name: &str, requirements: &Path, log: &Path) -> Result<PathBuf> {
    let folder = target_dir().join(name);
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(repository().join(requirements))?;
    let marker = folder.join("installed.txt");
    if python.exists() && fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !PYTHON.provide(log) {
        bail!("python3 is missing; install it: {}", PYTHON.install_command());
    }
    let venv = Program::new("python3").words("-m venv --clear").argument(&folder);
    let mut made = venv.run(log, false)?;
    if !made.success && install("python3-venv", log) {
        made = venv.run(log, false)?;
    }
    if !made.success {
        bail!(
            "{venv} failed; perhaps the package is missing: apt-get install -y python3-venv\n{}",
            made.output
        );
    }
    let pip = Program::new(&python)
        .words("-m pip install --quiet --disable-pip-version-check --no-deps --requirement")
        .argument(requirements);
    let installed = pip.run(log, false)?;
    if !installed.success {
        bail!("{pip} failed:\n{}", installed.output);
    }
    fs::write(marker, wanted)?;
    Ok(python)
}
