//! The state of delivery: one queue, at most one envelope on its way, and what became of everything else.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::mem;

use error_sentinel_wire::client_report::ClientReport;
use error_sentinel_wire::codec::JsonWriter;
use error_sentinel_wire::envelope::{EnvelopeWriter, Header};
use error_sentinel_wire::reply::{Category, Fate, Reply};
use error_sentinel_wire::{EventId, Sdk, UnixMs};

use super::losses::{Losses, Reason};
use super::queue::{Kept, Queue, Queued};
use super::rate_limit::RateLimit;
use super::retry::Retry;
use super::timeline::Timeline;
use super::{Limits, MonotonicMs, Outgoing, Output, stored};

/// How long losses wait for an event to travel with before they travel alone.
const REPORT_AGE_MS: u64 = 60_000;

/// What became of all that was enqueued, in occurrences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken in all: enqueued, lost before that, or restored from an earlier run.
    pub enqueued: u64,
    /// Stored by the collector.
    pub delivered: u64,
    /// Waiting in memory.
    pub queued: u64,
    /// In the envelope that is on its way.
    pub in_flight: u64,
    /// No longer in memory, but kept by the driver.
    pub spooled: u64,
    /// Given up, for whatever reason.
    pub lost: u64,
}

/// The state of delivery.
#[derive(Debug)]
pub struct Engine {
    limits: Limits,
    sdk: Sdk,
    time: Timeline,
    queue: Queue,
    /// What the envelope on its way holds.
    in_flight: Vec<Queued>,
    /// Losses that travel with it.
    reported: Losses,
    is_sending: bool,
    losses: Losses,
    losses_since: Option<MonotonicMs>,
    rate_limit: RateLimit,
    retry: Retry,
    takes_batches: bool,
    /// Events still to be sent alone, since the batch that they were in was refused.
    alone_count: usize,
    is_hurried: bool,
    last_sent_at: Option<MonotonicMs>,
    /// Events that only their copies are left of, with the errors that they stand for.
    spooled: BTreeMap<EventId, u64>,
    /// Copies that are no longer needed.
    to_forget: VecDeque<EventId>,
    enqueued_count: u64,
    delivered_count: u64,
    lost_count: u64,
}

impl Engine {
    /// An engine that holds nothing. `seed` spreads the retries of many programs that failed at once.
    pub fn new(limits: Limits, sdk: Sdk, seed: u64) -> Engine {
        Engine {
            queue: Queue::new(limits.queue_count, limits.queue_bytes),
            limits,
            sdk,
            time: Timeline::default(),
            in_flight: Vec::new(),
            reported: Losses::default(),
            is_sending: false,
            losses: Losses::default(),
            losses_since: None,
            rate_limit: RateLimit::default(),
            retry: Retry::new(seed),
            takes_batches: false,
            alone_count: 0,
            is_hurried: false,
            last_sent_at: None,
            spooled: BTreeMap::new(),
            to_forget: VecDeque::new(),
            enqueued_count: 0,
            delivered_count: 0,
            lost_count: 0,
        }
    }

    /// Takes an event; when there is no room, the oldest make it, since the newest tell most about now.
    pub fn enqueue(&mut self, event: Outgoing, now: MonotonicMs) {
        self.time.advance(now);
        let kept = if self.keeps_copies() { Kept::Unasked } else { Kept::No };
        self.take_in(Queued { event, kept });
    }

    /// Takes an event that an earlier run left, or that only a copy was left of. One that is here already stays one.
    pub fn restore(&mut self, event: Outgoing, now: MonotonicMs) {
        self.time.advance(now);
        let id = event.event_id;
        if self.queue.find(id).is_some() || self.in_flight.iter().any(|queued| queued.event.event_id == id) {
            return;
        }
        if let Some(count) = self.spooled.remove(&id) {
            self.enqueued_count = self.enqueued_count.saturating_sub(count);
        }
        self.take_in(Queued { event, kept: Kept::Yes });
    }

    /// Counts what was lost before it came here.
    pub fn lose(&mut self, reason: Reason, count: u64) {
        self.enqueued_count = self.enqueued_count.saturating_add(count);
        self.count_loss(reason, count);
    }

    /// The copy kept under this name cannot be read any more.
    pub fn handle_unreadable(&mut self, event_id: EventId) {
        match self.spooled.remove(&event_id) {
            Some(count) => self.count_loss(Reason::Internal, count),
            // It was an earlier run's; nobody knows how many errors it stood for.
            None => self.lose(Reason::Internal, 1),
        }
    }

    /// Whether the driver kept the copy that it was asked for.
    pub fn handle_kept(&mut self, event_id: EventId, is_kept: bool) {
        if !is_kept {
            return;
        }
        let flying = self.in_flight.iter_mut().find(|queued| queued.event.event_id == event_id);
        match flying.or_else(|| self.queue.find(event_id)) {
            Some(queued) => queued.kept = Kept::Yes,
            // It left meanwhile, one way or the other.
            None => self.to_forget.push_back(event_id),
        }
    }

    /// The collector answered.
    pub fn handle_reply(&mut self, reply: &Reply, now: MonotonicMs) {
        let now = self.time.advance(now);
        if !mem::take(&mut self.is_sending) {
            return;
        }
        self.rate_limit.pause(&reply.pauses, now);
        self.takes_batches |= reply.takes_batches;
        match reply.fate {
            Fate::Stored => {
                self.delivered_count = self.delivered_count.saturating_add(self.in_flight_count());
                self.forget_in_flight();
                self.reported = Losses::default();
                self.retry.succeeded();
            }
            // One event of a batch may be to blame: each gets its own chance.
            Fate::Refused if self.in_flight.len() > 1 => {
                self.alone_count = self.in_flight.len();
                self.put_back(Reason::QueueOverflow);
                self.retry.succeeded();
            }
            Fate::Refused => {
                self.count_loss(Reason::SendError, self.in_flight_count());
                self.forget_in_flight();
                self.take_losses_back();
                self.retry.succeeded();
            }
            Fate::Limited => {
                self.put_back(Reason::RateLimit);
                if !self.rate_limit.is_paused(Category::Error, now) {
                    // The limit is on something else, yet it was our envelope.
                    self.retry.failed(now);
                }
            }
            Fate::Retry => {
                self.put_back(Reason::QueueOverflow);
                self.retry.failed(now);
            }
        }
        self.calm();
    }

    /// There was no answer.
    pub fn handle_failure(&mut self, now: MonotonicMs) {
        let now = self.time.advance(now);
        if mem::take(&mut self.is_sending) {
            self.put_back(Reason::QueueOverflow);
            self.retry.failed(now);
            self.calm();
        }
    }

    /// Lets batches leave before they are full, and losses without an event, until nothing is left. What waits after a
    /// failure gets one more try at once; what the collector asked to hold back is held back.
    pub fn hurry(&mut self) {
        self.is_hurried = true;
        self.retry.try_now();
    }

    /// Lets go of everything at once: the process ends, and whoever takes the envelopes from now on answers for
    /// them. Says whether the collector or a failure had asked to wait, so that a driver can keep them instead of
    /// sending them.
    pub fn hand_over(&mut self, now: MonotonicMs) -> bool {
        let now = self.time.advance(now);
        let until = self.retry.next_at().max(self.rate_limit.until(Category::Error));
        self.is_hurried = true;
        self.retry.succeeded();
        self.rate_limit = RateLimit::default();
        until > now
    }

    /// What to do next. `sent_at` is the wall clock's time, for the envelope's header.
    pub fn poll(&mut self, now: MonotonicMs, sent_at: UnixMs) -> Output {
        let now = self.time.advance(now);
        if self.keeps_copies() {
            if let Some(event_id) = self.to_forget.pop_front() {
                return Output::Forget(event_id);
            }
            if let Some(event) = self.queue.ask_for_copy() {
                return Output::Spool { event_id: event.event_id, bytes: stored::encode(event) };
            }
        }
        if self.is_sending {
            // One envelope at a time; its answer decides about the next.
            return Output::Idle;
        }
        let Some(due) = self.due_at() else { return Output::Idle };
        if due > now {
            return Output::Wait(self.time.of_driver(due));
        }
        let (count, bytes) = if self.takes_batches && self.alone_count == 0 {
            (self.limits.batch_count, self.limits.batch_bytes)
        } else {
            (1, 0)
        };
        self.alone_count = self.alone_count.saturating_sub(1);
        self.in_flight = self.queue.take(count, bytes);
        self.reported = mem::take(&mut self.losses);
        self.losses_since = None;
        self.is_sending = true;
        self.last_sent_at = Some(now);
        Output::Send(self.envelope(sent_at))
    }

    /// When the next envelope may leave; `None` when there is nothing to send.
    fn due_at(&self) -> Option<MonotonicMs> {
        let filled_at = if self.queue.is_empty() {
            let since = self.losses_since?;
            if self.is_hurried { since } else { since.plus_ms(REPORT_AGE_MS) }
        } else {
            self.batch_closes_at()
        };
        Some(filled_at.max(self.retry.next_at()).max(self.rate_limit.until(Category::Error)))
    }

    fn batch_closes_at(&self) -> MonotonicMs {
        let is_full = self.queue.len() >= self.limits.batch_count
            || self.queue.byte_count() >= self.limits.batch_bytes
            || self.queue.has_urgent();
        match self.last_sent_at {
            Some(sent_at) if self.takes_batches && self.alone_count == 0 && !is_full && !self.is_hurried => {
                sent_at.plus_ms(self.limits.batch_age_ms)
            }
            _ => MonotonicMs::default(),
        }
    }

    /// Whether it is time to hand in what earlier runs left: the way is free and nothing newer waits.
    pub fn wants_stored(&self) -> bool {
        let now = self.time.now();
        self.keeps_copies()
            && self.queue.is_empty()
            && !self.is_sending
            // What is stored and not yet forgotten would be sent again.
            && self.to_forget.is_empty()
            && self.retry.next_at() <= now
            && !self.rate_limit.is_paused(Category::Error, now)
    }

    /// Most events to hand in at a time.
    pub fn batch_count(&self) -> usize {
        self.limits.batch_count
    }

    /// Whether only its copy is left of this event of ours.
    pub fn is_spooled(&self, event_id: EventId) -> bool {
        self.spooled.contains_key(&event_id)
    }

    /// An event that only its copy is left of.
    pub fn next_spooled(&self) -> Option<EventId> {
        self.spooled.keys().next().copied()
    }

    /// Whether everything that was enqueued has left, is kept, or was given up; when hurried, the losses told too.
    pub fn is_empty(&self) -> bool {
        let is_told = !self.is_hurried || self.losses.is_empty();
        self.queue.is_empty() && !self.is_sending && is_told
    }

    /// Where everything is, in occurrences.
    pub fn counts(&self) -> Counts {
        Counts {
            enqueued: self.enqueued_count,
            delivered: self.delivered_count,
            queued: self.queue.occurrence_count(),
            in_flight: self.in_flight_count(),
            spooled: self.spooled.values().fold(0, |sum, count| sum.saturating_add(*count)),
            lost: self.lost_count,
        }
    }

    /// Events in memory.
    pub fn held_count(&self) -> usize {
        self.queue.len() + self.in_flight.len()
    }

    /// Never where the feature `copies` is off: a driver that cannot keep any does not carry their code either.
    fn keeps_copies(&self) -> bool {
        cfg!(feature = "copies") && self.limits.keeps_copies
    }

    fn take_in(&mut self, queued: Queued) {
        self.enqueued_count = self.enqueued_count.saturating_add(queued.event.occurrence_count);
        let evicted = self.queue.push(queued);
        let is_paused = self.rate_limit.is_paused(Category::Error, self.time.now());
        self.let_go(evicted, if is_paused { Reason::RateLimit } else { Reason::QueueOverflow });
    }

    /// What there is no room for lives on where a copy was kept, and is lost otherwise.
    fn let_go(&mut self, evicted: Vec<Queued>, reason: Reason) {
        for Queued { event, kept } in evicted {
            if kept == Kept::Yes && self.keeps_copies() {
                self.spooled.insert(event.event_id, event.occurrence_count);
            } else {
                self.count_loss(reason, event.occurrence_count);
            }
        }
    }

    fn count_loss(&mut self, reason: Reason, count: u64) {
        self.losses.add(reason, count);
        self.lost_count = self.lost_count.saturating_add(count);
        self.losses_since.get_or_insert(self.time.now());
    }

    fn in_flight_count(&self) -> u64 {
        self.in_flight.iter().fold(0, |sum, queued| sum.saturating_add(queued.event.occurrence_count))
    }

    fn forget_in_flight(&mut self) {
        for queued in mem::take(&mut self.in_flight) {
            if queued.kept == Kept::Yes && self.keeps_copies() {
                self.to_forget.push_back(queued.event.event_id);
            }
        }
    }

    /// Puts what was in flight back in line, where it was.
    fn put_back(&mut self, reason: Reason) {
        let evicted = self.queue.put_back(mem::take(&mut self.in_flight));
        self.let_go(evicted, reason);
        self.take_losses_back();
    }

    /// What was not stored did not tell the collector of losses either.
    fn take_losses_back(&mut self) {
        let reported = mem::take(&mut self.reported);
        self.losses.merge(&reported);
        if !self.losses.is_empty() {
            self.losses_since.get_or_insert(self.time.now());
        }
    }

    /// Ends the hurry when nothing but losses is left that could not be told.
    fn calm(&mut self) {
        if self.queue.is_empty() && (self.losses.is_empty() || self.retry.next_at() > self.time.now()) {
            self.is_hurried = false;
        }
    }

    fn envelope(&self, sent_at: UnixMs) -> Vec<u8> {
        let only = match self.in_flight.as_slice() {
            [one] => Some(one.event.event_id),
            _ => None,
        };
        let header = Header {
            event_id: only,
            sent_at: Some(sent_at),
            sdk: Some(self.sdk.clone()),
            ..Header::default()
        };
        let mut envelope = EnvelopeWriter::new(&header);
        for Queued { event, .. } in &self.in_flight {
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
}
