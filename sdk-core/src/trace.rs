//! The W3C trace context: one id for all that one request causes, in every service that it touches.
//!
//! Only what errors need of it: to read the header `traceparent`, to hand it on, and to put the trace into an alert.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use error_sentinel_wire::{Object, TraceId};

/// Where an alert happened in the course of a request.
///
/// ```
/// use error_sentinel::Trace;
///
/// let trace = Trace::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
/// assert_eq!(trace.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// ```
///
/// # Source
/// W3C Trace Context, Level 1, section 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace_id: TraceId,
    span_id: u64,
    is_sampled: bool,
}

impl Trace {
    /// A trace of these ids; `None` when one of them is zero, which the standard forbids.
    pub fn new(trace_id: TraceId, span_id: u64) -> Option<Trace> {
        (trace_id.0 != 0 && span_id != 0).then_some(Trace { trace_id, span_id, is_sampled: false })
    }

    /// Reads the header `traceparent`, of this or a later version of the standard; `None` when it is not valid.
    pub fn parse(header: &str) -> Option<Trace> {
        let header = header.trim();
        let mut parts = header.splitn(5, '-');
        let (version, trace_id) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let (span_id, flags) = (hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        // Version 255 is forbidden, and the first one has nothing behind its flags.
        if version == 0xff || version == 0 && parts.next().is_some() {
            return None;
        }
        let trace = Trace::new(TraceId(trace_id), u64::try_from(span_id).ok()?)?;
        Some(Trace { is_sampled: flags & 1 == 1, ..trace })
    }

    /// The id that all services share.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The same trace, seen from another span of it.
    pub fn with_span(self, span_id: u64) -> Trace {
        if span_id == 0 { self } else { Trace { span_id, ..self } }
    }

    /// As an event's context.
    pub fn context(&self) -> Object {
        let mut context = Object::default();
        context.set("trace_id", self.trace_id.to_string());
        context.set("span_id", format!("{:016x}", self.span_id));
        context
    }
}

/// As the header `traceparent` has it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

/// Reads exactly `digits` lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == digits && text.bytes().all(is_hex)).then(|| u128::from_str_radix(text, 16).ok())?
}

impl From<Trace> for String {
    fn from(trace: Trace) -> String {
        trace.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_standard_forbids_is_no_trace() {
        for header in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Trace::parse(header), None, "{header}");
        }
        // Of a later version, what is behind the flags is unknown and passed over.
        let later = Trace::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-ever");
        assert_eq!(later.unwrap().to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    }

    proptest! {
        #[test]
        fn a_trace_that_is_written_reads_back(id in 1u128.., span in 1u64..) {
            let trace = Trace::new(TraceId(id), span).unwrap();
            prop_assert_eq!(Trace::parse(&trace.to_string()), Some(trace));
        }

        #[test]
        fn any_header_is_read_without_panic(header in "(00-)?\\PC{0,60}") {
            let _ = Trace::parse(&header);
        }
    }
}
