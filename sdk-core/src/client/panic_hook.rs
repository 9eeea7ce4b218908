//! Reports panics, then lets the hook that was there before do its work.
//!
//! A panic inside the hook would abort the host, and `catch_unwind` does not help there; so nothing here can
//! panic, nothing waits for a lock, and no code of the application runs.

use std::panic::PanicHookInfo;
use std::sync::Once;

use error_sentinel_wire::{Event, Exception, Level, Mechanism, limits};

use super::{Snapshot, addresses, clock, hand_over, is_making, is_on, is_own_process, scopes, worker};
use crate::alert::Chain;
use crate::fit::fit;

/// Installs the hook, once per process. It does nothing while reporting is off.
pub fn install() {
    if std::thread::panicking() {
        // A thread that unwinds may not touch the hook: that would abort the process. Another one may, as soon as no
        // hook runs; it cannot be waited for, since one may be running here. Without it, panics are not reported.
        let _ = std::thread::Builder::new().spawn(install_once);
    } else {
        install_once();
    }
}

fn install_once() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // What panics here was called by the SDK: without it, nobody would see anything either.
            if is_making() || worker::is_worker() {
                return;
            }
            if is_on() && is_own_process() {
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
    fit(&mut event);
    let trail = scopes::apply(&mut event, false);
    let chain = Chain::default();
    hand_over(Snapshot { event, chain, trail, addresses: addresses(), origin: None, is_panic: true }, false);
    if cfg!(panic = "abort") {
        super::flush(super::farewell());
    }
}
