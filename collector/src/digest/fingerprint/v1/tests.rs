use error_sentinel_wire::codec::decode_value;
use proptest::prelude::*;

use super::*;

fn event(json: &str) -> Event {
    let mut value = decode_value(json.as_bytes()).unwrap();
    crate::digest::normalise::complete(&mut value, None);
    crate::digest::normalise::normalise(value).event
}

fn script(frames: &str, kind: &str, value: &str) -> Event {
    event(&format!(
        r#"{{"platform":"javascript","exception":{{"values":[{{"type":"{kind}","value":"{value}","stacktrace":{{"frames":[{frames}]}}}}]}}}}"#
    ))
}

fn native(functions: &[&str]) -> Event {
    let frames: Vec<String> =
        functions.iter().map(|name| format!(r#"{{"function":"{name}","filename":"/src/x.c"}}"#)).collect();
    event(&format!(
        r#"{{"platform":"native","exception":{{"values":[{{"type":"SIGABRT","stacktrace":{{"frames":[{}]}}}}]}}}}"#,
        frames.join(",")
    ))
}

fn first(event: &Event) -> (&'static str, String) {
    let key = keys(event).swap_remove(0);
    (key.kind, key.text)
}

#[test]
fn own_frames_decide_and_lines_do_not_count() {
    let of = |line: u32| {
        event(&format!(
            r#"{{"platform":"python","exception":{{"values":[{{"type":"ValueError","value":"bad {line}","stacktrace":{{"frames":[
            {{"module":"django.core","abs_path":"/x/site-packages/django/core.py","function":"call","lineno":{line}}},
            {{"module":"shop.pay","filename":"shop/pay.py","function":"charge","lineno":{line}}}]}}}}]}}}}"#
        ))
    };
    assert_eq!(first(&of(7)), (APP, "ValueError ¦ charge in shop.pay".to_owned()));
    assert_eq!(keys(&of(7))[..2], keys(&of(8))[..2]);
    let system = &keys(&of(7))[1];
    assert_eq!(system.text, "ValueError ¦ charge in shop.pay; call in django.core");
}

#[test]
fn without_a_stack_the_message_decides() {
    let of = |text: &str| event(&format!(r#"{{"message":"{text}"}}"#));
    assert_eq!(first(&of("user 1 not found")), (MESSAGE, "user <number> not found".to_owned()));
    assert_eq!(first(&of("user 1 not found")), first(&of("user 2 not found")));
    let template = event(r#"{"logentry":{"message":"user %s not found","formatted":"user bob not found"}}"#);
    assert_eq!(first(&template).1, "user %s not found");
    assert_eq!(first(&event("{}")), (MESSAGE, "no type, no message".to_owned()));
}

#[test]
fn two_log_lines_of_one_function_are_two_issues() {
    let of = |text: &str| {
        event(&format!(
            r#"{{"platform":"python","message":"{text}","stacktrace":{{"frames":[{{"function":"run","filename":"a.py"}}]}}}}"#
        ))
    };
    assert_eq!(first(&of("disk 1 full")), first(&of("disk 2 full")));
    assert_ne!(first(&of("disk full")), first(&of("disk gone")));
}

#[test]
fn the_senders_own_grouping_overrides_and_can_hold_ours() {
    let of = |fingerprint: &str| event(&format!(r#"{{"message":"boom","fingerprint":{fingerprint}}}"#));
    assert_eq!(first(&of(r#"["pay", 7, null]"#)), (CUSTOM, "pay ¦ 7".to_owned()));
    assert_eq!(first(&of(r#"["{{ default }}", "eu"]"#)), (CUSTOM, "boom ¦ eu".to_owned()));
    assert_eq!(first(&of(r#"["{{default}}"]"#)).0, MESSAGE);
    assert_eq!(first(&of("[]")).0, MESSAGE);
}

#[test]
fn two_builds_of_one_minified_app_are_one_issue_per_bug() {
    let build = |file: &str, names: [&str; 3], column: u32, message: &str| {
        let frames: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"function":"{name}","abs_path":"https://a.example/{file}","lineno":1,"colno":{column}}}"#))
            .collect();
        script(&frames.join(","), "TypeError", message)
    };
    let one = build("app-QLWIZENA.js", ["e", "t", "n"], 8123, "e.items is undefined");
    let other = build("app-3GFJ4K2L.js", ["Qe", "r", "$t"], 912, "Xt.items is undefined");
    assert_eq!(keys(&one)[0], keys(&other)[0]);
    let another_bug = build("app-3GFJ4K2L.js", ["Qe", "r", "$t"], 912, "Xt.total is undefined");
    assert_ne!(keys(&another_bug)[0], keys(&other)[0]);
}

#[test]
fn one_error_of_four_browsers_is_one_issue() {
    let html = r#""abs_path":"https://a.example/test.html""#;
    let chrome = format!(
        r#"{{{html}}},{{"function":"Foo.run",{html}}},{{"function":"Array.map","abs_path":"<anonymous>"}},{{"function":"Object.aha",{html}}}"#
    );
    let edge = format!(
        r#"{{"function":"Anonymous function",{html}}},{{"function":"Foo.prototype.run",{html}}},{{"function":"Array.prototype.map","abs_path":"native code"}},{{"function":"aha",{html}}}"#
    );
    let firefox = format!(
        r#"{{{html}}},{{"function":"run",{html}}},{{"function":"run/<",{html}}},{{"function":"aha",{html}}}"#
    );
    let safari = format!(
        r#"{{{html}}},{{"function":"run",{html}}},{{"function":"map","filename":"[native code]"}},{{"function":"aha","abs_path":"[native code]"}},{{"function":"aha",{html}}}"#
    );
    let expected = keys(&script(&chrome, "Error", "bad")).swap_remove(0);
    for frames in [edge, firefox, safari] {
        assert_eq!(keys(&script(&frames, "Error", "bad")).swap_remove(0), expected);
    }
}

#[test]
fn how_a_native_error_was_raised_and_the_thread_started_does_not_count() {
    let plain = native(&["work", "parse"]);
    let raised = native(&[
        "_start",
        "__libc_start_main",
        "work",
        "parse",
        "__cxa_throw",
        "std::terminate()",
        "abort",
        "raise",
    ]);
    assert_eq!(keys(&plain)[0], keys(&raised)[0]);
    assert_eq!(keys(&plain)[1], keys(&raised)[1]);
}

#[test]
fn the_depth_of_a_recursion_does_not_count() {
    let deep = |depth: usize| {
        let mut functions = vec!["work"];
        functions.extend(["eval", "apply"].repeat(depth));
        functions.push("fail");
        native(&functions)
    };
    assert_eq!(keys(&deep(3)), keys(&deep(40)));
    let flat = |depth: usize| native(&[vec!["work"], vec!["down"; depth]].concat());
    assert_eq!(keys(&flat(2)), keys(&flat(99)));
}

#[test]
fn what_a_recursion_went_through_does_not_count() {
    let through = |nodes: &[&str]| {
        let mut functions = vec!["load", "node"];
        functions.extend(nodes.iter().flat_map(|kind| [*kind, "node"]));
        functions.push("scalar");
        native(&functions)
    };
    assert_eq!(keys(&through(&["list", "map", "list"])), keys(&through(&[])));
    assert_eq!(first(&through(&["map"])).1, "SIGABRT ¦ scalar in x.c; node in x.c; load in x.c");
    assert_ne!(keys(&through(&["map"])), keys(&native(&["load", "node", "map", "scalar"])));
}

#[test]
fn frames_without_a_name_are_not_taken_for_recursion() {
    let of = |between: &str| {
        let frames = [r#""function":"onClick""#, "", between, ""].map(|name| {
            let comma = if name.is_empty() { "" } else { "," };
            format!(r#"{{"filename":"app.js"{comma}{name}}}"#)
        });
        first(&script(&frames.join(","), "TypeError", "x")).1
    };
    assert_eq!(
        of(r#""function":"render""#),
        "TypeError ¦ app.js; render in app.js; app.js; onClick in app.js"
    );
}

#[test]
fn causes_count_with_their_types_and_stacks() {
    let of = |cause: &str| {
        event(&format!(
            r#"{{"platform":"java","exception":{{"values":[{{"type":"{cause}"}},{{"type":"PayError","stacktrace":{{"frames":[{{"module":"com.x.Pay","function":"run"}}]}}}}]}}}}"#
        ))
    };
    assert_eq!(first(&of("IOError")).1, "PayError ¦ run in com.x.Pay\nIOError");
    assert_ne!(first(&of("IOError")), first(&of("SqlError")));
}

#[test]
fn a_made_up_type_does_not_count() {
    let of = |kind: &str| {
        event(&format!(
            r#"{{"platform":"cocoa","exception":{{"values":[{{"type":"{kind}","mechanism":{{"type":"mach","synthetic":true}},"stacktrace":{{"frames":[{{"function":"pay"}}]}}}}]}}}}"#
        ))
    };
    assert_eq!(keys(&of("EXC_BAD_ACCESS"))[0], keys(&of("SIGSEGV"))[0]);
}

#[test]
fn hashes_of_this_version_never_change() {
    let hex = |bytes: [u8; 16]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let key = Key { kind: APP, text: "ValueError ¦ charge in shop.pay".into() };
    assert_eq!(hex(hash(&key)), "18d9bdc687f95f8ee9140e4c09de9533");
    assert_ne!(hash(&key), hash(&Key { kind: SYSTEM, ..key.clone() }));
}

proptest! {
    #[test]
    fn lines_columns_and_addresses_never_count(line in 1u32..9999, column in 1u32..200, address in any::<u32>()) {
        let of = |line: u32, column: u32, address: u32| event(&format!(
            r#"{{"platform":"javascript","exception":{{"type":"E","value":"x","stacktrace":{{"frames":[{{"function":"checkout","filename":"cart.js","lineno":{line},"colno":{column},"instruction_addr":"{address:#x}"}}]}}}}}}"#
        ));
        prop_assert_eq!(keys(&of(line, column, address)), keys(&of(1, 1, 0)));
    }
}
