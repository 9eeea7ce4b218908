//! The dashboard as a person meets it: behind a login, live, and safe.

use std::time::Duration;

use error_sentinel_tests::{Collector, Person, Request, eventually};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn nothing_is_shown_to_whoever_is_not_signed_in() {
    let mut collector = Collector::start();
    collector.log_error(&json!({"message": "a secret of ours"}));
    collector.api().await_issues(1, SOON);
    for path in ["/", "/issues/1", "/live", "/start", "/projects", "/settings"] {
        let reply = collector.send(&Request::get(path));
        assert!(!reply.text().contains("a secret of ours"), "{path}: {}", reply.text());
        assert_ne!(reply.status, 200, "{path}: {}", reply.text());
    }
    assert_eq!(collector.send(&Request::get("/api/v1/issues")).status, 401);
    let wrong = Request::get("/api/v1/issues").header("Authorization", "Bearer nonsense");
    assert_eq!(collector.send(&wrong).status, 401);
}

#[test]
fn the_setup_link_works_once() {
    let collector = Collector::start();
    Person::signed_in(&collector);
    assert_eq!(Person::new(&collector).open(collector.setup_link()).status, 404);
    let guessed = collector.setup_link().to_owned() + "x";
    assert_eq!(Person::new(&collector).open(&guessed).status, 404);
}

#[test]
fn pages_carry_a_strict_policy_and_cookies_are_shut() {
    let collector = Collector::start();
    let mut person = Person::signed_in(&collector);
    let page = person.open("/");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let login = person.open("/login");
    let entered = person.sign_in_once(&login);
    let cookie = entered.header("set-cookie").expect("a session");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
}

#[test]
fn hostile_text_is_only_ever_text() {
    let mut collector = Collector::start();
    let attack = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>";
    collector.log_error(&json!({
        "message": attack, "type": attack, "app": attack, "release": attack, "environment": attack,
        "tags": {"k<script>": attack}, "user": {"id": attack}, "extra": {"x<script>": attack},
        "breadcrumbs": [{"message": attack, "category": attack}],
        "stack": format!("Traceback\n  File \"{}\", line 1, in {attack}\n", attack.replace('"', "")),
    }));
    let issue = collector.api().await_issues(1, SOON).remove(0);
    let mut person = Person::signed_in(&collector);
    for path in ["/".to_owned(), format!("/issues/{}", issue.id())] {
        let html = person.open(&path).text();
        for raw in ["<script>alert", "<img src=x", "<svg/onload"] {
            assert!(!html.contains(raw), "{raw} on {path}:\n{html}");
        }
        assert!(html.contains("alert(1)"), "it is shown as text on {path}:\n{html}");
    }
}

#[test]
fn buttons_change_where_the_team_stands_and_cannot_be_pressed_from_elsewhere() {
    let mut collector = Collector::start();
    collector.log_error(&json!({"message": "press me"}));
    let api = collector.api();
    let issue = api.await_issues(1, SOON).remove(0);
    let mut person = Person::signed_in(&collector);
    let path = format!("/issues/{}", issue.id());
    let page = person.open(&path);
    person.press(&page, "Resolve");
    assert_eq!(api.issue(&issue.id()).text("status"), "resolved");
    let page = person.open(&path);
    person.press(&page, "Ignore");
    assert_eq!(api.issue(&issue.id()).text("status"), "ignored");

    // The same request from another site, with the person's cookies.
    let forged = Request::post(&format!("{path}/status"), "status=unresolved")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Origin", "https://evil.example.com")
        .header("Sec-Fetch-Site", "cross-site");
    let reply = person.send(forged);
    assert!((400..500).contains(&reply.status), "{reply:?}");
    assert_eq!(api.issue(&issue.id()).text("status"), "ignored");
}

#[test]
fn an_open_page_hears_of_a_new_error() {
    let mut collector = Collector::start();
    let person = Person::signed_in(&collector);
    let mut connection = collector.connect();
    let request =
        Request::get("/live").header("Cookie", person.cookies()).header("Accept", "text/event-stream");
    let head = connection.start_stream(&request).unwrap();
    assert!(
        head.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")),
        "{head:?}"
    );
    collector.log_error(&json!({"message": "hear me"}));
    let id = collector.api().await_issues(1, SOON)[0].id();
    let heard = eventually("the stream says so", SOON, || {
        let line = connection.read_line().expect("the stream goes on");
        line.strip_prefix("data:").map(str::to_owned)
    });
    assert!(heard.contains(&id), "{heard}");
}

#[test]
fn signing_in_with_a_wrong_password_fails_and_repeated_tries_are_held_back() {
    let collector = Collector::start();
    Person::signed_in(&collector);
    let mut stranger = Person::new(&collector);
    let mut held_back = false;
    for _ in 0..12 {
        let login = stranger.open("/login");
        let reply =
            stranger.submit(&login, &[("email", "ada@example.com"), ("password", "a wrong guess of it")]);
        held_back |= reply.status == 429;
        assert_ne!(reply.status, 500, "{}", reply.text());
        let home = stranger.send(Request::get("/"));
        assert_ne!(home.status, 200, "a wrong password let someone in");
    }
    assert!(held_back, "twelve wrong passwords in a row were all tried");
}

#[test]
fn the_health_of_the_collector_can_be_watched() {
    let mut collector = Collector::start();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(collector.send(&Request::get(path)).status, 200, "{path}");
    }
    collector.log_error(&json!({"message": "count me"}));
    collector.api().await_total(1, SOON);
    let metrics = collector.send(&Request::get("/metrics"));
    assert_eq!(metrics.status, 200);
    assert!(metrics.text().contains("error_sentinel_"), "{}", metrics.text());
}
