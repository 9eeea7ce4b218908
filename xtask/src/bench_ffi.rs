//! `cargo xtask bench ffi`: what the C library weighs and what its calls cost, from a program in C, and from one in Kotlin
//! over JNI.
//!
//! Beside it sentry-native, where the environment variable `ERROR_SENTINEL_SENTRY_NATIVE` names the folder of its sources,
//! built in `build` with `-DSENTRY_BACKEND=inproc -DSENTRY_TRANSPORT=none -DCMAKE_BUILD_TYPE=Release`; it is in no
//! registry of packages.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::android;
use crate::program::Program;
use crate::{repository, target_dir};

/// What the libraries are built with, by name. The last is measured.
const VARIANTS: [(&str, &str); 3] = [
    ("delivery by the library (reqwest, rustls)", "http,backtrace,crash"),
    ("delivery by the host, without native crashes", ""),
    ("delivery by the host", "backtrace,crash"),
];
const SENTRY: &str = "ERROR_SENTINEL_SENTRY_NATIVE";

/// Measures, prints both tables, and writes the figures to `json`.
///
/// # Errors
/// When something cannot be built or run.
pub fn run(quick: bool, json: &Path) -> Result<()> {
    let folder = target_dir().join("bench/ffi");
    fs::create_dir_all(&folder)?;
    let mut weights = Vec::new();
    for (name, features) in VARIANTS {
        let library = build(features)?;
        weights.push((name, fs::metadata(&library)?.len()));
    }
    let library = target_dir().join("release/liberror_sentinel_ffi.so");
    let ours = measure("bench", &repository().join("sdk-ffi/include"), &library, &folder, quick)?;
    let theirs = match std::env::var_os(SENTRY).map(PathBuf::from) {
        Some(sentry) => {
            let library = sentry.join("build/libsentry.so");
            weights.push(("sentry-native, not stripped", fs::metadata(&library)?.len()));
            measure("sentry_bench", &sentry.join("include"), &library, &folder, quick)?
        }
        None => BTreeMap::new(),
    };
    let library = build("jvm,crash")?;
    let over_jni = figures(&android::bench::run(&library, &folder, quick)?)?;
    println!("| the library | bytes |\n|---|--:|");
    for (name, bytes) in &weights {
        println!("| {name} | {bytes} |");
    }
    println!("\n| nanoseconds on the caller's thread, median of 5 | ours | sentry-native |\n|---|--:|--:|");
    for (name, figure) in &ours {
        let their = theirs.get(name).map_or("", String::as_str);
        println!("| {} | {figure} | {their} |", name.replace('_', " "));
    }
    println!(
        "\n| nanoseconds on the caller's thread, from Kotlin, median of 5 | then | first |\n|---|--:|--:|"
    );
    for (name, figure) in over_jni.iter().filter(|(name, _)| !name.ends_with("_first")) {
        let first = over_jni.get(&format!("{name}_first")).map_or("", String::as_str);
        println!("| {} | {figure} | {first} |", name.replace('_', " "));
    }
    let weights = weights.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_string())).collect();
    let text = format!(
        "{{\n{},\n{},\n{},\n{}\n}}\n",
        object("bytes", &weights),
        object("ours_ns", &ours),
        object("ours_from_kotlin_ns", &over_jni),
        object("sentry_ns", &theirs)
    );
    Ok(fs::write(json, text)?)
}

fn object(name: &str, figures: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = figures.iter().map(|(name, figure)| format!("    {name:?}: {figure}")).collect();
    format!("  {name:?}: {{\n{}\n  }}", lines.join(",\n"))
}

/// Builds the shared library with these features.
fn build(features: &str) -> Result<PathBuf> {
    let mut build = Program::cargo(
        "rustc --locked -p error-sentinel-ffi --lib --release --crate-type cdylib --no-default-features",
    );
    if !features.is_empty() {
        build = build.words("--features").words(features);
    }
    build.succeed()?;
    Ok(target_dir().join("release/liberror_sentinel_ffi.so"))
}

/// Compiles a program of `tests/c` against a library and runs it; figures by name.
fn measure(
    name: &str,
    headers: &Path,
    library: &Path,
    folder: &Path,
    quick: bool,
) -> Result<BTreeMap<String, String>> {
    let program = folder.join(name);
    let search = library.parent().unwrap_or(library).display().to_string();
    Program::new("cc")
        .words("-std=c11 -O2 -Wall -Wextra -Werror -I")
        .argument(headers)
        .argument(repository().join("tests/c").join(name).with_extension("c"))
        .argument(library)
        .argument(format!("-Wl,-rpath,{search}"))
        .words("-lpthread -o")
        .argument(&program)
        .succeed()?;
    let mut measure = Program::new(&program).argument(folder.join("spool"));
    if quick {
        measure = measure.words("quick");
    }
    let ended = measure.run(&folder.join(name).with_extension("log"), false)?;
    if !ended.success {
        bail!("{}\nthe command was: {measure}", ended.output);
    }
    figures(&ended.output)
}

/// Figures by name, of lines with both.
fn figures(printed: &str) -> Result<BTreeMap<String, String>> {
    let lines = printed.lines().map(|line| {
        let (name, figure) = line.split_once(' ').context("a name and a figure")?;
        Ok((name.to_owned(), figure.to_owned()))
    });
    lines.collect()
}
