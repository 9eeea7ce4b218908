//! What the README shows is true: its blocks are run in order, by a person with an empty folder.
//!
//! - ```` ```sh ````: run by `bash -eu`. `error-sentinel` is the binary under test; `cargo run --release` starts it;
//!   `cargo xtask …` must be a command that xtask has. A line that starts the server runs until the end of the
//!   test; `$DSN` and `$KEY` are its DSN and key, and the default address stands for its address.
//! - ```` ```python ````: run with the DSN in place of `$DSN`.
//! - ```` ```rust ````: the body of a `main` in a package that depends on the SDK, with the DSN in place of `$DSN`.
//! - ```` ```toml ````: must be a settings file that `check` takes.
//! - ```` ```text ```` and others: for reading only, and must be one of those listed in `READ_ONLY`.
//!
//! Every block that raises an alarm (it has `send_alert`, `/log-error` or `capture_`) must lead to an event.

use std::fs;
use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::markdown::{blocks, commands};
use error_sentinel_tests::{
    Collector, Python, Setup, eventually, finish, interpreter, repository, without_settings,
};

const RUN: Duration = Duration::from_secs(60);
/// Longest that a build from scratch may take.
const BUILD: Duration = Duration::from_secs(600);
const DEFAULT_ADDRESS: &str = "127.0.0.1:8911";
/// Languages of blocks that show something and instruct nothing.
const READ_ONLY: [&str; 3] = ["text", "console", "html"];

fn raises_an_alarm(text: &str) -> bool {
    ["send_alert", "/log-error", "capture_"].iter().any(|word| text.contains(word))
}

#[test]
fn every_block_of_the_readme_does_what_it_says() {
    let readme = fs::read_to_string(repository().join("README.md")).expect("there is a README");
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 4, "the README shows the start and the first alarm");
    let mut collector = Collector::start();
    let mut expected = 0;
    for block in &blocks {
        match block.language.as_str() {
            "sh" => commands(&block.text).iter().for_each(|command| run_command(&collector, command)),
            "python" => run_python(&collector, &block.text),
            "rust" => run_rust(&collector, &block.text),
            "toml" => check_settings(&collector, &block.text),
            other => assert!(READ_ONLY.contains(&other), "no test knows what to do with {block:?}"),
        }
        let alarms = usize::from(raises_an_alarm(&block.text)) as u64;
        if alarms > 0 && !(block.language == "sh" && interpreter("curl", "--version").is_none()) {
            expected += alarms;
            collector.api().await_total(expected, Duration::from_secs(20));
        }
    }
    assert!(expected >= 3, "the README raises an alarm from Rust, curl and a Sentry SDK, not {expected}");
}

#[track_caller]
fn run_command(collector: &Collector, command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        // That it starts the right program is checked below; that it serves is this very test.
        ["cargo", "run", "--release", ..] => {}
        ["cargo", "xtask", name, ..] => {
            let mut help = Command::new("cargo");
            help.args(["run", "--quiet", "--package", "xtask", "--", name, "--help"])
                .current_dir(repository());
            finish(&mut help, BUILD).success();
        }
        _ if words.contains(&"serve") => serves(command),
        ["curl", ..] if interpreter("curl", "--version").is_none() => {}
        _ => {
            finish(&mut shell(collector, &with_address(collector, command)), RUN).success();
        }
    }
}

fn with_address(collector: &Collector, text: &str) -> String {
    text.replace(DEFAULT_ADDRESS, &collector.address().to_string())
}

/// A shell in which the binary under test is `error-sentinel` and `$DSN` and `$KEY` are the collector's.
fn shell(collector: &Collector, script: &str) -> Command {
    let mut shell = Command::new("bash");
    without_settings(&mut shell);
    let function = format!("error-sentinel() {{ '{}' \"$@\"; }}\n", Collector::binary().display());
    shell.args(["-euc", &(function + script)]);
    shell.env("DSN", collector.dsn().to_string()).env("KEY", collector.key());
    shell.env("ERROR_SENTINEL_DATA_DIR", collector.data_dir());
    shell
}

/// A line that starts a server: it must come up, on an empty folder and a free port.
#[track_caller]
fn serves(command: &str) {
    let mut setup = Setup::default();
    for word in command.split_whitespace() {
        if let Some((name, value)) =
            word.strip_prefix("ERROR_SENTINEL_").and_then(|word| word.split_once('='))
        {
            setup = setup.set(name, value);
        }
    }
    let collector = setup.start();
    // Its flags must be ones that `serve` has; the address is the test's own.
    let known = collector.run(&["serve", "--help"]).success().stdout;
    for flag in command.split_whitespace().filter(|word| word.starts_with("--")) {
        let flag = flag.split('=').next().unwrap_or_default();
        assert!(known.contains(flag), "serve has no {flag}:\n{known}");
    }
}

#[track_caller]
fn run_python(collector: &Collector, text: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("readme.py");
    fs::write(&script, text.replace("$DSN", &collector.dsn().to_string())).expect("space");
    finish(&mut Python::find().run(&script), RUN).success();
}

/// Builds the block as the `main` of a package that depends on the SDK of this repository, and runs it.
#[track_caller]
fn run_rust(collector: &Collector, text: &str) {
    let package = repository().join("target/readme");
    fs::create_dir_all(package.join("src")).expect("space");
    let code = text.replace("$DSN", &collector.dsn().to_string());
    fs::write(package.join("src/main.rs"), format!("fn main() {{\n{code}}}\n")).expect("space");
    let sdk = repository().join("sdk-core").display().to_string();
    let manifest = format!(
        "[package]\nname = \"readme\"\nedition = \"2024\"\n[dependencies]\nerror-sentinel = {{ path = {sdk:?} }}\n\
         [profile.dev]\ndebug = false\n[workspace]\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).expect("space");
    // The versions that everything else is tested with.
    fs::copy(repository().join("Cargo.lock"), package.join("Cargo.lock")).expect("space");
    let mut run = Command::new("cargo");
    run.args(["run", "--quiet", "--manifest-path"]).arg(package.join("Cargo.toml"));
    finish(run.env("CARGO_TARGET_DIR", package.join("target")).current_dir(&package), BUILD).success();
}

#[track_caller]
fn check_settings(collector: &Collector, text: &str) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), text).expect("space");
    collector.run(&["check", "--config", &file.path().display().to_string()]).success();
}

#[test]
fn cargo_run_on_a_clone_starts_the_collector() {
    // What `cargo run` runs is decided by two lines, which say so; building it again here would show no more.
    let workspace = fs::read_to_string(repository().join("Cargo.toml")).expect("readable");
    assert!(workspace.contains("default-members = [\"collector\"]"));
    let package = fs::read_to_string(repository().join("collector/Cargo.toml")).expect("readable");
    assert!(package.contains("default-run = \"error-sentinel\""));
    // Without a word, it serves.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = without_settings(&mut Command::new(Collector::binary()))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    eventually("it makes its folder", Duration::from_secs(20), || {
        assert!(child.try_wait().expect("ours").is_none(), "it stopped");
        folder.path().join("data").is_dir().then_some(())
    });
    child.kill().expect("ours");
    child.wait().expect("ours");
}
