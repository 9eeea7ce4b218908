//! From an empty folder to the first alarm, with nothing but what the start printed.

use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{Collector, Person, Request, finish, interpreter};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn the_printed_curl_line_raises_the_first_alarm() {
    if interpreter("curl", "--version").is_none() {
        return;
    }
    let mut collector = Collector::start();
    let line = collector.printed().lines().find(|line| line.trim_start().starts_with("curl "));
    let line = line.expect("the first start prints a curl line").to_owned();
    let answer = finish(Command::new("sh").args(["-c", &line]), SOON).success();
    assert!(answer.stdout.contains("\"id\""), "{answer:?}");
    let issues = collector.api().await_issues(1, SOON);
    assert!(issues[0].text("title").contains("The disk is on fire"), "{issues:?}");
    assert_eq!(issues[0].text("level"), "fatal");
    assert_eq!(issues[0].count(), 1);
}

#[test]
fn a_first_start_shows_the_way_in_and_later_ones_are_short() {
    let mut collector = Collector::start();
    let dsn = collector.dsn().to_string();
    assert_eq!(collector.run(&["dsn"]).success().stdout.trim(), dsn);
    for part in ["curl ", "error_sentinel::init", "send_alert", "Sentry SDK"] {
        assert!(collector.printed().contains(part), "{part}: {}", collector.printed());
    }
    Person::signed_in(&collector);
    collector.terminate(Duration::from_secs(10));
    collector.start_again();
    assert!(!collector.printed().contains("Set up"), "{}", collector.printed());
    assert!(!collector.printed().contains("curl "), "{}", collector.printed());
    assert_eq!(collector.dsn().public_key.to_string(), dsn[7..39]);
}

#[test]
fn a_collector_that_was_stopped_leaves_one_file_of_its_store_and_nothing_in_the_queue() {
    let mut collector = Collector::start();
    collector.log_error(&json!({"message": "the last one"}));
    collector.terminate(Duration::from_secs(10));
    let log = std::fs::metadata(collector.data_dir().join("store.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    collector.start_again();
    assert_eq!(collector.api().await_issues(1, SOON)[0].text("title"), "the last one");
}

#[test]
fn log_error_takes_every_field_and_every_way_of_giving_the_key() {
    let mut collector = Collector::start();
    let key = collector.key();
    let body = json!({
        "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
        "message": "card refused",
        "type": "PaymentError",
        "level": "warning",
        "stack": "Traceback (most recent call last):\n  File \"/srv/shop/pay.py\", line 12, in charge\n    x()\n",
        "app": "shop",
        "release": "shop@2.1.0",
        "environment": "staging",
        "user": {"id": "42", "email": "ada@example.com"},
        "tags": {"region": "eu-1"},
        "extra": {"attempt": 3},
        "breadcrumbs": [{"message": "basket opened", "category": "ui"}],
        "trace_id": "4c79f60c11214eb38604f4ae0781bfb2",
    });
    let reply = collector.send(
        &Request::post("/log-error", body.to_string()).header("Authorization", format!("Bearer {key}")),
    );
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(reply.json()["id"], "fc6d8c0c43fc4630ad850ee518f1b9d0");
    let by_query = format!("/log-error?key={key}");
    assert_eq!(collector.send(&Request::post(&by_query, r#"{"message":"by query"}"#)).status, 202);
    collector.log_error(&json!({"message": "by header"}));

    let api = collector.api();
    let issues = api.await_issues(3, SOON);
    let issue =
        issues.iter().find(|issue| issue.text("title").contains("PaymentError")).expect("it is there");
    assert_eq!(issue.text("level"), "warning");
    assert_eq!(issue.text("first_release"), "shop@2.1.0");
    let event = api.event("fc6d8c0c43fc4630ad850ee518f1b9d0", SOON).to_string();
    for part in
        ["card refused", "shop@2.1.0", "staging", "eu-1", "basket opened", "charge", "4c79f60c11214eb3"]
    {
        assert!(event.contains(part), "{part} is not in {event}");
    }
}

#[test]
fn an_event_that_comes_twice_counts_once() {
    let mut collector = Collector::start();
    let body = json!({"event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0", "message": "once"});
    for _ in 0..3 {
        assert_eq!(collector.log_error(&body), "fc6d8c0c43fc4630ad850ee518f1b9d0");
    }
    // Sent last, so it is digested last.
    collector.log_error(&json!({"message": "another"}));
    let issues = collector.api().await_issues(2, SOON);
    assert!(issues.iter().all(|issue| issue.count() == 1), "{issues:?}");
}
