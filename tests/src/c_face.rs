//! Programs in C, compiled against the C ABI as its users would.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{finish, finish_with, repository};

/// Longest that a compiler may take; the machine may be busy.
const COMPILE: Duration = Duration::from_secs(120);
/// What no warning of may remain, in the words of gcc and clang.
const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];
/// The system's own libraries that the static library needs.
const SYSTEM: [&str; 3] = ["-lpthread", "-ldl", "-lm"];

/// How the library gets into a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// With the program.
    Statically,
    /// With the program, which the address sanitizer watches.
    StaticallyWatched,
    /// When the program starts.
    Dynamically,
}

/// A compiled program.
#[derive(Debug)]
pub struct CProgram {
    folder: TempDir,
}

impl CProgram {
    /// Compiles `examples/c/NAME.c` as C11.
    ///
    /// # Panics
    /// When the compiler has anything to say.
    #[track_caller]
    pub fn compile(name: &str, linked: Linked) -> CProgram {
        let program = CProgram { folder: tempfile::tempdir().expect("a temporary folder") };
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c11", "-g", "-DSENTINEL_HARNESS"]).args(STRICT).arg("-I").arg(headers());
        compiler.arg(repository().join("examples/c").join(name).with_extension("c"));
        let libraries = library_folder();
        match linked {
            Linked::Statically => _ = compiler.arg(libraries.join("liberror_sentinel_ffi.a")),
            Linked::StaticallyWatched => {
                compiler.arg("-fsanitize=address").arg(libraries.join("liberror_sentinel_ffi.a"));
            }
            Linked::Dynamically => {
                compiler.arg("-L").arg(&libraries).arg("-lerror_sentinel_ffi");
                compiler.arg(format!("-Wl,-rpath,{}", libraries.display()));
            }
        }
        compiler.args(SYSTEM).arg("-o").arg(program.path());
        let said = finish(&mut compiler, COMPILE).success();
        assert!(said.stderr.is_empty(), "{}", said.stderr);
        program
    }

    /// Runs it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path());
        command.args(arguments);
        command
    }

    /// Runs it under valgrind, which makes every mistake and every leak an error.
    pub fn under_valgrind(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("valgrind");
        command.args([
            "--quiet",
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
        ]);
        command.arg(self.path()).args(arguments);
        command
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    /// Reads these lines as the body of a function.
    ///
    /// # Panics
    /// When the compiler has anything to say.
    #[track_caller]
    pub fn assert_lines_compile(lines: &str) {
        let text =
            format!("#include <error_sentinel.h>\nvoid shown(void);\nvoid shown(void) {{\n{lines}}}\n");
        let mut command = Command::new("cc");
        command.args(["-x", "c", "-std=c11", "-fsyntax-only"]).args(STRICT).arg("-I").arg(headers());
        let said = finish_with(command.arg("-"), &text, COMPILE).success();
        assert!(said.stderr.is_empty(), "{}", said.stderr);
    }

    /// Reads the header alone by a compiler of this language, such as `c++17`.
    ///
    /// # Panics
    /// When the compiler has anything to say.
    #[track_caller]
    pub fn assert_header_compiles(compiler: &str, language: &str, standard: &str) {
        let mut command = Command::new(compiler);
        command.args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"]).args(STRICT);
        let said = finish(command.arg(headers().join("error_sentinel.h")), COMPILE).success();
        assert!(said.stderr.is_empty(), "{}", said.stderr);
    }
}

fn headers() -> PathBuf {
    repository().join("sdk-ffi/include")
}

/// Where the libraries under test are.
#[track_caller]
pub(crate) fn library_folder() -> PathBuf {
    let folder = match std::env::var_os("ERROR_SENTINEL_C_LIBRARIES") {
        Some(folder) => PathBuf::from(folder),
        None => repository().join("target/debug"),
    };
    assert!(
        Path::new(&folder).join("liberror_sentinel_ffi.a").is_file(),
        "the C library is not in {}: build it with `cargo build -p error-sentinel-ffi --features harness,jvm`, or let \
         `cargo xtask test` do all",
        folder.display()
    );
    folder
}
