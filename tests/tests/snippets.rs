//! The snippets in `examples/`: each raises an alarm, and none hurts the program that it stands in.

use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{Collector, finish, interpreter, repository};

const SOON: Duration = Duration::from_secs(10);
/// A compiler may have to run first.
const RUN: Duration = Duration::from_secs(120);

/// Runs a snippet against a collector, against nobody, and without any DSN.
#[track_caller]
fn assert_raises_an_alarm(interpreter: Option<Command>, arguments: &[&str], level: &str) {
    let Some(command) = interpreter else { return };
    let mut collector = Collector::start();
    let run = |dsn: Option<&str>| {
        let mut command = Command::new(command.get_program());
        command.args(arguments).current_dir(repository().join("examples")).env("GO111MODULE", "off");
        match dsn {
            Some(dsn) => command.env("ERROR_SENTINEL_DSN", dsn),
            None => command.env_remove("ERROR_SENTINEL_DSN"),
        };
        finish(&mut command, RUN).success()
    };
    run(Some(&collector.dsn().to_string()));
    let issues = collector.api().await_issues(1, SOON);
    assert!(issues[0].text("title").contains("The disk is on fire"), "{issues:?}");
    assert_eq!(issues[0].text("level"), level);
    // Nobody listens on the discard port; the host must go on all the same.
    run(Some(&format!("http://{}@127.0.0.1:9/1", collector.key())));
    run(Some("this is no DSN"));
    run(None);
}

#[test]
fn the_shell_snippet_raises_an_alarm() {
    assert_raises_an_alarm(
        interpreter("curl", "--version").map(|_| Command::new("sh")),
        &["curl/send_alert.sh", "The disk is on fire", "fatal"],
        "fatal",
    );
}

#[test]
fn the_shell_snippet_sends_any_text() {
    if interpreter("curl", "--version").is_none() {
        return;
    }
    let mut collector = Collector::start();
    let mut command = Command::new("sh");
    command.args(["curl/send_alert.sh", "a \"quoted\" \\ path\nand a second line $HOME `id`"]);
    command.current_dir(repository().join("examples")).env("ERROR_SENTINEL_DSN", collector.dsn().to_string());
    finish(&mut command, RUN).success();
    let issues = collector.api().await_issues(1, SOON);
    let said = issues[0].0.to_string();
    assert!(said.contains(r#"a \"quoted\" \\ path and a second line $HOME `id`"#), "{said}");
}

#[test]
fn the_python_snippet_raises_an_alarm() {
    assert_raises_an_alarm(interpreter("python3", "--version"), &["python/send_alert.py"], "fatal");
}

#[test]
fn the_node_snippet_raises_an_alarm() {
    assert_raises_an_alarm(interpreter("node", "--version"), &["node/send_alert.mjs"], "fatal");
}

#[test]
fn the_php_snippet_raises_an_alarm() {
    assert_raises_an_alarm(interpreter("php", "--version"), &["php/send_alert.php"], "fatal");
}

#[test]
fn the_go_snippet_raises_an_alarm() {
    assert_raises_an_alarm(interpreter("go", "version"), &["run", "go/send_alert.go"], "fatal");
}
