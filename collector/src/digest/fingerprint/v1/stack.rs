//! A whole stack as a text: what happened around the error is cut off, recursion is taken out.

use std::rc::Rc;

use error_sentinel_wire::{Frame, Stacktrace};

use super::frame::{self, Described};

/// What a stack has in common with others of the same bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Frames from the crash outwards.
    pub text: String,
    /// Whether the frames alone name the bug. Minified code has names that change with every build; what is
    /// left of it after they are taken out needs the message beside it.
    pub is_telling: bool,
}

/// Frames that count, from the crash outwards; deeper ones say little and make keys long.
const MOST_FRAMES: usize = 60;

/// The shapes of one stack; `None` where no frame says anything.
#[derive(Debug, Default)]
pub struct Shapes {
    /// Of the application's own frames.
    pub own: Option<Shape>,
    /// Of all frames.
    pub all: Option<Shape>,
}

impl Shapes {
    /// Reads both in one pass, since most of the work is to describe the frames.
    pub fn of(stack: &Stacktrace, platform: &str) -> Shapes {
        let (mut own, mut all) = (Outline::default(), Outline::default());
        for frame in between_machinery(&stack.frames, platform).iter().rev() {
            let is_own = frame.in_app == Some(true);
            if all.is_full() && (own.is_full() || !is_own) {
                continue;
            }
            // The source line tells apart two errors of one function, at the crash only: a caller's line
            // may be edited without a change of the bug.
            let with_source = all.frames.is_empty() || is_own && own.frames.is_empty();
            let Some(next) = frame::describe(frame, platform, with_source) else { continue };
            let next = Rc::new(next);
            if is_own {
                own.add_outside_loops(&next);
            }
            all.add_outside_loops(&next);
        }
        Shapes { own: own.shape(), all: all.shape() }
    }
}

/// Frames that count, from the crash outwards, as they are found.
#[derive(Debug, Default)]
struct Outline {
    frames: Vec<Rc<Described>>,
}

impl Outline {
    fn is_full(&self) -> bool {
        self.frames.len() > MOST_FRAMES
    }

    /// Adds a frame unless it was on the way already: then what lies between the two is a recursion, and how deep
    /// it went, and through what, is the input's, not the bug's. `parse < list < parse < map < parse` is `parse`.
    fn add_outside_loops(&mut self, next: &Rc<Described>) {
        if self.is_full() {
            return;
        }
        let frames = &mut self.frames;
        // Frames without a name say too little to be known again; only a run of them is one.
        let before = if next.is_named {
            frames.iter().position(|frame| frame.place == next.place)
        } else {
            frames.last().is_some_and(|last| last.place == next.place).then(|| frames.len() - 1)
        };
        match before {
            Some(at) => frames.truncate(at + 1),
            None => frames.push(next.clone()),
        }
    }

    fn shape(mut self) -> Option<Shape> {
        self.frames.truncate(MOST_FRAMES);
        let frames = &self.frames;
        if frames.is_empty() {
            return None;
        }
        let is_telling =
            frames.iter().any(|frame| frame.is_named) && !frames.iter().any(|frame| frame.is_minified);
        let mut text = String::new();
        for (at, frame) in frames.iter().enumerate() {
            if at > 0 {
                text.push_str("; ");
            }
            frame.write(&mut text, at == 0);
        }
        Some(Shape { text, is_telling })
    }
}

/// Cuts off how the error was raised and how the thread was started.
fn between_machinery<'a>(frames: &'a [Frame], platform: &str) -> &'a [Frame] {
    if !matches!(platform, "native" | "c" | "cpp" | "cocoa" | "objc" | "swift" | "rust" | "other" | "") {
        return frames;
    }
    let name = |frame: &Frame| {
        let name = frame.function.as_deref().or(frame.raw_function.as_deref()).unwrap_or_default();
        super::function::clean(name, "native")
    };
    // The frame nearest to the thread's start that raises; the ones above it only carry it out.
    const REACH: usize = 24;
    let near_crash = frames.len().saturating_sub(REACH);
    let raises = |frame: &Frame| raises(&name(frame));
    let end = frames[near_crash..].iter().position(raises).map_or(frames.len(), |at| near_crash + at);
    let start =
        frames[..end].iter().take(12).rposition(|frame| starts_thread(&name(frame))).map_or(0, |at| at + 1);
    if start < end { &frames[start..end] } else { frames }
}

fn raises(function: &str) -> bool {
    const EXACT: &[&str] = &[
        "abort",
        "__GI_abort",
        "raise",
        "__GI_raise",
        "gsignal",
        "pthread_kill",
        "__pthread_kill",
        "__pthread_kill_implementation",
        "__assert_fail",
        "__assert_fail_base",
        "__assert_rtn",
        "__stack_chk_fail",
        "__cxa_throw",
        "__cxa_rethrow",
        "_CxxThrowException",
        "objc_exception_throw",
        "rust_begin_unwind",
        "__rust_start_panic",
        "std::terminate",
        "_objc_terminate",
    ];
    const HEADS: &[&str] = &[
        "std::panicking::",
        "core::panicking::",
        "std::__throw_",
        "__asan_",
        "__asan::",
        "__ubsan",
        "__msan_",
        "__tsan_",
        "__sanitizer::",
        "__interceptor_",
        "__fortify_fail",
        "core::result::unwrap_failed",
        "core::option::unwrap_failed",
        "core::option::expect_failed",
    ];
    EXACT.contains(&function) || HEADS.iter().any(|head| function.starts_with(head))
}

fn starts_thread(function: &str) -> bool {
    const EXACT: &[&str] = &[
        "_start",
        "start",
        "__libc_start_main",
        "__libc_start_main_impl",
        "__libc_start_call_main",
        "start_thread",
        "_pthread_start",
        "_pthread_body",
        "thread_start",
        "clone",
        "clone3",
        "__clone",
        "__clone3",
        "BaseThreadInitThunk",
        "RtlUserThreadStart",
        "std::rt::lang_start",
        "std::rt::lang_start_internal",
        "__rust_try",
        "std::panicking::try",
        "std::panic::catch_unwind",
    ];
    EXACT.contains(&function)
        || function.starts_with("std::sys::backtrace::__rust_begin_short_backtrace")
        || function.starts_with("std::sys_common::backtrace::__rust_begin_short_backtrace")
}
