//! A whole stack as a text: what happened around the error is cut off, recursion is folded.

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

impl Shape {
    /// Of the own frames or of all; `None` when none of them says anything.
    pub fn of(stack: &Stacktrace, platform: &str, own_only: bool) -> Option<Shape> {
        let frames = between_machinery(&stack.frames, platform);
        let mut described: Vec<Described> = Vec::new();
        for frame in frames.iter().rev() {
            if own_only && frame.in_app != Some(true) {
                continue;
            }
            // The source line tells apart two errors of one function, at the crash only: a caller's line
            // may be edited without a change of the bug.
            let Some(next) = frame::describe(frame, platform, described.is_empty()) else { continue };
            described.push(next);
            fold_recursion(&mut described);
            if described.len() > MOST_FRAMES {
                break;
            }
        }
        described.truncate(MOST_FRAMES);
        if described.is_empty() {
            return None;
        }
        let is_telling =
            described.iter().any(|frame| frame.is_named) && !described.iter().any(|frame| frame.is_minified);
        let texts: Vec<&str> = described.iter().map(|frame| frame.text.as_str()).collect();
        Some(Shape { text: texts.join("; "), is_telling })
    }
}

/// Longest cycle of functions that is folded.
const LONGEST_CYCLE: usize = 8;

/// Drops the last frames when they repeat those before them: how deep a recursion went says nothing.
fn fold_recursion(frames: &mut Vec<Described>) {
    for cycle in 1..=LONGEST_CYCLE {
        let Some(start) = frames.len().checked_sub(2 * cycle) else { return };
        let (before, last) = frames[start..].split_at(cycle);
        if before.iter().zip(last).all(|(one, other)| one.place == other.place) {
            frames.truncate(start + cycle);
            return;
        }
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
