//! Native crashes.

use error_sentinel::Options;

use crate::boundary::boundary;
use crate::status::Status;

/// Gives the calling thread a stack of its own to die on, unless it has one, so that a crash of it is reported even
/// when its own stack is used up. Call it once on each thread that your program starts; the one that calls
/// sentinel_init has got it. It is given back when the thread ends.
///
/// Returns SENTINEL_STATUS_NOT_BUILT_IN where crashes cannot be reported, or there is no memory for it.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_prepare_thread() -> Status {
    boundary(prepare)
}

/// Looks again at which libraries are loaded, so that the report of a crash knows their functions. The start does it;
/// call it after you have loaded more.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_refresh_modules() -> Status {
    boundary(refresh)
}

#[cfg(feature = "crash")]
fn prepare() -> Result<(), Status> {
    error_sentinel::prepare_thread().map_err(|_| Status::NotBuiltIn)
}

#[cfg(feature = "crash")]
fn refresh() -> Result<(), Status> {
    is_built_in(true)?;
    error_sentinel::refresh_modules();
    Ok(())
}

/// Fails where crashes cannot be reported; not to report them is always possible.
#[cfg(feature = "crash")]
pub(crate) fn is_built_in(is_wanted: bool) -> Result<(), Status> {
    if is_wanted && !error_sentinel::REPORTS_CRASHES { Err(Status::NotBuiltIn) } else { Ok(()) }
}

#[cfg(feature = "crash")]
pub(crate) fn set(options: Options, is_reported: bool) -> Options {
    options.report_crashes(is_reported)
}

#[cfg(not(feature = "crash"))]
fn prepare() -> Result<(), Status> {
    Err(Status::NotBuiltIn)
}

#[cfg(not(feature = "crash"))]
fn refresh() -> Result<(), Status> {
    Err(Status::NotBuiltIn)
}

/// Fails where crashes cannot be reported; not to report them is always possible.
#[cfg(not(feature = "crash"))]
pub(crate) fn is_built_in(is_wanted: bool) -> Result<(), Status> {
    if is_wanted { Err(Status::NotBuiltIn) } else { Ok(()) }
}

#[cfg(not(feature = "crash"))]
pub(crate) fn set(options: Options, _: bool) -> Options {
    options
}
