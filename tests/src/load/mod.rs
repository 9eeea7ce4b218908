//! Load: many events from many connections, and how long each acknowledgement took.
//!
//! [`closed`] sends the next event as soon as the last one is answered and finds what the collector can take;
//! [`open`] sends at a steady rate and finds how long an answer takes at that rate, counted from the moment when
//! the event was *due*, so that a stalled collector cannot hide behind a waiting client.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_wire::Dsn;

use crate::http::{Connection, Request};
use crate::payload;

/// Distinct texts of each bug; enough that they do not compress into one another.
const VARIANTS: u64 = 32;

/// The two ways in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `POST /api/<project>/envelope/`.
    Envelope,
    /// `POST /log-error`.
    LogError,
}

/// Whole requests, ready but for the event's id.
#[derive(Debug, Clone)]
pub struct Requests {
    /// The bytes of each, and where in them the id goes.
    requests: Vec<(Vec<u8>, Vec<usize>)>,
    run: u64,
}

impl Requests {
    /// Requests for the project of `dsn`, of about `event_bytes` each, spread over `bugs` different bugs. `run`
    /// keeps the ids of this load apart from those of others.
    pub fn new(dsn: &Dsn, door: Door, event_bytes: usize, bugs: u64, run: u64) -> Requests {
        let key = dsn.public_key.to_string();
        let build = |number: u64| {
            let (bug, variant) = (number % bugs, number / bugs);
            let request = match door {
                Door::Envelope => {
                    let json = payload::event_json(bug, variant, event_bytes);
                    Request::post(
                        &format!("/api/{}/envelope/", dsn.project_id),
                        payload::envelope_to_name(&json),
                    )
                    .header("X-Sentry-Auth", format!("Sentry sentry_version=7, sentry_key={key}"))
                    .header("Content-Type", "application/x-sentry-envelope")
                }
                Door::LogError => {
                    Request::post("/log-error", payload::log_error_json(bug, variant, event_bytes))
                        .header("X-Sentinel-Key", &key)
                        .header("Content-Type", "application/json")
                }
            };
            let bytes = request.bytes(&dsn.host);
            let offsets = payload::id_offsets(&bytes);
            (bytes, offsets)
        };
        Requests { requests: (0..VARIANTS.max(bugs)).map(build).collect(), run }
    }

    /// With one more header in each.
    pub fn header(mut self, name: &str, value: &str) -> Requests {
        for (bytes, offsets) in &mut self.requests {
            let line = format!("{name}: {value}\r\n");
            let at = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            bytes.splice(at..at, line.bytes());
            for offset in offsets {
                *offset += line.len();
            }
        }
        self
    }

    /// Bytes of the request with this number, its id filled in by `scratch`.
    fn fill<'a>(&self, number: u64, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let index = usize::try_from(number % self.requests.len() as u64).unwrap_or_default();
        let (bytes, offsets) = &self.requests[index];
        scratch.clear();
        scratch.extend_from_slice(bytes);
        let id = payload::event_id(self.run, number);
        for &offset in offsets {
            scratch[offset..offset + id.len()].copy_from_slice(id.as_bytes());
        }
        scratch
    }

    /// The id of the event with this number.
    pub fn id(&self, number: u64) -> String {
        payload::event_id(self.run, number)
    }
}

/// What became of a load.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Numbers of the events that were acknowledged.
    pub acknowledged: Vec<u64>,
    /// Other answers, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Requests whose connection broke; whether they were accepted nobody knows.
    pub broken: u64,
    /// How long each acknowledgement took, in microseconds, sorted.
    pub latencies_us: Vec<u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

impl Outcome {
    /// The latency that `share` of the acknowledgements stayed within (0.99 for p99).
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.latencies_us.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = (share * last as f64).round() as usize;
        Duration::from_micros(self.latencies_us.get(index).copied().unwrap_or_default())
    }

    /// Acknowledgements per second.
    pub fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss)]
        let count = self.acknowledged.len() as f64;
        count / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// That every single event was acknowledged.
    ///
    /// # Panics
    /// When one was not, saying what became of the others.
    #[track_caller]
    pub fn assert_all(&self, count: u64) {
        assert!(
            self.refused.is_empty() && self.broken == 0,
            "refused: {:?}, broken: {}, acknowledged: {}",
            self.refused,
            self.broken,
            self.acknowledged.len()
        );
        assert_eq!(self.acknowledged.len() as u64, count);
    }

    fn merge(parts: Vec<Outcome>, elapsed: Duration) -> Outcome {
        let mut whole = Outcome { elapsed, ..Outcome::default() };
        for part in parts {
            whole.acknowledged.extend(part.acknowledged);
            whole.latencies_us.extend(part.latencies_us);
            whole.broken += part.broken;
            for (status, count) in part.refused {
                *whole.refused.entry(status).or_default() += count;
            }
        }
        whole.latencies_us.sort_unstable();
        whole
    }

    fn note(&mut self, number: u64, answer: io::Result<u16>, due: Instant) -> bool {
        match answer {
            Ok(200..300) => {
                self.acknowledged.push(number);
                self.latencies_us.push(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
                true
            }
            Ok(status) => {
                *self.refused.entry(status).or_default() += 1;
                true
            }
            Err(_) => {
                self.broken += 1;
                false
            }
        }
    }
}

/// Sends the events `numbers` over `connections` connections, each as fast as it is answered, until all are sent,
/// `stop` is set, or the collector is gone.
///
/// # Panics
/// When a thread cannot be started.
pub fn closed(
    address: SocketAddr,
    requests: &Requests,
    numbers: std::ops::Range<u64>,
    connections: usize,
    stop: &AtomicBool,
) -> Outcome {
    flood(address, requests, numbers, connections, stop, true)
}

/// The same with a new connection for every event, as of applications that start, fail and end; connecting is part of
/// how long an answer takes.
///
/// # Panics
/// As [`closed`].
pub fn closed_anew(
    address: SocketAddr,
    requests: &Requests,
    numbers: std::ops::Range<u64>,
    connections: usize,
    stop: &AtomicBool,
) -> Outcome {
    flood(address, requests, numbers, connections, stop, false)
}

fn flood(
    address: SocketAddr,
    requests: &Requests,
    numbers: std::ops::Range<u64>,
    connections: usize,
    stop: &AtomicBool,
    keep_alive: bool,
) -> Outcome {
    let next = AtomicU64::new(numbers.start);
    let start = Instant::now();
    let run = || {
        let mut outcome = Outcome::default();
        let mut scratch = Vec::new();
        let mut kept = None;
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                break;
            }
            let bytes = requests.fill(number, &mut scratch);
            let sent = Instant::now();
            let answer = match kept.take().map_or_else(|| Connection::open(address), Ok) {
                Ok(mut connection) => {
                    let answer = connection.send_bytes(bytes).map(|reply| reply.status);
                    kept = keep_alive.then_some(connection);
                    answer
                }
                Err(error) => Err(error),
            };
            if !outcome.note(number, answer, sent) {
                break;
            }
        }
        outcome
    };
    let parts = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("the load thread runs")).collect()
    });
    Outcome::merge(parts, start.elapsed())
}

/// Sends events at a steady `per_second` for `time`, spread evenly over `connections` connections.
///
/// # Panics
/// When a thread cannot be started.
pub fn open(
    address: SocketAddr,
    requests: &Requests,
    per_second: u64,
    time: Duration,
    connections: u64,
) -> Outcome {
    let total = u64::try_from(time.as_millis()).unwrap_or_default() * per_second / 1000;
    let start = Instant::now() + Duration::from_millis(20);
    let run = |lane: u64| {
        let mut outcome = Outcome::default();
        let mut scratch = Vec::new();
        let mut connection = Connection::open(address).ok();
        for number in (lane..total).step_by(usize::try_from(connections).unwrap_or(1)) {
            let due = start + Duration::from_micros(number * 1_000_000 / per_second);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let bytes = requests.fill(number, &mut scratch);
            let answer = match &mut connection {
                Some(open) => open.send_bytes(bytes).map(|reply| reply.status),
                None => Err(io::ErrorKind::NotConnected.into()),
            };
            if !outcome.note(number, answer, due) {
                connection = Connection::open(address).ok();
            }
        }
        outcome
    };
    let parts = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|lane| scope.spawn(move || run(lane))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the load thread runs")).collect()
    });
    Outcome::merge(parts, start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let outcome = Outcome { latencies_us: (1..=100).collect(), ..Outcome::default() };
        assert_eq!(outcome.quantile(0.5).as_micros(), 51);
        assert_eq!(outcome.quantile(0.99).as_micros(), 99);
        assert_eq!(Outcome::default().quantile(0.5), Duration::ZERO);
    }
}
