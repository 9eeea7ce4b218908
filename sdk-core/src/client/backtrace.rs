//! Stacks: addresses where the alert is raised, names where there is time.

use std::collections::HashMap;

use error_sentinel_wire::{Frame, Stacktrace, limits};

pub use walk::addresses;

mod walk;

/// Most addresses resolved and remembered; past it all are forgotten.
const REMEMBERED: usize = 8192;

/// Who takes a stack is on it too, as the newest.
const CAPTURE_ENDS: [&str; 7] = [
    "error_sentinel::",
    "backtrace::",
    "std::backtrace::",
    "std::backtrace_rs::",
    "anyhow::",
    "eyre::",
    "stable_eyre::",
];
/// Where a panic's own machinery ends: what is newer is of no interest.
const PANIC_BEGINS: [&str; 6] = [
    "rust_begin_unwind",
    "__rustc::rust_begin_unwind",
    "core::panicking::panic_fmt",
    "std::panicking::begin_panic",
    "core::panicking::panic",
    "core::result::unwrap_failed",
];
/// Libraries whose functions are not the application's.
const LIBRARIES: [&str; 22] = [
    "std::",
    "core::",
    "alloc::",
    "backtrace::",
    "error_sentinel::",
    "rust_begin_unwind",
    "__rust",
    "__rustc::",
    "tokio::",
    "futures",
    "hyper",
    "axum",
    "tower",
    "rayon",
    "tracing",
    "anyhow::",
    "eyre::",
    "crossbeam",
    "async_std::",
    "smol::",
    "actix",
    "test::",
];

/// Names of addresses, found once.
#[derive(Debug, Default)]
pub struct Symbols {
    known: HashMap<usize, Vec<Frame>>,
}

impl Symbols {
    /// The stack of `addresses`, oldest caller first. Frames of this crate, and of the panic machinery, are left out.
    pub fn stack(&mut self, addresses: &[usize], is_panic: bool, own: &[String]) -> Option<Stacktrace> {
        let mut frames: Vec<Frame> = Vec::new();
        for address in addresses {
            frames.extend(self.frames(*address).iter().cloned());
        }
        arranged(frames, is_panic, own)
    }

    /// Whether all of these have been found before.
    pub fn know(&self, addresses: &[usize]) -> bool {
        addresses.iter().all(|address| self.known.contains_key(address))
    }

    /// The functions that a call at the address before this one is in, the innermost first.
    pub fn frames(&mut self, address: usize) -> &[Frame] {
        if self.known.len() >= REMEMBERED && !self.known.contains_key(&address) {
            self.known.clear();
        }
        self.known.entry(address).or_insert_with(|| resolve(address))
    }
}

/// The stack that the standard library's `Backtrace` wrote: numbered functions, the newest first, and below each the
/// place that it was at.
pub fn written(text: &str, own: &[String]) -> Option<Stacktrace> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((number, function)) = line.split_once(": ")
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            if frames.len() >= limits::FRAMES {
                break;
            }
            frames.push(Frame { function: Some(without_hash(function).to_owned()), ..Frame::default() });
        } else if let Some(place) = line.strip_prefix("at ")
            && let Some(frame) = frames.last_mut()
        {
            let mut parts = place.rsplitn(3, ':');
            let (column, line, file) = (parts.next(), parts.next(), parts.next());
            frame.abs_path = file.map(str::to_owned);
            frame.filename = file.map(|file| shortened(file).to_owned());
            frame.lineno = line.and_then(|line| line.parse().ok());
            frame.colno = column.and_then(|column| column.parse().ok());
        }
    }
    let mut stack = arranged(frames, false, own)?;
    // `?` and its like turn one error into another on behalf of the function that they stand in.
    let made =
        stack.frames.iter().rposition(|frame| !is_of_std(frame.function.as_deref().unwrap_or_default()));
    if let Some(made) = made {
        stack.frames.truncate(made + 1);
    }
    Some(stack)
}

/// A function's name without the hash that changes with every build: `shop::pay::h0123456789abcdef`.
fn without_hash(function: &str) -> &str {
    let is_hash = |hash: &str| hash.len() == 17 && hash.starts_with('h');
    function.rsplit_once("::").filter(|(_, hash)| is_hash(hash)).map_or(function, |(name, _)| name)
}

/// Frames that came newest first, as the wire wants them.
fn arranged(mut frames: Vec<Frame>, is_panic: bool, own: &[String]) -> Option<Stacktrace> {
    let begins = |frame: &Frame, known: &[&str]| {
        let name = frame.function.as_deref().unwrap_or_default();
        known.iter().any(|begin| name.starts_with(begin))
    };
    let is_machinery = |frame: &Frame| {
        let name = frame.function.as_deref().unwrap_or_default();
        begins(frame, &CAPTURE_ENDS) || name.starts_with('<') && name.contains("error_sentinel::")
    };
    let ours = frames.iter().rposition(is_machinery).map_or(0, |at| at + 1);
    let panics = frames.iter().rposition(|frame| is_panic && begins(frame, &PANIC_BEGINS));
    // What comes before these places is newer than the alert itself.
    frames.drain(..ours.max(panics.map_or(0, |at| at + 1)).min(frames.len()));
    for frame in &mut frames {
        let name = frame.function.as_deref().unwrap_or_default();
        let is_own = own.iter().any(|prefix| plain(name).starts_with(prefix.as_str()));
        frame.in_app = Some(is_own || own.is_empty() && is_application(name));
    }
    frames.reverse();
    (!frames.is_empty()).then(|| Stacktrace { frames, ..Stacktrace::default() })
}

/// The functions at an address, the innermost inlined one first.
fn resolve(address: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    // An address on the stack is where a call returns to; one before it is the call.
    let call = address.saturating_sub(1);
    backtrace::resolve(call as *mut std::ffi::c_void, |symbol| {
        // The alternate form leaves out the hashes, which change with every build.
        let function = symbol.name().map(|name| format!("{name:#}"));
        let file = symbol.filename().map(|path| path.to_string_lossy().into_owned());
        frames.push(Frame {
            function,
            filename: file.as_deref().map(|path| shortened(path).to_owned()),
            abs_path: file,
            lineno: symbol.lineno().map(u64::from),
            colno: symbol.colno().map(u64::from),
            instruction_addr: Some(format!("{address:#x}")),
            ..Frame::default()
        });
    });
    if frames.is_empty() {
        frames.push(Frame { instruction_addr: Some(format!("{address:#x}")), ..Frame::default() });
    }
    frames
}

/// The path from the crate's `src` folder on, with the crate's own folder before it.
fn shortened(path: &str) -> &str {
    let Some(src) = path.rfind("/src/") else { return path };
    let start = path.get(..src).and_then(|head| head.rfind('/')).map_or(0, |at| at + 1);
    path.get(start..).unwrap_or(path)
}

/// The path of a function without the brackets of `<Type as Trait>::method`.
fn plain(name: &str) -> &str {
    let name = name.trim_start_matches(['<', '&', '*']);
    name.strip_prefix("dyn ").unwrap_or(name)
}

/// The path whose crate a function is of: that of a method is its type's, and its trait's where the type is any or
/// one of the language's own, as in `<T as core::convert::Into<U>>::into`.
fn implemented_by(name: &str) -> &str {
    let path = plain(name);
    match path.split_once(" as ") {
        Some((of_type, of_trait)) if !of_type.contains("::") => of_trait,
        _ => path,
    }
}

fn is_of_std(name: &str) -> bool {
    let path = implemented_by(name);
    ["core::", "std::", "alloc::"].iter().any(|library| path.starts_with(library))
}

/// Whether a function is the application's own, as far as its name tells.
pub fn is_application(name: &str) -> bool {
    let name = implemented_by(name);
    // What has no module is of the C library or of the linker, but for the program's own `main`.
    // A bare function type is called by the standard library.
    let is_bare = name.starts_with("fn(") || name.starts_with("for<");
    name.contains("::") && !is_bare && !LIBRARIES.iter().any(|library| name.starts_with(library))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_their_crate_on() {
        assert_eq!(shortened("/home/ada/shop/src/pay.rs"), "shop/src/pay.rs");
        assert_eq!(shortened("pay.rs"), "pay.rs");
    }

    #[test]
    fn libraries_are_told_from_the_application() {
        for own in [
            "shop::pay",
            "<shop::Cart as core::fmt::Display>::fmt",
            "<u32 as shop::Price>::price",
            "main::main",
        ] {
            assert!(is_application(own), "{own}");
        }
        for library in [
            "std::rt::lang_start",
            "<std::io::Error as x>::y",
            "<T as core::convert::Into<U>>::into",
            "tokio::runtime::x",
            "__libc_start_main",
            "_start",
        ] {
            assert!(!is_application(library), "{library}");
        }
    }

    #[test]
    fn a_stack_ends_where_it_was_taken() {
        #[inline(never)]
        fn here() -> Vec<usize> {
            addresses()
        }
        let stack = Symbols::default().stack(&here(), false, &[]).unwrap();
        assert!(stack.frames.len() > 3);
        assert!(stack.frames.iter().all(|frame| frame.in_app.is_some()));
    }

    #[cfg(not(windows))]
    #[test]
    fn a_stack_is_taken_while_another_thread_looks_for_names() {
        use std::sync::mpsc::channel;
        let addresses = addresses();
        let (taken, wait) = channel();
        let mut is_taken = Vec::new();
        // Names are handed out under the lock.
        backtrace::resolve(addresses[0] as *mut std::ffi::c_void, |_| {
            let taken = taken.clone();
            std::thread::spawn(move || taken.send(super::addresses().len()));
            is_taken.push(wait.recv_timeout(std::time::Duration::from_secs(60)));
        });
        assert!(is_taken.first().is_some_and(|taken| taken.is_ok_and(|length| length > 0)), "{is_taken:?}");
    }

    #[test]
    fn a_backtrace_that_the_standard_library_wrote_is_read() {
        let text = "   0: anyhow::error::<impl anyhow::Error>::new\n   \
                    1: shop::pay::h0123456789abcdef\n             at ./src/pay.rs:10:5\n   2: main\n";
        let stack = written(text, &[]).unwrap();
        let names: Vec<_> = stack.frames.iter().filter_map(|frame| frame.function.as_deref()).collect();
        assert_eq!(names, ["main", "shop::pay"]);
        let pay = &stack.frames[1];
        assert_eq!(
            (pay.filename.as_deref(), pay.lineno, pay.colno),
            (Some("./src/pay.rs"), Some(10), Some(5))
        );
        assert_eq!(pay.in_app, Some(true));
        // Of another error, by `?`.
        let text = text.replace("shop::pay::h0123456789abcdef", "<T as core::convert::Into<U>>::into")
            + "   3: core::result::Result<T,E>::map_err\n   4: shop::pay\n   5: core::ops::FnOnce::call_once\n";
        let stack = written(&text, &[]).unwrap();
        assert_eq!(stack.frames.last().unwrap().function.as_deref(), Some("main"));
        let text = text.replace("   2: main\n", "");
        let stack = written(&text, &[]).unwrap();
        let names: Vec<_> = stack.frames.iter().filter_map(|frame| frame.function.as_deref()).collect();
        assert_eq!(names, ["core::ops::FnOnce::call_once", "shop::pay"]);
        // And one of this very standard library, whose form could change.
        let real = written(&std::backtrace::Backtrace::force_capture().to_string(), &[]).unwrap();
        assert!(real.frames.len() > 3);
        assert!(real.frames.iter().any(|frame| frame.lineno.is_some() && frame.colno.is_some()));
        assert_eq!(written("disabled backtrace", &[]), None);
        assert_eq!(without_hash("shop::pay::h0123456789abcdef"), "shop::pay");
    }
}
