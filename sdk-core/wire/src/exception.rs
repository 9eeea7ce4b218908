//! What was thrown, and where: exceptions, stack traces, threads.

use alloc::string::String;
use alloc::vec::Vec;

use crate::codec::JsonWriter;
use crate::value::Object;

/// One exception of a chain. An event lists the oldest cause first and the one that surfaced last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exception {
    /// Its class or type: `TypeError`, `std::io::Error`.
    pub kind: Option<String>,
    /// Its message.
    pub value: Option<String>,
    /// Module or namespace of the type.
    pub module: Option<String>,
    /// Thread that threw it, by the id in `threads`.
    pub thread_id: Option<String>,
    /// How it was caught.
    pub mechanism: Option<Mechanism>,
    /// Where it was thrown.
    pub stacktrace: Option<Stacktrace>,
}

/// How an exception came to be reported.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mechanism {
    /// `panic`, `generic`, `onerror`, `signalhandler`…
    pub kind: String,
    /// `false` when nobody caught it: a crash, whatever the level says.
    pub handled: Option<bool>,
    /// The type was made up by the SDK and means nothing: title by the crashing function.
    pub synthetic: Option<bool>,
    /// Place in a tree of exceptions.
    pub exception_id: Option<u64>,
    /// Parent in that tree.
    pub parent_id: Option<u64>,
    /// Whether it is a group of others.
    pub is_exception_group: Option<bool>,
    /// Platform codes: `signal`, `errno`, `mach_exception`, `ns_error`.
    pub meta: Object,
    /// Anything more.
    pub data: Object,
}

/// The frames of one stack: oldest caller first, the crash last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stacktrace {
    /// The frames in that order.
    pub frames: Vec<Frame>,
    /// Values of registers by name.
    pub registers: Object,
}

/// One frame of a stack.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// Function, demangled.
    pub function: Option<String>,
    /// Function as the platform wrote it.
    pub raw_function: Option<String>,
    /// Module, class or namespace.
    pub module: Option<String>,
    /// Library, jar or binary.
    pub package: Option<String>,
    /// File, relative to the project.
    pub filename: Option<String>,
    /// File as the platform wrote it: a path or a URL.
    pub abs_path: Option<String>,
    /// Line, from 1.
    pub lineno: Option<u64>,
    /// Column, from 1.
    pub colno: Option<u64>,
    /// Whether the application's own code; absent in most events.
    pub in_app: Option<bool>,
    /// The source line.
    pub context_line: Option<String>,
    /// Lines before it.
    pub pre_context: Vec<String>,
    /// Lines after it.
    pub post_context: Vec<String>,
    /// Local variables.
    pub vars: Object,
    /// Platform, where it differs from the event's.
    pub platform: Option<String>,
    /// Address executed, `0x…`.
    pub instruction_addr: Option<String>,
    /// Start of the function, `0x…`.
    pub symbol_addr: Option<String>,
    /// Start of the image, `0x…`.
    pub image_addr: Option<String>,
    /// How to read the addresses: `abs`, or `rel:N` for the N-th image of `debug_meta`.
    pub addr_mode: Option<String>,
}

/// One thread of the process.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Thread {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Whether it is the one that crashed.
    pub crashed: Option<bool>,
    /// Whether it is the one that made the event.
    pub current: Option<bool>,
    /// Where it was.
    pub stacktrace: Option<Stacktrace>,
}

impl Exception {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.opt_string("type", self.kind.as_deref());
            w.opt_string("value", self.value.as_deref());
            w.opt_string("module", self.module.as_deref());
            w.opt_string("thread_id", self.thread_id.as_deref());
            if let Some(mechanism) = &self.mechanism {
                mechanism.write(w.key("mechanism"));
            }
            if let Some(stacktrace) = &self.stacktrace {
                stacktrace.write(w.key("stacktrace"));
            }
        });
    }
}

impl Mechanism {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.key("type").string(&self.kind);
            w.opt_bool("handled", self.handled);
            w.opt_bool("synthetic", self.synthetic);
            w.opt_uint("exception_id", self.exception_id);
            w.opt_uint("parent_id", self.parent_id);
            w.opt_bool("is_exception_group", self.is_exception_group);
            w.opt_map("meta", &self.meta);
            w.opt_map("data", &self.data);
        });
    }
}

impl Stacktrace {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.key("frames").array(|w| self.frames.iter().for_each(|frame| frame.write(w)));
            w.opt_map("registers", &self.registers);
        });
    }
}

impl Frame {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        let lines = |w: &mut JsonWriter, key: &str, lines: &[String]| {
            if !lines.is_empty() {
                w.key(key).array(|w| lines.iter().for_each(|line| w.string(line)));
            }
        };
        w.object(|w| {
            w.opt_string("function", self.function.as_deref());
            w.opt_string("raw_function", self.raw_function.as_deref());
            w.opt_string("module", self.module.as_deref());
            w.opt_string("package", self.package.as_deref());
            w.opt_string("filename", self.filename.as_deref());
            w.opt_string("abs_path", self.abs_path.as_deref());
            w.opt_uint("lineno", self.lineno);
            w.opt_uint("colno", self.colno);
            w.opt_bool("in_app", self.in_app);
            w.opt_string("context_line", self.context_line.as_deref());
            lines(w, "pre_context", &self.pre_context);
            lines(w, "post_context", &self.post_context);
            w.opt_map("vars", &self.vars);
            w.opt_string("platform", self.platform.as_deref());
            w.opt_string("instruction_addr", self.instruction_addr.as_deref());
            w.opt_string("symbol_addr", self.symbol_addr.as_deref());
            w.opt_string("image_addr", self.image_addr.as_deref());
            w.opt_string("addr_mode", self.addr_mode.as_deref());
        });
    }
}

impl Thread {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            w.opt_string("id", self.id.as_deref());
            w.opt_string("name", self.name.as_deref());
            w.opt_bool("crashed", self.crashed);
            w.opt_bool("current", self.current);
            if let Some(stacktrace) = &self.stacktrace {
                stacktrace.write(w.key("stacktrace"));
            }
        });
    }
}

#[cfg(feature = "decode")]
mod decode {
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
            let mut chain: Vec<Exception> =
                listed(value).into_iter().filter_map(Exception::from_value).collect();
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
}

#[cfg(feature = "decode")]
pub(crate) use decode::listed;
