//! Stacks: addresses where the alert is raised, names where there is time.

use std::collections::HashMap;

use error_sentinel_wire::{Frame, Stacktrace, limits};

/// Most addresses resolved and remembered; past it all are forgotten.
const REMEMBERED: usize = 8192;

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

/// The addresses of this thread's stack, the newest first.
pub fn addresses() -> Vec<usize> {
    let mut addresses = Vec::with_capacity(64);
    backtrace::trace(|frame| {
        addresses.push(frame.ip() as usize);
        addresses.len() < limits::FRAMES
    });
    addresses
}

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
        let is_ours = |frame: &Frame| {
            frame.function.as_deref().is_some_and(|name| {
                name.starts_with("error_sentinel::")
                    || name.starts_with("backtrace::")
                    || name.starts_with('<') && name.contains("error_sentinel::")
            })
        };
        let ours = frames.iter().rposition(is_ours).map_or(0, |at| at + 1);
        let panics = frames.iter().rposition(|frame| {
            is_panic
                && frame
                    .function
                    .as_deref()
                    .is_some_and(|name| PANIC_BEGINS.iter().any(|begin| name.starts_with(begin)))
        });
        // Newest first here, so what comes before these places is newer than the alert itself.
        frames.drain(..ours.max(panics.map_or(0, |at| at + 1)).min(frames.len()));
        for frame in &mut frames {
            let name = frame.function.as_deref().unwrap_or_default();
            let is_own = own.iter().any(|prefix| plain(name).starts_with(prefix.as_str()));
            frame.in_app = Some(is_own || own.is_empty() && is_application(name));
        }
        frames.reverse();
        (!frames.is_empty()).then(|| Stacktrace { frames, ..Stacktrace::default() })
    }

    fn frames(&mut self, address: usize) -> &[Frame] {
        if self.known.len() >= REMEMBERED && !self.known.contains_key(&address) {
            self.known.clear();
        }
        self.known.entry(address).or_insert_with(|| resolve(address))
    }
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

fn is_application(name: &str) -> bool {
    let name = plain(name);
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
        for own in ["shop::pay", "<shop::Cart as core::fmt::Display>::fmt", "main::main"] {
            assert!(is_application(own), "{own}");
        }
        for library in [
            "std::rt::lang_start",
            "<std::io::Error as x>::y",
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
}
