//! Takes secrets out of an event before anything of it is stored or mailed.
//!
//! The SDKs scrub too, but what one matcher misses its copy misses as well, so this one shares nothing with
//! them. It looks at names (what is called `password` is one, whatever it holds) and at values (what looks
//! like a card number, a key or a token is one, whatever it is called). Names stay and values become
//! [`FILTERED`], so that a page still shows what was sent. It never removes an event and never fails.

use error_sentinel_wire::{Object, Value};

mod marks;
mod names;
mod text;

/// Stands for what was taken out.
pub const FILTERED: &str = "[Filtered]";

/// Scrubs an event's JSON in place.
pub fn scrub(event: &mut Value) {
    let Value::Object(event) = event else { return };
    for (key, value) in &mut event.0 {
        match key.as_str() {
            // Names of libraries and binaries: `authlib: 1.2` is no secret.
            "modules" | "sdk" | "debug_meta" | "_meta" | "event_id" | "timestamp" | "platform" | "level" => {}
            "exception"
            | "threads"
            | "stacktrace"
            | "sentry.interfaces.Exception"
            | "sentry.interfaces.Stacktrace" => scrub_stacks(value),
            // A list of texts, of which two would look like a name and its value.
            "fingerprint" => scrub_stacks(value),
            "request" | "sentry.interfaces.Http" => scrub_request(value),
            _ => scrub_value(value),
        }
    }
}

/// Fields of frames and images that are numbers and names of code, not the application's data.
fn is_of_code(key: &str) -> bool {
    matches!(
        key,
        "lineno"
            | "colno"
            | "instruction_addr"
            | "symbol_addr"
            | "image_addr"
            | "function"
            | "raw_function"
            | "module"
            | "package"
            | "in_app"
            | "addr_mode"
            | "thread_id"
            | "type"
    )
}

/// Stacks: only the variables go by name, the rest of a frame has fixed names.
fn scrub_stacks(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(scrub_stacks),
        Value::Object(object) => {
            for (key, value) in &mut object.0 {
                match key.as_str() {
                    "vars" | "data" | "meta" => scrub_value(value),
                    key if is_of_code(key) => {}
                    "registers" => {}
                    _ => scrub_stacks(value),
                }
            }
        }
        Value::String(text) => text::scrub(text),
        _ => {}
    }
}

fn scrub_request(value: &mut Value) {
    let Value::Object(request) = value else { return scrub_value(value) };
    for (key, value) in &mut request.0 {
        match key.as_str() {
            // Which of an application's cookies is its session nobody can know.
            "cookies" => filter_cookies(value),
            _ => scrub_value(value),
        }
    }
}

fn scrub_value(value: &mut Value) {
    match value {
        Value::String(text) => text::scrub(text),
        Value::Array(items) => match &mut items[..] {
            [Value::String(name), held] if names::is_name(name) && names::is_marked(name) => {
                scrub_named(&name.clone(), held);
            }
            items => items.iter_mut().for_each(scrub_value),
        },
        Value::Object(object) => scrub_object(object),
        Value::Int(number) => {
            if u64::try_from(*number).is_ok_and(text::is_card_number) {
                *value = Value::from(FILTERED);
            }
        }
        Value::UInt(number) => {
            if text::is_card_number(*number) {
                *value = Value::from(FILTERED);
            }
        }
        Value::Null | Value::Bool(_) | Value::Float(_) => {}
    }
}

fn scrub_object(object: &mut Object) {
    // `{"key": "password", "value": "…"}` is a pair too.
    let paired = object.get("key").or_else(|| object.get("name")).and_then(Value::as_str);
    let paired = paired.filter(|_| object.get("value").is_some()).map(ToOwned::to_owned);
    for (key, value) in &mut object.0 {
        match (&paired, key.as_str()) {
            (Some(name), "value") => scrub_named(name, value),
            (Some(_), "key" | "name") => scrub_value(value),
            (_, key) => scrub_named(key, value),
        }
    }
}

fn scrub_named(name: &str, value: &mut Value) {
    if names::is_cookie(name) {
        filter_cookies(value);
    } else if names::is_secret(name) {
        filter(value);
    } else {
        scrub_value(value);
    }
}

/// Takes out every leaf. Truth values and emptiness stay: they tell that something was there or not.
fn filter(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(filter),
        Value::Object(object) => object.0.iter_mut().for_each(|(_, value)| filter(value)),
        Value::Null | Value::Bool(_) => {}
        Value::String(text) if text.is_empty() => {}
        other => *other = Value::from(FILTERED),
    }
}

/// Keeps the names of cookies; what has none goes whole.
fn filter_cookies(value: &mut Value) {
    match value {
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => {
            let parts: Vec<String> = text
                .split(';')
                .map(|part| match part.split_once('=') {
                    Some((name, _)) => format!("{}={FILTERED}", name.trim()),
                    None => FILTERED.to_owned(),
                })
                .collect();
            *text = parts.join("; ");
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::Array(pair) => pair.iter_mut().skip(1).for_each(filter),
                    Value::String(_) => filter_cookies(item),
                    other => filter(other),
                }
            }
        }
        other => filter(other),
    }
}

#[cfg(test)]
mod tests;
