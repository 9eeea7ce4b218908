//! Programs that panic in nasty places behave with the SDK as they do without it: the same exit status, the same
//! output, and no waiting for ever. What they die of is reported all the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{Conduct, Finished, Tracker, finish, kept_events};

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// A bound against hanging, far above the two seconds that the SDK may take for its farewell.
const RUN: Duration = Duration::from_secs(60);

/// Each program of `doomed`, and the least number of events that tell of it.
const PROGRAMS: [(&str, usize); 24] = [
    ("main", 1),
    ("thread", 1),
    // The first panic, the one in the drop, and the one that says that this was too much.
    ("drop-while-unwinding", 2),
    ("thread-local-drop", 1),
    ("chained-hooks", 2),
    ("hook-that-panics", 1),
    ("hook-that-exits", 1),
    ("before-send", 0),
    ("display", 1),
    ("payload-drop", 2),
    ("other-payloads", 2),
    ("loop", 10),
    ("main-returns", 10),
    ("exit", 10),
    ("abort", 1),
    ("static", 2),
    ("foreign-caller", 1),
    ("deep-stack", 1),
    ("small-stack", 1),
    // No hook is called for it.
    ("endless-recursion", 0),
    ("short-memory", 1),
    ("held-locks", 4),
    ("nested-threads", 3),
    ("late-start", 1),
];

fn run(program: &str, sdk: Option<(&Tracker, &Path)>) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doomed"));
    command.arg(program).env("RUST_BACKTRACE", "0");
    if let Some((tracker, spool)) = sdk {
        command.arg("with-sdk").env("ERROR_SENTINEL_DSN", tracker.dsn(KEY));
        command.env("ERROR_SENTINEL_SPOOL_DIR", spool);
    }
    finish(&mut command, RUN)
}

/// What is said on standard error, without the numbers of threads, which differ between runs, and without stacks,
/// which show that the SDK's hook is on them.
fn said(finished: &Finished) -> Vec<String> {
    let is_of_a_stack = |line: &str| {
        let rest = line.trim_start();
        let is_frame = rest.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        line == "stack backtrace:" || rest.len() < line.len() && (is_frame || rest.starts_with("at "))
    };
    let lines = finished.stderr.lines().filter(|line| !is_of_a_stack(line));
    let plain = lines.map(|line| match (line.split_once(" ("), line.rsplit_once(')')) {
        (Some((before, _)), Some((_, after))) if line.starts_with("thread ") => format!("{before}{after}"),
        _ => line.to_owned(),
    });
    plain.collect()
}

#[track_caller]
fn behaves_alike_and_is_reported(program: &str, least: usize, conduct: Conduct) {
    let tracker = Tracker::start(conduct);
    let spool = tempfile::tempdir().expect("a folder");
    let without = run(program, None);
    let with = run(program, Some((&tracker, spool.path())));
    assert_eq!(with.status, without.status, "{program}: {with:#?}");
    assert_eq!(with.stdout, without.stdout, "{program}");
    assert_eq!(said(&with), said(&without), "{program}");
    let reported: BTreeSet<String> =
        kept_events(spool.path()).into_iter().chain(tracker.event_ids()).collect();
    assert!(reported.len() >= least, "{program}: {reported:?}");
}

/// Several at a time: most of what a program does here is to wait.
fn all_behave_alike(conduct: Conduct) {
    for some in PROGRAMS.chunks(6) {
        std::thread::scope(|scope| {
            for (program, least) in some {
                scope.spawn(move || behaves_alike_and_is_reported(program, *least, conduct));
            }
        });
    }
}

#[test]
fn a_program_that_panics_in_a_nasty_place_behaves_as_if_the_sdk_were_not_there() {
    all_behave_alike(Conduct::Well);
}

#[test]
fn such_a_program_ends_the_same_way_while_the_server_never_answers() {
    all_behave_alike(Conduct::BlackHole);
}
