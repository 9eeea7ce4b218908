//! Start, report, remember, end.

use jni_sys::{JNIEnv, jboolean, jbyteArray, jclass};

use super::arrays::{call, succeeded};
use crate::event_id::EventName;
use crate::options::{
    OptionsHandle, sentinel_options_deliver_by_host, sentinel_options_free, sentinel_options_new,
    sentinel_options_set_app, sentinel_options_set_attach_stack, sentinel_options_set_environment,
    sentinel_options_set_max_breadcrumbs, sentinel_options_set_release, sentinel_options_set_report_crashes,
    sentinel_options_set_sample_rate, sentinel_options_set_sdk_name, sentinel_options_set_spool_folder,
};
use crate::status::Status;
use crate::text::Text;
use crate::{
    sentinel_add_breadcrumb, sentinel_add_breadcrumb_json, sentinel_close, sentinel_flush, sentinel_init,
    sentinel_refresh_modules, sentinel_send_crash, sentinel_send_event, sentinel_set_context,
    sentinel_set_tag, sentinel_set_user, sentinel_set_user_json, sentinel_status_text,
};

const SDK_NAME: &str = "error-sentinel.android";

/// `sentinel_init`, delivered by the host. An empty release, environment, app or folder is none. Where native crashes
/// cannot be reported it starts without them, see [`Java_io_github_errorsentinel_Core_refreshModules`].
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_start(
    env: *mut JNIEnv,
    _class: jclass,
    dsn: jbyteArray,
    release: jbyteArray,
    environment: jbyteArray,
    app: jbyteArray,
    spool_folder: jbyteArray,
    sample_rate: f64,
    max_breadcrumbs: i32,
    reports_native_crashes: jboolean,
) -> u32 {
    call(env, |machine| {
        let dsn = machine.read(dsn)?;
        let mut options = OptionsHandle { number: 0 };
        // SAFETY: the text and `options` outlive the call.
        succeeded(unsafe { sentinel_options_new(dsn.text(), &mut options) })?;
        let set = || {
            // SAFETY: the text is static.
            succeeded(unsafe { sentinel_options_set_sdk_name(options, Text::borrow(SDK_NAME)) })?;
            type Set = unsafe extern "C" fn(OptionsHandle, Text) -> Status;
            let texts: [(jbyteArray, Set); 4] = [
                (release, sentinel_options_set_release),
                (environment, sentinel_options_set_environment),
                (app, sentinel_options_set_app),
                (spool_folder, sentinel_options_set_spool_folder),
            ];
            for (array, set) in texts {
                let bytes = machine.read(array)?;
                if !bytes.as_slice().is_empty() {
                    // SAFETY: the text outlives the call.
                    succeeded(unsafe { set(options, bytes.text()) })?;
                }
            }
            succeeded(sentinel_options_set_sample_rate(options, sample_rate))?;
            let max_breadcrumbs = usize::try_from(max_breadcrumbs).map_err(|_| Status::InvalidArgument)?;
            succeeded(sentinel_options_set_max_breadcrumbs(options, max_breadcrumbs))?;
            match sentinel_options_set_report_crashes(options, reports_native_crashes) {
                Status::NotBuiltIn => {}
                status => succeeded(status)?,
            }
            // The stack of whoever reports is Java's, and comes with the event.
            succeeded(sentinel_options_set_attach_stack(options, false))?;
            succeeded(sentinel_options_deliver_by_host(options))
        };
        if let Err(status) = set() {
            succeeded(sentinel_options_free(options))?;
            return Err(status);
        }
        succeeded(sentinel_init(options))
    })
}

/// `sentinel_send_event`; the 32 digits of the event's name go to the beginning of `out`, unless that is NULL.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_sendEvent(
    env: *mut JNIEnv,
    _class: jclass,
    json: jbyteArray,
    out: jbyteArray,
) -> u32 {
    send(env, json, out, sentinel_send_event)
}

/// `sentinel_send_crash`, the same for an event that ends the process.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_sendCrash(
    env: *mut JNIEnv,
    _class: jclass,
    json: jbyteArray,
    out: jbyteArray,
) -> u32 {
    send(env, json, out, sentinel_send_crash)
}

fn send(
    env: *mut JNIEnv,
    json: jbyteArray,
    out: jbyteArray,
    send: unsafe extern "C" fn(Text, *mut EventName) -> Status,
) -> u32 {
    call(env, |machine| {
        let json = machine.read(json)?;
        let mut name = EventName { digits: [0; 33] };
        // SAFETY: the text and `name` outlive the call.
        succeeded(unsafe { send(json.text(), &mut name) })?;
        if out.is_null() {
            return Ok(());
        }
        let digits: Vec<u8> = name.digits.iter().take(32).map(|digit| *digit as u8).collect();
        machine.write_bytes(out, &digits)
    })
}

/// `sentinel_add_breadcrumb`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_addBreadcrumb(
    env: *mut JNIEnv,
    _class: jclass,
    category: jbyteArray,
    message: jbyteArray,
    level: i32,
) -> u32 {
    call(env, |machine| {
        let (category, message) = (machine.read(category)?, machine.read(message)?);
        let level = u32::try_from(level).map_err(|_| Status::InvalidArgument)?;
        // SAFETY: both texts outlive the call.
        succeeded(unsafe { sentinel_add_breadcrumb(category.text(), message.text(), level) })
    })
}

/// `sentinel_add_breadcrumb_json`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_addBreadcrumbJson(
    env: *mut JNIEnv,
    _class: jclass,
    json: jbyteArray,
) -> u32 {
    call(env, |machine| {
        let json = machine.read(json)?;
        // SAFETY: the text outlives the call.
        succeeded(unsafe { sentinel_add_breadcrumb_json(json.text()) })
    })
}

/// `sentinel_set_tag`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_setTag(
    env: *mut JNIEnv,
    _class: jclass,
    key: jbyteArray,
    value: jbyteArray,
) -> u32 {
    call(env, |machine| {
        let (key, value) = (machine.read(key)?, machine.read(value)?);
        // SAFETY: both texts outlive the call.
        succeeded(unsafe { sentinel_set_tag(key.text(), value.text()) })
    })
}

/// `sentinel_set_context`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_setContext(
    env: *mut JNIEnv,
    _class: jclass,
    name: jbyteArray,
    json: jbyteArray,
) -> u32 {
    call(env, |machine| {
        let (name, json) = (machine.read(name)?, machine.read(json)?);
        // SAFETY: both texts outlive the call.
        succeeded(unsafe { sentinel_set_context(name.text(), json.text()) })
    })
}

/// `sentinel_set_user`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_setUser(
    env: *mut JNIEnv,
    _class: jclass,
    id: jbyteArray,
    email: jbyteArray,
    name: jbyteArray,
) -> u32 {
    call(env, |machine| {
        let (id, email, name) = (machine.read(id)?, machine.read(email)?, machine.read(name)?);
        // SAFETY: the texts outlive the call.
        succeeded(unsafe { sentinel_set_user(id.text(), email.text(), name.text()) })
    })
}

/// `sentinel_set_user_json`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_setUserJson(
    env: *mut JNIEnv,
    _class: jclass,
    json: jbyteArray,
) -> u32 {
    call(env, |machine| {
        let json = machine.read(json)?;
        // SAFETY: the text outlives the call.
        succeeded(unsafe { sentinel_set_user_json(json.text()) })
    })
}

/// `sentinel_refresh_modules`, which also says whether native crashes can be reported here.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_refreshModules(
    env: *mut JNIEnv,
    _class: jclass,
) -> u32 {
    call(env, |_| succeeded(sentinel_refresh_modules()))
}

/// `sentinel_flush`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_flush(
    env: *mut JNIEnv,
    _class: jclass,
    timeout_ms: i32,
) -> u32 {
    call(env, |_| succeeded(sentinel_flush(milliseconds(timeout_ms)?)))
}

/// `sentinel_close`.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_close(
    env: *mut JNIEnv,
    _class: jclass,
    timeout_ms: i32,
) -> u32 {
    call(env, |_| succeeded(sentinel_close(milliseconds(timeout_ms)?)))
}

pub(crate) fn milliseconds(timeout_ms: i32) -> Result<u32, Status> {
    u32::try_from(timeout_ms).map_err(|_| Status::InvalidArgument)
}

/// `sentinel_status_text`, to the beginning of `out`, the rest of which is left as it is; `out` must have room for it,
/// which 128 bytes are.
///
/// # Safety
/// For the virtual machine to call.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Core_statusText(
    env: *mut JNIEnv,
    _class: jclass,
    status: i32,
    out: jbyteArray,
) -> u32 {
    call(env, |machine| {
        let text = sentinel_status_text(status.cast_unsigned());
        // SAFETY: it lives for ever.
        machine.write_bytes(out, unsafe { text.read() }?.as_bytes())
    })
}

/// `sentinel_panic_on_purpose`.
///
/// # Safety
/// For the virtual machine to call.
#[cfg(feature = "harness")]
#[unsafe(no_mangle)]
#[expect(clippy::panic, reason = "that is what it is for")]
pub unsafe extern "system" fn Java_io_github_errorsentinel_Harness_panicOnPurpose(
    env: *mut JNIEnv,
    _class: jclass,
) -> u32 {
    call(env, |_| panic!("on purpose"))
}
