//! Replays to a small collector that answers as it is told to.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use error_sentinel_wire::{Dsn, EventId, envelope};

use super::{Outcome, Replay};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const ID: &str = "fc6d8c0c43fc4630ad850ee518f1b9d0";

/// Every request as it came: its `X-Sentry-Auth` and its body.
type Requests = Arc<Mutex<Vec<(String, Bytes)>>>;

/// A collector that refuses what holds `too large` and asks once to come back later.
async fn collector() -> (Dsn, Requests) {
    // Done by main; an error says that another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let requests = Requests::default();
    let seen = requests.clone();
    let answer = move |headers: HeaderMap, body: Bytes| async move {
        let auth = headers["x-sentry-auth"].to_str().unwrap().to_owned();
        let mut seen = seen.lock().unwrap();
        seen.push((auth, body.clone()));
        if seen.len() == 1 {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "{}").into_response();
        }
        if body.windows(9).any(|part| part == b"too large") {
            return (StatusCode::PAYLOAD_TOO_LARGE, r#"{"detail": "the event is too large"}"#)
                .into_response();
        }
        (StatusCode::OK, format!("{{\"id\": \"{ID}\"}}")).into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dsn = format!("http://{KEY}@{}/7", listener.local_addr().unwrap());
    let router = Router::new().route("/api/7/envelope/", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Dsn::parse(&dsn).unwrap(), requests)
}

async fn replay(files: Vec<PathBuf>, dsn: Dsn) -> Outcome {
    Replay { files, dsn, keep_ids: false, parallel: 1 }.run().await
}

#[tokio::test]
async fn every_file_is_sent_once_it_is_let_in_with_a_fresh_id() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.json", "b.json"] {
        std::fs::write(
            folder.path().join(name),
            format!("{{\"event_id\": \"{ID}\", \"message\": \"{name}\"}}"),
        )
        .unwrap();
    }
    let (dsn, requests) = collector().await;
    replay(vec![folder.path().to_owned()], dsn).await.unwrap();

    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 3, "a.json twice, since it was asked to come back");
    assert!(requests.iter().all(|(auth, _)| auth.contains(&format!("sentry_key={KEY}"))));
    let ids: Vec<_> =
        requests.iter().map(|(_, body)| envelope::open(body).unwrap().0.event_id.unwrap()).collect();
    assert_eq!(ids[0], ids[1], "the second try of a file is the same event");
    assert_ne!(ids[1], ids[2]);
    assert!(!ids.contains(&EventId::parse(ID).unwrap()));
}

#[tokio::test]
async fn one_refused_file_fails_the_whole_and_the_others_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("a.json", "{\"message\": \"too large\"}"), ("b.json", "no event"), ("c.json", "{}")]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let (dsn, requests) = collector().await;
    let failure = replay(vec![folder.path().to_owned()], dsn).await.unwrap_err();
    assert_eq!((failure.to_string().as_str(), failure.exit_code()), ("2 of 3 were not accepted", 1));
    assert_eq!(requests.lock().unwrap().len(), 3, "a.json twice, b.json never, c.json once");
}

#[tokio::test]
async fn nobody_there_is_a_failure_and_not_a_hang() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.json");
    std::fs::write(&file, "{}").unwrap();
    let (dsn, _) = collector().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = Dsn { host: listener.local_addr().unwrap().to_string(), ..dsn };
    drop(listener);
    let failure = replay(vec![file], nobody).await.unwrap_err();
    assert_eq!(failure.to_string(), "1 of 1 were not accepted");
}
