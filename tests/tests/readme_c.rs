//! What the README of the C library shows is true: its commands are run in order, and what is C is compiled.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::markdown::{blocks, commands};
use error_sentinel_tests::{CProgram, Collector, finish, repository};

/// Longest that a compiler may take; the machine may be busy.
const RUN: Duration = Duration::from_secs(300);
const SOON: Duration = Duration::from_secs(20);

#[test]
fn every_block_of_the_readme_of_the_c_library_does_what_it_says() {
    let made = match std::env::var_os("ERROR_SENTINEL_C_PACKAGE") {
        Some(folder) => PathBuf::from(folder),
        None => repository().join("target/c-package"),
    };
    assert!(made.is_dir(), "{} is not there: `cargo xtask test` makes it", made.display());
    let target = tempfile::tempdir().expect("a temporary folder");
    let readme = fs::read_to_string(repository().join("sdk-ffi/README.md")).expect("there is one");
    let mut collector = Collector::start();
    let dsn = collector.dsn().to_string();
    let mut shown = String::new();
    let mut alarms = 0;
    for block in blocks(&readme) {
        match block.language.as_str() {
            "sh" => {
                let (built, rest): (Vec<String>, Vec<String>) =
                    commands(&block.text).into_iter().partition(|line| line.starts_with("cargo "));
                // It was built by whoever runs the tests; that there is such a command is seen here.
                for line in built {
                    assert!(
                        line.starts_with("cargo xtask c-package "),
                        "no test knows what to do with {line}"
                    );
                }
                let folder = format!("{}/", target.path().display());
                let place = |line: &String| {
                    let marked = line.replace("$PWD/target/c-package", "@").replace("target/c-package", "@");
                    marked.replace("target/", &folder).replace('@', &made.display().to_string())
                };
                let script: Vec<String> = rest.iter().map(place).collect();
                alarms += script.iter().filter(|line| line.contains("\"$DSN\"")).count();
                let mut shell = Command::new("bash");
                shell.args(["-euc", &script.join("\n")]).current_dir(repository()).env("DSN", &dsn);
                finish(&mut shell, RUN).success();
            }
            "c" => shown.push_str(&block.text),
            other => panic!("no test knows what to do with {other:?}"),
        }
    }
    assert_eq!(alarms, 2);
    collector.api().await_total(2, SOON);
    assert!(shown.contains("report_crashes"));
    CProgram::assert_lines_compile(&format!(
        "sentinel_options options;\nsentinel_options_new(sentinel_text_of(\"\"), &options);\n{shown}"
    ));
}
