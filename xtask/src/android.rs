//! `cargo xtask aar`: the Android library, made without Android's own tools.
//!
//! Kotlin is compiled against the classes of the real framework, Rust is linked by the linker that comes with it; an
//! archive of both is what Gradle takes. So that no development kit has to be on the machine: none can be had from a
//! package registry.

pub mod kotlin;
mod native;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::program::Program;
use crate::{repository, target_dir};

use native::Abi;

/// Where everything lies that is made here.
pub fn folder() -> PathBuf {
    target_dir().join("android")
}

/// Makes `target/android/error-sentinel.aar` and says what it weighs.
///
/// # Errors
/// When something that it needs cannot be had, or does not build; says the command.
pub fn run() -> Result<()> {
    let log = target_dir().join("xtask/aar.log");
    kotlin::compile_library(&log)?;
    for abi in Abi::ALL {
        native::build(abi, &log)?;
    }
    let archive = pack(&Abi::ALL, &log)?;
    for abi in Abi::ALL {
        println!("{:<12} {:>7} bytes", abi.name(), fs::metadata(native::library(abi))?.len());
    }
    println!("{} {:>7} bytes", archive.display(), fs::metadata(&archive)?.len());
    Ok(())
}

/// The same for the tests, with the two kinds of processor that phones and emulators have, and the tests' own classes.
pub fn provide_for_tests(log: &Path) -> Result<Vec<String>> {
    kotlin::compile_library(log)?;
    kotlin::compile_harness(log)?;
    let abis = [Abi::Arm64, Abi::X86_64];
    for abi in abis {
        native::build(abi, log)?;
    }
    pack(&abis, log)?;
    Ok(Vec::new())
}

/// Packs what was built, as Gradle wants it.
fn pack(abis: &[Abi], log: &Path) -> Result<PathBuf> {
    let sources = repository().join("sdk-ffi/android");
    let staging = folder().join("aar");
    if staging.exists() {
        fs::remove_dir_all(&staging)?;
    }
    fs::create_dir_all(&staging)?;
    fs::copy(sources.join("src/main/AndroidManifest.xml"), staging.join("AndroidManifest.xml"))?;
    fs::copy(sources.join("consumer-rules.pro"), staging.join("proguard.txt"))?;
    fs::copy(kotlin::classes_jar(), staging.join("classes.jar"))?;
    // Whoever reads such an archive wants the list of its resources; there are none.
    fs::write(staging.join("R.txt"), "")?;
    for abi in abis {
        let place = staging.join("jni").join(abi.name());
        fs::create_dir_all(&place)?;
        fs::copy(native::library(*abi), place.join("liberror_sentinel.so"))?;
    }
    let archive = folder().join("error-sentinel.aar");
    archive_of(&staging, &archive, log)?;
    Ok(archive)
}

/// Writes a folder's files into an archive, whatever the time is.
fn archive_of(folder: &Path, archive: &Path, log: &Path) -> Result<()> {
    let jar = Program::new("jar")
        .words("--create --no-manifest --date=1980-01-01T00:00:02+00:00 --file")
        .argument(archive)
        .argument("-C")
        .argument(folder)
        .argument(".");
    jar.done(log).map(drop)
}
