//! JSON to bytes, strictly and always the same; bytes to JSON, with all the patience there is.

use alloc::string::String;

use crate::value::Value;

#[cfg(feature = "decode")]
mod decode;
#[cfg(feature = "decode")]
mod repair;
#[cfg(all(test, feature = "decode"))]
mod tests;
mod writer;

#[cfg(feature = "decode")]
pub use decode::{DecodeError, decode_value, validate};
#[cfg(feature = "decode")]
pub use repair::repair;
pub use writer::JsonWriter;

/// Appends a whole number's digits.
pub fn push_decimal(to: &mut String, number: u64) {
    if number > 9 {
        push_decimal(to, number / 10);
    }
    to.push(char::from(b'0' + (number % 10) as u8));
}

/// A value as JSON text.
pub fn to_json(value: &Value) -> String {
    let mut writer = JsonWriter::default();
    writer.value(value);
    // The writer only ever writes whole UTF-8.
    String::from_utf8(writer.into_bytes()).unwrap_or_default()
}
