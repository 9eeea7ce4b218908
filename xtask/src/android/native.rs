//! The Rust half, for each kind of processor, linked without Android's development kit.
//!
//! The linker is Rust's own; in place of the system's libraries it gets empty ones of the same names, since what is
//! missing is looked for when the library is loaded. A test holds what is missing against what the oldest supported
//! system has. The standard library is compiled too, for size, by the flags that `RUSTC_BOOTSTRAP` lends to a stable
//! compiler.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::folder;
use crate::program::Program;

/// Libraries of the system that Rust asks for.
const SYSTEM: [&str; 4] = ["c", "dl", "m", "log"];

/// A kind of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abi {
    /// Phones.
    Arm64,
    /// Emulators, and the Chromebooks that run them.
    X86_64,
    /// Old emulators.
    X86,
}

impl Abi {
    /// Every kind. Old 32-bit phones are missing: no unwinder for them can be had without the development kit, and
    /// without one a panic would end the application.
    pub const ALL: [Abi; 3] = [Abi::Arm64, Abi::X86_64, Abi::X86];

    /// What Android calls it.
    pub fn name(self) -> &'static str {
        match self {
            Abi::Arm64 => "arm64-v8a",
            Abi::X86_64 => "x86_64",
            Abi::X86 => "x86",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Abi::Arm64 => "aarch64-linux-android",
            Abi::X86_64 => "x86_64-linux-android",
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

/// Builds it.
pub fn build(abi: Abi, log: &Path) -> Result<()> {
    Program::new("rustup").words("target add").words(abi.target()).done(log)?;
    Program::new("rustup").words("component add rust-src").done(log)?;
    let linker = linker(log)?;
    let stubs = stubs(abi, &linker, log)?;
    let variable =
        |name: &str| format!("CARGO_TARGET_{}_{name}", abi.target().to_uppercase().replace('-', "_"));
    let flags = format!(
        "-Clinker-flavor=ld -Clink-arg=-L{} -Clink-arg=--no-as-needed -Clink-arg=-lc -Clink-arg=-ldl \
         -Clink-arg=-soname=liberror_sentinel.so -Clink-arg=-zmax-page-size=16384 -Clink-arg=--icf=all -Zunstable-options \
         -Zlocation-detail=none -Zfmt-debug=none",
        stubs.display()
    );
    let cargo =
        Program::cargo("rustc --locked -p error-sentinel-ffi --lib --crate-type cdylib --profile mobile")
            .words("--no-default-features --features jvm,crash -Zbuild-std=std,panic_unwind")
            .words("-Zbuild-std-features=optimize_for_size --target-dir")
            .argument(build_dir())
            .words("--target")
            .words(abi.target())
            .environment("RUSTC_BOOTSTRAP", "1")
            .environment(&variable("LINKER"), &linker)
            .environment(&variable("RUSTFLAGS"), flags);
    cargo.done(log).map(drop)
}

/// The linker that comes with the compiler.
fn linker(log: &Path) -> Result<PathBuf> {
    let sysroot = Program::new("rustc").words("--print sysroot").done(log)?;
    let host = Program::new("rustc").words("--print host-tuple").done(log)?;
    let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(host.trim()).join("bin/gcc-ld/ld.lld");
    if !linker.is_file() {
        bail!("this compiler came without its linker, {}", linker.display());
    }
    Ok(linker)
}

/// Empty libraries with the names of the system's, and in place of its unwinder, which the crate unwinding is.
fn stubs(abi: Abi, linker: &Path, log: &Path) -> Result<PathBuf> {
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
    // An archive without a member is its first line.
    fs::write(folder.join("libunwind.a"), "!<arch>\n")?;
    Ok(folder)
}
