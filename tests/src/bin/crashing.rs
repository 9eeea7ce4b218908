//! A program in Rust that dies of a signal: `crashing HOW WHERE [with-sdk]`, the SDK by its environment variables.
//!
//! HOW is `segv`, `abort`, `bus`, `ill`, `fpe`, `overflow`, `malloc`; WHERE is `main`, `worker` or `two`. `crashing report`
//! is the next start.
#![expect(unsafe_code, reason = "to break memory takes it")]

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Duration;

use error_sentinel::{Crumb, Options};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    if word(0) == "report" {
        let guard = error_sentinel::init(Options::new(""));
        // What has not left by then is left to the next start.
        error_sentinel::flush(Duration::from_secs(5));
        guard.close(Duration::from_secs(1));
        return;
    }
    let _guard = (word(2) == "with-sdk").then(|| {
        let guard = error_sentinel::init(Options::new("").release("till@2.0").report_crashes(true));
        error_sentinel::set_tag("shop", "berlin");
        let data = [("apples", 3.into())];
        error_sentinel::add_breadcrumb(Crumb::new("three apples were added").category("basket").data(&data));
        guard
    });
    let how = word(0);
    match word(1) {
        "main" => middle(how),
        "worker" => std::thread::scope(|scope| _ = scope.spawn(|| middle(how))),
        "two" => {
            let together = Barrier::new(2);
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        together.wait();
                        middle(how);
                    });
                }
            });
        }
        other => panic!("there is no {other}"),
    }
    panic!("it lives");
}

#[inline(never)]
fn middle(how: &str) {
    die(how);
    black_box(how);
}

#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { deeper(depth + 1) + black_box(room)[0] }
}

/// Reads what is mapped and beyond the end of its file, which is SIGBUS.
#[inline(never)]
fn read_past_the_end() {
    let file = tempfile::tempfile().expect("an empty file");
    // SAFETY: a new mapping of a file that is open; reading it is what must not be done.
    unsafe {
        let bytes = libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ,
            libc::MAP_SHARED,
            std::os::fd::AsRawFd::as_raw_fd(&file),
            0,
        );
        assert_ne!(bytes, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        black_box(std::ptr::read_volatile(bytes.cast::<u8>()));
    }
}

#[inline(never)]
fn die(how: &str) {
    match how {
        "abort" => std::process::abort(),
        "overflow" => _ = black_box(deeper(0)),
        // SAFETY: it is not; that is what it is for.
        "segv" => unsafe { std::ptr::write_volatile(black_box(16 as *mut u8), 1) },
        // Not `raise`: the standard library's own handler gives SIGBUS up and returns, so that only the next one would kill.
        "bus" => read_past_the_end(),
        // SAFETY: as above; malloc crashes while it holds its lock.
        "malloc" => unsafe {
            // So many that some of them lie alone.
            let blocks = [(); 64].map(|()| libc::malloc(2000).cast::<usize>());
            for block in blocks.iter().step_by(2) {
                libc::free(block.cast());
            }
            for block in blocks.iter().step_by(2) {
                std::ptr::write_volatile(black_box(*block).wrapping_add(1), 8);
            }
            black_box(libc::malloc(3000));
        },
        other => {
            let signal = match other {
                "ill" => libc::SIGILL,
                "fpe" => libc::SIGFPE,
                _ => panic!("there is no {other}"),
            };
            // SAFETY: a number of a signal.
            unsafe { libc::raise(signal) };
        }
    }
    black_box(how);
}
