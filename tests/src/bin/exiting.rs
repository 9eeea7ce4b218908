//! Programs that report and are gone at once, without the guard that would have let what they reported leave:
//! `exiting PROGRAM`.
//!
//! Most say, line by line, the ids of what they reported, and end with status 7.

use std::io::Write;
use std::process::exit;
use std::time::{Duration, Instant};

use error_sentinel::{EventId, Guard, Options, add_breadcrumb, send_alert};

/// How such programs end, so that a test can tell it from a failure.
const STATUS: i32 = 7;

/// Each program by its name.
const PROGRAMS: [(&str, fn()); 14] = [
    ("exit", || {
        say(in_a_started(|| vec![fire()]));
        exit(STATUS);
    }),
    ("first-word", || {
        // Not even the time that it takes to print.
        std::mem::forget(error_sentinel::init(""));
        fire();
        exit(STATUS);
    }),
    ("return", || {
        std::mem::forget(error_sentinel::init(""));
        say(vec![fire()]);
    }),
    ("while-names-are-found", while_names_are_found),
    ("while-names-are-found-and-changed", || {
        std::mem::forget(error_sentinel::init(Options::new("").before_send(changed)));
        names_and_more();
    }),
    ("storm", || {
        say(in_a_started(|| {
            (0..1000).for_each(|_| _ = fire());
            vec![]
        }));
        exit(STATUS);
    }),
    ("many", || {
        say(in_a_started(|| (0..200).map(number).collect()));
        exit(STATUS);
    }),
    ("another-thread", || {
        std::mem::forget(error_sentinel::init(""));
        let _ = std::thread::spawn(|| {
            say(vec![fire()]);
            exit(STATUS);
        })
        .join();
    }),
    ("after-the-end", || {
        let guard = error_sentinel::init("");
        let id = fire();
        guard.close(Duration::ZERO);
        say(vec![id]);
        exit(STATUS);
    }),
    ("hanging", || {
        let hang = |_| {
            loop {
                std::thread::park();
            }
        };
        std::mem::forget(error_sentinel::init(Options::new("").before_send(hang)));
        fire();
        exit(STATUS);
    }),
    ("abort", || {
        say(in_a_started(|| vec![fire()]));
        // Far longer than the few milliseconds that it takes, so that a busy machine does not decide the test.
        std::thread::sleep(Duration::from_millis(200));
        std::process::abort();
    }),
    ("closed", || {
        let guard = error_sentinel::init("");
        fire();
        assert!(guard.close(Duration::from_secs(60)));
    }),
    ("signal-handler", in_a_signal_handler),
    ("fork", in_a_fork),
];

fn main() {
    let name = std::env::args().nth(1).expect("a program");
    let program = PROGRAMS.iter().find(|(known, _)| *known == name);
    let (_, run) = program.unwrap_or_else(|| panic!("there is no program {name:?}"));
    run();
}

fn say(ids: Vec<EventId>) {
    let mut out = std::io::stdout().lock();
    ids.iter().try_for_each(|id| writeln!(out, "{id}")).and_then(|()| out.flush()).expect("somebody listens");
}

/// Work in a program with the SDK, whose guard is forgotten.
fn in_a_started<T>(work: impl FnOnce() -> T) -> T {
    let guard: Guard = error_sentinel::init("");
    add_breadcrumb("a step before the end");
    let done = work();
    std::mem::forget(guard);
    done
}

#[inline(never)]
fn fire() -> EventId {
    send_alert("the reactor is on fire")
}

#[inline(never)]
fn flood() -> EventId {
    send_alert("the cellar is under water")
}

fn number(number: u64) -> EventId {
    error_sentinel::send_alert_with("the reactor is on fire", |alert| {
        alert.fingerprint([number.to_string()]);
    })
}

/// The worker has taken the first, and looks for its names in a program with all its debug information.
fn names_and_more() {
    let first = fire();
    std::thread::sleep(Duration::from_millis(30));
    say(vec![first, flood()]);
    exit(STATUS);
}

fn while_names_are_found() {
    std::mem::forget(error_sentinel::init(""));
    names_and_more();
}

fn changed(mut event: error_sentinel::Event) -> Option<error_sentinel::Event> {
    event.tags.push(("changed".to_owned(), "yes".to_owned()));
    Some(event)
}

/// Interrupted at any moment, even with a lock of the C library's memory held: what then is reported may be lost, but
/// the process ends.
fn in_a_signal_handler() {
    extern "C" fn end(_: libc::c_int) {
        exit_of_c();
    }
    std::mem::forget(error_sentinel::init(""));
    let moment_us = std::env::args().nth(2).and_then(|us| us.parse().ok()).expect("microseconds");
    let once = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let timer =
        libc::itimerval { it_interval: once, it_value: libc::timeval { tv_sec: 0, tv_usec: moment_us } };
    // Safety: plain calls; that the handler does what POSIX advises against is what is tested.
    #[allow(unsafe_code, reason = "there is no other way to be interrupted")]
    let set = unsafe {
        libc::signal(libc::SIGALRM, end as *const () as libc::sighandler_t);
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut())
    };
    assert_eq!(set, 0);
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < Duration::from_secs(60) {
        count += 1;
        number(count);
    }
}

fn exit_of_c() -> ! {
    // Safety: it ends the process.
    #[allow(unsafe_code, reason = "the standard library's own exit is for one thread at a time")]
    unsafe {
        libc::exit(STATUS)
    }
}

/// The child reports nothing and exits while the parent's client has something waiting.
fn in_a_fork() {
    std::mem::forget(error_sentinel::init(""));
    let id = fire();
    // Safety: the child exits.
    #[allow(unsafe_code, reason = "there is no other way to fork")]
    let child = unsafe { libc::fork() };
    if child == 0 {
        flood();
        exit(3);
    }
    let mut status = 0;
    // Safety: a plain call with a place for the answer.
    #[allow(unsafe_code, reason = "as above")]
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert!(waited == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 3);
    say(vec![id]);
    exit(STATUS);
}
