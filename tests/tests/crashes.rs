//! Programs that die of a signal die as they would without the SDK, and the next start tells of it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use error_sentinel_tests::{
    CProgram, Collector, Disk, Linked, crash_functions, crash_records, eventually, finish, is_root,
    kept_events, short_or_long, written_crash_count,
};
use serde_json::Value;

/// Against hanging.
const RUN: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(20);

/// A program that dies, in C or in Rust.
enum Program {
    C(CProgram),
    Rust,
}

impl Program {
    fn bare(&self, how: &str, place: &str) -> Command {
        match self {
            Program::C(program) => program.command(&[how, place]),
            Program::Rust => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_crashing"));
                command.args([how, place]);
                command
            }
        }
    }

    fn with_sdk(&self, how: &str, place: &str, dsn: &str, folder: &Path) -> Command {
        let mut command = self.bare(how, place);
        match self {
            Program::C(_) => command.arg(dsn).arg(folder),
            Program::Rust => {
                command.arg("with-sdk").env("ERROR_SENTINEL_DSN", dsn).env("ERROR_SENTINEL_SPOOL_DIR", folder)
            }
        };
        command
    }

    /// The next starts, until all is sent.
    #[track_caller]
    fn report_all(&self, dsn: &str, folder: &Path) {
        // One may end before it has sent everything, on a machine that is busy.
        eventually("all is sent", RUN, || {
            self.report(dsn, folder);
            (crash_records(folder).is_empty() && kept_events(folder).is_empty()).then_some(())
        });
    }

    /// The next start.
    #[track_caller]
    fn report(&self, dsn: &str, folder: &Path) {
        let mut command = match self {
            Program::C(program) => program.command(&["report", dsn]),
            Program::Rust => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_crashing"));
                command.arg("report").env("ERROR_SENTINEL_DSN", dsn);
                command.env("ERROR_SENTINEL_SPOOL_DIR", folder);
                command
            }
        };
        if matches!(self, Program::C(_)) {
            command.arg(folder);
        }
        finish(&mut command, RUN);
    }

    /// Lets it die, without the SDK and with it; returns the name of what it left.
    #[track_caller]
    fn dies_alike(&self, how: &str, place: &str, dsn: &str, folder: &Path) -> String {
        let before = crash_records(folder);
        let without = finish(&mut self.bare(how, place), RUN);
        let with = finish(&mut self.with_sdk(how, place, dsn, folder), RUN);
        assert_eq!(with.status, without.status, "{how} {place}: {with:#?}");
        assert_eq!(with.stdout, without.stdout, "{how} {place}");
        let mut left: Vec<String> = crash_records(folder).difference(&before).cloned().collect();
        assert_eq!(left.len(), 1, "{how} {place} leaves one record: {left:?}");
        left.remove(0)
    }
}

#[track_caller]
fn assert_is_a_crash(event: &Value, signal: &str) {
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], signal, "{event:#}");
    assert_eq!(exception["mechanism"]["type"], "signalhandler");
    assert_eq!(exception["mechanism"]["handled"], false);
    assert_eq!(exception["mechanism"]["meta"]["signal"]["name"], signal);
    assert_eq!((&event["level"], &event["platform"]), (&"fatal".into(), &"native".into()));
    assert_eq!(event["threads"]["values"][0]["crashed"], true);
    assert!(exception["stacktrace"]["registers"]["rip"].is_string() || cfg!(not(target_arch = "x86_64")));
}

/// What the program had said about itself.
#[track_caller]
fn assert_knows_its_surroundings(event: &Value) {
    assert_eq!(event["release"], "till@2.0", "{event:#}");
    let text = event["tags"].to_string();
    assert!(text.contains("berlin"), "{text}");
    let steps = event["breadcrumbs"]["values"].as_array().expect("steps");
    assert_eq!(steps[0]["message"], "three apples were added", "{steps:?}");
    assert_eq!(steps[0]["category"], "basket", "{steps:?}");
    let images = event["debug_meta"]["images"].as_array().expect("images");
    assert!(
        images.len() > 1 && images[0]["debug_id"].is_string() && images[0]["code_id"].is_string(),
        "{images:?}"
    );
}

/// The functions at the newest address that is in the program itself, as binutils see it: inlined ones too.
#[track_caller]
fn functions_by_addr2line(event: &Value) -> Vec<String> {
    let program = &event["debug_meta"]["images"][0];
    let number =
        |value: &Value| u64::from_str_radix(&value.as_str().expect("text")[2..], 16).expect("hexadecimal");
    let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().expect("frames");
    let is_own = |frame: &&Value| frame["image_addr"] == program["image_addr"];
    let newest = frames.iter().rev().position(|frame| is_own(&frame)).expect("a frame of the program");
    let address = number(&frames[frames.len() - 1 - newest]["instruction_addr"]) - u64::from(newest > 0);
    let mut addr2line = Command::new("addr2line");
    addr2line.args(["-C", "-f", "-i", "-e", program["code_file"].as_str().expect("a path")]);
    addr2line.arg(format!("{:#x}", address - number(&program["image_addr"])));
    let said = finish(&mut addr2line, RUN).success().stdout;
    said.lines().step_by(2).map(str::to_owned).collect()
}

/// How a program can die, what of, and the functions of its own that are newest.
const WAYS: [(&str, &str, &[&str]); 8] = [
    ("segv", "SIGSEGV", &["die", "middle"]),
    ("abort", "SIGABRT", &["die", "middle"]),
    ("bus", "SIGBUS", &["read_past_the_end", "die", "middle"]),
    ("ill", "SIGILL", &["die", "middle"]),
    ("fpe", "SIGFPE", &["die", "middle"]),
    ("null-call", "SIGSEGV", &["die", "middle"]),
    ("overflow", "SIGSEGV", &["deeper", "deeper"]),
    ("malloc", "SIGSEGV", &["break_malloc", "die", "middle"]),
];

#[track_caller]
fn assert_all_are_told(program: &Program, ways: &[(&str, &str, &[&str])], short: impl Fn(&str) -> String) {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dsn = collector.dsn().to_string();
    let mut left = Vec::new();
    for (how, signal, top) in ways {
        for place in ["main", "worker", "two"] {
            left.push((program.dies_alike(how, place, &dsn, folder.path()), *how, place, *signal, *top));
        }
    }
    program.report_all(&dsn, folder.path());
    assert_eq!(crash_records(folder.path()), BTreeSet::new());
    let api = collector.api();
    for (id, how, place, signal, top) in left {
        let event = api.event(&id, SOON);
        assert_is_a_crash(&event, signal);
        assert_knows_its_surroundings(&event);
        let names: Vec<String> = crash_functions(&event).into_iter().map(&short).collect();
        let begin = names.iter().position(|name| name == top[0]);
        let begin = begin.unwrap_or_else(|| panic!("{how} {place}: no {} in {names:?}", top[0]));
        // Before it are at most the functions of the libraries that it died in.
        assert!(begin <= 8, "{how} {place}: {names:?}");
        assert!(names[begin..].iter().zip(top).all(|(name, top)| name == top), "{how} {place}: {names:?}");
        let by_binutils = functions_by_addr2line(&event);
        let agrees = by_binutils.iter().any(|name| names[..=begin].contains(&short(name)));
        assert!(agrees, "{how} {place}: {by_binutils:?}, {names:?}");
        // A stack that is used up is longer than what is kept of it.
        let is_whole =
            how == "overflow" || names.iter().any(|name| name == "main" || name.starts_with("clone"));
        assert!(is_whole, "{how} {place}: {names:?}");
    }
}

#[test]
fn a_c_program_dies_as_without_the_sdk_and_the_next_start_tells_of_it() {
    let program = Program::C(CProgram::compile("crash", Linked::Statically));
    assert_all_are_told(&program, &WAYS, str::to_owned);
}

#[test]
fn a_rust_program_dies_as_without_the_sdk_and_the_next_start_tells_of_it() {
    let ways: Vec<_> = WAYS.into_iter().filter(|(how, _, _)| *how != "null-call").collect();
    let ways: Vec<_> = ways
        .into_iter()
        .map(|(how, signal, top)| (how, signal, if how == "overflow" { top } else { &["die", "middle"][..] }))
        .collect();
    let last = |name: &str| name.rsplit("::").next().unwrap_or(name).to_owned();
    assert_all_are_told(&Program::Rust, &ways, last);
}

/// A DSN of nobody, for programs that need not be heard.
const NOBODY: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";

/// One that came before finds the other signals as they were too: it may end the process by one of them, on a stack that
/// has no room for another handler.
#[test]
fn handlers_of_the_program_run_whether_they_came_before_the_sdk_or_after() {
    let program = Program::C(CProgram::compile("crash", Linked::Dynamically));
    let mut collector = Collector::start();
    let dsn = collector.dsn().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    // That they were called is in the output and in the status, which are compared.
    let left =
        ["own-handler", "later-handler"].map(|how| program.dies_alike(how, "main", &dsn, folder.path()));
    program.report_all(&dsn, folder.path());
    for id in left {
        let event = collector.api().event(&id, SOON);
        assert_is_a_crash(&event, "SIGSEGV");
        assert_eq!(crash_functions(&event)[..2], ["die", "middle"]);
    }
}

#[test]
fn a_thread_without_a_stack_to_die_on_dies_as_without_the_sdk_and_in_silence() {
    let program = Program::C(CProgram::compile("crash", Linked::Dynamically));
    let folder = tempfile::tempdir().expect("a temporary folder");
    program.dies_alike("overflow-unprepared", "worker", NOBODY, folder.path());
    assert_eq!(written_crash_count(folder.path()), 0);
}

#[test]
fn a_crash_in_the_handler_itself_ends_the_process() {
    let program = Program::C(CProgram::compile("crash", Linked::Dynamically));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = finish(&mut program.with_sdk("tight-stack", "main", NOBODY, folder.path()), RUN);
    assert_eq!(ended.status.signal(), Some(11));
}

/// Starts a program that waits, lets something happen to its world, and lets it die; returns the signal.
#[track_caller]
fn dies_after(mut command: Command, happens: impl FnOnce()) -> Option<i32> {
    command.arg("wait").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it was compiled");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it speaks");
    assert_eq!(line, "ready\n");
    happens();
    drop(child.stdin.take());
    child.wait().expect("ours").signal()
}

#[test]
fn a_crash_is_told_though_the_disk_is_full() {
    if !is_root() {
        return;
    }
    let program = Program::C(CProgram::compile("crash", Linked::Statically));
    let mut collector = Collector::start();
    let dsn = collector.dsn().to_string();
    let disk = Disk::mount(2 << 20);
    let folder = disk.folder();
    let mut ballast = None;
    let command = program.with_sdk("segv", "main", &dsn, folder.path());
    assert_eq!(dies_after(command, || ballast = Some(disk.fill())), Some(11));
    drop(ballast);
    let id = crash_records(folder.path()).pop_first().expect("a record");
    program.report_all(&dsn, folder.path());
    let event = collector.api().event(&id, SOON);
    assert_is_a_crash(&event, "SIGSEGV");
    assert_knows_its_surroundings(&event);
    assert_eq!(crash_functions(&event)[..2], ["die", "middle"]);
}

#[test]
fn a_process_that_may_write_next_to_nothing_dies_of_its_own_crash_and_says_where() {
    let program = Program::C(CProgram::compile("crash", Linked::Statically));
    let mut collector = Collector::start();
    let dsn = collector.dsn().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = program.with_sdk("segv", "main", &dsn, folder.path());
    let mut limited = Command::new("sh");
    // In units of 512 bytes.
    limited.args(["-c", "ulimit -f 1 && exec \"$@\"", "sh"]).arg(whole.get_program()).args(whole.get_args());
    let ended = finish(&mut limited, RUN);
    assert_eq!(ended.status.signal(), Some(11), "{ended:#?}");
    let id = crash_records(folder.path()).pop_first().expect("a record");
    program.report_all(&dsn, folder.path());
    let event = collector.api().event(&id, SOON);
    assert_is_a_crash(&event, "SIGSEGV");
    let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().expect("frames");
    let registers = &event["exception"]["values"][0]["stacktrace"]["registers"];
    assert_eq!(frames[frames.len() - 1]["instruction_addr"], registers["rip"]);
}

#[test]
fn a_process_that_ends_well_leaves_nothing_and_one_that_lives_is_left_alone() {
    let program = CProgram::compile("crash", Linked::Statically);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display().to_string();
    let living = program.command(&["abort", "main", NOBODY, &path]);
    let signal = dies_after(living, || {
        let own = crash_records(folder.path());
        assert_eq!(own.len(), 1, "its record is there, and empty");
        let mut other = program.command(&["report", NOBODY, &path]);
        finish(&mut other, RUN).success();
        assert_eq!(crash_records(folder.path()), own, "the other left it alone, and its own is gone");
    });
    assert_eq!(signal, Some(6));
    let own = crash_records(folder.path());
    // One start may end before it has looked at everything.
    eventually("the record has become an event", SOON, || {
        finish(&mut program.command(&["report", NOBODY, &path]), RUN);
        crash_records(folder.path()).is_empty().then_some(())
    });
    let kept: BTreeSet<String> = kept_events(folder.path()).into_iter().collect();
    assert_eq!(kept, own, "what cannot be sent is kept");
}

/// The long form is that of `cargo xtask faults no_crash_hangs`.
#[test]
fn no_crash_hangs() {
    let rounds = short_or_long(24, 500);
    let program = Program::C(CProgram::compile("crash", Linked::Statically));
    for round in 0..rounds {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (how, _, _) = WAYS[round % WAYS.len()];
        let place = ["two", "worker", "main"][round / WAYS.len() % 3];
        // A time limit makes a hang a failure.
        let ended = finish(&mut program.with_sdk(how, place, NOBODY, folder.path()), RUN);
        assert!(ended.status.signal().is_some(), "{how} {place}: {ended:#?}");
        assert_eq!(written_crash_count(folder.path()), 1, "{how} {place} leaves one record");
    }
    eprintln!("{rounds} crashes, 0 hangs");
}
