//! `cargo xtask wasm`: builds the browser SDK's files, which are committed, so that the collector needs cargo alone.
//!
//! The core is compiled together with the standard library's sources: with panics that only trap and without
//! locations it is half the size. That needs flags of a nightly compiler, which `RUSTC_BOOTSTRAP` lends to a stable
//! one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::program::Program;
use crate::toolbox::provide_node_packages;
use crate::{react_native, repository, target_dir};

/// Must be that of the crate in the lock file.
const BINDGEN: &str = "0.2.130";
/// Where it is noted which sources the files are built of.
const NOTE: &str = "sdk-wasm/dist/sources.sha256";
/// What ends up in the files, as far as it is ours.
const SOURCES: [&str; 18] = [
    "sdk-core/Cargo.toml",
    "sdk-core/src/breadcrumbs",
    "sdk-core/src/breadcrumbs.rs",
    "sdk-core/src/engine",
    "sdk-core/src/fit.rs",
    "sdk-core/src/scope.rs",
    "sdk-core/src/scrub",
    "sdk-core/src/scrub.rs",
    "sdk-core/src/trace.rs",
    "sdk-core/wire/Cargo.toml",
    "sdk-core/wire/src",
    "sdk-wasm/Cargo.toml",
    "sdk-wasm/build.mjs",
    "sdk-wasm/js",
    "sdk-wasm/package-lock.json",
    "sdk-wasm/package.json",
    "sdk-wasm/src",
    "sdk-wasm/tsconfig.json",
];
const TARGET: &str = "wasm32-unknown-unknown";

/// Builds `sdk-wasm/dist` and notes which sources it is of.
///
/// # Errors
/// When something that it needs cannot be had, or does not build; says the command.
pub fn run() -> Result<()> {
    let log = target_dir().join("xtask/wasm.log");
    let folder = repository().join("sdk-wasm");
    Program::new("rustup").words("target add").argument(TARGET).done(&log)?;
    Program::new("rustup").words("component add rust-src").done(&log)?;
    let tools = target_dir().join("wasm-bindgen");
    let bindgen = tools.join("bin/wasm-bindgen");
    let is_here = Program::new(&bindgen).words("--version").run(&log, false);
    if !is_here.is_ok_and(|ended| ended.output.contains(BINDGEN)) {
        let install = Program::cargo("install wasm-bindgen-cli --force --version").argument(BINDGEN);
        install.words("--root").argument(&tools).done(&log)?;
    }
    Program::new("npm")
        .words("ci --ignore-scripts --no-audit --no-fund --prefix")
        .argument(&folder)
        .done(&log)?;

    let built = target_dir().join("wasm");
    let build = Program::cargo("build --locked --package error-sentinel-wasm --profile wasm --target")
        .argument(TARGET)
        .words("-Zbuild-std=core,alloc -Zbuild-std-features=optimize_for_size --target-dir")
        .argument(&built)
        .environment("RUSTC_BOOTSTRAP", "1")
        // The first version of WebAssembly, which wasm2js can translate, and what it can lower to that.
        .environment(
            "RUSTFLAGS",
            "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none -Ctarget-cpu=mvp \
             -Ctarget-feature=+bulk-memory,+sign-ext,+nontrapping-fptoint",
        );
    build.done(&log)?;
    let glue = built.join("glue");
    let bind = Program::new(&bindgen)
        .words("--target bundler --no-typescript --out-name core --out-dir")
        .argument(&glue)
        .argument(built.join(TARGET).join("wasm/error_sentinel_wasm.wasm"));
    bind.done(&log)?;
    let bundle = Program::new("node")
        .argument(folder.join("build.mjs"))
        .argument(glue.join("core_bg.js"))
        .argument(glue.join("core_bg.wasm"));
    println!("{}", bundle.done(&log)?);
    fs::write(repository().join(NOTE), fingerprint(&SOURCES)?).context(NOTE)?;
    // Its fallback is the core that was just built.
    react_native::build_package()
}

/// Holds the package to what bundlers and type checkers ask of one.
///
/// # Errors
/// When the tools for that cannot be had, or find something.
pub fn check_package(log: &Path) -> Result<Vec<String>> {
    check_package_in(&repository().join("sdk-wasm"), log)?;
    Ok(Vec::new())
}

/// The same for the package in a folder.
pub fn check_package_in(folder: &Path, log: &Path) -> Result<()> {
    provide_node_packages(folder, log)?;
    let packed = target_dir().join("npm");
    fs::create_dir_all(&packed)?;
    let pack = Program::new("npm").words("pack --ignore-scripts --silent --pack-destination");
    let printed = pack.argument(&packed).argument(folder).done(log)?;
    let archive = packed.join(printed.trim());
    let tool = |name: &str| Program::new(folder.join("node_modules/.bin").join(name));
    tool("publint").words("--strict").argument(&archive).done(log)?;
    // Every bundler and every Node that is supported reads modules.
    tool("attw").words("--profile esm-only").argument(&archive).done(log).map(drop)
}

/// A hash of all sources, so that files which are older than these are found.
pub fn fingerprint(sources: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for source in sources {
        list(&repository().join(source), &mut files)?;
    }
    let mut hasher = Sha256::new();
    for file in files {
        let name = file.strip_prefix(repository()).unwrap_or(&file).display().to_string();
        hasher.update(format!("{name}\0"));
        hasher.update(fs::read(&file).with_context(|| name)?);
    }
    let digits: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(digits + "\n")
}

/// The files under a path in a fixed order, without what is generated, tested or only read by a collector.
fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if ["generated", "tests", "tests.rs", "decode.rs", "repair.rs", "placeholders.rs", "log_error.rs"]
        .contains(&name)
    {
        return Ok(());
    }
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| path.display().to_string())?;
    let mut inside = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    inside.sort();
    inside.iter().try_for_each(|path| list(path, files))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// What a visitor downloads, compressed as the collector serves it to any browser. The limits are what there is: a
    /// change that makes it larger has to be worth it, and says so by changing them.
    #[test]
    fn the_browser_sdk_has_not_grown() {
        let size = |name: &str, limit_bytes: usize| {
            let plain = fs::read(repository().join("sdk-wasm/dist").join(name)).unwrap();
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            gzip.write_all(&plain).unwrap();
            let bytes = gzip.finish().unwrap().len();
            assert!(bytes <= limit_bytes, "{name}: {bytes} bytes by gzip, {limit_bytes} are allowed");
            plain.len()
        };
        assert!(size("sentinel.js", 1024) <= 1536, "the stub stands before everything else of a page");
        size("sentinel-sdk.js", 7900);
        size("sentinel.wasm", 25_500);
        size("sentinel-asm.js", 40_000);
    }

    #[test]
    fn the_browser_sdk_is_built_of_the_sources_as_they_are() {
        let noted = fs::read_to_string(repository().join(NOTE)).unwrap();
        assert_eq!(
            noted,
            fingerprint(&SOURCES).unwrap(),
            "sdk-wasm/dist is older than its sources: cargo xtask wasm"
        );
    }
}
