//! Accepted means on the disk: seen at the system calls, and when the disk says that it failed.

use std::time::Duration;

use error_sentinel_tests::store_file::Locked;
use error_sentinel_tests::{Call, Collector, Setup, Strace, eventually, is_root};
use serde_json::json;

use crate::PATIENCE;
use crate::load_kept::Account;

/// Where the queue's commits go.
const LOG: &str = "queue.db-wal";
/// What the log is moved into.
const DATABASE: &str = "queue.db";
/// All calls that tell when something is read, written, synced and acknowledged.
const SEEN: &str = "trace=recvfrom,read,readv,sendto,sendmsg,write,writev,pwrite64,fsync,fdatasync";

fn is_acknowledgement(call: &Call) -> bool {
    matches!(call.name.as_str(), "sendto" | "sendmsg" | "write" | "writev")
        && call.arguments.contains("\"HTTP/1.1 20")
}

fn is_request(call: &Call) -> bool {
    matches!(call.name.as_str(), "recvfrom" | "read" | "readv") && call.result > 0
}

fn is_log_write(call: &Call) -> bool {
    call.name == "pwrite64" && call.is_on(LOG) && call.result > 0
}

fn is_log_synced(call: &Call) -> bool {
    call.is_sync() && call.is_on(LOG) && call.result == 0
}

/// Waits until strace has written them all down, which it may do after they have arrived.
fn await_acknowledgements(strace: &Strace, count: usize) {
    eventually("every acknowledgement is written down", PATIENCE, || {
        let seen = strace.seen();
        (seen.iter().filter(|call| is_acknowledgement(call)).count() >= count).then_some(())
    });
}

/// Sends one after the other, so that between two acknowledgements stands the work of one event.
fn send_in_turn(collector: &Collector, count: usize) {
    for number in 0..count {
        collector.log_error(&json!({"message": format!("number {number}")}));
    }
}

#[test]
fn each_acknowledgement_follows_a_successful_sync_of_all_that_was_written_for_it() {
    if !is_root() {
        return;
    }
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    // Digest waits, so that nothing but what is accepted is written into the queue.
    let lock = Locked::store(collector.data_dir());
    send_in_turn(&collector, 1);
    let strace = Strace::attach(collector.pid(), &["-e", SEEN]);
    send_in_turn(&collector, 50);
    await_acknowledgements(&strace, 50);
    let calls = strace.detach();
    let (mut written, mut synced, mut acknowledgements) = (None, None, 0);
    for call in &calls {
        if is_log_write(call) {
            (written, synced) = (Some(call.end_us), None);
        } else if is_log_synced(call) && written.is_some_and(|end_us| end_us <= call.start_us) {
            synced = Some(call.end_us);
        } else if is_acknowledgement(call) {
            let on_disk = synced.take().is_some_and(|end_us| end_us <= call.start_us);
            assert!(on_disk, "acknowledged before it was synced: {call:?}");
            acknowledgements += 1;
        }
    }
    assert_eq!(acknowledgements, 50);

    // From many connections, whose batches and answers interleave.
    let mut account = Account::new(&collector, 1536);
    let strace = Strace::attach(collector.pid(), &["-e", SEEN]);
    account.load_count(&collector, 400).assert_all(400);
    await_acknowledgements(&strace, 400);
    let calls = strace.detach();
    let mut acknowledgements = 0;
    for (at, answer) in calls.iter().enumerate().filter(|(_, call)| is_acknowledgement(call)) {
        let before = &calls[..at];
        let request =
            before.iter().rev().find(|call| is_request(call) && call.descriptor() == answer.descriptor());
        let request = request.expect("an answer follows its request");
        let on_disk =
            before.iter().filter(|call| is_log_synced(call) && call.end_us <= answer.start_us).any(|sync| {
                before.iter().any(|call| {
                    is_log_write(call) && call.start_us >= request.end_us && call.end_us <= sync.start_us
                })
            });
        assert!(on_disk, "acknowledged before it was synced: {answer:?}");
        acknowledgements += 1;
    }
    assert_eq!(acknowledgements, 400);
    println!("450 acknowledgements, each after a successful sync of what was written for it");
    drop(lock);
    account.assert_kept(&mut collector, 51);
}

#[test]
fn a_disk_whose_syncs_fail_acknowledges_nothing_and_recovers_without_a_restart() {
    if !is_root() {
        return;
    }
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 1536);
    account.load_count(&collector, 100).assert_all(100);
    let failing = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"];
    let strace = Strace::attach(collector.pid(), &failing);
    let outcome = account.load_for(&mut collector, Duration::from_secs(1));
    let failed = strace.detach().iter().filter(|call| call.is_injected).count();
    assert!(failed > 0, "nothing was synced");
    assert_eq!(outcome.acknowledged.len(), 0, "acknowledged after a sync that failed");
    assert_eq!(outcome.refused.keys().copied().collect::<Vec<_>>(), [503]);
    eventually("errors are accepted again", PATIENCE, || {
        account.load_count(&collector, 1).refused.is_empty().then_some(())
    });
    account.load_count(&collector, 100).assert_all(100);
    collector.kill();
    collector.start_again();
    account.assert_kept(&mut collector, 0);
}

/// A kernel drops what it could not write and says once that it failed; the next sync of the same file succeeds and
/// proves nothing. So the log must be moved into the database, and that be synced, before anything is believed.
#[test]
fn after_one_failed_sync_nothing_is_acknowledged_until_the_log_was_moved_and_synced() {
    if !is_root() {
        return;
    }
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let lock = Locked::store(collector.data_dir());
    let mut account = Account::new(&collector, 1536);
    account.load_count(&collector, 20).assert_all(20);
    // strace counts by thread: the first sync of the writer fails.
    let once = ["-e", SEEN, "-e", "inject=fsync,fdatasync:error=EIO:when=1"];
    let strace = Strace::attach(collector.pid(), &once);
    let post = |message: &str| {
        let body = json!({ "message": message }).to_string();
        let request = error_sentinel_tests::Request::post("/log-error", body);
        collector.send(&request.header("X-Sentinel-Key", collector.key())).status
    };
    assert_eq!(post("its sync fails"), 503);
    let mut others = 1;
    eventually("errors are accepted again", PATIENCE, || {
        others += 1;
        (post("later") == 202).then_some(())
    });
    // The answer can be here before strace has written down the call that sent it; it has once others followed.
    for _ in 0..3 {
        others += 1;
        assert_eq!(post("later still"), 202);
    }
    let calls = strace.detach();
    let failed =
        calls.iter().position(|call| call.is_injected && call.is_on(LOG)).expect("a sync of the log failed");
    let answered = calls.iter().position(is_acknowledgement).expect("one was accepted");
    let moved = calls.iter().position(|call| {
        call.is_sync() && call.result == 0 && call.is_on(DATABASE) && call.start_us >= calls[failed].end_us
    });
    let moved = moved.expect("the database was synced");
    assert!(
        failed < moved && calls[moved].end_us <= calls[answered].start_us,
        "{:#?}",
        &calls[failed..=answered]
    );
    drop(lock);
    account.assert_kept(&mut collector, others);
}
