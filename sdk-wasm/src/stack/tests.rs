//! Stacks as the engines write them.

use super::*;
use error_sentinel_wire::codec::decode_value;

fn text<'a>(frame: &'a Value, key: &str) -> Option<&'a str> {
    frame.get(key).and_then(Value::as_str)
}

/// Function, file, line and column of each frame, the innermost first as in the text.
fn read(stack: &str, message: &str) -> Vec<(String, String, i64, i64)> {
    let frames = parse_stack(stack, message, 0).into_iter().rev();
    frames
        .map(|frame| {
            let number = |key| frame.get(key).and_then(Value::as_i64).unwrap_or(0);
            let text = |key| String::from(text(&frame, key).unwrap_or_default());
            (text("function"), text("filename"), number("lineno"), number("colno"))
        })
        .collect()
}

#[track_caller]
fn assert_frames(stack: &str, message: &str, expected: &[(&str, &str, i64, i64)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(function, file, line, column)| ((*function).into(), (*file).into(), *line, *column))
        .collect();
    assert_eq!(read(stack, message), expected);
}

/// What the engines really wrote of `tests/golden/stacks/page.js`, and the places in it that they mean.
#[test]
fn the_stacks_of_real_engines_are_read_frame_by_frame() {
    for (engine, golden) in [
        ("chromium", include_str!("../../../tests/golden/stacks/chromium.json")),
        ("firefox", include_str!("../../../tests/golden/stacks/firefox.json")),
        ("webkit", include_str!("../../../tests/golden/stacks/webkit.json")),
    ] {
        let cases = decode_value(golden.as_bytes()).unwrap().into_object();
        assert_eq!(cases.0.len(), 12);
        for (name, case) in &cases.0 {
            let told = |key| case.get(key).and_then(Value::as_str).unwrap();
            let frames = parse_stack(told("stack"), told("message"), 0).into_iter().rev();
            let read: Vec<Value> = frames
                .map(|frame| {
                    let keys = ["function", "filename", "lineno", "colno", "instruction_addr"];
                    let mut parts: Vec<_> =
                        keys.iter().map(|key| frame.get(key).cloned().unwrap_or_default()).collect();
                    if parts.last() == Some(&Value::Null) {
                        parts.pop();
                    }
                    Value::Array(parts)
                })
                .collect();
            assert_eq!(case.get("frames"), Some(&Value::Array(read)), "{name} in {engine}");
        }
    }
}

#[test]
fn v8_is_read() {
    assert_frames(
        "TypeError: no\n at all (x:1:1)\n    at pay (https://a.example/app.js:10:5)\n    at new Shop (https://a.example/app.js:9:1)\n    \
         at Object.go [as start] (https://a.example/app.js:8:2)\n    at async later (https://a.example/app.js:7:3)\n    \
         at https://a.example/react@18/x.js:3:4\n    at Array.map (<anonymous>)\n    at async Promise.all (index 2)\n    \
         at eval (eval at boot (https://a.example/app.js:6:7), <anonymous>:1:1)\n    \
         at chrome-extension://abc/content.js:1:9",
        "no\n at all (x:1:1)",
        &[
            ("pay", "https://a.example/app.js", 10, 5),
            ("new Shop", "https://a.example/app.js", 9, 1),
            ("Object.go [as start]", "https://a.example/app.js", 8, 2),
            ("later", "https://a.example/app.js", 7, 3),
            ("?", "https://a.example/react@18/x.js", 3, 4),
            ("Array.map", "<anonymous>", 0, 0),
            ("Promise.all", "<anonymous>", 0, 0),
            ("eval", "https://a.example/app.js", 6, 7),
            ("?", "chrome-extension://abc/content.js", 1, 9),
        ],
    );
}

#[test]
fn spidermonkey_and_javascriptcore_are_read() {
    assert_frames(
        "pay@https://a.example/app.js:10:5\n@https://a.example/react@18/x.js:3:4\nasync*later@https://a.example/app.js:7:3\n\
         setTimeout handler*go/<@https://a.example/app.js:8:2\nboot@https://a.example/app.js line 6 > eval:1:1\n\
         global code@https://a.example/app.js:1:2\nmap@[native code]\nmoz@moz-extension://abc/x.js:1:9\nthis is prose",
        "",
        &[
            ("pay", "https://a.example/app.js", 10, 5),
            ("?", "https://a.example/react@18/x.js", 3, 4),
            ("later", "https://a.example/app.js", 7, 3),
            ("go/<", "https://a.example/app.js", 8, 2),
            ("boot", "https://a.example/app.js", 6, 0),
            ("?", "https://a.example/app.js", 1, 2),
            ("map", "[native code]", 0, 0),
            ("moz", "moz-extension://abc/x.js", 1, 9),
        ],
    );
}

#[test]
fn frames_of_modules_carry_index_and_offset() {
    for stack in [
        "Error\n    at sum (https://a.example/m.wasm:wasm-function[3]:0x2a)",
        "sum@https://a.example/m.wasm:wasm-function[3]:0x2a",
    ] {
        let frames = parse_stack(stack, "", 0);
        assert_eq!(text(&frames[0], "function"), Some("sum"), "{stack}");
        assert_eq!(text(&frames[0], "instruction_addr"), Some("0x2a"));
        assert_eq!(text(&frames[0], "filename"), Some("https://a.example/m.wasm"));
    }
}

#[test]
fn engines_and_extensions_are_not_the_application() {
    let frames = parse_stack(
        "Error\n    at Array.map (<anonymous>)\n    at f (chrome-extension://a/b.js:1:1)\n    at g (https://a.example/x.js:1:1)",
        "",
        0,
    );
    let in_app: Vec<_> =
        frames.iter().map(|frame| frame.get("in_app") == Some(&Value::Bool(false))).collect();
    assert_eq!(in_app, [false, true, true], "outermost first");
}

#[test]
fn our_own_frames_are_left_out_and_endless_ones_cut_in_the_middle() {
    let stack: String = (0..1000).map(|n| alloc::format!("f{n}@https://a.example/x.js:{n}:1\n")).collect();
    let frames = parse_stack(&stack, "", 1);
    assert_eq!(frames.len(), limits::FRAMES);
    assert_eq!(frames.last().and_then(|frame| text(frame, "function")), Some("f1"));
    assert_eq!(frames.first().and_then(|frame| text(frame, "function")), Some("f999"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_trouble(stack in "[ a@(:/)>\n\\[\\]0-9é]{0,80}|(at |async |eval at |line |wasm-function\\[1\\]|:0x|@| > |\n){0,12}") {
        let _ = parse_stack(&stack, "a", 1);
    }
}
