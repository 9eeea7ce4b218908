//! A program, a network and a collector that exist only as numbers: years of delivery in a moment.
//!
//! The collector is a fake that any tracker of the protocol could be: it answers late, not at all, with 429 or 500,
//! with or without having stored what it got. Time is virtual, and the laptop sleeps.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use error_sentinel_wire::reply::{Fate, Pause, Reply};
use error_sentinel_wire::{EventId, Sdk, UnixMs};
use proptest::prelude::*;

use crate::engine::*;

/// What the network and the collector do with one request.
#[derive(Debug, Clone, Copy)]
enum Fortune {
    /// Stored and said so.
    Well,
    /// Lost on the way there.
    LostRequest,
    /// Stored, but the answer was lost.
    LostAnswer,
    /// 500, nothing stored.
    Broken,
    /// 429 for so many seconds.
    Busy(u64),
}

/// What the clock does beside going on.
#[derive(Debug, Clone, Copy)]
enum Jump {
    Ahead(u64),
    BackTo(u64),
}

fn jump() -> impl Strategy<Value = Option<Jump>> {
    const YEARS_MS: u64 = 10 * 365 * 86_400_000;
    prop_oneof![
        20 => Just(None),
        1 => (0..YEARS_MS).prop_map(|ms| Some(Jump::Ahead(ms))),
        1 => (0..YEARS_MS).prop_map(|ms| Some(Jump::BackTo(ms))),
    ]
}

struct World {
    now: u64,
    engine: Engine,
    storms: Storms<EventId>,
    copies: BTreeMap<EventId, Vec<u8>>,
    stored: BTreeMap<EventId, u64>,
    counts: BTreeMap<EventId, u64>,
    takes_batches: bool,
    requests: usize,
    most_events: usize,
    next_id: u128,
    raised: u64,
}

impl World {
    fn new(limits: Limits, takes_batches: bool) -> World {
        World {
            now: 0,
            engine: Engine::new(limits, Sdk { name: "sim".into(), version: "1".into() }, 99),
            storms: Storms::default(),
            copies: BTreeMap::new(),
            stored: BTreeMap::new(),
            counts: BTreeMap::new(),
            takes_batches,
            requests: 0,
            most_events: 0,
            next_id: 1,
            raised: 0,
        }
    }

    fn raise(&mut self, key: u64, user: &str) {
        let id = EventId(self.next_id);
        self.next_id += 1;
        self.raised += 1;
        let sighting =
            Sighting { key, at: UnixMs(self.now as i64), user: Some(user), message: None, tags: &[] };
        match self.storms.admit(&sighting, MonotonicMs(self.now)) {
            Verdict::Pass => self.enqueue(id, 1),
            Verdict::Counted => {}
            Verdict::First => self.storms.hold(key, id),
        }
    }

    fn enqueue(&mut self, event_id: EventId, occurrence_count: u64) {
        self.counts.insert(event_id, occurrence_count);
        let json = b"{\"message\":\"boom\"}".to_vec();
        let event = Outgoing { event_id, json, occurrence_count, is_urgent: false };
        self.engine.enqueue(event, MonotonicMs(self.now));
    }

    /// The run loop, as the engine's head describes it; returns when it has to be called again.
    fn drive(&mut self, fortune: &mut impl FnMut(u64) -> (Fortune, u64)) -> Option<u64> {
        loop {
            while let Some(collapsed) = self.storms.poll(MonotonicMs(self.now)) {
                self.enqueue(collapsed.first, collapsed.occurrences.count);
            }
            if self.engine.wants_stored() {
                let left: Vec<_> = self.copies.iter().take(self.engine.batch_count()).collect();
                for (id, bytes) in left {
                    self.engine.restore(stored::decode(*id, bytes).unwrap(), MonotonicMs(self.now));
                }
            }
            match self.engine.poll(MonotonicMs(self.now), UnixMs(0)) {
                Output::Send(envelope) => self.deliver(&envelope, fortune),
                Output::Spool { event_id, bytes } => {
                    let is_kept = self.copies.len() < 50;
                    if is_kept {
                        self.copies.insert(event_id, bytes);
                    }
                    self.engine.handle_kept(event_id, is_kept);
                }
                Output::Forget(event_id) => assert!(self.copies.remove(&event_id).is_some()),
                Output::Wait(until) => {
                    return self.storms.next_at().map_or(Some(until.0), |at| Some(until.0.min(at.0)));
                }
                Output::Idle => return self.storms.next_at().map(|at| at.0),
            }
            self.check();
        }
    }

    fn deliver(&mut self, envelope: &[u8], fortune: &mut impl FnMut(u64) -> (Fortune, u64)) {
        let text = String::from_utf8(envelope.to_vec()).unwrap();
        let ids: Vec<EventId> = self
            .counts
            .keys()
            .copied()
            .filter(|id| text.contains(&alloc::format!("{{\"type\":\"event\",\"event_id\":\"{id}\"")))
            .collect();
        self.requests += 1;
        self.most_events = self.most_events.max(ids.len());
        let (fortune, latency_ms) = fortune(self.now);
        self.now += latency_ms;
        let reply = |fate, pauses| Reply { fate, pauses, takes_batches: self.takes_batches };
        if matches!(fortune, Fortune::Well | Fortune::LostAnswer) {
            // By its id each event counts once, however often it comes.
            self.stored.extend(ids.iter().map(|id| (*id, self.counts[id])));
        }
        let now = MonotonicMs(self.now);
        match fortune {
            Fortune::Well => self.engine.handle_reply(&reply(Fate::Stored, vec![]), now),
            Fortune::LostRequest | Fortune::LostAnswer => self.engine.handle_failure(now),
            Fortune::Broken => self.engine.handle_reply(&reply(Fate::Retry, vec![]), now),
            Fortune::Busy(seconds) => {
                let pause = Pause { seconds, categories: vec![] };
                self.engine.handle_reply(&reply(Fate::Limited, vec![pause]), now);
            }
        }
    }

    fn check(&self) {
        let c = self.engine.counts();
        assert_eq!(c.enqueued, c.delivered + c.queued + c.in_flight + c.spooled + c.lost, "{c:?}");
        assert_eq!(c.enqueued + self.storms.counted(), self.raised);
    }

    /// Drives until nothing is left to do.
    fn settle(&mut self, fortune: &mut impl FnMut(u64) -> (Fortune, u64)) {
        while let Some(at) = self.drive(fortune) {
            self.now = self.now.max(at);
        }
    }

    fn stored_count(&self) -> u64 {
        self.stored.values().sum()
    }
}

fn well(_: u64) -> (Fortune, u64) {
    (Fortune::Well, 30)
}

fn fortune() -> impl Strategy<Value = (Fortune, u64)> {
    let fortune = prop_oneof![
        3 => Just(Fortune::Well),
        1 => Just(Fortune::LostRequest),
        1 => Just(Fortune::LostAnswer),
        1 => Just(Fortune::Broken),
        1 => (0u64..200_000).prop_map(Fortune::Busy),
    ];
    (fortune, 0u64..10_000)
}

proptest! {
    #[test]
    fn once_the_network_is_well_everything_that_was_not_lost_is_stored_exactly_once(
        errors in prop::collection::vec((0u64..4, 0u32..3, 0u64..2000), 0..300),
        fortunes in prop::collection::vec(fortune(), 1..40),
        keeps_copies: bool, takes_batches: bool,
        sleep_ms in prop::sample::select(vec![0u64, 3_600_000, 30 * 86_400_000]),
    ) {
        let limits = Limits { queue_count: 40, batch_count: 7, keeps_copies, ..Limits::default() };
        let mut world = World::new(limits, takes_batches);
        let mut at = 0;
        let mut bad = |_| { at += 1; fortunes[at % fortunes.len()] };
        let half = errors.len() / 2;
        for (n, (key, user, after_ms)) in errors.into_iter().enumerate() {
            world.now += after_ms;
            if n == half {
                world.now += sleep_ms;
            }
            world.raise(key, ["ann", "bob", "cid"][user as usize]);
            world.drive(&mut bad);
        }
        world.settle(&mut well);
        let counts = world.engine.counts();
        prop_assert_eq!(counts.queued + counts.in_flight + counts.spooled, 0);
        // What was stored and then lost its answer can be given up for want of room: it counts as lost, wrongly,
        // which nobody can know. Nothing counts twice, and nothing is lost that was not counted so.
        prop_assert!(world.stored_count() >= counts.delivered && world.stored_count() <= world.raised);
        prop_assert_eq!(counts.delivered + counts.lost, world.raised);
        if counts.lost == 0 {
            prop_assert_eq!(world.stored_count(), world.raised);
        }
        prop_assert!(world.copies.is_empty());
        if !takes_batches {
            prop_assert!(world.most_events <= 1);
        }
    }
}

proptest! {
    #[test]
    fn storms_are_counted_exactly_and_told_soon_whatever_the_clock_does(
        errors in prop::collection::vec((0u64..3, 0u32..3, 0u64..400, jump()), 0..300), takes_batches: bool,
    ) {
        let mut world = World::new(Limits::default(), takes_batches);
        for (key, user, after_ms, jump) in errors {
            world.now += after_ms;
            match jump {
                Some(Jump::Ahead(ms)) => world.now += ms,
                Some(Jump::BackTo(ms)) => world.now = world.now.min(ms),
                None => {}
            }
            world.raise(key, ["ann", "bob", "cid"][user as usize]);
            if let Some(at) = world.drive(&mut well) {
                // Longer than the longest window nothing is kept to itself.
                prop_assert!(at.saturating_sub(world.now) <= 10_000, "{} of {}", at, world.now);
            }
        }
        let ended = world.now;
        world.settle(&mut well);
        // Each answer takes its time.
        prop_assert!(world.now <= ended + 10_000 + 30 * world.requests as u64);
        prop_assert_eq!((world.stored_count(), world.engine.counts().lost), (world.raised, 0));
    }
}

#[test]
fn a_million_repeats_are_a_handful_of_requests_and_exactly_a_million() {
    let mut world = World::new(Limits::default(), true);
    for n in 0..1_000_000u64 {
        if n % 100 == 0 {
            world.now += 1;
            world.drive(&mut well);
        }
        world.raise(1, "ann");
    }
    world.settle(&mut well);
    assert_eq!(world.stored_count(), 1_000_000);
    assert!(world.requests <= 10, "{}", world.requests);
}

#[test]
fn a_server_of_another_make_gets_one_event_an_envelope() {
    let mut world = World::new(Limits::default(), false);
    for key in 0..30 {
        world.raise(key, "ann");
    }
    world.settle(&mut well);
    assert_eq!((world.stored_count(), world.requests, world.most_events), (30, 30, 1));
}

#[test]
fn a_day_without_network_costs_few_requests_and_no_error_that_there_is_room_for() {
    let mut world = World::new(Limits::default(), true);
    for key in 0..500 {
        world.raise(key, "ann");
    }
    let mut away =
        |now: u64| if now < 86_400_000 { (Fortune::LostRequest, 100) } else { (Fortune::Well, 30) };
    world.settle(&mut away);
    assert_eq!((world.stored_count(), world.engine.counts().lost), (500, 0));
    // A try a minute at most, each pause shortened by up to a half.
    assert!((1440..3200).contains(&world.requests), "{}", world.requests);
    let distinct: BTreeSet<_> = world.stored.keys().collect();
    assert_eq!(distinct.len(), 500);
}
