//! Start, flush, end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use error_sentinel::Guard;

use crate::boundary::boundary;
use crate::host;
use crate::options::{OPTIONS, OptionsHandle};
use crate::status::Status;

/// The running SDK. Like the process that it watches, it is one.
static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// Whether there is a guard; a glance at it is all that a call costs while nothing runs.
static IS_RUNNING: AtomicBool = AtomicBool::new(false);

/// Fails unless there was an init and no close since.
pub(crate) fn running() -> Result<(), Status> {
    if IS_RUNNING.load(Ordering::Relaxed) { Ok(()) } else { Err(Status::NotInitialised) }
}

/// Starts reporting, and takes the options: whatever it returns, their handle is freed.
///
/// With an empty DSN, and none in the environment variable ERROR_SENTINEL_DSN, nothing is reported and every call does
/// nothing, as fast as it can.
///
/// Returns SENTINEL_STATUS_INVALID_DSN for a DSN that is none, and SENTINEL_STATUS_ALREADY_INITIALISED between an init
/// and its sentinel_close.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_init(options: OptionsHandle) -> Status {
    boundary(|| {
        let options = OPTIONS.take(options.number)?;
        let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
        if guard.is_some() {
            return Err(Status::AlreadyInitialised);
        }
        options.check()?;
        *guard = Some(error_sentinel::init(options.build()));
        IS_RUNNING.store(true, Ordering::Relaxed);
        Ok(())
    })
}

/// Waits until everything reported before has left, at most `timeout_ms` milliseconds.
///
/// Returns SENTINEL_STATUS_TIMED_OUT when something has not; it is still on its way.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_flush(timeout_ms: u32) -> Status {
    boundary(|| {
        running()?;
        in_time(error_sentinel::flush(Duration::from_millis(timeout_ms.into())))
    })
}

/// Ends reporting, after what is on its way had up to `timeout_ms` milliseconds to leave. After it sentinel_init may be
/// called again.
///
/// Returns SENTINEL_STATUS_TIMED_OUT when something was left: with a spool folder it is sent after the next start,
/// without one it is lost.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_close(timeout_ms: u32) -> Status {
    boundary(|| {
        let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner).take();
        let guard = guard.ok_or(Status::NotInitialised)?;
        IS_RUNNING.store(false, Ordering::Relaxed);
        let has_left = guard.close(Duration::from_millis(timeout_ms.into()));
        host::close();
        in_time(has_left)
    })
}

fn in_time(is_done: bool) -> Result<(), Status> {
    if is_done { Ok(()) } else { Err(Status::TimedOut) }
}
