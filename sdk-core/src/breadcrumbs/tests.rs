use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use error_sentinel_wire::{Breadcrumb, Object, UnixMs, Value};
use proptest::prelude::*;

use super::place::FIELDS;
use super::*;

fn steps(rings: &[&Ring], max: usize) -> Vec<Breadcrumb> {
    let mut trail = Trail::default();
    rings.iter().for_each(|ring| trail.add(ring));
    trail.settle(max);
    trail.into_breadcrumbs()
}

fn messages(crumbs: &[Breadcrumb]) -> Vec<&str> {
    crumbs.iter().filter_map(|crumb| crumb.message.as_deref()).collect()
}

/// Any step at all, with parts that fit and parts that do not.
fn any_crumb() -> impl Strategy<Value = Breadcrumb> {
    let text = || prop_oneof!["\\PC{0,20}", (1usize..4000).prop_map(|count| "aü".repeat(count))];
    let value = prop_oneof![
        text().prop_map(Value::String),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(Value::Float),
        Just(Value::Array(vec![Value::from("nested"); 3])),
    ];
    let data = prop::collection::vec((prop_oneof!["[a-z]{1,9}", Just("k".repeat(200))], value), 0..40)
        .prop_map(Object);
    (text(), text(), text(), data).prop_map(|(kind, category, message, data)| Breadcrumb {
        kind: Some(kind),
        category: Some(category),
        message: Some(message),
        data,
        ..Breadcrumb::default()
    })
}

proptest! {
    #[test]
    fn the_ring_holds_the_last_steps_in_order_however_quickly_they_come(
        capacity in 0usize..30,
        count in 0usize..100,
        // Between two steps: one a second, a hundred a second, a million a second.
        milliseconds in prop_oneof![Just(1000), Just(10), Just(0)],
    ) {
        let mut ring = Ring::new(capacity);
        let mut model = Vec::new();
        for n in 0..count {
            let text = n.to_string();
            let data = [("number", n.into())];
            let now = UnixMs(7 + milliseconds * n as i64);
            ring.add(&Crumb::new(&text).category("test").data(&data), now);
            model.push(Breadcrumb {
                timestamp: Some(now),
                category: Some("test".into()),
                message: Some(text),
                data: Object(vec![("number".into(), Value::from(n as u64))]),
                ..Breadcrumb::default()
            });
        }
        let kept = model.len().saturating_sub(capacity);
        prop_assert_eq!(ring.evicted_count(), kept as u64);
        prop_assert_eq!(steps(&[&ring], 100), &model[kept..]);
    }

    #[test]
    fn a_step_of_any_size_stays_within_its_bytes(crumbs in prop::collection::vec(any_crumb(), 1..4)) {
        let mut ring = Ring::new(2);
        for crumb in &crumbs {
            ring.add(&crumb.as_crumb(), UnixMs(1));
        }
        let held = |text: &String| text.len() <= CRUMB_BYTES && text.capacity() <= 2 * CRUMB_BYTES;
        prop_assert!(ring.iter().all(|place| held(&place.text) && place.fields.len() <= FIELDS + 1));
        // What was cut says so, and what was not is as it was left.
        let last = steps(&[&ring], 100).pop().unwrap();
        let given = crumbs.last().unwrap().message.clone().unwrap();
        let kept = last.message.unwrap_or_default();
        let is_cut_and_marked = || given.starts_with(kept.trim_end_matches('…')) && kept.ends_with('…');
        prop_assert!(kept == given || is_cut_and_marked(), "{kept:?} of {given:?}");
    }
}

#[test]
fn rings_that_claim_alike_share_the_room_by_time() {
    let (mut one, mut two) = (Ring::new(3), Ring::new(3));
    for at in 1..=4 {
        one.add(&Crumb::new("one"), UnixMs(2 * at));
        two.add(&Crumb::new("two"), UnixMs(2 * at + 1));
    }
    assert_eq!(messages(&steps(&[&one, &two], 3)), ["two", "one", "two"]);
}

#[test]
fn the_ring_that_is_closest_claims_first() {
    let (mut near, mut far) = (Ring::new(3), Ring::new(3));
    near.add(&Crumb::new("near"), UnixMs(2));
    for at in [1, 3, 4] {
        far.add(&Crumb::new("far"), UnixMs(at));
    }
    let mut trail = Trail::default();
    for ring in [&near, &far] {
        trail.add(ring);
        trail.settle(2);
    }
    assert_eq!(trail.evicted_count(), 2);
    assert_eq!(messages(&trail.into_breadcrumbs()), ["near", "far"]);
}

#[test]
fn nested_data_is_kept_as_json() {
    let nested = Value::Object(Object(vec![("a".into(), Value::from(vec![1u32, 2]))]));
    let crumb = Breadcrumb { data: Object(vec![("nested".into(), nested)]), ..Breadcrumb::default() };
    let mut ring = Ring::new(1);
    ring.add(&crumb.as_crumb(), UnixMs(0));
    let kept = steps(&[&ring], 1).remove(0);
    assert_eq!(kept.data.get("nested"), Some(&Value::from("{\"a\":[1,2]}")));
}
