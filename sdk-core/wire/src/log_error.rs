//! `POST /log-error`: one JSON object from anything that can speak HTTP.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::event::Event;
use crate::exception::Exception;
use crate::value::Value;

/// Why a body of `/log-error` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidLogError {
    /// It is JSON, but no object.
    NotAnObject,
    /// It has no text in `message`.
    NoMessage,
}

impl fmt::Display for InvalidLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidLogError::NotAnObject => "send one JSON object, at least {\"message\": \"…\"}",
            InvalidLogError::NoMessage => "the field \"message\" is missing or empty",
        })
    }
}

impl core::error::Error for InvalidLogError {}

/// Reads a body as an event.
///
/// `message` is required; `type` makes it an exception of that type; `stack` is a list of frames or a stack
/// as text, one frame a line, kept whole in `extra.stack` and split where its form is known; `trace_id` goes
/// to `contexts.trace`. The other fields are those of an event: `event_id`, `level`, `app`, `release`,
/// `environment`, `user`, `tags`, `extra`, `breadcrumbs`, `fingerprint`.
///
/// # Errors
/// [`InvalidLogError`] when it is no object or has no message.
pub fn event_from_value(value: Value) -> Result<Event, InvalidLogError> {
    let Value::Object(mut object) = value else { return Err(InvalidLogError::NotAnObject) };
    let message = object
        .get("message")
        .cloned()
        .and_then(Value::into_text)
        .filter(|text| !text.trim().is_empty())
        .ok_or(InvalidLogError::NoMessage)?;
    let kind = object.take("type").and_then(Value::into_text).filter(|text| !text.trim().is_empty());
    let stack = object.take("stack");
    let trace_id = object.take("trace_id").and_then(Value::into_text);
    if object.get("platform").is_none() {
        object.set("platform", "other");
    }
    let mut event = Event::from_value(Value::Object(object));
    let stacktrace = match stack {
        Some(Value::String(text)) => {
            let parsed = crate::exception::Stacktrace { frames: text_frames(&text), ..Default::default() };
            event.extra.set("stack", text);
            (!parsed.frames.is_empty()).then_some(parsed)
        }
        Some(other) => crate::exception::Stacktrace::from_value(other),
        None => None,
    };
    if kind.is_some() || stacktrace.is_some() {
        let mut value = message;
        crate::limits::cut(&mut value, crate::limits::MESSAGE_BYTES);
        event.exceptions.push(Exception { kind, value: Some(value), stacktrace, ..Exception::default() });
        event.message = None;
    }
    if let Some(trace_id) = trace_id {
        let mut trace = crate::value::Object::default();
        trace.set("trace_id", trace_id);
        event.contexts.set("trace", trace);
    }
    Ok(event)
}

/// Splits a stack written as text into frames, oldest caller first. Known forms: V8's `at f (file:1:2)`,
/// Gecko's `f@file:1:2`, Java's `at pkg.Class.method(File.java:1)`, Python's `File "f", line 1, in g`,
/// PHP's `#0 file(1): f()`. Lines of no known form are left out.
fn text_frames(stack: &str) -> Vec<crate::exception::Frame> {
    let mut frames: Vec<_> = stack.lines().filter_map(|line| text_frame(line.trim())).collect();
    let newest_last = stack.trim_start().starts_with("Traceback");
    if !newest_last {
        frames.reverse();
    }
    frames.truncate(crate::limits::FRAMES);
    frames
}

fn text_frame(line: &str) -> Option<crate::exception::Frame> {
    let (function, place) = if let Some(rest) = line.strip_prefix("at ") {
        match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
            Some((function, place)) => (function.trim(), place),
            None => ("", rest),
        }
    } else if let Some(rest) = line.strip_prefix("File \"") {
        let (file, rest) = rest.split_once('"')?;
        let (line, function) = rest.strip_prefix(", line ")?.split_once(", in ").unwrap_or((rest, ""));
        return frame(function, file, line.trim().parse().ok(), None);
    } else if let Some(rest) = line.strip_prefix('#') {
        let (_, rest) = rest.split_once(' ')?;
        let (place, function) = rest.split_once(": ").unwrap_or((rest, ""));
        let (file, line) = place.strip_suffix(')')?.rsplit_once('(')?;
        return frame(function.split('(').next().unwrap_or(""), file, line.parse().ok(), None);
    } else {
        line.split_once('@')?
    };
    let number = |text: &str| text.parse::<u64>().ok();
    match place.rsplit_once(':') {
        Some((rest, last)) if number(last).is_some() => match rest.rsplit_once(':') {
            Some((file, line)) if number(line).is_some() => frame(function, file, number(line), number(last)),
            _ => frame(function, rest, number(last), None),
        },
        _ => frame(function, place, None, None),
    }
}

fn frame(
    function: &str,
    file: &str,
    line: Option<u64>,
    column: Option<u64>,
) -> Option<crate::exception::Frame> {
    let text = |text: &str| (!text.is_empty()).then(|| String::from(text));
    Some(crate::exception::Frame {
        function: text(function),
        filename: text(file),
        lineno: line,
        colno: column,
        ..Default::default()
    })
}
