//! A good sender beside bad ones: nothing of his is refused or lost, and how much longer he waits is printed.
//!
//! Good errors come at a steady rate, first alone and then beside each of the others; an answer's time counts from
//! the moment when the request was due. The senders share the machine with the collector, so that a part of the longer
//! wait is theirs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use error_sentinel_tests::encoding::bombs;
use error_sentinel_tests::load::{self, Door, Outcome, Requests};
use error_sentinel_tests::{Collector, Connection, Request, Setup, short_or_long};
use error_sentinel_wire::{Dsn, limits};

use crate::{CONNECTIONS, PATIENCE};

const PER_SECOND: u64 = 100;
const LANES: u64 = 4;

/// The good sender.
struct Good {
    address: SocketAddr,
    dsn: Dsn,
    time: Duration,
    run: u64,
    sent: u64,
    alone: Duration,
}

impl Good {
    fn of(collector: &Collector) -> Good {
        let time = Duration::from_secs(short_or_long(1, 20));
        let (address, dsn) = (collector.address(), collector.dsn().clone());
        let mut good = Good { address, dsn, time, run: 100, sent: 0, alone: Duration::ZERO };
        good.send();
        good.alone = good.send().quantile(0.99);
        println!("a good sender alone: p99 {:?}", good.alone);
        good
    }

    fn send(&mut self) -> Outcome {
        self.run += 1;
        // From another address than the bad ones, as behind a proxy.
        let requests = Requests::new(&self.dsn, Door::Envelope, 1536, 4, self.run);
        let requests = requests.header("X-Forwarded-For", "203.0.113.7");
        let outcome = load::open(self.address, &requests, PER_SECOND, self.time, LANES);
        let count = u64::try_from(self.time.as_millis()).expect("short") * PER_SECOND / 1000;
        outcome.assert_all(count);
        self.sent += count;
        outcome
    }

    /// Sends while others do what they do, until they are told to stop.
    fn send_beside<T: Send>(&mut self, what: &str, others: impl FnOnce(&AtomicBool) -> T + Send) -> T {
        let stop = AtomicBool::new(false);
        let (outcome, others) = thread::scope(|scope| {
            let others = scope.spawn(|| others(&stop));
            let outcome = self.send();
            stop.store(true, Ordering::Relaxed);
            (outcome, others.join().expect("the others end"))
        });
        let p99 = outcome.quantile(0.99);
        println!(
            "beside {what}: p50 {:?}, p99 {p99:?}, {:.1} times the one alone",
            outcome.quantile(0.5),
            p99.as_secs_f64() / self.alone.as_secs_f64().max(f64::EPSILON)
        );
        others
    }
}

#[test]
fn a_flooding_project_costs_another_nothing_but_its_turn() {
    let setup = Setup::default().set("TRUSTED_PROXIES", "127.0.0.1").set("RATE_LIMIT", "12000/200");
    let mut collector = setup.start();
    collector.run(&["project", "create", "flooding"]).success();
    let printed = collector.run(&["dsn", "flooding"]).success().stdout;
    let flooding = Dsn::parse(printed.trim()).expect("a DSN");
    let flood = Requests::new(&flooding, Door::Envelope, 12 * 1024, 8, 21);
    let address = collector.address();
    let mut good = Good::of(&collector);
    let outcome = good.send_beside("a flooding project", |stop| {
        load::closed(address, &flood, 0..u64::MAX, CONNECTIONS, stop)
    });
    assert!(outcome.refused.keys().all(|status| *status == 429), "{:?}", outcome.refused);
    println!("the flood: {} acknowledged, refused {:?}", outcome.acknowledged.len(), outcome.refused);
    collector.api().await_total(good.sent + outcome.acknowledged.len() as u64, PATIENCE);
}

/// Sends a request again and again on two connections.
fn repeat(address: SocketAddr, requests: &[Request], stop: &AtomicBool) -> usize {
    let run = || {
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            for request in requests {
                // It may be refused before it was sent whole; it is done all the same.
                let sent = Connection::open(address).and_then(|mut connection| connection.send(request));
                count += usize::from(sent.is_ok());
            }
        }
        count
    };
    thread::scope(|scope| {
        let runs = [scope.spawn(run), scope.spawn(run)];
        runs.into_iter().map(|run| run.join().expect("it ends")).sum()
    })
}

#[test]
fn hostile_senders_cost_a_good_one_nothing_but_its_turn() {
    let setup = Setup::default().set("TRUSTED_PROXIES", "127.0.0.1").set("RATE_LIMIT", "off");
    let mut collector = setup.start();
    let (address, key) = (collector.address(), collector.key());
    let post = |path: &str, body: Vec<u8>| Request::post(path, body).header("X-Sentinel-Key", &key);
    let mut good = Good::of(&collector);

    for (encoding, bomb) in bombs() {
        let bomb = [post("/api/1/envelope/", bomb).header("Content-Encoding", encoding)];
        let count = good.send_beside(&format!("bombs of {encoding}"), |stop| repeat(address, &bomb, stop));
        println!("  {count} of them were answered");
    }

    // Each is refused or ignored, so that only the good one's errors are counted in the end.
    let deep = format!("{}1", "[".repeat(100_000));
    let wide: String = (0..1_000_000).map(|key| format!(",\"{key:x}\":0")).collect();
    let event = |json: &str| format!("{{}}\n{{\"type\":\"event\"}}\n{json}\n").into_bytes();
    let bad = [
        post("/api/1/envelope/", event(&deep)),
        post("/api/1/envelope/", event(&format!("{{\"message\":\"wide\"{wide}}}"))),
        post("/api/1/envelope/", vec![b'x'; limits::EVENT_BYTES]),
        post("/log-error", vec![b'{'; limits::EVENT_BYTES]),
        Request::get("/healthz").header("X-Long", "y".repeat(1 << 20)),
    ];
    let count = good.send_beside("deep, wide and endless input", |stop| repeat(address, &bad, stop));
    println!("  {count} of them were answered");

    let head = format!(
        "POST /api/1/envelope/?sentry_key={key} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
        limits::REQUEST_BYTES
    );
    let slow = good.send_beside("700 slow connections", |stop| {
        let mut slow: Vec<TcpStream> = (0..700)
            .map(|number| {
                let mut stream = TcpStream::connect(address).expect("it listens");
                let bytes =
                    if number % 2 == 0 { head.clone() } else { format!("{head}\r\n{{}}\n{{\"type\":") };
                stream.write_all(bytes.as_bytes()).expect("it is heard");
                stream
            })
            .collect();
        while !stop.load(Ordering::Relaxed) {
            for stream in &mut slow {
                stream.write_all(b"a").expect("it is still there");
            }
            thread::sleep(Duration::from_millis(200));
        }
        slow
    });
    for mut stream in slow {
        // The collector has kept each of them open for as long as it may be.
        stream.set_nonblocking(true).expect("a setting");
        let read = stream.read(&mut [0; 1]);
        assert!(read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
    collector.api().await_total(good.sent, PATIENCE);
}
