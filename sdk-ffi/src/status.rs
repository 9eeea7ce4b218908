//! How a call ended.

use std::ffi::CStr;

use crate::text::Text;

/// How a call ended. A number keeps its meaning for ever and is never given to another one.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It did what it says.
    Ok = 0,
    /// A pointer is NULL that must not be.
    NullPointer = 1,
    /// A text is not UTF-8.
    InvalidUtf8 = 2,
    /// The handle was never given out, or is freed already.
    InvalidHandle = 3,
    /// The DSN is none; the collector's dashboard shows the right one.
    InvalidDsn = 4,
    /// A number is outside of what is allowed.
    InvalidArgument = 5,
    /// The text is not a JSON object.
    InvalidJson = 6,
    /// There was no successful sentinel_init, or sentinel_close since.
    NotInitialised = 10,
    /// There was a sentinel_init already, and no sentinel_close since.
    AlreadyInitialised = 11,
    /// The time was over first.
    TimedOut = 12,
    /// This library was built without the feature that it takes.
    NotBuiltIn = 13,
    /// A defect of Error Sentinel, caught at its border; nothing is wrong with the program.
    Panic = 99,
    // Last added: Panic = 99.
}

impl Status {
    /// Every status, for those who list them.
    pub const ALL: [Status; 12] = [
        Status::Ok,
        Status::NullPointer,
        Status::InvalidUtf8,
        Status::InvalidHandle,
        Status::InvalidDsn,
        Status::InvalidArgument,
        Status::InvalidJson,
        Status::NotInitialised,
        Status::AlreadyInitialised,
        Status::TimedOut,
        Status::NotBuiltIn,
        Status::Panic,
    ];

    fn words(self) -> &'static CStr {
        match self {
            Status::Ok => c"done",
            Status::NullPointer => c"a pointer is NULL that must not be",
            Status::InvalidUtf8 => c"a text is not UTF-8",
            Status::InvalidHandle => c"the handle was never given out, or is freed already",
            Status::InvalidDsn => c"the DSN is not valid; copy it from the collector's dashboard",
            Status::InvalidArgument => c"a number is outside of what is allowed",
            Status::InvalidJson => c"the text is not a JSON object",
            Status::NotInitialised => c"sentinel_init was not called, or sentinel_close was",
            Status::AlreadyInitialised => c"sentinel_init was called already",
            Status::TimedOut => c"the time was over first",
            Status::NotBuiltIn => c"this library was built without what that takes",
            Status::Panic => c"a defect of Error Sentinel; please report it",
        }
    }
}

/// Says in words how a call ended; of a number that is no status, so much.
///
/// The text lives for ever and ends with a zero byte too, as C prints it.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_status_text(status: u32) -> Text {
    let known = Status::ALL.into_iter().find(|known| *known as u32 == status);
    Text::of_static(known.map_or(c"no status of Error Sentinel", Status::words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_own_words() {
        let mut words: Vec<&CStr> = Status::ALL.map(Status::words).to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Status::ALL.len());
    }

    #[test]
    fn a_number_that_is_no_status_is_told_as_such() {
        // SAFETY: the text is static.
        let words = unsafe { sentinel_status_text(4711).read() };
        assert_eq!(words, Ok("no status of Error Sentinel"));
    }
}
