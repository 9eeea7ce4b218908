//! The Android library on 32-bit ARM: what is built for it, run by an emulated processor on top of Debian's C library.

use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{android_folder, finish, repository};

const RUN: Duration = Duration::from_secs(120);

#[test]
fn on_32_bit_arm_a_panic_is_caught_and_wrong_calls_are_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    // Android's libraries by their names; what they have is this system's.
    for name in ["libc.so", "libdl.so"] {
        let mut compiler = Command::new("arm-linux-gnueabi-gcc");
        compiler.args([
            "-shared",
            "-fPIC",
            "-nostdlib",
            &format!("-Wl,-soname,{name}"),
            "-x",
            "c",
            "/dev/null",
            "-o",
        ]);
        finish(compiler.arg(path(name)), RUN).success();
    }
    let mut compiler = Command::new("arm-linux-gnueabi-gcc");
    compiler.args(["-std=gnu11", "-march=armv7-a", "-Wall", "-Wextra", "-Werror", "-rdynamic", "-I"]);
    compiler.arg(repository().join("sdk-ffi/include")).arg(repository().join("tests/android/arm.c"));
    finish(compiler.arg("-o").arg(path("arm")).arg("-lpthread"), RUN).success();
    let mut emulated = Command::new("qemu-arm");
    let system = "/usr/arm-linux-gnueabi";
    emulated.args(["-L", system, "-E"]);
    emulated.arg(format!("LD_LIBRARY_PATH={}:{system}/lib", folder.path().display())).arg(path("arm"));
    emulated.arg(android_folder().join("libunwinds.so"));
    emulated.arg(android_folder().join("aar/jni/armeabi-v7a/liberror_sentinel.so"));
    let said = finish(&mut emulated, RUN).success().stdout;
    // Seven calls and the first one were unwound. The options were begun, freed, and then there was nothing to free.
    assert_eq!(said, "8\n0 0 3\n");
}
