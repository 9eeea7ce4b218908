//! Line 21 of the checklist: whatever shape real SDKs give an event, it is accepted, becomes an issue, and its
//! page can be read.

use std::time::Duration;

use error_sentinel_tests::payload::event_id;
use error_sentinel_tests::{Collector, Person, Request};

const SOON: Duration = Duration::from_secs(20);

/// What is odd, the event without its id, and what must be found on its page.
const EVENTS: &[(&str, &str, &str)] = &[
    (
        "Go: exceptions as a bare list",
        r#"{"platform":"go","exception":[{"type":"*errors.errorString","value":"go one","stacktrace":{"frames":[{"function":"main.run","lineno":3}]}}]}"#,
        "go one",
    ),
    (
        "Roblox: a single bare exception",
        r#"{"exception":{"type":"Script","value":"one object","stacktrace":{"frames":[]}}}"#,
        "one object",
    ),
    ("null exceptions", r#"{"exception":null,"message":"no exception"}"#, "no exception"),
    (
        "nulls among the exceptions and frames",
        r#"{"exception":{"values":[null,{"type":"Nulls","value":"null between","stacktrace":{"frames":[null,{"function":null,"filename":"a.py","lineno":1}]}},null]}}"#,
        "null between",
    ),
    (
        "frames null",
        r#"{"exception":{"values":[{"type":"F","value":"frames null","stacktrace":{"frames":null}}]}}"#,
        "frames null",
    ),
    (
        "no type",
        r#"{"exception":{"values":[{"value":"TypeError: the type is in the value"}]}}"#,
        "the type is in the value",
    ),
    ("a value that is no text", r#"{"exception":{"values":[{"type":"Numeric","value":404}]}}"#, "404"),
    (
        "a value that is an object",
        r#"{"exception":{"values":[{"type":"Objective","value":{"code":17}}]}}"#,
        "17",
    ),
    (
        "exception groups that refer to themselves",
        r#"{"exception":{"values":[{"type":"Leaf","value":"x","mechanism":{"type":"chained","exception_id":1,"parent_id":1}},{"type":"ExceptionGroup","value":"a cycle","mechanism":{"type":"generic","exception_id":0,"parent_id":1,"is_exception_group":true}}]}}"#,
        "a cycle",
    ),
    (
        "a stack beside its only exception",
        r#"{"exception":{"values":[{"type":"Beside","value":"stack beside"}]},"stacktrace":{"frames":[{"function":"beside_it","filename":"b.rs","lineno":9,"in_app":true}]}}"#,
        "stack beside",
    ),
    (
        ".NET: the stack in the thread that crashed",
        r#"{"platform":"csharp","level":"fatal","message":"thread","threads":{"values":[{"id":1,"crashed":false},{"id":"2","crashed":true,"stacktrace":{"frames":[{"function":"Crashed","in_app":true}]}}]}}"#,
        "thread",
    ),
    (
        "native: addresses as numbers, nothing symbolised",
        r#"{"platform":"native","level":"fatal","exception":{"values":[{"type":"SIGSEGV","value":"Segfault","mechanism":{"type":"signalhandler","synthetic":true,"handled":false,"meta":{"signal":{"number":11}}},"stacktrace":{"frames":[{"instruction_addr":94000000001,"package":"/usr/bin/app"},{"instruction_addr":"0x7f00","package":"/usr/bin/app"}]}}]},"debug_meta":{"images":[{"type":"elf","image_addr":"0x1000","image_size":4096,"debug_id":null}]}}"#,
        "SIGSEGV",
    ),
    (
        "a message that is an object",
        r#"{"message":{"message":"hello %s","params":["ada"],"formatted":"hello ada"}}"#,
        "hello ada",
    ),
    (
        "a message of a template and names",
        r#"{"logentry":{"message":"hello {who}","params":{"who":"bob"}}}"#,
        "bob",
    ),
    ("a log entry that is a text", r#"{"logentry":"only a text"}"#, "only a text"),
    (
        "raven: interfaces by their old names",
        r#"{"sentry.interfaces.Exception":{"values":[{"type":"Old","value":"of the old days"}]},"sentry.interfaces.User":{"id":7},"culprit":"old.module","level":40,"checksum":"abc"}"#,
        "of the old days",
    ),
    ("a level by its number", r#"{"message":"thirty","level":30}"#, "thirty"),
    ("a level that nobody knows", r#"{"message":"whatever","level":"whatever"}"#, "whatever"),
    (
        "tags as pairs of any kind",
        r#"{"message":"pairs","tags":[["a",1],["b",true],["c",null],["d"],null,["environment","old"]]}"#,
        "pairs",
    ),
    (
        "PHP: empty lists for maps",
        r#"{"message":"php lists","tags":[],"extra":[],"modules":[],"user":[],"contexts":[],"request":[]}"#,
        "php lists",
    ),
    (
        "PHP: headers as lists",
        r#"{"message":"php headers","request":{"url":"https://shop.example.com/a?b=c","method":"GET","headers":{"Host":["shop.example.com"],"Accept":["a","b"]},"query_string":[["b","c"]],"cookies":"a=1; b=2","data":"raw","env":{"REMOTE_ADDR":"203.0.113.9"}}}"#,
        "php headers",
    ),
    (
        "an id of a user that is a number, in odd places",
        r#"{"message":"users","user":{"id":12345678901234567890,"ip_address":"{{auto}}","geo":{"city":null},"data":[1]}}"#,
        "users",
    ),
    (
        "contexts that are no objects",
        r#"{"message":"contexts","contexts":{"os":null,"device":"Pixel","app":7,"trace":{"trace_id":null}}}"#,
        "contexts",
    ),
    (
        "breadcrumbs of every shape",
        r#"{"message":"crumbs","breadcrumbs":[{"timestamp":"2026-01-01T00:00:00","data":"text"},{"timestamp":1790000000.5,"message":null,"data":[1,2]},null,{"timestamp":"soon","category":5,"level":"critical"}]}"#,
        "crumbs",
    ),
    (
        "a fingerprint of anything",
        r#"{"message":"prints","fingerprint":["{{ default }}",7,true,null,"x"]}"#,
        "prints",
    ),
    (
        "a release that is a number",
        r#"{"message":"release","release":42,"environment":"","dist":null,"server_name":false}"#,
        "release",
    ),
    ("a platform that nobody knows", r#"{"message":"crystal","platform":"crystal"}"#, "crystal"),
    (
        "old Python: NaN and Infinity",
        r#"{"message":"not a number","extra":{"a":NaN,"b":-Infinity,"c":Infinity}}"#,
        "not a number",
    ),
    ("lone surrogates and NUL", r#"{"message":"sur\ud800rogate\u0000nul","extra":{"\udfff":1}}"#, "rogate"),
    (
        "broken notes about what was cut",
        r#"{"message":"meta","_meta":{"message":{"":{"len":9,"rem":[["!",null]]}}},"errors":[{"type":"x"},null]}"#,
        "meta",
    ),
    (
        "a time of no kind",
        r#"{"message":"times","timestamp":"yesterday","start_timestamp":{},"received":-1}"#,
        "times",
    ),
    (
        "a time without zone and with many digits",
        r#"{"message":"digits","timestamp":"2026-11-20T10:20:30.123456789"}"#,
        "digits",
    ),
    ("nothing at all", "{}", ""),
    (
        "JavaScript: frames without names, columns only",
        r#"{"platform":"javascript","exception":{"values":[{"type":"TypeError","value":"x is undefined","mechanism":{"type":"onerror","handled":false},"stacktrace":{"frames":[{"filename":"https://shop.example.com/a.js","lineno":1,"colno":90210,"in_app":true},{"filename":"<anonymous>","function":"?","lineno":null,"colno":null}]}}]},"request":{"url":"https://shop.example.com/","headers":{"User-Agent":"Mozilla/5.0"}}}"#,
        "x is undefined",
    ),
    (
        "Hermes: one line, large columns",
        r#"{"platform":"javascript","exception":{"values":[{"type":"Error","value":"hermes one","stacktrace":{"frames":[{"function":"anonymous","filename":"app:///main.jsbundle","abs_path":"app:///main.jsbundle","lineno":1,"colno":1234567,"in_app":true}]}}]},"debug_meta":{"images":[{"type":"sourcemap","code_file":"app:///main.jsbundle","debug_id":"not an id"}]}}"#,
        "hermes one",
    ),
];

#[test]
fn line_21_events_of_every_shape_become_issues_whose_pages_can_be_read() {
    let mut collector = Collector::start();
    let mut person = Person::signed_in(&collector);
    let api = collector.api();
    for (number, (what, event, _)) in EVENTS.iter().enumerate() {
        // Through both doors in turn, with and without an event's length.
        let id = event_id(21, number as u64);
        let request = match number % 3 {
            0 => Request::post(
                "/api/1/store/",
                event.replacen('{', &format!("{{\"event_id\":\"{id}\"{}", comma(event)), 1),
            ),
            1 => Request::post(
                "/api/1/envelope/",
                format!(
                    "{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n",
                    event.len()
                ),
            ),
            _ => Request::post(
                "/api/1/envelope/",
                format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{event}"),
            ),
        };
        let reply = collector.send(&request.header("X-Sentinel-Key", collector.key()));
        assert_eq!(reply.status, 200, "{what}: {}", reply.text());
    }
    for (number, (what, _, words)) in EVENTS.iter().enumerate() {
        let event = api.event(&event_id(21, number as u64), SOON);
        let issue = event["issue_id"].to_string();
        let page = person.open(&format!("/issues/{}", issue.trim_matches('"')));
        assert_eq!(page.status, 200, "{what}: {}", page.text());
        assert!(page.text().contains(words), "{what}: {words:?} is not on the page:\n{}", page.text());
        assert!(!api.issue(issue.trim_matches('"')).text("title").is_empty(), "{what} has no title");
    }
    api.await_total(EVENTS.len() as u64, SOON);
    assert!(!collector.log().contains("panicked"), "{}", collector.log());
}

/// What must stand between an id and the rest of an object.
fn comma(event: &str) -> &'static str {
    if event == "{}" { "" } else { "," }
}
