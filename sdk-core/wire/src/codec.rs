//! JSON to bytes, strictly and always the same; bytes to JSON, with all the patience there is.

use alloc::string::String;
use alloc::vec::Vec;

use crate::value::{Object, Value};

/// Writes JSON into a buffer: no spaces, keys in the order given, nothing that a parser could refuse.
///
/// A field that is absent is left out, never written as `null`.
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: Vec<u8>,
    /// Whether the next key or element needs a comma before it.
    comma: bool,
}

impl JsonWriter {
    /// A writer that appends to `out`.
    pub fn new(out: Vec<u8>) -> JsonWriter {
        JsonWriter { out, comma: false }
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    /// Writes an object; `fields` writes its keys.
    pub fn object(&mut self, fields: impl FnOnce(&mut JsonWriter)) {
        self.separate();
        self.out.push(b'{');
        self.comma = false;
        fields(self);
        self.out.push(b'}');
        self.comma = true;
    }

    /// Writes an array; `items` writes its elements.
    pub fn array(&mut self, items: impl FnOnce(&mut JsonWriter)) {
        self.separate();
        self.out.push(b'[');
        self.comma = false;
        items(self);
        self.out.push(b']');
        self.comma = true;
    }

    /// Writes a key; its value comes next.
    pub fn key(&mut self, key: &str) -> &mut JsonWriter {
        self.string(key);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// Writes a text.
    pub fn string(&mut self, text: &str) {
        self.separate();
        self.out.push(b'"');
        let bytes = text.as_bytes();
        let mut start = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                b'\t' => b"\\t",
                0..=0x1f => b"",
                _ => continue,
            };
            self.out.extend_from_slice(&bytes[start..at]);
            if escape.is_empty() {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                self.out.extend_from_slice(b"\\u00");
                self.out.push(HEX[usize::from(byte >> 4)]);
                self.out.push(HEX[usize::from(byte & 15)]);
            } else {
                self.out.extend_from_slice(escape);
            }
            start = at + 1;
        }
        self.out.extend_from_slice(&bytes[start..]);
        self.out.push(b'"');
    }

    /// Writes whatever `Display` gives as a text that needs no escaping: an id, a time, a number.
    pub fn plain_string(&mut self, text: impl core::fmt::Display) {
        self.separate();
        self.out.push(b'"');
        self.display(text);
        self.out.push(b'"');
    }

    /// Writes a whole number.
    pub fn int(&mut self, number: i64) {
        self.separate();
        self.display(number);
    }

    /// Writes a whole number without sign.
    pub fn uint(&mut self, number: u64) {
        self.separate();
        self.display(number);
    }

    /// Writes a number; infinity and not-a-number, which JSON lacks, become `null`.
    pub fn float(&mut self, number: f64) {
        self.separate();
        if !number.is_finite() {
            self.out.extend_from_slice(b"null");
        } else if number == 0.0 || (1e-5..1e16).contains(&number.abs()) {
            self.display(number);
        } else {
            self.display(format_args!("{number:e}"));
        }
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.separate();
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.separate();
        self.out.extend_from_slice(b"null");
    }

    /// Writes any value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Bool(value) => self.bool(*value),
            Value::Int(number) => self.int(*number),
            Value::UInt(number) => self.uint(*number),
            Value::Float(number) => self.float(*number),
            Value::String(text) => self.string(text),
            Value::Array(items) => self.array(|w| items.iter().for_each(|item| w.value(item))),
            Value::Object(object) => self.map(object),
        }
    }

    /// Writes a map of any values.
    pub fn map(&mut self, object: &Object) {
        self.object(|w| object.0.iter().for_each(|(key, value)| w.key(key).value(value)));
    }

    /// Writes `key` and its text, when there is one.
    pub fn opt_string(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.key(key).string(text);
        }
    }

    /// Writes `key` and its number, when there is one.
    pub fn opt_uint(&mut self, key: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.key(key).uint(number);
        }
    }

    /// Writes `key` and its truth, when there is one.
    pub fn opt_bool(&mut self, key: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.key(key).bool(value);
        }
    }

    /// Writes `key` and its map, when that has entries.
    pub fn opt_map(&mut self, key: &str, object: &Object) {
        if !object.0.is_empty() {
            self.key(key).map(object);
        }
    }

    fn display(&mut self, value: impl core::fmt::Display) {
        struct Sink<'a>(&'a mut Vec<u8>);
        impl core::fmt::Write for Sink<'_> {
            fn write_str(&mut self, text: &str) -> core::fmt::Result {
                self.0.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
        // Writing into a Vec cannot fail.
        let _ = core::fmt::write(&mut Sink(&mut self.out), format_args!("{value}"));
    }
}

/// A value as JSON text.
pub fn to_json(value: &Value) -> String {
    let mut writer = JsonWriter::default();
    writer.value(value);
    // The writer only ever writes whole UTF-8.
    String::from_utf8(writer.into_bytes()).unwrap_or_default()
}

#[cfg(feature = "decode")]
pub use decode::{DecodeError, decode_value, repair, validate};

#[cfg(feature = "decode")]
mod decode {
    use alloc::borrow::Cow;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use core::fmt;

    use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

    use crate::limits;
    use crate::value::{Object, Value};

    /// Why bytes are not JSON.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DecodeError {
        /// What the parser met, with line and column.
        pub reason: String,
    }

    impl fmt::Display for DecodeError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "not valid JSON: {}", self.reason)
        }
    }

    impl core::error::Error for DecodeError {}

    /// Reads one JSON value.
    ///
    /// Old senders' bare `NaN` and `Infinity`, lone surrogates and broken UTF-8 are repaired. What is nested
    /// deeper than [`limits::JSON_DEPTH`] becomes `null` and keys past [`limits::OBJECT_KEYS`] of one object
    /// are left out, so memory and stack stay bounded by the length of `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not JSON even so.
    pub fn decode_value(bytes: &[u8]) -> Result<Value, DecodeError> {
        match read(bytes) {
            Ok(value) => Ok(value),
            Err(first) => match repair(bytes) {
                Cow::Borrowed(_) => Err(first),
                Cow::Owned(repaired) => read(&repaired).map_err(|_| first),
            },
        }
    }

    fn read(bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        // The depth is bounded by the seed below, which skips deeper parts without recursion.
        deserializer.disable_recursion_limit();
        let value = Seed { depth: 0 }.deserialize(&mut deserializer).map_err(DecodeError::from)?;
        deserializer.end().map_err(DecodeError::from)?;
        Ok(value)
    }

    /// Checks that `bytes` are one JSON object that [`decode_value`] can read, keeping only the texts of
    /// `keys` at its top level, in their order.
    ///
    /// # Errors
    /// [`DecodeError`] when they are not.
    pub fn validate<const N: usize>(
        bytes: &[u8],
        keys: [&str; N],
    ) -> Result<[Option<String>; N], DecodeError> {
        let read = |bytes: &[u8]| {
            let mut deserializer = serde_json::Deserializer::from_slice(bytes);
            deserializer.disable_recursion_limit();
            let found = deserializer.deserialize_map(Pick { keys }).map_err(DecodeError::from)?;
            deserializer.end().map_err(DecodeError::from)?;
            Ok(found)
        };
        match read(bytes) {
            Ok(found) => Ok(found),
            Err(first) => match repair(bytes) {
                Cow::Borrowed(_) => Err(first),
                Cow::Owned(repaired) => read(&repaired).map_err(|_: DecodeError| first),
            },
        }
    }

    impl From<serde_json::Error> for DecodeError {
        fn from(error: serde_json::Error) -> Self {
            DecodeError { reason: error.to_string() }
        }
    }

    struct Pick<'k, const N: usize> {
        keys: [&'k str; N],
    }

    impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
        type Value = [Option<String>; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = [const { None }; N];
            while let Some(key) = map.next_key_seed(Key)? {
                match self.keys.iter().position(|wanted| *wanted == key) {
                    Some(at) => {
                        let value = map.next_value_seed(Seed { depth: limits::JSON_DEPTH - 1 })?;
                        if found[at].is_none() {
                            found[at] = value.into_text();
                        }
                    }
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(found)
        }
    }

    /// A key that is borrowed from the input where it can be.
    struct Key;

    impl<'de> DeserializeSeed<'de> for Key {
        type Value = Cow<'de, str>;
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }
    }

    impl<'de> Visitor<'de> for Key {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a key")
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.into()))
        }
    }

    #[derive(Clone, Copy)]
    struct Seed {
        depth: usize,
    }

    impl<'de> DeserializeSeed<'de> for Seed {
        type Value = Value;
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
            if self.depth >= limits::JSON_DEPTH {
                // serde_json skips a value without recursion, however deep it is.
                return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Value::Null);
            }
            deserializer.deserialize_any(self)
        }
    }

    impl<'de> Visitor<'de> for Seed {
        type Value = Value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }

        fn visit_unit<E>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
            Ok(Value::Bool(value))
        }

        fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
            Ok(Value::Int(number))
        }

        fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
            Ok(Value::from(number))
        }

        fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
            Ok(Value::Float(number))
        }

        fn visit_str<E>(self, text: &str) -> Result<Value, E> {
            Ok(Value::String(text.into()))
        }

        fn visit_string<E>(self, text: String) -> Result<Value, E> {
            Ok(Value::String(text))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element_seed(Seed { depth: self.depth + 1 })? {
                items.push(item);
            }
            Ok(Value::Array(items))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
            let mut entries: Vec<(String, Value)> = Vec::new();
            while let Some(key) = map.next_key_seed(Key)? {
                if entries.len() >= limits::OBJECT_KEYS {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                let value = map.next_value_seed(Seed { depth: self.depth + 1 })?;
                entries.push((key.into_owned(), value));
            }
            Ok(Value::Object(Object(entries)))
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Value, D::Error> {
            Err(D::Error::custom("not JSON"))
        }
    }

    /// Mends what real senders get wrong in otherwise good JSON; borrows when nothing was wrong.
    ///
    /// Bare `NaN` and `Infinity` become `null`, escaped lone surrogates and bytes that are not UTF-8 become
    /// the replacement character, raw control characters inside texts become spaces. Newlines stay out of
    /// the result's texts, so a line of an envelope stays a line.
    pub fn repair(bytes: &[u8]) -> Cow<'_, [u8]> {
        let mut out: Vec<u8> = Vec::new();
        let mut copied = 0;
        let mut at = 0;
        let mut in_text = false;
        let mut replace = |out: &mut Vec<u8>, from: usize, to: usize, with: &[u8]| {
            out.extend_from_slice(&bytes[copied..from]);
            out.extend_from_slice(with);
            copied = to;
        };
        while let Some(&byte) = bytes.get(at) {
            let rest = &bytes[at..];
            if byte >= 0x80 {
                let len = utf8_len(rest);
                if len == 0 {
                    replace(&mut out, at, at + 1, "\u{fffd}".as_bytes());
                }
                at += len.max(1);
                continue;
            }
            if !in_text {
                let bare =
                    [&b"-Infinity"[..], b"Infinity", b"NaN"].into_iter().find(|word| rest.starts_with(word));
                if let Some(word) = bare {
                    replace(&mut out, at, at + word.len(), b"null");
                    at += word.len();
                    continue;
                }
                in_text = byte == b'"';
                at += 1;
                continue;
            }
            match byte {
                b'"' => {
                    in_text = false;
                    at += 1;
                }
                b'\\' => match unicode_escape(rest) {
                    Some(unit) if (0xd800..0xdc00).contains(&unit) => {
                        let paired = unicode_escape(&bytes[(at + 6).min(bytes.len())..])
                            .is_some_and(|next| (0xdc00..0xe000).contains(&next));
                        if paired {
                            at += 12;
                        } else {
                            replace(&mut out, at, at + 6, b"\\ufffd");
                            at += 6;
                        }
                    }
                    Some(unit) if (0xdc00..0xe000).contains(&unit) => {
                        replace(&mut out, at, at + 6, b"\\ufffd");
                        at += 6;
                    }
                    _ => at += 2,
                },
                0..=0x1f => {
                    replace(&mut out, at, at + 1, b" ");
                    at += 1;
                }
                _ => at += 1,
            }
        }
        if copied == 0 {
            return Cow::Borrowed(bytes);
        }
        out.extend_from_slice(&bytes[copied..]);
        Cow::Owned(out)
    }

    /// The code unit of a `\uXXXX` at the start of `bytes`.
    fn unicode_escape(bytes: &[u8]) -> Option<u32> {
        let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | (*digit as char).to_digit(16)?))
    }

    /// Length of the UTF-8 character at the start of `bytes`; 0 when there is none.
    fn utf8_len(bytes: &[u8]) -> usize {
        let head = &bytes[..bytes.len().min(4)];
        let valid = match core::str::from_utf8(head) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        };
        valid.chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(all(test, feature = "decode"))]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<u64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has only finite numbers", |n| n.is_finite())
                .prop_map(Value::Float),
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
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
            }
            _ => match (number(a), number(b)) {
                (Some(a), Some(b)) => (a - b).abs() <= a.abs() * 1e-15,
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
    fn what_old_senders_get_wrong_is_mended() {
        for (bad, good) in [
            (
                &br#"{"a":NaN,"b":[Infinity,-Infinity],"c":"NaN"}"#[..],
                r#"{"a":null,"b":[null,null],"c":"NaN"}"#,
            ),
            (br#"["\ud800","\udc00x","\ud83d\ude00"]"#, "[\"\u{fffd}\",\"\u{fffd}x\",\"\u{1f600}\"]"),
            (b"[\"a\xffb\"]", "[\"a\u{fffd}b\"]"),
            (b"[\"a\nb\"]", "[\"a b\"]"),
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
    fn no_json_at_all_is_an_error_that_says_where() {
        let error = decode_value(b"{\"a\": oops}").unwrap_err();
        assert!(error.reason.contains("line 1 column"), "{error}");
    }
}
