//! Our own crate in a program of its own: what it reports arrives, and the program behaves as if it were not there.

use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use error_sentinel_tests::{
    Bugsink, Collector, Conduct, Connection, Finished, Request, Tracker, finish, kept_events, repository,
};
use error_sentinel_wire::UnixMs;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(15);
const RUN: Duration = Duration::from_secs(120);
const BUILD: Duration = Duration::from_secs(900);

/// Where cargo builds to.
fn target_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors().nth(3).expect("it lies in target/debug/deps").to_owned()
}

fn build(arguments: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--package", "error-sentinel-example"]).args(arguments);
    finish(cargo.current_dir(repository()), BUILD).success();
}

/// Finding names in programs that are not optimised takes longer than a farewell on a machine that is busy.
const LONG_FAREWELL_MS: &str = "60000";

/// The folder of the example's binaries, built once.
fn binaries() -> &'static PathBuf {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        build(&["--features", "service"]);
        target_dir().join("debug")
    })
}

/// The same for those that end at once when they panic.
fn aborting_binaries() -> &'static PathBuf {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let target = target_dir().join("abort");
        let target_dir = target.to_str().expect("UTF-8");
        let abort = ["--config", "profile.dev.panic=\"abort\"", "--target-dir", target_dir];
        build(&[["--bin", "panics", "--bin", "worker"].as_slice(), &abort].concat());
        target.join("debug")
    })
}

fn program(binaries: &Path, name: &str, dsn: &str) -> Command {
    let mut program = Command::new(binaries.join(name));
    program.env("ERROR_SENTINEL_DSN", dsn).env("RUST_BACKTRACE", "0");
    program
}

fn run(name: &str, dsn: &str) -> Finished {
    finish(program(binaries(), name, dsn).env("ERROR_SENTINEL_FAREWELL_MS", LONG_FAREWELL_MS), RUN)
}

/// The only event of the only issue with this type.
#[track_caller]
fn event_of(collector: &mut Collector, kind: &str) -> Value {
    let api = collector.api();
    let issue = error_sentinel_tests::eventually(&format!("an issue of type {kind}"), SOON, || {
        api.issues().into_iter().find(|issue| issue.text("type") == kind)
    });
    let id = api.event_ids(&issue.id()).remove(0);
    api.event(&id, SOON)
}

#[test]
fn an_error_arrives_with_its_causes_its_steps_and_its_stack() {
    let mut collector = Collector::start();
    run("hello", &collector.dsn().to_string()).success();
    let event = event_of(&mut collector, "hello::CheckoutFailed");
    let chain = &event["exception"]["values"];
    assert_eq!(chain[0]["type"], "ParseIntError", "{event:#}");
    assert_eq!(chain[0]["value"], "invalid digit found in string");
    assert_eq!(chain[1]["value"], "the checkout of cart 7 failed");
    let steps = &event["breadcrumbs"]["values"];
    assert_eq!(
        (&steps[0]["message"], &steps[1]["message"]),
        (&"cart opened".into(), &"checkout begun".into())
    );
    assert_eq!(event["tags"]["shop"], "berlin");
    assert_eq!((&event["platform"], &event["level"]), (&"rust".into(), &"error".into()));
    let frames = chain[1]["stacktrace"]["frames"].as_array().expect("frames");
    let newest = frames.last().expect("a frame");
    assert_eq!(newest["function"], "hello::main", "{frames:#?}");
    assert_eq!(newest["in_app"], true);
    assert!(newest["filename"].as_str().expect("a file").ends_with("src/bin/hello.rs"), "{newest:#}");
    let own: Vec<&Value> = frames.iter().filter(|frame| frame["in_app"] == true).collect();
    assert_eq!(own.len(), 1, "{own:#?}");
}

/// What a program said on standard error, without the number of the thread, which differs between runs.
fn plain(finished: &Finished) -> Vec<String> {
    finished.stderr.lines().map(|line| line.split(" (").next().unwrap_or(line).to_owned()).collect()
}

#[test]
fn a_panic_arrives_and_the_program_dies_as_it_would_without_us() {
    let mut collector = Collector::start();
    let with = run("panics", &collector.dsn().to_string());
    let without = run("panics", "");
    assert_eq!((with.status.code(), &with.stdout), (without.status.code(), &without.stdout));
    assert_eq!(plain(&with), plain(&without));
    let event = event_of(&mut collector, "panic");
    let exception = &event["exception"]["values"][0];
    assert!(exception["value"].as_str().expect("a message").starts_with("the port is a number"), "{event:#}");
    assert_eq!(exception["mechanism"]["handled"], false);
    assert_eq!(event["level"], "fatal");
    let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
    let own: Vec<&str> = frames
        .iter()
        .filter(|frame| frame["in_app"] == true)
        .filter_map(|f| f["function"].as_str())
        .collect();
    assert_eq!(own, ["panics::main", "panics::read_settings"], "{frames:#?}");
}

#[test]
fn a_panic_arrives_from_a_program_that_aborts_by_it() {
    let mut collector = Collector::start();
    let mut panics = program(aborting_binaries(), "panics", &collector.dsn().to_string());
    let ended = finish(panics.env("ERROR_SENTINEL_FAREWELL_MS", LONG_FAREWELL_MS), RUN);
    assert_eq!(ended.status.signal(), Some(libc::SIGABRT), "{ended:#?}");
    let event = event_of(&mut collector, "panic");
    let frames = &event["exception"]["values"][0]["stacktrace"]["frames"];
    assert!(frames.to_string().contains("panics::read_settings"), "{frames:#}");
}

#[test]
fn a_program_that_aborts_by_a_panic_ends_as_it_would_without_us() {
    // One panics in its main thread, the other in one of several.
    for name in ["panics", "worker"] {
        let without = finish(&mut program(aborting_binaries(), name, ""), RUN);
        assert_eq!(without.status.signal(), Some(libc::SIGABRT), "{without:#?}");
        assert!(without.stderr.contains("panicked at"), "{without:#?}");
        for conduct in [Conduct::Well, Conduct::Down, Conduct::BlackHole] {
            for has_spool in [false, true] {
                let (tracker, spool) = (Tracker::start(conduct), tempfile::tempdir().expect("a folder"));
                let key = "0123456789abcdef0123456789abcdef";
                let mut command = program(aborting_binaries(), name, &tracker.dsn(key));
                command.env_remove("ERROR_SENTINEL_SPOOL_DIR").env_remove("ERROR_SENTINEL_FAREWELL_MS");
                if has_spool {
                    command.env("ERROR_SENTINEL_SPOOL_DIR", spool.path());
                }
                let with = finish(&mut command, RUN);
                let what = format!("{name} {conduct:?} {has_spool}");
                assert_eq!((with.status, &with.stdout), (without.status, &without.stdout), "{what}");
                assert_eq!(plain(&with), plain(&without), "{what}");
                let is_kept = has_spool && conduct != Conduct::Well;
                assert_eq!(is_kept, !kept_events(spool.path()).is_empty(), "{what}");
            }
        }
    }
}

#[test]
fn a_panic_of_a_program_that_aborts_by_it_waits_on_disk_for_the_collector() {
    let mut collector = Collector::start();
    let spool = tempfile::tempdir().expect("a folder");
    let tracker = Tracker::start(Conduct::BlackHole);
    let mut panics = program(aborting_binaries(), "panics", &tracker.dsn(&collector.key()));
    finish(panics.env("ERROR_SENTINEL_SPOOL_DIR", spool.path()), RUN).failure();
    let kept = kept_events(spool.path());
    assert_eq!(kept.len(), 1);
    // The next program with this folder, whichever it is.
    let mut next = program(binaries(), "worker", &collector.dsn().to_string());
    next.env("ERROR_SENTINEL_SPOOL_DIR", spool.path()).env("ERROR_SENTINEL_FAREWELL_MS", LONG_FAREWELL_MS);
    finish(&mut next, RUN).success();
    let event = collector.api().event(&kept[0], SOON);
    let panicked = event["exception"]["values"][0]["value"].as_str().expect("a message");
    assert!(panicked.starts_with("the port is a number"), "{event:#}");
    assert_eq!(kept_events(spool.path()), Vec::<String>::new());
}

/// The example of a web service, while it runs.
struct Service {
    child: Child,
    connection: Connection,
}

impl Service {
    #[track_caller]
    fn start(dsn: &str) -> Service {
        let mut child = Command::new(binaries().join("service"))
            .env("ERROR_SENTINEL_DSN", dsn)
            .env("ERROR_SENTINEL_FAREWELL_MS", LONG_FAREWELL_MS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = lines.next().expect("it says where it is").expect("text");
        let address = line.strip_prefix("listening on ").expect("an address").parse().expect("an address");
        Service { child, connection: Connection::open(address).expect("it listens") }
    }

    #[track_caller]
    fn status(&mut self, method: &str, path: &str, trace: u128) -> u16 {
        let traceparent = format!("00-{trace:032x}-00f067aa0ba902b7-01");
        let request = Request::new(method, path).header("traceparent", traceparent);
        self.connection.send(&request).expect("it answers").status
    }

    #[track_caller]
    fn end(mut self) {
        drop(self.connection);
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("it is ours").success());
    }
}

#[test]
fn a_web_service_goes_on_and_each_of_its_errors_is_of_its_request() {
    let mut collector = Collector::start();
    let mut service = Service::start(&collector.dsn().to_string());
    assert_eq!(service.status("GET", "/orders/7", 1), 200);
    assert_eq!(service.status("GET", "/orders/404", 2), 404);
    assert_eq!(service.status("GET", "/orders/500/invoice", 3), 500, "a handler that panics answers");
    assert_eq!(service.status("POST", "/orders/600/ship", 4), 202, "its task panics after the answer");
    assert_eq!(service.status("GET", "/orders/8", 5), 200);
    service.end();
    let api = collector.api();
    api.await_total(3, SOON);
    let mut told: Vec<_> = api
        .issues()
        .iter()
        .map(|issue| {
            let event = api.event(&api.event_ids(&issue.id())[0], SOON);
            let exceptions = event["exception"]["values"].as_array().expect("exceptions");
            let text = exceptions.last().expect("one")["value"].as_str().expect("a message").to_owned();
            let text = text.split(':').next().unwrap_or_default().to_owned();
            let trace = event["contexts"]["trace"]["trace_id"].as_str().expect("a trace").to_owned();
            let frames = exceptions.last().expect("one")["stacktrace"]["frames"].to_string();
            assert!(frames.contains("service::"), "{frames}");
            assert_eq!((&event["app"], &event["release"]), (&"orders".into(), &"orders@1.0.0".into()));
            (trace, event["transaction"].clone(), text)
        })
        .collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let of = |trace: u128, transaction: &str, text: &str| {
        (format!("{trace:032x}"), Value::from(transaction), text.to_owned())
    };
    let expected = [
        of(2, "GET /orders/404", "there is no order 404"),
        of(3, "GET /orders/500/invoice", "the order has a total"),
        of(4, "POST /orders/600/ship", "only orders that exist are shipped"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn threads_that_fail_and_panic_are_all_heard() {
    let mut collector = Collector::start();
    run("worker", &collector.dsn().to_string()).success();
    collector.api().await_total(5, SOON);
    let event = event_of(&mut collector, "panic");
    assert_eq!((&event["app"], &event["release"]), (&"worker".into(), &"worker@2.0.0".into()));
}

#[test]
fn a_collector_that_is_away_costs_the_program_no_more_than_its_farewell() {
    let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
    let mut hello = program(binaries(), "hello", dsn);
    let started = std::time::Instant::now();
    finish(&mut hello, RUN).success();
    // A bound against hanging, far above the two seconds that it is meant to be.
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[test]
fn without_a_dsn_nothing_happens() {
    let quiet = run("hello", "").success();
    assert_eq!(quiet.stderr.trim(), "the checkout of cart 7 failed");
    let wrong = run("hello", "https://nonsense").success();
    assert!(wrong.stderr.contains("error-sentinel: nothing will be reported"), "{}", wrong.stderr);
}

/// A program that reports until it is told to end.
struct Reporter {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Reporter {
    /// Starts it and waits until its work is done.
    #[track_caller]
    fn ready(words: &str, dsn: &str) -> Reporter {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reporter"))
            .args(words.split(' '))
            .env("ERROR_SENTINEL_DSN", dsn)
            .env("REPORTER_CLOSE_MS", "30000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.starts_with("ready"))), "it ended early");
        Reporter { child, lines }
    }

    /// Lets it end.
    #[track_caller]
    fn close(mut self) {
        writeln!(self.child.stdin.take().expect("piped")).expect("it waits for a line");
        let closed = self.lines.find_map(|line| line.ok().filter(|line| line.starts_with("closed")));
        assert_eq!(closed.as_deref(), Some("closed true"));
        assert!(self.child.wait().expect("it is ours").success());
    }
}

#[test]
fn a_million_repeats_arrive_as_exactly_a_million_in_a_handful_of_requests() {
    let mut collector = Collector::start();
    Reporter::ready("repeat 1000000", &collector.dsn().to_string()).close();
    let api = collector.api();
    api.await_total(1_000_000, SOON);
    let issues = api.issues();
    assert_eq!((issues.len(), issues[0].count()), (1, 1_000_000));
    // Ten as they are, then windows of at most ten seconds.
    assert!(api.event_ids(&issues[0].id()).len() < 100);
}

#[test]
fn a_network_that_was_cut_delivers_everything_once_and_late_errors_with_their_own_time() {
    let mut collector = Collector::start();
    let tracker = Tracker::start(Conduct::Down);
    let dsn = tracker.dsn(&collector.key());
    let before = SystemTime::now();
    let reporter = Reporter::ready("distinct 30", &dsn);
    let after = SystemTime::now();
    error_sentinel_tests::eventually("a request in vain", SOON, || {
        (tracker.request_count() > 1).then_some(())
    });
    tracker.set(Conduct::Forward(collector.address()));
    reporter.close();
    let api = collector.api();
    api.await_total(30, SOON);
    let ms = |time: SystemTime| time.duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let issues = api.issues();
    assert_eq!(issues.len(), 30);
    for issue in issues {
        let id = api.event_ids(&issue.id()).remove(0);
        let event = api.event(&id, SOON);
        let at = UnixMs::parse(event["timestamp"].as_str().expect("a time")).expect("a time").0;
        assert!((ms(before)..=ms(after)).contains(&at), "{event:#}");
    }
}

#[test]
fn a_tracker_of_another_make_takes_what_we_send_one_event_at_a_time() {
    let bugsink = Bugsink::start();
    let dsn = bugsink.dsn.to_string();
    run("hello", &dsn).success();
    run("panics", &dsn).failure();
    Reporter::ready("distinct 5", &dsn).close();
    // What repeats is one event that says how often, which only our own collector counts.
    Reporter::ready("repeat 1000", &dsn).close();
    error_sentinel_tests::eventually("all is digested", Duration::from_secs(60), || {
        (bugsink.stored_count() >= 2 + 5 + 11).then_some(())
    });
    let events = bugsink.events();
    let surfaced = |event: &Value| {
        let last = event["exception"]["values"].as_array().and_then(|all| all.last());
        last.map(|last| last["type"].as_str().unwrap_or_default().to_owned())
    };
    // Its workers digest side by side.
    let of_kind = |kind: &str| events.iter().find(|event| surfaced(event).as_deref() == Some(kind));
    assert!(of_kind("hello::CheckoutFailed").is_some(), "{events:?}");
    assert_eq!(events.iter().filter(|event| surfaced(event).is_none()).count(), events.len() - 2);
    let panic = of_kind("panic").expect("the panic");
    let frames = panic["exception"]["values"][0]["stacktrace"]["frames"].to_string();
    assert!(frames.contains("panics::read_settings"), "{frames}");
}
