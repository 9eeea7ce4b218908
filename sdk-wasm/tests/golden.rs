//! What the core makes of errors is what `tests/golden` says, as far as a page does the same: it has no sample rate, its
//! script cuts what is too long, and the order of an event's fields is the script's.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]
use std::fs;
use std::path::Path;

use error_sentinel_wasm::page::Page;
use error_sentinel_wasm::record::END;
use error_sentinel_wire::codec::decode_value;
use error_sentinel_wire::{Event, Object, Value, envelope};

/// As the script hands a value over.
fn record(value: &Value) -> String {
    match value {
        Value::Null => format!("n{END}"),
        Value::Bool(is_true) => format!("{}{END}", if *is_true { "t" } else { "f" }),
        Value::Int(number) => format!("i{number}{END}"),
        Value::String(text) => format!("s{text}{END}"),
        Value::Array(values) => format!("[{END}{}]{END}", values.iter().map(record).collect::<String>()),
        Value::Object(object) => {
            let fields = object.0.iter().map(|(key, value)| format!("k{key}{END}{}", record(value)));
            format!("{{{END}{}]{END}", fields.collect::<String>())
        }
        other => format!("s{}{END}", other.clone().into_text().expect("a number")),
    }
}

/// The events of an envelope.
fn events(envelope: &[u8]) -> Vec<Event> {
    let (_, items) = envelope::open(envelope).expect("an envelope");
    let items = items.map(|item| item.expect("an item")).filter(|item| item.header.kind == "event");
    items.map(|item| Event::from_value(decode_value(item.payload).expect("JSON"))).collect()
}

/// The events that leave when a page does what a case says.
fn played(case: &Object) -> Vec<Event> {
    let part = |name: &str| case.get(name).expect("every case has it");
    let options = part("options").as_object().expect("options");
    let mut page = Page::new(20, 1.0);
    let mut tags = Object::default();
    let mut around = Object::default();
    for name in ["release", "environment", "app", "contexts"] {
        around.set(name, options.get(name).cloned().unwrap_or_default());
    }
    let mut sent = Vec::new();
    for step in part("calls").as_array().expect("calls") {
        for (name, argument) in &step.as_object().expect("a call").0 {
            match (name.as_str(), argument) {
                ("set_tag", Value::Array(pair)) => {
                    tags.set(pair[0].as_str().expect("a name"), pair[1].clone());
                }
                ("set_context", Value::Array(pair)) => {
                    let mut contexts = around.take("contexts").unwrap_or_default().into_object();
                    contexts.set(pair[0].as_str().expect("a name"), pair[1].clone());
                    around.set("contexts", contexts);
                }
                ("set_user", user) => around.set("user", user.clone()),
                ("add_breadcrumb", step) => page.add_breadcrumb(record(step)),
                ("send_alert", event) => {
                    let mut event = event.clone().into_object();
                    let mut contexts = event.take("contexts").unwrap_or_default().into_object();
                    around.0.iter().for_each(|(key, value)| event.set(key, value.clone()));
                    contexts.0.extend(event.take("contexts").unwrap_or_default().into_object().0);
                    event.set("contexts", contexts);
                    let id = event.get("event_id").cloned().unwrap_or_default();
                    let looks = [Value::Object(tags.clone()), id, Value::default(), Value::default()];
                    page.capture(
                        &record(&Value::Object(event)),
                        &record(&Value::Array(looks.into())),
                        1,
                        0.0,
                        0.0,
                    );
                    sent.extend(events(&page.poll(0.0, 0.0)));
                    page.handle_reply(200, "\n\n", 0.0);
                }
                other => panic!("a page has no {other:?}"),
            }
        }
    }
    sent
}

#[test]
fn the_core_tells_and_filters_what_the_golden_data_says() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    for name in ["chain", "many", "secrets"] {
        let read = |ending: &str| fs::read(golden.join(name).with_extension(ending)).expect("readable");
        let case = decode_value(&read("json")).expect("a case is JSON").into_object();
        let mut played = played(&case);
        let expected = read("envelopes");
        // An empty line stands between two envelopes.
        let expected = String::from_utf8(expected).expect("text");
        let mut expected: Vec<Event> =
            expected.split("\n\n").flat_map(|envelope| events(envelope.as_bytes())).collect();
        assert!(!expected.is_empty());
        for event in played.iter_mut().chain(&mut expected) {
            // Which SDK it was is what differs.
            event.sdk = None;
            // A page knows its address, and neither its cookies nor what a proxy wrote.
            event.request.iter_mut().for_each(|request| {
                request.cookies = None;
                request.headers.clear();
            });
        }
        assert_eq!(played, expected, "{name}");
    }
}
