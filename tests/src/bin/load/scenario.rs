//! The runs that are measured.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::load::{self, Door, Outcome, Requests};
use error_sentinel_tests::{Bugsink, Collector, Setup, Usage, eventually};
use serde_json::{Value, json};

use crate::bare::Bare;
use crate::figures::disk;

/// Different bugs among the events.
const BUGS: u64 = 20;
/// Longest that the last event may take to be stored after it was accepted.
const DRAIN: Duration = Duration::from_secs(300);

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Each steady run.
    pub steady: Duration,
    /// Each run at full load.
    pub full: Duration,
    /// How often each steady run is repeated, turn and turn about; the middle one counts.
    pub rounds: usize,
}

/// One run's figures.
#[derive(Debug, Clone)]
pub struct Measured {
    server: &'static str,
    door: Door,
    event_bytes: usize,
    /// Whether every event came by a connection of its own.
    is_anew: bool,
    /// What became of the load.
    pub outcome: Outcome,
    /// Memory at the end, and processor time of the run alone.
    pub usage: Usage,
    /// Events stored per second, from the first request on; the API counts them all then.
    pub stored_per_second: Option<f64>,
    /// Bytes that the data folder grew by per event.
    pub disk_bytes_per_event: Option<f64>,
}

impl Measured {
    /// What was measured.
    pub fn name(&self) -> String {
        let door = match self.door {
            Door::Envelope => "envelope",
            Door::LogError => "/log-error",
        };
        let anew = if self.is_anew { ", new connections" } else { "" };
        format!("{} {door} {:.1} KB{anew}", self.server, count(self.event_bytes as u64) / 1024.0)
    }

    /// Processor time of the server per event, in microseconds.
    pub fn processor_us_per_event(&self) -> f64 {
        self.usage.processor.as_secs_f64() * 1e6 / count(self.outcome.acknowledged.len() as u64).max(1.0)
    }

    /// Requests that got another answer or none.
    pub fn not_acknowledged(&self) -> u64 {
        self.outcome.broken + self.outcome.refused.values().sum::<u64>()
    }

    /// All figures.
    pub fn json(&self) -> Value {
        let ms = |share: f64| self.outcome.quantile(share).as_secs_f64() * 1000.0;
        json!({
            "name": self.name(),
            "event_bytes": self.event_bytes,
            "acknowledged_count": self.outcome.acknowledged.len(),
            "not_acknowledged_count": self.not_acknowledged(),
            "acknowledged_per_second": self.outcome.per_second(),
            "p50_ms": ms(0.5),
            "p99_ms": ms(0.99),
            "max_ms": ms(1.0),
            "processor_us_per_event": self.processor_us_per_event(),
            "resident_bytes": self.usage.resident_bytes,
            "stored_per_second": self.stored_per_second,
            "disk_bytes_per_event": self.disk_bytes_per_event,
        })
    }
}

/// 500 events/s of 12 KB, through both doors, beside the bare handler.
pub fn steady(plan: &Plan) -> Vec<Measured> {
    let mut rows = Vec::new();
    for door in [Door::Envelope, Door::LogError] {
        // Turn and turn about, so that a neighbour's load on the machine meets both alike.
        let mut rounds: [Vec<Measured>; 2] = [Vec::new(), Vec::new()];
        for round in 0..plan.rounds {
            rounds[0].push(on_bare(door, 12 * 1024, |address, requests| {
                load::open(address, requests, 500, plan.steady, 16)
            }));
            let run = 1000 + round as u64;
            rounds[1].push(on_collector(Setup::default(), door, 12 * 1024, run, |address, requests| {
                load::open(address, requests, 500, plan.steady, 16)
            }));
        }
        for mut measured in rounds {
            measured.sort_by_key(|row| row.outcome.quantile(0.99));
            rows.push(measured.swap_remove(measured.len() / 2));
        }
    }
    rows
}

/// As fast as it is answered, for three sizes and for new connections, beside the bare handler and, where there is
/// one, beside Bugsink, whose server makes a new connection of every request.
pub fn full(plan: &Plan, with_bugsink: bool) -> Vec<Measured> {
    let mut rows = Vec::new();
    for (run, event_bytes) in [1536, 12 * 1024, 60 * 1024].into_iter().enumerate() {
        rows.extend(full_of(plan, event_bytes, 2000 + run as u64));
    }
    let mut anew = vec![
        on_bare(Door::Envelope, 12 * 1024, flood(plan, load::closed_anew)),
        on_collector(unlimited(), Door::Envelope, 12 * 1024, 2100, flood(plan, load::closed_anew)),
    ];
    if with_bugsink {
        anew.push(on_bugsink(Door::Envelope, 12 * 1024, flood(plan, load::closed_anew)));
    }
    for row in &mut anew {
        row.is_anew = true;
    }
    rows.extend(anew);
    rows
}

/// Events of one size as fast as they are answered, over connections that stay, beside the bare handler.
pub fn full_of(plan: &Plan, event_bytes: usize, run: u64) -> Vec<Measured> {
    vec![
        on_bare(Door::Envelope, event_bytes, flood(plan, load::closed)),
        on_collector(unlimited(), Door::Envelope, event_bytes, run, flood(plan, load::closed)),
    ]
}

fn unlimited() -> Setup {
    Setup::default().set("RATE_LIMIT", "off")
}

fn flood(plan: &Plan, send: Flood) -> impl Fn(SocketAddr, &Requests) -> Outcome {
    let full = plan.full;
    move |address, requests| {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(full);
                stop.store(true, Ordering::Relaxed);
            });
            send(address, requests, 0..u64::MAX, 16, &stop)
        })
    }
}

/// A way to send as fast as it is answered.
type Flood = fn(SocketAddr, &Requests, Range<u64>, usize, &AtomicBool) -> Outcome;

fn on_bare(door: Door, event_bytes: usize, send: impl Fn(SocketAddr, &Requests) -> Outcome) -> Measured {
    let bare = Bare::start();
    let dsn = format!("http://{}@{}/1", "0".repeat(31) + "1", bare.address);
    let dsn = error_sentinel_wire::Dsn::parse(&dsn).expect("a DSN");
    let requests = Requests::new(&dsn, door, event_bytes, BUGS, 1);
    let before = bare.usage();
    let outcome = send(bare.address, &requests);
    let usage = spent(before, bare.usage());
    Measured {
        server: "bare handler",
        door,
        event_bytes,
        is_anew: false,
        outcome,
        usage,
        stored_per_second: None,
        disk_bytes_per_event: None,
    }
}

fn on_collector(
    setup: Setup,
    door: Door,
    event_bytes: usize,
    run: u64,
    send: impl Fn(SocketAddr, &Requests) -> Outcome,
) -> Measured {
    let mut collector = setup.start();
    let api = collector.api();
    let requests = Requests::new(collector.dsn(), door, event_bytes, BUGS, run);
    let disk_before = disk::bytes(collector.data_dir());
    let before = collector.usage();
    let start = Instant::now();
    let outcome = send(collector.address(), &requests);
    let accepted = outcome.acknowledged.len() as u64;
    await_stored(&collector, accepted, DRAIN);
    let stored_in = start.elapsed();
    api.await_total(accepted, DRAIN);
    // Digesting goes on behind the answers, so its cost is part of an event's cost.
    let usage = spent(before, collector.usage());
    collector.terminate(Duration::from_secs(15));
    let grown = disk::bytes(collector.data_dir()).saturating_sub(disk_before);
    Measured {
        server: "collector",
        door,
        event_bytes,
        is_anew: false,
        outcome,
        usage,
        stored_per_second: Some(count(accepted) / stored_in.as_secs_f64()),
        disk_bytes_per_event: Some(count(grown) / count(accepted).max(1.0)),
    }
}

/// Waits until the store has `expected` events. To ask for the issues again and again would slow down what is measured,
/// the more the more issues there are.
pub fn await_stored(collector: &Collector, expected: u64, within: Duration) {
    eventually(&format!("{expected} events are stored"), within, || {
        (collector.metric("error_sentinel_digested_events") >= expected).then_some(())
    });
}

fn on_bugsink(door: Door, event_bytes: usize, send: impl Fn(SocketAddr, &Requests) -> Outcome) -> Measured {
    let bugsink = Bugsink::start();
    let requests = Requests::new(&bugsink.dsn, door, event_bytes, BUGS, 1);
    let disk_before = disk::bytes(&bugsink.folder());
    let before = bugsink.usage();
    let start = Instant::now();
    let outcome = send(bugsink.address, &requests);
    let accepted = outcome.acknowledged.len() as u64;
    eventually("Bugsink has digested what it acknowledged", DRAIN, || {
        (bugsink.stored_count() >= accepted).then_some(())
    });
    let stored_in = start.elapsed();
    let usage = spent(before, bugsink.usage());
    let grown = disk::bytes(&bugsink.folder()).saturating_sub(disk_before);
    Measured {
        server: "Bugsink",
        door,
        event_bytes,
        is_anew: false,
        outcome,
        usage,
        stored_per_second: Some(count(accepted) / stored_in.as_secs_f64()),
        disk_bytes_per_event: Some(count(grown) / count(accepted).max(1.0)),
    }
}

fn spent(before: Usage, after: Usage) -> Usage {
    Usage { processor: after.processor.saturating_sub(before.processor), ..after }
}

#[expect(clippy::cast_precision_loss)]
fn count(number: u64) -> f64 {
    number as f64
}
