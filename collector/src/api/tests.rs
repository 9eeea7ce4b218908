//! The API over a real store.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use error_sentinel_wire::{EventId, Level, ProjectId, PublicKey, UnixMs};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::store;
use crate::store::digests::{Changes, IssueChange, Lookup, NewEvent, NewIssue, Target};
use crate::store::event::{GroupKey, Grouping};
use crate::store::payload::Payload;
use crate::store::sqlite::SqliteStore;

/// 2027-01-15T08:00:00Z.
const START: UnixMs = UnixMs(1_800_000_000_000);

struct World {
    _folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
    feed: Feed,
    token: String,
    router: Router,
}

struct Reply {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap());
        for name in ["default", "shop"] {
            use crate::store::Projects;
            store.create_project(name, PublicKey(name.len() as u128), START).unwrap();
        }
        let (feed, token) = (Feed::default(), crate::secret::new(crate::secret::TOKEN_PREFIX).unwrap());
        store::Accounts::add_token(&*store, "test", &crate::secret::hash(&token), START).unwrap();
        let router = router(Api { store: store.clone(), feed: feed.clone() });
        World { _folder: folder, store, feed, token, router }
    }

    /// An issue with so many events, each a second after the other.
    fn issue(&self, project: u32, title: &str, event_count: u64) {
        use crate::store::Digests;
        let number = u64::from(project) * 1_000_000 + title.bytes().map(u64::from).sum::<u64>() * 1000;
        let event = |index: u64| {
            let event_id = EventId(u128::from(number + index));
            let json = json!({"event_id": event_id.to_string(), "message": title, "issue_id": "forged", "z": 1, "a": 2});
            NewEvent {
                event_id,
                received_at: START.plus_ms(i64::try_from(index).unwrap() * 1000),
                timestamp: Some(START),
                skew_ms: None,
                occurrence_count: 2,
                level: Level::Error,
                release: Some("1.4.2".into()),
                environment: None,
                app: Some("till".into()),
                users: vec!["ada".into()],
                tags: Vec::new(),
                trace_id: None,
                richness: 1,
                payload: Payload::compress(json.to_string().as_bytes()),
                grouping: Grouping {
                    version: 1,
                    keys: vec![GroupKey { kind: "message".into(), text: title.into(), hash: [0xab; 16] }],
                },
            }
        };
        let new = NewIssue {
            project_id: ProjectId(project),
            title: title.into(),
            kind: "TypeError".into(),
            value: title.into(),
            culprit: "main".into(),
            platform: "rust".into(),
            fingerprint: title.into(),
        };
        let change = IssueChange {
            target: Target::New(new),
            groups: Vec::new(),
            level: Level::Error,
            status: None,
            events: (0..event_count).map(event).collect(),
            alarm: None,
        };
        let mut changes = Some(Changes { issues: vec![change], ..Changes::default() });
        self.store.record(&Lookup::default(), &mut |_| changes.take().unwrap()).unwrap();
    }

    async fn ask(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&bytes));
        });
        Reply { status: parts.status, headers: parts.headers, body }
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.token))
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    async fn found(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.body);
        reply.body
    }

    async fn post(&self, path: &str, body: &str) -> Reply {
        let request = self.request("POST", path).header("content-type", "application/json");
        self.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

#[tokio::test]
async fn an_issue_has_the_names_that_scripts_rely_on() {
    let world = World::new();
    world.issue(1, "oops", 3);
    let list = world.found("/api/v1/issues").await;
    let expected = json!({
        "id": 1, "project_id": 1, "title": "oops", "type": "TypeError", "value": "oops", "culprit": "main",
        "level": "error", "status": "unresolved", "regressed": false, "ignored_until": null,
        "count": 6, "users": 1,
        "first_seen": "2027-01-15T08:00:00.000Z", "last_seen": "2027-01-15T08:00:02.000Z",
        "first_release": "1.4.2", "last_release": "1.4.2", "fingerprint": "oops", "platform": "rust",
    });
    assert_eq!(list, json!({"issues": [expected], "next_cursor": null}));
    assert_eq!(world.found("/api/v1/issues/1").await, expected);
}

#[tokio::test]
async fn issues_are_filtered_and_paged() {
    let world = World::new();
    for (project, title) in [(1, "apple"), (1, "banana"), (2, "cherry")] {
        world.issue(project, title, 1);
    }
    let titles = async |path: &str| -> Vec<String> {
        let list = world.found(path).await;
        let title = |issue: &Value| issue["title"].as_str().unwrap().to_owned();
        let mut titles: Vec<String> = list["issues"].as_array().unwrap().iter().map(title).collect();
        titles.sort();
        titles
    };
    assert_eq!(titles("/api/v1/issues?project=2").await, ["cherry"]);
    assert_eq!(titles("/api/v1/issues?query=banan").await, ["banana"]);
    assert_eq!(titles("/api/v1/issues?status=resolved").await, [""; 0]);
    assert_eq!(titles("/api/v1/issues?status=&query=&cursor=").await.len(), 3, "empty is not given");

    let first = world.found("/api/v1/issues?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.found(&format!("/api/v1/issues?limit=2&cursor={cursor}")).await;
    assert_eq!(
        (first["issues"].as_array().unwrap().len(), second["issues"].as_array().unwrap().len()),
        (2, 1)
    );
    assert_eq!(second["next_cursor"], Value::Null);
}

#[tokio::test]
async fn events_are_listed_newest_first_and_shown_as_received() {
    let world = World::new();
    world.issue(1, "oops", 3);
    let page = world.found("/api/v1/issues/1/events?limit=2").await;
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["received_at"], "2027-01-15T08:00:02.000Z");
    assert_eq!(events[0]["count"], 2);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = world.found(&format!("/api/v1/issues/1/events?limit=2&cursor={cursor}")).await;
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);

    let id = rest["events"][0]["event_id"].as_str().unwrap();
    let dashed = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    for id in [id, &dashed] {
        let event = world.found(&format!("/api/v1/events/{id}")).await;
        let grouping = json!({
            "version": 1,
            "keys": [{"kind": "message", "text": "oops", "hash": "abababababababababababababababab"}],
        });
        let expected = json!({
            "event_id": rest["events"][0]["event_id"], "message": "oops", "z": 1, "a": 2,
            "issue_id": 1, "project_id": 1, "received_at": "2027-01-15T08:00:00.000Z", "grouping": grouping,
        });
        assert_eq!(event, expected);
    }
}

#[tokio::test]
async fn a_status_is_changed_and_open_pages_hear_of_it() {
    let world = World::new();
    world.issue(2, "oops", 1);
    let mut changes = world.feed.subscribe();
    let reply = world.post("/api/v1/issues/1/status", r#"{"status": "resolved"}"#).await;
    assert_eq!((reply.status, &reply.body["status"]), (StatusCode::OK, &json!("resolved")));
    assert_eq!(world.found("/api/v1/issues/1").await["status"], "resolved");
    assert_eq!(changes.try_recv().unwrap().project_id, ProjectId(2));

    let until = r#"{"status": "ignored", "ignored_until": "2999-01-01T00:00:00Z"}"#;
    let reply = world.post("/api/v1/issues/1/status", until).await;
    assert_eq!(reply.body["ignored_until"], "2999-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn a_wrong_question_is_answered_with_what_would_be_right() {
    let world = World::new();
    world.issue(1, "oops", 1);
    for (path, status, detail) in [
        (
            "/api/v1/issues?stauts=resolved",
            400,
            "unknown field `stauts`, expected one of `project`, `status`",
        ),
        (
            "/api/v1/issues?status=open",
            400,
            "\"open\" is no status; it is one of unresolved, resolved, ignored",
        ),
        ("/api/v1/issues?project=shop", 400, "project is a number, not \"shop\""),
        ("/api/v1/issues?limit=0", 400, "limit is a number from 1 to 500"),
        ("/api/v1/issues?limit=501", 400, "limit is a number from 1 to 500"),
        ("/api/v1/issues?limit=many", 400, "limit is a number, not \"many\""),
        ("/api/v1/issues?cursor=nonsense", 400, "cursor"),
        ("/api/v1/issues/1/events?cursor=nonsense", 400, "cursor"),
        ("/api/v1/issues/1/events?project=1", 400, "unknown field `project`"),
        ("/api/v1/issues/2", 404, "there is no issue 2"),
        ("/api/v1/issues/2/events", 404, "there is no issue 2"),
        ("/api/v1/issues/oops", 404, "there is no issue oops"),
        ("/api/v1/events/0123456789abcdef0123456789abcdef", 404, "there is no event 0123456789abcdef"),
        ("/api/v1/events/oops", 404, "there is no event oops"),
        ("/api/v1/projects", 404, "there is nothing at this path"),
        ("/api/v1/issues/1/status", 405, "this path knows another method"),
    ] {
        let reply = world.get(path).await;
        let got = reply.body["detail"].as_str().unwrap_or_default();
        assert_eq!(reply.status.as_u16(), status, "{path}: {got}");
        assert!(got.contains(detail), "{path}: {got}");
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{path}");
        assert_eq!(reply.body["status"], status, "{path}");
    }
    for (body, detail) in [
        (r#"{"status": "closed"}"#, "\"closed\" is no status"),
        (r#"{"state": "resolved"}"#, "unknown field `state`"),
        ("resolved", "JSON"),
        (r#"{"status": "resolved", "ignored_until": "2999-01-01"}"#, "goes with the status ignored only"),
        (r#"{"status": "ignored", "ignored_until": "1999-01-01"}"#, "a time to come"),
    ] {
        let reply = world.post("/api/v1/issues/1/status", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        let got = reply.body["detail"].as_str().unwrap();
        assert!(got.contains(detail), "{body}: {got}");
    }
    let missing = world.post("/api/v1/issues/9/status", r#"{"status": "resolved"}"#).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_is_shown_without_a_token() {
    let world = World::new();
    world.issue(1, "oops", 1);
    let bearer = |token: &str| format!("Bearer {token}");
    for authorization in
        [None, Some(bearer("est_wrong")), Some(format!("Basic {}", world.token)), Some(bearer(""))]
    {
        for path in ["/api/v1/issues", "/api/v1/issues/1", "/api/v1/nothing"] {
            let mut request = Request::builder().uri(path);
            if let Some(authorization) = &authorization {
                request = request.header("authorization", authorization);
            }
            let reply = world.ask(request.body(Body::empty()).unwrap()).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path} {authorization:?}");
            assert!(reply.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
            assert!(!reply.body.to_string().contains("oops"));
        }
    }
}

#[tokio::test]
async fn answers_are_not_kept_by_anyone_on_the_way() {
    let world = World::new();
    for path in ["/api/v1/issues", "/api/v1/issues/9"] {
        assert_eq!(world.get(path).await.headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn the_description_knows_every_route_and_every_field() {
    let world = World::new();
    world.issue(1, "oops", 1);
    let document = world.found("/api/openapi.json").await;
    let mut paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "/api/v1/events/{event_id}",
            "/api/v1/issues",
            "/api/v1/issues/{id}",
            "/api/v1/issues/{id}/events",
            "/api/v1/issues/{id}/status",
        ]
    );
    let described = document["components"]["schemas"]["Issue"]["properties"].as_object().unwrap();
    let issue = world.found("/api/v1/issues/1").await;
    let mut names: Vec<_> = issue.as_object().unwrap().keys().collect();
    let mut described: Vec<_> = described.keys().collect();
    names.sort();
    described.sort();
    assert_eq!(names, described);
}
