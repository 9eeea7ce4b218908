//! The browser SDK in the three real engines, by the one script tag that the collector shows, against the real
//! collector.

use std::time::Duration;

use error_sentinel_tests::page::{assert_by_core, assert_frame, event_of, only_event, visit};
use error_sentinel_tests::{Collector, Person, engines, eventually, short_or_long};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

/// Visits a page that reports one error from a function of its own.
#[track_caller]
fn assert_reported(engine: &str, scenario: &str) {
    let (_, event) = only_event(engine, scenario);
    assert_by_core(&event);
    assert_frame(&event, "report");
}

fn alerts_arrive_with_what_was_around_them(engine: &str) {
    let mut collector = Collector::start();
    let seen = visit(&collector, engine, "alerts");
    // All that the page did had its effect, and what was there before us was called as ever.
    assert_eq!(
        (&seen["path"], &seen["state"], &seen["answered"], &seen["logged"], &seen["requested"]),
        (&json!("/basket"), &json!(2), &json!("apples"), &json!(2), &json!(1)),
    );
    let api = collector.api();
    let issues = api.await_issues(4, SOON);
    assert_eq!(api.total_count(), 4, "{issues:?}");
    let event = |title: &str| {
        let issue = issues.iter().find(|issue| issue.text("title").contains(title));
        let issue = issue.unwrap_or_else(|| panic!("{title} is not in {issues:?}"));
        event_of(&api, issue)
    };
    let sent = event("the basket cannot be paid");
    assert_by_core(&sent);
    assert_eq!((&sent["level"], &sent["user"]["id"]), (&json!("fatal"), &json!("4711")));
    let text = sent.to_string();
    for part in [
        "there are only two",
        "RangeError",
        "three apples were added",
        "/basket",
        "/stock",
        "eu-central",
        "berlin",
    ] {
        assert!(text.contains(part), "{part} is not in {sent:#}");
    }
    for (title, mechanism) in [
        ("thrown on purpose", "onerror"),
        ("rejected on purpose", "onunhandledrejection"),
        ("logged on purpose", "console"),
    ] {
        let event = event(title);
        assert_by_core(&event);
        assert_eq!(event["exception"]["values"][0]["mechanism"]["type"], mechanism, "{event:#}");
    }
    assert_frame(&event("thrown on purpose"), "thrower");
    assert_frame(&event("the basket cannot be paid"), "shop");
}

fn an_error_before_the_script_is_there_arrives(engine: &str) {
    let (_, event) = only_event(engine, "early");
    assert_by_core(&event);
}

fn an_error_while_the_page_goes_elsewhere_arrives(engine: &str) {
    only_event(engine, "navigated");
}

fn thirty_errors_of_a_page_that_goes_arrive_but_for_one(engine: &str) {
    let mut collector = Collector::start();
    visit(&collector, engine, "many-at-unload");
    let api = collector.api();
    // Each of them is an issue of its own.
    eventually("at least 29 of 30 have arrived", SOON, || (api.issues().len() > 28).then_some(()));
    let total = api.total_count();
    assert!(total <= 30, "{total}");
}

fn where_the_policy_forbids_wasm_the_same_code_runs_as_javascript(engine: &str) {
    assert_reported(engine, "no-wasm");
}

fn where_the_policy_forbids_wasm_more_than_a_little_arrives_whole(engine: &str) {
    let mut collector = Collector::start();
    let seen = visit(&collector, engine, "no-wasm-many");
    assert_eq!(seen["isSent"], true);
    collector.api().await_total(60, SOON);
}

fn where_the_policy_allows_wasm_it_runs(engine: &str) {
    let (seen, event) = only_event(engine, "with-wasm");
    assert_by_core(&event);
    assert_eq!((&seen["wasm"], &seen["fallback"]), (&json!(true), &json!(false)));
}

fn where_the_policy_forbids_to_connect_the_page_is_as_without_us(engine: &str) {
    let mut collector = Collector::start();
    let seen = visit(&collector, engine, "no-connect");
    assert_eq!((&seen["isSent"], &seen["path"]), (&json!(false), &json!("/basket")));
    assert_eq!(collector.api().total_count(), 0);
}

fn where_wasm_is_missing_the_same_code_runs_as_javascript(engine: &str) {
    assert_reported(engine, "wasm-missing");
}

fn without_the_core_errors_are_sent_as_they_are(engine: &str) {
    only_event(engine, "core-missing");
}

fn without_the_rest_of_the_script_the_stub_sends_what_it_holds(engine: &str) {
    only_event(engine, "nothing-loads");
}

fn a_page_whose_storage_throws_reports_all_the_same(engine: &str) {
    assert_reported(engine, "no-storage");
}

fn what_no_beacon_takes_is_sent_on_the_next_visit(engine: &str) {
    assert_by_core(&only_event(engine, "no-beacon").1);
}

fn a_page_that_froze_what_it_could_reports_all_the_same(engine: &str) {
    assert_reported(engine, "frozen");
}

fn two_copies_on_a_page_report_once(engine: &str) {
    assert_by_core(&only_event(engine, "twice").1);
}

fn what_happened_offline_arrives_when_the_network_is_back(engine: &str) {
    assert_reported(engine, "offline");
}

fn a_console_error_in_a_tight_loop_is_counted_exactly(engine: &str) {
    assert_loop_counted(engine, "storm");
}

fn a_loop_that_ends_before_the_core_is_there_is_counted_exactly(engine: &str) {
    assert_loop_counted(engine, "early-storm");
}

#[track_caller]
fn assert_loop_counted(engine: &str, scenario: &str) {
    let mut collector = Collector::start();
    let seen = visit(&collector, engine, scenario);
    println!("{engine}: 100,000 calls of console.error took {} ms, {} requests", seen["ms"], seen["posts"]);
    collector.api().await_total(100_000, SOON);
    let api = collector.api();
    let issues = api.issues();
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert!(api.events(&issues[0].id()).len() < 20);
    assert!(seen["posts"].as_u64().is_some_and(|posts| posts < 20), "{seen}");
}

fn what_the_stub_had_no_room_for_is_told_as_lost(engine: &str) {
    let mut collector = Collector::start();
    let seen = visit(&collector, engine, "crowded");
    assert_eq!(seen["isFlushed"], true);
    // Every second call is one that tells of no error.
    collector.api().await_total(50, SOON);
    let mut person = Person::signed_in(&collector);
    let page = eventually("the losses are shown", SOON, || {
        Some(person.open("/projects").text())
            .filter(|page| page.contains("more came at once than its queue holds"))
    });
    assert!(page.contains("<b>100</b> errors"), "{page}");
}

fn a_page_that_changes_its_route_again_and_again_does_not_grow(engine: &str) {
    let (seen, event) = only_event(engine, "routes");
    println!("{engine}: {seen}");
    assert_eq!(seen["count"], short_or_long(2000, 100_000), "{seen}");
    assert_eq!(seen["first"]["core"], seen["last"]["core"], "{seen}");
    // Only Chromium says how large a page's objects are; a step kept for ever would be hundreds of bytes a change.
    if let (Some(first), Some(last)) = (seen["first"]["heap"].as_u64(), seen["last"]["heap"].as_u64()) {
        assert!(last < first + 500_000, "{seen}");
    }
    let crumbs = event["breadcrumbs"].as_array().expect("breadcrumbs");
    assert_eq!(crumbs.len(), 20);
    let last = &crumbs[19]["data"]["to"];
    let path = seen["last"]["path"].as_str().expect("the page's path");
    assert!(last.as_str().is_some_and(|to| to.ends_with(path)), "{last}, {path}");
}

fn an_error_of_a_page_has_the_trace_of_its_requests(engine: &str) {
    let (seen, event) = only_event(engine, "traced");
    let trace = event["contexts"]["trace"]["trace_id"].as_str().expect("a trace");
    assert_eq!(seen["traceparent"].as_str().and_then(|sent| sent.split('-').nth(1)), Some(trace), "{seen}");
}

fn errors_of_other_realms_and_of_workers_arrive(engine: &str) {
    let mut collector = Collector::start();
    visit(&collector, engine, "realms");
    let api = collector.api();
    let issues = api.await_issues(2, SOON);
    let event = |title: &str| {
        let issue = issues.iter().find(|issue| issue.text("title").contains(title));
        event_of(&api, issue.unwrap_or_else(|| panic!("{title} is not in {issues:?}")))
    };
    let foreign = event("foreign on purpose");
    assert_eq!(foreign["exception"]["values"].as_array().map(Vec::len), Some(2), "{foreign:#}");
    assert_eq!(foreign["exception"]["values"][1]["type"], "TypeError");
    let worker = event("worker on purpose");
    assert_eq!(worker["exception"]["values"][0]["type"], "RangeError");
    assert_eq!(worker["exception"]["values"][0]["mechanism"]["handled"], false);
    assert!(worker.to_string().contains("inWorker"), "{worker:#}");
}

engines! {
    alerts_arrive_with_what_was_around_them,
    an_error_before_the_script_is_there_arrives,
    an_error_while_the_page_goes_elsewhere_arrives,
    thirty_errors_of_a_page_that_goes_arrive_but_for_one,
    a_page_that_changes_its_route_again_and_again_does_not_grow,
    an_error_of_a_page_has_the_trace_of_its_requests,
    errors_of_other_realms_and_of_workers_arrive,
    where_the_policy_forbids_wasm_the_same_code_runs_as_javascript,
    where_the_policy_forbids_wasm_more_than_a_little_arrives_whole,
    where_the_policy_allows_wasm_it_runs,
    where_the_policy_forbids_to_connect_the_page_is_as_without_us,
    where_wasm_is_missing_the_same_code_runs_as_javascript,
    without_the_core_errors_are_sent_as_they_are,
    without_the_rest_of_the_script_the_stub_sends_what_it_holds,
    a_page_whose_storage_throws_reports_all_the_same,
    what_no_beacon_takes_is_sent_on_the_next_visit,
    a_page_that_froze_what_it_could_reports_all_the_same,
    two_copies_on_a_page_report_once,
    what_happened_offline_arrives_when_the_network_is_back,
    a_console_error_in_a_tight_loop_is_counted_exactly,
    a_loop_that_ends_before_the_core_is_there_is_counted_exactly,
    what_the_stub_had_no_room_for_is_told_as_lost,
}

// Firefox's driver closes a tab in a way that now and then loses even a page's own beacons, so it is left out.
mod closed_tab {
    use super::{assert_by_core, only_event};

    #[test]
    fn its_last_error_arrives_from_chromium() {
        assert_by_core(&only_event("chromium", "closed").1);
    }

    #[test]
    fn its_last_error_arrives_from_webkit() {
        assert_by_core(&only_event("webkit", "closed").1);
    }

    #[test]
    fn its_last_error_arrives_from_chromium_even_if_the_core_was_not_there_yet() {
        only_event("chromium", "closed-early");
    }

    #[test]
    fn its_last_error_arrives_from_webkit_even_if_the_core_was_not_there_yet() {
        only_event("webkit", "closed-early");
    }
}
