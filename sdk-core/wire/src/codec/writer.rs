//! JSON to bytes, strictly and always the same.

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
        let mut rest = text.as_bytes();
        loop {
            let (plain, escaped) = rest.split_at(plain_length(rest));
            self.out.extend_from_slice(plain);
            let [byte, after @ ..] = escaped else { break };
            let letter = match byte {
                b'"' | b'\\' => *byte,
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                _ => b'u',
            };
            self.out.extend_from_slice(&[b'\\', letter]);
            if letter == b'u' {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digits = [b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                self.out.extend_from_slice(&digits);
            }
            rest = after;
        }
        self.out.push(b'"');
    }

    /// Writes a text that needs no escaping: the digits of an id or of a time.
    pub fn plain_string(&mut self, text: &[u8]) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.push(b'"');
    }

    /// Writes a whole number.
    pub fn int(&mut self, number: i64) {
        self.separate();
        if number < 0 {
            self.out.push(b'-');
        }
        self.digits(number.unsigned_abs());
    }

    /// Writes a whole number without sign.
    pub fn uint(&mut self, number: u64) {
        self.separate();
        self.digits(number);
    }

    // By hand: a browser would download all of the standard library's formatting for it.
    fn digits(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    /// Writes a number; infinity and not-a-number, which JSON lacks, become `null`.
    #[cfg(feature = "float")]
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
            #[cfg(feature = "float")]
            Value::Float(number) => self.float(*number),
            #[cfg(not(feature = "float"))]
            Value::Float(_) => self.null(),
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

    #[cfg(feature = "float")]
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

/// How many bytes come before the first that JSON wants escaped.
fn plain_length(bytes: &[u8]) -> usize {
    let is_escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // A browser would download it, and one without WebAssembly put such a word together of two.
    let words = if cfg!(target_family = "wasm") { &[] } else { bytes.as_chunks::<8>().0 };
    let plain = words.iter().take_while(|word| !holds_escaped(u64::from_le_bytes(**word))).count() * 8;
    plain + bytes[plain..].iter().take_while(|byte| !is_escaped(**byte)).count()
}

/// Whether JSON wants one of eight bytes escaped.
fn holds_escaped(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    // A byte below `bound` sets its highest bit when `bound` is taken from it; those that had it set are none.
    let less = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let equal = |byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    (less(word, b' ') | equal(b'"') | equal(b'\\')) & (ONES << 7) != 0
}
