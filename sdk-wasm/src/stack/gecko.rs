//! SpiderMonkey's and JavaScriptCore's frames: `f@https://…:1:2`, `async*f@…`, `global code@…`, `map@[native code]`.

use error_sentinel_wire::Value;
use error_sentinel_wire::search::{rsplit_once, split_once};

use super::place::Place;
use crate::record::parse_int;

/// Reads a line; `None` when it is prose.
pub fn parse_frame(line: &str) -> Option<Value> {
    let (function, place) = split(line)?;
    let parsed = Place::parse(place);
    let place = match parsed.wasm_function {
        // A module that was compiled from bytes is told like code that was evaluated.
        Some(_) => parsed,
        None => evaluated_from(place).unwrap_or(parsed),
    };
    place.is_known().then(|| super::frame(name(function), &place))
}

/// Splits function and place. Both may contain `@` (`react@18/index.js`), so it is the first one behind which
/// something like a place begins.
fn split(line: &str) -> Option<(&str, &str)> {
    if is_place(line) {
        return Some(("", line));
    }
    let mut rest = line;
    while let Some((_, place)) = split_once(rest, "@") {
        if is_place(place) {
            return Some((line.get(..line.len() - place.len() - 1)?, place));
        }
        rest = place;
    }
    // `@debugger eval code:1:1`, `eval code@`
    split_once(line, "@").map(|(function, place)| (function, if place.is_empty() { function } else { place }))
}

fn is_place(text: &str) -> bool {
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    text.starts_with("[native code]")
        || text.starts_with("[wasm code]")
        || split_once(text, ":/").is_some_and(|(scheme, _)| scheme.bytes().all(is_scheme))
}

/// `https://…/app.js line 10 > eval:1:1`: where it was evaluated is what people can open, so that line counts.
fn evaluated_from(place: &str) -> Option<Place<'_>> {
    let (file, rest) = split_once(place, " line ")?;
    let (line, _) = split_once(rest, " > ")?;
    Some(Place { file, line: Some(parse_int(line)?), ..Place::default() })
}

/// The function without how it came to be called: `async*f`, `setTimeout handler*f`, `f/<`.
fn name(function: &str) -> &str {
    let function = rsplit_once(function, "*").map_or(function, |(_, function)| function);
    let function = function.strip_prefix("async ").unwrap_or(function);
    match function {
        "global code" | "module code" | "eval code" | "anonymous" => "",
        other => other,
    }
}
