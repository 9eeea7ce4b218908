//! What one page remembers and has to send: the core itself, apart from how the script reaches it.
//!
//! Times come in as the page's: `now_ms` of a clock that never goes back, `time_ms` since 1970.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel::breadcrumbs::Ring;
use error_sentinel::engine::{
    Collapsed, Engine, Limits, MonotonicMs, Outgoing, Output, Reason, Sighting, Storms, Verdict, hash,
};
use error_sentinel::{scrub_object, scrub_occurrences};
use error_sentinel_wire::codec::JsonWriter;
use error_sentinel_wire::reply::{CAPABILITY_HEADER, Fate, RATE_LIMITS_HEADER, Reply};
use error_sentinel_wire::{EventId, Object, Occurrences, Sdk, UnixMs, Value, limits, search};

use crate::debug_id::DebugIds;
use crate::record::{parse_object, parse_record};

/// What the envelopes say they are of.
const NAME: &str = "error-sentinel.browser";
/// Most bytes of one envelope: what a browser lets a closing page send is 64 KiB, headers included.
const BATCH_BYTES: usize = 56_000;
/// Most events held, and most of their bytes: a page has less memory to give than a server.
const QUEUE_COUNT: usize = 200;
const QUEUE_BYTES: usize = 1 << 20;

/// Everything that one page remembers and has to send.
#[derive(Debug)]
pub struct Page {
    engine: Engine,
    /// Steps as records, read when an event takes them along.
    ring: Ring<String>,
    debug_ids: DebugIds,
    /// What repeats, counted instead of sent.
    storms: Storms<Object>,
    /// Events that the page's `beforeSend` has yet to look at; the first one it is looking at.
    ready: VecDeque<Outgoing>,
    /// Whether it has one: it has asked for an event once.
    asks_page: bool,
    /// When [`Page::poll`] is worth another call.
    wake_at: Option<MonotonicMs>,
}

impl Page {
    /// One that holds nothing. `steps_count` is the most
    /// breadcrumbs remembered; `seed` spreads the retries of many pages that failed at once.
    pub fn new(steps_count: usize, seed: f64) -> Page {
        let limits = Limits {
            queue_count: QUEUE_COUNT,
            queue_bytes: QUEUE_BYTES,
            batch_bytes: BATCH_BYTES,
            ..Limits::default()
        };
        let sdk = Sdk { name: NAME.into(), version: env!("CARGO_PKG_VERSION").into() };
        Page {
            engine: Engine::new(limits, sdk, seed as u64),
            ring: Ring::new(steps_count),
            debug_ids: DebugIds::default(),
            storms: Storms::default(),
            ready: VecDeque::new(),
            asks_page: false,
            wake_at: None,
        }
    }

    /// Remembers a step: the record of a breadcrumb of the wire.
    pub fn add_breadcrumb(&mut self, step: String) {
        if let Some(place) = self.ring.next_place() {
            *place = step;
        }
    }

    /// Notes the debug id that a bundler left under `stack`.
    pub fn add_debug_id(&mut self, stack: &str, debug_id: &str) {
        self.debug_ids.add(stack, debug_id);
    }

    /// Takes `count` errors that were all alike. `event` is the record of an event of the wire that stands for them, but
    /// for its tags. `looks` is the record of a list: the tags; a key that is the same for the same error; what it
    /// says; whose it is. Says whether they, and more of them from now until the next [`Page::poll`], are only counted.
    pub fn capture(&mut self, event: &str, looks: &str, count: u32, now_ms: f64, time_ms: f64) -> bool {
        let now = monotonic(now_ms);
        let looks = parse_record(looks);
        let Some([labels, key, message, user]) = looks.as_array() else { return false };
        let mut tags = Vec::new();
        for (label, value) in labels.as_object().map(|labels| labels.0.as_slice()).unwrap_or_default() {
            tags.push((label.clone(), value.as_str().unwrap_or_default().into()));
        }
        let key = hash(&[key.as_str().unwrap_or_default()]);
        let sighting = Sighting {
            key,
            at: UnixMs(time_ms as i64),
            user: user.as_str(),
            message: message.as_str(),
            tags: &tags,
        };
        let verdict = self.storms.admit_many(&sighting, u64::from(count), now);
        if verdict == Verdict::Counted {
            return true;
        }
        let mut event = parse_object(event);
        let mut add = |part: &str, value: Value| event.0.push((part.into(), value));
        if !tags.is_empty() {
            let tags = tags.into_iter().map(|(label, value)| (label, Value::String(value)));
            add("tags", Value::Object(Object(tags.collect())));
        }
        if !self.ring.is_empty() {
            add("breadcrumbs", Value::Array(self.ring.iter().map(|step| parse_record(step)).collect()));
        }
        if verdict == Verdict::First {
            self.storms.hold(key, event);
            return true;
        }
        self.take(event, None, now);
        false
    }

    /// The next event for the page's `beforeSend` to look at, as JSON; empty when there is none. [`Page::submit`]
    /// takes what it made of it. From the first call on, nothing leaves that was not asked for here.
    pub fn prepare(&mut self, now_ms: f64) -> Vec<u8> {
        self.asks_page = true;
        self.close_storms(monotonic(now_ms), false);
        self.ready.front().map(|outgoing| outgoing.json.clone()).unwrap_or_default()
    }

    /// Takes the event that the page was given to look at, as JSON; an empty text drops it.
    pub fn submit(&mut self, json: String, now_ms: f64) {
        let Some(mut outgoing) = self.ready.pop_front() else { return };
        if json.is_empty() {
            self.engine.lose(Reason::BeforeSend, outgoing.occurrence_count);
        } else if json.len() > limits::EVENT_BYTES {
            self.engine.lose(Reason::Internal, outgoing.occurrence_count);
        } else {
            outgoing.json = json.into_bytes();
            self.engine.enqueue(outgoing, monotonic(now_ms));
        }
    }

    /// Counts events that were lost before they came here.
    pub fn lose(&mut self, count: u32) {
        self.engine.lose(Reason::QueueOverflow, u64::from(count));
    }

    /// The envelope to send now; empty when there is none. What became of it is told before the next is asked for.
    pub fn poll(&mut self, now_ms: f64, time_ms: f64) -> Vec<u8> {
        let now = monotonic(now_ms);
        self.close_storms(now, false);
        let storm_end = self.storms.next_at();
        loop {
            let due = match self.engine.poll(now, UnixMs(time_ms as i64)) {
                Output::Send(envelope) => {
                    self.wake_at = storm_end;
                    return envelope;
                }
                Output::Wait(until) => Some(until),
                Output::Idle => None,
                // This driver keeps no copies, so it is never asked for any.
                Output::Spool { .. } | Output::Forget(_) => continue,
            };
            self.wake_at = match (due, storm_end) {
                (Some(due), Some(end)) => Some(due.min(end)),
                (due, end) => due.or(end),
            };
            return Vec::new();
        }
    }

    /// Milliseconds until [`Page::poll`] is worth another call; negative when nothing waits.
    pub fn wait_ms(&self, now_ms: f64) -> f64 {
        self.wake_at.map_or(-1.0, |until| until.after(monotonic(now_ms)) as f64)
    }

    /// Tells what the collector answered. `headers` has a line each for the rate limits, the time to wait and what else
    /// it can do, empty where the header is absent.
    pub fn handle_reply(&mut self, status: u16, headers: &str, now_ms: f64) {
        let header = |name: &str| {
            let mut lines = search::split(headers, "\n");
            match name {
                RATE_LIMITS_HEADER => lines.next(),
                CAPABILITY_HEADER => lines.nth(2),
                _ => lines.nth(1),
            }
        };
        self.engine.handle_reply(&Reply::read(status, header), monotonic(now_ms));
    }

    /// Tells that the envelope was handed on to someone who answers for it: the browser or its storage.
    pub fn handle_handed_on(&mut self, now_ms: f64) {
        let reply = Reply { fate: Fate::Stored, pauses: Vec::new(), takes_batches: false };
        self.engine.handle_reply(&reply, monotonic(now_ms));
    }

    /// Tells that there was no answer.
    pub fn handle_failure(&mut self, now_ms: f64) {
        self.engine.handle_failure(monotonic(now_ms));
    }

    /// The page ends: counts are closed and every wait is over. Says whether there was a reason to wait, so that
    /// what is left is better kept than sent.
    pub fn hand_over(&mut self, now_ms: f64) -> bool {
        let now = monotonic(now_ms);
        self.close_storms(now, true);
        self.engine.hand_over(now)
    }

    /// Everything that was reported is to leave soon, since somebody waits for it.
    pub fn hurry(&mut self, now_ms: f64) {
        let now = monotonic(now_ms);
        self.close_storms(now, true);
        self.engine.hurry();
    }

    /// Lets the reports of storms go whose windows are over, or of all.
    fn close_storms(&mut self, now: MonotonicMs, all: bool) {
        while let Some(collapsed) = if all { self.storms.close_early(now) } else { self.storms.poll(now) } {
            let Collapsed { first, occurrences: mut many } = collapsed;
            scrub_occurrences(&mut many);
            self.take(first, Some(many), now);
        }
    }

    /// Completes an event and lets it go, unless the page wants to see it first.
    fn take(&mut self, mut event: Object, many: Option<Occurrences>, now: MonotonicMs) {
        let images = self.debug_ids.images(&mut event);
        if !images.is_empty() {
            let images = Object(Vec::from([("images".into(), Value::Array(images))]));
            event.0.push(("debug_meta".into(), Value::Object(images)));
        }
        scrub_object(&mut event);
        let occurrence_count = many.as_ref().map_or(1, |many| many.count);
        let outgoing = id_of(&event).map(|event_id| {
            let mut writer = JsonWriter::default();
            writer.object(|w| {
                event.0.iter().for_each(|(key, value)| w.key(key).value(value));
                if let Some(many) = &many {
                    many.write(w.key("occurrences"));
                }
            });
            let is_urgent = event.get("level").and_then(Value::as_str) == Some("fatal");
            Outgoing { event_id, json: writer.into_bytes(), occurrence_count, is_urgent }
        });
        match outgoing {
            Some(outgoing) if !self.asks_page => self.engine.enqueue(outgoing, now),
            Some(outgoing) if self.ready.len() < QUEUE_COUNT => self.ready.push_back(outgoing),
            _ => self.engine.lose(Reason::QueueOverflow, occurrence_count),
        }
    }
}

fn id_of(event: &Object) -> Option<EventId> {
    EventId::parse(event.get("event_id")?.as_str()?).ok()
}

fn monotonic(now_ms: f64) -> MonotonicMs {
    MonotonicMs(now_ms as u64)
}

#[cfg(test)]
mod tests;
