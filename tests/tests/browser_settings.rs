//! What a page can set of the browser SDK, and what becomes of errors where the SDK itself fails: in the three real
//! engines, against the real collector.

use std::time::Duration;

use error_sentinel_tests::page::{assert_by_core, assert_frame, event_of, only_event, visit};
use error_sentinel_tests::{Collector, Person, engines, eventually};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

fn whatever_is_reported_arrives_or_costs_nothing_else(engine: &str) {
    let mut collector = Collector::start();
    visit(&collector, engine, "anything");
    collector.api().await_total(8, SOON);
}

fn whatever_the_stub_holds_is_sent_or_costs_nothing_else(engine: &str) {
    let mut collector = Collector::start();
    visit(&collector, engine, "anything-raw");
    let api = collector.api();
    api.await_total(7, SOON);
    let issues = api.issues();
    for title in ["undefined", "null", "sign on purpose", "text on purpose", "refused on purpose"] {
        assert!(issues.iter().any(|issue| issue.text("title").contains(title)), "{title}: {issues:?}");
    }
}

fn a_page_with_a_tunnel_needs_no_other_way(engine: &str) {
    let (_, event) = only_event(engine, "tunnel");
    assert_by_core(&event);
    assert_frame(&event, "report");
}

fn a_tunnel_is_enough_even_for_the_stub(engine: &str) {
    assert_frame(&only_event(engine, "tunnel-raw").1, "report");
}

#[track_caller]
fn assert_was_set(event: &Value, release: &str) {
    assert_eq!(
        (&event["release"], &event["tags"]["seen"]),
        (&json!(release), &json!("by the page")),
        "{event:#}"
    );
}

fn a_collector_of_another_origin_is_reached_by_a_script_that_is_bound_by_its_hash(engine: &str) {
    for scenario in ["foreign", "foreign-no-wasm"] {
        let (seen, event) = only_event(engine, scenario);
        assert_by_core(&event);
        assert_frame(&event, "report");
        assert_eq!(seen["posts"], 0, "nothing goes by way of the page's own server");
    }
}

fn what_is_set_after_the_start_counts(engine: &str) {
    assert_was_set(&only_event(engine, "late-init").1, "late@2");
}

fn what_is_set_before_the_script_is_there_counts(engine: &str) {
    assert_was_set(&only_event(engine, "early-init").1, "early@2");
}

fn every_door_is_listened_at(engine: &str) {
    let mut collector = Collector::start();
    visit(&collector, engine, "all-doors");
    let api = collector.api();
    // Thrown, rejected, logged, the picture, and the alert.
    api.await_total(5, SOON);
    let issues = api.issues();
    let titled = |title: &str| issues.iter().find(|issue| issue.text("title").contains(title)).cloned();
    assert!(titled("Failed to load <img>").is_some(), "{issues:?}");
    let event = event_of(&api, &titled("all-doors on purpose").expect("the alert"));
    let steps = event["breadcrumbs"].as_array().expect("breadcrumbs");
    for category in ["console", "navigation", "fetch", "xhr", "ui.click", "ui.input"] {
        assert!(steps.iter().any(|step| step["category"] == category), "{category}: {steps:#?}");
    }
}

fn a_door_that_is_switched_off_is_not_listened_at(engine: &str) {
    let (_, event) = only_event(engine, "no-doors");
    assert_eq!(event.get("breadcrumbs"), None, "{event:#}");
}

fn the_stub_does_not_listen_either(engine: &str) {
    only_event(engine, "no-doors-early");
}

fn after_a_trap_errors_are_sent_as_they_are_and_the_rest_is_told_as_lost(engine: &str) {
    let mut collector = Collector::start();
    let seen = visit(&collector, engine, "trapped");
    assert_eq!(seen["asked"], 1, "a core that has failed is not asked again");
    collector.api().await_total(31, SOON);
    let mut person = Person::signed_in(&collector);
    let page = eventually("the losses are shown", SOON, || {
        Some(person.open("/projects").text()).filter(|page| page.contains("the SDK itself failed"))
    });
    assert!(page.contains("<b>10</b> errors"), "{page}");
}

fn a_nonce_is_handed_on_to_the_plain_javascript(engine: &str) {
    let (seen, event) = only_event(engine, "nonce");
    assert_by_core(&event);
    assert_eq!(seen["fallback"], true);
}

engines! {
    whatever_is_reported_arrives_or_costs_nothing_else,
    whatever_the_stub_holds_is_sent_or_costs_nothing_else,
    a_page_with_a_tunnel_needs_no_other_way,
    a_tunnel_is_enough_even_for_the_stub,
    a_collector_of_another_origin_is_reached_by_a_script_that_is_bound_by_its_hash,
    what_is_set_after_the_start_counts,
    what_is_set_before_the_script_is_there_counts,
    every_door_is_listened_at,
    a_door_that_is_switched_off_is_not_listened_at,
    the_stub_does_not_listen_either,
    after_a_trap_errors_are_sent_as_they_are_and_the_rest_is_told_as_lost,
    a_nonce_is_handed_on_to_the_plain_javascript,
}
