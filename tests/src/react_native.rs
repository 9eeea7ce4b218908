//! React Native's face of the SDK: an application in a host without a screen, with all of React Native's own JavaScript.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Finished, finish, repository, without_settings};

/// Longest that a scenario may take; the machine may be busy.
const RUN: Duration = Duration::from_secs(120);

/// An installed application, in a real JavaScriptCore, with the module in C++ over the library in Rust.
#[derive(Debug)]
pub struct ReactNativeApp {
    bundle: PathBuf,
    /// Its own folder, which outlives its runs.
    spool: TempDir,
}

impl ReactNativeApp {
    /// The application of the tests, `tests/react-native/app.js`.
    pub fn install() -> ReactNativeApp {
        ReactNativeApp::of_bundle("app.js")
    }

    /// The application of a bundle that Metro has made.
    pub fn of_bundle(name: &str) -> ReactNativeApp {
        let bundle = react_native_folder().join(name);
        ReactNativeApp { bundle, spool: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Where it keeps what could not be delivered.
    pub fn spool(&self) -> &Path {
        self.spool.path()
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it is not done in time.
    #[track_caller]
    pub fn run(&self, scenario: &str, dsn: &str) -> Finished {
        let mut host = Command::new(react_native_folder().join("host"));
        host.arg(&self.bundle).arg(self.spool.path()).args([scenario, dsn]);
        finish(without_settings(&mut host), RUN)
    }

    /// Runs it as bytecode of Hermes without debugging information, as for a release; returns the JSON that the native
    /// module was told under a name.
    ///
    /// # Panics
    /// When it does not compile, or is not done in time.
    #[track_caller]
    pub fn run_in_hermes(&self, scenario: &str, name: &str) -> Vec<String> {
        let read =
            |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let before = read(&repository().join("tests/react-native/hermes/before.js"));
        let source = self.spool.path().join("source.js");
        let text = format!("{before}host.scenario = '{scenario}';\n{}\n;turn();\n", read(&self.bundle));
        std::fs::write(&source, text).expect("space");
        let tools = repository().join("sdk-ffi/react-native/node_modules/hermes-engine-cli/linux64-bin");
        let bytecode = self.spool.path().join("index.android.bundle");
        let mut compiler = Command::new(tools.join("hermesc"));
        finish(compiler.args(["-emit-binary", "-O", "-g0", "-w", "-out"]).arg(&bytecode).arg(source), RUN)
            .success();
        let printed =
            finish(Command::new(tools.join("hermes")).arg("-b").arg(&bytecode), RUN).success().stdout;
        let told =
            printed.lines().filter_map(|line| line.strip_prefix(name)).map(|json| json.trim().to_owned());
        told.collect()
    }

    /// Runs it in a host that lacks the native module, whose `fetch` is React Native's own over the system's network.
    ///
    /// # Panics
    /// As [`ReactNativeApp::run`].
    #[track_caller]
    pub fn run_without_native(&self, scenario: &str, dsn: &str) -> Finished {
        let mut host = Command::new("node");
        host.arg(repository().join("tests/react-native/host.mjs")).arg(&self.bundle).args([scenario, dsn]);
        finish(without_settings(&mut host), RUN)
    }
}

/// Where the host, the bundles and what React Native generates are.
///
/// # Panics
/// When they are not built, saying how.
#[track_caller]
pub fn react_native_folder() -> PathBuf {
    let folder = match std::env::var_os("ERROR_SENTINEL_REACT_NATIVE") {
        Some(folder) => PathBuf::from(folder),
        None => repository().join("target/react-native"),
    };
    assert!(
        folder.join("host").is_file(),
        "the host of React Native is not in {}: build it by `cargo xtask test 'C library' 'React Native package'`, or let \
         `cargo xtask test` do all",
        folder.display()
    );
    folder
}
