//! How to report.

use error_sentinel::Options;
use error_sentinel_wire::Dsn;

use crate::boundary::{boundary, give};
use crate::crash;
use crate::handle::Registry;
use crate::host;
use crate::status::Status;
use crate::text::Text;

/// Options being gathered; freed by sentinel_init or sentinel_options_free. A handle of zero is none.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OptionsHandle {
    /// Means nothing to anybody else.
    pub number: u64,
}

pub(crate) static OPTIONS: Registry<Draft> = Registry::new();

/// Options before they count.
pub(crate) struct Draft {
    dsn: String,
    options: Options,
    is_delivered_by_host: bool,
    has_spool_folder: bool,
    reports_crashes: bool,
}

impl Draft {
    /// Whether reporting can start with these.
    pub(crate) fn check(&self) -> Result<(), Status> {
        if !self.dsn.trim().is_empty() {
            Dsn::parse(&self.dsn).map_err(|_| Status::InvalidDsn)?;
        }
        if !self.is_delivered_by_host && !cfg!(feature = "http") {
            return Err(Status::NotBuiltIn);
        }
        let is_in_environment =
            std::env::var_os("ERROR_SENTINEL_SPOOL_DIR").is_some_and(|dir| !dir.is_empty());
        if self.reports_crashes && !self.has_spool_folder && !is_in_environment {
            return Err(Status::InvalidArgument);
        }
        Ok(())
    }

    pub(crate) fn build(self) -> Options {
        match self.is_delivered_by_host {
            true => self.options.transport(host::open()),
            false => self.options,
        }
    }

    fn change(&mut self, change: impl FnOnce(Options) -> Options) {
        self.options = change(std::mem::take(&mut self.options));
    }
}

/// Begins options for a DSN, and writes their handle to `out`.
///
/// # Safety
/// `dsn` can be read, and `out` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_new(dsn: Text, out: *mut OptionsHandle) -> Status {
    boundary(|| {
        if out.is_null() {
            return Err(Status::NullPointer);
        }
        // SAFETY: the caller vouches for it.
        let dsn = unsafe { dsn.read() }?.to_owned();
        let options = Options::new(dsn.clone()).sdk_name("error-sentinel.native");
        let number = OPTIONS.keep(Draft {
            dsn,
            options,
            is_delivered_by_host: false,
            has_spool_folder: false,
            reports_crashes: false,
        })?;
        // SAFETY: the caller vouches for it.
        unsafe { give(out, OptionsHandle { number }) }
    })
}

/// Frees options that no sentinel_init has taken.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_options_free(options: OptionsHandle) -> Status {
    boundary(|| OPTIONS.take(options.number).map(drop))
}

/// Says the version of the application, such as `shop@1.4.2`.
///
/// # Safety
/// `release` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_set_release(options: OptionsHandle, release: Text) -> Status {
    // SAFETY: the caller vouches for it.
    unsafe { set(options, release, |options, text| options.release(text)) }
}

/// Says where it runs: `production`, `staging`…
///
/// # Safety
/// `environment` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_set_environment(
    options: OptionsHandle,
    environment: Text,
) -> Status {
    // SAFETY: the caller vouches for it.
    unsafe { set(options, environment, |options, text| options.environment(text)) }
}

/// Names the application, where one project has several.
///
/// # Safety
/// `app` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_set_app(options: OptionsHandle, app: Text) -> Status {
    // SAFETY: the caller vouches for it.
    unsafe { set(options, app, |options, text| options.app(text)) }
}

/// Names the machine.
///
/// # Safety
/// `name` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_set_server_name(options: OptionsHandle, name: Text) -> Status {
    // SAFETY: the caller vouches for it.
    unsafe { set(options, name, |options, text| options.server_name(text)) }
}

/// Names what speaks for the library where another language wraps it; `error-sentinel.native` unless said otherwise.
///
/// # Safety
/// `name` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_set_sdk_name(options: OptionsHandle, name: Text) -> Status {
    // SAFETY: the caller vouches for it.
    unsafe { set(options, name, |options, text| options.sdk_name(text)) }
}

/// Keeps every event in this folder until the collector has stored it, so that neither a crash nor a dead network loses
/// it; what is left is sent after the next start. Without it nothing is written to disk.
///
/// # Safety
/// `folder` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_set_spool_folder(options: OptionsHandle, folder: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let folder = unsafe { folder.read() }?.to_owned();
        OPTIONS.with(options.number, |draft| {
            draft.has_spool_folder = !folder.is_empty();
            draft.change(|options| options.spool_dir(folder));
            Ok(())
        })
    })
}

/// Reports that the process died of a signal: SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE. What it was doing, its
/// registers and the calls that led there, with its last breadcrumbs, tags and user, is written to the spool folder and
/// sent after the next start. Handlers that were there before run all the same, and the exit status stays as it is.
/// Nothing is recorded unless this is said. sentinel_init returns SENTINEL_STATUS_INVALID_ARGUMENT where there is no
/// spool folder.
///
/// Threads that use up their stack are reported where they have another one to die on: see sentinel_prepare_thread. Not
/// for programs whose runtime itself lives of these signals, such as a Java virtual machine on a desktop.
///
/// Returns SENTINEL_STATUS_NOT_BUILT_IN on systems and processors that it does not work on: it does on Linux and Android,
/// on x86-64 and 64-bit ARM.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_options_set_report_crashes(options: OptionsHandle, is_reported: bool) -> Status {
    boundary(|| {
        OPTIONS.with(options.number, |draft| {
            crash::is_built_in(is_reported)?;
            draft.reports_crashes = is_reported;
            draft.change(|options| crash::set(options, is_reported));
            Ok(())
        })
    })
}

/// Says how many breadcrumbs are remembered: 20 unless said otherwise, 100 at most.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_options_set_max_breadcrumbs(options: OptionsHandle, count: usize) -> Status {
    boundary(|| {
        if count > 100 {
            return Err(Status::InvalidArgument);
        }
        change(options, |options| options.max_breadcrumbs(count))
    })
}

/// Reports only this share of all alerts, from 0 to 1; those left out are counted.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_options_set_sample_rate(options: OptionsHandle, rate: f64) -> Status {
    boundary(|| {
        if !(0.0..=1.0).contains(&rate) {
            return Err(Status::InvalidArgument);
        }
        change(options, |options| options.sample_rate(rate))
    })
}

/// Says whether an alert that brings no frames takes along the stack that it is raised from. It does unless told not to.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_options_set_attach_stack(options: OptionsHandle, is_attached: bool) -> Status {
    boundary(|| change(options, |options| options.attach_stacktrace(is_attached)))
}

/// Lets the host deliver, by its own HTTP, with its own proxies and certificates: see sentinel_next_request.
#[unsafe(no_mangle)]
pub extern "C" fn sentinel_options_deliver_by_host(options: OptionsHandle) -> Status {
    boundary(|| {
        OPTIONS.with(options.number, |draft| {
            draft.is_delivered_by_host = true;
            Ok(())
        })
    })
}

/// What every envelope says about when it was sent, in place of the time, for tests that compare it byte for byte.
///
/// # Safety
/// `time` can be read.
#[cfg(feature = "harness")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_options_set_sent_at(options: OptionsHandle, time: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let time = unsafe { time.read() }?;
        let time = error_sentinel::UnixMs::parse(time).ok_or(Status::InvalidArgument)?;
        change(options, |options| options.sent_at(time))
    })
}

fn change(options: OptionsHandle, change: impl FnOnce(Options) -> Options) -> Result<(), Status> {
    OPTIONS.with(options.number, |draft| {
        draft.change(change);
        Ok(())
    })
}

/// Sets a text.
///
/// # Safety
/// `text` can be read.
unsafe fn set(options: OptionsHandle, text: Text, apply: impl FnOnce(Options, String) -> Options) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let text = unsafe { text.read() }?.to_owned();
        change(options, |options| apply(options, text))
    })
}
