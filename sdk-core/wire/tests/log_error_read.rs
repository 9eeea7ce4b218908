//! `POST /log-error` takes what a shell script or an old program can write.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use error_sentinel_wire::codec::decode_value;
use error_sentinel_wire::log_error::{InvalidLogError, event_from_value};
use error_sentinel_wire::{Event, Level};

fn read(json: &str) -> Result<Event, InvalidLogError> {
    event_from_value(decode_value(json.as_bytes()).unwrap())
}

#[test]
fn a_message_is_enough() {
    let event = read(r#"{"message":"disk full"}"#).unwrap();
    assert_eq!(event.message.unwrap().text(), Some("disk full"));
    assert_eq!(event.platform.as_deref(), Some("other"));
}

#[test]
fn a_type_makes_it_an_exception_and_the_rest_is_an_events() {
    let event = read(
        r#"{"message":"refused","type":"PaymentError","level":"critical","app":"delivery","release":"1.2",
            "tags":{"shop":"7"},"user":{"id":"u1"},"trace_id":"0af7651916cd43dd8448eb211c80319c",
            "stack":"Error: refused\n    at pay (/srv/app/pay.js:10:5)\n    at main (/srv/app/main.js:2:1)"}"#,
    )
    .unwrap();
    let exception = event.main_exception().unwrap();
    assert_eq!(
        (exception.kind.as_deref(), exception.value.as_deref()),
        (Some("PaymentError"), Some("refused"))
    );
    assert_eq!(event.level, Some(Level::Fatal));
    assert_eq!(event.app.as_deref(), Some("delivery"));
    let frames = &exception.stacktrace.as_ref().unwrap().frames;
    let places: Vec<_> = frames
        .iter()
        .map(|f| (f.function.as_deref().unwrap(), f.filename.as_deref().unwrap(), f.lineno.unwrap()))
        .collect();
    assert_eq!(places, [("main", "/srv/app/main.js", 2), ("pay", "/srv/app/pay.js", 10)]);
    assert_eq!(
        event.contexts.get("trace").unwrap().get("trace_id").unwrap().as_str(),
        Some("0af7651916cd43dd8448eb211c80319c")
    );
}

#[test]
fn stacks_as_text_are_split_in_the_forms_of_many_languages() {
    for (stack, newest) in [
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in main\n    f()\n  File \"b.py\", line 7, in f\n    1/0",
            ("f", "b.py", 7),
        ),
        (
            "java.lang.Error: x\n\tat com.shop.Pay.run(Pay.java:7)\n\tat com.shop.Main.main(Main.java:1)",
            ("com.shop.Pay.run", "Pay.java", 7),
        ),
        ("f@https://a.b/app.js:7:3\nmain@https://a.b/app.js:1:1", ("f", "https://a.b/app.js", 7)),
        ("#0 /srv/b.php(7): f()\n#1 /srv/a.php(1): main()\n#2 {main}", ("f", "/srv/b.php", 7)),
    ] {
        let json =
            format!(r#"{{"message":"x","stack":{}}}"#, error_sentinel_wire::codec::to_json(&stack.into()));
        let event = read(&json).unwrap();
        let frames = &event.main_exception().unwrap().stacktrace.as_ref().unwrap().frames;
        let last = frames.last().unwrap();
        assert_eq!(
            (last.function.as_deref().unwrap(), last.filename.as_deref().unwrap(), last.lineno.unwrap()),
            newest,
            "{stack}"
        );
        assert_eq!(frames.len(), 2, "{stack}");
    }
}

#[test]
fn a_stack_of_no_known_form_is_kept_as_it_is() {
    let event = read(r#"{"message":"x","stack":"somewhere in the engine room"}"#).unwrap();
    assert_eq!(event.extra.get("stack").unwrap().as_str(), Some("somewhere in the engine room"));
    assert!(event.exceptions.is_empty());
}

#[test]
fn what_is_no_report_is_named() {
    assert_eq!(read("[]").unwrap_err(), InvalidLogError::NotAnObject);
    for json in ["{}", r#"{"message":""}"#, r#"{"message":null}"#] {
        assert_eq!(read(json).unwrap_err(), InvalidLogError::NoMessage, "{json}");
    }
}
