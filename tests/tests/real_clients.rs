//! Real Sentry SDKs, unchanged but for the DSN: what they send arrives whole, is grouped, and is shown.

use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{Collector, Issue, Person, Python, finish};

const SOON: Duration = Duration::from_secs(15);
const RUN: Duration = Duration::from_secs(60);

/// Runs an application and returns the id of the event that it reported, and what it printed besides.
#[track_caller]
fn report(mut application: Command, collector: &Collector, bug: &str) -> (String, String) {
    let printed = finish(application.arg(collector.dsn().to_string()).arg(bug), RUN).success().stdout;
    let (id, rest) = printed.trim().split_once(' ').unwrap_or((printed.trim(), ""));
    assert_eq!(id.len(), 32, "no event id: {printed:?}");
    (id.to_owned(), rest.to_owned())
}

/// What both applications report must be in the event, on its page, and grouped by bug.
#[track_caller]
fn assert_arrives_whole(application: impl Fn() -> Command, kind: &str, function: &str) {
    let mut collector = Collector::start();
    let (first, _) = report(application(), &collector, "first");
    let (again, _) = report(application(), &collector, "first");
    let api = collector.api();
    let event = api.event(&first, SOON);
    assert_eq!(event["issue_id"], api.event(&again, SOON)["issue_id"], "two runs of one bug are one issue");
    let (other, _) = report(application(), &collector, "second");
    assert_ne!(event["issue_id"], api.event(&other, SOON)["issue_id"], "two bugs are two issues");
    let issues = api.await_issues(2, SOON);

    let text = event.to_string();
    let whole = [
        kind,
        function,
        "three apples were added",
        "eu-central",
        "4711",
        "ada@example.com",
        "shop@1.2.3",
        "staging",
    ];
    for part in whole {
        assert!(text.contains(part), "{part} is not in {event:#}");
    }
    let same = |issue: &&Issue| event["issue_id"].to_string().trim_matches('"') == issue.id();
    let issue = issues.iter().find(same).expect("the event's issue is listed");
    assert_eq!(issue.count(), 2);
    assert!(issue.text("title").contains(kind), "{issue:?}");
    assert_eq!(issue.text("last_release"), "shop@1.2.3");
    assert_eq!(issue.0["users"], 1, "{issue:?}");

    let mut person = Person::signed_in(&collector);
    let list = person.open("/").text();
    assert!(list.contains(kind), "{kind} is not in the list:\n{list}");
    let page = person.open(&format!("/issues/{}", issue.id()));
    assert_eq!(page.status, 200, "{}", page.text());
    for part in [kind, function, "three apples were added", "eu-central", "shop@1.2.3", "staging"] {
        assert!(page.text().contains(part), "{part} is not on the page:\n{}", page.text());
    }
}

fn python(python: &Python) -> Command {
    python.script("sentry_app.py")
}

fn rust() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sentry_app"))
}

#[test]
fn the_python_sdk_is_understood() {
    assert_arrives_whole(|| python(&Python::find()), "KeyError", "price_of");
}

#[test]
fn the_python_sdk_is_understood_when_it_compresses_by_brotli() {
    let mut collector = Collector::start();
    let (id, encoding) = report(python(&Python::with_brotli()), &collector, "first");
    assert_eq!(encoding, "br", "this test needs the package brotli");
    assert!(collector.api().event(&id, SOON).to_string().contains("KeyError"));
}

#[test]
fn the_python_sdk_compresses_by_gzip_without_that_package() {
    let collector = Collector::start();
    assert_eq!(report(python(&Python::find()), &collector, "first").1, "gzip");
}

#[test]
fn the_rust_crate_is_understood() {
    assert_arrives_whole(rust, "OrderError", "first_bug");
}

#[test]
fn the_causes_and_panics_of_the_rust_crate_arrive() {
    let mut collector = Collector::start();
    let (chain, _) = report(rust(), &collector, "first");
    let (panic, _) = report(rust(), &collector, "panic");
    let api = collector.api();
    let chain = api.event(&chain, SOON).to_string();
    assert!(chain.contains("ParseIntError") && chain.contains("invalid digit"), "{chain}");
    assert!(api.event(&panic, SOON).to_string().contains("the shelf fell down"));
    let titles: Vec<_> = api.issues().iter().map(|issue| issue.text("title").to_owned()).collect();
    assert!(titles.iter().any(|title| title.contains("the shelf fell down")), "{titles:?}");
}
