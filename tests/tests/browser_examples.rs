//! The example pages in `examples/`, built as their users build them, in Chromium, against the real collector.

use std::time::Duration;

use error_sentinel_tests::{Collector, finish, node_script};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);

/// Uses the example as a person does; returns what it showed.
#[track_caller]
fn use_example(collector: &Collector, name: &str) -> Value {
    let mut page = node_script("example_page.mjs");
    let printed = finish(page.arg(collector.dsn().to_string()).arg(name), RUN).success().stdout;
    serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}"))
}

#[test]
fn the_plain_page_reports_what_it_handles_and_what_it_does_not() {
    let mut collector = Collector::start();
    let apology = "That did not work; we have been told.";
    assert_eq!(use_example(&collector, "plain"), json!([apology, apology]));
    let api = collector.api();
    let issues = api.await_issues(2, SOON);
    let handled = api.only_event(&issues, "The basket is empty", SOON);
    assert_eq!(handled["exception"]["values"][0]["mechanism"]["handled"], true, "{handled:#}");
    assert_eq!(handled["release"], "shop@1.4.2");
    let unhandled = api.only_event(&issues, "TypeError", SOON);
    assert_eq!(unhandled["exception"]["values"][0]["mechanism"]["handled"], false, "{unhandled:#}");
    assert!(unhandled["breadcrumbs"].to_string().contains("button#break"), "{unhandled:#}");
}

#[test]
fn the_react_app_reports_what_a_boundary_caught_and_what_none_did_once_each() {
    assert_react("react");
}

#[test]
fn a_bundled_app_whose_policy_forbids_wasm_reports_all_the_same() {
    assert_react("react-without-wasm");
}

#[track_caller]
fn assert_react(name: &str) {
    let mut collector = Collector::start();
    let shown = use_example(&collector, name);
    assert_eq!(shown, json!(["2 euros", "The basket cannot be shown; we have been told."]));
    let api = collector.api();
    let issues = api.await_issues(2, SOON);
    let clicked = api.only_event(&issues, "The click failed", SOON);
    assert_eq!(clicked["sdk"]["name"], "error-sentinel.browser", "by the core, not the raw path");
    let rendered = api.only_event(&issues, "amount", SOON);
    let components = rendered["extra"]["componentStack"].as_str().expect("the components around it");
    assert!(components.lines().count() > 1, "{components}");
    assert!(rendered["tags"].to_string().contains("boundary"), "{rendered:#}");
}
