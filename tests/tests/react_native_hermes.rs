//! The React Native package in a real Hermes, as bytecode without debugging information: the engine's own stacks and
//! promises. The engine's program knows no module in C++, so what the native module is told is sent on by the test.

use std::time::Duration;

use error_sentinel_tests::{Api, Collector, ReactNativeApp, Request, payload};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// Runs a scenario and sends on what was told; returns the events as the collector received them.
#[track_caller]
fn received(scenario: &str, name: &str) -> Vec<Value> {
    let mut collector = Collector::start();
    let told = ReactNativeApp::install().run_in_hermes(scenario, name);
    let path = format!("/api/1/envelope/?sentry_key={}", collector.key());
    let api: Api = collector.api();
    let events = told.iter().map(|event| {
        let reply = api.send(Request::post(&path, payload::envelope(event)));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let event: Value = serde_json::from_str(event).expect("JSON");
        api.event(event["event_id"].as_str().expect("a name"), SOON)
    });
    events.collect()
}

/// The frame of a function, which has a place in the bytecode.
#[track_caller]
fn assert_frame(event: &Value, function: &str) {
    let exceptions = event["exception"]["values"].as_array().expect("exceptions");
    let frames = exceptions.last().and_then(|surfaced| surfaced["stacktrace"]["frames"].as_array());
    let frame = frames.into_iter().flatten().find(|frame| frame["function"] == function);
    let frame = frame.unwrap_or_else(|| panic!("{function}: {event:#}"));
    assert_eq!((&frame["filename"], &frame["lineno"]), (&json!("index.android.bundle"), &json!(1)));
    assert!(frame["colno"].as_u64() > Some(1), "{frame}");
}

#[test]
fn what_nobody_catches_is_reported_once_with_its_places_in_the_bytecode() {
    let events = received("uncaught", "event");
    assert_eq!(events.len(), 1, "{events:#?}");
    let values = events[0]["exception"]["values"].as_array().expect("exceptions");
    assert_eq!(values[0]["value"], "there are only two", "{:#}", events[0]);
    assert_eq!(values[1]["value"], "13 euros were refused");
    assert_eq!(values[1]["mechanism"]["handled"], false);
    assert_eq!(events[0]["contexts"]["runtime"]["name"], "hermes");
    assert_frame(&events[0], "charge");
}

#[test]
fn promises_of_hermes_that_nobody_catches_are_reported_and_those_caught_in_time_are_not() {
    let events = received("rejected", "event");
    let said = events.iter().map(|event| &event["exception"]["values"][0]["value"]).collect::<Vec<_>>();
    assert_eq!(said, [&json!("the answer is nothing"), &json!("no paper")]);
    for event in &events {
        assert_eq!(event["exception"]["values"][0]["mechanism"]["type"], "onunhandledrejection");
    }
}

#[test]
fn an_error_that_ends_the_application_is_told_once_as_a_crash() {
    let events = received("fatal", "crash");
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["level"], "fatal");
    assert_frame(&events[0], "charge");
    assert_eq!(received("fatal", "event"), Vec::<Value>::new());
}
