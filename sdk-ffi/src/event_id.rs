//! The name of an event.

use std::ffi::c_char;

use error_sentinel::EventId;

/// The name under which the collector shows an event: 32 hexadecimal digits and a zero byte.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct EventName {
    /// The digits, ready to be printed.
    pub digits: [c_char; 33],
}

impl From<EventId> for EventName {
    fn from(id: EventId) -> EventName {
        let mut digits = [0; 33];
        for (digit, byte) in digits.iter_mut().zip(id.to_string().bytes().take(32)) {
            *digit = byte.cast_signed() as c_char;
        }
        EventName { digits }
    }
}

/// Writes the name of an event where it is wanted.
///
/// # Safety
/// `out` is NULL or can be written to.
pub(crate) unsafe fn give_id(out: *mut EventName, id: EventId) {
    if !out.is_null() {
        // SAFETY: not NULL; the caller vouches for the rest.
        unsafe { out.write(id.into()) };
    }
}
