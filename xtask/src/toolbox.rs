//! What the tests need beyond cargo, and how it comes here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::{repository, target_dir};

/// A program that comes with a package of Debian's.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Argument with which it only says which one it is.
    pub version_flag: &'static str,
    /// What installs it.
    pub package: &'static str,
}

/// Makes virtual environments.
pub const PYTHON: Tool = Tool { name: "python3", version_flag: "--version", package: "python3" };

/// The browsers of the tests, with what drives them, and a screen for the one that needs one.
pub const BROWSERS: [Tool; 5] = [
    Tool { name: "chromium", version_flag: "--version", package: "chromium" },
    Tool { name: "firefox-esr", version_flag: "--version", package: "firefox-esr" },
    Tool { name: "WebKitWebDriver", version_flag: "--help", package: "webkit2gtk-driver" },
    Tool { name: "xvfb-run", version_flag: "--help", package: "xvfb" },
    Tool { name: "xauth", version_flag: "version", package: "xauth" },
];

/// The proxies that are known to work in front of the collector.
pub const NGINX: Tool = Tool { name: "nginx", version_flag: "-v", package: "nginx-light" };
pub const CADDY: Tool = Tool { name: "caddy", version_flag: "version", package: "caddy" };

/// Compiles the parts in C for Windows.
pub const MINGW: Tool =
    Tool { name: "x86_64-w64-mingw32-gcc", version_flag: "--version", package: "gcc-mingw-w64-x86-64" };

/// Compiles the header as C++.
pub const CXX: Tool = Tool { name: "c++", version_flag: "--version", package: "g++" };

/// Build programs in C and C++ as the library's users do.
pub const CMAKE: Tool = Tool { name: "cmake", version_flag: "--version", package: "cmake" };
pub const PKG_CONFIG: Tool = Tool { name: "pkg-config", version_flag: "--version", package: "pkg-config" };

/// Takes Android's archives apart.
pub const UNZIP: Tool = Tool { name: "unzip", version_flag: "-v", package: "unzip" };

/// The engine that React Native's JavaScript is run in.
pub const JAVASCRIPTCORE: Tool = Tool {
    name: "pkg-config",
    version_flag: "--exists javascriptcoregtk-4.1",
    package: "libjavascriptcoregtk-4.1-dev",
};

/// Finds what a program in C does wrong with memory.
pub const VALGRIND: Tool = Tool { name: "valgrind", version_flag: "--version", package: "valgrind" };

/// Makes system calls fail, and shows them.
pub const STRACE: Tool = Tool { name: "strace", version_flag: "--version", package: "strace" };

/// Shows a program another time than the real one.
pub const FAKETIME: Tool = Tool { name: "faketime", version_flag: "--version", package: "faketime" };

/// Installs packages of JavaScript.
const NPM: Tool = Tool { name: "npm", version_flag: "--version", package: "npm" };

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

/// Whether we may install, mount and trace.
pub fn is_root() -> bool {
    Program::new("sh").argument("-c").argument("test $(id -u) = 0").succeeds()
}

/// Installs a package of Debian's where that is possible.
fn install(package: &str, log: &Path) -> bool {
    if !is_root() || !Program::new("apt-get").words("--version").succeeds() {
        return false;
    }
    let apt_get = |line: &str| {
        let program = Program::new("apt-get").words(line).environment("DEBIAN_FRONTEND", "noninteractive");
        program.run(log, false).is_ok_and(|ended| ended.success)
    };
    // Another program may be installing something.
    let line = format!("-o DPkg::Lock::Timeout=300 install -y --no-install-recommends {package}");
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

/// Installs what the `package-lock.json` of `folder` pins, unless it is there already.
///
/// # Errors
/// Says what is missing and how it is installed.
pub fn provide_node_packages(folder: &Path, log: &Path) -> Result<()> {
    let wanted = fs::read_to_string(folder.join("package-lock.json"))?;
    let marker = folder.join("node_modules/installed.json");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if !NPM.provide(log) {
        bail!("npm is missing; install it: {}", NPM.install_command());
    }
    let install = Program::new("npm").words("ci --no-audit --no-fund --prefix").argument(folder);
    let installed = install.run(log, false)?;
    if !installed.success {
        bail!("{install} failed:\n{}", installed.output);
    }
    fs::write(marker, wanted)?;
    Ok(())
}

/// Whether something was made after all that it is made of.
pub fn is_newer(made: &Path, of: &[PathBuf]) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
    let Ok(made) = time(made) else { return false };
    of.iter().all(|source| time(source).unwrap_or_else(|_| SystemTime::now()) < made)
}
