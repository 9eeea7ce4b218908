//! Threads that report while the SDK starts, ends and starts again: nothing hangs, nothing is told twice, and the
//! count is exact. `cargo xtask sanitize` runs this under ThreadSanitizer.
#![allow(unexpected_cfgs, reason = "`sanitized` is set by that command only")]

use std::collections::HashSet;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use error_sentinel::{Event, Options, Scope, TestTransport, User};

const DSN: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
/// Far longer than anything here takes: where something hangs, it is a failure and no wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);
const THREADS: u64 = 64;

/// The SDK is one for the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// All that a thread can ask of the SDK, once.
#[expect(clippy::panic, reason = "a panic is one of the things that it is about")]
fn use_everything(number: u64) {
    error_sentinel::add_breadcrumb("a step");
    error_sentinel::set_tag("number", number.to_string());
    error_sentinel::set_user(Some(User { id: Some(number.to_string()), ..User::default() }));
    error_sentinel::with_scope(
        |scope| {
            scope.set_tag("scope", "inner");
        },
        || {
            error_sentinel::add_breadcrumb("a step within");
            error_sentinel::send_alert("one that repeats");
            error_sentinel::send_alert_with("one of many", |alert| {
                alert.fingerprint([number.to_string()]);
            });
            drop(Scope::current());
        },
    );
    if number.is_multiple_of(64) {
        assert!(catch_unwind(|| panic!("a panic that is caught")).is_err());
        error_sentinel::flush(Duration::ZERO);
    }
}

#[test]
fn starts_and_ends_race_with_sixty_four_threads_that_report() {
    let _one = ONE_AT_A_TIME.lock();
    std::panic::set_hook(Box::new(|_| {}));
    let spool = tempfile::tempdir().unwrap();
    let (is_over, next) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    use_everything(next.fetch_add(1, Ordering::Relaxed));
                    thread::yield_now();
                }
            });
        }
        for round in 0..100 {
            let options = Options::new(DSN).transport(TestTransport::new());
            // A spool brings one more that reads and writes what they share.
            let options = if round % 2 == 0 { options } else { options.spool_dir(spool.path()) };
            let guard = error_sentinel::init(options);
            assert!(guard.is_enabled());
            match round % 3 {
                0 => _ = guard.close(Duration::ZERO),
                1 => _ = guard.close(Duration::from_millis(5)),
                // Another start ends it.
                _ => std::mem::forget(guard),
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    // After all that, it works as on the first day.
    let transport = TestTransport::new();
    let guard = error_sentinel::init(Options::new(DSN).transport(transport.clone()));
    error_sentinel::send_alert("the last one");
    assert!(guard.close(PATIENCE));
    let is_last = |event: &Event| event.message.as_ref().and_then(|text| text.text()) == Some("the last one");
    assert_eq!(transport.events().iter().filter(|event| is_last(event)).count(), 1);
}

#[test]
fn what_sixty_four_threads_report_is_told_once_or_counted() {
    const EACH: u64 = 100;
    let _one = ONE_AT_A_TIME.lock();
    let transport = TestTransport::new();
    let guard = error_sentinel::init(Options::new(DSN).transport(transport.clone()));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for number in 0..EACH {
                    error_sentinel::add_breadcrumb("a step");
                    error_sentinel::send_alert_with("one of many", |alert| {
                        alert.fingerprint([(thread * EACH + number).to_string()]);
                    });
                    error_sentinel::send_alert("one that repeats");
                }
            });
        }
    });
    assert!(guard.close(PATIENCE));
    let events = transport.events();
    let ids: HashSet<_> = events.iter().filter_map(|event| event.event_id).collect();
    assert_eq!(ids.len(), events.len());
    let told: u64 = events.iter().map(Event::occurrence_count).sum();
    let lost: u64 = transport.lost().iter().map(|lost| lost.quantity).sum();
    assert_eq!(told + lost, 2 * THREADS * EACH);
}

/// Without this, a sanitizer that sees nothing would look like a program in which there is nothing to see.
#[cfg(sanitized)]
#[test]
fn a_race_on_purpose_is_seen() {
    struct Shared(std::cell::UnsafeCell<u64>);
    // Safety: there is none, and that is what must be found.
    #[allow(unsafe_code, reason = "a race takes it")]
    unsafe impl Sync for Shared {}
    static SHARED: Shared = Shared(std::cell::UnsafeCell::new(0));
    // On a busy machine one would be over before the other begins.
    let both = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                both.wait();
                // Safety: as above.
                #[allow(unsafe_code, reason = "as above")]
                (0..1000).for_each(|_| unsafe { *SHARED.0.get() += 1 });
            });
        }
    });
}

#[test]
fn of_a_million_steps_of_sixty_four_threads_the_last_ones_are_kept_and_the_rest_is_counted() {
    const STEPS: u64 = 1_000_000 / THREADS;
    const KEPT: usize = 20;
    let _one = ONE_AT_A_TIME.lock();
    let transport = TestTransport::new();
    let guard = error_sentinel::init(Options::new(DSN).transport(transport.clone()));
    let long = "ä".repeat(5 << 20);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let long = &long;
            scope.spawn(move || {
                for number in 0..STEPS {
                    match number % 1000 {
                        7 => error_sentinel::add_breadcrumb(long),
                        8 => error_sentinel::add_breadcrumb("a\0b\u{feff}\u{202e}"),
                        _ => error_sentinel::add_breadcrumb(format!("{thread} {number}")),
                    }
                }
            });
        }
    });
    error_sentinel::add_breadcrumb("the last of all");
    error_sentinel::send_alert("after so much");
    assert!(guard.close(PATIENCE));
    let text = transport.envelopes().remove(0);
    assert!(text.len() < 256 << 10, "{}", text.len());
    let event = transport.events().remove(0);
    assert_eq!(event.breadcrumbs.len(), KEPT);
    assert_eq!(event.breadcrumbs.last().unwrap().message.as_deref(), Some("the last of all"));
    let evicted_count = event.contexts.get("breadcrumbs").unwrap().get("evicted_count").unwrap();
    assert_eq!(evicted_count.as_i64().unwrap() + KEPT as i64, (THREADS * STEPS) as i64 + 1);
}
