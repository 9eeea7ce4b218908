//! Reports panics, then lets the hook that was there before do its work.
//!
//! A panic inside the hook would abort the host, and `catch_unwind` does not help there; so nothing here can
//! panic, nothing waits for a lock, and no code of the application runs.

use std::panic::PanicHookInfo;
use std::sync::Once;
use std::time::Duration;

use error_sentinel_wire::{Event, Exception, Level, Mechanism, limits};

use super::{Snapshot, addresses, clock, hand_over, is_on, worker};
use crate::scope;

/// How long a dying process waits for its last alert: with `panic = "abort"` there is no guard to do it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Installs the hook, once per process. It does nothing while reporting is off.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if is_on() && !worker::is_worker() {
                report(info);
            }
            previous(info);
        }));
    });
}

fn report(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text");
    let mut value = message.to_owned();
    limits::cut(&mut value, limits::MESSAGE_BYTES);
    let mechanism = Mechanism { kind: "panic".into(), handled: Some(false), ..Mechanism::default() };
    let exception = Exception {
        kind: Some("panic".into()),
        value: Some(value),
        mechanism: Some(mechanism),
        ..Exception::default()
    };
    let mut event = Event {
        event_id: Some(clock::event_id()),
        timestamp: Some(clock::now()),
        level: Some(Level::Fatal),
        exceptions: vec![exception],
        ..Event::default()
    };
    if let Some(name) = std::thread::current().name() {
        event.tags.push(("thread".to_owned(), name.to_owned()));
    }
    if let Some(place) = info.location() {
        let place = format!("{}:{}:{}", place.file(), place.line(), place.column());
        event.extra.set("location", place);
    }
    scope::apply(&mut event, false);
    hand_over(Snapshot { event, addresses: addresses(), is_panic: true });
    if cfg!(panic = "abort") {
        super::flush(LAST_WORDS);
    }
}
