//! Measures a collector beside a bare handler and Bugsink: `cargo xtask bench collector`.
//!
//! Each figure stands beside that of a server that reads the same requests and answers 202 without doing
//! anything, measured in the same run by the same client, since on a small or shared machine only the
//! difference means something.

mod bare;
mod figures;
mod large;
mod scenario;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde_json::json;

use figures::{disk, table};
use large::Grown;
use scenario::Plan;

/// Measures the collector beside a bare handler on this machine.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the figures go as JSON.
    #[arg(long, default_value = "target/bench/collector.json")]
    json: PathBuf,
    /// A short run with rough figures.
    #[arg(long)]
    quick: bool,
    /// Only the rates and the pages of a store that has grown.
    #[arg(long)]
    only_grown: bool,
    /// Only the full load, of events of so many KB.
    #[arg(long, value_name = "KB")]
    only_full: Option<usize>,
    /// Compares with Bugsink too.
    #[arg(long)]
    bugsink: bool,
    /// Is the bare handler itself.
    #[arg(long, hide = true)]
    bare: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.bare {
        return bare::serve();
    }
    let plan = if arguments.quick {
        Plan { steady: Duration::from_secs(5), full: Duration::from_secs(2), rounds: 1 }
    } else {
        Plan { steady: Duration::from_secs(20), full: Duration::from_secs(6), rounds: 3 }
    };
    let events = if arguments.quick { 20_000 } else { 1_000_000 };
    if arguments.only_grown {
        println!("{}", Grown::measure(events, plan.full).text());
        return Ok(());
    }
    if let Some(kilobytes) = arguments.only_full {
        println!("{}", table::full(&scenario::full_of(&plan, kilobytes * 1024, 2000)));
        return Ok(());
    }
    let sync = disk::sync_time();
    println!("one write synced to this disk: p50 {} µs\n", sync.as_micros());
    let steady = scenario::steady(&plan);
    println!("steady load, 500 events/s of 12 KB over 16 connections, default limits");
    println!("{}", table::steady(&steady));
    let full = scenario::full(&plan, arguments.bugsink);
    println!("full load, 16 connections at once, each sends when it is answered, no rate limit");
    println!("{}", table::full(&full));
    let grown = Grown::measure(events, plan.full);
    println!("{}\n", grown.text());
    if let Some(folder) = arguments.json.parent() {
        fs::create_dir_all(folder)?;
    }
    let figures = json!({
        "sync_p50_us": u64::try_from(sync.as_micros())?,
        "steady": steady.iter().map(scenario::Measured::json).collect::<Vec<_>>(),
        "full": full.iter().map(scenario::Measured::json).collect::<Vec<_>>(),
        "grown": grown.json(),
    });
    fs::write(&arguments.json, serde_json::to_string_pretty(&figures)?)?;
    println!("written to {}", arguments.json.display());
    Ok(())
}
