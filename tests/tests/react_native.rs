//! The React Native package: all of React Native's own JavaScript and the SDK's, bundled by Metro, in a real engine, with
//! the native module in C++ over the library in Rust, against the real collector.

use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{
    Collector, Person, ReactNativeApp, eventually, finish, kept_events, react_native_folder, repository,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);
/// Nobody listens there.
const NOWHERE: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
/// How the host ends by an error.
const DIED: i32 = 10;

/// Which half of the package reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Native,
    Fallback,
}

#[track_caller]
fn run(way: Way, scenario: &str, collector: &Collector) -> String {
    let app = ReactNativeApp::install();
    let dsn = collector.dsn().to_string();
    let done = match way {
        Way::Native => app.run(scenario, &dsn),
        Way::Fallback => app.run_without_native(scenario, &dsn),
    };
    let printed = done.success().stdout;
    assert!(printed.ends_with("all has left\n"), "{printed}");
    printed
}

/// The exception that surfaced.
#[track_caller]
fn surfaced(event: &Value) -> &Value {
    event["exception"]["values"].as_array().and_then(|all| all.last()).unwrap_or_else(|| panic!("{event:#}"))
}

/// The frame of a function of the application's, at its place in the bundle.
#[track_caller]
fn assert_frame(event: &Value, function: &str) {
    let frames = surfaced(event)["stacktrace"]["frames"].as_array();
    let frame = frames.into_iter().flatten().find(|frame| frame["function"] == function);
    let frame = frame.unwrap_or_else(|| panic!("{function}: {event:#}"));
    assert_eq!(frame["filename"], "main.jsbundle", "without the folder of this installation");
    let lines = std::fs::read_to_string(react_native_folder().join("app.js")).expect("the bundle");
    let line = frame["lineno"].as_u64().and_then(|line| usize::try_from(line).ok()).expect("a line");
    let text = lines.lines().nth(line - 1).expect("the bundle has that line");
    let column = frame["colno"].as_u64().and_then(|column| usize::try_from(column).ok()).expect("a column");
    // Where the engine says that it was, there is a call or an operation.
    assert!(text.is_char_boundary(column - 1) && column <= text.len() + 1, "{frame} in {text}");
    assert!(text.contains("PaymentRefused") || text.contains('('), "{frame} in {text}");
}

fn everything_that_javascript_can_say_arrives(way: Way) {
    let mut collector = Collector::start();
    let printed = run(way, "everything", &collector);
    let ids: Vec<&str> = printed.lines().collect();
    let api = collector.api();

    let refused = api.event(ids[0], SOON);
    let values = refused["exception"]["values"].as_array().expect("exceptions");
    let kinds: Vec<_> = values.iter().map(|one| (&one["type"], &one["value"])).collect();
    assert_eq!(
        kinds,
        [
            (&json!("RangeError"), &json!("there are only two")),
            (&json!("PaymentRefused"), &json!("12 euros were refused"))
        ]
    );
    assert_eq!(surfaced(&refused)["mechanism"]["type"], "send_alert");
    assert_frame(&refused, "charge");
    assert_frame(&refused, "refused");
    assert_eq!(refused["level"], "fatal");
    assert_eq!(refused["platform"], "javascript");
    assert_eq!(refused["release"], "shop@1.4.2");
    assert_eq!(refused["environment"], "staging");
    assert_eq!(refused["app"], "Shop");
    assert_eq!(refused["user"]["id"], "4711");
    assert_eq!(refused["fingerprint"], json!(["payment", "refused"]));
    assert_eq!(refused["extra"]["cyclic"]["broken"], "[unreadable]");
    let text = refused.to_string();
    for part in [
        "berlin",
        "eu-central",
        "three apples were added 🔔",
        "the basket",
        "\"from\":\"Basket\"",
        "Checkout",
    ] {
        assert!(text.contains(part), "{part} is not in {refused:#}");
    }

    let stuck = api.event(ids[1], SOON);
    assert_eq!(stuck["logentry"]["formatted"], "the till is stuck", "{stuck:#}");
    let thrown = api.event(ids[2], SOON);
    assert_eq!(surfaced(&thrown)["type"], "Object", "{thrown:#}");
    assert_eq!(thrown["extra"]["thrown"]["reason"], "out of paper");
    assert_eq!(api.event(ids[3], SOON)["user"], Value::Null);
    assert_eq!(api.total_count(), 4);
}

fn what_nobody_catches_is_reported_once_and_the_handler_before_gets_it(way: Way) {
    let mut collector = Collector::start();
    let printed = run(way, "uncaught", &collector);
    assert!(
        printed.contains("told of PaymentRefused: 13 euros were refused"),
        "React Native was told: {printed}"
    );
    let api = collector.api();
    let uncaught = api.only_event(&api.await_issues(1, SOON), "13 euros", SOON);
    assert_eq!(surfaced(&uncaught)["mechanism"]["type"], "onerror", "{uncaught:#}");
    assert_eq!(surfaced(&uncaught)["mechanism"]["handled"], false);
    assert_frame(&uncaught, "charge");
    assert_eq!(api.total_count(), 1);
}

fn promises_that_nobody_catches_are_reported_and_those_caught_in_time_are_not(way: Way) {
    let mut collector = Collector::start();
    run(way, "rejected", &collector);
    let api = collector.api();
    let issues = api.await_issues(2, SOON);
    for title in ["the answer is nothing", "no paper"] {
        let rejected = api.only_event(&issues, title, SOON);
        assert_eq!(surfaced(&rejected)["mechanism"]["type"], "onunhandledrejection", "{rejected:#}");
        assert_eq!(surfaced(&rejected)["mechanism"]["handled"], false);
    }
    assert_eq!(api.total_count(), 2);
}

fn the_console_is_an_alert_or_a_step(way: Way) {
    let mut collector = Collector::start();
    let printed = run(way, "console", &collector);
    assert!(
        printed.contains("told of console.error: the printer is on fire"),
        "what was there before was called: {printed}"
    );
    let api = collector.api();
    let issues = api.await_issues(3, SOON);
    let logged = api.only_event(&issues, "the printer is on fire", SOON);
    assert_eq!(surfaced(&logged)["mechanism"]["type"], "console");
    let frames = surfaced(&logged)["stacktrace"]["frames"].as_array().expect("frames");
    // The innermost is the scenario that called it, not the SDK.
    let innermost = frames.last().expect("a frame");
    let bundle = std::fs::read_to_string(react_native_folder().join("app.js")).expect("the bundle");
    let line = innermost["lineno"].as_u64().and_then(|line| usize::try_from(line).ok()).expect("a line");
    let called = bundle.lines().nth(line - 1).expect("the bundle has that line");
    assert!(called.contains("console.error('the printer'"), "{called}: {logged:#}");
    assert_eq!(
        api.only_event(&issues, "12 euros", SOON)["extra"]["console"],
        "while printing PaymentRefused: 12 euros were refused"
    );
    let seen = api.only_event(&issues, "see what was said", SOON)["breadcrumbs"].to_string();
    for part in ["Each child in a list", "the paper is low"] {
        assert!(seen.contains(part), "{part} is not in {seen}");
    }
    assert_eq!(api.total_count(), 3);
}

fn a_console_error_in_a_tight_loop_is_counted_exactly(way: Way) {
    let mut collector = Collector::start();
    run(way, "storm", &collector);
    let api = collector.api();
    api.await_total(10_000, SOON);
    let issues = api.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert!(api.events(&issues[0].id()).len() < 20);
}

fn an_application_may_change_what_is_sent(way: Way) {
    let mut collector = Collector::start();
    run(way, "changed", &collector);
    let api = collector.api();
    let issue = api.await_issues(1, SOON).remove(0);
    api.await_total(2, SOON);
    let mut said: Vec<_> = api
        .event_ids(&issue.id())
        .iter()
        .map(|id| surfaced(&api.event(id, SOON))["value"].as_str().expect("a text").to_owned())
        .collect();
    said.sort();
    assert_eq!(said, ["a secret of ****", "the change fails"]);
}

fn values_that_throw_when_they_are_looked_at_hurt_nobody(way: Way) {
    let mut collector = Collector::start();
    let printed = run(way, "hostile", &collector);
    assert!(printed.contains("still here"), "{printed}");
    let api = collector.api();
    eventually("what could be read is there", SOON, || (api.total_count() >= 8).then_some(()));
}

fn stacks_of_hermes_and_javascriptcore_are_read(way: Way) {
    let mut collector = Collector::start();
    let printed = run(way, "stacks", &collector);
    let api = collector.api();
    let read = |id: &str| {
        let event = api.event(id, SOON);
        let frames = surfaced(&event)["stacktrace"]["frames"].as_array().expect("frames").clone();
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let frame = |frame: &Value| {
            let text = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
            (text("function"), text("filename"), number(&frame["lineno"]), number(&frame["colno"]))
        };
        frames.iter().rev().map(frame).collect::<Vec<_>>()
    };
    let expected = |frames: &[(&str, &str, u64, u64)]| {
        frames
            .iter()
            .map(|(function, file, line, column)| {
                ((*function).to_owned(), (*file).to_owned(), *line, *column)
            })
            .collect::<Vec<_>>()
    };
    let ids: Vec<&str> = printed.lines().collect();
    assert_eq!(
        read(ids[0]),
        expected(&[
            ("charge", "index.android.bundle", 1, 318),
            ("?", "index.android.bundle", 1, 369),
            ("map", "native", 0, 0),
            ("tryCallOne", "InternalBytecode.js", 1, 1180),
            ("?", "index.android.bundle", 1, 93),
        ])
    );
    assert_eq!(
        read(ids[1]),
        expected(&[("charge", "http://10.0.2.2:8081/index.bundle", 3318, 41), ("apply", "native", 0, 0)])
    );
    assert_eq!(
        read(ids[2]),
        expected(&[
            ("charge", "main.jsbundle", 3, 41),
            ("map", "[native code]", 0, 0),
            ("?", "http://localhost:8081/node_modules/react@19/index.js", 3, 8),
            ("?", "main.jsbundle", 9, 1),
        ])
    );
}

fn screens_of_react_navigation_are_steps(way: Way) {
    let mut collector = Collector::start();
    run(way, "navigation", &collector);
    let api = collector.api();
    let lost = api.only_event(&api.await_issues(1, SOON), "lost on the way", SOON);
    let crumbs = &lost["breadcrumbs"];
    let crumbs = crumbs["values"].as_array().or(crumbs.as_array()).expect("breadcrumbs");
    let steps: Vec<_> = crumbs.iter().map(|crumb| (&crumb["category"], &crumb["data"])).collect();
    let navigation = &json!("navigation");
    assert_eq!(
        steps,
        [
            (navigation, &json!({ "to": "Basket" })),
            (navigation, &json!({ "from": "Basket", "to": "Checkout" })),
            (navigation, &json!({ "from": "Checkout", "to": "Basket" })),
        ],
        "by their names alone: {lost:#}"
    );
}

/// Each behaviour with the native module and without.
macro_rules! either_way {
    ($($behaviour:ident),* $(,)?) => {
        mod native {
            $(#[test] fn $behaviour() { super::$behaviour(super::Way::Native); })*
        }
        mod fallback {
            $(#[test] fn $behaviour() { super::$behaviour(super::Way::Fallback); })*
        }
    };
}

either_way! {
    everything_that_javascript_can_say_arrives,
    what_nobody_catches_is_reported_once_and_the_handler_before_gets_it,
    promises_that_nobody_catches_are_reported_and_those_caught_in_time_are_not,
    the_console_is_an_alert_or_a_step,
    a_console_error_in_a_tight_loop_is_counted_exactly,
    an_application_may_change_what_is_sent,
    values_that_throw_when_they_are_looked_at_hurt_nobody,
    screens_of_react_navigation_are_steps,
    stacks_of_hermes_and_javascriptcore_are_read,
}

/// The application dies of an error while the collector hangs; then another run of it delivers.
#[track_caller]
fn dies_and_delivers(scenario: &str, last_words: &str) -> Value {
    let mut collector = Collector::start();
    let app = ReactNativeApp::install();
    let dsn = collector.dsn().to_string();
    // It answers nobody.
    collector.signal("STOP");
    let died = app.run(scenario, &dsn);
    assert_eq!(died.status.code(), Some(DIED), "React Native's own handler ends it: {died:#?}");
    assert_eq!(died.stdout.trim(), last_words);
    assert_eq!(kept_events(app.spool()).len(), 1, "{died:#?}");
    collector.signal("CONT");
    app.run("start", &dsn).success();
    assert_eq!(kept_events(app.spool()).len(), 0);
    let api = collector.api();
    let issues = api.await_issues(1, SOON);
    assert_eq!(api.total_count(), 1, "once, not once by each that saw it");
    api.event(&api.event_ids(&issues[0].id())[0], SOON)
}

#[test]
fn an_error_that_ends_the_application_is_on_disk_before_and_sent_after_the_next_start() {
    let event = dies_and_delivers("fatal", "died of PaymentRefused: 12 euros were refused");
    assert_eq!(event["level"], "fatal");
    assert_eq!(surfaced(&event)["mechanism"]["handled"], false, "{event:#}");
    assert_frame(&event, "charge");
    assert!(event["breadcrumbs"].to_string().contains("the last step"), "{event:#}");
}

#[test]
fn something_thrown_that_is_no_error_is_reported_once_though_react_native_wraps_it() {
    let event = dies_and_delivers("fatal-text", "died of out of paper");
    assert_eq!(surfaced(&event)["value"], "out of paper", "{event:#}");
}

/// The fallback is on its way when an application starts.
#[test]
fn what_there_was_no_room_for_before_the_start_is_told_as_lost() {
    let mut collector = Collector::start();
    run(Way::Fallback, "crowded", &collector);
    collector.api().await_total(200, SOON);
    let mut person = Person::signed_in(&collector);
    let page = eventually("the losses are shown", SOON, || {
        Some(person.open("/projects").text())
            .filter(|page| page.contains("more came at once than its queue holds"))
    });
    assert!(page.contains("<b>100</b> errors"), "{page}");
}

#[test]
fn a_wrong_dsn_is_said_and_hurts_nobody() {
    let app = ReactNativeApp::install();
    for done in [app.run("wrong-dsn", "no DSN"), app.run_without_native("wrong-dsn", "no DSN")] {
        let done = done.success();
        assert!(
            done.stderr.contains("Error Sentinel: nothing will be reported: the DSN is not valid"),
            "{done:#?}"
        );
    }
}

#[test]
fn without_a_network_an_application_ends_as_it_would_without_us() {
    let app = ReactNativeApp::install();
    for done in [app.run("offline", NOWHERE), app.run_without_native("offline", NOWHERE)] {
        assert!(done.clone().success().stdout.contains("something has not left"), "{done:#?}");
    }
    assert_eq!(kept_events(app.spool()).len(), 1);
}

#[test]
fn the_example_reports_what_it_handles_and_what_it_does_not() {
    let mut collector = Collector::start();
    let printed =
        ReactNativeApp::of_bundle("example.js").run("", &collector.dsn().to_string()).success().stdout;
    assert!(printed.starts_with("false\ntrue\n") && printed.ends_with("all has left\n"), "{printed}");
    let api = collector.api();
    let issues = api.await_issues(2, SOON);
    let handled = api.only_event(&issues, "The basket is empty", SOON);
    assert_eq!((&handled["app"], &handled["release"]), (&json!("User app"), &json!("shop@1.4.2")));
    assert!(handled["tags"].to_string().contains("berlin"), "{handled:#}");
    let unhandled = api.only_event(&issues, "Nobody catches this", SOON);
    assert_eq!(surfaced(&unhandled)["mechanism"]["handled"], false, "{unhandled:#}");
    assert!(unhandled["breadcrumbs"].to_string().contains("apples was added"), "{unhandled:#}");
}

#[test]
fn the_bundles_compile_to_bytecode_of_hermes() {
    let hermesc =
        repository().join("sdk-ffi/react-native/node_modules/hermes-compiler/hermesc/linux64-bin/hermesc");
    for name in ["app.js", "example.js"] {
        let mut compiler = Command::new(&hermesc);
        compiler
            .args(["-O", "-w", "-emit-binary", "-out"])
            .arg(react_native_folder().join(name).with_extension("hbc"));
        finish(compiler.arg(react_native_folder().join(name)), RUN).success();
        let bytecode =
            std::fs::read(react_native_folder().join(name).with_extension("hbc")).expect("bytecode");
        // The file format's magic number.
        assert_eq!(bytecode.get(..8), Some(&0x1F19_03C1_03BC_1FC6_u64.to_le_bytes()[..]));
    }
}
