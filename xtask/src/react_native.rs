//! The React Native package: its built files, and what its tests run.
//!
//! The tests run all of React Native's own JavaScript in a real engine, so a host is compiled for it: React Native's
//! engine interface and module system from its npm package, over Debian's JavaScriptCore.

mod host;
mod kotlin;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::program::Program;
use crate::toolbox::{is_newer, provide_node_packages};
use crate::wasm::{check_package_in, fingerprint};
use crate::{repository, target_dir};

/// Where it is noted which sources the package's files are built of.
const NOTE: &str = "sdk-ffi/react-native/dist/sources.sha256";
/// What ends up in them, as far as it is ours.
const SOURCES: [&str; 7] = [
    "sdk-ffi/react-native/build.mjs",
    "sdk-ffi/react-native/js",
    "sdk-ffi/react-native/package-lock.json",
    "sdk-ffi/react-native/spec",
    "sdk-ffi/react-native/tsconfig.json",
    // The core that the fallback takes.
    "sdk-wasm/dist/sources.sha256",
    "sdk-wasm/js",
];

/// Where everything lies that is made here for the tests.
pub fn folder() -> PathBuf {
    target_dir().join("react-native")
}

fn package() -> PathBuf {
    repository().join("sdk-ffi/react-native")
}

/// Builds `sdk-ffi/react-native/dist` and notes which sources it is of.
///
/// # Errors
/// When something that it needs cannot be had, or does not build.
pub fn build_package() -> Result<()> {
    let log = target_dir().join("xtask/react-native.log");
    provide_node_packages(&package(), &log)?;
    Program::new("node").argument(package().join("build.mjs")).done(&log)?;
    fs::write(repository().join(NOTE), fingerprint(&SOURCES)?).context(NOTE)
}

/// Checks the package and makes what its tests run.
///
/// # Errors
/// When something that it needs cannot be had, or does not build; says the command.
pub fn provide_for_tests(log: &Path) -> Result<Vec<String>> {
    check_package_in(&package(), log)?;
    generate(log)?;
    // One waits for the other's compiler no more than for its own.
    let (natives, scripts) = thread::scope(|scope| {
        let natives = scope.spawn(|| host::compile(log).and_then(|()| kotlin::compile_module(log)));
        let log = log.with_extension("metro.log");
        let scripts = ["app.js", "example.js"].iter().try_for_each(|entry| bundle(entry, &log));
        (natives.join(), scripts)
    });
    natives.map_err(|_| anyhow!("the compilation of the host ended early"))??;
    scripts?;
    Ok(Vec::new())
}

/// Lets React Native generate its interfaces of the package's specification, as an application's build does.
fn generate(log: &Path) -> Result<()> {
    let modules = package().join("node_modules");
    let schema = folder().join("schema.json");
    fs::create_dir_all(folder())?;
    Program::new("node")
        .argument(modules.join("@react-native/codegen/lib/cli/combine/combine-js-to-schema-cli.js"))
        .argument(&schema)
        .argument(package().join("spec"))
        .done(log)?;
    for platform in ["android", "ios"] {
        Program::new("node")
            .argument(modules.join("react-native/scripts/generate-specs-cli.js"))
            .words("--platform")
            .words(platform)
            .words("--schemaPath")
            .argument(&schema)
            .words("--outputDir")
            .argument(folder().join("codegen").join(platform))
            .words("--libraryName ErrorSentinelSpec --libraryType modules")
            .words("--javaPackageName io.github.errorsentinel.reactnative")
            .done(log)?;
    }
    Ok(())
}

/// Bundles an application of the tests by Metro.
fn bundle(entry: &str, log: &Path) -> Result<()> {
    let out = folder().join(entry);
    let mut read = vec![package().join("package-lock.json")];
    for sources in ["tests/react-native", "examples/react-native", "sdk-ffi/react-native/dist"] {
        for file in fs::read_dir(repository().join(sources))? {
            read.push(file?.path());
        }
    }
    if is_newer(&out, &read) {
        return Ok(());
    }
    Program::new("node")
        .argument(repository().join("tests/react-native/bundle.cjs"))
        .argument(repository().join("tests/react-native").join(entry))
        .argument(out)
        .done(log)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_react_native_package_is_built_of_the_sources_as_they_are() {
        let noted = fs::read_to_string(repository().join(NOTE)).unwrap();
        assert_eq!(
            noted,
            fingerprint(&SOURCES).unwrap(),
            "sdk-ffi/react-native/dist is older than its sources: cargo xtask react-native"
        );
    }
}
