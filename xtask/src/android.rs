//! `cargo xtask aar`: the Android library, made without Android's own tools.
//!
//! Kotlin is compiled against the classes of the real framework, Rust is linked by the linker that comes with it; an
//! archive of both is what Gradle takes. So that no development kit has to be on the machine: none can be had from a
//! package registry.

pub mod bench;
pub mod kotlin;
mod native;
mod unwinder;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::program::Program;
use crate::toolbox::Tool;
use crate::{repository, target_dir};

use native::Abi;

/// Runs programs for other processors.
const QEMU: Tool = Tool { name: "qemu-arm", version_flag: "--version", package: "qemu-user" };
/// Compiles for 32-bit ARM as Android has it, where numbers with a point are passed in ordinary registers.
const ARM_GCC: Tool = Tool {
    name: "arm-linux-gnueabi-gcc",
    version_flag: "--version",
    package: "gcc-arm-linux-gnueabi libc6-dev-armel-cross",
};

/// Where everything lies that is made here.
pub fn folder() -> PathBuf {
    target_dir().join("android")
}

/// Makes `target/android/error-sentinel.aar` and says what it weighs.
///
/// # Errors
/// When something that it needs cannot be had, or does not build; says the command.
pub fn run(has_native_crashes: bool) -> Result<()> {
    let log = target_dir().join("xtask/aar.log");
    kotlin::compile_library(&log)?;
    for abi in Abi::ALL {
        native::build(abi, has_native_crashes, &log)?;
    }
    let archive = pack(&log)?;
    for abi in Abi::ALL {
        println!("{:<12} {:>7} bytes", abi.name(), fs::metadata(native::library(abi))?.len());
    }
    println!("{} {:>7} bytes", archive.display(), fs::metadata(&archive)?.len());
    Ok(())
}

/// The same for the tests, with the tests' own classes, a library that unwinds on 32-bit ARM, and what it is run by.
pub fn provide_for_tests(log: &Path) -> Result<Vec<String>> {
    for tool in [QEMU, ARM_GCC] {
        if !tool.provide(log) {
            bail!(
                "{} is missing and cannot be installed here; install it: {}",
                tool.name,
                tool.install_command()
            );
        }
    }
    kotlin::compile_library(log)?;
    kotlin::compile_harness(log)?;
    // First, since it lies where the one that is packed comes to lie.
    native::build_harness(&folder().join("libharness.so"), log)?;
    for abi in Abi::ALL {
        native::build(abi, true, log)?;
    }
    pack(log)?;
    let source = repository().join("tests/android/unwinds.rs");
    native::compile_alone(Abi::ArmV7, &source, &folder().join("libunwinds.so"), log)?;
    Ok(Vec::new())
}

/// Packs what was built, as Gradle wants it.
fn pack(log: &Path) -> Result<PathBuf> {
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
    for abi in Abi::ALL {
        let place = staging.join("jni").join(abi.name());
        fs::create_dir_all(&place)?;
        fs::copy(native::library(abi), place.join("liberror_sentinel.so"))?;
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
