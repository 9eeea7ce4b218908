//! Pages with the browser SDK in the three real engines.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Api, Collector, Issue, finish, node_script, short_or_long};

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);
const LONG_RUN: Duration = Duration::from_secs(3600);

/// Lets a page do something on purpose; whatever else went wrong in it would be ours.
#[track_caller]
pub fn visit(collector: &Collector, engine: &str, scenario: &str) -> Value {
    let mut page = node_script("sentinel_page.mjs");
    page.arg(collector.dsn().to_string()).args([engine, scenario]);
    let printed = finish(&mut page, short_or_long(RUN, LONG_RUN)).success().stdout;
    let seen: Value = serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}"));
    assert_eq!(seen["uncaught"], json!([]), "{scenario} in {engine}");
    seen
}

/// The only event of an issue, as it was received.
#[track_caller]
pub fn event_of(api: &Api, issue: &Issue) -> Value {
    api.event(&api.event_ids(&issue.id()).remove(0), SOON)
}

/// Visits a page that reports one error, named like its scenario, and returns what the page saw and the event.
#[track_caller]
pub fn only_event(engine: &str, scenario: &str) -> (Value, Value) {
    let mut collector = Collector::start();
    let seen = visit(&collector, engine, scenario);
    let api = collector.api();
    let issues = api.await_issues(1, SOON);
    assert_eq!(api.total_count(), 1, "{issues:?}");
    let event = event_of(&api, &issues[0]);
    let message = format!("{scenario} on purpose");
    assert!(event.to_string().contains(&message), "{message} is not in {event:#}");
    (seen, event)
}

/// What the core has encoded, not the raw path.
#[track_caller]
pub fn assert_by_core(event: &Value) {
    assert_eq!(event["sdk"]["name"], "error-sentinel.browser", "{event:#}");
    assert_eq!(event["release"], "page@1.0.0");
    assert_eq!(event["platform"], "javascript");
}

/// The frame of the page's own function, at its place in the page's own file.
#[track_caller]
pub fn assert_frame(event: &Value, function: &str) {
    let exceptions = event["exception"]["values"].as_array().expect("exceptions");
    let frames = exceptions.last().and_then(|surfaced| surfaced["stacktrace"]["frames"].as_array());
    let is_it = |frame: &&Value| frame["function"].as_str().is_some_and(|name| name.contains(function));
    let frame = frames.into_iter().flatten().find(is_it).unwrap_or_else(|| panic!("{function}: {event:#}"));
    assert!(frame["filename"].as_str().is_some_and(|file| file.ends_with("/app.js")), "{frame}");
    assert!(frame["lineno"].as_u64() > Some(0) && frame["colno"].as_u64() > Some(0), "{frame}");
}

/// Makes a test of each function for each engine, which it is called with the name of.
#[macro_export]
macro_rules! engines {
    ($($name:ident),+ $(,)?) => {
        $crate::engines! { @ chromium [$($name)+] firefox [$($name)+] webkit [$($name)+] }
    };
    (@ $($engine:ident [$($name:ident)+])+) => {
        $(mod $engine {
            $(#[test]
            fn $name() {
                super::$name(stringify!($engine));
            })+
        })+
    };
}
