//! Compares issues with the bugs that they come from: `cargo xtask bench grouping`.
//!
//! Beside ours stand the keys by which Bugsink groups, computed by its own code for the same errors.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use error_sentinel_tests::labelled::{Agreement, Labelled, crashes, grouped, messages, two_builds};
use error_sentinel_tests::{Collector, Python, finish_with};
use serde_json::{Value, json};

/// Compares issues with the bugs that they come from.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the figures go as JSON.
    #[arg(long, default_value = "target/bench/grouping.json")]
    json: PathBuf,
    /// Sets of a tenth.
    #[arg(long)]
    quick: bool,
    /// Compares with Bugsink too.
    #[arg(long)]
    bugsink: bool,
    /// More errors to compare: a file with `{"bug": NAME, "event": {…}}` on each line.
    #[arg(long)]
    labelled: Vec<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let part = if arguments.quick { 10 } else { 1 };
    let mut sets = vec![
        ("messages".to_owned(), messages(10_000 / part)),
        ("two builds, minified".to_owned(), two_builds()),
        ("native crashes".to_owned(), crashes(1000 / part)),
    ];
    for path in &arguments.labelled {
        sets.push((path.display().to_string(), read(path)?));
    }
    println!(
        "{:<24} {:<16} {:>7} {:>6} {:>7} {:>10} {:>7} {:>7}",
        "errors", "grouped by", "errors", "bugs", "issues", "precision", "recall", "F1"
    );
    let mut figures = Vec::new();
    for (name, errors) in &sets {
        let ours = Agreement::of(&grouped(&mut Collector::start(), errors));
        figures.push(row(name, "error-sentinel", ours));
        if arguments.bugsink {
            figures.push(row(name, "bugsink", by_bugsink(errors)?));
        }
    }
    if let Some(folder) = arguments.json.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&arguments.json, serde_json::to_string_pretty(&figures)?)?;
    println!("written to {}", arguments.json.display());
    Ok(())
}

fn row(name: &str, by: &str, agreement: Agreement) -> Value {
    let Agreement { events, bugs, issues, precision, recall } = agreement;
    let f1 = agreement.f1();
    println!(
        "{name:<24} {by:<16} {events:>7} {bugs:>6} {issues:>7} {precision:>10.4} {recall:>7.4} {f1:>7.4}"
    );
    json!({
        "errors": name, "grouped_by": by, "events": events, "bugs": bugs, "issues": issues,
        "precision": precision, "recall": recall, "f1": f1,
    })
}

fn read(path: &Path) -> anyhow::Result<Vec<Labelled>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let error = |line: &str| {
        let mut error: Value = serde_json::from_str(line)?;
        let bug = error["bug"].as_str().context("a line has no bug")?.to_owned();
        Ok(Labelled { bug, event: error["event"].take() })
    };
    text.lines().map(error).collect()
}

/// Asks Bugsink's own code for its keys.
fn by_bugsink(errors: &[Labelled]) -> anyhow::Result<Agreement> {
    let events: Vec<String> = errors.iter().map(|error| error.event.to_string()).collect();
    let mut command = Python::with_bugsink().script("bugsink_keys.py");
    let printed = finish_with(&mut command, &events.join("\n"), Duration::from_secs(300)).success();
    let keys: Vec<&str> = printed.stdout.lines().collect();
    ensure!(keys.len() == errors.len(), "{} keys for {} errors", keys.len(), errors.len());
    let pairs: Vec<_> = errors.iter().map(|error| error.bug.as_str()).zip(keys).collect();
    Ok(Agreement::of(&pairs))
}
