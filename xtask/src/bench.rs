//! `cargo xtask bench`: builds what is measured and what measures, both optimised, and runs them.

use anyhow::Result;
use clap::ValueEnum;

use crate::bench_ffi;
use crate::program::Program;
use crate::toolbox::{provide_node_packages, provide_python};
use crate::{repository, target_dir};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// The collector under load, beside a bare handler and Bugsink on the same machine.
    Collector,
    /// How far issues agree with the bugs that they come from, beside Bugsink's.
    Grouping,
    /// What the browser SDK weighs and costs, beside `@sentry/browser` in the same Chromium.
    Browser,
    /// What the C library weighs and costs its host, beside sentry-native where that is there.
    Ffi,
    /// What the Rust SDK costs its host, beside the crate sentry.
    Sdk,
}

/// Measures.
///
/// # Errors
/// When something cannot be built, or a measurement could not be taken.
pub fn run(what: Subject, quick: bool) -> Result<()> {
    let (package, binary, name) = match what {
        Subject::Collector => ("error-sentinel-tests", "load", "collector"),
        Subject::Grouping => ("error-sentinel-tests", "grouping", "grouping"),
        Subject::Sdk => ("error-sentinel-tests", "sdk_bench", "sdk"),
        Subject::Browser => return browser(quick),
        Subject::Ffi => return bench_ffi::run(quick, &target_dir().join("bench/ffi.json")),
    };
    let build = Program::cargo("build --locked --release -p error-sentinel-collector -p")
        .words(package)
        .words("--bin error-sentinel --bin")
        .words(binary);
    build.succeed()?;
    let folder = target_dir().join("bench");
    let mut measure = Program::new(target_dir().join("release").join(binary))
        .environment("ERROR_SENTINEL_BIN", target_dir().join("release/error-sentinel"))
        .words("--json")
        .argument(folder.join(name).with_extension("json"));
    let log = target_dir().join(format!("xtask/bench-{name}.log"));
    if what == Subject::Grouping {
        provide_node_packages(&repository().join("tests/node"), &log)?;
    }
    if what != Subject::Sdk {
        let requirements = repository().join("tests/python/requirements-bugsink.txt");
        let python = provide_python("python-bugsink", &requirements, &log)?;
        measure = measure.words("--bugsink").environment("ERROR_SENTINEL_PYTHON_BUGSINK", python);
    }
    if quick {
        measure = measure.words("--quick");
    }
    measure.succeed()
}

/// What is committed in `sdk-wasm/dist` needs no build.
fn browser(quick: bool) -> Result<()> {
    let log = target_dir().join("xtask/bench-browser.log");
    let scripts = repository().join("tests/node");
    provide_node_packages(&scripts, &log)?;
    let mut measure = Program::new("node")
        .argument(scripts.join("browser_bench.mjs"))
        .argument(target_dir().join("bench/browser.json"));
    if quick {
        measure = measure.words("--quick");
    }
    measure.succeed()
}
