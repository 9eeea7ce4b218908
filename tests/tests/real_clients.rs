//! Real Sentry SDKs, unchanged but for the DSN: what they send arrives whole, is grouped, and is shown.

use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{Collector, Issue, Person, Python, Setup, eventually, finish, node_script};
use serde_json::Value;

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

#[test]
fn the_node_sdk_is_understood() {
    assert_arrives_whole(|| node_script("sentry_node.mjs"), "TypeError", "priceOf");
}

#[test]
fn the_browser_sdk_is_understood() {
    assert_arrives_whole(|| node_script("sentry_browser.mjs"), "TypeError", "priceOf");
}

/// Everything that an SDK can send is taken; what nobody reads here is sent once and then held back, and holds
/// back nothing else.
#[track_caller]
fn assert_takes_everything(mut application: Command, traces: &str) {
    let mut collector = Collector::start();
    let run = application.arg(collector.dsn().to_string()).arg("everything");
    let ids: Value = serde_json::from_str(&finish(run, RUN).success().stdout).expect("the ids as JSON");
    let api = collector.api();
    for (what, id) in ids.as_object().expect("ids by name") {
        let event = api.event(id.as_str().expect("an id"), SOON);
        assert_eq!(event["release"], "shop@1.2.3", "{what}: {event:#}");
    }
    assert_eq!(api.total_count(), 3);
    let message = api.event(ids["message"].as_str().expect("an id"), SOON);
    assert_eq!(message["level"], "warning");
    let ignored =
        |kind: &str| collector.metric(&format!("error_sentinel_ignored_items_total{{kind=\"{kind}\"}}"));
    // A session before them may have told the SDK already.
    assert!(ignored(traces) <= 1, "the second is held back");
    assert_eq!(ignored("attachment"), 1);
    assert!(ignored("session") + ignored("sessions") > 0, "no session came");
    assert_eq!(collector.metric("error_sentinel_refused_total"), 0);
    let mut person = Person::signed_in(&collector);
    eventually("what was held back is shown", SOON, || {
        let page = person.open("/projects").text();
        page.contains("the collector had asked it to pause").then_some(())
    });
}

#[test]
fn everything_that_the_python_sdk_sends_is_taken() {
    assert_takes_everything(python(&Python::find()), "transaction");
}

#[test]
fn everything_that_the_rust_crate_sends_is_taken() {
    assert_takes_everything(rust(), "transaction");
}

#[test]
fn everything_that_the_node_sdk_sends_is_taken() {
    assert_takes_everything(node_script("sentry_node.mjs"), "span");
}

#[test]
fn everything_that_the_browser_sdk_sends_is_taken() {
    assert_takes_everything(node_script("sentry_browser.mjs"), "span");
}

/// An SDK that is over its limit is told so once, and sends no more until it may.
#[track_caller]
fn assert_waits_when_told(mut application: Command) {
    let mut collector = Setup::default().set("RATE_LIMIT", "1/2").start();
    finish(application.arg(collector.dsn().to_string()).arg("burst"), RUN).success();
    collector.api().await_total(2, SOON);
    // Of six errors two are taken and one is refused; a client report may be refused as well.
    let refused = collector.metric("error_sentinel_refused_total{reason=\"quota\"}");
    assert!((1..=2).contains(&refused), "{refused} refused of four");
}

#[test]
fn the_python_sdk_waits_when_it_is_over_the_limit() {
    assert_waits_when_told(python(&Python::find()));
}

#[test]
fn the_rust_crate_waits_when_it_is_over_the_limit() {
    assert_waits_when_told(rust());
}

#[test]
fn the_node_sdk_waits_when_it_is_over_the_limit() {
    assert_waits_when_told(node_script("sentry_node.mjs"));
}

#[test]
fn the_browser_sdk_waits_when_it_is_over_the_limit() {
    assert_waits_when_told(node_script("sentry_browser.mjs"));
}

/// What an SDK kept while there was no network is taken when it comes at last.
#[track_caller]
fn assert_takes_what_was_kept(mut application: Command) {
    let mut collector = Collector::start();
    let run = application.arg(collector.dsn().to_string()).arg("offline");
    let ids: Value = serde_json::from_str(&finish(run, RUN).success().stdout).expect("the ids as JSON");
    let api = collector.api();
    for id in ids.as_array().expect("a list of ids") {
        api.event(id.as_str().expect("an id"), SOON);
    }
}

#[test]
fn what_the_node_sdk_kept_without_a_network_arrives_without_delay() {
    assert_takes_what_was_kept(node_script("sentry_node.mjs"));
}

#[test]
fn what_the_browser_sdk_kept_without_a_network_arrives_without_delay() {
    assert_takes_what_was_kept(node_script("sentry_browser.mjs"));
}
