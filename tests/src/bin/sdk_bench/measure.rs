//! How each figure is taken.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::panic::catch_unwind;
use std::time::Instant;

use error_sentinel_tests::panic_by_a_way_of_its_own;

use crate::contestant::{Contestant, Setup};

/// An error with its cause.
pub struct Failure {
    what: &'static str,
    number: usize,
    cause: Option<Box<Failure>>,
}

/// Both SDKs take the name of its type from here: errors of different numbers are of different types to them, so that
/// none counts as a repeat of another.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure{} {{ .. }}", self.number)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.what)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// An error with two causes.
pub fn failure(number: usize) -> Failure {
    let link = |what, cause| Failure { what, number, cause };
    let cause = link("the database", Some(Box::new(link("the disk", None))));
    link("the checkout", Some(Box::new(cause)))
}

/// Calls between two moments in which what was reported can leave.
const PER_ROUND: usize = 100;

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Takes a figure, in nanoseconds.
///
/// # Panics
/// When there is no such figure.
pub fn figure<C: Contestant>(name: &str, is_quick: bool) -> f64 {
    // Every panic here is wanted; what both SDKs call after their own work must not cost anything.
    std::panic::set_hook(Box::new(|_| {}));
    let rounds = if is_quick { 10 } else { 50 };
    let setup = Setup { is_on: true, takes_stacks: false, breadcrumbs: 20, is_kept: false };
    let with_stacks = Setup { takes_stacks: true, ..setup };
    let off = Setup { is_on: false, ..setup };
    let _guard = match name {
        "disabled_alert_ns" | "disabled_breadcrumb_ns" => C::start(off),
        "alert_100_breadcrumbs_ns" => C::start(Setup { breadcrumbs: 100, ..setup }),
        "alert_ns" | "repeat_ns" => C::start(setup),
        // A panic counts with its copy on disk.
        "panic_ns" | "panics_in_a_row_ns" | "first_panic_ns" => {
            C::start(Setup { is_kept: true, ..with_stacks })
        }
        _ => C::start(with_stacks),
    };
    let one = failure(0);
    let alert = || C::alert(black_box(&one));
    let all_different = |rounds: usize| {
        let failures: Vec<_> = (0..rounds * PER_ROUND).map(failure).collect();
        let mut next = failures.iter();
        singly::<C>(rounds, move || C::alert(black_box(next.next().expect("one for each call"))))
    };
    let panics = |number| black_box(catch_unwind(|| panic_by_a_way_of_its_own(number))).is_err();
    match name {
        "breadcrumb_ns" => {
            repeated(1000, C::breadcrumb);
            median((0..rounds).map(|_| repeated(10_000, C::breadcrumb)).collect())
        }
        "breadcrumb_4_threads_ns" => in_threads(4, if is_quick { 200_000 } else { 1_000_000 }, C::breadcrumb),
        "breadcrumb_64_threads_ns" => in_threads(64, if is_quick { 10_000 } else { 100_000 }, C::breadcrumb),
        "alert_ns" | "alert_with_stack_ns" => median(all_different(rounds)),
        "alert_100_breadcrumbs_ns" => {
            repeated(200, C::breadcrumb);
            median(all_different(rounds))
        }
        "alert_with_stack_p99_ns" => {
            let mut all = all_different(10 * rounds);
            all.sort_by(f64::total_cmp);
            all[all.len() * 99 / 100]
        }
        "first_alert_with_stack_ns" => repeated(1, alert),
        "panic_ns" => {
            let mut next = 0..;
            let mut all = singly::<C>(rounds, || _ = panics(next.next().unwrap_or_default()));
            // What the unwinding itself takes is in both.
            all.drain(..rounds / 2);
            median(all)
        }
        // Nothing has time to leave: more of them than fit anywhere.
        "panics_in_a_row_ns" => {
            let mut next = 0..;
            repeated(if is_quick { 3000 } else { 10_000 }, || _ = panics(next.next().unwrap_or_default()))
        }
        "first_panic_ns" => repeated(1, || _ = panics(0)),
        "repeat_ns" => repeated(if is_quick { 20_000 } else { 1_000_000 }, alert),
        "disabled_alert_ns" => repeated(10_000_000, alert),
        "disabled_breadcrumb_ns" => repeated(10_000_000, C::breadcrumb),
        other => panic!("there is no figure {other:?}"),
    }
}

/// Nanoseconds of one call among many.
fn repeated(count: u32, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        call();
    }
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

/// Nanoseconds of every call; now and then what was reported has time to leave, so that no call finds a full queue.
fn singly<C: Contestant>(rounds: usize, mut call: impl FnMut()) -> Vec<f64> {
    let mut all = Vec::with_capacity(rounds * PER_ROUND);
    for _ in 0..rounds {
        for _ in 0..PER_ROUND {
            let start = Instant::now();
            call();
            all.push(start.elapsed().as_nanos() as f64);
        }
        C::flush();
    }
    all
}

/// Nanoseconds of one call when several threads make them at once.
fn in_threads(threads: u32, count: u32, call: fn()) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(|| repeated(count, call))));
    start.elapsed().as_nanos() as f64 / f64::from(count)
}
