//! What any Sentry SDK expects of a server, line by line, from outside; the fine points are tests of the ingest
//! stage, under the same numbers.
//!
//! Line 18, bombs, is in `hostile.rs`; line 21, odd payloads, in `quirks.rs`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use error_sentinel_tests::encoding::{brotli_stored, gzip, raw_deflate, zlib, zstd};
use error_sentinel_tests::payload::{envelope, event_id, event_json};
use error_sentinel_tests::{Api, Collector, Person, Reply, Request, Setup, eventually};
use error_sentinel_wire::{UnixMs, limits};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(10);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

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

#[test]
fn line_1_and_2_what_browsers_send_needs_no_length_no_content_type_and_no_last_newline() {
    let mut collector = Collector::start();
    let path = format!("/api/1/envelope/?sentry_version=7&sentry_key={}", collector.key());
    let kinds = ["text/plain;charset=UTF-8", "", "application/x-www-form-urlencoded", "multipart/form-data"];
    for (number, kind) in kinds.into_iter().enumerate() {
        let event = numbered(1, number as u64);
        let body = format!("{{\"sent_at\":\"not a time\"}}\n{{\"type\":\"event\"}}\n{event}");
        let mut request = Request::post(&path, body).header("Origin", "https://shop.example.com");
        if !kind.is_empty() {
            request = request.header("Content-Type", kind);
        }
        let reply = collector.send(&request);
        assert_eq!(reply.status, 200, "{kind:?}: {}", reply.text());
        assert_eq!(reply.json()["id"], event_id(1, number as u64).as_str());
        assert_open_to_browsers(&reply);
    }
    collector.api().await_total(kinds.len() as u64, SOON);
}

#[test]
fn line_3_a_gzipped_body_may_come_in_chunks() {
    let mut collector = Collector::start();
    let body = gzip(envelope(&numbered(1, 1)).as_bytes());
    let head = format!(
        "POST /api/1/envelope/?sentry_key={} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        collector.key()
    );
    let mut bytes = head.into_bytes();
    for chunk in body.chunks(100) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let reply = collector.connect().send_bytes(&bytes).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    collector.api().await_total(1, SOON);
}

type Encode = fn(&[u8]) -> Vec<u8>;

#[test]
fn line_4_to_6_every_encoding_in_use_is_understood() {
    let mut collector = Collector::start();
    let plain: Encode = <[u8]>::to_vec;
    let encodings: [(&str, Encode); 8] = [
        ("identity", plain),
        ("", plain),
        ("UTF-8", plain),
        ("gzip", gzip),
        ("deflate", zlib),
        ("deflate", raw_deflate),
        ("br", brotli_stored),
        ("zstd", zstd),
    ];
    for (number, (name, encode)) in encodings.into_iter().enumerate() {
        let body = encode(envelope(&numbered(1, number as u64)).as_bytes());
        let request = Request::post("/api/1/envelope/", body).header("Content-Encoding", name);
        let reply = collector.send(&auth(&collector, request));
        assert_eq!(reply.status, 200, "{name:?}: {}", reply.text());
        assert_open_to_browsers(&reply);
    }
    collector.api().await_total(encodings.len() as u64, SOON);
    let garbage = Request::post("/api/1/envelope/", "no gzip").header("Content-Encoding", "gzip");
    assert_eq!(collector.send(&auth(&collector, garbage)).status, 400);
}

#[test]
fn line_19_paths_are_taken_with_and_without_slashes_and_both_doors_work() {
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
fn line_7_the_key_is_found_wherever_clients_put_it() {
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
fn line_7_who_is_not_admitted_is_told_why() {
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
fn line_8_a_browser_may_ask_first() {
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
fn line_9_what_is_not_supported_is_accepted_and_asked_for_no_more() {
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
fn line_8_browsers_may_read_why_malformed_and_oversized_requests_are_refused() {
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
fn line_20_past_the_limit_the_answer_says_what_to_hold_and_for_how_long() {
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

/// Sends one envelope with the key in a header.
fn deliver(collector: &Collector, body: impl Into<Vec<u8>>) -> Reply {
    collector.send(&auth(collector, Request::post("/api/1/envelope/", body)))
}

fn is_stored(api: &Api, id: &str) -> bool {
    api.send(Request::get(&format!("/api/v1/events/{id}"))).status == 200
}

#[test]
fn line_10_and_12_attachments_of_any_form_cost_the_event_nothing() {
    let mut collector = Collector::start();
    let around = |before: &str, number: u64, after: &str| {
        let item = envelope(&numbered(1, number)).replacen("{}\n", "", 1);
        format!("{{}}\n{before}{item}{after}")
    };
    // An attachment may hold anything, even what looks like an item.
    let lines = "a\n{\"type\":\"event\"}\n{}\n\n";
    let lines = format!("{{\"type\":\"attachment\",\"length\":{}}}\n{lines}\n", lines.len());
    let empty = "{\"type\":\"attachment\",\"length\":0,\"filename\":\"e\"}\n\n";
    let last = "{\"type\":\"attachment\",\"length\":0}";
    for (number, body) in
        [around(&lines, 0, ""), around(empty, 1, last), around("\n\n", 2, &lines)].into_iter().enumerate()
    {
        let reply = deliver(&collector, body);
        assert_eq!(reply.status, 200, "{number}: {}", reply.text());
        assert_eq!(reply.json()["id"], event_id(1, number as u64).as_str());
    }
    collector.api().await_total(3, SOON);
}

#[test]
fn line_11_a_wrong_length_is_refused_by_name_and_the_good_items_kept() {
    let mut collector = Collector::start();
    let api = collector.api();
    let bad = "{\"event_id\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"message\":\"bad\"}";
    for (number, length, words) in [(1, 9999, "9999 bytes, but only"), (2, 5, "5 bytes, but the payload")] {
        let good = envelope(&numbered(1, number));
        let body = format!("{good}{{\"type\":\"event\",\"length\":{length}}}\n{bad}\n");
        let reply = deliver(&collector, body);
        assert_eq!(reply.status, 400);
        let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains("item 1") && detail.contains(words), "{detail}");
        assert_eq!(reply.json()["id"], event_id(1, number).as_str(), "it says what was kept");
    }
    // Behind a length that is too short the next line shows where the good items go on.
    let rest = envelope(&numbered(1, 3)).replacen("{}\n", "", 1);
    assert_eq!(
        deliver(&collector, format!("{{}}\n{{\"type\":\"event\",\"length\":5}}\n{bad}\n{rest}")).status,
        400
    );
    api.await_total(3, SOON);
    assert!(!is_stored(&api, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
}

#[test]
fn line_13_two_events_of_one_envelope_are_both_stored_under_their_own_ids() {
    let mut collector = Collector::start();
    let items: String =
        [1, 2].map(|number| envelope(&numbered(number, number)).replacen("{}\n", "", 1)).concat();
    let reply = deliver(&collector, format!("{{\"event_id\":\"{}\"}}\n{items}", event_id(1, 1)));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let api = collector.api();
    api.await_total(2, SOON);
    assert!(is_stored(&api, &event_id(1, 1)) && is_stored(&api, &event_id(1, 2)));
}

#[test]
fn line_14_sessions_alone_are_fine_and_no_issue() {
    let mut collector = Collector::start();
    for body in [
        "{\"sent_at\":\"2026-01-01T00:00:00+00:00\"}\n{\"type\":\"session\"}\n{\"sid\":\"1\",\"status\":\"ok\"}",
        "{}\n{\"type\":\"sessions\",\"length\":17}\n{\"aggregates\":[]}\n",
        "{}",
    ] {
        let reply = deliver(&collector, body);
        assert_eq!(reply.status, 200, "{body}: {}", reply.text());
    }
    // The queue keeps its order: when the event is there, what came before it is done.
    let id = collector.log_error(&serde_json::json!({"message": "the last one"}));
    collector.api().event(&id, SOON);
    assert_eq!(collector.api().issues().len(), 1);
}

#[test]
fn line_15_what_a_client_reports_as_dropped_is_counted_and_shown() {
    let collector = Collector::start();
    let report = |quantity| {
        format!(
            "{{}}\n{{\"type\":\"client_report\"}}\n{{\"discarded_events\":[{{\"reason\":\"queue_overflow\",\
             \"category\":\"error\",\"quantity\":{quantity}}}]}}"
        )
    };
    assert_eq!(deliver(&collector, report(30)).status, 200);
    assert_eq!(deliver(&collector, report(12)).status, 200);
    let mut person = Person::signed_in(&collector);
    eventually("the losses are shown", SOON, || {
        let page = person.open("/projects").text();
        (page.contains("42") && page.contains("more came at once than its queue holds")).then_some(())
    });
}

#[test]
fn line_16_an_event_that_is_sent_again_is_answered_200_and_counted_once() {
    let mut collector = Collector::start();
    for _ in 0..3 {
        let reply = deliver(&collector, envelope(&numbered(1, 1)));
        assert_eq!((reply.status, reply.json()["id"].as_str()), (200, Some(event_id(1, 1).as_str())));
    }
    // Even when it was changed, or comes through another door.
    let changed = numbered(2, 1);
    assert_eq!(deliver(&collector, envelope(&changed)).status, 200);
    assert_eq!(collector.send(&auth(&collector, Request::post("/api/1/store/", changed))).status, 200);
    let id = collector.log_error(&serde_json::json!({"message": "the last one"}));
    let api = collector.api();
    api.event(&id, SOON);
    assert_eq!(api.total_count(), 2);
}

#[test]
fn line_17_an_event_over_the_limit_is_refused_and_the_rest_of_the_envelope_kept() {
    let mut collector = Collector::start();
    let of_bytes = |bytes: usize| {
        let around = "{\"message\":\"\"}".len();
        format!("{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}\n", "x".repeat(bytes - around))
    };
    let full = deliver(&collector, format!("{{}}\n{}", of_bytes(limits::EVENT_BYTES)));
    assert_eq!(full.status, 200, "{}", full.text());
    let rest = envelope(&numbered(1, 1)).replacen("{}\n", "", 1);
    let reply = deliver(&collector, format!("{{}}\n{}{rest}", of_bytes(limits::EVENT_BYTES + 1)));
    assert_eq!(reply.status, 413);
    assert_open_to_browsers(&reply);
    let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains("item 0: the event is over 1048576 bytes"), "{detail}");
    let api = collector.api();
    api.await_total(2, SOON);
    assert!(is_stored(&api, &event_id(1, 1)));
}

#[test]
fn line_20_errors_are_taken_while_transactions_are_asked_for_no_more() {
    let mut collector = Setup::default().set("RATE_LIMIT", "60/5").start();
    for _ in 0..50 {
        let reply = deliver(&collector, "{}\n{\"type\":\"transaction\"}\n{}\n");
        assert_eq!(reply.status, 200, "what costs nothing takes nothing of the limit: {}", reply.text());
        for limit in reply.headers("x-sentry-rate-limits").flat_map(|header| header.split(',')) {
            let categories = limit.split(':').nth(1).expect("it names categories");
            assert!(!categories.is_empty(), "an empty list would silence everything: {limit}");
            assert!(!categories.split(';').any(|category| category == "error"), "{limit}");
        }
    }
    assert_eq!(deliver(&collector, envelope(&numbered(1, 1))).status, 200);
    collector.api().await_total(1, SOON);
}

#[test]
fn line_23_the_old_door_takes_base64_of_zlib_and_events_without_id() {
    let mut collector = Collector::start();
    let encode = |bytes: &[u8]| STANDARD.encode(bytes).into_bytes();
    let json = |text: &str| format!("{{\"message\":\"{text}\",\"extra\":{{\"ratio\":NaN}}}}").into_bytes();
    let bodies = [json("plain"), encode(&json("base64")), encode(&zlib(&json("zlib")))];
    let api = collector.api();
    for body in bodies {
        let reply = collector.send(&auth(&collector, Request::post("/api/1/store/", body)));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json();
        let id = answer["id"].as_str().expect("it got one");
        assert_eq!(id.len(), 32);
        api.event(id, SOON);
    }
    assert_eq!(api.total_count(), 3);
}

#[test]
fn line_24_a_clock_that_is_a_day_off_is_measured_and_puts_nothing_into_the_wrong_day() {
    let mut collector = Collector::start();
    let api = collector.api();
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now_ms = i64::try_from(since_1970.as_millis()).expect("not that late");
    for (number, off_ms) in [(1, -DAY_MS), (2, DAY_MS)] {
        let sent_at = UnixMs(now_ms + off_ms);
        let id = event_id(1, number);
        let event =
            format!("{{\"event_id\":\"{id}\",\"timestamp\":\"{sent_at}\",\"message\":\"clock {number}\"}}");
        let body = envelope(&event).replacen("{}", &format!("{{\"sent_at\":\"{sent_at}\"}}"), 1);
        assert_eq!(deliver(&collector, body).status, 200);
        let stored = api.event(&id, SOON);
        assert_eq!(stored["timestamp"], sent_at.to_string(), "its own time is kept: {stored:#}");
        let listed = api.events(stored["issue_id"].to_string().trim_matches('"'));
        let skew = listed[0]["skew_ms"].as_i64().expect("measured");
        assert!((skew - off_ms).abs() < 60_000, "{skew} instead of {off_ms}");
        assert_near(&stored["received_at"], now_ms);
        let issue = api.issue(stored["issue_id"].to_string().trim_matches('"'));
        assert_near(&issue.0["first_seen"], now_ms);
        assert_near(&issue.0["last_seen"], now_ms);
    }
}

#[track_caller]
fn assert_near(time: &Value, now_ms: i64) {
    let at = UnixMs::parse(time.as_str().expect("a time")).expect("a time");
    assert!((at.0 - now_ms).abs() < 60_000, "{time} is not now");
}
