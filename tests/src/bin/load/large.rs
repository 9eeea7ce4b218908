//! A store that has grown: whether it takes events as fast as an empty one, and how long its pages take.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::load::{self, Door, Requests};
use error_sentinel_tests::{Collector, Person, Request, Setup};
use serde_json::{Value, json};

use crate::scenario::await_stored;

/// Different bugs among the events that fill it.
const BUGS: u64 = 2000;
/// Longest that the last event may take to be stored after it was accepted.
const DRAIN: Duration = Duration::from_secs(1800);
/// How often each page is opened.
const VISITS: usize = 200;

/// What a store is like before and after it has grown.
#[derive(Debug, Clone)]
pub struct Grown {
    event_count: u64,
    stored_per_second: [f64; 2],
    page_p95: Duration,
    api_p95: Duration,
}

impl Grown {
    /// Fills a store with `event_count` events; measures how fast it takes 12 KB events for `full` before and after.
    pub fn measure(event_count: u64, full: Duration) -> Grown {
        let mut collector = Setup::default().set("RATE_LIMIT", "off").start();
        let mut stored = 0;
        let empty = rate(&mut collector, 3000, full, &mut stored);
        let fill = Requests::new(collector.dsn(), Door::Envelope, 1536, BUGS, 3001);
        let never = AtomicBool::new(false);
        let outcome = load::closed(collector.address(), &fill, 0..event_count, 16, &never);
        outcome.assert_all(event_count);
        stored += event_count;
        collector.api().await_total(stored, DRAIN);
        let grown = rate(&mut collector, 3002, full, &mut stored);
        // Not before: a connection on which nothing comes for minutes is closed.
        let mut person = Person::signed_in(&collector);
        let token = collector.api().token().to_owned();
        let mut connection = collector.connect();
        let list = Request::get("/api/v1/issues").header("Authorization", format!("Bearer {token}"));
        Grown {
            event_count,
            stored_per_second: [empty, grown],
            page_p95: p95(|| person.open("/").status),
            api_p95: p95(|| connection.send(&list).expect("an answer").status),
        }
    }

    /// One line for people.
    pub fn text(&self) -> String {
        let [empty, grown] = self.stored_per_second;
        format!(
            "12 KB events stored/s: {empty:.0} on an empty store, {grown:.0} on {} events ({:.2}); issue list there p95 \
             {:.1} ms as a page, {:.1} ms by the API",
            self.event_count,
            grown / empty,
            self.page_p95.as_secs_f64() * 1000.0,
            self.api_p95.as_secs_f64() * 1000.0,
        )
    }

    /// All figures.
    pub fn json(&self) -> Value {
        let [empty, grown] = self.stored_per_second;
        json!({
            "event_count": self.event_count,
            "stored_per_second_empty": empty,
            "stored_per_second_grown": grown,
            "issue_page_p95_ms": self.page_p95.as_secs_f64() * 1000.0,
            "issue_api_p95_ms": self.api_p95.as_secs_f64() * 1000.0,
        })
    }
}

/// Events stored a second, from the first request until the last event can be counted; adds them to `stored`.
#[expect(clippy::cast_precision_loss)]
fn rate(collector: &mut Collector, run: u64, full: Duration, stored: &mut u64) -> f64 {
    let requests = Requests::new(collector.dsn(), Door::Envelope, 12 * 1024, 20, run);
    let stop = AtomicBool::new(false);
    let numbers: Range<u64> = 0..u64::MAX;
    let start = Instant::now();
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(full);
            stop.store(true, Ordering::Relaxed);
        });
        load::closed(collector.address(), &requests, numbers, 16, &stop)
    });
    let accepted = outcome.acknowledged.len() as u64;
    *stored += accepted;
    await_stored(collector, *stored, DRAIN);
    let stored_in = start.elapsed();
    collector.api().await_total(*stored, DRAIN);
    accepted as f64 / stored_in.as_secs_f64()
}

/// The time that 95 of 100 visits stayed within.
fn p95(mut visit: impl FnMut() -> u16) -> Duration {
    let mut times: Vec<Duration> = (0..VISITS)
        .map(|_| {
            let start = Instant::now();
            let status = visit();
            assert_eq!(status, 200);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[VISITS * 95 / 100]
}
