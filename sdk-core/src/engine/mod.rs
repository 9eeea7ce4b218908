//! Delivery without input or output: what to send when, what to keep, what to give up.
//!
//! The engine reads no clock, opens nothing and spawns nothing; it is told the time and what happened, and
//! answers what to do next. So the same code serves a thread, a browser's event loop and a foreign host, and
//! its tests need no waiting. Events come in by [`Engine::enqueue`], answers by [`Engine::handle_reply`] and
//! [`Engine::handle_failure`]; after each of these, [`Engine::poll`] says what is next.
//!
//! Conservation: enqueued = delivered + queued + in flight + lost by reason. A property test holds it to that.

use error_sentinel_wire::client_report::ClientReport;
use error_sentinel_wire::codec::JsonWriter;
use error_sentinel_wire::envelope::{EnvelopeWriter, Header};
use error_sentinel_wire::reply::{Category, Fate, Reply};
use error_sentinel_wire::{EventId, Sdk, UnixMs};

mod losses;
mod queue;
mod rate_limit;
mod retry;
#[cfg(test)]
mod tests;

pub use losses::{Losses, Reason};
pub use queue::{Queue, Queued};
use rate_limit::RateLimit;
use retry::Retry;

/// Milliseconds of a clock that never goes back; its zero means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonotonicMs(pub u64);

impl MonotonicMs {
    /// The time `ms` later.
    pub fn plus_ms(self, ms: u64) -> MonotonicMs {
        MonotonicMs(self.0.saturating_add(ms))
    }

    /// Milliseconds until this time; 0 when it has come.
    pub fn after(self, now: MonotonicMs) -> u64 {
        self.0.saturating_sub(now.0)
    }
}

/// Bounds of what the engine holds and sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most events held.
    pub queue_count: usize,
    /// Most bytes of events held.
    pub queue_bytes: usize,
    /// Most events of one envelope, once the collector takes batches.
    pub batch_count: usize,
    /// Most bytes of one batch.
    pub batch_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // A burst of a thousand errors fits, and the host never misses the memory.
        Limits { queue_count: 1000, queue_bytes: 4 << 20, batch_count: 50, batch_bytes: 256 << 10 }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this envelope and tell what came of it.
    Send(Vec<u8>),
    /// Nothing before this time, unless something is enqueued.
    Wait(MonotonicMs),
    /// Nothing at all until something is enqueued.
    Idle,
}

/// The state of delivery.
#[derive(Debug)]
pub struct Engine {
    limits: Limits,
    queue: Queue,
    in_flight: Vec<Queued>,
    /// Losses that travel with what is in flight.
    reported: Losses,
    losses: Losses,
    rate_limit: RateLimit,
    retry: Retry,
    takes_batches: bool,
    enqueued_count: u64,
    delivered_count: u64,
    sdk: Sdk,
}

impl Engine {
    /// An engine that holds nothing. `seed` spreads the retries of many programs that failed at once.
    pub fn new(limits: Limits, sdk: Sdk, seed: u64) -> Engine {
        Engine {
            queue: Queue::new(limits.queue_count, limits.queue_bytes),
            limits,
            in_flight: Vec::new(),
            reported: Losses::default(),
            losses: Losses::default(),
            rate_limit: RateLimit::default(),
            retry: Retry::new(seed),
            takes_batches: false,
            enqueued_count: 0,
            delivered_count: 0,
            sdk,
        }
    }

    /// Takes an event; when there is no room, the oldest make it, since the newest tell most about now.
    pub fn enqueue(&mut self, event_id: EventId, json: Vec<u8>, now: MonotonicMs) {
        self.enqueued_count += 1;
        if self.rate_limit.is_paused(Category::Error, now) {
            self.losses.add(Reason::RateLimit, 1);
            return;
        }
        let evicted_count = self.queue.push(Queued { event_id, json });
        self.losses.add(Reason::QueueOverflow, evicted_count);
    }

    /// Counts what was lost before it came here.
    pub fn lose(&mut self, reason: Reason, count: u64) {
        self.enqueued_count += count;
        self.losses.add(reason, count);
    }

    /// What to do next. `sent_at` is the wall clock's time, for the envelope's header.
    pub fn poll(&mut self, now: MonotonicMs, sent_at: UnixMs) -> Output {
        if !self.in_flight.is_empty() || !self.reported.is_empty() {
            // One envelope at a time; its answer decides about the next.
            return Output::Idle;
        }
        if self.queue.is_empty() {
            return Output::Idle;
        }
        let until = self.retry.next_at().max(self.rate_limit.until(Category::Error));
        if until > now {
            return Output::Wait(until);
        }
        let (count, bytes) =
            if self.takes_batches { (self.limits.batch_count, self.limits.batch_bytes) } else { (1, 0) };
        self.in_flight = self.queue.take(count, bytes);
        self.reported = std::mem::take(&mut self.losses);
        Output::Send(self.envelope(sent_at))
    }

    /// The collector answered.
    pub fn handle_reply(&mut self, reply: &Reply, now: MonotonicMs) {
        self.rate_limit.pause(&reply.pauses, now);
        self.takes_batches |= reply.takes_batches;
        match reply.fate {
            Fate::Retry => return self.put_back(now),
            Fate::Stored => self.delivered_count += self.in_flight.len() as u64,
            // What was refused was not stored, and neither were the losses that travelled with it.
            Fate::Refused => self.give_up(Reason::SendError),
            Fate::Limited => self.give_up(Reason::RateLimit),
        }
        self.in_flight.clear();
        self.reported = Losses::default();
        self.retry.succeeded();
    }

    /// There was no answer.
    pub fn handle_failure(&mut self, now: MonotonicMs) {
        self.put_back(now);
    }

    fn give_up(&mut self, reason: Reason) {
        self.losses.add(reason, self.in_flight.len() as u64);
        self.losses.merge(&self.reported);
    }

    /// Puts what was in flight back in line, where it was.
    fn put_back(&mut self, now: MonotonicMs) {
        let evicted_count = self.queue.put_back(std::mem::take(&mut self.in_flight));
        self.losses.add(Reason::QueueOverflow, evicted_count);
        let reported = std::mem::take(&mut self.reported);
        self.losses.merge(&reported);
        self.retry.failed(now);
    }

    fn envelope(&self, sent_at: UnixMs) -> Vec<u8> {
        let only = match &self.in_flight[..] {
            [one] => Some(one.event_id),
            _ => None,
        };
        let header = Header {
            event_id: only,
            sent_at: Some(sent_at),
            sdk: Some(self.sdk.clone()),
            ..Header::default()
        };
        let mut envelope = EnvelopeWriter::new(&header);
        for event in &self.in_flight {
            envelope.item("event", Some(event.event_id), &event.json);
        }
        if !self.reported.is_empty() {
            let report = ClientReport { timestamp: Some(sent_at), discarded: self.reported.discarded() };
            let mut json = JsonWriter::default();
            report.write(&mut json);
            envelope.item("client_report", None, &json.into_bytes());
        }
        envelope.into_bytes()
    }

    /// Whether everything that was enqueued has left or was given up.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.in_flight.is_empty()
    }

    /// Events taken so far.
    pub fn enqueued_count(&self) -> u64 {
        self.enqueued_count
    }

    /// Events that the collector has stored.
    pub fn delivered_count(&self) -> u64 {
        self.delivered_count
    }

    /// Events that wait or are on their way.
    pub fn held_count(&self) -> u64 {
        (self.queue.len() + self.in_flight.len()) as u64
    }
}
