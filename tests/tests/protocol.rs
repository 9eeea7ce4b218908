//! The protocol as clients of all kinds speak it, from outside; the fine points are tests of the ingest stage.

use std::io::Write;
use std::time::Duration;

use error_sentinel_tests::payload::{envelope, event_id, event_json};
use error_sentinel_tests::{Collector, Reply, Request, Setup};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

const SOON: Duration = Duration::from_secs(10);

fn numbered(bug: u64, number: u64) -> String {
    event_json(bug, 0, 1200).replacen(&"0".repeat(32), &event_id(1, number), 1)
}

fn auth(collector: &Collector, request: Request) -> Request {
    let key = collector.key();
    request
        .header("X-Sentry-Auth", format!("Sentry sentry_version=7, sentry_client=test/1, sentry_key={key}"))
}

#[track_caller]
fn assert_open_to_browsers(reply: &Reply) {
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{reply:?}");
}

type Encode = Box<dyn Fn(&[u8]) -> Vec<u8>>;

#[test]
fn every_encoding_in_use_is_understood() {
    let mut collector = Collector::start();
    let encoded: Vec<(&str, Encode)> = vec![
        ("identity", Box::new(<[u8]>::to_vec)),
        ("", Box::new(<[u8]>::to_vec)),
        ("UTF-8", Box::new(<[u8]>::to_vec)),
        (
            "gzip",
            Box::new(|bytes| {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }),
        ),
        (
            "deflate",
            Box::new(|bytes| {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }),
        ),
        (
            "deflate",
            Box::new(|bytes| {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }),
        ),
        ("br", Box::new(brotli_stored)),
        ("zstd", Box::new(|bytes| zstd::encode_all(bytes, 3).unwrap())),
    ];
    for (number, (name, encode)) in encoded.iter().enumerate() {
        let body = encode(envelope(&numbered(1, number as u64)).as_bytes());
        let request = Request::post("/api/1/envelope/", body).header("Content-Encoding", *name);
        let reply = collector.send(&auth(&collector, request));
        assert_eq!(reply.status, 200, "{name:?}: {}", reply.text());
        assert_open_to_browsers(&reply);
    }
    collector.api().await_total(encoded.len() as u64, SOON);
    let garbage = Request::post("/api/1/envelope/", "no gzip").header("Content-Encoding", "gzip");
    assert_eq!(collector.send(&auth(&collector, garbage)).status, 400);
}

/// Brotli's way of not compressing: one block of plain bytes, then the end.
fn brotli_stored(bytes: &[u8]) -> Vec<u8> {
    // A window of 16 bits; a block that is not the last, its length less one in four nibbles, plain.
    let head = u32::try_from(bytes.len() - 1).expect("short") << 4 | 1 << 20;
    let mut encoded = head.to_le_bytes()[..3].to_vec();
    encoded.extend_from_slice(bytes);
    encoded.push(0b11);
    encoded
}

#[test]
fn paths_are_taken_with_and_without_slashes_and_both_doors_work() {
    let mut collector = Collector::start();
    for (number, path) in
        ["/api/1/envelope/", "/api/1/envelope", "//api//1/envelope/"].into_iter().enumerate()
    {
        let body = envelope(&numbered(1, number as u64));
        let reply = collector.send(&auth(&collector, Request::post(path, body)));
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.json()["id"], event_id(1, number as u64).as_str());
    }
    for (number, path) in [(10, "/api/1/store/"), (11, "/api/1/store")] {
        let reply = collector.send(&auth(&collector, Request::post(path, numbered(1, number))));
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.json()["id"], event_id(1, number).as_str());
    }
    collector.api().await_total(5, SOON);
}

#[test]
fn the_key_is_found_wherever_clients_put_it() {
    let mut collector = Collector::start();
    let (key, dsn) = (collector.key(), collector.dsn().to_string());
    let by_header = auth(&collector, Request::post("/api/1/envelope/", envelope(&numbered(1, 1))));
    let tight = Request::post("/api/1/envelope/", envelope(&numbered(1, 2)))
        .header("X-Sentry-Auth", format!("Sentry sentry_version=7,sentry_key={key},sentry_client=java/1"));
    let path = format!("/api/1/envelope/?sentry_version=7&sentry_key={key}");
    let by_query =
        Request::post(&path, envelope(&numbered(1, 3))).header("Content-Type", "text/plain;charset=UTF-8");
    let in_envelope = envelope(&numbered(1, 4)).replacen("{}", &format!("{{\"dsn\":\"{dsn}\"}}"), 1);
    let in_envelope = Request::post("/api/1/envelope/", in_envelope);
    let bearer = Request::post("/api/1/envelope/", envelope(&numbered(1, 5)))
        .header("Authorization", format!("Bearer {key}"));
    for request in [by_header, tight, by_query, in_envelope, bearer] {
        let reply = collector.send(&request);
        assert_eq!(reply.status, 200, "{request:?}: {}", reply.text());
    }
    collector.api().await_total(5, SOON);
}

#[test]
fn who_is_not_admitted_is_told_why() {
    let collector = Collector::start();
    let body = envelope(&numbered(1, 1));
    let nobody = collector.send(&Request::post("/api/1/envelope/", body.clone()));
    assert_eq!(nobody.status, 401, "{}", nobody.text());
    let wrong_key = format!("/api/1/envelope/?sentry_key={}", "f".repeat(32));
    let stranger = collector.send(&Request::post(&wrong_key, body.clone()));
    assert_eq!(stranger.status, 403, "{}", stranger.text());
    let wrong_project = collector.send(&auth(&collector, Request::post("/api/999/envelope/", body)));
    assert_eq!(wrong_project.status, 403, "{}", wrong_project.text());
    for reply in [nobody, stranger, wrong_project] {
        assert_open_to_browsers(&reply);
        assert!(reply.json()["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", reply.text());
        assert!(reply.header("x-sentry-error").is_some(), "{reply:?}");
    }
}

#[test]
fn a_browser_may_ask_first() {
    let collector = Collector::start();
    for path in ["/api/1/envelope/", "/api/1/store/", "/log-error"] {
        let request = Request::new("OPTIONS", path)
            .header("Origin", "https://shop.example.com")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "x-sentry-auth,content-type");
        let reply = collector.send(&request);
        assert!((200..300).contains(&reply.status), "{path}: {reply:?}");
        assert_open_to_browsers(&reply);
        let allowed = reply.header("access-control-allow-headers").unwrap_or_default().to_ascii_lowercase();
        for header in ["x-sentry-auth", "content-type", "content-encoding"] {
            assert!(allowed.contains(header), "{path}: {header} is not in {allowed}");
        }
        assert!(reply.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    }
}

#[test]
fn what_is_not_supported_is_accepted_and_asked_for_no_more() {
    let mut collector = Collector::start();
    let unknown = "{\"type\":\"something_new\"}\n{}\n{\"type\":\"transaction\"}\n{}\n";
    let body = envelope(&numbered(1, 1)).replacen("{}\n", &format!("{{}}\n{unknown}"), 1);
    let reply = collector.send(&auth(&collector, Request::post("/api/1/envelope/", body)));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let hint = reply.header("x-sentry-rate-limits").expect("a standing hint").to_owned();
    assert!(hint.contains("transaction") && !hint.contains("error"), "{hint}");
    let exposed = reply.header("access-control-expose-headers").unwrap_or_default().to_ascii_lowercase();
    assert!(exposed.contains("x-sentry-rate-limits") && exposed.contains("retry-after"), "{exposed}");
    collector.api().await_total(1, SOON);
}

#[test]
fn malformed_and_oversized_requests_are_refused_with_a_reason() {
    let collector = Collector::start();
    let short = "{}\n{\"type\":\"event\",\"length\":1000}\n{}";
    let reply = collector.send(&auth(&collector, Request::post("/api/1/envelope/", short)));
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.json()["detail"].is_string());
    assert_eq!(collector.send(&auth(&collector, Request::post("/api/1/envelope/", ""))).status, 400);
    let huge = format!("{{\"message\":\"{}\"}}", "x".repeat(1024 * 1024 + 1));
    let reply = collector.send(&Request::post("/log-error", huge).header("X-Sentinel-Key", collector.key()));
    assert_eq!(reply.status, 413, "{}", reply.text());
    assert_open_to_browsers(&reply);
    let reply = collector.send(&Request::post("/log-error", "[]").header("X-Sentinel-Key", collector.key()));
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(collector.send(&Request::get("/api/1/envelope/")).status, 405);
}

#[test]
fn past_the_limit_the_answer_says_what_to_hold_and_for_how_long() {
    let mut collector = Setup::default().set("RATE_LIMIT", "60/5").start();
    let mut connection = collector.connect();
    let mut accepted = 0;
    let refused = (0..20).find_map(|number| {
        let request = auth(&collector, Request::post("/api/1/envelope/", envelope(&numbered(1, number))));
        let reply = connection.send(&request).unwrap();
        match reply.status {
            200 => accepted += 1,
            _ => return Some(reply),
        }
        None
    });
    let refused = refused.expect("twenty are more than five");
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!((5..=6).contains(&accepted), "{accepted} were accepted of a burst of five");
    let pause: u64 = refused.header("retry-after").expect("says when").parse().expect("whole seconds");
    assert!((1..=60).contains(&pause), "{pause}");
    let limits = refused.header("x-sentry-rate-limits").expect("says what");
    assert!(limits.split(',').any(|limit| limit.contains("error")), "{limits}");
    assert_open_to_browsers(&refused);
    collector.api().await_total(accepted, SOON);
}
