//! What leaves through the C ABI is, byte for byte, what `tests/golden` says: the same as from the Rust SDK.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

use std::ffi::c_void;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use error_sentinel_ffi::*;
use error_sentinel_wire::codec::{JsonWriter, decode_value};
use error_sentinel_wire::{Object, Value};

const DSN: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
/// Against hanging.
const PATIENCE_MS: u32 = 60_000;

fn text(text: &str) -> Text {
    Text { data: text.as_ptr().cast(), length: text.len() }
}

#[track_caller]
fn ok(status: Status) {
    assert_eq!(status, Status::Ok);
}

fn json(value: &Value) -> String {
    let mut writer = JsonWriter::default();
    writer.value(value);
    String::from_utf8(writer.into_bytes()).expect("JSON is text")
}

/// Starts as a case says.
fn start(case: &Object) {
    let mut options = OptionsHandle { number: 0 };
    let mut contexts = Object::default();
    // SAFETY: all texts outlive their calls, here and below, and what is written to is ours.
    unsafe {
        ok(sentinel_options_new(text(DSN), &raw mut options));
        ok(sentinel_options_set_attach_stack(options, false));
        ok(sentinel_options_deliver_by_host(options));
        for (name, value) in &case.get("options").and_then(Value::as_object).expect("options").0 {
            let said = || text(value.as_str().expect("a text"));
            ok(match name.as_str() {
                "sdk_name" => sentinel_options_set_sdk_name(options, said()),
                "sent_at" => sentinel_options_set_sent_at(options, said()),
                "release" => sentinel_options_set_release(options, said()),
                "environment" => sentinel_options_set_environment(options, said()),
                "app" => sentinel_options_set_app(options, said()),
                "max_breadcrumbs" => {
                    sentinel_options_set_max_breadcrumbs(options, value.as_i64().expect("a number") as usize)
                }
                "sample_rate" => {
                    sentinel_options_set_sample_rate(options, value.as_i64().expect("a number") as f64)
                }
                "contexts" => {
                    contexts = value.clone().into_object();
                    Status::Ok
                }
                other => panic!("there is no option {other}"),
            });
        }
        ok(sentinel_init(options));
        for (name, facts) in &contexts.0 {
            ok(sentinel_set_context(text(name), text(&json(facts))));
        }
    }
}

fn call(name: &str, argument: &Value) {
    let pair = || match argument {
        Value::Array(pair) => <&[Value; 2]>::try_from(pair.as_slice()).expect("two arguments"),
        other => panic!("{other:?} is no pair"),
    };
    let string = |value: &Value| value.as_str().expect("a text").to_owned();
    let whole = json(argument);
    // SAFETY: as above.
    ok(unsafe {
        match name {
            "set_tag" => sentinel_set_tag(text(&string(&pair()[0])), text(&string(&pair()[1]))),
            "set_context" => sentinel_set_context(text(&string(&pair()[0])), text(&json(&pair()[1]))),
            "set_user" if *argument == Value::Null => sentinel_set_user(text(""), text(""), text("")),
            "set_user" => sentinel_set_user_json(text(&whole)),
            "add_breadcrumb" => sentinel_add_breadcrumb_json(text(&whole)),
            "send_alert" => {
                ok(sentinel_send_event(text(&whole), std::ptr::null_mut()));
                sentinel_flush(PATIENCE_MS)
            }
            other => panic!("there is no call {other}"),
        }
    });
}

/// The host: takes every request, and says that it is stored.
fn deliver() -> Vec<String> {
    let mut envelopes = Vec::new();
    loop {
        let mut request = RequestHandle { number: 0 };
        // SAFETY: what is written to is ours.
        match unsafe { sentinel_next_request(PATIENCE_MS, &raw mut request) } {
            Status::Ok => {}
            Status::NotInitialised => return envelopes,
            other => panic!("{other:?}"),
        }
        let (mut data, mut length): (*const c_void, usize) = (std::ptr::null(), 0);
        // SAFETY: the body lives until the request is freed, and there are no headers.
        unsafe {
            ok(sentinel_request_body(request, &raw mut data, &raw mut length));
            let body = std::slice::from_raw_parts(data.cast::<u8>(), length);
            envelopes.push(String::from_utf8(body.to_vec()).expect("an envelope of events is text"));
            ok(sentinel_report_result(request, 200, std::ptr::null(), 0));
        }
    }
}

/// The envelopes that leave when a case is played.
fn played(case: &Object) -> Vec<String> {
    start(case);
    let host = thread::spawn(deliver);
    for step in case.get("calls").and_then(Value::as_array).expect("calls") {
        let step = step.as_object().expect("a call");
        step.0.iter().for_each(|(name, argument)| call(name, argument));
    }
    ok(sentinel_close(PATIENCE_MS));
    host.join().expect("it ends")
}

/// One test, since the SDK is one for the whole process.
#[test]
fn every_golden_case_leaves_through_c_as_it_leaves_from_rust() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let entries = fs::read_dir(golden).expect("there is golden data");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    cases.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    assert!(cases.len() >= 7, "{cases:?}");
    for path in cases {
        let case = decode_value(&fs::read(&path).expect("readable")).expect("a case is JSON");
        let expected =
            fs::read_to_string(path.with_extension("envelopes")).expect("every case has its envelopes");
        assert_eq!(played(&case.into_object()).join("\n"), expected, "{}", path.display());
    }
}
