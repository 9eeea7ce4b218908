use super::*;
use alloc::format;
use alloc::vec::Vec;
use proptest::prelude::*;

use crate::value::Object;

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has only finite numbers", |n| n.is_finite()).prop_map(Value::Float),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..8).prop_map(|v| Value::Object(Object(v))),
        ]
    })
}

/// A float without fraction is written as a whole number and reads back as one.
fn same(a: &Value, b: &Value) -> bool {
    let number = |v: &Value| match v {
        Value::Int(n) => Some(*n as f64),
        Value::UInt(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        _ => None,
    };
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in any_value()) {
        let read = decode_value(to_json(&value).as_bytes()).unwrap();
        prop_assert!(same(&value, &read), "{value:?} became {read:?}");
    }

    #[test]
    fn whatever_is_escaped_stands_at_any_place(before in "[a-zé]{0,20}", escaped in "[\\x00-\\x1f\"\\\\]", after in "[a-zé]{0,20}") {
        let text = format!("{before}{escaped}{after}");
        let json = to_json(&Value::from(text.as_str()));
        prop_assert!(!json.bytes().any(|byte| byte < b' '), "{json:?}");
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_value(&bytes);
        let _ = validate(&bytes, ["event_id"]);
    }

    #[test]
    fn repair_leaves_good_json_alone(value in any_value()) {
        let json = to_json(&value);
        prop_assert_eq!(&*repair(json.as_bytes()), json.as_bytes());
    }
}

#[test]
fn a_number_is_the_same_to_its_last_bit_after_it_was_read() {
    let number = Value::Float(1.997160923520892e-202);
    assert_eq!(decode_value(to_json(&number).as_bytes()).unwrap(), number);
}

#[test]
fn what_old_senders_get_wrong_is_mended() {
    for (bad, good) in [
        (&br#"{"a":NaN,"b":[Infinity,-Infinity],"c":"NaN"}"#[..], r#"{"a":null,"b":[null,null],"c":"NaN"}"#),
        (br#"["\ud800","\udc00x","\ud83d\ude00"]"#, "[\"\u{fffd}\",\"\u{fffd}x\",\"\u{1f600}\"]"),
        (b"[\"a\xffb\"]", "[\"a\u{fffd}b\"]"),
        (b"[\"a\nb\"]", "[\"a b\"]"),
        (br#"{"a":{"b":[1,2"#, r#"{"a":{"b":[1,2]}}"#),
    ] {
        assert_eq!(decode_value(bad).unwrap(), decode_value(good.as_bytes()).unwrap());
    }
}

#[test]
fn nesting_without_end_costs_only_the_nested_part() {
    let deep = format!("{{\"keep\":1,\"deep\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let value = decode_value(deep.as_bytes()).unwrap();
    assert_eq!(value.get("keep"), Some(&Value::Int(1)));
    assert_eq!(validate(deep.as_bytes(), ["keep"]).unwrap(), [Some("1".into())]);
}

#[test]
fn a_million_keys_are_bounded() {
    let mut json = String::from("{");
    for n in 0..1_000_000 {
        json.push_str(&format!("\"k{n}\":0,"));
    }
    json.push_str("\"last\":0}");
    let object = decode_value(json.as_bytes()).unwrap().into_object();
    assert_eq!(object.0.len(), crate::limits::OBJECT_KEYS);
}

#[test]
fn small_maps_after_a_large_one_take_no_more_than_they_need() {
    let large: Vec<_> = (0..100).map(|n| format!("\"k{n}\":0")).collect();
    let json = format!("[{{{}}},{{\"a\":0}},{{\"a\":0,\"b\":0}}]", large.join(","));
    let value = decode_value(json.as_bytes()).unwrap();
    let room: Vec<_> =
        value.as_array().unwrap().iter().map(|map| map.as_object().unwrap().0.capacity()).collect();
    assert!(room[1] < 10 && room[2] < 10, "{room:?}");
}

#[test]
fn no_json_at_all_is_an_error_that_says_where() {
    let error = decode_value(b"{\"a\": oops}").unwrap_err();
    assert!(error.reason.contains("line 1 column"), "{error}");
}
