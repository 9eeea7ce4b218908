//! Delivery by the host: it asks for the next request, sends it by its own HTTP, and says what came back.

use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use error_sentinel::{Transport, TransportError};
use error_sentinel_wire::reply::Reply;
use error_sentinel_wire::{Dsn, Sdk};

use crate::boundary::{boundary, give};
use crate::handle::Registry;
use crate::status::Status;
use crate::text::Text;

/// Longest that an envelope waits to be asked for, and then for its answer; after that it is tried again later.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that the host is to send; freed by sentinel_report_result or sentinel_request_free. A handle of zero is
/// none.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct RequestHandle {
    /// Means nothing to anybody else.
    pub number: u64,
}

/// One header of an answer.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Its name, in any case.
    pub name: Text,
    /// Its value.
    pub value: Text,
}

struct Pending {
    url: String,
    authorisation: String,
    body: Vec<u8>,
    /// Nothing but answers comes by it. It is of the type that the SDK's own answers have, since the code of a channel is
    /// there once for each type.
    answer: Sender<Option<Reply>>,
}

static REQUESTS: Registry<Box<Pending>> = Registry::new();
/// What waits to be asked for.
static OUTBOX: Mutex<Option<Receiver<Box<Pending>>>> = Mutex::new(None);

/// Hands envelopes to the host, one at a time.
pub(crate) struct HostTransport {
    outbox: Sender<Box<Pending>>,
}

/// Opens the way to the host.
pub(crate) fn open() -> HostTransport {
    let (sender, receiver) = bounded(1);
    *OUTBOX.lock().unwrap_or_else(PoisonError::into_inner) = Some(receiver);
    HostTransport { outbox: sender }
}

/// Closes it; who waits for a request is told.
pub(crate) fn close() {
    OUTBOX.lock().unwrap_or_else(PoisonError::into_inner).take();
}

impl Transport for HostTransport {
    fn send(&mut self, dsn: &Dsn, envelope: &[u8]) -> Result<Reply, TransportError> {
        let sdk = Sdk { name: "error-sentinel.native".into(), version: env!("CARGO_PKG_VERSION").into() };
        let (answer, answered) = bounded(1);
        let pending = Pending {
            url: dsn.envelope_url(),
            authorisation: dsn.auth_header(&sdk),
            body: envelope.to_vec(),
            answer,
        };
        let fail = |what: &str| TransportError(what.to_owned());
        self.outbox
            .send_timeout(Box::new(pending), PATIENCE)
            .map_err(|_| fail("the host did not ask for the request"))?;
        let answer = answered.recv_timeout(PATIENCE).ok().flatten();
        answer.ok_or_else(|| fail("the host did not say what came back"))
    }
}

/// Waits for a request to send, at most `timeout_ms` milliseconds, and writes its handle to `out`. Call it again and
/// again on a thread of your own. POST what it says, and hand what came back to sentinel_report_result.
///
/// Returns SENTINEL_STATUS_TIMED_OUT when there was nothing to send, and SENTINEL_STATUS_NOT_INITIALISED when there will
/// be nothing any more.
///
/// # Safety
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_next_request(timeout_ms: u32, out: *mut RequestHandle) -> Status {
    boundary(|| {
        if out.is_null() {
            return Err(Status::NullPointer);
        }
        let outbox = OUTBOX.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let outbox = outbox.ok_or(Status::NotInitialised)?;
        let pending = match outbox.recv_timeout(Duration::from_millis(timeout_ms.into())) {
            Ok(pending) => pending,
            Err(RecvTimeoutError::Timeout) => return Err(Status::TimedOut),
            Err(RecvTimeoutError::Disconnected) => return Err(Status::NotInitialised),
        };
        let number = REQUESTS.keep(pending)?;
        // SAFETY: the caller vouches for it.
        unsafe { give(out, RequestHandle { number }) }
    })
}

/// Gives the URL to POST to. Lives until the request is freed.
///
/// # Safety
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_request_url(request: RequestHandle, out: *mut Text) -> Status {
    boundary(|| {
        REQUESTS.with(request.number, |pending| {
            // SAFETY: the caller vouches for it.
            unsafe { give(out, Text::borrow(&pending.url)) }
        })
    })
}

/// Gives the value of the header X-Sentry-Auth. Lives until the request is freed. The header Content-Type is
/// `application/x-sentry-envelope`.
///
/// # Safety
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_request_authorisation(request: RequestHandle, out: *mut Text) -> Status {
    boundary(|| {
        REQUESTS.with(request.number, |pending| {
            // SAFETY: the caller vouches for it.
            unsafe { give(out, Text::borrow(&pending.authorisation)) }
        })
    })
}

/// Gives the body. Lives until the request is freed.
///
/// # Safety
/// `out_data` and `out_length` are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_request_body(
    request: RequestHandle,
    out_data: *mut *const c_void,
    out_length: *mut usize,
) -> Status {
    boundary(|| {
        if out_data.is_null() || out_length.is_null() {
            return Err(Status::NullPointer);
        }
        REQUESTS.with(request.number, |pending| {
            // SAFETY: the caller vouches for both.
            unsafe {
                give(out_data, pending.body.as_ptr().cast())?;
                give(out_length, pending.body.len())
            }
        })
    })
}

/// One part of a request.
#[cfg(feature = "jvm")]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Url,
    Authorisation,
    Body,
}

/// Copies one part of a request, for hosts where another thread may free it at the same time.
#[cfg(feature = "jvm")]
pub(crate) fn copy(request: RequestHandle, part: Part) -> Result<Vec<u8>, Status> {
    REQUESTS.with(request.number, |pending| {
        Ok(match part {
            Part::Url => pending.url.clone().into_bytes(),
            Part::Authorisation => pending.authorisation.clone().into_bytes(),
            Part::Body => pending.body.clone(),
        })
    })
}

/// Says what came back for a request, and takes it: whatever it returns, the handle is freed. `http_status` is 0 when
/// there was no answer; then it is tried again later. Pass all headers of the answer: they say when to send again.
///
/// # Safety
/// `headers` is NULL or points to `header_count` headers whose texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_report_result(
    request: RequestHandle,
    http_status: u16,
    headers: *const Header,
    header_count: usize,
) -> Status {
    boundary(|| {
        let pending = REQUESTS.take(request.number)?;
        if http_status == 0 {
            return Ok(());
        }
        if header_count > 0 && headers.is_null() {
            return Err(Status::NullPointer);
        }
        let mut read = Vec::new();
        for index in 0..header_count.min(HEADERS_MAX) {
            // SAFETY: it is one of those that the caller vouches for.
            let header = unsafe { *headers.add(index) };
            // SAFETY: the same. What is no text is no header of ours.
            if let (Ok(name), Ok(value)) = unsafe { (header.name.read(), header.value.read()) } {
                read.push((name, value));
            }
        }
        let value_of = |wanted: &str| {
            let found = read.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| *value)
        };
        // Nobody waits any more when the answer took too long; the events are sent again, and counted once.
        let _ = pending.answer.try_send(Some(Reply::read(http_status, value_of)));
        Ok(())
    })
}

/// More headers than any honest answer has.
const HEADERS_MAX: usize = 256;

/// Frees a request without an answer; it is tried again later.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_request_free(request: RequestHandle) -> Status {
    boundary(|| REQUESTS.take(request.number).map(drop))
}
