//! The border that no panic crosses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::status::Status;

/// Does the work of one call; a panic in it is a status.
pub(crate) fn boundary(body: impl FnOnce() -> Result<(), Status>) -> Status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(status)) => status,
        Err(payload) => {
            // To drop what a panic brought runs code that may panic again; what that brings is left alone.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(payload);
            }
            Status::Panic
        }
    }
}

/// Writes what a call gives out.
///
/// # Safety
/// `out` is NULL or can be written to.
pub(crate) unsafe fn give<T>(out: *mut T, value: T) -> Result<(), Status> {
    if out.is_null() {
        return Err(Status::NullPointer);
    }
    // SAFETY: not NULL; the caller vouches for the rest. What was there is no value of Rust's that needs an end.
    unsafe { out.write(value) };
    Ok(())
}

/// Panics inside, to show that nothing of it gets out.
#[cfg(feature = "harness")]
#[unsafe(no_mangle)]
#[expect(clippy::panic, reason = "that is what it is for")]
pub extern "C" fn sentinel_panic_on_purpose() -> Status {
    boundary(|| panic!("on purpose"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("again");
        }
    }

    #[test]
    fn a_panic_is_a_status_and_so_is_one_whose_payload_panics() {
        assert_eq!(boundary(|| panic!("once")), Status::Panic);
        assert_eq!(boundary(|| std::panic::panic_any(PanicsWhenDropped)), Status::Panic);
        assert_eq!(boundary(|| Err(Status::TimedOut)), Status::TimedOut);
        assert_eq!(boundary(|| Ok(())), Status::Ok);
    }
}
