//! What our SDK costs its host, beside the crate `sentry` on the same machine in the same run.
//!
//! Both deliver to nowhere, both at once in turns. Whatever needs a fresh process, or a process with one SDK only,
//! runs in a child: an SDK is one for the whole process. `cargo xtask bench sdk` builds and runs it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::{Map, Value, json};

mod contestant;
mod measure;
mod paced;
mod repeats;
mod weight;

use contestant::{Contestant, Ours, Sentry};

/// Measures our SDK beside the crate sentry.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the figures go as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fewer repetitions, rougher figures.
    #[arg(long)]
    quick: bool,
    /// Takes one figure of one contestant, and prints it.
    #[arg(long, num_args = 2, value_names = ["FIGURE", "CONTESTANT"], hide = true)]
    one: Option<Vec<String>>,
    /// Takes the times of one contestant's calls while it reports to a DSN, and prints them.
    #[arg(long, num_args = 2, value_names = ["CONTESTANT", "DSN"], hide = true)]
    paced: Option<Vec<String>>,
    /// Reports one error so many times to a DSN, and prints what one of them took.
    #[arg(long, num_args = 3, value_names = ["CONTESTANT", "DSN", "COUNT"], hide = true)]
    repeats: Option<Vec<String>>,
    /// Takes only the figures with a misbehaving server.
    #[arg(long)]
    only_paced: bool,
}

/// One line of the table: what is measured, its name, and the share of sentry's figure that ours may be.
const FIGURES: [(&str, &str, f64); 14] = [
    ("breadcrumb_ns", "breadcrumb, ring full, 1 thread", 1.0 / 3.0),
    ("breadcrumb_4_threads_ns", "breadcrumb, ring full, 4 threads", 1.0 / 3.0),
    ("breadcrumb_64_threads_ns", "breadcrumb, ring full, 64 threads", 1.0 / 3.0),
    ("alert_with_stack_ns", "alert of 3 errors with its stack", 0.1),
    ("alert_with_stack_p99_ns", "the same, 99th percentile", 0.1),
    ("first_alert_with_stack_ns", "the first of a process", 0.1),
    ("alert_ns", "alert of 3 errors without stack", 0.5),
    ("alert_100_breadcrumbs_ns", "the same with 100 breadcrumbs", 0.5),
    ("panic_ns", "panic that is caught, kept on disk", 0.5),
    ("panics_in_a_row_ns", "one of many back to back", 0.5),
    ("first_panic_ns", "the first of a process", 0.5),
    ("repeat_ns", "one of a million repeats", 0.5),
    ("disabled_alert_ns", "alert without a DSN", 5.0 / 22.0),
    ("disabled_breadcrumb_ns", "breadcrumb without a DSN", 5.0 / 22.0),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(one) = &arguments.one {
        let figure = one.first().map(String::as_str).unwrap_or_default();
        let nanoseconds = match one.get(1).map(String::as_str) {
            Some("ours") => measure::figure::<Ours>(figure, arguments.quick),
            Some("sentry") => measure::figure::<Sentry>(figure, arguments.quick),
            other => bail!("there is no contestant {other:?}"),
        };
        println!("{nanoseconds}");
        return Ok(());
    }
    if let Some([contestant, dsn]) = arguments.paced.as_deref() {
        return paced::take(contestant, dsn, arguments.quick);
    }
    if let Some([contestant, dsn, count]) = arguments.repeats.as_deref() {
        return repeats::take(contestant, dsn, count);
    }
    let mut figures = Map::new();
    if !arguments.only_paced {
        compare(&mut figures, arguments.quick)?;
        figures.insert("repeats".to_owned(), repeats::compare(arguments.quick)?);
    }
    figures.insert("paced".to_owned(), paced::compare(arguments.quick)?);
    if !arguments.quick && !arguments.only_paced {
        weigh(&mut figures)?;
    }
    if let Some(path) = arguments.json {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, serde_json::to_vec_pretty(&Value::Object(figures))?)?;
    }
    Ok(())
}

/// What a call costs, by name.
fn compare(figures: &mut Map<String, Value>, is_quick: bool) -> Result<()> {
    println!(
        "{:<36} {:>12} {:>12} {:>8}  target",
        "nanoseconds on the caller's thread", "ours", "sentry", "share"
    );
    for (name, title, share) in FIGURES {
        let (mut ours, mut sentry) = (Vec::new(), Vec::new());
        // In turns, so that what else the machine does hits both.
        for _ in 0..if is_quick { 3 } else { 9 } {
            ours.push(one(name, Ours::NAME, is_quick)?);
            sentry.push(one(name, Sentry::NAME, is_quick)?);
        }
        let (ours, sentry) = (measure::median(ours), measure::median(sentry));
        let is_met = ours <= sentry * share;
        let verdict = if is_met { "" } else { "  missed" };
        println!("{title:<36} {ours:>12.1} {sentry:>12.1} {:>8.2}  {share:.2}{verdict}", ours / sentry);
        let row = json!({ "ours": ours, "sentry": sentry, "target_share": share, "is_met": is_met });
        figures.insert(name.to_owned(), row);
    }
    Ok(())
}

/// What an SDK adds to a program.
fn weigh(figures: &mut Map<String, Value>) -> Result<()> {
    let (ours, sentry) = (weight::weigh(Ours::NAME)?, weight::weigh(Sentry::NAME)?);
    for (title, ours, sentry) in [
        ("bytes of hello world, stripped", ours.binary_bytes as f64, sentry.binary_bytes as f64),
        ("crates of hello world", ours.crate_count as f64, sentry.crate_count as f64),
        ("seconds to build it from nothing", ours.build_s, sentry.build_s),
        ("the same, seconds of processor", ours.build_cpu_s, sentry.build_cpu_s),
    ] {
        println!("{title:<36} {ours:>12.0} {sentry:>12.0} {:>8.2}", ours / sentry);
    }
    figures.insert("hello".to_owned(), json!({ "ours": ours.to_json(), "sentry": sentry.to_json() }));
    Ok(())
}

/// A figure, taken by a process of its own.
fn one(figure: &str, contestant: &str, is_quick: bool) -> Result<f64> {
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["--one", figure, contestant]).env_remove("ERROR_SENTINEL_DSN").env_remove("SENTRY_DSN");
    if is_quick {
        child.arg("--quick");
    }
    let output = child.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| {
        format!("{figure} of {contestant}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
    })
}
