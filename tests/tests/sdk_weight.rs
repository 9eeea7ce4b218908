//! What the Rust SDK brings into a program: how many crates, with which features. Its size and build time are
//! measured by `cargo xtask bench sdk`.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{finish, repository};

/// Names of the crates that are compiled for the SDK with these features, itself aside.
fn crates(features: &str) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--package", "error-sentinel", "--no-default-features"]);
    tree.args(["--features", features, "--target", "x86_64-unknown-linux-gnu"]);
    tree.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]).current_dir(repository());
    let told = finish(&mut tree, Duration::from_secs(60)).success().stdout;
    let names = told.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
    names.filter(|name| *name != "error-sentinel").map(str::to_owned).collect()
}

#[test]
fn without_http_the_client_is_a_dozen_crates_at_most() {
    let client = crates("std");
    assert!(client.contains("error-sentinel-wire") && client.contains("crossbeam-channel"), "{client:?}");
    assert!(client.len() <= 12, "{client:?}");
}

#[test]
fn names_of_stacks_and_delivery_come_only_with_their_features() {
    let (client, with_names, all) = (crates("std"), crates("std,backtrace"), crates("std,backtrace,http"));
    assert!(client.is_disjoint(&BTreeSet::from(["backtrace".into(), "reqwest".into(), "tokio".into()])));
    // Those that read debug information: addr2line, gimli, object and theirs.
    assert!(with_names.len() <= 20, "{with_names:?}");
    assert!(!with_names.contains("reqwest") && all.contains("reqwest"), "{all:?}");
}

#[test]
fn what_is_weighed_can_be_built() {
    // Its lock file is its own, and is forgotten when the SDK gets another crate.
    let mut tree = Command::new(env!("CARGO"));
    let manifest = repository().join("tests/hello/ours/Cargo.toml");
    tree.args(["tree", "--locked", "--target", "x86_64-unknown-linux-gnu", "--manifest-path"]);
    let told = finish(tree.arg(manifest), Duration::from_secs(60)).success().stdout;
    assert!(told.contains("error-sentinel v"), "{told}");
}
