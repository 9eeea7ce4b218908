//! The React Native package on Android: its module in Kotlin over the Android library, on a real Java virtual machine, as
//! React Native's own classes find it, call it, and throw JavaScript's errors on.

use std::time::Duration;

use error_sentinel_tests::{AndroidHarness, Api, Collector, kept_events, react_native_folder, repository};
use serde_json::{Value, json};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);
/// Nobody listens there.
const NOWHERE: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
/// How a program ends by an exception.
const DIED: i32 = 10;

/// An application's own folder, and the way to name it.
fn app_folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display().to_string();
    (folder, path)
}

/// The event of the harness, as it was received.
#[track_caller]
fn refused(api: &Api) -> Value {
    api.event("0123456789abcdef0123456789abcdef", SOON)
}

#[test]
fn what_javascript_says_arrives_with_what_android_knows() {
    let mut collector = Collector::start();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    AndroidHarness::prepare().run_react_native(&["everything", &dsn, &path], RUN).success();
    let event = refused(&collector.api());
    let frame = &event["exception"]["values"][0]["stacktrace"]["frames"][0];
    assert_eq!((&frame["filename"], &frame["colno"]), (&json!("index.android.bundle"), &json!(12345)));
    assert_eq!(event["platform"], "javascript");
    assert_eq!(event["sdk"]["name"], "error-sentinel.react-native");
    assert_eq!((&event["release"], &event["environment"]), (&json!("shop@1.4.2"), &json!("staging")));
    assert_eq!((&event["app"], &event["user"]["id"]), (&json!("Shop"), &json!("4711")));
    assert_eq!(event["contexts"]["os"]["name"], "Android");
    assert!(event["contexts"]["device"]["processor_count"].as_u64().expect("a count") > 0);
    let text = event.to_string();
    for part in ["eu-central", "three apples were added 🔔", "gold"] {
        assert!(text.contains(part), "{part} is not in {event:#}");
    }
}

#[test]
fn an_application_that_started_it_in_kotlin_is_joined() {
    let mut collector = Collector::start();
    let (_folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    AndroidHarness::prepare().run_react_native(&["joined", &dsn, &path], RUN).success();
    let event = refused(&collector.api());
    assert_eq!(event["app"], "Started by Kotlin");
}

/// The program dies by an exception while the collector hangs; then another run of it delivers.
#[track_caller]
fn dies_and_delivers(command: &str, event_count: usize) -> (String, Collector) {
    let mut collector = Collector::start();
    let harness = AndroidHarness::prepare();
    let (folder, path) = app_folder();
    let dsn = collector.dsn().to_string();
    // It answers nobody.
    collector.signal("STOP");
    let died = harness.run_react_native(&[command, &dsn, &path], RUN);
    assert_eq!(died.status.code(), Some(DIED), "the earlier handler ends the process: {died:#?}");
    assert_eq!(kept_events(&folder.path().join("error-sentinel")).len(), event_count, "{died:#?}");
    collector.signal("CONT");
    harness.run_react_native(&["start", &dsn, &path], RUN).success();
    collector.api().await_total(event_count as u64, SOON);
    (died.stdout, collector)
}

#[test]
fn an_error_that_javascript_reported_is_not_reported_again_when_react_native_throws_it_on() {
    let (printed, mut collector) = dies_and_delivers("fatal", 1);
    assert!(
        printed.starts_with("died of JavascriptException: PaymentRefused: 12 euros were refused"),
        "{printed}"
    );
    assert_eq!(refused(&collector.api())["platform"], "javascript");
}

#[test]
fn an_error_that_javascript_could_not_report_is_reported_by_kotlin() {
    let (_, mut collector) = dies_and_delivers("fatal-unreported", 1);
    let issue = collector.api().await_issues(1, SOON).remove(0);
    assert!(issue.text("title").starts_with("JavascriptException: PaymentRefused: 12 euros"), "{issue:?}");
}

#[test]
fn another_exception_after_an_error_of_javascript_is_reported_too() {
    let (_, mut collector) = dies_and_delivers("fatal-of-another", 2);
    let issues = collector.api().await_issues(2, SOON);
    let titles: Vec<_> = issues.iter().map(|issue| issue.text("title").to_owned()).collect();
    assert!(titles.iter().any(|title| title.starts_with("IllegalStateException")), "{titles:?}");
}

#[test]
fn every_mistake_is_an_ordinary_return() {
    let (_folder, path) = app_folder();
    let done = AndroidHarness::prepare().run_react_native(&["misuse", NOWHERE, &path], RUN).success();
    assert!(done.stdout.contains("no mistake hurt"), "{done:#?}");
}

/// The newest version's own list of what it has, since its classes cannot be had here.
#[test]
fn what_the_module_uses_is_in_the_newest_react_native_too() {
    let api =
        repository().join("sdk-ffi/react-native/node_modules/react-native/ReactAndroid/api/ReactAndroid.api");
    let listed = std::fs::read_to_string(api).expect("React Native's npm package has it");
    for part in [
        "class com/facebook/react/BaseReactPackage : com/facebook/react/ReactPackage",
        "fun getModule (Ljava/lang/String;Lcom/facebook/react/bridge/ReactApplicationContext;)Lcom/facebook/react/bridge/NativeModule;",
        "fun getReactModuleInfoProvider ()Lcom/facebook/react/module/model/ReactModuleInfoProvider;",
        "class com/facebook/react/module/model/ReactModuleInfo {",
        "fun <init> (Ljava/lang/String;Ljava/lang/String;ZZZZ)V",
        "class com/facebook/react/common/JavascriptException : java/lang/RuntimeException",
        "class com/facebook/react/bridge/ReactContextBaseJavaModule : com/facebook/react/bridge/BaseJavaModule",
        "fun getReactApplicationContext ()Lcom/facebook/react/bridge/ReactApplicationContext;",
        "interface class com/facebook/react/turbomodule/core/interfaces/TurboModule",
        "fun hasKey (Ljava/lang/String;)Z",
        "fun getType (Ljava/lang/String;)Lcom/facebook/react/bridge/ReadableType;",
        "fun getString (Ljava/lang/String;)Ljava/lang/String;",
        "fun getDouble (Ljava/lang/String;)D",
        "fun resolve (Ljava/lang/Object;)V",
    ] {
        assert!(listed.contains(part), "{part}");
    }
    // What is generated for it names nothing else.
    let spec = react_native_folder()
        .join("codegen/android/java/io/github/errorsentinel/reactnative/NativeErrorSentinelSpec.java");
    let spec = std::fs::read_to_string(spec).expect("generated");
    for import in spec.lines().filter_map(|line| line.strip_prefix("import com.facebook.react.")) {
        let class = format!("com/facebook/react/{}", import.trim_end_matches(';').replace('.', "/"));
        assert!(listed.contains(&class), "{class}");
    }
}
