//! What the slowest calls cost while the server misbehaves: an alert with its stack every millisecond.
//!
//! A machine has noise of its own, so the same loop runs with nothing in it, and with nothing but the walk up the
//! stack that every alert takes, by the standard library.

use std::backtrace::Backtrace;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use error_sentinel_tests::{Conduct, NAME_WITHOUT_ADDRESS, SilentDns, Tracker};
use serde_json::{Map, Value, json};

use crate::contestant::{Contestant, Ours, Sentry};
use crate::measure::{failure, median};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const PACE: Duration = Duration::from_millis(1);
/// Most microseconds of the 99th percentile.
const TARGET_US: f64 = 50.0;

/// What runs in the loop.
const CONTESTANTS: [&str; 4] = ["nothing", "walk", Ours::NAME, Sentry::NAME];

/// How a server treats what is reported to it.
#[derive(Clone, Copy)]
enum Server {
    Behaves(Conduct),
    /// Its name has no address, and to learn that takes half a minute.
    IsNotFound,
}

const SERVERS: [(&str, &str, Server); 7] = [
    ("well", "answers well", Server::Behaves(Conduct::Well)),
    ("down", "is down", Server::Behaves(Conduct::Down)),
    ("black_hole", "never answers", Server::Behaves(Conduct::BlackHole)),
    ("drip", "answers a byte a second", Server::Behaves(Conduct::Drip)),
    ("reset", "resets in the middle", Server::Behaves(Conduct::Reset)),
    ("redirect", "redirects for ever", Server::Behaves(Conduct::Redirect)),
    ("no_names", "has a name that DNS hangs at", Server::IsNotFound),
];

/// Calls of one process.
fn call_count(is_quick: bool) -> usize {
    if is_quick { 500 } else { 3000 }
}

/// Takes the figures of every contestant with every server, in turns, prints a table, and returns them.
///
/// # Errors
/// When a process of them fails.
pub fn compare(is_quick: bool) -> Result<Value> {
    println!("\nmicroseconds, 99th percentile and longest, of an alert a millisecond while the server…");
    println!("{:<30} {:>16} {:>16} {:>16} {:>16}  target", "", "nothing", "walk only", "ours", "sentry");
    let mut rows = Map::new();
    for (name, title, server) in SERVERS {
        let mut all: [Vec<(f64, f64)>; 4] = Default::default();
        for _ in 0..if is_quick { 3 } else { 9 } {
            for (contestant, taken) in CONTESTANTS.into_iter().zip(&mut all) {
                taken.push(one(contestant, server, is_quick)?);
            }
        }
        let mut row = Map::new();
        let mut line = format!("{title:<30}");
        for (contestant, taken) in CONTESTANTS.into_iter().zip(all) {
            let p99 = median(taken.iter().map(|(p99, _)| *p99).collect());
            let longest = median(taken.iter().map(|(_, longest)| *longest).collect());
            line.push_str(&format!(" {p99:>7.1} {longest:>8.0}"));
            let of_runs: Vec<f64> = taken.iter().map(|(p99, _)| *p99).collect();
            let figures = json!({ "p99_us": p99, "longest_us": longest, "p99_us_of_runs": of_runs });
            row.insert(contestant.to_owned(), figures);
            if contestant == Ours::NAME {
                row.insert("is_met".to_owned(), Value::Bool(p99 < TARGET_US));
            }
        }
        let is_met = row["is_met"] == true;
        println!("{line}  {TARGET_US:.0}{}", if is_met { "" } else { "  missed" });
        rows.insert(name.to_owned(), Value::Object(row));
    }
    Ok(Value::Object(rows))
}

/// The 99th percentile and the longest, of a process of its own.
fn one(contestant: &str, server: Server, is_quick: bool) -> Result<(f64, f64)> {
    let itself = std::env::current_exe()?;
    let (mut child, dsn, _dns) = match server {
        Server::Behaves(conduct) => (Command::new(itself), Tracker::start(conduct).dsn(KEY), None),
        Server::IsNotFound => {
            let dns = SilentDns::new();
            (dns.command(itself), format!("http://{KEY}@{NAME_WITHOUT_ADDRESS}/1"), Some(dns))
        }
    };
    child.args(["--paced", contestant, &dsn]).env_remove("ERROR_SENTINEL_SPOOL_DIR");
    if is_quick {
        child.arg("--quick");
    }
    let output = child.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut figures = text.split_whitespace().map(str::parse);
    let (Some(Ok(p99)), Some(Ok(longest))) = (figures.next(), figures.next()) else {
        bail!("{contestant}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    };
    Ok((p99, longest))
}

/// Takes the figures of one contestant and prints them.
///
/// # Errors
/// When there is no such contestant.
pub fn take(contestant: &str, dsn: &str, is_quick: bool) -> Result<()> {
    let count = call_count(is_quick);
    let mut taken = match contestant {
        "nothing" => times(count, |_| {}),
        "walk" => times(count, |_| drop(black_box(Backtrace::force_capture()))),
        "ours" => reporting::<Ours>(dsn, count),
        "sentry" => reporting::<Sentry>(dsn, count),
        other => bail!("there is no contestant {other:?}"),
    };
    taken.sort_by(f64::total_cmp);
    let longest = taken.last().context("there were calls")?;
    println!("{} {longest}", taken[taken.len() * 99 / 100]);
    // What is on its way needs no farewell.
    std::process::exit(0);
}

fn reporting<C: Contestant>(dsn: &str, count: usize) -> Vec<f64> {
    let guard = C::start_for(dsn);
    let failures: Vec<_> = (0..count).map(failure).collect();
    let taken = times(count, |number| C::alert(black_box(&failures[number])));
    std::mem::forget(guard);
    taken
}

/// Microseconds of every call.
fn times(count: usize, mut call: impl FnMut(usize)) -> Vec<f64> {
    let mut taken = Vec::with_capacity(count);
    for number in 0..count {
        let start = Instant::now();
        call(number);
        taken.push(start.elapsed().as_nanos() as f64 / 1000.0);
        std::thread::sleep(PACE);
    }
    taken
}
