//! What went wrong.

use error_sentinel::{Event, EventId};
use error_sentinel_wire::{Exception, Frame as WireFrame, Mechanism, Stacktrace, limits};

use crate::boundary::{boundary, give};
use crate::event_id::{EventName, give_id};
use crate::handle::Registry;
use crate::level::level_of;
use crate::lifecycle::running;
use crate::status::Status;
use crate::text::Text;

/// Reports a text, with the stack that this is called from. `out` may be NULL.
///
/// # Safety
/// `message` can be read, and `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_send_alert(message: Text, out: *mut EventName) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let message = unsafe { message.read() }?;
        running()?;
        let id = error_sentinel::send_alert(message);
        // SAFETY: the caller vouches for it.
        unsafe { give_id(out, id) };
        Ok(())
    })
}

/// Reports an event that is JSON already, as the Sentry protocol has it. Its own id, time and stack are kept. `out` may
/// be NULL.
///
/// # Safety
/// `json` can be read, and `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_send_event(json: Text, out: *mut EventName) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let event = unsafe { event_of(json) }?;
        let id = error_sentinel::send_alert(event);
        // SAFETY: the caller vouches for it.
        unsafe { give_id(out, id) };
        Ok(())
    })
}

/// Reports an event that is JSON already, of a program that is about to end by it. It is reported whatever the sample
/// rate says, and with a spool folder it is on disk when this returns, which can take up to two seconds. `out` may be
/// NULL.
///
/// # Safety
/// `json` can be read, and `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_send_crash(json: Text, out: *mut EventName) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let event = unsafe { event_of(json) }?;
        let id = error_sentinel::send_crash(event);
        // SAFETY: the caller vouches for it.
        unsafe { give_id(out, id) };
        Ok(())
    })
}

/// The event that a JSON object says, while there is somebody to report it to.
///
/// # Safety
/// `json` can be read.
unsafe fn event_of(json: Text) -> Result<Event, Status> {
    running()?;
    // SAFETY: the caller vouches for it.
    unsafe { json.read_object() }.map(Event::from_value)
}

/// An alert being put together; freed by sentinel_alert_send or sentinel_alert_free. A handle of zero is none.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct AlertHandle {
    /// Means nothing to anybody else.
    pub number: u64,
}

/// One call of a stack. What is not known is an empty text or 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// The function.
    pub function: Text,
    /// The namespace, class or module that it belongs to.
    pub module: Text,
    /// The source file.
    pub file: Text,
    /// Line in it, from 1.
    pub line: u32,
    /// Column in that, from 1.
    pub column: u32,
    /// Where the processor was.
    pub instruction_address: u64,
    /// Whether it is the application's own code: 1 yes, 0 no, -1 for the collector to decide.
    pub is_in_app: i8,
}

static ALERTS: Registry<Draft> = Registry::new();

struct Draft {
    event: Event,
    /// What surfaced first, then its causes: the other way round than on the wire.
    exceptions: Vec<Exception>,
}

/// Begins the alert of an error with a type and what it says, and writes its handle to `out`. Both texts may be empty.
///
/// # Safety
/// Both texts can be read, and `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_new(kind: Text, message: Text, out: *mut AlertHandle) -> Status {
    boundary(|| {
        if out.is_null() {
            return Err(Status::NullPointer);
        }
        // SAFETY: the caller vouches for it.
        let exception = unsafe { exception(kind, message) }?;
        let event = Event { platform: Some("native".into()), ..Event::default() };
        let number = ALERTS.keep(Draft { event, exceptions: vec![exception] })?;
        // SAFETY: the caller vouches for it.
        unsafe { give(out, AlertHandle { number }) }
    })
}

/// Adds what the error before was caused by; frames added from now on are those of the cause.
///
/// # Safety
/// Both texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_add_cause(alert: AlertHandle, kind: Text, message: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let exception = unsafe { exception(kind, message) }?;
        ALERTS.with(alert.number, |draft| {
            if draft.exceptions.len() >= limits::EXCEPTIONS {
                return Err(Status::InvalidArgument);
            }
            draft.exceptions.push(exception);
            Ok(())
        })
    })
}

/// Adds the next call of the stack, the newest first, as backtrace(3) gives them.
///
/// # Safety
/// `frame` is NULL or points to a frame whose texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_add_frame(alert: AlertHandle, frame: *const Frame) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let frame = unsafe { frame.as_ref() }.ok_or(Status::NullPointer)?;
        // SAFETY: the caller vouches for it.
        let frame = unsafe { wire_frame(frame) }?;
        ALERTS.with(alert.number, |draft| {
            let exception = draft.exceptions.last_mut().ok_or(Status::InvalidHandle)?;
            let frames = &mut exception.stacktrace.get_or_insert_default().frames;
            if frames.len() >= limits::FRAMES {
                return Err(Status::InvalidArgument);
            }
            frames.push(frame);
            Ok(())
        })
    })
}

/// Says how bad it is; SENTINEL_LEVEL_ERROR unless said otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_alert_set_level(alert: AlertHandle, level: u32) -> Status {
    boundary(|| {
        let level = level_of(level)?;
        change(alert, |draft| draft.event.level = Some(level))
    })
}

/// Says what language the error is of, such as `java`; `native` unless said otherwise.
///
/// # Safety
/// `platform` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_set_platform(alert: AlertHandle, platform: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let platform = unsafe { platform.read() }?.to_owned();
        change(alert, |draft| draft.event.platform = Some(platform))
    })
}

/// Says how it was noticed, such as `signal`, and whether the application dealt with it.
///
/// # Safety
/// `kind` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_set_mechanism(
    alert: AlertHandle,
    kind: Text,
    is_handled: bool,
) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let kind = unsafe { kind.read() }?.to_owned();
        ALERTS.with(alert.number, |draft| {
            let surfaced = draft.exceptions.first_mut().ok_or(Status::InvalidHandle)?;
            surfaced.mechanism = Some(Mechanism { kind, handled: Some(is_handled), ..Mechanism::default() });
            Ok(())
        })
    })
}

/// Labels this alert only.
///
/// # Safety
/// Both texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_set_tag(alert: AlertHandle, key: Text, value: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let (key, value) = unsafe { (key.read()?.to_owned(), value.read()?.to_owned()) };
        change(alert, |draft| {
            draft.event.tags.retain(|(known, _)| *known != key);
            draft.event.tags.push((key, value));
        })
    })
}

/// Adds a fact to this alert only.
///
/// # Safety
/// Both texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_set_extra(alert: AlertHandle, key: Text, value: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let (key, value) = unsafe { (key.read()?, value.read()?) };
        change(alert, |draft| draft.event.extra.set(key, value))
    })
}

/// Adds a part of what decides which issue this belongs to, in place of its stack.
///
/// # Safety
/// `part` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_add_fingerprint(alert: AlertHandle, part: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let part = unsafe { part.read() }?.to_owned();
        change(alert, |draft| draft.event.fingerprint.push(part))
    })
}

/// Reports an alert, and takes it: whatever it returns, the handle is freed. Without frames it takes along the stack that
/// this is called from. `out` may be NULL.
///
/// # Safety
/// `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_alert_send(alert: AlertHandle, out: *mut EventName) -> Status {
    boundary(|| {
        let draft = ALERTS.take(alert.number)?;
        running()?;
        let id: EventId = error_sentinel::send_alert(draft.into_event());
        // SAFETY: the caller vouches for it.
        unsafe { give_id(out, id) };
        Ok(())
    })
}

/// Frees an alert that is not to be sent.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_alert_free(alert: AlertHandle) -> Status {
    boundary(|| ALERTS.take(alert.number).map(drop))
}

impl Draft {
    fn into_event(self) -> Event {
        let Draft { mut event, mut exceptions } = self;
        for exception in &mut exceptions {
            if let Some(Stacktrace { frames, .. }) = &mut exception.stacktrace {
                frames.reverse();
            }
        }
        exceptions.reverse();
        event.exceptions = exceptions;
        event
    }
}

fn change(alert: AlertHandle, change: impl FnOnce(&mut Draft)) -> Result<(), Status> {
    ALERTS.with(alert.number, |draft| {
        change(draft);
        Ok(())
    })
}

/// # Safety
/// Both texts can be read.
unsafe fn exception(kind: Text, message: Text) -> Result<Exception, Status> {
    // SAFETY: the caller vouches for it.
    let (kind, value) = unsafe { (kind.read_given()?, message.read_given()?) };
    Ok(Exception { kind: kind.map(str::to_owned), value: value.map(str::to_owned), ..Exception::default() })
}

/// # Safety
/// Its texts can be read.
unsafe fn wire_frame(frame: &Frame) -> Result<WireFrame, Status> {
    // SAFETY: the caller vouches for it.
    let (function, module, file) =
        unsafe { (frame.function.read_given()?, frame.module.read_given()?, frame.file.read_given()?) };
    let number = |number: u32| (number > 0).then_some(u64::from(number));
    Ok(WireFrame {
        function: function.map(str::to_owned),
        module: module.map(str::to_owned),
        filename: file.map(str::to_owned),
        lineno: number(frame.line),
        colno: number(frame.column),
        instruction_addr: (frame.instruction_address > 0)
            .then(|| format!("{:#x}", frame.instruction_address)),
        in_app: match frame.is_in_app {
            1 => Some(true),
            0 => Some(false),
            _ => None,
        },
        ..WireFrame::default()
    })
}
