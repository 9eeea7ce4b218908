//! Senders that mean no good, against the real process: each is refused with a reason, takes little memory, and
//! costs neither the good item beside it nor anybody else anything.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use error_sentinel_tests::encoding::{bombs, gzip};
use error_sentinel_tests::payload::{envelope, event_id, event_json};
use error_sentinel_tests::{Collector, Reply, Request, Setup, Usage};
use error_sentinel_wire::limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const SOON: Duration = Duration::from_secs(20);
/// Most memory that any of them may take on top.
const GROWTH_BYTES: u64 = 32 * 1024 * 1024;
/// Slow clients at once.
const SLOW: usize = 2000;

/// A good event, sent between the bad ones.
fn good(number: u64) -> String {
    event_json(1, 0, 1200).replacen(&"0".repeat(32), &event_id(7, number), 1)
}

fn post(collector: &Collector, path: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::post(path, body).header("X-Sentinel-Key", collector.key())
}

/// Does something to a collector that has worked already, and finds out what memory it took at its peak.
#[track_caller]
fn assert_takes_little<T>(collector: &Collector, what: &str, attack: impl FnOnce() -> T) -> T {
    let before = collector.usage().resident_bytes;
    Usage::forget_peak(collector.pid());
    let outcome = attack();
    let growth = collector.usage().peak_bytes.saturating_sub(before);
    println!("{what}: {} KiB at the peak", growth / 1024);
    assert!(growth < GROWTH_BYTES, "{what} took {} MiB", growth / 1024 / 1024);
    outcome
}

#[track_caller]
fn assert_refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let json = reply.json();
    let detail = json["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(words), "{detail:?} does not say {words:?}");
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
}

/// A collector that has taken an event of every door, so that what it needs once is in memory.
fn warm() -> Collector {
    let collector = Setup::default().set("RATE_LIMIT", "off").start();
    for number in 0..200 {
        assert_eq!(
            collector.send(&post(&collector, "/api/1/envelope/", envelope(&good(number)))).status,
            200
        );
    }
    let large = format!("{{\"message\":\"{}\"}}", "x".repeat(limits::EVENT_BYTES / 2));
    assert_eq!(collector.send(&post(&collector, "/log-error", large)).status, 202);
    collector
}

#[test]
fn line_18_ten_gigabytes_in_a_megabyte_are_refused_and_take_no_memory() {
    let mut collector = warm();
    for (encoding, bomb) in bombs() {
        assert!(
            bomb.len() < limits::REQUEST_BYTES,
            "{encoding}: {} bytes would be refused unread",
            bomb.len()
        );
        for door in ["/api/1/envelope/", "/api/1/store/", "/log-error"] {
            let request = post(&collector, door, bomb.clone()).header("Content-Encoding", encoding);
            let what = format!("a bomb of {encoding} at {door}");
            let reply = assert_takes_little(&collector, &what, || collector.send(&request));
            assert_refused(&reply, 413, "the request is over 20 MiB");
        }
    }
    collector.api().await_total(201, SOON);
}

#[test]
fn json_a_hundred_thousand_deep_or_a_million_keys_wide_takes_no_memory_and_the_item_beside_it_is_kept() {
    let mut collector = warm();
    let deep = |open: &str, close: &str| {
        format!("{{\"message\":\"deep\",\"extra\":{}1{}}}", open.repeat(100_000), close.repeat(100_000))
    };
    let wide = |keys: u32| {
        let keys: String = (0..keys).map(|key| format!(",\"{key:x}\":0")).collect();
        format!("{{\"message\":\"wide\"{keys}}}")
    };
    let items = 40_000;
    let long = format!("{{\"message\":\"long\",\"tags\":[{}[]]}}", "[\"a\",1],".repeat(items));
    let cases = [
        ("arrays in arrays", deep("[", "]"), 200),
        ("objects in objects", deep("{\"a\":", "}"), 200),
        ("arrays without end", deep("[", ""), 400),
        ("a hundred thousand keys", wide(100_000), 200),
        ("a million keys", wide(1_000_000), 413),
        ("as many tags", long, 200),
    ];
    let api = collector.api();
    let mut kept = 201;
    for (number, (what, json, status)) in cases.into_iter().enumerate() {
        let beside = good(1000 + number as u64);
        let body = format!("{{}}\n{{\"type\":\"event\"}}\n{json}\n{{\"type\":\"event\"}}\n{beside}\n");
        kept += 1 + u64::from(status == 200);
        let reply = assert_takes_little(&collector, what, || {
            let reply = collector.send(&post(&collector, "/api/1/envelope/", body));
            // Digest takes its part of the memory.
            api.await_total(kept, SOON);
            reply
        });
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        if status != 200 {
            assert_refused(&reply, status, "item 0: the event is");
        }
    }
}

#[test]
fn header_lines_without_end_half_envelopes_and_wrong_lengths_are_refused_by_name() {
    let mut collector = warm();
    let first = envelope(&good(1000));
    let endless = "x".repeat(limits::ENVELOPE_BYTES - 4096);
    let cases: [(&str, Vec<u8>, &str); 7] = [
        (
            "an envelope's header line without end",
            format!("{{\"a\":\"{endless}").into(),
            "header line is over",
        ),
        (
            "an item's header line without end",
            format!("{first}{{\"type\":\"{endless}").into(),
            "header line is over",
        ),
        (
            "half an envelope",
            format!("{first}{{\"type\":\"event\",\"length\":9000}}\n{{\"mess").into(),
            "9000 bytes, but only 6 follow",
        ),
        ("half an item header", format!("{first}{{\"type\":\"ev").into(), "header line is not valid JSON"),
        (
            "a length beyond all numbers",
            format!("{first}{{\"type\":\"event\",\"length\":99999999999999999999999}}\n{{}}").into(),
            "its length is",
        ),
        (
            "a negative length",
            format!("{first}{{\"type\":\"event\",\"length\":-1}}\n{{}}").into(),
            "its length is -1, not a number of bytes",
        ),
        ("no envelope at all", vec![0xff; 1 << 20], "header line is"),
    ];
    for (what, body, words) in cases {
        let request = post(&collector, "/api/1/envelope/", body);
        let reply = assert_takes_little(&collector, what, || collector.send(&request));
        assert_refused(&reply, 400, words);
    }
    // The first item of each was the same good event; it counts once.
    collector.api().await_total(202, SOON);
}

#[test]
fn a_thousand_items_are_enough_and_headers_of_a_request_end_somewhere() {
    let mut collector = warm();
    let items: String = (0..100_000).map(|_| "{\"type\":\"event\"}\n{\"message\":\"x\"}\n").collect();
    let body = gzip(format!("{{}}\n{items}").as_bytes());
    let request = post(&collector, "/api/1/envelope/", body).header("Content-Encoding", "gzip");
    let reply = assert_takes_little(&collector, "a hundred thousand items", || collector.send(&request));
    assert_refused(&reply, 413, "more than 1000 items");
    let long = Request::get("/healthz").header("X-Long", "y".repeat(1 << 20));
    let outcome =
        assert_takes_little(&collector, "a header of a megabyte", || collector.connect().send(&long));
    // The connection may be closed before all of it was sent.
    assert!(outcome.as_ref().map_or(true, |reply| reply.status == 431), "{outcome:?}");
    collector.api().await_total(201 + 1000, SOON);
}

/// Sends `count` bodies of 900 KB at once, each but for its last `missing` bytes; the streams, still open.
fn large_bodies(collector: &Collector, count: u64, missing: usize) -> Vec<TcpStream> {
    let (collector, key) = (&collector, &collector.key());
    thread::scope(|scope| {
        let send = |number: u64| {
            let id = event_id(8, number);
            // Digits without a pattern, so that nothing can be packed away.
            let noise: String = (0..900 * 1024u64 / 16)
                .map(|at| format!("{:016x}", (at + number * 60_000).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
                .collect();
            let event = format!(
                "{{\"event_id\":\"{id}\",\"message\":\"large\",\"extra\":{{\"noise\":\"{noise}\"}}}}"
            );
            let body = envelope(&event);
            let head = format!(
                "POST /api/1/envelope/?sentry_key={key} HTTP/1.1\r\nHost: localhost\r\nConnection: \
                 close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let mut stream = TcpStream::connect(collector.address()).expect("it listens");
            stream.set_write_timeout(Some(SOON)).expect("a setting");
            let bytes = [head.as_bytes(), &body.as_bytes()[..body.len() - missing]].concat();
            // One that has to wait for room is read no further until there is some.
            if let Err(error) = stream.write_all(&bytes) {
                assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                    ),
                    "{error}"
                );
            }
            stream
        };
        let sent: Vec<_> = (0..count).map(|number| scope.spawn(move || send(number))).collect();
        sent.into_iter().map(|sent| sent.join().expect("it is sent")).collect()
    })
}

/// What a small machine gives to a container.
const SMALL_MACHINE_BYTES: u64 = 128 * 1024 * 1024;

#[test]
fn a_hundred_large_bodies_at_once_fit_into_a_small_machine_and_each_is_kept_or_told_when_to_come_again() {
    let mut collector = warm();
    Usage::forget_peak(collector.pid());
    let mut kept = 0;
    for mut stream in large_bodies(&collector, 100, 0) {
        stream.set_read_timeout(Some(SOON)).expect("a setting");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is answered");
        let answer = answer.to_ascii_lowercase();
        if answer.starts_with("http/1.1 200 ") {
            kept += 1;
        } else {
            assert!(answer.starts_with("http/1.1 429 ") && answer.contains("\r\nretry-after: "), "{answer}");
            assert!(answer.contains("the collector holds as many requests as it can"), "{answer}");
        }
    }
    let peak = collector.usage().peak_bytes;
    println!("a hundred bodies of 900 KB at once: {kept} kept, {} MiB in all", peak / 1024 / 1024);
    assert!(kept > 0);
    collector.api().await_total(201 + kept, SOON);
    assert!(collector.usage().peak_bytes < SMALL_MACHINE_BYTES, "{} MiB", peak / 1024 / 1024);
}

#[test]
fn a_hundred_large_bodies_that_never_end_leave_room_for_an_ordinary_error() {
    let mut collector = warm();
    let slow = assert_takes_little(&collector, "a hundred large bodies that never end", || {
        let slow = large_bodies(&collector, 100, 10);
        for number in 0..100 {
            let request = post(&collector, "/api/1/envelope/", envelope(&good(3000 + number)));
            assert_eq!(collector.send(&request).status, 200);
        }
        slow
    });
    collector.api().await_total(201 + 100, SOON);
    drop(slow);
}

/// Lets this process hold the slow clients' sockets.
fn raise_the_limit_on_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = SLOW as u64 + 512;
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised)
            .unwrap_or_else(|e| panic!("this test needs {wanted} open files (ulimit -n {wanted}): {e}"));
    }
}

#[test]
fn two_thousand_slow_connections_hold_up_nobody() {
    raise_the_limit_on_open_files();
    let mut collector = warm();
    let head = format!(
        "POST /api/1/envelope/?sentry_key={} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
        collector.key(),
        limits::REQUEST_BYTES
    );
    let (slow, sent) = assert_takes_little(&collector, "2,000 slow connections", || {
        let mut slow: Vec<TcpStream> = (0..SLOW)
            .map(|number| {
                let mut stream = TcpStream::connect(collector.address()).expect("it listens");
                // Half of them stop within the head, half within the body, having announced as much as may be.
                let bytes =
                    if number % 2 == 0 { head.clone() } else { format!("{head}\r\n{{}}\n{{\"type\":") };
                stream.write_all(bytes.as_bytes()).expect("it is heard");
                stream
            })
            .collect();
        let mut connection = collector.connect();
        let mut sent = 0;
        for round in 0..5 {
            for stream in &mut slow {
                stream.write_all(if round % 2 == 0 { b"a" } else { b"b" }).expect("it is still there");
            }
            for _ in 0..40 {
                let request = post(&collector, "/api/1/envelope/", envelope(&good(2000 + sent)));
                assert_eq!(connection.send(&request).expect("it answers").status, 200);
                sent += 1;
            }
            thread::sleep(Duration::from_millis(100));
        }
        (slow, sent)
    });
    collector.api().await_total(201 + sent, SOON);
    drop(slow);
}

#[test]
fn a_client_that_never_finishes_its_request_is_let_go() {
    let collector = Collector::start();
    let head = format!(
        "POST /api/1/envelope/?sentry_key={} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n",
        collector.key()
    );
    let streams = [head.clone(), format!("{head}\r\n{{}}")].map(|bytes| {
        let mut stream = TcpStream::connect(collector.address()).expect("it listens");
        stream.write_all(bytes.as_bytes()).expect("it is heard");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a setting");
        stream
    });
    for mut stream in streams {
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        assert!(
            ended.as_ref().map_or_else(|e| e.kind() == ErrorKind::ConnectionReset, |_| true),
            "{ended:?}"
        );
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.contains(" 408 "), "{answer}");
    }
}
