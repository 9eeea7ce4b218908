//! What was thrown, and where: exceptions, stack traces, threads.

use alloc::string::String;
use alloc::vec::Vec;

use crate::codec::JsonWriter;
use crate::value::Object;

#[cfg(feature = "decode")]
mod decode;

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
pub(crate) use decode::listed;
