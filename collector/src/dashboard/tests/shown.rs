//! What the pages show.

use axum::body::Body;
use axum::http::{Request, header};
use error_sentinel_wire::{Level, ProjectId, TraceId};
use serde_json::{Value, json};

use super::markup::tags;
use super::world::{World, event};
use crate::clock;
use crate::settings::Settings;
use crate::store::digests::{Changes, Lookup, Loss, NewEvent};
use crate::store::{Digests, Issues, Projects, Status};

fn crash() -> Value {
    let frame = |function: &str, own: bool| {
        json!({"function": function, "filename": format!("{function}.py"), "lineno": 12, "in_app": own,
               "context_line": "    charge(card)", "vars": {"card": "[Filtered]"}})
    };
    json!({
        "exception": {"values": [
            {"type": "ConnectionError", "value": "refused", "stacktrace": {"frames": [frame("connect", false)]}},
            {"type": "PaymentFailed", "value": "no answer",
             "mechanism": {"type": "excepthook", "handled": false},
             "stacktrace": {"frames": [frame("main", true), frame("lib_a", false), frame("lib_b", false), frame("pay", true)]}},
        ]},
        "breadcrumbs": {"values": [{"category": "ui.click", "message": "Buy"}]},
        "contexts": {"os": {"name": "Android", "version": "15"}},
    })
}

/// The places of these texts, in the order in which they must stand.
#[track_caller]
fn assert_in_order(page: &str, texts: &[&str]) {
    let mut from = 0;
    for text in texts {
        let found = page[from..].find(text);
        from += found.unwrap_or_else(|| panic!("{text} does not follow in\n{page}")) + text.len();
    }
}

#[tokio::test]
async fn an_issue_tells_what_happened_from_the_crash_back() {
    let world = World::new();
    let id = world.issue("PaymentFailed", &[crash()]);
    let page = world.person().get(&format!("/issues/{id}")).await.assert_ok().text;
    assert_in_order(
        &page,
        &[
            "PaymentFailed",
            "Resolve",
            "Ignore",
            "unhandled",
            "pay.py:12",
            "charge(card)",
            "[Filtered]",
            "2 library frames",
            "lib_b",
            "lib_a",
            "main",
            "caused by",
            "ConnectionError",
            "connect.py:12",
            "What happened before",
            "ui.click",
            "Buy",
            "Context: os",
            "Android",
            "Why these events are together",
        ],
    );
}

#[tokio::test]
async fn events_are_walked_through_and_listed() {
    let world = World::new();
    let payloads: Vec<Value> = (0..205).map(|n| json!({"message": format!("number {n}")})).collect();
    let id = world.issue("many", &payloads);
    let person = world.person();
    let path = |n: usize| format!("/issues/{id}/events/{n:032x}");
    let page = person.get(&path(100)).await.assert_ok().text;
    assert!(page.contains("number 99"));
    for n in [1, 99, 101, 205] {
        assert!(page.contains(&format!("href=\"{}\"", path(n))), "{n}");
    }
    let newest = person.get(&format!("/issues/{id}")).await.text;
    assert!(newest.contains("number 204") && !newest.contains("rel=\"next\""));
    assert_eq!(
        person.get("/issues/2/events/00000000000000000000000000000001").await.status,
        404,
        "of another"
    );

    let mut next = Some(format!("/issues/{id}/events"));
    let mut listed = Vec::new();
    while let Some(path) = next {
        let page = person.get(&path).await.assert_ok().text;
        let links: Vec<_> = tags(&page).into_iter().filter(|tag| tag.name == "a").collect();
        let events = format!("/issues/{id}/events/");
        let found = links.iter().filter_map(|tag| tag.attribute("href")?.strip_prefix(&events));
        listed.extend(found.map(str::to_owned));
        let older = links.iter().find(|tag| tag.attribute("rel") == Some("next"));
        next = older.and_then(|tag| tag.attribute("href")).map(str::to_owned);
    }
    let all: Vec<String> = (1..=205u128).rev().map(|n| format!("{n:032x}")).collect();
    assert_eq!(listed, all);
    let raw = person.get(&format!("/events/{:032x}.json", 7)).await.assert_ok();
    assert_eq!(raw.header("content-type"), Some("application/json"));
    assert_eq!(serde_json::from_str::<Value>(&raw.text).unwrap(), payloads[6]);
}

#[tokio::test]
async fn an_event_whose_details_are_gone_still_has_a_page() {
    let world = World::new();
    let payloads: Vec<Value> = (0..60).map(|_| json!({"message": "x"})).collect();
    let id = world.issue("many", &payloads);
    let done = world.store.maintain(clock::now(), 1).unwrap();
    assert!(done.evicted_count > 0, "{done:?}");
    let person = world.person();
    let list = person.get(&format!("/issues/{id}/events")).await.assert_ok().text;
    let kept = world.store.issue(id).unwrap().unwrap().stored_count as usize;
    assert_eq!(list.matches("details removed").count(), 60 - kept);
    let mut gone = 0;
    for number in 1..=60 {
        let page = person.get(&format!("/issues/{id}/events/{number:032x}")).await.assert_ok().text;
        if page.contains("The details of this event were removed") {
            gone += 1;
            assert_eq!(person.get(&format!("/events/{number:032x}.json")).await.status, 404);
        }
    }
    assert_eq!(gone, 60 - kept);
}

#[tokio::test]
async fn events_of_the_same_request_are_linked_across_projects() {
    let world = World::new();
    let of_trace =
        |number| NewEvent { trace_id: Some(TraceId(9)), ..event(number, &json!({"message": "x"})) };
    let shop = world.record("ShopError", vec![of_trace(1)]);
    // One line an issue, however often it failed, and none for the issue itself.
    let till = world.record("TillError", vec![of_trace(2), of_trace(3)]);
    world.store_more(shop, of_trace(4));
    let page = world.person().get(&format!("/issues/{shop}")).await.assert_ok().text;
    assert_in_order(
        &page,
        &["Same request elsewhere", &format!("/issues/{till}/events/"), "TillError: it failed"],
    );
    assert_eq!(page.matches("TillError: it failed").count(), 1);
}

#[tokio::test]
async fn what_applications_had_to_drop_is_told_in_words() {
    let world = World::new();
    let loss = |reason: &str, quantity| Loss {
        project_id: ProjectId(1),
        at: clock::now(),
        reason: reason.into(),
        category: "error".into(),
        quantity,
    };
    let losses = vec![loss("queue_overflow", 1234), loss("ratelimit_backoff", 1), loss("own_reason", 2)];
    let mut changes = Some(Changes { losses, ..Changes::default() });
    world.store.record(&Lookup::default(), &mut |_| changes.take().unwrap()).unwrap();
    let page = world.person().get("/projects").await.assert_ok().text;
    assert_in_order(
        &page,
        &[
            "<b>1,234</b> errors: more came at once than its queue holds",
            "<b>2</b> errors: own reason",
            "<b>1</b> error: the collector had asked it to pause",
        ],
    );
}

#[tokio::test]
async fn the_list_is_filtered_by_its_address_and_paged() {
    let world = World::new();
    for number in 0..120 {
        world.issue(&format!("E{number}"), &[json!({"message": "x"})]);
    }
    world.store.set_status(crate::store::IssueId(1), Status::Resolved, None, clock::now(), 0).unwrap();
    let person = world.person();
    let issues_of = |page: &str| -> Vec<String> {
        tags(page).iter().filter_map(|tag| tag.attribute("data-issue").map(str::to_owned)).collect()
    };
    let mut next = Some("/?query=failed&project=1".to_owned());
    let mut seen = Vec::new();
    let mut page_count = 0;
    while let Some(path) = next {
        let page = person.get(&path).await.assert_ok().text;
        seen.extend(issues_of(&page));
        page_count += 1;
        let links = tags(&page);
        let older = links.iter().find(|tag| tag.attribute("rel") == Some("next"));
        next = older.and_then(|tag| tag.attribute("href")).map(str::to_owned);
        assert_eq!(page.contains(">Newest</a>"), page_count > 1);
        if page_count > 1 {
            assert!(page.contains("href=\"/?project=1&#38;query=failed\">Newest"), "filters stay: {page}");
        }
    }
    let expected: Vec<String> = (2..=120).rev().map(|n: u32| n.to_string()).collect();
    assert_eq!((page_count, seen), (3, expected));
    assert_eq!(issues_of(&person.get("/?status=resolved").await.text), ["1"]);
    assert_eq!(issues_of(&person.get("/?status=all&query=E0").await.text), ["1"]);
    assert_eq!(issues_of(&person.get("/?query=E0").await.text).len(), 0);
    let unresolved = person.get("/?status=unresolved").await.text;
    assert!(unresolved.contains("<a href=\"/\" aria-current=\"page\">Unresolved"), "{unresolved}");
}

#[tokio::test]
async fn a_row_says_what_matters_about_an_issue() {
    let world = World::new();
    let fatal = NewEvent {
        level: Level::Fatal,
        occurrence_count: 1234,
        release: Some("shop@1.4.2".into()),
        users: vec!["ada".into(), "bob".into()],
        ..event(1, &json!({"message": "x"}))
    };
    world.record("PumpError", vec![fatal]);
    let page = world.person().get("/").await.assert_ok().text;
    assert_in_order(
        &page,
        &[
            "fatal",
            "PumpError",
            "it failed",
            "new",
            "app.checkout",
            "project 1",
            "shop@1.4.2",
            "1234 in",
            "1,234",
            "2",
            "s ago",
        ],
    );
}

#[tokio::test]
async fn before_the_first_error_the_list_shows_how_to_raise_one() {
    let world = World::new();
    let person = world.person();
    let page = person.get("/").await.assert_ok().text;
    assert!(page.contains("curl http://127.0.0.1:8911/log-error") && page.contains("data-empty"), "{page}");
    let start = person.get("/start").await.assert_ok().text;
    for line in [
        "http://00000000000000000000000000000001@127.0.0.1:8911/1",
        "error_sentinel::init",
        "sentry_sdk.init",
    ] {
        assert!(start.contains(line), "{line}");
    }
    world.issue("first", &[json!({"message": "x"})]);
    assert!(!person.get("/").await.text.contains("curl "));
    assert!(person.get("/?query=nothing").await.text.contains("Nothing here"));
}

#[tokio::test]
async fn behind_a_prefix_every_link_stays_below_it() {
    let world = World::at("https://host.example/tools/sentinel", Settings::default());
    let id = world.issue("issue", &[crash()]);
    world.store.create_project("second", error_sentinel_wire::PublicKey(2), clock::now()).unwrap();
    let (person, stranger) = (world.person(), world.stranger());
    let issue = format!("/issues/{id}");
    let events = format!("/issues/{id}/events");
    let mut pages = vec![stranger.get("/login").await, stranger.get("/nowhere").await];
    for path in ["/", "/?status=resolved", "/start", "/projects", "/settings", &issue, &events] {
        pages.push(person.get(path).await.assert_ok());
    }
    for page in pages {
        let mut link_count = 0;
        for tag in tags(&page.text) {
            for target in ["href", "src", "action"].into_iter().filter_map(|name| tag.attribute(name)) {
                link_count += 1;
                assert!(target.starts_with("/tools/sentinel/") || target == "#main", "{tag:?}");
            }
        }
        assert!(link_count >= 3, "{}", page.text);
    }
    for (path, fields) in
        [("/projects", ("name", "third")), (&*format!("{issue}/status"), ("status", "resolved"))]
    {
        let answer = person.post(path, &[fields]).await;
        assert!(answer.location().starts_with("/tools/sentinel/"), "{path}: {}", answer.location());
    }
}

#[tokio::test]
async fn the_heaviest_everyday_pages_stay_light() {
    let world = World::new();
    for number in 0..60 {
        world.issue(&format!("SomeRatherLongNameOfAnError{number}"), &[crash()]);
    }
    let person = world.person();
    let zipped = async |path: &str| {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, "gzip, deflate, br");
        let answer = person.send(request.body(Body::empty()).unwrap()).await.assert_ok();
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{path}");
        answer.header("content-length").map_or(answer.text.len(), |length| length.parse().unwrap())
    };
    let version = crate::dashboard::assets::version();
    let fixed = zipped(&format!("/static/sentinel.css?v={version}")).await
        + zipped(&format!("/static/sentinel.js?v={version}")).await;
    for path in ["/", "/issues/1"] {
        let bytes = fixed + zipped(path).await;
        println!("{path}: {bytes} bytes with style and script");
        assert!(bytes < 60_000, "{path}: {bytes}");
    }
}

#[tokio::test]
async fn files_are_kept_by_version_only() {
    let world = World::new();
    let stranger = world.stranger();
    let version = crate::dashboard::assets::version();
    let page = stranger.get("/login").await.text;
    let path = format!("/static/sentinel.css?v={version}");
    assert!(page.contains(&path), "{page}");
    let kept = stranger.get(&path).await.assert_ok();
    assert_eq!(kept.header("cache-control"), Some("public, max-age=31536000, immutable"));
    for other in ["/static/sentinel.css", "/static/sentinel.css?v=0"] {
        assert_eq!(stranger.get(other).await.header("cache-control"), Some("public, max-age=300"));
    }
    for none in ["/static/nothing.css", "/static/..%2ftests.rs", "/static/../mod.rs"] {
        assert_eq!(stranger.get(none).await.status, 404, "{none}");
    }
}
