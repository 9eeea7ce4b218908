//! Programs that report and exit at once, without a guard that waits: with a spool, what they reported is on disk when
//! they are gone, and arrives by the next start. And they are gone soon, whoever exits, and whatever hangs.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use error_sentinel_tests::{Conduct, Finished, Tracker, finish, kept_events, short_or_long};

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// A bound against hanging, far above the two seconds that the SDK may take for its farewell.
const RUN: Duration = Duration::from_secs(60);

fn exiting(words: &str, tracker: &Tracker, spool: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exiting"));
    set_up(&mut command, words, tracker, spool);
    command
}

fn set_up(command: &mut Command, words: &str, tracker: &Tracker, spool: Option<&Path>) {
    command.args(words.split(' ')).env("ERROR_SENTINEL_DSN", tracker.dsn(KEY));
    command.env_remove("ERROR_SENTINEL_SPOOL_DIR").env_remove("ERROR_SENTINEL_FAREWELL_MS");
    if let Some(dir) = spool {
        command.env("ERROR_SENTINEL_SPOOL_DIR", dir);
    }
}

/// Runs a program to its end, which must be the one that it chose.
#[track_caller]
fn run(mut command: Command, status: i32) -> Finished {
    let ended = finish(&mut command, RUN);
    assert_eq!(ended.status.code(), Some(status), "{command:?}: {ended:#?}");
    ended
}

/// What arrives of a folder at the next start: how many errors, and the ids of their events.
#[track_caller]
fn arrives(spool: &Path) -> (u64, Vec<String>) {
    let tracker = Tracker::start(Conduct::Well);
    let mut next = Command::new(env!("CARGO_BIN_EXE_reporter"));
    set_up(&mut next, "distinct 0", &tracker, Some(spool));
    let ended = finish(next.env("REPORTER_CLOSE_MS", "30000"), RUN).success();
    assert!(ended.stdout.contains("closed true"), "{ended:?}");
    assert_eq!(kept_events(spool), Vec::<String>::new());
    (tracker.stored_count(), tracker.event_ids())
}

#[test]
fn what_a_program_reported_before_it_exited_is_on_disk_and_arrives_later() {
    // How each ends, and how many errors it reported.
    for (program, status, count) in [
        ("exit", 7, 1),
        ("first-word", 7, 1),
        ("return", 0, 1),
        ("while-names-are-found", 7, 2),
        ("while-names-are-found-and-changed", 7, 2),
        ("many", 7, 200),
        ("another-thread", 7, 1),
        ("after-the-end", 7, 1),
        ("fork", 7, 1),
    ] {
        let spool = tempfile::tempdir().expect("a folder");
        let ended = run(exiting(program, &Tracker::start(Conduct::BlackHole), Some(spool.path())), status);
        assert_eq!(kept_events(spool.path()).len(), count, "{program}");
        let (stored, ids) = arrives(spool.path());
        assert_eq!((stored, ids.len()), (count as u64, count), "{program}");
        let said: Vec<&str> = ended.stdout.lines().collect();
        assert!(said.iter().all(|id| ids.iter().any(|known| known == id)), "{program}: {said:?} {ids:?}");
    }
}

#[test]
fn what_a_storm_has_counted_is_on_disk_when_its_program_exits() {
    let spool = tempfile::tempdir().expect("a folder");
    run(exiting("storm", &Tracker::start(Conduct::Down), Some(spool.path())), 7);
    let (stored, ids) = arrives(spool.path());
    assert_eq!(stored, 1000);
    assert!(ids.len() < 100, "{}", ids.len());
}

#[test]
fn what_a_program_reported_a_moment_before_it_was_killed_is_on_disk() {
    let spool = tempfile::tempdir().expect("a folder");
    let mut command = exiting("abort", &Tracker::start(Conduct::BlackHole), Some(spool.path()));
    let ended = finish(&mut command, RUN);
    assert_eq!(ended.status.signal(), Some(libc::SIGABRT), "{ended:#?}");
    assert_eq!(kept_events(spool.path()), ended.stdout.lines().collect::<Vec<_>>());
}

#[test]
fn what_before_send_says_holds_for_what_is_written_when_the_program_exits() {
    let spool = tempfile::tempdir().expect("a folder");
    let program = "while-names-are-found-and-changed";
    run(exiting(program, &Tracker::start(Conduct::BlackHole), Some(spool.path())), 7);
    let project = spool.path().join(format!("1-{KEY}"));
    let kept = kept_events(spool.path());
    assert_eq!(kept.len(), 2);
    for id in kept {
        let bytes = std::fs::read(project.join(format!("{id}.event"))).expect("kept");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("\"changed\""), "{text}");
    }
}

#[test]
fn without_a_spool_a_program_that_exits_waits_for_nothing() {
    let tracker = Tracker::start(Conduct::BlackHole);
    for (program, status) in [("first-word", 7), ("return", 0), ("storm", 7)] {
        let started = Instant::now();
        run(exiting(program, &tracker, None), status);
        assert!(started.elapsed() < Duration::from_millis(1500), "{program}: {:?}", started.elapsed());
    }
}

#[test]
fn a_program_whose_reports_have_left_waits_for_nothing_when_it_ends() {
    let spool = tempfile::tempdir().expect("a folder");
    let mut command = exiting("closed", &Tracker::start(Conduct::Well), Some(spool.path()));
    // Whoever waited would wait for so long.
    command.env("ERROR_SENTINEL_FAREWELL_MS", "50000");
    let started = Instant::now();
    run(command, 0);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn a_signal_handler_that_exits_at_any_moment_ends_the_program() {
    let tracker = Tracker::start(Conduct::Down);
    let spool = tempfile::tempdir().expect("a folder");
    for round in 0..short_or_long(12, 400) {
        let moment_us = 500 + round * 1379 % 20_000;
        run(exiting(&format!("signal-handler {moment_us}"), &tracker, Some(spool.path())), 7);
    }
    let (stored, ids) = arrives(spool.path());
    println!("{stored} errors, {} events", ids.len());
    assert!(stored > 0);
}

#[test]
fn what_hangs_delays_an_exit_by_no_more_than_the_farewell() {
    let spool = tempfile::tempdir().expect("a folder");
    let started = Instant::now();
    run(exiting("hanging", &Tracker::start(Conduct::Well), Some(spool.path())), 7);
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
    // Against hanging: a busy machine is given far more than the two seconds.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
