//! Our own crate in a program of its own: what it reports arrives, and the program behaves as if it were not there.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use error_sentinel_tests::{Collector, Finished, finish, repository};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(15);
const RUN: Duration = Duration::from_secs(30);
const BUILD: Duration = Duration::from_secs(900);

/// The folder of the example's binaries, built once.
fn binaries() -> &'static PathBuf {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "error-sentinel-example"]).current_dir(repository());
        finish(&mut cargo, BUILD).success();
        let test = std::env::current_exe().expect("a test has a path");
        test.ancestors().nth(2).expect("it lies in target/debug/deps").to_owned()
    })
}

fn run(name: &str, dsn: &str) -> Finished {
    let mut program = Command::new(binaries().join(name));
    program.env("ERROR_SENTINEL_DSN", dsn).env("RUST_BACKTRACE", "0");
    finish(&mut program, RUN)
}

/// The only event of the only issue with this type.
#[track_caller]
fn event_of(collector: &mut Collector, kind: &str) -> Value {
    let api = collector.api();
    let issue = error_sentinel_tests::eventually(&format!("an issue of type {kind}"), SOON, || {
        api.issues().into_iter().find(|issue| issue.text("type") == kind)
    });
    let id = api.event_ids(&issue.id()).remove(0);
    api.event(&id, SOON)
}

#[test]
fn an_error_arrives_with_its_causes_its_steps_and_its_stack() {
    let mut collector = Collector::start();
    run("hello", &collector.dsn().to_string()).success();
    let event = event_of(&mut collector, "hello::CheckoutFailed");
    let chain = &event["exception"]["values"];
    assert_eq!(chain[0]["type"], "ParseIntError", "{event:#}");
    assert_eq!(chain[0]["value"], "invalid digit found in string");
    assert_eq!(chain[1]["value"], "the checkout of cart 7 failed");
    let steps = &event["breadcrumbs"]["values"];
    assert_eq!(
        (&steps[0]["message"], &steps[1]["message"]),
        (&"cart opened".into(), &"checkout begun".into())
    );
    assert_eq!(event["tags"]["shop"], "berlin");
    assert_eq!((&event["platform"], &event["level"]), (&"rust".into(), &"error".into()));
    let frames = chain[1]["stacktrace"]["frames"].as_array().expect("frames");
    let newest = frames.last().expect("a frame");
    assert_eq!(newest["function"], "hello::main", "{frames:#?}");
    assert_eq!(newest["in_app"], true);
    assert!(newest["filename"].as_str().expect("a file").ends_with("src/bin/hello.rs"), "{newest:#}");
    let own: Vec<&Value> = frames.iter().filter(|frame| frame["in_app"] == true).collect();
    assert_eq!(own.len(), 1, "{own:#?}");
}

#[test]
fn a_panic_arrives_and_the_program_dies_as_it_would_without_us() {
    let mut collector = Collector::start();
    let with = run("panics", &collector.dsn().to_string());
    let without = run("panics", "");
    assert_eq!((with.status.code(), &with.stdout), (without.status.code(), &without.stdout));
    let plain = |finished: &Finished| {
        // The number of the thread differs between runs.
        let lines = finished.stderr.lines().map(|line| line.split(" (").next().unwrap_or(line).to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(plain(&with), plain(&without));
    let event = event_of(&mut collector, "panic");
    let exception = &event["exception"]["values"][0];
    assert!(exception["value"].as_str().expect("a message").starts_with("the port is a number"), "{event:#}");
    assert_eq!(exception["mechanism"]["handled"], false);
    assert_eq!(event["level"], "fatal");
    let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
    let own: Vec<&str> = frames
        .iter()
        .filter(|frame| frame["in_app"] == true)
        .filter_map(|f| f["function"].as_str())
        .collect();
    assert_eq!(own, ["panics::main", "panics::read_settings"], "{frames:#?}");
}

#[test]
fn threads_that_fail_and_panic_are_all_heard() {
    let mut collector = Collector::start();
    run("worker", &collector.dsn().to_string()).success();
    collector.api().await_total(5, SOON);
    let event = event_of(&mut collector, "panic");
    assert_eq!((&event["app"], &event["release"]), (&"worker".into(), &"worker@2.0.0".into()));
}

#[test]
fn a_collector_that_is_away_costs_the_program_no_more_than_its_farewell() {
    binaries();
    let started = std::time::Instant::now();
    let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
    run("hello", dsn).success();
    // A bound against hanging, far above the two seconds that it is meant to be.
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[test]
fn without_a_dsn_nothing_happens() {
    let quiet = run("hello", "").success();
    assert_eq!(quiet.stderr.trim(), "the checkout of cart 7 failed");
    let wrong = run("hello", "https://nonsense").success();
    assert!(wrong.stderr.contains("error-sentinel: nothing will be reported"), "{}", wrong.stderr);
}
