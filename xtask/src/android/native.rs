//! The Rust half, for each kind of processor, linked without Android's development kit.
//!
//! The linker is Rust's own; in place of the system's libraries it gets empty ones of the same names, since what is
//! missing is looked for when the library is loaded. A test holds what is missing against what the oldest supported
//! system has.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{folder, unwinder};
use crate::program::Program;
use crate::small;

/// Libraries of the system that Rust asks for.
const SYSTEM: [&str; 4] = ["c", "dl", "m", "log"];

/// A kind of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abi {
    /// Phones.
    Arm64,
    /// Emulators, and the Chromebooks that run them.
    X86_64,
    /// Old phones.
    ArmV7,
    /// Old emulators.
    X86,
}

impl Abi {
    /// Every kind that Android runs on.
    pub const ALL: [Abi; 4] = [Abi::Arm64, Abi::X86_64, Abi::ArmV7, Abi::X86];

    /// What Android calls it.
    pub fn name(self) -> &'static str {
        match self {
            Abi::Arm64 => "arm64-v8a",
            Abi::X86_64 => "x86_64",
            Abi::ArmV7 => "armeabi-v7a",
            Abi::X86 => "x86",
        }
    }

    /// Whether native crashes can be reported there.
    fn reports_native_crashes(self) -> bool {
        matches!(self, Abi::Arm64 | Abi::X86_64)
    }

    fn target(self) -> &'static str {
        match self {
            Abi::Arm64 => "aarch64-linux-android",
            Abi::X86_64 => "x86_64-linux-android",
            Abi::ArmV7 => "armv7-linux-androideabi",
            Abi::X86 => "i686-linux-android",
        }
    }
}

/// The library for a kind of processor.
pub fn library(abi: Abi) -> PathBuf {
    build_dir().join(abi.target()).join("mobile/liberror_sentinel_ffi.so")
}

fn build_dir() -> PathBuf {
    folder().join("build")
}

/// Builds it, with native crashes where they are wanted and can be reported.
pub fn build(abi: Abi, has_native_crashes: bool, log: &Path) -> Result<()> {
    build_with(abi, if has_native_crashes && abi.reports_native_crashes() { "jvm,crash" } else { "jvm" }, log)
}

/// Builds it so that it panics on purpose, for this machine's kind of processor.
pub fn build_harness(to: &Path, log: &Path) -> Result<()> {
    build_with(Abi::X86_64, "jvm,crash,harness", log)?;
    fs::copy(library(Abi::X86_64), to).map(drop).map_err(Into::into)
}

fn build_with(abi: Abi, features: &str, log: &Path) -> Result<()> {
    let (linker, link) = provide_linker(abi, log)?;
    let variable =
        |name: &str| format!("CARGO_TARGET_{}_{name}", abi.target().to_uppercase().replace('-', "_"));
    // What it has itself it must not get from elsewhere: of two unwinders in one process each would do a part.
    let flags = format!(
        "{link} -Clink-arg=-soname=liberror_sentinel.so -Clink-arg=-Bsymbolic -Clink-arg=--icf=all \
         -Clink-arg=--hash-style=gnu {} {}",
        small::flags(abi.target()),
        // All of it lies within the megabyte that one instruction reaches. Relocations are packed as Android's own
        // loader reads them; the libraries that are tested run on the C library of this machine, which does not.
        if abi == Abi::Arm64 { "-Ccode-model=tiny -Clink-arg=--pack-dyn-relocs=android" } else { "" }
    );
    let cargo = small::library("cdylib", abi.target(), features)
        .words("--target-dir")
        .argument(build_dir())
        .environment(&variable("LINKER"), &linker)
        .environment(&variable("RUSTFLAGS"), flags);
    cargo.done(log).map(drop)
}

/// Compiles a file of Rust as a library of its own, with the standard library as it comes and the unwinder as here.
pub fn compile_alone(abi: Abi, source: &Path, to: &Path, log: &Path) -> Result<()> {
    let (linker, link) = provide_linker(abi, log)?;
    let compile = Program::new("rustc")
        .words("--edition 2024 --crate-type cdylib -O --target")
        .words(abi.target())
        .argument(format!("-Clinker={}", linker.display()))
        .words(&link)
        .argument("-o")
        .argument(to)
        .argument(source);
    compile.done(log).map(drop)
}

/// The linker that comes with the compiler, and what to tell it.
fn provide_linker(abi: Abi, log: &Path) -> Result<(PathBuf, String)> {
    Program::new("rustup").words("target add").words(abi.target()).done(log)?;
    Program::new("rustup").words("component add rust-src").done(log)?;
    let sysroot = Program::new("rustc").words("--print sysroot").done(log)?;
    let sysroot = Path::new(sysroot.trim());
    let host = Program::new("rustc").words("--print host-tuple").done(log)?;
    let linker = sysroot.join("lib/rustlib").join(host.trim()).join("bin/gcc-ld/ld.lld");
    if !linker.is_file() {
        bail!("this compiler came without its linker, {}", linker.display());
    }
    let stubs = stubs(abi, &linker, sysroot, log)?;
    let link = format!(
        "-Clinker-flavor=ld -Clink-arg=-L{} -Clink-arg=--no-as-needed -Clink-arg=-lc -Clink-arg=-ldl \
         -Clink-arg=-zmax-page-size=16384",
        stubs.display()
    );
    Ok((linker, link))
}

/// Empty libraries with the names of the system's, and the unwinder that the standard library asks for: an empty one
/// where it is the crate unwinding.
fn stubs(abi: Abi, linker: &Path, sysroot: &Path, log: &Path) -> Result<PathBuf> {
    let folder = folder().join("stubs").join(abi.name());
    fs::create_dir_all(&folder)?;
    let source = folder.join("empty.rs");
    fs::write(&source, "#![no_std]\n").with_context(|| source.display().to_string())?;
    let object = folder.join("empty.o");
    let compile = Program::new("rustc")
        .words("--crate-type lib --crate-name empty --emit obj -Cpanic=abort --target")
        .words(abi.target())
        .argument("-o")
        .argument(&object)
        .argument(&source);
    compile.done(log)?;
    for name in SYSTEM {
        let file = format!("lib{name}.so");
        let link = Program::new(linker)
            .words("-shared -soname")
            .argument(&file)
            .argument("-o")
            .argument(folder.join(&file))
            .argument(&object);
        link.done(log)?;
    }
    match abi {
        Abi::ArmV7 => unwinder::build(sysroot, &folder, log)?,
        // An archive without a member is its first line.
        _ => fs::write(folder.join("libunwind.a"), "!<arch>\n")?,
    }
    Ok(folder)
}
