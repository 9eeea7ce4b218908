//! The Android library: Kotlin and Rust on a real Java virtual machine, with the classes of Android's real framework,
//! against the real collector; and what is packed for real devices.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{AndroidHarness, Api, Collector, android_folder, finish, kept_events, repository};
use serde_json::Value;
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);
/// Nobody listens there.
const NOWHERE: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";

/// An application's own folder, and the way to name it.
fn app_folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display().to_string();
    (folder, path)
}

fn exceptions(event: &Value) -> Vec<(&str, &str, &str)> {
    let values = event["exception"]["values"].as_array().expect("exceptions");
    values
        .iter()
        .map(|one| {
            let field = |name: &str| one[name].as_str().unwrap_or_default();
            (field("type"), field("value"), one["mechanism"]["type"].as_str().unwrap_or_default())
        })
        .collect()
}

#[track_caller]
fn only_event(api: &Api) -> Value {
    let issue = api.await_issues(1, SOON).remove(0);
    api.event(&api.event_ids(&issue.id())[0], SOON)
}

#[test]
fn every_misuse_is_an_ordinary_return() {
    let (_folder, path) = app_folder();
    let done = AndroidHarness::prepare().run(&["misuse", NOWHERE, &path], RUN).success();
    assert!(done.stdout.contains("wrong calls"), "{done:#?}");
    assert!(done.stderr.contains("nothing will be reported: the DSN is not valid"), "{done:#?}");
}

#[test]
fn everything_that_kotlin_can_say_arrives() {
    let mut collector = Collector::start();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    let printed = AndroidHarness::prepare().run(&["everything", &dsn, &path], RUN).success().stdout;
    let ids: Vec<&str> = printed.lines().collect();
    let api = collector.api();

    let refused = api.event(ids[0], SOON);
    assert_eq!(
        exceptions(&refused),
        [
            ("IOException", "the receipt could not be printed", "suppressed"),
            ("SocketTimeoutException", "the bank did not answer", "chained"),
            ("IllegalStateException", "the payment was refused", "send_alert"),
        ]
    );
    let frames = refused["exception"]["values"][2]["stacktrace"]["frames"].as_array().expect("frames");
    let newest = frames.last().expect("a frame");
    assert_eq!(newest["function"], "refused", "{newest:#}");
    assert_eq!(newest["module"], "io.github.errorsentinel.Harness");
    assert_eq!(newest["filename"], "Harness.kt");
    assert!(newest["lineno"].as_u64().expect("a line") > 1);
    assert_eq!(refused["level"], "fatal");
    assert_eq!(refused["platform"], "java");
    assert_eq!(refused["release"], "com.example.shop@1.4.2+142");
    assert_eq!(refused["environment"], "staging");
    assert_eq!(refused["sdk"]["name"], "error-sentinel.android");
    assert_eq!(refused["contexts"]["os"]["name"], "Android");
    assert_eq!(refused["contexts"]["os"]["version"], "5.0.2");
    assert_eq!(refused["contexts"]["os"]["api_level"], 21);
    assert_eq!(refused["contexts"]["app"]["app_version"], "1.4.2");
    assert_eq!(refused["contexts"]["app"]["app_build"], "142");
    assert_eq!(refused["contexts"]["app"]["app_name"], "The shop");
    assert_eq!(refused["contexts"]["device"]["arch"], "x86_64");
    assert!(refused["contexts"]["device"]["processor_count"].as_u64().expect("a count") > 0);
    assert_eq!(refused["user"]["id"], "4711");
    let text = refused.to_string();
    for part in ["berlin", "eu-central", "three apples were added", "12.50", "Shop", "main", "🔔"] {
        assert!(text.contains(part), "{part} is not in {refused:#}");
    }

    let stuck = api.event(ids[1], SOON);
    assert!(stuck.to_string().contains("the till is stuck ?"), "half a character is none: {stuck:#}");
    let frames = stuck["stacktrace"]["frames"]
        .as_array()
        .or(stuck["threads"]["values"][0]["stacktrace"]["frames"].as_array());
    let newest = frames.and_then(|frames| frames.last()).unwrap_or_else(|| panic!("no frames in {stuck:#}"));
    assert_eq!(newest["function"], "everything", "the SDK's own calls are not in it: {newest:#}");

    let unreadable = api.event(ids[2], SOON);
    let said = "its message could not be read: java.lang.UnsupportedOperationException";
    assert_eq!(exceptions(&unreadable), [("Harness$Unreadable", said, "send_alert")]);
    let cycle = api.event(ids[3], SOON);
    assert_eq!(
        exceptions(&cycle),
        [("Exception", "second", "chained"), ("Exception", "first", "send_alert")]
    );
}

#[test]
fn of_two_threads_that_die_at_once_the_first_is_on_disk_before_the_process_ends() {
    let harness = AndroidHarness::prepare();
    for _ in 0..5 {
        let (folder, path) = app_folder();
        let died = harness.run(&["crash-twice", NOWHERE, &path], RUN);
        assert_eq!(died.status.code(), Some(10), "{died:#?}");
        assert!(!kept_events(&folder.path().join("error-sentinel")).is_empty(), "{died:#?}");
    }
}

/// What emulators get is what this machine can load.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_library_for_android_does_what_the_one_for_this_machine_does() {
    let harness = AndroidHarness::prepare_for_android();
    let mut collector = Collector::start();
    let (folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    let died = harness.run(&["crash", &dsn, &path], RUN);
    assert_eq!(died.status.code(), Some(10), "{died:#?}");
    harness.run(&["everything", &dsn, &path], RUN).success();
    harness.run(&["threads", &dsn, &path, "16", "20"], RUN).success();
    assert_eq!(kept_events(&folder.path().join("error-sentinel")).len(), 0);
    collector.api().await_total(1 + 4 + 16 * 20, SOON);
}

/// It unwinds by other means than the one for this machine, and tables that no panic needs are left out.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_panic_in_the_library_for_android_is_an_ordinary_return() {
    let (_folder, path) = app_folder();
    let done = AndroidHarness::prepare_panics_on_android().run(&["misuse", NOWHERE, &path], RUN).success();
    assert!(done.stdout.contains("wrong calls"), "{done:#?}");
}

/// The harness dies of an exception in a thread, while the collector hangs; then another run of it delivers.
#[track_caller]
fn crashes_and_delivers(command: &str) -> (String, Value) {
    let mut collector = Collector::start();
    let harness = AndroidHarness::prepare();
    let (folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    // It answers nobody.
    collector.signal("STOP");
    let died = harness.run(&[command, &dsn, &path], RUN);
    assert_eq!(died.status.code(), Some(10), "the earlier handler ends the process: {died:#?}");
    assert_eq!(kept_events(&folder.path().join("error-sentinel")).len(), 1, "{died:#?}");
    collector.signal("CONT");
    harness.run(&["start", &dsn, &path], RUN).success();
    assert_eq!(kept_events(&folder.path().join("error-sentinel")).len(), 0);
    (died.stdout, only_event(&collector.api()))
}

#[test]
fn an_exception_that_nobody_catches_is_kept_and_sent_after_the_next_start() {
    let (printed, event) = crashes_and_delivers("crash");
    assert_eq!(printed.trim(), "the earlier handler got the payment was refused of payments");
    assert_eq!(event["level"], "fatal");
    let surfaced = &event["exception"]["values"].as_array().expect("exceptions")[2];
    assert_eq!(surfaced["type"], "IllegalStateException");
    assert_eq!(surfaced["mechanism"]["type"], "UncaughtExceptionHandler");
    assert_eq!(surfaced["mechanism"]["handled"], false);
    let text = event.to_string();
    for part in ["the last step", "payments", "the bank did not answer", "the receipt could not be printed"] {
        assert!(text.contains(part), "{part} is not in {event:#}");
    }
}

#[test]
fn a_crash_that_cannot_even_say_what_it_is_is_reported_all_the_same() {
    let (printed, event) = crashes_and_delivers("crash-in-crash");
    assert_eq!(printed.trim(), "the earlier handler got Stackless");
    assert_eq!(exceptions(&event), [("Harness$Stackless", "", "UncaughtExceptionHandler")]);
}

#[test]
fn sixty_four_threads_are_all_heard() {
    let mut collector = Collector::start();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    AndroidHarness::prepare().run(&["threads", &dsn, &path, "64", "50"], RUN).success();
    let api = collector.api();
    api.await_total(64 * 50, SOON);
    assert_eq!(api.await_issues(1, SOON).len(), 1);
}

#[test]
fn it_starts_and_ends_as_often_as_one_likes() {
    let mut collector = Collector::start();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    AndroidHarness::prepare().run(&["restarts", &dsn, &path, "50"], RUN).success();
    collector.api().await_total(50, SOON);
}

#[test]
fn a_frozen_main_thread_is_reported_once_with_what_it_does() {
    let mut collector = Collector::start();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    AndroidHarness::prepare().run(&["freeze", &dsn, &path], RUN).success();
    let api = collector.api();
    let event = only_event(&api);
    assert_eq!(api.total_count(), 1);
    let (kind, value, mechanism) = exceptions(&event)[0];
    assert_eq!((kind, mechanism), ("ApplicationNotResponding", "anr"));
    assert!(value.starts_with("the main thread did nothing for"), "{value}");
    let text = event["exception"].to_string();
    assert!(text.contains("busyForTooLong") && text.contains("android.os.Looper"), "{event:#}");
}

#[test]
fn what_activities_do_is_remembered() {
    let mut collector = Collector::start();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    AndroidHarness::prepare().run(&["lifecycle", &dsn, &path], RUN).success();
    let event = only_event(&collector.api());
    let crumbs =
        event["breadcrumbs"]["values"].as_array().or(event["breadcrumbs"].as_array()).expect("breadcrumbs");
    let steps: Vec<_> = crumbs.iter().filter_map(|crumb| crumb["message"].as_str()).collect();
    let activity = |what: &str| format!("CheckoutActivity {what}");
    assert_eq!(
        steps,
        [
            &activity("created"),
            "foreground",
            &activity("resumed"),
            &activity("paused"),
            "background",
            &activity("destroyed")
        ]
    );
}

#[test]
fn the_examples_report_what_they_say() {
    let mut collector = Collector::start();
    let harness = AndroidHarness::prepare();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    harness.run(&["user-app", &dsn, &path], RUN).success();
    let died = harness.run(&["delivery-app", &dsn, &path], RUN);
    assert_eq!(died.status.code(), Some(10), "{died:#?}");
    harness.run(&["start", &dsn, &path], RUN).success();
    let api = collector.api();
    let events: Vec<_> = api
        .await_issues(2, SOON)
        .iter()
        .map(|issue| api.event(&api.event_ids(&issue.id())[0], SOON))
        .collect();
    for (app, part) in [("User app", "3 s"), ("Delivery app", "a route without a stop")] {
        let found = events.iter().find(|event| event.to_string().contains(app));
        let event = found.unwrap_or_else(|| panic!("nothing of the {app} in {events:#?}"));
        assert!(event.to_string().contains(part), "{event:#}");
    }
}

/// Kinds of processor.
const ABIS: [&str; 4] = ["arm64-v8a", "x86_64", "armeabi-v7a", "x86"];

/// What the libraries of an archive ask of the system: `readelf` says it.
fn asked_of_the_system(library: &str) -> String {
    let unpacked = android_folder().join("aar/jni").join(library).join("liberror_sentinel.so");
    let mut readelf = Command::new("readelf");
    readelf.args(["--wide", "--dyn-syms", "--dynamic", "--program-headers"]).arg(unpacked);
    finish(&mut readelf, RUN).success().stdout
}

/// What Android's C library has since version 5.0 or before.
const BIONIC: &str = include_str!("../android/bionic.txt");

#[test]
fn the_libraries_ask_for_nothing_that_the_oldest_supported_android_lacks() {
    let has: BTreeSet<_> = BIONIC.lines().filter(|line| !line.starts_with('#')).collect();
    for abi in ABIS {
        let said = asked_of_the_system(abi);
        let undefined: BTreeSet<_> = said
            .lines()
            .filter(|line| line.contains(" UND "))
            .filter_map(|line| line.split_whitespace().nth(7))
            .collect();
        assert!(undefined.len() > 20, "{said}");
        // The tables of 32-bit ARM are found by a function that no other processor has.
        let is_its_own = |name: &&&str| abi == "armeabi-v7a" && **name == "dl_unwind_find_exidx";
        let lacking: Vec<_> = undefined.difference(&has).filter(|name| !is_its_own(name)).collect();
        assert!(lacking.is_empty(), "{abi}: {lacking:?}");
        // What sends after the next start is decided by the lock of a file.
        assert!(undefined.contains("flock"), "{abi}: {undefined:?}");
        let needed: Vec<_> = said.lines().filter(|line| line.contains("(NEEDED)")).collect();
        assert!(
            needed.iter().all(|line| line.contains("[libc.so]") || line.contains("[libdl.so]")),
            "{needed:?}"
        );
        assert!(said.contains("Library soname: [liberror_sentinel.so]"), "{said}");
    }
}

#[test]
fn the_libraries_fit_pages_of_16_kilobytes() {
    for abi in ABIS {
        let said = asked_of_the_system(abi);
        let segments: Vec<_> = said.lines().filter(|line| line.trim_start().starts_with("LOAD ")).collect();
        assert!(!segments.is_empty(), "{said}");
        assert!(segments.iter().all(|line| line.trim_end().ends_with(" 0x4000")), "{segments:#?}");
    }
}

#[test]
fn the_archive_has_what_gradle_wants() {
    let mut jar = Command::new("jar");
    jar.arg("--list").arg("--file").arg(android_folder().join("error-sentinel.aar"));
    let listed = finish(&mut jar, RUN).success().stdout;
    let names: BTreeSet<_> = listed.lines().collect();
    for name in ["AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt"] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    for abi in ABIS {
        let name = format!("jni/{abi}/liberror_sentinel.so");
        assert!(names.contains(name.as_str()), "{name} is not in {names:?}");
    }
}

#[test]
fn what_the_readme_shows_is_compiled() {
    for class in ["ShopApp", "ReadmeKt"] {
        let file = android_folder().join("harness/readme").join(class).with_extension("class");
        assert!(file.is_file(), "{}", file.display());
    }
}

#[test]
fn what_the_readme_says_of_the_library_is_so() {
    let read = |path: &str| {
        let path = repository().join("sdk-ffi/android").join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let readme = read("README.md");
    let kotlin = |name: &str| read(&format!("src/main/kotlin/io/github/errorsentinel/{name}.kt"));
    for (said, text, is_so) in [
        (
            "Android 6.0 (API 23) or newer",
            read("src/main/AndroidManifest.xml"),
            "android:minSdkVersion=\"23\"",
        ),
        ("Android 6.0 (API 23) or newer", read("build.gradle.kts"), "minSdk = 23"),
        ("Permission: `INTERNET`", read("src/main/AndroidManifest.xml"), "android.permission.INTERNET"),
        ("does nothing for 5 s", kotlin("Options"), "freezeTimeoutMs: Long = 5_000"),
        ("the last 50 steps", kotlin("Options"), "maxBreadcrumbs: Int = 50"),
        (
            "Options().apply { reportsNativeCrashes = true }",
            kotlin("Options"),
            "reportsNativeCrashes: Boolean = false",
        ),
        ("1, 3, 7… 63 s", kotlin("Uploader"), "FIRST_WAIT_MS = 1_000"),
        ("ErrorSentinel.init(this, ", kotlin("ErrorSentinel"), "fun init(context: Context, dsn: String"),
        ("ErrorSentinel.sendAlert(exception)", kotlin("ErrorSentinel"), "throwable: Throwable,"),
    ] {
        let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(readme.contains(said), "{said}");
        assert!(text.contains(is_so), "{said}: {is_so}");
    }
}
