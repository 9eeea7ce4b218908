//! Cuts an event to the limits of the wire, and marks what was cut.
//!
//! An application may hand over ten megabytes of text or a value nested ten thousand deep. What waits in memory must
//! stay bounded, so this runs where an event is made, and again after the application had its way with it. It must
//! never drop the event itself: what is too much is cut, and `…` stands in its place.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use error_sentinel_wire::limits::{self, cut};
use error_sentinel_wire::{Breadcrumb, Event, Exception, Object, Request, Stacktrace, User, Value, codec};

/// Most bytes of `extra`, of all contexts, of a request's body, of a step's data.
const MAP_BYTES: usize = 128 << 10;
/// Most bytes of one text in such a map.
const TEXT_BYTES: usize = 16 << 10;
/// Most bytes of one frame's local variables, and of a user's data.
pub const SMALL_MAP_BYTES: usize = 4 << 10;
/// Most headers of a request.
const HEADERS: usize = 64;
/// Most bytes of a query, of cookies, of one header's value.
const HEADER_BYTES: usize = 4 << 10;
/// Most libraries and binaries named.
const NAMED: usize = 1000;
/// What stands in the place of what was cut.
const MARK: &str = "…";

/// Cuts an event to its limits.
pub fn fit(event: &mut Event) {
    for (text, max) in [
        (&mut event.platform, limits::LABEL_BYTES),
        (&mut event.app, limits::SHORT_TEXT_BYTES),
        (&mut event.logger, limits::LABEL_BYTES),
        (&mut event.transaction, limits::SHORT_TEXT_BYTES),
        (&mut event.server_name, limits::SHORT_TEXT_BYTES),
        (&mut event.release, limits::SHORT_TEXT_BYTES),
        (&mut event.dist, limits::LABEL_BYTES),
        (&mut event.environment, limits::LABEL_BYTES),
    ] {
        fit_text(text, max);
    }
    if let Some(message) = &mut event.message {
        fit_text(&mut message.formatted, limits::MESSAGE_BYTES);
        fit_text(&mut message.template, limits::MESSAGE_BYTES);
        fit_value(&mut message.params, SMALL_MAP_BYTES);
    }
    // What surfaced stands last and says most.
    keep_last(&mut event.exceptions, limits::EXCEPTIONS);
    event.exceptions.iter_mut().for_each(fit_exception);
    if let Some(stack) = &mut event.stacktrace {
        fit_stack(stack);
    }
    event.threads.truncate(limits::EXCEPTIONS);
    event.threads.iter_mut().filter_map(|thread| thread.stacktrace.as_mut()).for_each(fit_stack);
    keep_last(&mut event.breadcrumbs, limits::BREADCRUMBS);
    event.breadcrumbs.iter_mut().for_each(fit_breadcrumb);
    if let Some(user) = &mut event.user {
        fit_user(user);
    }
    if let Some(request) = &mut event.request {
        fit_request(request);
    }
    event.tags.truncate(limits::TAGS);
    for (key, value) in &mut event.tags {
        cut(key, limits::TAG_KEY_BYTES);
        cut(value, limits::TAG_VALUE_BYTES);
    }
    fit_object(&mut event.contexts, MAP_BYTES);
    fit_object(&mut event.extra, MAP_BYTES);
    event.modules.truncate(NAMED);
    for (name, version) in &mut event.modules {
        cut(name, limits::SHORT_TEXT_BYTES);
        cut(version, limits::LABEL_BYTES);
    }
    event.fingerprint.truncate(limits::FINGERPRINT_PARTS);
    event.fingerprint.iter_mut().for_each(|part| cut(part, limits::SHORT_TEXT_BYTES));
    event.images.truncate(NAMED);
    event.images.iter_mut().for_each(|image| fit_value(image, SMALL_MAP_BYTES));
}

fn fit_text(text: &mut Option<String>, max: usize) {
    if let Some(text) = text {
        cut(text, max);
    }
}

fn keep_last<T>(items: &mut Vec<T>, max: usize) {
    items.drain(..items.len().saturating_sub(max));
}

fn fit_exception(exception: &mut Exception) {
    fit_text(&mut exception.kind, limits::NAME_BYTES);
    fit_text(&mut exception.value, limits::MESSAGE_BYTES);
    fit_text(&mut exception.module, limits::NAME_BYTES);
    fit_text(&mut exception.thread_id, limits::LABEL_BYTES);
    if let Some(mechanism) = &mut exception.mechanism {
        cut(&mut mechanism.kind, limits::LABEL_BYTES);
        fit_object(&mut mechanism.meta, SMALL_MAP_BYTES);
        fit_object(&mut mechanism.data, SMALL_MAP_BYTES);
    }
    if let Some(stack) = &mut exception.stacktrace {
        fit_stack(stack);
    }
}

fn fit_stack(stack: &mut Stacktrace) {
    let excess = stack.frames.len().saturating_sub(limits::FRAMES);
    // The middle goes: where it began and where it ended both tell more.
    if excess > 0 {
        let from = limits::FRAMES / 2;
        stack.frames.drain(from..from + excess);
    }
    for frame in &mut stack.frames {
        for text in [
            &mut frame.function,
            &mut frame.raw_function,
            &mut frame.module,
            &mut frame.package,
            &mut frame.filename,
            &mut frame.abs_path,
            &mut frame.context_line,
        ] {
            fit_text(text, limits::NAME_BYTES);
        }
        for lines in [&mut frame.pre_context, &mut frame.post_context] {
            lines.truncate(limits::FINGERPRINT_PARTS);
            lines.iter_mut().for_each(|line| cut(line, limits::NAME_BYTES));
        }
        fit_object(&mut frame.vars, SMALL_MAP_BYTES);
    }
    fit_object(&mut stack.registers, SMALL_MAP_BYTES);
}

fn fit_breadcrumb(crumb: &mut Breadcrumb) {
    fit_text(&mut crumb.kind, limits::NAME_BYTES);
    fit_text(&mut crumb.category, limits::NAME_BYTES);
    fit_text(&mut crumb.message, limits::MESSAGE_BYTES);
    fit_object(&mut crumb.data, SMALL_MAP_BYTES);
}

fn fit_user(user: &mut User) {
    for text in [&mut user.id, &mut user.email, &mut user.username, &mut user.ip_address] {
        fit_text(text, limits::SHORT_TEXT_BYTES);
    }
    fit_object(&mut user.data, SMALL_MAP_BYTES);
}

fn fit_request(request: &mut Request) {
    fit_text(&mut request.url, limits::MESSAGE_BYTES);
    fit_text(&mut request.method, limits::LABEL_BYTES);
    fit_text(&mut request.query_string, HEADER_BYTES);
    fit_text(&mut request.cookies, HEADER_BYTES);
    request.headers.truncate(HEADERS);
    for (name, value) in &mut request.headers {
        cut(name, limits::NAME_BYTES);
        cut(value, HEADER_BYTES);
    }
    fit_value(&mut request.data, MAP_BYTES);
    fit_object(&mut request.env, SMALL_MAP_BYTES);
}

/// Cuts a map of anything to about `max` bytes.
fn fit_object(object: &mut Object, max: usize) {
    let mut room = max;
    fit_map(object, &mut room, 1);
}

/// Cuts anything to about `max` bytes.
pub fn fit_value(value: &mut Value, max: usize) {
    let mut room = max;
    fit_any(value, &mut room, 0);
}

/// At most `max` bytes of a value's JSON, cut like any text where it is longer.
pub fn json_within(value: &Value, max: usize) -> String {
    let mut room = max;
    let mut json = codec::to_json(&copy_within(value, &mut room, 0));
    cut(&mut json, max);
    json
}

/// What each element costs beside its texts: a bracket, a comma, a number's digits.
const ELEMENT_BYTES: usize = 8;

fn spend(room: &mut usize, bytes: usize) {
    *room = room.saturating_sub(bytes);
}

fn fit_any(value: &mut Value, room: &mut usize, depth: usize) {
    spend(room, ELEMENT_BYTES);
    match value {
        Value::String(text) => {
            cut(text, TEXT_BYTES.min(*room));
            spend(room, text.len());
        }
        Value::Array(_) | Value::Object(_) if depth >= limits::JSON_DEPTH => {
            dismantle(mem::replace(value, Value::from(MARK)));
        }
        Value::Array(items) => {
            let mut kept_count = 0;
            for item in items.iter_mut() {
                if *room == 0 {
                    break;
                }
                fit_any(item, room, depth + 1);
                kept_count += 1;
            }
            if kept_count < items.len() {
                items.drain(kept_count..).for_each(dismantle);
                items.push(Value::from(MARK));
            }
        }
        Value::Object(object) => fit_map(object, room, depth + 1),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_) => {}
    }
}

fn fit_map(object: &mut Object, room: &mut usize, depth: usize) {
    let mut kept_count = 0;
    for (key, value) in &mut object.0 {
        if *room == 0 {
            break;
        }
        cut(key, limits::NAME_BYTES);
        spend(room, key.len());
        fit_any(value, room, depth);
        kept_count += 1;
    }
    if kept_count < object.0.len() {
        let left_out = object.0.drain(kept_count..);
        let left_out_count = left_out.map(|(_, value)| dismantle(value)).count();
        let mut left_out = String::new();
        codec::push_decimal(&mut left_out, left_out_count as u64);
        left_out.push_str(" more");
        object.0.push((MARK.to_owned(), Value::String(left_out)));
    }
}

/// A copy of what [`fit_any`] would keep, without a copy of the rest.
fn copy_within(value: &Value, room: &mut usize, depth: usize) -> Value {
    spend(room, ELEMENT_BYTES);
    match value {
        Value::String(text) => {
            let mut kept = String::new();
            limits::push_cut(&mut kept, text, *room);
            spend(room, kept.len());
            Value::String(kept)
        }
        Value::Array(_) | Value::Object(_) if depth >= limits::JSON_DEPTH || *room == 0 => Value::from(MARK),
        Value::Array(items) => {
            let mut kept = Vec::new();
            for item in items {
                if *room == 0 {
                    kept.push(Value::from(MARK));
                    break;
                }
                kept.push(copy_within(item, room, depth + 1));
            }
            Value::Array(kept)
        }
        Value::Object(object) => {
            let mut kept = Object::default();
            for (key, value) in &object.0 {
                if *room == 0 {
                    kept.0.push((MARK.to_owned(), Value::Null));
                    break;
                }
                let mut name = String::new();
                limits::push_cut(&mut name, key, limits::NAME_BYTES);
                spend(room, name.len());
                kept.0.push((name, copy_within(value, room, depth + 1)));
            }
            Value::Object(kept)
        }
        plain => plain.clone(),
    }
}

/// Takes a value apart level by level: a drop that descends ten thousand levels would overflow the stack.
fn dismantle(value: Value) {
    let mut rest = Vec::new();
    rest.push(value);
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(object) => rest.extend(object.0.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use error_sentinel_wire::{Frame, Message};
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            "[aü\\u{0}]{0,30}".prop_map(Value::String),
            Just(Value::String("x".repeat(30_000))),
        ];
        leaf.prop_recursive(6, 200, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
                prop::collection::vec((prop_oneof!["[a-z]{1,9}", Just("k".repeat(300))], inner), 0..20)
                    .prop_map(|entries| Value::Object(Object(entries))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_of_any_shape_is_cut_to_its_bytes(mut value in any_value()) {
            let json = json_within(&value, 2000);
            prop_assert!(json.len() <= 2000);
            fit_value(&mut value, 20_000);
            // Escapes count up to six bytes, so the bound is one of memory, not of JSON.
            let written = codec::to_json(&value).len();
            prop_assert!(written <= 6 * 20_000 + 2000, "{written}");
            let again = value.clone();
            fit_value(&mut value, 40_000);
            prop_assert!(format!("{value:?}") == format!("{again:?}"), "what fits is left alone");
        }
    }

    #[test]
    fn ten_megabytes_of_text_are_cut_and_marked_wherever_they_are() {
        let huge = || "ü".repeat(5 << 20);
        let mut event = Event {
            message: Some(Message { formatted: Some(huge()), ..Message::default() }),
            exceptions: vec![
                Exception { kind: Some(huge()), value: Some(huge()), ..Exception::default() };
                60
            ],
            breadcrumbs: vec![Breadcrumb { message: Some(huge()), ..Breadcrumb::default() }; 2],
            user: Some(User { id: Some(huge()), ..User::default() }),
            release: Some(huge()),
            tags: vec![(huge(), huge())],
            fingerprint: vec![huge()],
            extra: Object(vec![(huge(), Value::from(huge()))]),
            ..Event::default()
        };
        fit(&mut event);
        let json = String::from_utf8(event.to_json()).unwrap();
        assert!(json.len() < limits::EVENT_BYTES, "{}", json.len());
        assert_eq!(event.exceptions.len(), limits::EXCEPTIONS);
        for text in [&event.release, &event.exceptions[0].value, &event.breadcrumbs[0].message] {
            assert!(text.as_deref().is_some_and(|text| text.ends_with('…')));
        }
        error_sentinel_wire::codec::decode_value(json.as_bytes()).unwrap();
    }

    #[test]
    fn the_middle_of_a_long_stack_goes() {
        let frame = |line| Frame { lineno: Some(line), ..Frame::default() };
        let mut stack = Stacktrace { frames: (0..1000).map(frame).collect(), ..Stacktrace::default() };
        fit_stack(&mut stack);
        assert_eq!(stack.frames.len(), limits::FRAMES);
        assert_eq!((stack.frames[0].lineno, stack.frames[249].lineno), (Some(0), Some(999)));
        let mut short = Stacktrace { frames: vec![frame(1)], ..Stacktrace::default() };
        fit_stack(&mut short);
        assert_eq!(short.frames, [frame(1)]);
    }

    #[test]
    fn what_is_nested_ten_thousand_deep_is_cut_without_a_deep_stack() {
        let deep = (0..10_000).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        // Far less stack than a naive drop would take.
        let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
            let mut deep = deep;
            let json = json_within(&deep, 1000);
            fit_value(&mut deep, 100_000);
            (json, codec::to_json(&deep))
        });
        for json in <[String; 2]>::from(thread.unwrap().join().unwrap()) {
            assert!(json.contains('…') && json.len() < 200, "{json}");
        }
    }

    #[test]
    fn what_was_left_out_is_counted() {
        let mut object = Object((0..1000).map(|n| (format!("key {n}"), Value::Int(n))).collect());
        fit_object(&mut object, 200);
        let (mark, count) = object.0.last().unwrap();
        assert_eq!(mark, MARK);
        assert_eq!(count, &Value::from(format!("{} more", 1000 - (object.0.len() - 1))));
    }
}
