//! Takes secrets out of an event before it leaves the process, for the network or the disk.
//!
//! It judges by names (what is called `password` is one, whatever it holds) and by values (what looks like a card
//! number, a key or a token is one, whatever it is called). The collector scrubs again on its own; the two share no
//! matcher, since what one misses its copy would miss as well: this one reads names word by word and texts in one
//! pass, by hand, because a browser downloads every kilobyte of it. Names stay and values become [`FILTERED`], so
//! that people still see what was there. It must never drop an event, and never take more than linear time.

use alloc::borrow::ToOwned;
use alloc::string::String;

use error_sentinel_wire::{Event, Object, Occurrences, Request, Stacktrace, Value, search};

mod card;
mod names;
mod text;

/// Stands for what was taken out.
pub const FILTERED: &str = "[Filtered]";

/// Takes secrets out of an event. With `keeps_pii` false also what tells who sent a request: cookies and network
/// addresses.
pub fn scrub(event: &mut Event, keeps_pii: bool) {
    if let Some(message) = &mut event.message {
        texts([&mut message.formatted, &mut message.template]);
        value(&mut message.params);
    }
    for exception in &mut event.exceptions {
        texts([&mut exception.value]);
        if let Some(mechanism) = &mut exception.mechanism {
            scrub_object(&mut mechanism.data);
            scrub_object(&mut mechanism.meta);
        }
    }
    let stacks = event.exceptions.iter_mut().filter_map(|exception| exception.stacktrace.as_mut());
    let threads = event.threads.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    stacks.chain(threads).chain(&mut event.stacktrace).for_each(stack);
    for crumb in &mut event.breadcrumbs {
        texts([&mut crumb.message]);
        scrub_object(&mut crumb.data);
    }
    if let Some(user) = &mut event.user {
        texts([&mut user.id, &mut user.username]);
        scrub_object(&mut user.data);
    }
    if let Some(request) = &mut event.request {
        self::request(request, keeps_pii);
    }
    texts([&mut event.transaction]);
    event.fingerprint.iter_mut().for_each(text::scrub);
    for (key, value) in &mut event.tags {
        named_text(key, value);
    }
    scrub_object(&mut event.contexts);
    scrub_object(&mut event.extra);
    if let Some(many) = &mut event.occurrences {
        scrub_occurrences(many);
    }
}

/// Takes secrets out of what a storm's report says.
pub fn scrub_occurrences(many: &mut Occurrences) {
    many.users.iter_mut().chain(&mut many.messages).for_each(text::scrub);
    for (key, values) in &mut many.tags {
        values.iter_mut().for_each(|value| named_text(key, value));
    }
}

fn texts<const N: usize>(texts: [&mut Option<String>; N]) {
    texts.into_iter().flatten().for_each(text::scrub);
}

fn named_text(name: &str, text: &mut String) {
    if names::is_secret(name) && !text.is_empty() {
        FILTERED.clone_into(text);
    } else {
        text::scrub(text);
    }
}

fn stack(stack: &mut Stacktrace) {
    for frame in &mut stack.frames {
        scrub_object(&mut frame.vars);
        texts([&mut frame.context_line]);
        frame.pre_context.iter_mut().chain(&mut frame.post_context).for_each(text::scrub);
    }
}

fn request(request: &mut Request, keeps_pii: bool) {
    texts([&mut request.url, &mut request.query_string]);
    if let Some(cookies) = &mut request.cookies {
        filter_cookies(cookies, keeps_pii);
    }
    for (name, value) in &mut request.headers {
        if names::is_cookie(name) {
            filter_cookies(value, keeps_pii);
        } else if !keeps_pii && names::is_address(name) {
            FILTERED.clone_into(value);
        } else {
            named_text(name, value);
        }
    }
    value(&mut request.data);
    for (name, value) in &mut request.env.0 {
        if !keeps_pii && names::is_address(name) {
            *value = Value::from(FILTERED);
        }
    }
    scrub_object(&mut request.env);
}

/// Which of an application's cookies is its session nobody can know, so their values go; what has no name goes whole.
fn filter_cookies(cookies: &mut String, keeps_pii: bool) {
    if cookies.is_empty() {
        return;
    }
    let mut kept = String::new();
    for part in search::split(cookies, ";") {
        if !kept.is_empty() {
            kept.push_str("; ");
        }
        match search::split_once(part.trim_ascii(), "=") {
            Some((name, value)) if keeps_pii && !names::is_secret(name) => {
                let mut value = value.to_owned();
                text::scrub(&mut value);
                kept.extend([name, "=", &value]);
            }
            Some((name, _)) => kept.extend([name, "=", FILTERED]),
            None => kept.push_str(FILTERED),
        }
    }
    *cookies = kept;
}

fn value(value: &mut Value) {
    match value {
        Value::String(text) => text::scrub(text),
        Value::Array(items) => array(items),
        Value::Object(inner) => scrub_object(inner),
        Value::Int(number) => {
            if u64::try_from(*number).is_ok_and(card::is_card_number) {
                *value = Value::from(FILTERED);
            }
        }
        Value::Null | Value::Bool(_) | Value::UInt(_) | Value::Float(_) => {}
    }
}

fn array(items: &mut [Value]) {
    // `["password", "…"]` is a name with its value, as lists of headers are written.
    if let [Value::String(name), held] = &mut *items
        && names::is_secret(name)
    {
        return filter(held);
    }
    items.iter_mut().for_each(value);
}

/// Takes secrets out of a map of any values, judging by its names too.
pub fn scrub_object(object: &mut Object) {
    // `{"name": "password", "value": "…"}` is one too.
    let name = object.get("name").or_else(|| object.get("key")).and_then(Value::as_str);
    let is_pair = name.is_some() && object.get("value").is_some();
    let is_secret_pair = is_pair && name.is_some_and(names::is_secret);
    for (key, held) in &mut object.0 {
        match key.as_str() {
            "value" if is_secret_pair => filter(held),
            "name" | "key" if is_pair => value(held),
            key if names::is_secret(key) || names::is_cookie(key) => filter(held),
            _ => value(held),
        }
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

#[cfg(test)]
mod tests;
