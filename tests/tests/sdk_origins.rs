//! What a stored event says of where its error came from: the place where it was made, whose functions are the
//! application's own, which release and environment it ran in.

use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{Collector, finish, without_settings};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);

fn origins(collector: &Collector, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_origins"));
    without_settings(&mut command).args(words).env("ERROR_SENTINEL_DSN", collector.dsn().to_string());
    command.env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
    command
}

/// The only event of a collector that has got one.
#[track_caller]
fn stored(mut collector: Collector, mut command: Command) -> Value {
    finish(&mut command, RUN).success();
    let api = collector.api();
    let issues = api.await_issues(1, SOON);
    let id = api.event_ids(&issues[0].id()).remove(0);
    api.event(&id, SOON)
}

/// The frames of the error that surfaced, oldest caller first.
#[track_caller]
fn frames(event: &Value) -> &Vec<Value> {
    let surfaced = event["exception"]["values"].as_array().and_then(|all| all.last()).expect("an exception");
    surfaced["stacktrace"]["frames"].as_array().unwrap_or_else(|| panic!("no stack: {event:#}"))
}

#[test]
fn an_error_with_a_backtrace_of_its_own_is_shown_where_it_was_made() {
    for (way, made_by) in [
        ("anyhow", "anyhow_error"),
        ("anyhow-lent", "anyhow_error"),
        ("anyhow-of-another", "anyhow_of_another"),
        ("anyhow-with-context", "anyhow_with_context"),
        ("eyre", "eyre_error"),
        ("eyre-lent", "eyre_error"),
        ("eyre-of-another", "eyre_of_another"),
        ("eyre-with-context", "eyre_with_context"),
    ] {
        let collector = Collector::start();
        let mut command = origins(&collector, &[way]);
        command.env("RUST_BACKTRACE", "1");
        let event = stored(collector, command);
        let frames = frames(&event);
        let newest = frames.last().expect("a frame");
        assert_eq!(newest["function"], format!("origins::shelf::{made_by}"), "{way}: {frames:#?}");
        assert_eq!(newest["in_app"], true, "{way}");
        assert!(newest["filename"].as_str().expect("a file").ends_with("src/bin/origins.rs"), "{newest:#}");
        assert!(newest["lineno"].as_u64().is_some_and(|line| line > 0), "{newest:#}");
        assert!(
            frames.iter().all(|frame| !frame.to_string().contains("origins::desk")),
            "{way}: {frames:#?}"
        );
        let surfaced = event["exception"]["values"].as_array().and_then(|all| all.last()).expect("one");
        assert_eq!(surfaced["value"], "the order failed", "{way}");
    }
}

#[test]
fn an_error_without_a_backtrace_of_its_own_is_shown_where_it_was_reported() {
    for way in ["anyhow", "eyre"] {
        let collector = Collector::start();
        let command = origins(&collector, &[way]);
        let event = stored(collector, command);
        let newest = frames(&event).last().expect("a frame");
        assert_eq!(newest["function"], format!("origins::desk::{way}_error"), "{event:#}");
    }
}

#[test]
fn the_application_says_which_functions_are_its_own() {
    // What is said, and the functions that then count.
    for (words, own) in [
        (vec!["anyhow"], vec!["origins::main", "origins::desk::anyhow_error"]),
        (vec!["anyhow", "origins::desk"], vec!["origins::desk::anyhow_error"]),
        (vec!["anyhow", "elsewhere", "origins::main"], vec!["origins::main"]),
        (vec!["anyhow", "elsewhere"], vec![]),
    ] {
        let collector = Collector::start();
        let command = origins(&collector, &words);
        let event = stored(collector, command);
        let counted = frames(&event).iter().filter(|frame| frame["in_app"] == true);
        let counted: Vec<&str> = counted.filter_map(|frame| frame["function"].as_str()).collect();
        assert_eq!(counted, own, "{words:?}: {event:#}");
    }
}

#[test]
fn the_environment_says_which_release_ran_where() {
    let collector = Collector::start();
    let mut command = origins(&collector, &["plain"]);
    command.env("ERROR_SENTINEL_RELEASE", "shop@1.4.2").env("ERROR_SENTINEL_ENVIRONMENT", "staging");
    let event = stored(collector, command);
    assert_eq!((&event["release"], &event["environment"]), (&json!("shop@1.4.2"), &json!("staging")));

    let collector = Collector::start();
    let mut command = origins(&collector, &["plain"]);
    // What is empty says nothing.
    command.env("ERROR_SENTINEL_RELEASE", "").env("ERROR_SENTINEL_ENVIRONMENT", " ");
    let event = stored(collector, command);
    assert_eq!((&event["release"], &event["environment"]), (&Value::Null, &json!("development")));
}
