//! The recipes for proxies, tried: TLS in front, and a path prefix that the proxy does not take off.

use std::time::Duration;

use error_sentinel_tests::{Proxied, Python, finish, node_script};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);

#[track_caller]
fn assert_serves_people_pages_and_applications(mut proxied: Proxied) {
    let url = proxied.url();
    let dsn = proxied.collector.dsn().to_string();
    let mut visit = node_script("behind_proxy.mjs");
    visit.args([&url, &dsn, proxied.collector.setup_link()]).arg(proxied.certificate.authority_path());
    let printed = finish(&mut visit, RUN).success().stdout;
    let seen: Value = serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}"));

    assert_eq!(seen["reported"], 202, "{seen}");
    assert_eq!(seen["large"], 200, "{seen}");
    assert_eq!(seen["flushed"], true, "{seen}");
    assert_eq!(seen["cookies"], json!([{"path": "/errors/", "secure": true, "httpOnly": true}]), "{seen}");
    assert_eq!(seen["live"], true, "a change is told while it is new: {seen}");
    for page in ["issue", "resolved"] {
        let page = seen[page].as_str().unwrap_or_default();
        assert!(page.starts_with(&format!("{url}/issues/")), "{page}: {seen}");
    }

    let mut python = Python::find().script("sentry_app.py");
    python.env("SSL_CERT_FILE", proxied.certificate.authority_path());
    let said = finish(python.args([&dsn, "first"]), RUN).success().stdout;
    let python_event = said.split(' ').next().unwrap_or_default().to_owned();

    let api = proxied.collector.api();
    api.event(&python_event, SOON);
    let issues = api.await_issues(4, SOON);
    let titled = |title: &str| {
        let issue = issues.iter().find(|issue| issue.text("title").contains(title));
        issue.unwrap_or_else(|| panic!("no issue {title:?} in {issues:?}"))
    };
    titled("a large request");
    titled("the page is on fire");
    let fire = titled("the disk is on fire");
    assert_eq!(fire.text("status"), "resolved");
    // The sender's own address, which only the proxy has seen.
    let first = api.event_ids(&fire.id()).pop().expect("an event");
    assert_eq!(api.event(&first, SOON)["user"]["ip_address"], "127.0.0.2");
}

#[test]
fn behind_nginx_people_pages_and_applications_reach_it_as_they_would_without() {
    assert_serves_people_pages_and_applications(Proxied::by_nginx());
}

#[test]
fn behind_caddy_people_pages_and_applications_reach_it_as_they_would_without() {
    assert_serves_people_pages_and_applications(Proxied::by_caddy());
}
