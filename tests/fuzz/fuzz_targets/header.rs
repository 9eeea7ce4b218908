//! DSNs, times and rate-limit headers of any text are read or refused.
#![no_main]

use error_sentinel_wire::reply::{RATE_LIMITS_HEADER, Reply};
use error_sentinel_wire::{Dsn, EventId, UnixMs, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = UnixMs::parse(text);
    let _ = EventId::parse(text);
    if let Ok(dsn) = Dsn::parse(text) {
        assert_eq!(Dsn::parse(&dsn.to_string()), Ok(dsn));
    }
    let reply = Reply::read(429, |name| (name == RATE_LIMITS_HEADER || name == "retry-after").then_some(text));
    assert!(reply.pauses.iter().all(|pause| pause.seconds <= limits::PAUSE_MAX_S));
});
