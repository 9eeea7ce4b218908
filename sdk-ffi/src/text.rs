//! Text over the border: a pointer and a length.

use std::ffi::{CStr, c_char};

use error_sentinel_wire::codec::decode_value;
use error_sentinel_wire::{Value, limits};

use crate::status::Status;

/// Borrowed UTF-8. What a caller passes is copied before the call returns; what a function gives lives as long as its
/// documentation says. `data` may be NULL when `length` is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// First byte.
    pub data: *const c_char,
    /// Bytes, without a zero byte at the end.
    pub length: usize,
}

impl Text {
    /// A text that lives for ever and, for those who print it as C does, ends with a zero byte that is not counted.
    pub(crate) fn of_static(text: &'static CStr) -> Text {
        Text { data: text.as_ptr(), length: text.count_bytes() }
    }

    /// A text that lives as long as `text`.
    pub(crate) fn borrow(text: &str) -> Text {
        Text { data: text.as_ptr().cast(), length: text.len() }
    }

    /// The text as Rust has it.
    ///
    /// # Safety
    /// `data` is NULL or points to `length` bytes that stay as they are during `'a`.
    pub(crate) unsafe fn read<'a>(self) -> Result<&'a str, Status> {
        if self.length == 0 {
            return Ok("");
        }
        if self.data.is_null() {
            return Err(Status::NullPointer);
        }
        if isize::try_from(self.length).is_err() {
            return Err(Status::InvalidArgument);
        }
        // SAFETY: not NULL and of a length that an object can have; the caller vouches for the rest.
        let bytes = unsafe { std::slice::from_raw_parts(self.data.cast::<u8>(), self.length) };
        std::str::from_utf8(bytes).map_err(|_| Status::InvalidUtf8)
    }

    /// The JSON object that the text is.
    ///
    /// # Safety
    /// As [`Text::read`].
    pub(crate) unsafe fn read_object(self) -> Result<Value, Status> {
        // SAFETY: the caller vouches for it.
        let json = unsafe { self.read() }?;
        if json.len() > limits::EVENT_BYTES {
            return Err(Status::InvalidArgument);
        }
        let value = decode_value(json.as_bytes()).map_err(|_| Status::InvalidJson)?;
        if value.as_object().is_none() { Err(Status::InvalidJson) } else { Ok(value) }
    }

    /// The same; `None` for an empty one, which stands for "not given".
    ///
    /// # Safety
    /// As [`Text::read`].
    pub(crate) unsafe fn read_given<'a>(self) -> Result<Option<&'a str>, Status> {
        // SAFETY: the caller vouches for it.
        unsafe { self.read() }.map(|text| Some(text).filter(|text| !text.is_empty()))
    }
}

/// The version of this library, such as `0.1.0`. The text lives for ever and ends with a zero byte too.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_version() -> Text {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    Text::of_static(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<&str, Status> {
        // SAFETY: the bytes outlive the call.
        unsafe { Text { data: bytes.as_ptr().cast(), length: bytes.len() }.read() }
    }

    #[test]
    fn only_utf8_is_text() {
        assert_eq!(read("Grüße 🔔".as_bytes()), Ok("Grüße 🔔"));
        assert_eq!(read(b""), Ok(""));
        assert_eq!(read(&[0xff, 0xfe]), Err(Status::InvalidUtf8));
        assert_eq!(read(&[0xed, 0xa0, 0x80]), Err(Status::InvalidUtf8));
    }

    #[test]
    fn null_is_an_empty_text_and_nothing_else() {
        let null = |length| Text { data: std::ptr::null(), length };
        // SAFETY: NULL is allowed.
        unsafe {
            assert_eq!(null(0).read(), Ok(""));
            assert_eq!(null(1).read(), Err(Status::NullPointer));
        }
    }
}
