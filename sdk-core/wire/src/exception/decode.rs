//! Reading exceptions, stacks and threads from whatever form their sender used.

use super::*;
use crate::limits;
use crate::value::Value;

/// `{"values": […]}`, a bare list, or one bare object: senders use all three.
pub(crate) fn listed(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items,
        Some(Value::Object(mut object)) => match object.take("values") {
            Some(Value::Array(items)) => items,
            Some(other) => alloc::vec![other],
            None if object.0.iter().all(|(key, _)| key == "values") => Vec::new(),
            None => alloc::vec![Value::Object(object)],
        },
        _ => Vec::new(),
    }
}

fn text(object: &mut Object, key: &str) -> Option<String> {
    object.take(key).and_then(Value::into_text).filter(|text| !text.is_empty())
}

fn uint(object: &Object, key: &str) -> Option<u64> {
    match object.get(key)? {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::UInt(number) => Some(*number),
        Value::Float(number) if *number >= 0.0 => Some(*number as u64),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn truth(object: &Object, key: &str) -> Option<bool> {
    match object.get(key)? {
        Value::Bool(value) => Some(*value),
        Value::Int(number) => Some(*number != 0),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn lines(object: &mut Object, key: &str) -> Vec<String> {
    match object.take(key) {
        Some(Value::Array(items)) => {
            items.into_iter().map(|item| item.into_text().unwrap_or_default()).collect()
        }
        _ => Vec::new(),
    }
}

fn map(object: &mut Object, key: &str) -> Object {
    match object.take(key) {
        Some(Value::Object(map)) => map,
        Some(Value::Array(items)) if items.is_empty() => Object::default(),
        Some(Value::Array(items)) => {
            Object(items.into_iter().enumerate().map(|(at, v)| (alloc::format!("{at}"), v)).collect())
        }
        _ => Object::default(),
    }
}

/// An address: `0x…` text as it is, a number as `0x…`.
fn address(object: &mut Object, key: &str) -> Option<String> {
    match object.take(key)? {
        Value::Int(number) => Some(alloc::format!("{number:#x}")),
        Value::UInt(number) => Some(alloc::format!("{number:#x}")),
        other => other.into_text(),
    }
}

impl Exception {
    /// Reads the chain of an event; entries that say nothing at all are left out.
    pub fn list_from_value(value: Option<Value>) -> Vec<Exception> {
        let mut chain: Vec<Exception> = listed(value).into_iter().filter_map(Exception::from_value).collect();
        // The one that surfaced is last; the oldest causes go first when there are too many.
        let extra = chain.len().saturating_sub(limits::EXCEPTIONS);
        chain.drain(..extra);
        chain
    }

    /// Reads whatever can be read; `None` when it has neither type, value nor stack.
    pub fn from_value(value: Value) -> Option<Exception> {
        let Value::Object(mut object) = value else { return None };
        let mut kind = text(&mut object, "type");
        let mut value = text(&mut object, "value");
        if kind.is_none()
            && let Some((head, rest)) = value.as_deref().and_then(|text| text.split_once(':'))
            && !head.is_empty()
            && head.chars().all(|c| c.is_alphanumeric() || c == '_')
        {
            (kind, value) = (Some(head.into()), Some(rest.trim_start().into()));
        }
        let stacktrace = object
            .take("stacktrace")
            .or_else(|| object.take("raw_stacktrace"))
            .and_then(Stacktrace::from_value);
        let exception = Exception {
            kind,
            value,
            module: text(&mut object, "module"),
            thread_id: text(&mut object, "thread_id"),
            mechanism: object.take("mechanism").and_then(Mechanism::from_value),
            stacktrace,
        };
        let says_something =
            exception.kind.is_some() || exception.value.is_some() || exception.stacktrace.is_some();
        says_something.then_some(exception)
    }
}

impl Mechanism {
    /// Reads whatever can be read; a bare text is taken as the type.
    pub fn from_value(value: Value) -> Option<Mechanism> {
        match value {
            Value::String(kind) => Some(Mechanism { kind, ..Mechanism::default() }),
            Value::Object(mut object) => Some(Mechanism {
                kind: text(&mut object, "type").unwrap_or_else(|| "generic".into()),
                handled: truth(&object, "handled"),
                synthetic: truth(&object, "synthetic"),
                exception_id: uint(&object, "exception_id"),
                parent_id: uint(&object, "parent_id"),
                is_exception_group: truth(&object, "is_exception_group"),
                meta: map(&mut object, "meta"),
                data: map(&mut object, "data"),
            }),
            _ => None,
        }
    }
}

impl Stacktrace {
    /// Reads whatever can be read; `None` when there are no frames.
    pub fn from_value(value: Value) -> Option<Stacktrace> {
        let (frames, registers) = match value {
            Value::Array(frames) => (frames, Object::default()),
            Value::Object(mut object) => match object.take("frames") {
                Some(Value::Array(frames)) => (frames, map(&mut object, "registers")),
                _ => return None,
            },
            _ => return None,
        };
        let mut frames: Vec<Frame> = frames.into_iter().filter_map(Frame::from_value).collect();
        let extra = frames.len().saturating_sub(limits::FRAMES);
        if extra > 0 {
            let middle = limits::FRAMES / 2;
            frames.drain(middle..middle + extra);
        }
        (!frames.is_empty()).then_some(Stacktrace { frames, registers })
    }
}

impl Frame {
    /// Reads whatever can be read; a bare text is taken as the function.
    pub fn from_value(value: Value) -> Option<Frame> {
        let mut object = match value {
            Value::Object(object) => object,
            Value::String(function) => {
                return Some(Frame { function: Some(function), ..Frame::default() });
            }
            _ => return None,
        };
        Some(Frame {
            function: text(&mut object, "function"),
            raw_function: text(&mut object, "raw_function"),
            module: text(&mut object, "module"),
            package: text(&mut object, "package"),
            filename: text(&mut object, "filename"),
            abs_path: text(&mut object, "abs_path"),
            lineno: uint(&object, "lineno"),
            colno: uint(&object, "colno"),
            in_app: truth(&object, "in_app"),
            context_line: object.take("context_line").and_then(Value::into_text),
            pre_context: lines(&mut object, "pre_context"),
            post_context: lines(&mut object, "post_context"),
            vars: map(&mut object, "vars"),
            platform: text(&mut object, "platform"),
            instruction_addr: address(&mut object, "instruction_addr"),
            symbol_addr: address(&mut object, "symbol_addr"),
            image_addr: address(&mut object, "image_addr"),
            addr_mode: text(&mut object, "addr_mode"),
        })
    }
}

impl Thread {
    /// Reads whatever can be read.
    pub fn from_value(value: Value) -> Option<Thread> {
        let Value::Object(mut object) = value else { return None };
        Some(Thread {
            id: text(&mut object, "id"),
            name: text(&mut object, "name"),
            crashed: truth(&object, "crashed"),
            current: truth(&object, "current"),
            stacktrace: object.take("stacktrace").and_then(Stacktrace::from_value),
        })
    }
}
