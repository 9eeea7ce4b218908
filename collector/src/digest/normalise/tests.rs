use error_sentinel_wire::codec::decode_value;

use super::*;

fn normal(json: &str) -> Normal {
    normal_from(json, None)
}

fn normal_from(json: &str, addr: Option<IpAddr>) -> Normal {
    let mut value = decode_value(json.as_bytes()).unwrap();
    complete(&mut value, addr);
    normalise(value)
}

fn tag(normal: &Normal, key: &str) -> Option<String> {
    normal.tags.iter().find(|(name, _, _)| name == key).map(|(_, value, _)| value.clone())
}

#[test]
fn the_senders_level_counts_and_silence_means_error() {
    assert_eq!(normal("{}").level, Level::Error);
    assert_eq!(normal(r#"{"level":"warning"}"#).level, Level::Warning);
    let crash = |level: &str, kind: &str, handled: bool| {
        normal(&format!(
            r#"{{{level}"exception":{{"type":"E","mechanism":{{"type":"{kind}","handled":{handled}}}}}}}"#
        ))
        .level
    };
    assert_eq!(crash("", "signalhandler", false), Level::Fatal);
    assert_eq!(crash("", "panic", false), Level::Fatal);
    assert_eq!(crash("", "panic", true), Level::Error);
    assert_eq!(crash("", "onerror", false), Level::Error);
    assert_eq!(crash(r#""level":"error","#, "panic", false), Level::Error);
}

#[test]
fn the_senders_address_is_filled_in_where_it_asks_and_allows() {
    let addr: IpAddr = "203.0.113.9".parse().unwrap();
    let ip = |json: &str, addr| normal_from(json, addr).event.user.and_then(|user| user.ip_address);
    let auto = r#"{"user":{"ip_address":"{{auto}}"}}"#;
    assert_eq!(ip(auto, Some(addr)).as_deref(), Some("203.0.113.9"));
    assert_eq!(ip(auto, None), None);
    assert_eq!(ip(r#"{"user":{"id":"1"}}"#, Some(addr)), None);
    let never =
        r#"{"user":{"id":"1","ip_address":"{{auto}}"},"sdk":{"name":"x","settings":{"infer_ip":"never"}}}"#;
    assert_eq!(ip(never, Some(addr)), None);
    assert_eq!(normal_from(never, Some(addr)).users, ["1"]);
}

#[test]
fn a_stack_that_lies_with_the_threads_moves_to_the_exception() {
    let of = |threads: &str| {
        let json = format!(
            r#"{{"platform":"native","exception":{{"type":"SIGSEGV"}},"threads":{{"values":[{threads}]}}}}"#
        );
        let main = normal(&json).event.exceptions.pop().unwrap();
        main.stacktrace.and_then(|stack| stack.frames[0].function.clone())
    };
    let thread = |mark: &str, function: &str| {
        format!(r#"{{"id":1{mark},"stacktrace":{{"frames":[{{"function":"{function}"}}]}}}}"#)
    };
    let (idle, current, crashed) =
        (thread("", "idle"), thread(r#","current":true"#, "now"), thread(r#","crashed":true"#, "boom"));
    assert_eq!(of(&format!("{idle},{current},{crashed}")).as_deref(), Some("boom"));
    assert_eq!(of(&format!("{idle},{current}")).as_deref(), Some("now"));
    assert_eq!(of(&idle).as_deref(), Some("idle"));
    assert_eq!(of(&format!("{idle},{idle}")), None);
}

#[test]
fn titles_are_one_line_and_name_the_own_function() {
    let title = normal(
        r#"{"platform":"python","transaction":"/pay","exception":{"values":[{"type":"Cause","value":"x"},{"type":"PayError","value":"first\nsecond",
        "stacktrace":{"frames":[{"function":"charge","module":"shop.pay"},{"function":"get","abs_path":"/x/site-packages/r.py"}]}}]}}"#,
    )
    .title;
    assert_eq!(title.line, "PayError: first");
    assert_eq!((title.kind.as_str(), title.value.as_str()), ("PayError", "first\nsecond"));
    assert_eq!(title.culprit, "charge in shop.pay");
}

#[test]
fn every_event_has_a_title() {
    assert_eq!(normal("{}").title.line, "Unnamed error");
    assert_eq!(normal(r#"{"message":"disk full\nnow"}"#).title.line, "disk full");
    assert_eq!(normal(r#"{"transaction":"/pay"}"#).title.line, "Unnamed error in /pay");
    let synthetic = r#"{"exception":{"type":"SIGSEGV","value":"at 0","mechanism":{"type":"m","synthetic":true},"stacktrace":{"frames":[{"function":"parse"}]}}}"#;
    assert_eq!(normal(synthetic).title.line, "parse: at 0");
}

#[test]
fn fields_imply_tags_and_the_senders_own_win() {
    let normal = normal(
        r#"{"release":"1.2","environment":"live","app":"Shop","tags":{"release":"mine","x":1},
        "contexts":{"browser":{"name":"Firefox","version":"130.1"},"device":{"model":"Pixel"},"os":null,"trace":{"trace_id":"0af7651916cd43dd8448eb211c80319c"}},
        "exception":{"type":"E","mechanism":{"type":"onerror","handled":false}},"request":{"url":"https://a.example/x?token=1"}}"#,
    );
    for (key, value) in [
        ("release", "mine"),
        ("x", "1"),
        ("environment", "live"),
        ("app", "Shop"),
        ("level", "error"),
        ("browser", "Firefox 130"),
        ("device", "Pixel"),
        ("handled", "no"),
        ("url", "https://a.example/x"),
    ] {
        assert_eq!(tag(&normal, key).as_deref(), Some(value), "{key}");
    }
    assert!(normal.trace_id.is_some());
}

#[test]
fn the_tags_of_a_storm_add_up_to_its_errors() {
    let normal = normal(
        r#"{"tags":{"shard":"a"},"user":{"id":"1"},"occurrences":{"count":5,"users":["1","2"],"tags":{"shard":["a","b","c"]}}}"#,
    );
    let shards: Vec<(&str, u64)> = normal
        .tags
        .iter()
        .filter(|(key, _, _)| key == "shard")
        .map(|(_, value, n)| (value.as_str(), *n))
        .collect();
    assert_eq!(shards, [("a", 3), ("b", 1), ("c", 1)]);
    assert_eq!(normal.users, ["1", "2"]);
}

#[test]
fn an_event_that_tells_more_is_richer() {
    let poor = normal(r#"{"message":"x"}"#).richness;
    let rich = normal(
        r#"{"user":{"id":"1"},"breadcrumbs":[{"message":"a"}],"exception":{"type":"E","stacktrace":{"frames":[{"function":"f","vars":{"a":1}}]}}}"#,
    )
    .richness;
    assert!(rich > poor + 10);
}

#[test]
fn the_skew_is_what_the_senders_clock_was_ahead() {
    assert_eq!(skew_ms(Some(UnixMs(1500)), UnixMs(1000)), Some(500));
    assert_eq!(skew_ms(None, UnixMs(1000)), None);
}
