//! Stack strings of the three engines, read as frames.
//!
//! No standard says how `Error.stack` looks: V8 (Chromium, Edge, Node) writes `at f (place)`, SpiderMonkey
//! (Firefox) and JavaScriptCore (Safari, WebKitGTK) write `f@place`, and each has its own words for evaluated,
//! asynchronous, native and WebAssembly code. A line of no known form is left out; the rest of the stack counts.
//!
//! Must never panic and never look further than one line: a stack is text that any page can set.

use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::search::find;
use error_sentinel_wire::{Object, Value, limits};

mod gecko;
mod place;
mod v8;

#[cfg(test)]
mod tests;

use place::Place;

/// Reads a stack, oldest caller first as the wire has it. The `skip` innermost frames are the SDK's own.
///
/// `message` is what the stack may begin with; its lines are never frames, even where they look like some.
pub fn parse_stack(stack: &str, message: &str, skip: usize) -> Vec<Value> {
    let mut frames = Vec::new();
    for line in lines_after(stack, message).split('\n') {
        frames.extend(parse_line(line.trim_ascii()));
    }
    frames.drain(..skip.min(frames.len()));
    frames.reverse();
    let excess = frames.len().saturating_sub(limits::FRAMES);
    if excess > 0 {
        // Both ends tell more than the middle of an endless recursion.
        let start = limits::FRAMES / 2;
        frames.drain(start..start + excess);
    }
    frames
}

/// What stands behind the message, with which V8 begins the stack.
fn lines_after<'a>(stack: &'a str, message: &str) -> &'a str {
    match find(stack, message) {
        // `TypeError: ` stands before it, so only one near the start is the heading.
        Some(at) if at < limits::NAME_BYTES && find(stack, "\n").is_none_or(|end| end > at) => {
            stack.get(at + message.len()..).unwrap_or(stack)
        }
        _ => stack,
    }
}

fn parse_line(line: &str) -> Option<Value> {
    match line.strip_prefix("at ") {
        Some(rest) => v8::parse_frame(rest.trim_ascii()),
        None => gecko::parse_frame(line),
    }
}

/// A frame of a function at a place.
fn frame(function: &str, place: &Place<'_>) -> Value {
    let mut frame = Object::default();
    let mut put = |key: &str, value: Value| frame.0.push((key.into(), value));
    // JavaScriptCore names a module's functions by their number where they have no name.
    let is_unnamed = function.is_empty() || function.bytes().all(|byte| byte.is_ascii_digit());
    let named = if is_unnamed { place.wasm_function.unwrap_or("?") } else { function };
    put("function", limited(named));
    if !place.file.is_empty() {
        put("filename", limited(place.file));
    }
    for (key, number) in [("lineno", place.line), ("colno", place.column)] {
        if let Some(number) = number {
            put(key, Value::Int(number));
        }
    }
    if place.wasm_function.is_some() {
        put("platform", "native".into());
        if let Some(offset) = place.wasm_offset {
            put("instruction_addr", limited(offset));
        }
    } else if place.is_foreign() {
        put("in_app", Value::Bool(false));
    }
    Value::Object(frame)
}

fn limited(text: &str) -> Value {
    let mut limited = String::new();
    limits::push_cut(&mut limited, text, limits::NAME_BYTES);
    Value::String(limited)
}
