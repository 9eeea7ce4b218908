//! The host: our module in C++, and what of React Native it takes to run it, over Debian's JavaScriptCore.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{folder, package};
use crate::program::Program;
use crate::toolbox::{CXX, JAVASCRIPTCORE, PKG_CONFIG, is_newer};
use crate::{repository, target_dir};

/// React Native's own sources that are part of it.
const THEIRS: [&str; 4] = [
    "jsi/jsi/jsi.cpp",
    "jsc/JSCRuntime.cpp",
    "react/nativemodule/core/ReactCommon/TurboModule.cpp",
    "react/bridging/LongLivedObject.cpp",
];
/// Ours, which may not give a single warning.
const OURS: [&str; 2] = ["tests/react-native/host.cpp", "sdk-ffi/react-native/cpp/ErrorSentinelModule.cpp"];

/// Compiles `target/react-native/host`.
pub fn compile(log: &Path) -> Result<()> {
    for tool in [CXX, PKG_CONFIG, JAVASCRIPTCORE] {
        if !tool.provide(log) {
            bail!(
                "{} is missing and cannot be installed here; install it: {}",
                tool.package,
                tool.install_command()
            );
        }
    }
    let common = package().join("node_modules/react-native/ReactCommon");
    let objects = folder().join("objects");
    fs::create_dir_all(&objects)?;
    let library = target_dir().join("debug/liberror_sentinel_ffi.a");
    let mut parts = vec![library];
    // They change with React Native's version only, of which the lock file tells.
    let lock = package().join("package-lock.json");
    for source in THEIRS {
        let (source, object) = (common.join(source), object_of(&objects, source));
        if !is_newer(&object, std::slice::from_ref(&lock)) {
            compile_file(&source, &object, "-w", log)?;
        }
        parts.push(object);
    }
    let mut read = vec![
        lock,
        repository().join("sdk-ffi/include/error_sentinel.h"),
        package().join("cpp/ErrorSentinelModule.h"),
        package().join("spec/NativeErrorSentinel.ts"),
    ];
    for source in OURS {
        let (source, object) = (repository().join(source), object_of(&objects, source));
        read.push(source.clone());
        if !is_newer(&object, &read) {
            compile_file(&source, &object, "-Wall -Wextra -Werror", log)?;
        }
        read.pop();
        parts.push(object);
    }
    let host = folder().join("host");
    if is_newer(&host, &parts) {
        return Ok(());
    }
    let mut link = Program::new("c++").words("-o").argument(&host);
    for part in parts.iter().rev() {
        link = link.argument(part);
    }
    link.words("-ljavascriptcoregtk-4.1 -lpthread -ldl -lm").done(log).map(drop)
}

fn object_of(objects: &Path, source: &str) -> PathBuf {
    objects.join(source.replace('/', "-")).with_extension("o")
}

fn compile_file(source: &Path, object: &Path, warnings: &str, log: &Path) -> Result<()> {
    let common = package().join("node_modules/react-native/ReactCommon");
    let mut compiler = Program::new("c++").words("-std=c++20 -DNDEBUG").words(warnings);
    for own in ["tests/react-native/shadow", "sdk-ffi/react-native/cpp", "sdk-ffi/include"] {
        compiler = compiler.words("-I").argument(repository().join(own));
    }
    compiler = compiler.words("-isystem").argument(folder().join("codegen/ios"));
    for theirs in ["", "jsi", "callinvoker", "react/nativemodule/core", "runtimeexecutor"] {
        compiler = compiler.words("-isystem").argument(common.join(theirs));
    }
    let javascriptcore =
        Program::new("pkg-config").words("--cflags-only-I javascriptcoregtk-4.1").done(log)?;
    compiler
        .words(&javascriptcore)
        .words("-c")
        .argument(source)
        .words("-o")
        .argument(object)
        .done(log)
        .map(drop)
}
