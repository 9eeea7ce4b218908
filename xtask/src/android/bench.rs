//! What the Kotlin library's calls cost on a Java virtual machine, and what is left of that over JNI alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::kotlin::{classes_jar, compile_harness, compile_library, joined, named};
use super::{folder, kotlin};
use crate::program::Program;
use crate::repository;

/// Runs the program in `tests/android` with a library that is built for this machine; returns what it prints.
///
/// # Errors
/// When something of it cannot be built or run.
pub fn run(library: &Path, work: &Path, quick: bool) -> Result<String> {
    let log = work.join("jvm.log");
    compile_library(&log)?;
    compile_harness(&log)?;
    let natives = work.join("natives");
    let spool = work.join("jvm-spool");
    if spool.exists() {
        fs::remove_dir_all(&spool)?;
    }
    for folder in [&natives, &spool] {
        fs::create_dir_all(folder)?;
    }
    fs::copy(library, natives.join("liberror_sentinel.so"))?;
    let home = java_home(&log)?;
    let include = home.join("include");
    let compile = Program::new("cc")
        .words("-std=c11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC -I")
        .argument(&include)
        .argument("-I")
        .argument(include.join("linux"))
        .argument(repository().join("tests/android/framework.c"))
        .argument("-o")
        .argument(natives.join("libframework.so"))
        .words("-lpthread");
    compile.done(&log)?;
    let mut class_path = vec![folder().join("harness"), classes_jar()];
    let jars = kotlin::jars_in(&folder().join("jars"))?;
    class_path
        .extend(jars.into_iter().filter(|jar| named(jar, "kotlin-stdlib") || named(jar, "android-all")));
    let mut measure = Program::new("java")
        // As on every phone; and the machine is asked first about signals, as the runtime is there.
        .environment("EXTERNAL_STORAGE", "/sdcard")
        .environment("LD_PRELOAD", home.join("lib/libjsig.so"))
        .argument(format!("-Djava.library.path={}", natives.display()))
        .argument("-cp")
        .argument(joined(&class_path))
        .words("io.github.errorsentinel.Bench")
        .argument(&spool);
    if quick {
        measure = measure.words("quick");
    }
    measure.done(&log)
}

fn java_home(log: &Path) -> Result<PathBuf> {
    let said = Program::new("java").words("-XshowSettings:properties -version").done(log)?;
    let home = said.lines().find_map(|line| line.trim().strip_prefix("java.home = "));
    Ok(PathBuf::from(home.context("java does not say where it is")?))
}
