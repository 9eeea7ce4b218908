//! The Android library: an application that dies in native code, and a virtual machine that lives of the same signals.
//!
//! Android's runtime finds null pointers by SIGSEGV, and is asked before every handler that an application sets
//! (libsigchain). So does the virtual machine here, with the part of it that does the same (libjsig).

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use error_sentinel_tests::{
    AndroidHarness, Collector, crash_functions, crash_records, finish, kept_events, written_crash_count,
};

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);
/// Nobody listens there.
const NOWHERE: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
const SIGABRT: i32 = 6;

#[test]
fn a_crash_in_native_code_ends_the_process_as_without_the_sdk_and_the_next_start_tells_of_it() {
    let harness = AndroidHarness::prepare();
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display().to_string();
    let dsn = collector.dsn().to_string();
    let die = |is_reported: &str| {
        finish(&mut harness.command_with_chained_signals(&["native-crash", &dsn, &path, is_reported]), RUN)
    };
    let without = die("false");
    assert_eq!(without.status.signal(), Some(SIGABRT), "the machine aborts: {without:#?}");
    let spool = folder.path().join("error-sentinel");
    assert!(crash_records(&spool).is_empty(), "it was not asked for");
    let with = die("true");
    assert_eq!(with.status, without.status, "{with:#?}");
    let told = "A fatal error has been detected by the Java Runtime Environment";
    assert!(without.stdout.contains(told) && with.stdout.contains(told), "{with:#?}");
    let id = crash_records(&spool).pop_first().expect("a record");
    assert_eq!(written_crash_count(&spool), 1);

    harness.run(&["start", &dsn, &path], RUN).success();
    assert!(crash_records(&spool).is_empty() && kept_events(&spool).is_empty());
    let event = collector.api().event(&id, SOON);
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], "SIGSEGV", "{event:#}");
    assert_eq!(exception["value"], "invalid memory access at 0x8");
    assert_eq!(exception["mechanism"]["handled"], false);
    assert_eq!((&event["level"], &event["platform"]), (&"fatal".into(), &"native".into()));
    let names = crash_functions(&event);
    let top = ["harness_die", "harness_middle", "Java_io_github_errorsentinel_Harness_dieNatively"];
    assert_eq!(names[..3], top, "{event:#}");
    assert_eq!(event["release"], "com.example.shop@1.4.2+142");
    assert_eq!(event["sdk"]["name"], "error-sentinel.android");
    assert_eq!(event["contexts"]["os"]["name"], "Android");
    assert!(event["tags"].to_string().contains("number 7"), "{event:#}");
    assert_eq!(event["breadcrumbs"]["values"][0]["message"], "the last step", "{event:#}");
    assert_eq!(event["threads"]["values"][0]["name"], "payments");
}

#[test]
fn a_null_pointer_that_the_virtual_machine_finds_by_a_signal_is_no_crash() {
    let harness = AndroidHarness::prepare();
    let run = |is_chained: bool| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().display().to_string();
        let arguments = ["null-pointers", NOWHERE, &path];
        let mut command = match is_chained {
            true => harness.command_with_chained_signals(&arguments),
            false => harness.command(&arguments),
        };
        finish(&mut command, RUN).success();
        written_crash_count(&folder.path().join("error-sentinel"))
    };
    assert_eq!(run(true), 0);
    // The signals are real: where the machine is not asked first, they look like the end.
    assert_eq!(run(false), 1);
}
