//! The Rust SDK under a clock that is ten years wrong, or becomes so while the program runs: pauses, retries and the
//! spool do not care, and each error keeps the time that the program's own clock showed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use error_sentinel_tests::{Clock, Conduct, Tracker, eventually, kept_events};
use error_sentinel_wire::UnixMs;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const SOON: Duration = Duration::from_secs(60);
const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;
const COUNT: u64 = 20;

/// A program that has reported [`COUNT`] errors and waits for its end.
struct Reporter {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Reporter {
    #[track_caller]
    fn ready(words: &str, clock: &Clock, tracker: &Tracker, spool_dir: Option<&Path>) -> Reporter {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reporter"));
        clock.give(&mut command).args(words.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("ERROR_SENTINEL_DSN", tracker.dsn(KEY)).env("REPORTER_CLOSE_MS", "20000");
        command.env_remove("ERROR_SENTINEL_SPOOL_DIR");
        if let Some(dir) = spool_dir {
            command.env("ERROR_SENTINEL_SPOOL_DIR", dir);
        }
        let mut child = command.spawn().expect("it starts");
        let mut reporter = Reporter { lines: BufReader::new(child.stdout.take().expect("piped")), child };
        reporter.says("ready");
        reporter
    }

    #[track_caller]
    fn says(&mut self, wanted: &str) {
        let mut line = String::new();
        while !line.trim_end().starts_with(wanted) {
            line.clear();
            assert!(self.lines.read_line(&mut line).expect("text") > 0, "it never said {wanted}");
        }
    }

    #[track_caller]
    fn close(mut self) {
        writeln!(self.child.stdin.take().expect("piped")).expect("it waits for a line");
        self.says("closed true");
        assert!(self.child.wait().expect("it is ours").success());
    }

    #[track_caller]
    fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }
}

/// Whether all errors say that they happened about so many years from now.
#[track_caller]
fn happened(tracker: &Tracker, years: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let times = tracker.event_times();
    assert_eq!(times.len() as u64, COUNT);
    let is_then = |time: &UnixMs| (time.0 - now - years * YEAR_MS).abs() < YEAR_MS / 12;
    assert!(times.iter().all(is_then), "{years} years from {now}: {times:?}");
}

fn distinct() -> String {
    format!("distinct {COUNT}")
}

#[test]
fn a_clock_that_is_ten_years_wrong_from_the_start_costs_no_error() {
    for (ahead, years) in [("+10y", 10), ("-10y", -10)] {
        let clock = Clock::ahead(ahead);
        let tracker = Tracker::start(Conduct::Well);
        Reporter::ready(&distinct(), &clock, &tracker, None).close();
        happened(&tracker, years);
        assert_eq!(tracker.lost_count(), 0);
    }
}

#[test]
fn a_pause_lasts_as_long_as_the_server_said_whatever_the_clock_jumps_to() {
    const PAUSE: Duration = Duration::from_secs(3);
    for jump in ["+10y", "-10y", "-1h"] {
        let clock = Clock::ahead("+0");
        let tracker = Tracker::start(Conduct::Status(429, "retry-after: 3\r\n"));
        let reporter = Reporter::ready(&distinct(), &clock, &tracker, None);
        eventually("a first request", SOON, || (tracker.request_count() > 0).then_some(()));
        tracker.set(Conduct::Well);
        clock.set(jump);
        // By the wall clock it would take ten years, or an hour.
        eventually("the end of the pause", SOON, || (tracker.stored_count() == COUNT).then_some(()));
        let requests = tracker.requests();
        assert!(requests[1] - requests[0] >= PAUSE, "{jump}: {requests:?}");
        reporter.close();
        happened(&tracker, 0);
    }
}

#[test]
fn retries_go_on_when_the_clock_jumps() {
    for jump in ["+10y", "-10y", "-1h"] {
        let clock = Clock::ahead("+0");
        let tracker = Tracker::start(Conduct::Down);
        let reporter = Reporter::ready(&distinct(), &clock, &tracker, None);
        eventually("a first request", SOON, || (tracker.request_count() > 0).then_some(()));
        clock.set(jump);
        tracker.set(Conduct::Well);
        eventually(jump, SOON, || (tracker.stored_count() == COUNT).then_some(()));
        reporter.close();
        happened(&tracker, 0);
        assert_eq!(tracker.lost_count(), 0);
    }
}

#[test]
fn what_was_kept_under_a_wrong_clock_arrives_late_with_its_own_time() {
    for (kept_at, years, sent_at) in
        [("+10y", 10, "+0"), ("-10y", -10, "+0"), ("+0", 0, "-10y"), ("+0", 0, "+10y")]
    {
        let spool = tempfile::tempdir().expect("a folder");
        let tracker = Tracker::start(Conduct::Down);
        let reporter = Reporter::ready(&distinct(), &Clock::ahead(kept_at), &tracker, Some(spool.path()));
        eventually("all is kept", SOON, || (kept_events(spool.path()).len() as u64 == COUNT).then_some(()));
        reporter.kill();
        tracker.set(Conduct::Well);
        Reporter::ready("distinct 0", &Clock::ahead(sent_at), &tracker, Some(spool.path())).close();
        happened(&tracker, years);
        assert_eq!((kept_events(spool.path()), tracker.lost_count()), (vec![], 0));
    }
}

#[test]
fn a_storm_is_counted_exactly_while_the_clock_jumps() {
    const REPEATS: u64 = 20_000;
    let clock = Clock::ahead("+0");
    let tracker = Tracker::start(Conduct::Well);
    std::thread::scope(|scope| {
        let jumping = scope.spawn(|| {
            for ahead in ["-10y", "+10y", "-1h", "+0"] {
                eventually("something was stored", SOON, || (tracker.stored_count() > 0).then_some(()));
                clock.set(ahead);
            }
        });
        Reporter::ready(&format!("repeat {REPEATS}"), &clock, &tracker, None).close();
        jumping.join().expect("it sets the clock");
    });
    assert_eq!((tracker.stored_count(), tracker.lost_count()), (REPEATS, 0));
}
