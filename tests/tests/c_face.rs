//! The C ABI from programs in C, against the real collector.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use error_sentinel_tests::{Api, CProgram, Collector, Linked, Request, finish};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);

#[test]
fn the_header_is_c11_and_cpp17_without_a_warning() {
    CProgram::assert_header_compiles("cc", "c", "c11");
    CProgram::assert_header_compiles("c++", "c++", "c++17");
}

#[test]
fn every_mistake_is_a_status_and_costs_no_memory() {
    let watched = CProgram::compile("harness", Linked::StaticallyWatched);
    finish(&mut watched.command(&["misuse"]), RUN).success();
    let plain = CProgram::compile("harness", Linked::Dynamically);
    finish(&mut plain.under_valgrind(&["misuse"]), RUN).success();
}

#[test]
fn ten_thousand_starts_and_ends_are_as_one() {
    let plain = CProgram::compile("harness", Linked::Dynamically);
    finish(&mut plain.command(&["restarts", "10000"]), RUN).success();
    let watched = CProgram::compile("harness", Linked::StaticallyWatched);
    finish(&mut watched.command(&["restarts", "300"]), RUN).success();
    finish(&mut plain.under_valgrind(&["restarts", "20"]), RUN).success();
}

#[test]
fn starts_and_ends_that_are_ready_to_crash_leave_nothing_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display().to_string();
    let watched = CProgram::compile("harness", Linked::StaticallyWatched);
    finish(&mut watched.command(&["restarts", "300", &path]), RUN).success();
    let plain = CProgram::compile("harness", Linked::Dynamically);
    finish(&mut plain.under_valgrind(&["restarts", "20", &path]), RUN).success();
    let project = std::fs::read_dir(folder.path()).expect("made").next().expect("made").expect("readable");
    let files =
        std::fs::read_dir(project.path()).expect("made").map(|file| file.expect("readable").file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["lock"]);
}

#[test]
fn sixty_four_threads_are_all_heard() {
    let mut collector = Collector::start();
    let watched = CProgram::compile("harness", Linked::StaticallyWatched);
    finish(&mut watched.command(&["threads", &collector.dsn().to_string()]), RUN).success();
    let api = collector.api();
    api.await_total(64 * 20, SOON);
    assert_eq!(api.await_issues(1, SOON).len(), 1);
}

#[track_caller]
fn event_of(api: &Api, printed: &str, line: usize) -> Value {
    let id = printed.lines().nth(line).unwrap_or_else(|| panic!("no line {line} in {printed:?}"));
    api.event(id, SOON)
}

/// What an alert of the harness says, wherever it came through.
#[track_caller]
fn assert_is_the_refused_payment(event: &Value) {
    let exceptions = event["exception"]["values"].as_array().expect("exceptions");
    let kinds: Vec<&str> = exceptions.iter().filter_map(|one| one["type"].as_str()).collect();
    assert_eq!(kinds, ["Timeout", "PaymentRefused"], "the cause comes first: {event:#}");
    let frames = exceptions[1]["stacktrace"]["frames"].as_array().expect("frames");
    let functions: Vec<&str> = frames.iter().filter_map(|frame| frame["function"].as_str()).collect();
    assert_eq!(functions, ["main", "charge"], "the newest call comes last: {event:#}");
    assert_eq!(frames[1]["lineno"], 42);
    assert_eq!(frames[1]["in_app"], true);
    assert_eq!(event["level"], "fatal");
    assert_eq!(event["release"], "shop@1.4.2");
    assert_eq!(event["environment"], "staging");
    assert_eq!(event["server_name"], "till-7");
    assert_eq!(event["user"]["id"], "4711");
    assert_eq!(event["sdk"]["name"], "error-sentinel.native");
    let text = event.to_string();
    for part in ["berlin", "eu-central", "three apples were added", "12.50"] {
        assert!(text.contains(part), "{part} is not in {event:#}");
    }
    assert!(!text.contains("paris"), "a label said twice counts as said last: {event:#}");
}

#[test]
fn everything_that_c_can_say_arrives() {
    for linked in [Linked::Statically, Linked::Dynamically] {
        let mut collector = Collector::start();
        let program = CProgram::compile("harness", linked);
        let printed =
            finish(&mut program.command(&["everything", &collector.dsn().to_string()]), RUN).success().stdout;
        let api = collector.api();
        let text = event_of(&api, &printed, 0);
        assert!(text.to_string().contains("the till is stuck"), "{text:#}");
        assert!(text.to_string().contains("everything"), "the stack of the C program is in {text:#}");
        assert_is_the_refused_payment(&event_of(&api, &printed, 1));
        let elsewhere = event_of(&api, &printed, 2);
        assert_eq!(elsewhere["platform"], "lua", "{elsewhere:#}");
        assert_eq!(api.total_count(), 3);
    }
}

#[test]
fn the_first_alarm_in_c_is_ten_lines() {
    let mut collector = Collector::start();
    let program = CProgram::compile("send_alert", Linked::Statically);
    let dsn = collector.dsn().to_string();
    let printed = finish(&mut program.command(&[&dsn, "the disk is on fire"]), RUN).success().stdout;
    let event = event_of(&collector.api(), &printed, 0);
    assert!(event.to_string().contains("the disk is on fire"), "{event:#}");
    let refused = finish(&mut program.command(&["http://nobody", "x"]), RUN).failure();
    assert!(refused.stderr.contains("the DSN is not valid"), "{}", refused.stderr);
}

/// A program that leaves delivery to its host, and the host: this test.
struct Hosted {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What the host is to send.
struct ToSend {
    url: String,
    authorisation: String,
    body: Vec<u8>,
}

impl Hosted {
    /// Starts it; it ends when so many requests are answered.
    fn start(program: &CProgram, dsn: &str, request_count: u32, spool_folder: Option<&Path>) -> Hosted {
        let mut command = program.command(&["by-host", dsn, &request_count.to_string()]);
        command.args(spool_folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it was compiled");
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Hosted { process, input, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it prints");
        line.trim_end().to_owned()
    }

    fn next(&mut self) -> ToSend {
        let (url, authorisation) = (self.line(), self.line());
        let length = self.line().parse().expect("a length");
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).expect("the body");
        ToSend { url, authorisation, body }
    }

    fn came_back(&mut self, http_status: u16, retry_after: &str) {
        writeln!(self.input, "{http_status} {retry_after}").expect("it reads");
        self.input.flush().expect("it reads");
    }

    /// Waits for its end; no answer comes any more.
    fn end(mut self) {
        drop(self.input);
        assert!(self.process.wait().expect("the child is ours").success());
    }
}

impl ToSend {
    /// POSTs it, as a host would; returns the status.
    fn send(&self, collector: &Collector) -> u16 {
        let (_, place) = self.url.split_once("://").expect("a URL");
        let path = &place[place.find('/').expect("a path")..];
        let request = Request::post(path, self.body.clone())
            .header("X-Sentry-Auth", &self.authorisation)
            .header("Content-Type", "application/x-sentry-envelope");
        collector.send(&request).status
    }
}

#[test]
fn a_host_delivers_by_its_own_means() {
    let mut collector = Collector::start();
    let program = CProgram::compile("harness", Linked::StaticallyWatched);
    let mut hosted = Hosted::start(&program, &collector.dsn().to_string(), 1, None);
    let to_send = hosted.next();
    assert_eq!(to_send.send(&collector), 200);
    hosted.came_back(200, "-");
    hosted.end();
    let api = collector.api();
    let issue = api.await_issues(1, SOON).remove(0);
    assert_is_the_refused_payment(&api.event(&api.event_ids(&issue.id())[0], SOON));
}

#[test]
fn what_a_host_could_not_deliver_is_kept_and_sent_after_the_next_start() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = CProgram::compile("harness", Linked::Dynamically);
    let mut hosted = Hosted::start(&program, &collector.dsn().to_string(), 1, Some(folder.path()));
    hosted.next();
    hosted.came_back(0, "-");
    hosted.end();

    // Both the kept event and that of this run.
    let mut hosted = Hosted::start(&program, &collector.dsn().to_string(), 2, Some(folder.path()));
    let api = collector.api();
    for _ in 0..2 {
        let to_send = hosted.next();
        assert_eq!(to_send.send(&collector), 200);
        hosted.came_back(200, "-");
    }
    hosted.end();
    api.await_total(2, SOON);
}

#[test]
fn a_host_that_is_told_to_wait_is_asked_for_nothing_meanwhile() {
    let collector = Collector::start();
    let program = CProgram::compile("harness", Linked::Dynamically);
    let mut hosted = Hosted::start(&program, &collector.dsn().to_string(), 1, None);
    hosted.next();
    hosted.came_back(429, "3600");
    let mut rest = String::new();
    hosted.output.read_to_string(&mut rest).expect("it ends");
    assert_eq!(rest, "");
    hosted.end();
}
