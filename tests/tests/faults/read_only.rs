//! A disk that may only be read: refused in words at the start, and outlived while running.
//!
//! The kernel makes a disk read-only under open files only when it has failed, which cannot be arranged without
//! harm; so the running collector meets what such a disk answers, `EROFS`, at its system calls.

use std::thread;
use std::time::Duration;

use error_sentinel_tests::{Disk, Setup, Strace, eventually, is_root};

use crate::PATIENCE;
use crate::load_kept::Account;

#[test]
fn a_disk_that_turns_read_only_refuses_and_recovers_without_a_restart() {
    if !is_root() {
        return;
    }
    let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
    let mut account = Account::new(&collector, 1536);
    account.load_count(&collector, 100).assert_all(100);
    let writes = "pwrite64,ftruncate,fallocate,fsync,fdatasync";
    let refuse = format!("inject={writes}:error=EROFS");
    let strace = Strace::attach(collector.pid(), &["-e", &format!("trace={writes}"), "-e", &refuse]);
    let outcome = account.load_for(&mut collector, Duration::from_secs(1));
    let refused_calls = strace.detach().iter().filter(|call| call.is_injected).count();
    assert!(refused_calls > 0, "nothing was written");
    assert_eq!(outcome.acknowledged.len(), 0, "acknowledged by a disk that takes nothing");
    assert_eq!(outcome.refused.keys().copied().collect::<Vec<_>>(), [503]);
    eventually("errors are accepted again", PATIENCE, || {
        thread::sleep(Duration::from_millis(50));
        account.load_count(&collector, 1).refused.is_empty().then_some(())
    });
    account.load_count(&collector, 100).assert_all(100);
    account.assert_kept(&mut collector, 0);
}

#[test]
fn a_start_on_a_read_only_disk_names_the_folder_and_works_once_it_is_writable() {
    if !is_root() {
        return;
    }
    let disk = Disk::mount(64 * 1024 * 1024);
    let mut collector = Setup::default().start_on(disk.folder());
    let mut account = Account::new(&collector, 1536);
    account.load_count(&collector, 50).assert_all(50);
    collector.terminate(PATIENCE);
    disk.set_read_only(true);
    let said = collector.try_start_again().expect_err("nothing can be written");
    assert!(said.contains(&collector.data_dir().display().to_string()), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    disk.set_read_only(false);
    collector.start_again();
    account.assert_kept(&mut collector, 0);
}
