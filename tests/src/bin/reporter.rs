//! A program that reports: each command is one way in which programs treat the SDK.
//!
//! It says `ready` when its work is done, waits for a line, lets the SDK end (at most `REPORTER_CLOSE_MS`) and says
//! how that went, as `name value` lines.

use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::panic::catch_unwind;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use error_sentinel::{Event, EventId, Guard, Message, Options, send_alert, send_alert_with};

/// Reports before the memory is looked at: until then the SDK is still starting.
const WARM_UP: u64 = 2000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().expect("a command");
    let count: u64 = arguments.next().map_or(1, |count| count.parse().expect("a number"));
    match command.as_str() {
        // One error again and again.
        "repeat" => with_sdk(|| repeat(count)),
        // Errors that have nothing in common.
        "distinct" => with_sdk(|| distinct(0..count)),
        // The same with a moment between them, and how long each call took.
        "paced" => with_sdk(|| paced(count)),
        "threads" => with_sdk(|| threads(count)),
        "panic" => {
            let _guard = start();
            panic!("the reactor is on fire");
        }
        // A thread panics, and the process is gone before anybody could have sent anything.
        "panic-and-exit" => {
            let guard = start();
            let _ = std::thread::spawn(|| panic!("the reactor is on fire")).join();
            std::mem::forget(guard);
            std::process::exit(7);
        }
        // Events whose ids, and so the names of their files, are known beforehand.
        "known" => with_sdk(|| known(count)),
        "race" => race(count),
        "fork" => fork(),
        "fork-and-exec" => fork_and_exec(),
        "leave-a-child" => leave_a_child(count),
        other => panic!("there is no command {other:?}"),
    }
}

fn start() -> Guard {
    error_sentinel::init(Options::new(""))
}

fn say(name: &str, value: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{name} {value}").and_then(|()| out.flush()).expect("somebody listens");
}

fn with_sdk(work: impl FnOnce()) {
    let guard = start();
    work();
    say("ready", "");
    std::io::stdin().lock().read_line(&mut String::new()).expect("a line");
    let close_ms = std::env::var("REPORTER_CLOSE_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(2000);
    say("closed", guard.close(Duration::from_millis(close_ms)));
}

fn repeat(count: u64) {
    for _ in 0..count {
        send_alert("the reactor is on fire");
    }
}

fn distinct(numbers: std::ops::Range<u64>) {
    let mut before = 0;
    for number in numbers.clone() {
        report(number);
        if number == WARM_UP {
            // Meanwhile the names of the stack are found, which takes memory once.
            error_sentinel::flush(Duration::from_secs(3));
            before = resident_bytes();
        }
    }
    if numbers.end > WARM_UP {
        say("grown_bytes", resident_bytes().saturating_sub(before));
    }
}

fn report(number: u64) {
    send_alert_with("the reactor is on fire", |alert| {
        alert.fingerprint([number.to_string()]);
    });
}

fn known(count: u64) {
    for number in 1..=count {
        let message = Message { formatted: Some(format!("error {number}")), ..Message::default() };
        let (event_id, fingerprint) = (Some(EventId(number.into())), vec![number.to_string()]);
        send_alert(Event { event_id, fingerprint, message: Some(message), ..Event::default() });
    }
}

fn paced(count: u64) {
    let mut took: Vec<Duration> = (0..count)
        .map(|number| {
            let start = Instant::now();
            report(number);
            let took = start.elapsed();
            std::thread::sleep(Duration::from_millis(1));
            took
        })
        .collect();
    took.sort_unstable();
    say("p99_us", took[took.len() * 99 / 100].as_micros());
    say("longest_us", took[took.len() - 1].as_micros());
}

fn threads(count: u64) {
    let threads: Vec<_> = (0..count)
        .map(|number| {
            let thread = std::thread::Builder::new().stack_size(128 << 10);
            thread.spawn(move || report(number)).expect("a thread")
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it reports and ends"));
}

/// Starts and ends the SDK while other threads report and flush.
fn race(count: u64) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut number = thread;
                while !is_over.load(Ordering::Relaxed) {
                    report(number);
                    error_sentinel::add_breadcrumb("step");
                    error_sentinel::set_tag("thread", "x");
                    error_sentinel::flush(Duration::ZERO);
                    number += 4;
                }
            });
        }
        for _ in 0..count {
            start().close(Duration::ZERO);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    say("raced", count);
}

/// A child that goes on without starting the SDK anew: it reports, panics, flushes and ends like its parent.
fn fork() {
    let guard = start();
    send_alert("from the parent, before");
    // Safety: the child does what a forking server's child does, and that this is safe is what is tested.
    #[allow(unsafe_code, reason = "there is no other way to fork")]
    let child = unsafe { libc::fork() };
    if child == 0 {
        for _ in 0..1000 {
            send_alert("from the child");
            drop(catch_unwind(|| panic!("in the child")));
        }
        error_sentinel::flush(Duration::from_secs(60));
        drop(guard);
        std::process::exit(3);
    }
    let mut status = 0;
    // Safety: a plain call with a place for the answer.
    #[allow(unsafe_code, reason = "as above")]
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert!(waited == child && libc::WIFEXITED(status));
    say("child", libc::WEXITSTATUS(status));
    send_alert("from the parent, after");
    say("closed", guard.close(Duration::from_secs(20)));
}

/// A child of a fork, which reports, and then becomes another program.
fn forked(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    // Safety: the child does what is to be tested.
    #[allow(unsafe_code, reason = "there is no other way to do something before the other program")]
    unsafe {
        command.pre_exec(|| {
            send_alert("from the child, before it is another program");
            Ok(())
        });
    }
    command
}

/// The other program is this one, and starts the SDK for itself.
fn fork_and_exec() {
    let guard = start();
    send_alert("from the parent, before");
    let itself = std::env::current_exe().expect("it has a path");
    let child = forked(itself).args(["distinct", "3"]).stdout(Stdio::null()).status().expect("it starts");
    say("child", child.success());
    send_alert("from the parent, after");
    say("closed", guard.close(Duration::from_secs(20)));
}

/// The other program outlives this one, and knows nothing of the SDK.
#[allow(clippy::zombie_processes, reason = "this program is gone before the other ends")]
fn leave_a_child(count: u64) {
    with_sdk(|| {
        let child = forked("sleep").arg("600").stdout(Stdio::null()).spawn().expect("it starts");
        say("child", child.id());
        distinct(0..count);
    });
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}
