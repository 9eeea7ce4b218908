//! The unwinder of 32-bit ARM: LLVM's, which the compiler's own sources bring along, compiled without Android's kit.
//!
//! That processor has tables of its own kind, which the crate `unwinding` does not read. The library is what Android's
//! development kit has under the same name, and what Rust's standard library asks for.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::toolbox::Tool;

/// Compiles C and C++ for every processor.
const CLANG: Tool = Tool { name: "clang", version_flag: "--version", package: "clang" };

/// Headers of a C library that are asked for; each is the same.
const HEADERS: [&str; 7] = ["assert.h", "dlfcn.h", "inttypes.h", "link.h", "stdio.h", "stdlib.h", "string.h"];
const LIBC: &str = include_str!("libc.h");

const SOURCES: [(&str, &str); 6] = [
    ("libunwind.cpp", "-std=c++17 -nostdinc++ -fno-exceptions -fno-rtti"),
    ("Unwind-EHABI.cpp", "-std=c++17 -nostdinc++ -fno-exceptions -fno-rtti"),
    ("UnwindLevel1.c", ""),
    ("UnwindLevel1-gcc-ext.c", ""),
    ("UnwindRegistersRestore.S", ""),
    ("UnwindRegistersSave.S", ""),
];

/// Makes `libunwind.a` in a folder, from the sources under the compiler's own.
pub fn build(sysroot: &Path, folder: &Path, log: &Path) -> Result<()> {
    if !CLANG.provide(log) {
        bail!(
            "{} is missing and cannot be installed here; install it: {}",
            CLANG.name,
            CLANG.install_command()
        );
    }
    let unwinder = sysroot.join("lib/rustlib/src/rust/src/llvm-project/libunwind");
    let work = folder.join("unwinder");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    for header in HEADERS {
        fs::write(work.join(header), LIBC)?;
    }
    let archive = folder.join("libunwind.a");
    if archive.exists() {
        fs::remove_file(&archive)?;
    }
    let mut pack = Program::new("ar").words("rcs").argument(&archive);
    for (source, flags) in SOURCES {
        let object = work.join(source).with_extension("o");
        // It keeps no list of tables that others register, so it needs no lock.
        let compile = Program::new(CLANG.name)
            .words("--target=armv7a-linux-androideabi23 -c -Oz -fPIC -fvisibility=hidden -funwind-tables -w")
            .words("-DNDEBUG -D__BIONIC__ -D_LIBUNWIND_HIDE_SYMBOLS -D_LIBUNWIND_HAS_NO_THREADS -nostdlibinc")
            .words(flags)
            .argument("-isystem")
            .argument(&work)
            .argument("-I")
            .argument(unwinder.join("include"))
            .argument(unwinder.join("src").join(source))
            .argument("-o")
            .argument(&object);
        compile.done(log)?;
        pack = pack.argument(object);
    }
    pack.done(log).map(drop)
}
