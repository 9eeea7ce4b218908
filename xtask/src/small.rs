//! How a library is built to be small: everything optimised for size, the standard library too.
//!
//! That takes flags which a stable compiler has not, and which `RUSTC_BOOTSTRAP` lends to it.

use crate::program::Program;

/// No places of panics in the sources, no texts for `Debug`, no unwinding tables of functions that nothing can unwind
/// through, and functions inlined where the call would be the longer code (size is least at 10 of what was tried;
/// optimising for size, the compiler takes 5).
///
/// A value that is dropped cannot panic: to unwind out of each place that frees something takes a fifteenth of the
/// library. What has an end of its own in here (a guard of a lock, of a signal, of a scope) has none that panics.
///
/// Code that several functions have in common stays where it is: the tables for unwinding through what was put apart
/// are longer than it.
const FLAGS: &str = "-Zunstable-options -Zlocation-detail=none -Zfmt-debug=none -Cforce-unwind-tables=no \
                     -Zpanic-in-drop=abort -Cllvm-args=-inline-threshold=10 -Cllvm-args=-enable-machine-outliner=never";

/// What a compiler is told for a target.
///
/// On x86 functions keep frame pointers: the tables say in few words how to leave a function that has one.
pub fn flags(target: &str) -> String {
    match target.starts_with("x86_64") || target.starts_with("i686") {
        true => format!("{FLAGS} -Cforce-frame-pointers=yes"),
        false => FLAGS.to_owned(),
    }
}

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
