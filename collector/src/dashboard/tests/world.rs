//! A dashboard over a store of its own, and people who look at it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use error_sentinel_wire::{EventId, ProjectId};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::dashboard::session::percent_encoded;
use crate::dashboard::{Deps, password, router};
use crate::feed::Feed;
use crate::settings::Settings;
use crate::store::digests::{IssueChange, NewAlarm, NewEvent};
use crate::store::issue::IssueQuery;
use crate::store::outbox::AlarmKind;
use crate::store::payload::Payload;
use crate::store::sqlite::SqliteStore;
use crate::store::{Accounts, IssueId, Issues, conformance};
use crate::{clock, secret};

pub const EMAIL: &str = "ada@example.com";
pub const PASSWORD: &str = "a long sentence to remember";

/// A dashboard with one project.
pub struct World {
    _folder: tempfile::TempDir,
    pub store: Arc<SqliteStore>,
    pub feed: Feed,
    pub public_url: String,
    router: Router,
}

/// Someone with a browser.
pub struct Person {
    pub router: Router,
    pub cookie: Option<String>,
    pub peer: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl World {
    pub fn new() -> World {
        World::at("http://127.0.0.1:8911", Settings::default())
    }

    pub fn at(public_url: &str, settings: Settings) -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap());
        conformance::project(&*store, 1);
        let feed = Feed::default();
        let router = router(Deps {
            store: store.clone(),
            feed: feed.clone(),
            settings: Arc::new(settings),
            public_url: public_url.into(),
        });
        World { _folder: folder, store, feed, public_url: public_url.to_owned(), router }
    }

    pub fn stranger(&self) -> Person {
        Person { router: self.router.clone(), cookie: None, peer: ([203, 0, 113, 1], 4711).into() }
    }

    /// Someone with a session, as if signed in before; without the cost of a password.
    pub fn person(&self) -> Person {
        let account = match self.store.find_account(EMAIL).unwrap() {
            Some(account) => account,
            None => self.store.set_password(EMAIL, "no hash", clock::now()).unwrap(),
        };
        let value = secret::new("").unwrap();
        let expires_at = clock::now().plus_ms(60_000);
        self.store.add_session(&secret::hash(&value), account.id, expires_at).unwrap();
        Person { cookie: Some(format!("error_sentinel_session={value}")), ..self.stranger() }
    }

    /// An account that can really sign in.
    pub fn add_account(&self) {
        let hash = password::hash(PASSWORD).unwrap();
        self.store.set_password(EMAIL, &hash, clock::now()).unwrap();
    }

    /// An issue with events of these payloads, the newest last; the first one rang.
    pub fn issue(&self, key: &str, payloads: &[Value]) -> IssueId {
        let everything = IssueQuery { limit: 500, ..IssueQuery::default() };
        // Past the numbers of the events that are there.
        let first = 1000 * self.store.issues(&everything).unwrap().items.len() as u32;
        let events = (first..).zip(payloads).map(|(number, json)| event(number, json)).collect();
        self.record(key, events)
    }

    /// One more event of an issue.
    pub fn store_more(&self, id: IssueId, event: NewEvent) {
        conformance::record(&*self.store, vec![conformance::more(id, vec![event])]);
    }

    pub fn record(&self, key: &str, events: Vec<NewEvent>) -> IssueId {
        let alarm = NewAlarm { kind: AlarmKind::New, event_id: events[0].event_id, at: clock::now() };
        let change = IssueChange { alarm: Some(alarm), ..conformance::new_issue(ProjectId(1), key, events) };
        conformance::record(&*self.store, vec![change])[0]
    }
}

/// An event that arrived a moment ago.
pub fn event(number: u32, payload: &Value) -> NewEvent {
    NewEvent {
        event_id: EventId(u128::from(number) + 1),
        received_at: clock::now().plus_ms(i64::from(number % 1000) - 5000),
        payload: Payload::compress(payload.to_string().as_bytes()),
        ..conformance::event(number)
    }
}

impl Person {
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as a page of ours does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(form(path, fields, &[("sec-fetch-site", "same-origin")])).await
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// The answer before its body has ended.
    pub async fn open(&self, path: &str) -> axum::response::Response {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.headers_mut().insert(header::COOKIE, self.cookie.clone().unwrap().parse().unwrap());
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Keeps the cookie that an answer sets.
    pub fn keep_cookie(&mut self, answer: &Answer) {
        let cookie = answer.header("set-cookie").expect("a cookie");
        self.cookie = cookie.split(';').next().map(str::to_owned);
    }
}

/// A form with any headers.
pub fn form(path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Request<Body> {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    let mut request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::HOST, "127.0.0.1:8911");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(fields.join("&"))).unwrap()
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    #[track_caller]
    pub fn assert_ok(self) -> Answer {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }
}
