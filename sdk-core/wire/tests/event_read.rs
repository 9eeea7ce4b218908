//! An event is read from every form that real senders use, and nothing in it can cost the rest.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use error_sentinel_wire::codec::decode_value;
use error_sentinel_wire::{Event, Level, Value};
use proptest::prelude::*;

fn read(json: &str) -> Event {
    Event::from_value(decode_value(json.as_bytes()).unwrap())
}

#[test]
fn exceptions_come_wrapped_listed_or_alone() {
    let expected = read(r#"{"exception":{"values":[{"type":"A","value":"x"}]}}"#).exceptions;
    assert_eq!(expected.len(), 1);
    for json in [
        r#"{"exception":[{"type":"A","value":"x"}]}"#,
        r#"{"exception":{"type":"A","value":"x"}}"#,
        r#"{"exception":{"values":[null,{"type":"A","value":"x"},{}]}}"#,
        r#"{"sentry.interfaces.Exception":{"values":{"type":"A","value":"x"}}}"#,
        r#"{"exception":[{"value":"A: x"}]}"#,
    ] {
        assert_eq!(read(json).exceptions, expected, "{json}");
    }
    for json in [r#"{"exception":null}"#, r#"{"exception":[]}"#, r#"{"exception":{"values":null}}"#, "{}"] {
        assert_eq!(read(json).exceptions, vec![], "{json}");
    }
}

#[test]
fn a_stack_beside_the_only_exception_belongs_to_it() {
    let event = read(r#"{"exception":[{"type":"A"}],"stacktrace":{"frames":[{"function":"f"}]}}"#);
    assert_eq!(event.stacktrace, None);
    assert_eq!(event.exceptions[0].stacktrace.as_ref().unwrap().frames[0].function.as_deref(), Some("f"));
}

#[test]
fn messages_come_as_text_as_object_and_in_both_fields() {
    let both = read(r#"{"logentry":{"message":"user %s","params":["7"]},"message":"user 7"}"#);
    let message = both.message.unwrap();
    assert_eq!(message.template.as_deref(), Some("user %s"));
    assert_eq!(message.text(), Some("user 7"));
    for json in [r#"{"message":"hello"}"#, r#"{"logentry":"hello"}"#, r#"{"message":{"formatted":"hello"}}"#]
    {
        assert_eq!(read(json).message.unwrap().text(), Some("hello"), "{json}");
    }
    assert_eq!(read(r#"{"message":""}"#).message, None);
}

#[test]
fn tags_and_headers_come_as_maps_pairs_and_lists() {
    let tags = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "true".to_owned())];
    for json in [r#"{"tags":{"a":1,"b":true,"c":null}}"#, r#"{"tags":[["a","1"],["b",true],null,["c"]]}"#] {
        assert_eq!(read(json).tags, tags, "{json}");
    }
    let request = read(r#"{"request":{"headers":{"Host":["a","b"]},"query_string":[["q","1"],["p","2"]]}}"#);
    let request = request.request.unwrap();
    assert_eq!(request.headers, [("Host".into(), "a".into()), ("Host".into(), "b".into())]);
    assert_eq!(request.query_string.as_deref(), Some("q=1&p=2"));
}

#[test]
fn the_environment_of_old_senders_hides_in_a_tag() {
    let event = read(r#"{"tags":{"environment":"staging","x":"y"}}"#);
    assert_eq!(event.environment.as_deref(), Some("staging"));
    assert_eq!(event.tags, [("x".into(), "y".into())]);
}

#[test]
fn wrong_types_cost_only_themselves() {
    let event = read(
        r#"{"event_id":7,"timestamp":[],"level":{},"release":1.5,"user":"u7","contexts":[],"modules":[],
            "breadcrumbs":[{"data":"text"},7,null],"fingerprint":["a",1,null,true],"tags":5,"extra":[],
            "sdk":"x","exception":[{"type":"A","stacktrace":{"frames":[{"lineno":"12","vars":[1]},7]}}]}"#,
    );
    assert_eq!((event.event_id, event.timestamp, event.level), (None, None, None));
    assert_eq!(event.release.as_deref(), Some("1.5"));
    assert_eq!(event.user.unwrap().identity(), Some("u7"));
    assert_eq!(event.fingerprint, ["a", "1", "true"]);
    assert_eq!(event.breadcrumbs.len(), 1);
    let frames = &event.exceptions[0].stacktrace.as_ref().unwrap().frames;
    assert_eq!((frames.len(), frames[0].lineno), (1, Some(12)));
}

#[test]
fn levels_come_as_names_aliases_and_numbers() {
    for (json, level) in [
        (r#""critical""#, Some(Level::Fatal)),
        (r#""LOG""#, Some(Level::Info)),
        ("40", Some(Level::Error)),
        (r#""30""#, Some(Level::Warning)),
        (r#""loud""#, None),
        ("null", None),
    ] {
        assert_eq!(read(&format!(r#"{{"level":{json}}}"#)).level, level, "{json}");
    }
}

#[test]
fn the_middle_of_a_long_stack_is_cut_because_both_ends_matter() {
    let frames: Vec<String> = (0..1000).map(|n| format!(r#"{{"function":"f{n}"}}"#)).collect();
    let event = read(&format!(r#"{{"exception":[{{"stacktrace":{{"frames":[{}]}}}}]}}"#, frames.join(",")));
    let frames = &event.exceptions[0].stacktrace.as_ref().unwrap().frames;
    assert_eq!(frames.len(), error_sentinel_wire::limits::FRAMES);
    assert_eq!(frames.first().unwrap().function.as_deref(), Some("f0"));
    assert_eq!(frames.last().unwrap().function.as_deref(), Some("f999"));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        "\\PC{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec![
                "exception",
                "values",
                "stacktrace",
                "frames",
                "mechanism",
                "message",
                "logentry",
                "formatted",
                "params",
                "breadcrumbs",
                "data",
                "user",
                "id",
                "request",
                "headers",
                "tags",
                "contexts",
                "fingerprint",
                "sdk",
                "occurrences",
                "count",
                "threads",
                "debug_meta",
                "images",
                "timestamp",
            ])
            .prop_map(String::from),
            "\\PC{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|entries| Value::Object(error_sentinel_wire::Object(entries))),
        ]
    })
}

proptest! {
    #[test]
    fn an_event_of_any_shape_is_read_and_what_was_read_is_stable(value in json_value()) {
        let event = Event::from_value(value);
        let again = read(&String::from_utf8(event.to_json()).unwrap());
        let third = read(&String::from_utf8(again.to_json()).unwrap());
        prop_assert_eq!(again, third);
    }

    #[test]
    fn an_event_that_was_written_reads_back(
        id in any::<u128>(),
        ms in 0i64..4_000_000_000_000,
        texts in prop::collection::vec("[a-z]{1,12}", 8),
        line in any::<u32>(),
        count in 1u64..1_000_000,
    ) {
        use error_sentinel_wire::*;
        let text = |at: usize| Some(texts[at].clone());
        let mut object = Object::default();
        object.set("key", texts[7].as_str());
        let event = Event {
            event_id: Some(EventId(id)),
            timestamp: Some(UnixMs(ms)),
            level: Some(Level::Fatal),
            platform: text(0),
            app: text(1),
            release: text(2),
            message: Some(Message { template: text(3), formatted: text(4), params: Value::Null }),
            exceptions: vec![Exception {
                kind: text(0),
                value: text(1),
                mechanism: Some(Mechanism { kind: texts[2].clone(), handled: Some(false), ..Default::default() }),
                stacktrace: Some(Stacktrace {
                    frames: vec![Frame {
                        function: text(3),
                        filename: text(4),
                        lineno: Some(line.into()),
                        in_app: Some(true),
                        vars: object.clone(),
                        ..Frame::default()
                    }],
                    ..Default::default()
                }),
                ..Default::default()
            }],
            breadcrumbs: vec![Breadcrumb {
                timestamp: Some(UnixMs(ms)),
                message: text(5),
                data: object.clone(),
                ..Default::default()
            }],
            user: Some(User { id: text(6), ..Default::default() }),
            request: Some(Request {
                url: text(0),
                headers: vec![(texts[1].clone(), texts[2].clone())],
                ..Default::default()
            }),
            contexts: object.clone(),
            tags: vec![(texts[3].clone(), texts[4].clone())],
            extra: object,
            fingerprint: vec![texts[5].clone()],
            sdk: Some(Sdk { name: texts[6].clone(), version: texts[7].clone() }),
            occurrences: Some(Occurrences {
                count,
                first: Some(UnixMs(ms)),
                users: vec![texts[0].clone()],
                tags: vec![(texts[1].clone(), vec![texts[2].clone()])],
                more_count: 3,
                ..Default::default()
            }),
            ..Event::default()
        };
        prop_assert_eq!(read(&String::from_utf8(event.to_json()).unwrap()), event);
    }
}
