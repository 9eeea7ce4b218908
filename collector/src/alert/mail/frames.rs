//! Where it failed: the few frames that a mail has room for.

use error_sentinel_wire::codec::decode_value;
use error_sentinel_wire::{Event, Frame};

use super::line::line;

/// Most frames in a mail.
const FRAMES: usize = 5;

/// One frame as the mail shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameLine {
    /// The function.
    pub function: String,
    /// File and line.
    pub place: String,
}

/// The frames of an event's payload to look at first, the one that failed on top: the application's own where
/// there are any, else the nearest. Empty when the payload tells of none.
pub fn frames(payload: &[u8]) -> Vec<FrameLine> {
    let Ok(value) = decode_value(payload) else { return Vec::new() };
    let event = Event::from_value(value);
    let of_exceptions = event.exceptions.iter().rev().filter_map(|exception| exception.stacktrace.as_ref());
    let of_threads = event
        .threads
        .iter()
        .filter(|thread| thread.crashed == Some(true) || thread.current == Some(true))
        .filter_map(|thread| thread.stacktrace.as_ref());
    let mut stacks =
        of_exceptions.chain(&event.stacktrace).chain(of_threads).filter(|s| !s.frames.is_empty());
    let own = |frame: &&Frame| frame.in_app == Some(true);
    let Some(first) = stacks.next() else { return Vec::new() };
    let with_own = std::iter::once(first).chain(stacks).find(|stack| stack.frames.iter().any(|f| own(&f)));
    let newest_first = with_own.unwrap_or(first).frames.iter().rev();
    let shown: Vec<&Frame> = match with_own {
        Some(_) => newest_first.filter(own).take(FRAMES).collect(),
        None => newest_first.take(FRAMES).collect(),
    };
    shown.into_iter().map(frame_line).collect()
}

fn frame_line(frame: &Frame) -> FrameLine {
    let function = frame.function.as_deref().or(frame.raw_function.as_deref()).unwrap_or("?");
    let file = frame.filename.as_deref().or(frame.abs_path.as_deref()).or(frame.module.as_deref());
    let file = file.or(frame.package.as_deref()).or(frame.instruction_addr.as_deref()).unwrap_or_default();
    // The end of a path says more than its beginning.
    let cleaned = line(file, 1000);
    let length = cleaned.chars().count();
    let place = if length > 90 {
        std::iter::once('…').chain(cleaned.chars().skip(length - 89)).collect()
    } else {
        cleaned
    };
    let place = match frame.lineno {
        Some(number) if !place.is_empty() => format!("{place}:{number}"),
        _ => place,
    };
    FrameLine { function: line(function, 90), place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn own_frames_come_first_and_the_failing_one_on_top() {
        let payload = br#"{"exception":{"values":[{"type":"E","stacktrace":{"frames":[
            {"function":"main","filename":"main.rs","lineno":3,"in_app":true},
            {"function":"std","filename":"std.rs","in_app":false},
            {"function":"pay","filename":"pay.rs","lineno":7,"in_app":true},
            {"function":"panic","filename":"panic.rs","in_app":false}]}}]}}"#;
        let frames = frames(payload);
        let shown: Vec<_> = frames.iter().map(|f| (f.function.as_str(), f.place.as_str())).collect();
        assert_eq!(shown, [("pay", "pay.rs:7"), ("main", "main.rs:3")]);
    }

    #[test]
    fn without_own_frames_the_nearest_are_shown() {
        let frame = |n: usize| format!(r#"{{"function":"f{n}","abs_path":"/x/{}"}}"#, "y".repeat(200));
        let list = (0..9).map(frame).collect::<Vec<_>>().join(",");
        let frames = frames(format!(r#"{{"stacktrace":{{"frames":[{list}]}}}}"#).as_bytes());
        assert_eq!(frames.len(), 5);
        assert_eq!(frames[0].function, "f8");
        assert!(frames[0].place.starts_with('…') && frames[0].place.chars().count() == 90);
    }

    proptest! {
        #[test]
        fn any_payload_is_read_without_panic(payload: Vec<u8>) {
            prop_assert!(frames(&payload).len() <= FRAMES);
        }
    }
}
