//! DSNs, times, trace headers and rate-limit headers of any text are read or refused.

use error_sentinel::Trace;
use error_sentinel_wire::reply::{RATE_LIMITS_HEADER, Reply};
use error_sentinel_wire::{Dsn, EventId, UnixMs, limits};

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = UnixMs::parse(text);
    let _ = EventId::parse(text);
    if let Some(trace) = Trace::parse(text) {
        let header = trace.to_string();
        assert_eq!(Trace::parse(&header), Some(trace));
        // All but the version and the flags, which can be of a later standard, is as it came.
        assert_eq!(text.trim().get(3..52), header.get(3..52));
    }
    if let Ok(dsn) = Dsn::parse(text) {
        assert_eq!(Dsn::parse(&dsn.to_string()), Ok(dsn));
    }
    let reply =
        Reply::read(429, |name| (name == RATE_LIMITS_HEADER || name == "retry-after").then_some(text));
    assert!(reply.pauses.iter().all(|pause| pause.seconds <= limits::PAUSE_MAX_S));
}
