//! Delivery by the host, which here is Java's HTTP.

use jni_sys::{JNIEnv, jbyteArray, jclass, jlongArray};

use super::arrays::{NONE, call, succeeded};
use super::calls::milliseconds;
use crate::host::{
    Header, Part, RequestHandle, copy, sentinel_next_request, sentinel_report_result, sentinel_request_free,
};
use crate::status::Status;
use crate::text::Text;

/// `sentinel_next_request`; the handle goes to the first place of `out`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_nextRequest(
    env: *mut JNIEnv,
    _class: jclass,
    timeout_ms: i32,
    out: jlongArray,
) -> u32 {
    call(env, |machine| {
        // What cannot be given out must not be taken.
        machine.write_number(out, 0)?;
        let mut request = RequestHandle { number: 0 };
        // SAFETY: `request` outlives the call.
        succeeded(unsafe { sentinel_next_request(milliseconds(timeout_ms)?, &mut request) })?;
        let given = machine.write_number(out, request.number);
        if given.is_err() {
            succeeded(sentinel_request_free(request))?;
        }
        given
    })
}

/// `sentinel_request_url`, as UTF-8; NULL when the handle is none.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_requestUrl(
    env: *mut JNIEnv,
    _class: jclass,
    request: i64,
) -> jbyteArray {
    copy_of(env, request, Part::Url)
}

/// `sentinel_request_authorisation`, as UTF-8; NULL when the handle is none.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_requestAuthorisation(
    env: *mut JNIEnv,
    _class: jclass,
    request: i64,
) -> jbyteArray {
    copy_of(env, request, Part::Authorisation)
}

/// `sentinel_request_body`; NULL when the handle is none.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_requestBody(
    env: *mut JNIEnv,
    _class: jclass,
    request: i64,
) -> jbyteArray {
    copy_of(env, request, Part::Body)
}

fn copy_of(env: *mut JNIEnv, request: i64, part: Part) -> jbyteArray {
    let mut array = NONE;
    call(env, |machine| {
        let bytes = copy(RequestHandle { number: request.cast_unsigned() }, part)?;
        array = machine.new_bytes(&bytes)?;
        Ok(())
    });
    array
}

/// `sentinel_report_result`. `headers` has one header a line: its name, a colon, its value.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_reportResult(
    env: *mut JNIEnv,
    _class: jclass,
    request: i64,
    http_status: i32,
    headers: jbyteArray,
) -> u32 {
    call(env, |machine| {
        let request = RequestHandle { number: request.cast_unsigned() };
        let read = machine
            .read(headers)
            .and_then(|read| Ok((read, u16::try_from(http_status).map_err(|_| Status::InvalidArgument)?)));
        let (read, http_status) = match read {
            Ok(read) => read,
            // As it says of itself: whatever it returns, the handle is freed.
            Err(status) => return succeeded(sentinel_request_free(request)).and(Err(status)),
        };
        let text = String::from_utf8_lossy(read.as_slice());
        let headers: Vec<Header> = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| Header {
                name: Text::borrow(name.trim()),
                value: Text::borrow(value.trim()),
            })
            .collect();
        // SAFETY: the headers and their texts outlive the call.
        succeeded(unsafe { sentinel_report_result(request, http_status, headers.as_ptr(), headers.len()) })
    })
}
