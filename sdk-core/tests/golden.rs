//! What leaves is, byte for byte, what `tests/golden` says: the same for every SDK, whatever language it is for.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use error_sentinel::{Breadcrumb, Event, Object, Options, TestTransport, UnixMs, User, Value};
use error_sentinel_wire::codec::decode_value;

const DSN: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
/// Against hanging.
const PATIENCE: Duration = Duration::from_secs(60);

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

fn options_of(case: &Object) -> (Options, Object) {
    let options = case.get("options").and_then(Value::as_object).expect("every case has options");
    let mut read = Options::new(DSN).attach_stacktrace(false);
    let mut contexts = Object::default();
    for (name, value) in &options.0 {
        let text = || value.as_str().expect("a text").to_owned();
        read = match name.as_str() {
            "sdk_name" => read.sdk_name(text()),
            "sent_at" => read.sent_at(UnixMs::parse(&text()).expect("a time")),
            "release" => read.release(text()),
            "environment" => read.environment(text()),
            "app" => read.app(text()),
            "max_breadcrumbs" => read.max_breadcrumbs(value.as_i64().expect("a number") as usize),
            "sample_rate" => read.sample_rate(value.as_i64().expect("a whole number") as f64),
            "contexts" => {
                contexts = value.clone().into_object();
                read
            }
            other => panic!("there is no option {other}"),
        };
    }
    (read, contexts)
}

fn call(name: &str, argument: &Value) {
    let argument = argument.clone();
    let pair = |argument: Value| match argument {
        Value::Array(pair) => <[Value; 2]>::try_from(pair).expect("two arguments"),
        other => panic!("{other:?} is no pair"),
    };
    match name {
        "set_tag" => {
            let [key, value] = pair(argument).map(|text| text.into_text().expect("a text"));
            error_sentinel::set_tag(key, value);
        }
        "set_context" => {
            let [name, facts] = pair(argument);
            error_sentinel::set_context(name.as_str().expect("a name"), facts);
        }
        "set_user" => error_sentinel::set_user(User::from_value(argument)),
        "add_breadcrumb" => {
            error_sentinel::add_breadcrumb(Breadcrumb::from_value(argument).expect("a step"));
        }
        "send_alert" => {
            let event = Event::from_value(argument);
            assert!(event.event_id.is_some() && event.timestamp.is_some(), "a case leaves nothing to chance");
            error_sentinel::send_alert(event);
            assert!(error_sentinel::flush(PATIENCE));
        }
        other => panic!("there is no call {other}"),
    }
}

/// The envelopes that leave when a case is played.
fn played(case: &Object) -> Vec<String> {
    let transport = TestTransport::new();
    let (options, contexts) = options_of(case);
    let guard = error_sentinel::init(options.transport(transport.clone()));
    for (name, facts) in contexts.0 {
        error_sentinel::set_context(&name, facts);
    }
    for step in case.get("calls").and_then(Value::as_array).expect("every case has calls") {
        let step = step.as_object().expect("a call");
        step.0.iter().for_each(|(name, argument)| call(name, argument));
    }
    assert!(guard.close(PATIENCE));
    transport.envelopes()
}

/// One test, since the SDK is one for the whole process.
#[test]
fn every_golden_case_leaves_as_the_envelopes_beside_it() {
    let is_written = std::env::var_os("ERROR_SENTINEL_GOLDEN").is_some_and(|what| what == "write");
    let entries = fs::read_dir(golden()).expect("there is golden data");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    cases.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    assert!(cases.len() >= 7, "{cases:?}");
    for path in cases {
        let case = decode_value(&fs::read(&path).expect("readable")).expect("a case is JSON");
        let envelopes = played(&case.into_object()).join("\n");
        let expected = path.with_extension("envelopes");
        if is_written {
            fs::write(&expected, &envelopes).expect("written");
        }
        let expected = fs::read_to_string(&expected).expect("every case has its envelopes");
        assert_eq!(envelopes, expected, "{}", path.display());
    }
}
