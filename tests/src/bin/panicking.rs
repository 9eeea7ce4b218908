//! Panics that are caught and have nothing in common: `panicking COUNT END`. Each is told when it is over; then the
//! program aborts, or waits to be killed.

use std::io::Write;
use std::panic::catch_unwind;

use error_sentinel_tests::panic_by_a_way_of_its_own;

fn main() {
    // They are wanted, and many.
    std::panic::set_hook(Box::new(|_| {}));
    std::mem::forget(error_sentinel::init(""));
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|count| count.parse().ok()).expect("a number");
    let end = arguments.next().expect("an end");
    for number in 0..count {
        assert!(catch_unwind(|| panic_by_a_way_of_its_own(number)).is_err());
        say(&format!("panicked {number}"));
    }
    match end.as_str() {
        "abort" => std::process::abort(),
        "wait" => loop {
            std::thread::park();
        },
        other => panic!("there is no end {other:?}"),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}
