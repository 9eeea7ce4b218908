//! The rules of the house that no crate boundary enforces, read from the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use error_sentinel_tests::repository;

/// What each part of the collector may use of the others. What is not listed here may not be used by it; a part
/// that is not listed at all may use nothing of ours but the wire.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("browser_sdk", &[]),
    ("clock", &[]),
    ("database", &[]),
    ("metrics", &["queue", "store"]),
    ("settings", &[]),
    ("data_dir", &[]),
    ("feed", &["store"]),
    ("store", &["database", "clock", "settings"]),
    ("queue", &["database", "clock"]),
    ("ingest", &["queue", "store", "settings", "clock", "metrics", "client_address"]),
    ("digest", &["queue", "store", "feed", "clock", "settings", "metrics", "alert::rules"]),
    ("alert", &["store", "settings", "clock", "metrics", "http_client"]),
    (
        "dashboard",
        &[
            "store",
            "alert::send_test",
            "alert::words",
            "browser_sdk",
            "feed",
            "clock",
            "settings",
            "secret",
            "client_address",
        ],
    ),
    ("api", &["store", "feed", "clock", "settings", "secret"]),
    // These put the parts together and may use them all.
    ("server", &["*"]),
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file without comments, without what its texts say, and without what is compiled for its tests
/// only.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().map(bare_line).collect::<Vec<_>>().join("\n")
}

/// A line without its comment and the inside of its string literals.
fn bare_line(line: &str) -> String {
    let mut bare = String::new();
    let mut inside = false;
    let mut before = ' ';
    for c in line.chars() {
        match c {
            // `'"'` is a character, `\"` a quote inside of a text.
            '"' if before != '\'' && before != '\\' => {
                inside = !inside;
                bare.push(c);
            }
            '/' if !inside && before == '/' => {
                bare.pop();
                break;
            }
            _ if inside => {}
            _ => bare.push(c),
        }
        before = if before == '\\' && c == '\\' { ' ' } else { c };
    }
    bare
}

fn is_test_file(path: &Path) -> bool {
    path.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "conformance.rs")))
}

/// Every path after `crate::`, groups taken apart as far as their first two names.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut part = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 || (c == ',' && depth == 1) {
                    paths.insert(first_names(part.trim()));
                    part.clear();
                } else {
                    part.push(c);
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            paths.insert(first_names(rest));
        }
    }
    paths.retain(|path| !path.is_empty());
    paths
}

/// `alert::rules` of `alert::rules::ring(…)`.
fn first_names(path: &str) -> String {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(path.len());
    let names: Vec<_> = path[..end].split("::").filter(|name| !name.is_empty()).take(2).collect();
    names.join("::")
}

#[test]
fn paths_are_read_from_use_lines_and_from_code() {
    let code = "use crate::store::{Store, Status};\nuse crate::{feed::Feed, alert::rules};\nlet x = crate::clock::now();";
    let paths: Vec<_> = crate_paths(code).into_iter().collect();
    assert_eq!(paths, ["alert::rules", "clock::now", "feed::Feed", "store"]);
}

#[test]
fn texts_and_comments_are_no_code() {
    assert_eq!(bare_line(r#"let a = "tokio::\"x\" // y"; f(); // z"#), r#"let a = ""; f(); "#);
    assert_eq!(bare_line(r#"let q = '"'; g()"#), r#"let q = '"'; g()"#);
}

#[test]
fn each_part_of_the_collector_uses_only_what_it_may() {
    let source = repository().join("collector/src");
    let rules: BTreeMap<_, _> = MAY_USE.into_iter().collect();
    let mut wrong = Vec::new();
    for path in rust_files(&source) {
        let inside = path.strip_prefix(&source).expect("it lies there").to_owned();
        let first = inside.components().next().expect("it has a name").as_os_str().to_str().expect("UTF-8");
        let part = first.trim_end_matches(".rs");
        // The entrance, the list of parts and the commands stand above all parts.
        if is_test_file(&inside) || ["main", "lib", "commands"].contains(&part) {
            continue;
        }
        let allowed = rules.get(part).copied().unwrap_or_default();
        for used in crate_paths(&code_of(&path)) {
            let used_part = used.split("::").next().unwrap_or_default();
            // Our own crate's name in a path such as `$crate::` or `pub(crate)` is no use of a part.
            if used_part == part
                || !source.join(used_part).exists() && !source.join(format!("{used_part}.rs")).exists()
            {
                continue;
            }
            let fits =
                |rule: &&str| *rule == "*" && used_part != "commands" || *rule == used_part || *rule == used;
            if !allowed.iter().any(fits) {
                wrong.push(format!("{} uses {used}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn decisions_read_no_clock_and_do_no_input_or_output() {
    let source = repository().join("collector/src");
    let forbidden = [
        "tokio::",
        "axum::",
        "rusqlite::",
        "SystemTime::now",
        "Instant::now",
        "std::fs",
        "std::net",
        "reqwest",
    ];
    let pure = [
        "digest/normalise",
        "digest/fingerprint",
        "digest/scrub",
        "digest/group",
        "digest/prepare",
        "alert/rules",
    ];
    let mut seen = BTreeSet::new();
    for path in rust_files(&source) {
        let inside = path.strip_prefix(&source).expect("it lies there").display().to_string();
        let Some(decision) = pure.iter().find(|pure| inside.starts_with(**pure)) else { continue };
        seen.insert(*decision);
        let code = code_of(&path);
        for word in forbidden {
            // Addresses are values; only sockets are not.
            let code = code.replace("std::net::IpAddr", "");
            assert!(!code.contains(word), "{inside} has {word}");
        }
    }
    assert!(seen.len() >= 5, "the pure parts moved: only {seen:?} found");
}

/// Names of the packages of ours that a manifest depends on, for building, not for tests.
fn our_dependencies(manifest: &str) -> BTreeSet<String> {
    let path = repository().join(manifest);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut section = "";
    let mut ours = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.trim().strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if section == "dependencies" || section.ends_with(".dependencies") {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim();
            if name.starts_with("error-sentinel") {
                ours.insert(name.to_owned());
            }
        }
    }
    ours
}

#[test]
fn the_wire_depends_on_nothing_of_ours_and_the_collector_not_on_the_sdk() {
    assert_eq!(our_dependencies("sdk-core/wire/Cargo.toml"), BTreeSet::new());
    let wire = BTreeSet::from(["error-sentinel-wire".to_owned()]);
    assert_eq!(our_dependencies("collector/Cargo.toml"), wire);
    assert_eq!(our_dependencies("sdk-core/crash/Cargo.toml"), BTreeSet::new());
    let parts = BTreeSet::from(["error-sentinel-crash".to_owned(), "error-sentinel-wire".to_owned()]);
    assert_eq!(our_dependencies("sdk-core/Cargo.toml"), parts);
}

#[test]
fn the_wire_needs_no_standard_library() {
    let code = code_of(&repository().join("sdk-core/wire/src/lib.rs"));
    assert!(code.contains("#![no_std]"));
    for path in rust_files(&repository().join("sdk-core/wire/src")) {
        let code = code_of(&path);
        assert!(!code.contains("extern crate std") && !code.contains("std::"), "{}", path.display());
    }
}

#[test]
fn what_runs_in_other_peoples_programs_cannot_panic() {
    let forbidden =
        [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!(", "assert!("];
    for folder in ["sdk-core/src", "sdk-core/wire/src", "sdk-core/crash/src"] {
        for path in rust_files(&repository().join(folder)) {
            if is_test_file(&path) {
                continue;
            }
            let code = code_of(&path);
            for word in forbidden {
                let found = code.find(word).filter(|at| !code[..*at].ends_with("debug_"));
                assert!(found.is_none(), "{} has {word}", path.display());
            }
        }
    }
}

#[test]
fn no_file_leaves_work_for_later_and_none_is_a_drawer_for_everything() {
    for folder in ["sdk-core", "collector/src", "tests/src", "tests/tests", "xtask/src", "examples"] {
        for path in rust_files(&repository().join(folder)) {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            assert!(!["utils", "util", "helpers", "common", "misc"].contains(&name), "{}", path.display());
            let text = fs::read_to_string(&path).expect("readable");
            // In two halves, so that this file does not hold them.
            for mark in [concat!("TO", "DO"), concat!("FIX", "ME")] {
                assert!(!text.contains(mark), "{} has {mark}", path.display());
            }
        }
    }
}
