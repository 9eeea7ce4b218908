//! How a library is built to be small: everything optimised for size, the standard library too.
//!
//! That takes flags which a stable compiler has not, and which `RUSTC_BOOTSTRAP` lends to it.

use crate::program::Program;

/// No places of panics in the sources, no texts for `Debug`, no unwinding tables of functions that nothing can unwind
/// through, and functions inlined where the call would be the longer code (size is least at 10 of what was tried;
/// optimising for size, the compiler takes 5).
pub const FLAGS: &str = "-Zunstable-options -Zlocation-detail=none -Zfmt-debug=none -Cforce-unwind-tables=no \
                         -Cllvm-args=-inline-threshold=10";

/// `cargo rustc` of the C library as one kind, for a target, with features.
pub fn library(kind: &str, target: &str, features: &str) -> Program {
    Program::cargo("rustc --locked -p error-sentinel-ffi --lib --profile mobile --crate-type")
        .words(kind)
        .words("--no-default-features --features")
        .words(features)
        .words("-Zbuild-std=std,panic_unwind -Zbuild-std-features=optimize_for_size --target")
        .words(target)
        .environment("RUSTC_BOOTSTRAP", "1")
}
