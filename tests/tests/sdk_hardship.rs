//! The Rust SDK where everything around it is broken: servers, networks, disks, processes, the system's limits.
//!
//! Each scenario is a process of its own, since the SDK is one for a process. Whatever happens, the program goes on as
//! if the SDK were not there, memory and disk stay bounded, and every error is stored or counted by reason.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use error_sentinel_tests::{
    Conduct, Finished, NAME_WITHOUT_ADDRESS, SilentDns, Tracker, eventually, finish, kept_events,
    short_or_long,
};
use tempfile::TempDir;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const RUN: Duration = Duration::from_secs(120);
const SOON: Duration = Duration::from_secs(60);

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_reporter")
}

fn set_up(command: &mut Command, tracker: &Tracker, spool_dir: Option<&Path>) {
    command.env("ERROR_SENTINEL_DSN", tracker.dsn(KEY)).env("REPORTER_CLOSE_MS", "20000");
    command.env_remove("ERROR_SENTINEL_SPOOL_DIR");
    if let Some(dir) = spool_dir {
        command.env("ERROR_SENTINEL_SPOOL_DIR", dir);
    }
}

/// A reporter whose end the test decides about.
struct Reporter {
    child: Child,
    lines: Box<dyn Iterator<Item = std::io::Result<String>>>,
}

impl Reporter {
    #[track_caller]
    fn start(words: &str, tracker: &Tracker, spool_dir: Option<&Path>) -> Reporter {
        Reporter::start_with(words, tracker, spool_dir, "20000")
    }

    /// The same with a limit of milliseconds for its end.
    #[track_caller]
    fn start_with(words: &str, tracker: &Tracker, spool_dir: Option<&Path>, close_ms: &str) -> Reporter {
        let mut command = Command::new(program());
        command.args(words.split(' '));
        set_up(&mut command, tracker, spool_dir);
        command.env("REPORTER_CLOSE_MS", close_ms);
        Reporter::of(command)
    }

    /// A command that runs.
    #[track_caller]
    fn of(mut command: Command) -> Reporter {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("it starts");
        let lines = Box::new(BufReader::new(child.stdout.take().expect("piped")).lines());
        Reporter { child, lines }
    }

    /// The value of the next line with this name.
    #[track_caller]
    fn value(&mut self, name: &str) -> String {
        let line = self.lines.find_map(|line| {
            line.expect("text")
                .split_once(' ')
                .filter(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
        });
        line.unwrap_or_else(|| panic!("it never said {name}"))
    }

    /// Lets it end; says whether everything has left.
    #[track_caller]
    fn close(mut self) -> bool {
        writeln!(self.child.stdin.take().expect("piped")).expect("it waits for a line");
        let has_left = self.value("closed") == "true";
        assert!(self.child.wait().expect("it is ours").success());
        has_left
    }

    fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }
}

/// Runs a reporter to its end without waiting for anything.
#[track_caller]
fn run(words: &str, tracker: &Tracker, spool_dir: Option<&Path>) -> Finished {
    let mut command = Command::new(program());
    command.args(words.split(' '));
    set_up(&mut command, tracker, spool_dir);
    finish(&mut command, RUN)
}

/// A program that panics so many times.
fn panicking(count: u64, end: &str, tracker: &Tracker, spool: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panicking"));
    command.args([&count.to_string(), end]);
    set_up(&mut command, tracker, Some(spool));
    command
}

/// Files in a spool folder that processes write their panics to.
fn files_of_panics(spool: &Path) -> usize {
    let files = fs::read_dir(spool.join(format!("1-{KEY}"))).expect("readable").flatten();
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "panics")).count()
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_server_that_comes_back_to_its_senses_gets_everything() {
    const COUNT: u64 = 100;
    for conduct in [
        Conduct::Down,
        Conduct::Reset,
        Conduct::Garbage,
        Conduct::Redirect,
        Conduct::Status(500, ""),
        Conduct::Status(503, "retry-after: 1\r\n"),
        Conduct::Status(429, "retry-after: 1\r\n"),
        Conduct::Status(429, "x-sentry-rate-limits: 1:error:project, 60:session:project\r\n"),
        Conduct::Status(413, ""),
        Conduct::Status(403, ""),
    ] {
        let tracker = Tracker::start(conduct);
        let mut reporter = Reporter::start(&format!("distinct {COUNT}"), &tracker, None);
        reporter.value("ready");
        eventually("a first request", SOON, || (tracker.request_count() > 0).then_some(()));
        tracker.set(Conduct::Well);
        assert!(reporter.close(), "{conduct:?}");
        let (stored, lost) = (tracker.stored_count(), tracker.lost());
        assert_eq!(stored + tracker.lost_count(), COUNT, "{conduct:?}: {lost:?}");
        let is_refusal = matches!(conduct, Conduct::Redirect | Conduct::Status(413 | 403, _));
        assert!(is_refusal || stored == COUNT, "{conduct:?}: {lost:?}");
        assert!(lost.keys().all(|reason| reason == "send_error"), "{conduct:?}: {lost:?}");
        assert!(tracker.most_events() > 1, "{conduct:?}: batches after the first reply");
    }
}

#[test]
fn a_server_that_never_answers_delays_the_end_by_no_more_than_was_allowed() {
    for conduct in [Conduct::BlackHole, Conduct::Drip, Conduct::Status(429, "")] {
        let tracker = Tracker::start(conduct);
        let mut reporter = Reporter::start_with("paced 200", &tracker, None, "300");
        let took = (reporter.value("p99_us"), reporter.value("longest_us"));
        eventually("a request", SOON, || (tracker.request_count() > 0).then_some(()));
        let started = Instant::now();
        assert!(!reporter.close(), "{conduct:?}");
        // Against hanging: a busy machine is given far more than the 300 ms.
        assert!(started.elapsed() < Duration::from_secs(9), "{conduct:?}: {:?}", started.elapsed());
        println!("{conduct:?}: p99 and longest call {took:?} us");
        if conduct == Conduct::Status(429, "") {
            assert_eq!(tracker.request_count(), 1, "a minute's pause without a header");
        }
    }
}

#[test]
fn a_name_that_is_never_found_delays_the_end_by_no_more_than_was_allowed() {
    let dns = SilentDns::new();
    let mut command = dns.command(program());
    command.args(["distinct", "200"]).env_remove("ERROR_SENTINEL_SPOOL_DIR");
    command.env("ERROR_SENTINEL_DSN", format!("http://{KEY}@{NAME_WITHOUT_ADDRESS}/1"));
    command.env("REPORTER_CLOSE_MS", "300");
    let started = Instant::now();
    let ended = finish(&mut command, RUN).success();
    // Against hanging: the resolver gives up after thirty seconds.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(ended.stdout.contains("closed false"), "{ended:?}");
}

#[test]
fn an_endless_flood_without_a_server_costs_bounded_memory_and_is_accounted_for_exactly() {
    let count = short_or_long(20_000, 10_000_000);
    let tracker = Tracker::start(Conduct::Down);
    let mut reporter = Reporter::start(&format!("distinct {count}"), &tracker, None);
    let grown_bytes: u64 = reporter.value("grown_bytes").parse().expect("a number");
    tracker.set(Conduct::Well);
    assert!(reporter.close());
    let (stored, lost) = (tracker.stored_count(), tracker.lost());
    println!("{count} errors: {stored} stored, lost {lost:?}, grown by {grown_bytes} bytes");
    assert_eq!(stored + tracker.lost_count(), count, "{lost:?}");
    // The newest thousand, and what the server got before it was full.
    assert!(stored >= 500, "{stored}");
    assert!(grown_bytes < 16 << 20, "{grown_bytes}");
}

#[test]
fn kill_it_at_any_moment_and_all_that_was_on_disk_arrives() {
    let spool = temporary();
    for round in 0..short_or_long(20, 200) {
        let tracker = Tracker::start(Conduct::Down);
        let reporter = Reporter::start("paced 100000", &tracker, Some(spool.path()));
        eventually("a first request", SOON, || (tracker.request_count() > 0).then_some(()));
        std::thread::sleep(Duration::from_millis(round * 7 % 50));
        reporter.kill();
        let left = kept_events(spool.path());
        assert!(!left.is_empty());
        tracker.set(Conduct::Well);
        let next = Reporter::start("distinct 0", &tracker, Some(spool.path()));
        assert!(next.close());
        let arrived = tracker.event_ids();
        assert!(
            left.iter().all(|id| arrived.contains(id)),
            "round {round}: {} of {}",
            arrived.len(),
            left.len()
        );
        assert_eq!((kept_events(spool.path()), tracker.lost_count()), (vec![], 0), "round {round}");
    }
}

#[test]
fn a_panic_is_on_disk_before_its_program_is_gone() {
    for command in ["panic", "panic-and-exit"] {
        let spool = temporary();
        let tracker = Tracker::start(Conduct::BlackHole);
        let ended = run(command, &tracker, Some(spool.path())).failure();
        assert!(ended.stderr.contains("the reactor is on fire"), "{}", ended.stderr);
        let left = kept_events(spool.path());
        assert_eq!(left.len(), 1, "{command}");
        tracker.set(Conduct::Well);
        assert!(Reporter::start("distinct 0", &tracker, Some(spool.path())).close());
        assert_eq!(tracker.event_ids(), left);
    }
}

#[test]
fn panics_are_on_disk_when_their_program_is_gone_at_once_and_arrive_once() {
    const COUNT: u64 = 200;
    let spool = temporary();
    let tracker = Tracker::start(Conduct::BlackHole);
    finish(&mut panicking(COUNT, "abort", &tracker, spool.path()), RUN).failure();
    let left = kept_events(spool.path());
    assert_eq!(left.len() as u64, COUNT);
    tracker.set(Conduct::Well);
    assert!(Reporter::start("distinct 0", &tracker, Some(spool.path())).close());
    assert_eq!(tracker.event_ids(), left);
    assert_eq!((tracker.received_count(), tracker.lost_count()), (COUNT, 0));
    assert_eq!(files_of_panics(spool.path()), 0);
}

#[test]
fn panics_that_were_delivered_are_delivered_once() {
    const COUNT: u64 = 300;
    let spool = temporary();
    let tracker = Tracker::start(Conduct::Well);
    let panicking = panicking(COUNT, "wait", &tracker, spool.path());
    let reporter = Reporter::of(panicking);
    eventually("all have arrived", SOON, || (tracker.stored_count() == COUNT).then_some(()));
    eventually("all are forgotten", SOON, || kept_events(spool.path()).is_empty().then_some(()));
    // Not even a process that cannot tidy up leaves any of them.
    reporter.kill();
    assert_eq!(files_of_panics(spool.path()), 1);
    assert!(Reporter::start("distinct 0", &tracker, Some(spool.path())).close());
    assert_eq!((tracker.received_count(), tracker.lost_count()), (COUNT, 0));
    assert_eq!(files_of_panics(spool.path()), 0);
}

#[test]
fn kill_it_at_any_moment_and_every_panic_that_was_over_arrives() {
    let spool = temporary();
    for round in 0..short_or_long(10, 200) {
        let tracker = Tracker::start(Conduct::Down);
        let mut reporter = Reporter::of(panicking(10_000, "wait", &tracker, spool.path()));
        (0..=round * 37 % 300).for_each(|_| _ = reporter.value("panicked"));
        reporter.child.kill().expect("it is ours");
        reporter.child.wait().expect("it is ours");
        // Those that it had told of, and that were not read yet.
        let more =
            reporter.lines.filter(|line| line.as_ref().is_ok_and(|line| line.starts_with("panicked ")));
        let count = round * 37 % 300 + 1 + more.count() as u64;
        let left = kept_events(spool.path());
        assert!(
            [count, count + 1].contains(&(left.len() as u64)),
            "round {round}: {} of {count}",
            left.len()
        );
        tracker.set(Conduct::Well);
        assert!(Reporter::start("distinct 0", &tracker, Some(spool.path())).close());
        assert_eq!(tracker.event_ids(), left, "round {round}");
        assert_eq!((tracker.received_count(), tracker.lost_count()), (left.len() as u64, 0), "round {round}");
        assert_eq!(files_of_panics(spool.path()), 0, "round {round}");
    }
}

#[test]
fn a_disk_that_refuses_what_a_panic_writes_at_once_gets_it_by_the_worker() {
    const COUNT: u64 = 20;
    // A disk that is full, one that is broken, and one on which half of it fits.
    for fault in ["error=ENOSPC", "error=EIO", "retval=100"] {
        let spool = temporary();
        let calls = spool.path().join("calls");
        let tracker = Tracker::start(Conduct::BlackHole);
        let panicking = panicking(COUNT, "abort", &tracker, spool.path());
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o"]).arg(&calls);
        command.args(["-e", &format!("inject=pwrite64:{fault}")]);
        command.arg(panicking.get_program()).args(panicking.get_args());
        set_up(&mut command, &tracker, Some(spool.path()));
        finish(&mut command, RUN).failure();
        let left = kept_events(spool.path());
        assert_eq!(left.len() as u64, COUNT, "{fault}");
        let seen = fs::read_to_string(&calls).expect("strace has written");
        let failed = seen.lines().filter(|line| line.contains("pwrite64") && line.contains("(INJECTED)"));
        assert!(failed.count() as u64 >= COUNT, "{fault}: {seen}");
        tracker.set(Conduct::Well);
        assert!(Reporter::start("distinct 0", &tracker, Some(spool.path())).close());
        assert_eq!(tracker.event_ids(), left, "{fault}");
        assert_eq!((tracker.received_count(), tracker.lost_count()), (COUNT, 0), "{fault}");
    }
}

#[test]
fn no_state_of_the_spool_folder_keeps_an_error_from_arriving() {
    let outside = temporary();
    let canary = outside.path().join("canary");
    fs::write(&canary, "mine").expect("written");
    let project = format!("1-{KEY}");
    let make_file = |dir: &Path| fs::write(dir, "a file in its place").expect("written");
    let make_link = |dir: &Path| {
        fs::create_dir(dir).expect("made");
        symlink(outside.path(), dir.join(&project)).expect("linked");
    };
    let make_crowd = |dir: &Path| {
        fs::create_dir_all(dir.join(&project)).expect("made");
        for number in 0..short_or_long(20_000, 100_000) {
            fs::write(dir.join(&project).join(format!("{number:032x}.event")), "garbage").expect("written");
        }
    };
    let make_missing = |_: &Path| {};
    type State<'a> = (&'a str, &'a dyn Fn(&Path));
    let states: [State<'_>; 4] = [
        ("missing", &make_missing),
        ("a file", &make_file),
        ("a link", &make_link),
        ("a crowd", &make_crowd),
    ];
    for (state, make) in states {
        let parent = temporary();
        let dir = parent.path().join("spool");
        make(&dir);
        let tracker = Tracker::start(Conduct::Well);
        let mut reporter = Reporter::start("distinct 20", &tracker, Some(&dir));
        reporter.value("ready");
        eventually(state, SOON, || (tracker.stored_count() == 20).then_some(()));
        reporter.close();
        assert_eq!(fs::read_dir(outside.path()).expect("readable").count(), 1, "{state}");
        assert_eq!(fs::read_to_string(&canary).expect("readable"), "mine");
    }
}

/// A copy of the program that any user can run, and a folder that is that user's.
fn for_nobody() -> (TempDir, PathBuf) {
    let dir = temporary();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let copy = dir.path().join("reporter");
    fs::copy(program(), &copy).expect("copied");
    (dir, copy)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|itself| std::os::unix::fs::MetadataExt::uid(&itself) == 0)
}

/// A command that runs the reporter without any right that root has.
fn as_nobody(wrapper: &str, copy: &Path) -> Command {
    let words = if is_root() {
        format!("setpriv --reuid=65534 --clear-groups {wrapper}")
    } else {
        wrapper.to_owned()
    };
    let mut words = words.split_whitespace();
    let mut command = match words.next() {
        Some(first) => Command::new(first),
        None => return Command::new(copy),
    };
    command.args(words).arg(copy);
    command
}

#[test]
fn a_disk_that_cannot_be_written_costs_no_error() {
    let (dir, copy) = for_nobody();
    let read_only = dir.path().join("read-only");
    fs::create_dir(&read_only).expect("made");
    fs::set_permissions(&read_only, fs::Permissions::from_mode(0o555)).expect("ours");
    let faulty = temporary();
    fs::set_permissions(faulty.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    let broken = "strace -f -qq -o /dev/null -e inject=rename,renameat,renameat2,unlink:error=EIO";
    for (wrapper, spool_dir) in [("", read_only.as_path()), (broken, faulty.path())] {
        let tracker = Tracker::start(Conduct::Well);
        let mut command = as_nobody(wrapper, &copy);
        command.args(["distinct", "20"]);
        set_up(&mut command, &tracker, Some(spool_dir));
        let ended = finish(&mut command, RUN).success();
        assert!(ended.stdout.contains("closed true"), "{wrapper}: {ended:?}");
        assert_eq!((tracker.stored_count(), tracker.lost_count()), (20, 0), "{wrapper}");
    }
}

#[test]
fn a_spool_file_that_cannot_be_opened_or_written_costs_no_error() {
    const COUNT: u64 = 20;
    let (_dir, copy) = for_nobody();
    for call in ["openat", "write"] {
        let spool = temporary();
        fs::set_permissions(spool.path(), fs::Permissions::from_mode(0o777)).expect("ours");
        let calls = spool.path().join("calls");
        // Only these files are broken: what else the program opens and writes is not.
        let files: String = (1..=COUNT)
            .map(|id| format!(" -P {}/1-{KEY}/{id:032x}.unfinished", spool.path().display()))
            .collect();
        let broken = format!("strace -f -qq -o {} -e inject={call}:error=EIO{files}", calls.display());
        let tracker = Tracker::start(Conduct::Well);
        let mut command = as_nobody(&broken, &copy);
        command.args(["known", &COUNT.to_string()]);
        set_up(&mut command, &tracker, Some(spool.path()));
        let ended = finish(&mut command, RUN).success();
        assert!(ended.stdout.contains("closed true"), "{call}: {ended:?}");
        assert_eq!((tracker.stored_count(), tracker.lost_count()), (COUNT, 0), "{call}");
        let seen = fs::read_to_string(&calls).expect("strace has written");
        let failed = seen.lines().filter(|line| line.contains("EIO") && line.contains("(INJECTED)")).count();
        assert!(failed as u64 >= COUNT, "{call}: {seen}");
        // Of a file that was opened and not written, nothing is left.
        let left = fs::read_dir(spool.path().join(format!("1-{KEY}"))).expect("readable").flatten();
        let left: Vec<_> = left.map(|file| file.file_name()).filter(|name| name != "lock").collect();
        assert!(left.is_empty(), "{call}: {left:?}");
    }
}

#[test]
fn a_full_disk_costs_no_error() {
    let dir = temporary();
    let spool = dir.path().join("spool");
    fs::create_dir(&spool).expect("made");
    let tracker = Tracker::start(Conduct::Well);
    // A mount that only this program sees; root's own, or that of a user who plays root in a namespace.
    let flags = if is_root() { "-m" } else { "-rm" };
    let script = r#"mount -t tmpfs -o size=16k,mode=777 none "$0" && exec "$1" distinct 200"#;
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-c", script]).arg(&spool).arg(program());
    set_up(&mut command, &tracker, Some(&spool));
    let ended = finish(&mut command, RUN).success();
    assert!(ended.stdout.contains("closed true"), "{ended:?}");
    assert_eq!((tracker.stored_count(), tracker.lost_count()), (200, 0));
}

#[test]
fn five_thousand_threads_report_at_once() {
    let tracker = Tracker::start(Conduct::Well);
    let mut reporter = Reporter::start("threads 5000", &tracker, None);
    reporter.value("ready");
    assert!(reporter.close());
    let lost = tracker.lost();
    assert_eq!(tracker.stored_count() + tracker.lost_count(), 5000, "{lost:?}");
}

#[test]
fn a_fork_reports_nothing_of_its_own_accord_and_ends_at_once() {
    for has_spool in [false, true] {
        let spool = temporary();
        let tracker = Tracker::start(Conduct::Well);
        let ended = run("fork", &tracker, has_spool.then_some(spool.path())).success();
        assert!(ended.stdout.contains("child 3") && ended.stdout.contains("closed true"), "{ended:?}");
        assert_eq!((tracker.stored_count(), tracker.lost_count()), (2, 0));
        assert_eq!(kept_events(spool.path()), Vec::<String>::new());
    }
}

#[test]
fn a_fork_that_becomes_another_program_reports_as_that_program_and_nothing_before() {
    for has_spool in [false, true] {
        let spool = temporary();
        let tracker = Tracker::start(Conduct::Well);
        let ended = run("fork-and-exec", &tracker, has_spool.then_some(spool.path())).success();
        assert!(ended.stdout.contains("child true") && ended.stdout.contains("closed true"), "{ended:?}");
        // Two of the parent, three of the other program.
        assert_eq!((tracker.stored_count(), tracker.lost_count()), (5, 0));
        assert_eq!(kept_events(spool.path()), Vec::<String>::new());
    }
}

#[test]
fn a_program_that_it_started_and_that_outlives_it_keeps_nobody_from_sending_what_it_left() {
    let spool = temporary();
    let tracker = Tracker::start(Conduct::Down);
    let mut reporter = Reporter::start("leave-a-child 3", &tracker, Some(spool.path()));
    let child = reporter.value("child");
    eventually("all are on disk", SOON, || (kept_events(spool.path()).len() == 3).then_some(()));
    reporter.kill();
    tracker.set(Conduct::Well);
    let has_left = Reporter::start("distinct 0", &tracker, Some(spool.path())).close();
    let outlived = Path::new("/proc").join(&child).exists();
    finish(Command::new("kill").arg(&child), RUN).success();
    assert!(has_left && outlived);
    assert_eq!((tracker.stored_count(), kept_events(spool.path())), (3, vec![]));
}

#[test]
fn starting_and_ending_while_others_report_never_hangs() {
    let tracker = Tracker::start(Conduct::Down);
    let mut command = Command::new(program());
    command.arg("race").arg(short_or_long("500", "10000"));
    set_up(&mut command, &tracker, None);
    // Ten thousand rounds take two minutes of a machine that does nothing else.
    let ended = finish(&mut command, short_or_long(RUN, 10 * RUN)).success();
    assert!(ended.stdout.contains("raced"), "{ended:?}");
}

#[test]
fn two_processes_share_a_spool_and_nothing_is_lost_or_counted_twice() {
    let spool = temporary();
    let tracker = Tracker::start(Conduct::Down);
    let mut both: Vec<_> =
        (0..2).map(|_| Reporter::start("distinct 200", &tracker, Some(spool.path()))).collect();
    both.iter_mut().for_each(|reporter| _ = reporter.value("ready"));
    tracker.set(Conduct::Well);
    assert!(both.into_iter().all(Reporter::close));
    assert_eq!((tracker.stored_count(), tracker.lost_count()), (400, 0));
    assert_eq!(kept_events(spool.path()), Vec::<String>::new());
}
