//! A short run of every fuzz target: the kept corpus as it is, and a bounded number of mutations of it, always the same.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use error_sentinel_fuzz::{TARGETS, Target};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestRunner};

/// Mutated inputs of each target.
const CASES: u32 = 4096;
/// Most bytes of a mutated input; what grows is what takes long, and tells no more.
const BYTES_MAX: usize = 16 * 1024;
/// What the formats are made of.
const TOKENS: [&[u8]; 28] = [
    b"\n",
    b"\0",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"{}",
    b"null",
    b"-1",
    b"0",
    b"1e999",
    b"18446744073709551616",
    b"\xff",
    b"\xf0\x9f\x92\xa5",
    b"\"type\":\"event\"",
    b"\"length\":",
    b"%00",
    b"{{auto}}",
    b"gzip",
    b"zstd",
    b"password",
    b"2026-02-30T25:61:61Z",
];

/// One step from an input to another.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index, u8),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let within = |index: &Index, length: usize| index.index(length + 1);
        let span = |from: &Index, to: &Index| {
            let (from, to) = (within(from, bytes.len()), within(to, bytes.len()));
            from.min(to)..from.max(to)
        };
        match self {
            Mutation::Flip(at, mask) => {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= mask;
                }
            }
            Mutation::Insert(at, token) => {
                let at = within(at, bytes.len());
                bytes.splice(at..at, token.iter().copied());
            }
            Mutation::Remove(from, to) => drop(bytes.drain(span(from, to))),
            Mutation::Repeat(from, to, times) => {
                let span = span(from, to);
                let repeated = bytes[span.clone()].repeat(usize::from(*times));
                bytes.splice(span.end..span.end, repeated);
            }
        }
        bytes.truncate(BYTES_MAX);
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = prop_oneof![select(&TOKENS[..]).prop_map(<[u8]>::to_vec), vec(any::<u8>(), 1..8)];
    prop_oneof![
        (any::<Index>(), 1..=255u8).prop_map(|(at, mask)| Mutation::Flip(at, mask)),
        (any::<Index>(), token).prop_map(|(at, token)| Mutation::Insert(at, token)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        (any::<Index>(), any::<Index>(), 1..4u8)
            .prop_map(|(from, to, times)| Mutation::Repeat(from, to, times)),
    ]
}

/// The corpus of a target, in the same order everywhere.
fn corpus(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
}

#[track_caller]
fn assert_withstands(name: &str) {
    let target = *TARGETS.iter().find(|target| target.name == name).expect("it is in the list");
    let corpus = corpus(target);
    for (path, bytes) in &corpus {
        catch_unwind(|| (target.run)(bytes)).unwrap_or_else(|_| panic!("{} breaks it", path.display()));
    }
    let config = ProptestConfig {
        cases: CASES,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let seeds: Vec<Vec<u8>> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
    let mutated = (select(seeds), vec(mutation(), 1..6)).prop_map(|(mut bytes, mutations)| {
        mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
        bytes
    });
    let tried = TestRunner::new(config).run(&mutated, |bytes| {
        catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))).map_err(|_| {
            let shown = String::from_utf8_lossy(&bytes);
            TestCaseError::fail(format!("add this to the corpus of {name}: {shown:?}"))
        })
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}

macro_rules! targets {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { assert_withstands($name); })*

        #[test]
        fn every_target_is_tried() {
            assert_eq!(TARGETS.map(|target| target.name), [$($name),*]);
        }
    };
}

targets! {
    texts_of_any_bytes_are_taken_or_refused_by_the_c_abi: "c_face",
    records_of_crashes_of_any_bytes_are_read_or_refused: "crash",
    envelopes_of_any_bytes_are_read_or_refused: "envelope",
    events_of_any_json_are_read: "event",
    headers_of_any_text_are_read_or_refused: "header",
    requests_of_any_bytes_are_answered_and_what_they_bring_is_whole: "request",
    settings_files_of_any_text_are_read_or_explained: "settings",
    slots_of_any_bytes_are_read_or_refused: "slot",
    spool_files_of_any_bytes_are_read_or_refused: "stored",
}
