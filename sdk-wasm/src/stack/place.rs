//! Where a frame is: a URL with line and column, or a place in a WebAssembly module.

use error_sentinel_wire::search::{find, rsplit_once, split_once};

use crate::record::parse_int;

/// What stands behind the function's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place<'a> {
    /// The script's or module's URL, or what the engine writes in its place, such as `[native code]`.
    pub file: &'a str,
    /// From 1.
    pub line: Option<i64>,
    /// From 1.
    pub column: Option<i64>,
    /// The function of a WebAssembly module, such as `wasm-function[12]`.
    pub wasm_function: Option<&'a str>,
    /// The instruction in that module, such as `0x1a2b`.
    pub wasm_offset: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// Reads `file:line:column`, `file:line`, `file`, or `file:wasm-function[index]:0xoffset`.
    pub fn parse(text: &'a str) -> Place<'a> {
        if let Some(place) = parse_wasm(text) {
            return place;
        }
        let (rest, last) = split_number(text);
        let (file, line) = split_number(rest);
        match (line, last) {
            (None, _) => Place { file: rest, line: last, ..Place::default() },
            (line, column) => Place { file, line, column, ..Place::default() },
        }
    }

    /// Whether it is a place at all: text with a scheme or a path, or a position. Separates frames from prose.
    pub fn is_known(&self) -> bool {
        self.line.is_some()
            || self.wasm_function.is_some()
            || find(self.file, ":/").is_some()
            || self.is_native()
            || self.file == "eval code"
    }

    /// Whether no code of the page's: the engine's own, or an extension's.
    pub fn is_foreign(&self) -> bool {
        let is_extension =
            split_once(self.file, "://").is_some_and(|(scheme, _)| scheme.ends_with("-extension"));
        (self.is_native() && self.line.is_none())
            || is_extension
            || self.file.starts_with("webkit-masked-url:")
    }

    fn is_native(&self) -> bool {
        matches!(self.file, "[native code]" | "<anonymous>" | "[wasm code]" | "native")
    }
}

/// `https://host/app.wasm:wasm-function[12]:0x1a2b`, the form that the WebAssembly specification asks for.
fn parse_wasm(text: &str) -> Option<Place<'_>> {
    let (file, function) = text.split_at_checked(find(text, ":wasm-function[")?)?;
    let function = function.get(1..)?;
    let (name, offset) = match split_once(function, ":") {
        Some((name, offset)) if offset.starts_with("0x") => (name, Some(offset)),
        Some((name, _)) => (name, None),
        None => (function, None),
    };
    let place = Place { file, wasm_function: Some(name), wasm_offset: offset, ..Place::default() };
    name.ends_with(']').then_some(place)
}

/// Splits `text:number`; the number stays in the text when it is none.
fn split_number(text: &str) -> (&str, Option<i64>) {
    match rsplit_once(text, ":").and_then(|(rest, digits)| Some((rest, parse_int(digits)?))) {
        Some((rest, number)) if number >= 0 => (rest, Some(number)),
        _ => (text, None),
    }
}
