//! The collector's API as a program would use it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Connection, Reply, Request, eventually};

/// A client with a token.
#[derive(Debug, Clone)]
pub struct Api {
    address: SocketAddr,
    token: String,
}

/// What the API says of an issue, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue(pub Value);

impl Issue {
    /// Its number, as text.
    pub fn id(&self) -> String {
        match &self.0["id"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// A field as text.
    ///
    /// # Panics
    /// When it is no text.
    #[track_caller]
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("no text in {field}: {:#}", self.0))
    }

    /// How often it happened.
    ///
    /// # Panics
    /// When there is no count.
    #[track_caller]
    pub fn count(&self) -> u64 {
        self.0["count"].as_u64().unwrap_or_else(|| panic!("no count: {:#}", self.0))
    }
}

impl Api {
    /// A client of the collector that listens at `address`.
    pub fn new(address: SocketAddr, token: &str) -> Api {
        Api { address, token: token.to_owned() }
    }

    /// Its token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends a request with the token.
    ///
    /// # Panics
    /// When there is no reply.
    #[track_caller]
    pub fn send(&self, request: Request) -> Reply {
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        Connection::open(self.address)
            .and_then(|mut connection| connection.send(&request))
            .unwrap_or_else(|e| panic!("{request:?}: {e}"))
    }

    /// `GET path` as JSON.
    ///
    /// # Panics
    /// When it is not answered by 200.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let reply = self.send(Request::get(path));
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// Everything that a paged list holds.
    #[track_caller]
    fn all(&self, path: &str, field: &str, limit: usize) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}limit={limit}{cursor}"));
            let Value::Array(items) = page[field].take() else { panic!("no list {field} in {page:#}") };
            all.extend(items);
            match &page["next_cursor"] {
                Value::Null => return all,
                Value::String(next) => cursor = format!("&cursor={next}"),
                next => cursor = format!("&cursor={next}"),
            }
        }
    }

    /// All issues of all projects.
    #[track_caller]
    pub fn issues(&self) -> Vec<Issue> {
        self.all("/api/v1/issues?", "issues", 100).into_iter().map(Issue).collect()
    }

    /// One issue.
    #[track_caller]
    pub fn issue(&self, id: &str) -> Issue {
        Issue(self.get(&format!("/api/v1/issues/{id}")))
    }

    /// All events kept of an issue, newest first.
    #[track_caller]
    pub fn events(&self, issue_id: &str) -> Vec<Value> {
        self.all(&format!("/api/v1/issues/{issue_id}/events?"), "events", 500)
    }

    /// The ids of all events kept of an issue.
    ///
    /// # Panics
    /// When one has none.
    #[track_caller]
    pub fn event_ids(&self, issue_id: &str) -> Vec<String> {
        let id = |event: Value| event["event_id"].as_str().expect("events have ids").to_owned();
        self.events(issue_id).into_iter().map(id).collect()
    }

    /// One event, once it is digested.
    ///
    /// # Panics
    /// When it does not appear `within` that time.
    #[track_caller]
    pub fn event(&self, event_id: &str, within: Duration) -> Value {
        let path = format!("/api/v1/events/{event_id}");
        eventually(&format!("event {event_id} is digested"), within, || {
            let reply = self.send(Request::get(&path));
            match reply.status {
                200 => Some(reply.json()),
                404 => None,
                status => panic!("{path}: {status} {}", reply.text()),
            }
        })
    }

    /// Says where the team stands with an issue.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn set_status(&self, issue_id: &str, status: &str) {
        let path = format!("/api/v1/issues/{issue_id}/status");
        let body = json!({ "status": status }).to_string();
        let reply = self.send(Request::post(&path, body).header("Content-Type", "application/json"));
        assert!((200..300).contains(&reply.status), "{path}: {} {}", reply.status, reply.text());
    }

    /// How many errors all issues count together.
    #[track_caller]
    pub fn total_count(&self) -> u64 {
        self.issues().iter().map(Issue::count).sum()
    }

    /// Waits until the issues count `expected` errors together, and makes sure that they do not count on.
    ///
    /// # Panics
    /// When they do not `within` that time, or count more.
    #[track_caller]
    pub fn await_total(&self, expected: u64, within: Duration) {
        eventually(&format!("the issues count {expected}"), within, || {
            let total = self.total_count();
            assert!(total <= expected, "{total} counted, {expected} sent");
            (total == expected).then_some(())
        });
    }

    /// Waits until there are exactly `count` issues and returns them.
    ///
    /// # Panics
    /// When there are not `within` that time.
    #[track_caller]
    pub fn await_issues(&self, count: usize, within: Duration) -> Vec<Issue> {
        eventually(&format!("there are {count} issues"), within, || {
            let issues = self.issues();
            (issues.len() == count).then_some(issues)
        })
    }

    /// The only event of the one of `issues` that has `title` in its title.
    ///
    /// # Panics
    /// When there is no such issue, or it has more events.
    #[track_caller]
    pub fn only_event(&self, issues: &[Issue], title: &str, within: Duration) -> Value {
        let issue = issues.iter().find(|issue| issue.text("title").contains(title));
        let issue = issue.unwrap_or_else(|| panic!("{title} is not in {issues:?}"));
        assert_eq!(issue.count(), 1, "{title}");
        self.event(&self.event_ids(&issue.id()).remove(0), within)
    }
}
