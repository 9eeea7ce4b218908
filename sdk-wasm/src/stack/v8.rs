//! V8's frames: `at new Shop (https://…:1:2)`, `at async f (…)`, `at eval (eval at f (…), <anonymous>:1:1)`.

use error_sentinel_wire::Value;
use error_sentinel_wire::search::{rsplit_once, split_once};

use super::place::Place;

/// Reads what follows `at `.
pub fn parse_frame(text: &str) -> Option<Value> {
    let text = text.strip_prefix("async ").unwrap_or(text);
    let Some((function, place)) = text.strip_suffix(')').and_then(|text| split_once(text, " (")) else {
        let place = Place::parse(text);
        return place.is_known().then(|| super::frame("", &place));
    };
    // `Promise.all (index 2)` is a place in an array of promises.
    let place = match place.starts_with("index ") {
        true => Place { file: "<anonymous>", ..Place::default() },
        false => Place::parse(outermost(place)),
    };
    Some(super::frame(function.trim_ascii(), &place))
}

/// Code that was evaluated has no URL of its own; where it was evaluated is what people can open.
fn outermost(place: &str) -> &str {
    let mut place = place;
    while let Some((_, inside)) = place.strip_prefix("eval at ").and_then(|text| split_once(text, " (")) {
        // `…:10:5), <anonymous>:1:1`
        place = rsplit_once(inside, "), ").map_or(inside, |(place, _)| place);
    }
    place
}
