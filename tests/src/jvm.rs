//! Kotlin's face of the SDK: a program on a real Java virtual machine, with the classes of Android's real framework.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::c_face::library_folder;
use crate::process::{Finished, finish, repository, without_settings};
use crate::react_native::react_native_folder;

/// Longest that the C compiler may take; the machine may be busy.
const COMPILE: Duration = Duration::from_secs(120);

/// The one function that Android's C library has under another name than this machine's, as far as it is asked for.
#[cfg(target_arch = "x86_64")]
const ERRNO: &str = "#include <errno.h>\nint *__errno(void) { return __errno_location(); }\n";

/// The program of the tests, ready to run.
#[derive(Debug)]
pub struct AndroidHarness {
    /// What the virtual machine loads: the library in Rust, and what the framework has in C++.
    natives: TempDir,
    /// Where the library is for Android's system: in place of that, this machine's under its names.
    system: Option<TempDir>,
}

impl AndroidHarness {
    /// With the library as it is built for this machine.
    ///
    /// # Panics
    /// When something of it is not built.
    #[track_caller]
    pub fn prepare() -> AndroidHarness {
        AndroidHarness::with(&library_folder().join("liberror_sentinel_ffi.so"), None)
    }

    /// With the library that is packed for Android, which this machine can load: it asks only for what both systems have,
    /// in the same layout.
    ///
    /// # Panics
    /// As [`AndroidHarness::prepare`].
    #[cfg(target_arch = "x86_64")]
    #[track_caller]
    pub fn prepare_for_android() -> AndroidHarness {
        AndroidHarness::on_android(&android_folder().join("aar/jni/x86_64/liberror_sentinel.so"))
    }

    /// The same, with one that was built alike but panics on purpose.
    ///
    /// # Panics
    /// As [`AndroidHarness::prepare`].
    #[cfg(target_arch = "x86_64")]
    #[track_caller]
    pub fn prepare_panics_on_android() -> AndroidHarness {
        AndroidHarness::on_android(&android_folder().join("libharness.so"))
    }

    #[cfg(target_arch = "x86_64")]
    #[track_caller]
    fn on_android(library: &Path) -> AndroidHarness {
        let system = tempfile::tempdir().expect("a temporary folder");
        for (name, code) in [("libc.so", ""), ("libdl.so", ""), ("errno.so", ERRNO)] {
            let source = system.path().join("source.c");
            fs::write(&source, code).expect("a small file");
            let mut compiler = Command::new("cc");
            compiler.args(["-shared", "-fPIC", &format!("-Wl,-soname,{name}"), "-o"]);
            finish(compiler.arg(system.path().join(name)).arg(source), COMPILE).success();
        }
        AndroidHarness::with(library, Some(system))
    }

    #[track_caller]
    fn with(library: &Path, system: Option<TempDir>) -> AndroidHarness {
        let natives = tempfile::tempdir().expect("a temporary folder");
        fs::copy(library, natives.path().join("liberror_sentinel.so"))
            .unwrap_or_else(|e| panic!("{}: {e}", library.display()));
        let include = java_home().join("include");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]);
        compiler.arg("-I").arg(&include).arg("-I").arg(include.join("linux"));
        compiler.arg(repository().join("tests/android/framework.c"));
        compiler.arg("-o").arg(natives.path().join("libframework.so")).arg("-lpthread");
        finish(&mut compiler, COMPILE).success();
        AndroidHarness { natives, system }
    }

    /// A run with these arguments, in which the machine checks every use of its interface.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of("io.github.errorsentinel.Harness", Vec::new(), arguments)
    }

    /// The same on a machine whose handlers of signals are asked before all that come later, as Android's runtime arranges
    /// it for every application: what does it for this machine is part of Java.
    pub fn command_with_chained_signals(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("LD_PRELOAD", java_home().join("lib/libjsig.so"));
        command
    }

    /// The same of another program, with classes of its own.
    fn command_of(&self, program: &str, mut class_path: Vec<PathBuf>, arguments: &[&str]) -> Command {
        let built = android_folder();
        class_path.extend([built.join("harness"), built.join("classes.jar")]);
        for entry in fs::read_dir(built.join("jars")).expect("the jars").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("kotlin-stdlib") || name.starts_with("android-all") {
                class_path.push(entry.path());
            }
        }
        let mut command = Command::new("java");
        let path = std::env::join_paths(class_path).expect("no colon in it");
        // As on every phone.
        command.env("EXTERNAL_STORAGE", "/sdcard");
        command.args(["-Xcheck:jni", "-Xmx512m"]);
        // What it says when it dies.
        command.arg(format!("-XX:ErrorFile={}", self.natives.path().join("machine.log").display()));
        command.arg(format!("-Djava.library.path={}", self.natives.path().display()));
        command.arg("-cp").arg(path).arg(program).args(arguments);
        if let Some(system) = &self.system {
            command.env("LD_LIBRARY_PATH", system.path()).env("LD_PRELOAD", system.path().join("errno.so"));
        }
        without_settings(&mut command);
        command
    }

    /// Runs it to its end; it may not do anything that the virtual machine complains of.
    ///
    /// # Panics
    /// When the machine complains, or the program is not done in time.
    #[track_caller]
    pub fn run(&self, arguments: &[&str], within: Duration) -> Finished {
        AndroidHarness::finish(&mut self.command(arguments), within)
    }

    /// Runs the program in which React Native's own classes use the package's module, as [`AndroidHarness::run`] does.
    ///
    /// # Panics
    /// As that.
    #[track_caller]
    pub fn run_react_native(&self, arguments: &[&str], within: Duration) -> Finished {
        let built = react_native_folder();
        let mut class_path = vec![built.join("classes"), built.join("generated-classes")];
        class_path
            .extend(fs::read_dir(built.join("jars")).expect("the jars").flatten().map(|entry| entry.path()));
        let program = "io.github.errorsentinel.reactnative.ReactHarness";
        AndroidHarness::finish(&mut self.command_of(program, class_path, arguments), within)
    }

    #[track_caller]
    fn finish(command: &mut Command, within: Duration) -> Finished {
        let done = finish(command, within);
        for stream in [&done.stdout, &done.stderr] {
            for complaint in ["WARNING in native method", "FATAL ERROR in native method", "WARNING: JNI"] {
                assert!(!stream.contains(complaint), "{done:#?}");
            }
        }
        done
    }
}

/// Where the Android library and its test program are.
///
/// # Panics
/// When they are not built, saying how.
#[track_caller]
pub fn android_folder() -> PathBuf {
    let folder = match std::env::var_os("ERROR_SENTINEL_ANDROID") {
        Some(folder) => PathBuf::from(folder),
        None => repository().join("target/android"),
    };
    assert!(
        folder.join("harness").is_dir(),
        "the Android library is not in {}: build it by `cargo xtask test 'C library' 'Android library'`, or let `cargo \
         xtask test` do all",
        folder.display()
    );
    folder
}

fn java_home() -> PathBuf {
    let mut java = Command::new("java");
    java.args(["-XshowSettings:properties", "-version"]);
    let said = finish(&mut java, COMPILE).success().stderr;
    let home = said.lines().find_map(|line| line.trim().strip_prefix("java.home = "));
    Path::new(home.unwrap_or_else(|| panic!("java does not say where it is: {said}"))).to_owned()
}
