//! The engine against any sequence of events, answers and clocks.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use error_sentinel_wire::reply::{Category, Fate, Pause, Reply};
use error_sentinel_wire::{Sdk, UnixMs};
use proptest::prelude::*;

use super::*;

mod sim;

fn engine(limits: Limits) -> Engine {
    Engine::new(limits, Sdk { name: "test".into(), version: "1".into() }, 7)
}

fn outgoing(id: u128, json: &[u8]) -> Outgoing {
    Outgoing { event_id: EventId(id), json: json.to_vec(), occurrence_count: 1, is_urgent: false }
}

fn reply(fate: Fate) -> Reply {
    Reply { fate, pauses: Vec::new(), takes_batches: false }
}

#[track_caller]
fn sent(output: Output) -> String {
    match output {
        Output::Send(envelope) => String::from_utf8(envelope).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn event_count(envelope: &str) -> usize {
    envelope.matches("\"type\":\"event\"").count()
}

#[derive(Debug, Clone)]
enum Step {
    Enqueue(usize, u64, bool),
    Poll,
    Answer(Fate, Option<u64>, bool),
    Fail,
    Wait(u64),
    JumpBack(u64),
    Hurry,
    Lose(u64),
    Restore(u128),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3000, 1u64..1000, any::<bool>())
            .prop_map(|(bytes, count, urgent)| Step::Enqueue(bytes, count, urgent)),
        5 => Just(Step::Poll),
        3 => (
            prop::sample::select(vec![Fate::Stored, Fate::Refused, Fate::Limited, Fate::Retry]),
            prop::option::of(0u64..100_000),
            any::<bool>(),
        )
            .prop_map(|(fate, pause, batches)| Step::Answer(fate, pause, batches)),
        1 => Just(Step::Fail),
        2 => (0u64..100_000).prop_map(Step::Wait),
        1 => any::<u64>().prop_map(Step::JumpBack),
        1 => Just(Step::Hurry),
        1 => (0u64..100).prop_map(Step::Lose),
        1 => (0u128..200).prop_map(Step::Restore),
    ]
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

proptest! {
    #[test]
    fn every_error_is_somewhere_and_no_clock_makes_it_silent_for_more_than_a_day(
        steps in prop::collection::vec(step(), 0..200), keeps_copies: bool, spool_room in 0usize..20,
    ) {
        let limits = Limits {
            queue_count: 20, queue_bytes: 16_000, batch_count: 5, batch_bytes: 4000, keeps_copies,
            ..Limits::default()
        };
        let mut engine = engine(limits);
        let mut now = MonotonicMs(1_000_000);
        let mut copies = alloc::collections::BTreeMap::new();
        let mut is_sending = false;
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Enqueue(bytes, occurrence_count, is_urgent) => {
                    let event = Outgoing { occurrence_count, is_urgent, ..outgoing(n as u128, &vec![b'x'; bytes]) };
                    engine.enqueue(event, now);
                }
                Step::Poll => match engine.poll(now, UnixMs(0)) {
                    Output::Send(_) => {
                        prop_assert!(!is_sending, "one envelope at a time");
                        is_sending = true;
                    }
                    Output::Spool { event_id, bytes } => {
                        let is_kept = copies.len() < spool_room;
                        if is_kept {
                            copies.insert(event_id, bytes);
                        }
                        engine.handle_kept(event_id, is_kept);
                    }
                    Output::Forget(event_id) => prop_assert!(copies.remove(&event_id).is_some()),
                    Output::Wait(until) => prop_assert!(until.after(now) <= DAY_MS),
                    Output::Idle => {}
                },
                Step::Answer(fate, seconds, takes_batches) => {
                    let pauses: Vec<Pause> =
                        seconds.map(|seconds| Pause { seconds, categories: vec![] }).into_iter().collect();
                    engine.handle_reply(&Reply { fate, pauses, takes_batches }, now);
                    is_sending = false;
                }
                Step::Fail => {
                    engine.handle_failure(now);
                    is_sending = false;
                }
                Step::Wait(ms) => now = now.plus_ms(ms),
                Step::JumpBack(to) => now = MonotonicMs(now.0.min(to)),
                Step::Hurry => engine.hurry(),
                Step::Lose(count) => engine.lose(Reason::SampleRate, count),
                Step::Restore(id) => {
                    if let Some(bytes) = copies.get(&EventId(id)) {
                        engine.restore(stored::decode(EventId(id), bytes).unwrap(), now);
                    }
                }
            }
            let counts = engine.counts();
            prop_assert_eq!(
                counts.enqueued,
                counts.delivered + counts.queued + counts.in_flight + counts.spooled + counts.lost,
                "{:?}", counts
            );
            prop_assert!(engine.held_count() <= limits.queue_count + limits.batch_count);
        }
    }
}

#[test]
fn one_event_an_envelope_until_the_collector_takes_batches() {
    let mut engine = engine(Limits::default());
    for n in 0..10 {
        engine.enqueue(outgoing(n, b"{}"), MonotonicMs(0));
    }
    assert_eq!(event_count(&sent(engine.poll(MonotonicMs(0), UnixMs(0)))), 1);
    engine.handle_reply(&Reply { takes_batches: true, ..reply(Fate::Stored) }, MonotonicMs(0));
    assert_eq!(engine.poll(MonotonicMs(0), UnixMs(0)), Output::Wait(MonotonicMs(250)));
    assert_eq!(event_count(&sent(engine.poll(MonotonicMs(250), UnixMs(0)))), 9);
}

#[test]
fn a_batch_is_closed_by_count_by_bytes_by_age_and_by_what_cannot_wait() {
    let limits = Limits { batch_count: 3, batch_bytes: 1000, ..Limits::default() };
    let ready = || {
        let mut engine = engine(limits);
        engine.enqueue(outgoing(99, b"{}"), MonotonicMs(0));
        engine.poll(MonotonicMs(0), UnixMs(0));
        engine.handle_reply(&Reply { takes_batches: true, ..reply(Fate::Stored) }, MonotonicMs(0));
        engine
    };
    let mut by_count = ready();
    (0..4).for_each(|n| by_count.enqueue(outgoing(n, b"{}"), MonotonicMs(1)));
    assert_eq!(event_count(&sent(by_count.poll(MonotonicMs(1), UnixMs(0)))), 3);
    let mut by_bytes = ready();
    (0..2).for_each(|n| by_bytes.enqueue(outgoing(n, &[b'x'; 600]), MonotonicMs(1)));
    assert_eq!(event_count(&sent(by_bytes.poll(MonotonicMs(1), UnixMs(0)))), 1);
    let mut by_age = ready();
    by_age.enqueue(outgoing(1, b"{}"), MonotonicMs(1));
    assert_eq!(by_age.poll(MonotonicMs(249), UnixMs(0)), Output::Wait(MonotonicMs(250)));
    assert_eq!(event_count(&sent(by_age.poll(MonotonicMs(250), UnixMs(0)))), 1);
    let mut urgent = ready();
    urgent.enqueue(Outgoing { is_urgent: true, ..outgoing(1, b"{}") }, MonotonicMs(1));
    assert_eq!(event_count(&sent(urgent.poll(MonotonicMs(1), UnixMs(0)))), 1);
    let mut hurried = ready();
    hurried.enqueue(outgoing(1, b"{}"), MonotonicMs(1));
    hurried.hurry();
    assert_eq!(event_count(&sent(hurried.poll(MonotonicMs(1), UnixMs(0)))), 1);
}

#[test]
fn a_failure_is_tried_again_later_and_later_and_nothing_is_lost() {
    let mut engine = engine(Limits::default());
    engine.enqueue(outgoing(1, b"{}"), MonotonicMs(0));
    let mut now = MonotonicMs(0);
    let mut pauses_ms = Vec::new();
    for _ in 0..12 {
        sent(engine.poll(now, UnixMs(0)));
        engine.handle_failure(now);
        let Output::Wait(until) = engine.poll(now, UnixMs(0)) else { panic!("it must wait") };
        pauses_ms.push(until.after(now));
        now = until;
    }
    assert!((250..=500).contains(&pauses_ms[0]), "{pauses_ms:?}");
    assert!((30_000..=60_000).contains(&pauses_ms[11]), "{pauses_ms:?}");
    assert_eq!((engine.counts().queued, engine.counts().lost), (1, 0));
}

#[test]
fn a_pause_holds_exactly_what_it_names_and_what_waits_for_its_end_is_not_lost() {
    let mut engine = engine(Limits { queue_count: 2, ..Limits::default() });
    engine.enqueue(outgoing(1, b"{}"), MonotonicMs(0));
    engine.poll(MonotonicMs(0), UnixMs(0));
    let transactions = Pause { seconds: 9, categories: vec![Category::Transaction] };
    engine.handle_reply(&Reply { pauses: vec![transactions], ..reply(Fate::Stored) }, MonotonicMs(0));
    engine.enqueue(outgoing(2, b"{}"), MonotonicMs(0));
    sent(engine.poll(MonotonicMs(0), UnixMs(0)));
    let errors = Pause { seconds: 9, categories: vec![Category::Error] };
    engine.handle_reply(&Reply { pauses: vec![errors], ..reply(Fate::Limited) }, MonotonicMs(0));
    assert_eq!(engine.poll(MonotonicMs(8999), UnixMs(0)), Output::Wait(MonotonicMs(9000)));
    (3..=4).for_each(|n| engine.enqueue(outgoing(n, b"{}"), MonotonicMs(8999)));
    let envelope = sent(engine.poll(MonotonicMs(9000), UnixMs(0)));
    assert!(envelope.contains(&EventId(3).to_string()), "the oldest went for want of room: {envelope}");
    let lost = r#"{"reason":"ratelimit_backoff","category":"error","quantity":1}"#;
    assert!(envelope.contains(lost), "{envelope}");
}

#[test]
fn a_429_that_names_no_limit_on_errors_is_not_asked_again_at_once() {
    let mut engine = engine(Limits::default());
    engine.enqueue(outgoing(1, b"{}"), MonotonicMs(0));
    sent(engine.poll(MonotonicMs(0), UnixMs(0)));
    let spans = Pause { seconds: 9, categories: vec![Category::Span] };
    engine.handle_reply(&Reply { pauses: vec![spans], ..reply(Fate::Limited) }, MonotonicMs(0));
    assert!(matches!(engine.poll(MonotonicMs(0), UnixMs(0)), Output::Wait(until) if until.0 >= 250));
}

#[test]
fn one_bad_event_does_not_take_its_batch_with_it() {
    let mut engine = engine(Limits::default());
    let stored = Reply { takes_batches: true, ..reply(Fate::Stored) };
    engine.enqueue(outgoing(99, b"{}"), MonotonicMs(0));
    engine.poll(MonotonicMs(0), UnixMs(0));
    engine.handle_reply(&stored, MonotonicMs(0));
    (0..5).for_each(|n| engine.enqueue(outgoing(n, b"{}"), MonotonicMs(1000)));
    let mut requests = 0;
    while let Output::Send(envelope) = engine.poll(MonotonicMs(1000), UnixMs(0)) {
        let envelope = String::from_utf8(envelope).unwrap();
        let is_bad = envelope.contains(&EventId(3).to_string());
        let fate = if is_bad { Fate::Refused } else { Fate::Stored };
        engine.handle_reply(&Reply { fate, ..stored.clone() }, MonotonicMs(1000));
        requests += 1;
    }
    // The refusal travels with the next envelope, or alone after a while.
    assert_eq!((engine.counts().delivered, engine.counts().lost, requests), (5, 1, 6));
}

#[test]
fn losses_that_no_event_takes_along_travel_alone() {
    let mut engine = engine(Limits::default());
    engine.lose(Reason::BeforeSend, 3);
    assert_eq!(engine.poll(MonotonicMs(0), UnixMs(0)), Output::Wait(MonotonicMs(60_000)));
    engine.hurry();
    assert!(!engine.is_empty());
    let envelope = sent(engine.poll(MonotonicMs(1), UnixMs(0)));
    assert!(envelope.contains(r#"{"reason":"before_send","category":"error","quantity":3}"#), "{envelope}");
    engine.handle_failure(MonotonicMs(1));
    assert!(engine.is_empty(), "nobody waits for a report that cannot leave");
    assert!(matches!(engine.poll(MonotonicMs(1), UnixMs(0)), Output::Wait(_)));
}

#[test]
fn when_there_is_no_room_the_oldest_go_and_live_on_where_a_copy_was_kept() {
    let mut engine = engine(Limits { queue_count: 2, keeps_copies: true, ..Limits::default() });
    let mut copies = Vec::new();
    for n in 1..=3 {
        engine.enqueue(outgoing(n, b"{}"), MonotonicMs(0));
        let Output::Spool { event_id, bytes } = engine.poll(MonotonicMs(0), UnixMs(0)) else {
            panic!("a copy")
        };
        engine.handle_kept(event_id, n != 2);
        copies.push((event_id, bytes));
    }
    assert_eq!((engine.counts().queued, engine.counts().spooled), (2, 1));
    let envelope = sent(engine.poll(MonotonicMs(0), UnixMs(0)));
    assert!(envelope.contains(&EventId(2).to_string()));
    engine.handle_reply(&reply(Fate::Stored), MonotonicMs(0));
    sent(engine.poll(MonotonicMs(0), UnixMs(0)));
    engine.handle_reply(&reply(Fate::Stored), MonotonicMs(0));
    assert_eq!(engine.poll(MonotonicMs(0), UnixMs(0)), Output::Forget(EventId(3)));
    assert!(engine.wants_stored());
    let (event_id, bytes) = &copies[0];
    engine.restore(stored::decode(*event_id, bytes).unwrap(), MonotonicMs(0));
    assert!(sent(engine.poll(MonotonicMs(0), UnixMs(0))).contains(&format!("{event_id}")));
    engine.handle_reply(&reply(Fate::Stored), MonotonicMs(0));
    assert_eq!(engine.poll(MonotonicMs(0), UnixMs(0)), Output::Forget(EventId(1)));
    let counts = engine.counts();
    assert_eq!((counts.enqueued, counts.delivered, counts.spooled), (3, 3, 0));
}
