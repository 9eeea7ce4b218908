//! What an SDK adds to a program: bytes, crates, and the time to build it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use error_sentinel_tests::repository;
use serde_json::{Value, json};

/// What the smallest program with an SDK weighs.
#[derive(Debug, Clone, Copy)]
pub struct Weight {
    /// Bytes of the stripped binary, built as `cargo build --release` does.
    pub binary_bytes: u64,
    /// Crates that are built for it, itself aside.
    pub crate_count: usize,
    /// Seconds that a build from nothing takes.
    pub build_s: f64,
    /// Seconds of processor that it takes, which what else the machine does changes less.
    pub build_cpu_s: f64,
}

impl Weight {
    /// As JSON.
    pub fn to_json(self) -> Value {
        let Weight { binary_bytes, crate_count, build_s, build_cpu_s } = self;
        json!({
            "binary_bytes": binary_bytes,
            "crate_count": crate_count,
            "build_s": build_s,
            "build_cpu_s": build_cpu_s,
        })
    }
}

/// Builds `tests/hello/NAME` from nothing and weighs it.
///
/// # Errors
/// When it cannot be built.
pub fn weigh(name: &str) -> Result<Weight> {
    let manifest = repository().join("tests/hello").join(name).join("Cargo.toml");
    let target = target_dir().join("bench").join(format!("hello-{name}"));
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    // What must be downloaded is no part of the build.
    run(cargo("fetch", &manifest).arg("--locked"))?;
    let start = Instant::now();
    let mut build = Command::new("sh");
    // The shell tells the times of its children in its second line.
    build.args(["-c", r#""$@" && times"#, "sh", "cargo", "build", "--manifest-path"]).arg(&manifest);
    build.args(["--release", "--locked", "--offline", "--quiet", "--target-dir"]).arg(&target);
    let told = run(build.env_remove("CARGO_TARGET_DIR"))?;
    let build_s = start.elapsed().as_secs_f64();
    let children = told.lines().nth(1).context("the shell tells two lines of times")?;
    let build_cpu_s =
        children.split_whitespace().map(seconds).sum::<Option<f64>>().context(children.to_owned())?;
    let binary_bytes = fs::metadata(target.join("release").join(format!("hello-{name}")))?.len();
    let tree = run(cargo("tree", &manifest).args([
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--no-dedupe",
    ]))?;
    let crates: BTreeSet<&str> = tree.lines().skip(1).map(|line| line.trim_end_matches(" (*)")).collect();
    fs::remove_dir_all(&target)?;
    let crate_count = crates.iter().filter(|line| !line.is_empty()).count();
    Ok(Weight { binary_bytes, crate_count, build_s, build_cpu_s })
}

/// Seconds of `1m2.34s`.
fn seconds(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

fn cargo(command: &str, manifest: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.arg(command).arg("--manifest-path").arg(manifest).env_remove("CARGO_TARGET_DIR");
    cargo
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where cargo has put this program.
fn target_dir() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.ancestors().nth(2).map_or_else(|| repository().join("target"), Path::to_owned)
}
