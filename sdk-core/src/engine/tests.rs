//! The engine against any sequence of events and answers.

use error_sentinel_wire::reply::Pause;
use proptest::prelude::*;

use super::*;

fn engine(limits: Limits) -> Engine {
    Engine::new(limits, Sdk { name: "test".into(), version: "1".into() }, 7)
}

fn reply(fate: Fate) -> Reply {
    Reply { fate, pauses: Vec::new(), takes_batches: false }
}

fn total_lost(engine: &Engine) -> u64 {
    engine.losses.total() + engine.reported.total()
}

#[derive(Debug, Clone)]
enum Step {
    Enqueue(usize),
    Poll,
    Answer(Fate, Option<u64>, bool),
    Fail,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3000).prop_map(Step::Enqueue),
        4 => Just(Step::Poll),
        3 => (
            prop::sample::select(vec![Fate::Stored, Fate::Refused, Fate::Limited, Fate::Retry]),
            prop::option::of(0u64..100_000),
            any::<bool>(),
        )
            .prop_map(|(fate, pause, batches)| Step::Answer(fate, pause, batches)),
        1 => Just(Step::Fail),
        2 => (0u64..100_000).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn every_event_is_delivered_held_or_counted_as_lost(steps in prop::collection::vec(step(), 0..200)) {
        let limits = Limits { queue_count: 20, queue_bytes: 16_000, batch_count: 5, batch_bytes: 4000 };
        let mut engine = engine(limits);
        let mut now = MonotonicMs(0);
        let mut reported = 0;
        let mut is_sending = false;
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Enqueue(bytes) => engine.enqueue(EventId(n as u128), vec![b'x'; bytes], now),
                Step::Poll => is_sending |= matches!(engine.poll(now, UnixMs(0)), Output::Send(_)),
                Step::Answer(fate, seconds, takes_batches) if is_sending => {
                    let pauses: Vec<Pause> =
                        seconds.map(|seconds| Pause { seconds, categories: vec![] }).into_iter().collect();
                    if fate == Fate::Stored {
                        reported += engine.reported.total();
                    }
                    engine.handle_reply(&Reply { fate, pauses, takes_batches }, now);
                    is_sending = false;
                }
                Step::Fail if is_sending => {
                    engine.handle_failure(now);
                    is_sending = false;
                }
                Step::Answer(..) | Step::Fail => {}
                Step::Wait(ms) => now = now.plus_ms(ms),
            }
            let accounted =
                engine.delivered_count() + engine.held_count() + total_lost(&engine) + reported;
            prop_assert_eq!(engine.enqueued_count(), accounted);
            prop_assert!(engine.queue.len() <= limits.queue_count);
        }
    }
}

#[test]
fn one_event_an_envelope_until_the_collector_takes_batches() {
    let mut engine = engine(Limits::default());
    for n in 0..10 {
        engine.enqueue(EventId(n), b"{}".to_vec(), MonotonicMs(0));
    }
    let events = |output: Output| match output {
        Output::Send(envelope) => String::from_utf8(envelope).unwrap().matches("\"type\":\"event\"").count(),
        other => panic!("{other:?}"),
    };
    assert_eq!(events(engine.poll(MonotonicMs(0), UnixMs(0))), 1);
    engine.handle_reply(&Reply { takes_batches: true, ..reply(Fate::Stored) }, MonotonicMs(0));
    assert_eq!(events(engine.poll(MonotonicMs(0), UnixMs(0))), 9);
}

#[test]
fn a_failure_is_tried_again_later_and_later_and_nothing_is_lost() {
    let mut engine = engine(Limits::default());
    engine.enqueue(EventId(1), b"{}".to_vec(), MonotonicMs(0));
    let mut now = MonotonicMs(0);
    let mut pauses_ms = Vec::new();
    for _ in 0..12 {
        assert!(matches!(engine.poll(now, UnixMs(0)), Output::Send(_)));
        engine.handle_failure(now);
        let Output::Wait(until) = engine.poll(now, UnixMs(0)) else { panic!("it must wait") };
        pauses_ms.push(until.after(now));
        now = until;
    }
    assert!((250..=500).contains(&pauses_ms[0]), "{pauses_ms:?}");
    assert!((30_000..=60_000).contains(&pauses_ms[11]), "{pauses_ms:?}");
    assert_eq!((engine.held_count(), total_lost(&engine)), (1, 0));
}

#[test]
fn a_pause_holds_exactly_what_it_names_and_losses_travel_with_the_next_envelope() {
    let mut engine = engine(Limits::default());
    engine.enqueue(EventId(1), b"{}".to_vec(), MonotonicMs(0));
    engine.poll(MonotonicMs(0), UnixMs(0));
    let transactions = Pause { seconds: 9, categories: vec![Category::Transaction] };
    engine.handle_reply(&Reply { pauses: vec![transactions], ..reply(Fate::Stored) }, MonotonicMs(0));
    engine.enqueue(EventId(2), b"{}".to_vec(), MonotonicMs(0));
    assert!(matches!(engine.poll(MonotonicMs(0), UnixMs(0)), Output::Send(_)), "errors are not meant");
    let errors = Pause { seconds: 9, categories: vec![Category::Error] };
    engine.handle_reply(&Reply { pauses: vec![errors], ..reply(Fate::Limited) }, MonotonicMs(0));
    engine.enqueue(EventId(3), b"{}".to_vec(), MonotonicMs(8999));
    assert_eq!(engine.poll(MonotonicMs(8999), UnixMs(0)), Output::Idle, "dropped and counted");
    engine.enqueue(EventId(4), b"{}".to_vec(), MonotonicMs(9000));
    let Output::Send(envelope) = engine.poll(MonotonicMs(9000), UnixMs(0)) else { panic!("it must send") };
    let envelope = String::from_utf8(envelope).unwrap();
    assert!(
        envelope.contains(r#"{"reason":"ratelimit_backoff","category":"error","quantity":2}"#),
        "{envelope}"
    );
}

#[test]
fn when_there_is_no_room_the_oldest_go() {
    let mut engine = engine(Limits { queue_count: 2, ..Limits::default() });
    for n in 1..=3 {
        engine.enqueue(EventId(n), b"{}".to_vec(), MonotonicMs(0));
    }
    let Output::Send(envelope) = engine.poll(MonotonicMs(0), UnixMs(0)) else { panic!("it must send") };
    assert!(String::from_utf8(envelope).unwrap().contains(&EventId(2).to_string()));
}
