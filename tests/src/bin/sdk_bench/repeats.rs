//! One error in a loop: what a repeat costs its thread, what is sent, and what the real collector counts in the end.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use error_sentinel_tests::{Api, Conduct, Setup, Tracker};
use serde_json::{Map, Value, json};

use crate::contestant::{Contestant, Ours, Sentry};
use crate::measure::failure;

/// How long a count must stay as it is to be the last.
const CALM: Duration = Duration::from_secs(2);

/// Takes the figures of both, prints a table, and returns them.
///
/// # Errors
/// When a process of them fails.
pub fn compare(is_quick: bool) -> Result<Value> {
    let count: u64 = if is_quick { 20_000 } else { 1_000_000 };
    println!("\none error {count} times, with its stack, to the real collector");
    println!("{:<10} {:>16} {:>16} {:>16}", "", "ns a repeat", "bytes sent", "counted");
    let mut rows = Map::new();
    rows.insert("reported".to_owned(), count.into());
    for contestant in [Ours::NAME, Sentry::NAME] {
        let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
        let wire = Tracker::start(Conduct::Forward(collector.address()));
        let itself = std::env::current_exe()?;
        let dsn = wire.dsn(&collector.key());
        let output =
            Command::new(itself).args(["--repeats", contestant, &dsn, &count.to_string()]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let ns_a_repeat: f64 = text.trim().parse().with_context(|| {
            format!("{contestant}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
        })?;
        let counted = last_count(&collector.api());
        let bytes = wire.forwarded_bytes();
        println!("{contestant:<10} {ns_a_repeat:>16.0} {bytes:>16} {counted:>16}");
        if contestant == Ours::NAME && counted != count {
            bail!("{counted} of {count} repeats were counted");
        }
        let row = json!({ "ns_a_repeat": ns_a_repeat, "sent_bytes": bytes, "counted": counted });
        rows.insert(contestant.to_owned(), row);
    }
    Ok(Value::Object(rows))
}

/// The errors that the collector has counted when no more come.
fn last_count(api: &Api) -> u64 {
    let (mut count, mut since) = (api.total_count(), Instant::now());
    while since.elapsed() < CALM {
        std::thread::sleep(CALM / 20);
        let now = api.total_count();
        if now != count {
            (count, since) = (now, Instant::now());
        }
    }
    count
}

/// Reports one error again and again, and prints what one took.
///
/// # Errors
/// When there is no such contestant.
pub fn take(contestant: &str, dsn: &str, count: &str) -> Result<()> {
    let count = count.parse()?;
    let took = match contestant {
        "ours" => repeat::<Ours>(dsn, count),
        "sentry" => repeat::<Sentry>(dsn, count),
        other => bail!("there is no contestant {other:?}"),
    };
    println!("{}", took.as_nanos() as f64 / f64::from(count));
    Ok(())
}

fn repeat<C: Contestant>(dsn: &str, count: u32) -> Duration {
    let guard = C::start_for(dsn);
    let one = failure(0);
    let start = Instant::now();
    for _ in 0..count {
        C::alert(black_box(&one));
    }
    let took = start.elapsed();
    C::flush();
    drop(guard);
    took
}
