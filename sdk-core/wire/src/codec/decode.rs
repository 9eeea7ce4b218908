//! Bytes to JSON, with all the patience there is.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::repair;
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
    // All of it is checked to be UTF-8 at once instead of text by text, and what is not is mended before it is read: so
    // there is one parser to download.
    match core::str::from_utf8(bytes) {
        Ok(text) => read(text).or_else(|first| match read_mended(bytes) {
            Some(Ok(value)) => Ok(value),
            _ => Err(first),
        }),
        Err(error) => read_mended(bytes).unwrap_or_else(|| Err(DecodeError { reason: error.to_string() })),
    }
}

/// Reads what is nearly JSON; `None` where there is nothing to mend.
fn read_mended(bytes: &[u8]) -> Option<Result<Value, DecodeError>> {
    let Cow::Owned(mended) = repair::repair(bytes) else { return None };
    let text = core::str::from_utf8(&mended).map_err(|error| DecodeError { reason: error.to_string() });
    Some(text.and_then(read))
}

fn read(text: &str) -> Result<Value, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The depth is bounded by the seed below, which skips deeper parts without recursion.
    deserializer.disable_recursion_limit();
    let seed = Seed { depth: 0, entries: 0 };
    let value = seed.deserialize(&mut deserializer).map_err(DecodeError::from)?;
    deserializer.end().map_err(DecodeError::from)?;
    Ok(value)
}

/// Checks that `bytes` are one JSON object that [`decode_value`] can read, keeping only the texts of
/// `keys` at its top level, in their order.
///
/// # Errors
/// [`DecodeError`] when they are not.
pub fn validate<const N: usize>(bytes: &[u8], keys: [&str; N]) -> Result<[Option<String>; N], DecodeError> {
    let read = |bytes: &[u8]| {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        deserializer.disable_recursion_limit();
        let found = deserializer.deserialize_map(Pick { keys }).map_err(DecodeError::from)?;
        deserializer.end().map_err(DecodeError::from)?;
        Ok(found)
    };
    match read(bytes) {
        Ok(found) => Ok(found),
        Err(first) => match repair::repair(bytes) {
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
                    let value = map.next_value_seed(Seed { depth: limits::JSON_DEPTH - 1, entries: 0 })?;
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
    /// How many entries to expect if it is a map: as many as the one before it in the same list had.
    entries: usize,
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
        let mut entries = 0;
        while let Some(item) = seq.next_element_seed(Seed { depth: self.depth + 1, entries })? {
            entries = item.as_object().map_or(0, |object| object.0.len());
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::with_capacity(self.entries);
        while let Some(key) = map.next_key_seed(Key)? {
            if entries.len() >= limits::OBJECT_KEYS {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value_seed(Seed { depth: self.depth + 1, entries: 0 })?;
            entries.push((key.into_owned(), value));
        }
        // A large map is followed by many small ones only by who means harm.
        if entries.len() < self.entries / 2 {
            entries.shrink_to_fit();
        }
        Ok(Value::Object(Object(entries)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Value, D::Error> {
        Err(D::Error::custom("not JSON"))
    }
}
