//! What the script hands over: one text that holds a value of any shape.
//!
//! Host objects of a page are hostile (cycles, getters that throw, proxies), so the script walks them once and
//! writes what it saw; here it is read back. JSON would do the same, for several kilobytes more of download:
//! escapes and floating point numbers are what makes a reader of JSON large.
//!
//! A record is a list of tokens that each end with U+001F, which no text in it contains. The first character of a
//! token says what it is: `s` a text (and any number that is not whole), `i` a whole number, `t`, `f` and `n` true,
//! false and null, `[` and `{` begin a list and an object, `]` ends either; in an object every value follows a `k`
//! with its key. `x` is the stack of the error whose `value` the same object has told: it is read as its frames. The
//! digit behind it says how many of the innermost are the SDK's own.
//!
//! Must never panic, whatever it is given: a page can call us with anything.

use alloc::vec::Vec;

use error_sentinel_wire::limits::JSON_DEPTH;
use error_sentinel_wire::search::split_once;
use error_sentinel_wire::{Object, Value};

use crate::stack::parse_stack;

/// Ends a token.
pub const END: &str = "\u{1f}";

/// Reads a record. What is not well formed ends the value that it stands in; what follows is left out.
pub fn parse_record(text: &str) -> Value {
    let mut tokens = Tokens { rest: text };
    match tokens.next() {
        Some(token) => tokens.value(token, 0).unwrap_or_default(),
        None => Value::Null,
    }
}

/// Reads a record that is an object; anything else is an empty one.
pub fn parse_object(text: &str) -> Object {
    parse_record(text).into_object()
}

/// Reads a whole number; `None` for anything but digits behind an optional minus, and where they are too many.
pub fn parse_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut number = 0i64;
    for byte in digits.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    // Counted downwards, where there is one number more.
    let number = if digits.len() == text.len() { number.checked_neg()? } else { number };
    (!digits.is_empty()).then_some(number)
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (token, rest) = split_once(self.rest, END)?;
        self.rest = rest;
        Some(token)
    }

    /// The value that `token` is or begins; `None` at the end of a list or object and for what is no value.
    fn value(&mut self, token: &str, depth: usize) -> Option<Value> {
        let (kind, text) = token.split_at_checked(1)?;
        Some(match kind {
            "s" => Value::String(text.into()),
            "i" => Value::Int(parse_int(text)?),
            "t" => Value::Bool(true),
            "f" => Value::Bool(false),
            "n" => Value::Null,
            // The script bounds the depth long before this.
            _ if depth >= JSON_DEPTH => return None,
            "[" => {
                let mut items = Vec::new();
                while let Some(item) = self.next().and_then(|token| self.value(token, depth + 1)) {
                    items.push(item);
                }
                Value::Array(items)
            }
            "{" => Value::Object(self.fields(depth)),
            _ => return None,
        })
    }

    fn fields(&mut self, depth: usize) -> Object {
        let mut fields = Object::default();
        while let Some(key) = self.next().and_then(|token| token.strip_prefix('k')) {
            let Some(token) = self.next() else { break };
            let value = match token.strip_prefix('x') {
                Some(stack) => stacktrace(stack, fields.get("value").and_then(Value::as_str)),
                None => self.value(token, depth + 1),
            };
            let Some(value) = value else { break };
            fields.0.push((key.into(), value));
        }
        fields
    }
}

/// The frames of a stack behind its digit, for an error that says `message`.
fn stacktrace(stack: &str, message: Option<&str>) -> Option<Value> {
    let (skip, stack) = stack.split_at_checked(1)?;
    let frames = parse_stack(stack, message.unwrap_or_default(), usize::try_from(parse_int(skip)?).ok()?);
    if frames.is_empty() {
        return Some(Value::Null);
    }
    let mut stacktrace = Object::default();
    stacktrace.0.push(("frames".into(), Value::Array(frames)));
    Some(Value::Object(stacktrace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn written(value: &Value) -> String {
        match value {
            Value::Null => format!("n{END}"),
            Value::Bool(value) => format!("{}{END}", if *value { 't' } else { 'f' }),
            Value::Int(number) => format!("i{number}{END}"),
            Value::UInt(number) => format!("i{number}{END}"),
            Value::Float(number) => format!("s{number}{END}"),
            Value::String(text) => format!("s{text}{END}"),
            Value::Array(items) => {
                format!("[{END}{}]{END}", items.iter().map(written).collect::<String>())
            }
            Value::Object(object) => {
                let fields = object.0.iter().map(|(key, value)| format!("k{key}{END}{}", written(value)));
                format!("{{{END}{}]{END}", fields.collect::<String>())
            }
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            "[^\u{1f}]{0,12}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::vec(("[a-z]{1,6}", inner), 0..5)
                    .prop_map(|fields| Value::Object(Object(fields))),
            ]
        })
    }

    #[test]
    fn whole_numbers_are_read_and_nothing_else() {
        for number in [0, 7, -7, i64::MAX, i64::MIN] {
            assert_eq!(parse_int(&format!("{number}")), Some(number));
        }
        for text in ["", "-", "+1", "1e3", "9223372036854775808", "-9223372036854775809", "1 "] {
            assert_eq!(parse_int(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(value in any_value()) {
            prop_assert_eq!(parse_record(&written(&value)), value);
        }

        #[test]
        fn any_text_is_read_without_trouble(text in "[\\[\\]{}kxsitfn0-9a\u{1f}é]{0,64}") {
            let _ = parse_record(&text);
        }
    }

    #[test]
    fn a_record_without_end_keeps_what_was_whole() {
        let text = format!("{{{END}ka{END}sone{END}kb{END}");
        assert_eq!(parse_object(&text), Object(alloc::vec![("a".into(), "one".into())]));
        assert_eq!(parse_record(&"[\u{1f}".repeat(100_000)).as_array().map(<[_]>::len), Some(1));
    }
}
