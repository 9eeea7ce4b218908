//! Fills the values of a log message into its template, for SDKs that send both and leave the sentence to us.
//!
//! People read sentences, grouping reads templates. What is no placeholder, or has no value, stays as it is.

use alloc::string::String;

use crate::{Value, limits};

/// The template with its values: `%s` and `{}` in turn, `%(name)s`, `{name}` and `{0}` by name. `None` when there
/// is nothing to fill in.
pub(super) fn fill(template: &str, params: &Value) -> Option<String> {
    let mut values = Values { params, next: 0 };
    let mut filled = String::new();
    let mut rest = template;
    let mut is_changed = false;
    while let Some(at) = rest.find(['%', '{']) {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let (text, after) =
            match placeholder(from).and_then(|(name, after)| Some((values.take(name)?, after))) {
                Some((value, after)) => (value, after),
                None => (String::from(&from[..1]), &from[1..]),
            };
        is_changed |= from.len() - after.len() > 1;
        filled.push_str(&text);
        rest = after;
        if filled.len() > limits::MESSAGE_BYTES {
            break;
        }
    }
    filled.push_str(rest);
    limits::cut(&mut filled, limits::MESSAGE_BYTES);
    is_changed.then_some(filled)
}

/// The name of the placeholder that `text` starts with, empty for the next in turn, and what follows it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    if let Some(text) = text.strip_prefix('{') {
        let (name, after) = text.split_once('}')?;
        // A format such as `{price:.2}` is the SDK's affair.
        let name = name.split(':').next()?;
        return name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            .then_some((name, after));
    }
    let text = text.strip_prefix('%')?;
    let (name, text) = match text.strip_prefix('(') {
        Some(text) => text.split_once(')')?,
        None => ("", text),
    };
    let flags = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+' | '#'))?;
    let text = &text[flags..];
    text.starts_with(['s', 'd', 'i', 'r', 'f', 'x', 'X', 'u', 'a', 'v', 'g']).then(|| (name, &text[1..]))
}

struct Values<'a> {
    params: &'a Value,
    /// The next in turn.
    next: usize,
}

impl Values<'_> {
    fn take(&mut self, name: &str) -> Option<String> {
        let value = match self.params {
            Value::Object(object) => object.get(name)?,
            Value::Array(items) if name.is_empty() => {
                self.next += 1;
                items.get(self.next - 1)?
            }
            Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
            _ => return None,
        };
        value.clone().into_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode_value;

    #[track_caller]
    fn filled(template: &str, params: &str) -> Option<String> {
        fill(template, &decode_value(params.as_bytes()).unwrap())
    }

    #[test]
    fn values_are_filled_in_by_turn_and_by_name() {
        for (template, params, sentence) in [
            ("user %s not found", r#"["bob"]"#, "user bob not found"),
            ("%d of %d", "[1, 2]", "1 of 2"),
            ("%05.2f EUR", "[1.5]", "1.5 EUR"),
            ("cleanup of %(one)s: %(two)r", r#"{"one": "a", "two": "b"}"#, "cleanup of a: b"),
            ("{} and {}", r#"["a", "b"]"#, "a and b"),
            ("{1} before {0}", r#"["a", "b"]"#, "b before a"),
            ("{user} paid {price:.2}", r#"{"user": "ann", "price": 3}"#, "ann paid 3"),
        ] {
            assert_eq!(filled(template, params).as_deref(), Some(sentence), "{template}");
        }
    }

    #[test]
    fn what_has_no_value_stays_as_it_is() {
        assert_eq!(filled("100% of {it} and %s", "[]"), None);
        assert_eq!(filled("%s of %s", r#"["a"]"#).as_deref(), Some("a of %s"));
        assert_eq!(filled("ümläut %", r#"["a"]"#), None);
        assert_eq!(filled("{", "{}"), None);
        assert_eq!(filled("%(", r#"{"":"x"}"#), None);
        assert_eq!(filled("%s", "7"), None);
    }

    #[test]
    fn a_sentence_stays_within_the_limit() {
        let long = alloc::format!("[\"{}\"]", "x".repeat(limits::MESSAGE_BYTES));
        let sentence = filled(&"%s ".repeat(1000), &long);
        assert!(sentence.is_none_or(|sentence| sentence.len() <= limits::MESSAGE_BYTES));
        let one = filled("it is %s", &long).unwrap();
        assert!(one.len() <= limits::MESSAGE_BYTES, "{}", one.len());
    }

    proptest::proptest! {
        #[test]
        fn any_template_and_values_are_taken(template in ".*", values in proptest::collection::vec(".*", 0..5)) {
            let params = Value::Array(values.into_iter().map(Value::from).collect());
            fill(&template, &params);
        }
    }
}
