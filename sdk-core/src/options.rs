//! How to report.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use error_sentinel_wire::{Event, UnixMs};

use crate::transport::Transport;

/// Changes or drops an event before it is sent.
pub(crate) type BeforeSend = Arc<dyn Fn(Event) -> Option<Event> + Send + Sync>;

/// How to report. Everything but the DSN has a default.
///
/// ```
/// use std::time::Duration;
/// use error_sentinel::Options;
///
/// let folder = std::env::temp_dir().join("shop-errors");
/// let options = Options::new("http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1")
///     .release("shop@1.4.2")
///     .environment("staging")
///     .app("admin portal")
///     .server_name("rack-7")
///     .max_breadcrumbs(50)
///     .spool_dir(&folder)
///     .farewell(Duration::from_millis(500));
/// # let (transport, folder) = (error_sentinel::TestTransport::new(), folder);
/// # let options = options.farewell(Duration::from_secs(60)).transport(transport.clone());
/// let guard = error_sentinel::init(options);
/// error_sentinel::send_alert("the disk is on fire");
/// drop(guard);
/// # for part in ["shop@1.4.2", "staging", "admin portal", "rack-7"] {
/// #     assert!(transport.envelopes()[0].contains(part), "{part}");
/// # }
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct Options {
    pub(crate) dsn: String,
    pub(crate) release: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) app: Option<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) max_breadcrumbs: Option<usize>,
    pub(crate) in_app: Vec<String>,
    pub(crate) sample_rate: Option<f64>,
    pub(crate) attach_stacktrace: Option<bool>,
    pub(crate) send_default_pii: bool,
    pub(crate) before_send: Option<BeforeSend>,
    pub(crate) sdk_name: Option<String>,
    pub(crate) transport: Option<Box<dyn Transport>>,
    pub(crate) spool_dir: Option<PathBuf>,
    pub(crate) sent_at: Option<UnixMs>,
    pub(crate) farewell: Option<Duration>,
    #[cfg(feature = "crash")]
    pub(crate) reports_crashes: bool,
}

impl Options {
    /// Reports to `dsn`; when that is empty, to the one in `ERROR_SENTINEL_DSN`; without either, nowhere.
    pub fn new(dsn: impl Into<String>) -> Options {
        Options { dsn: dsn.into(), ..Options::default() }
    }

    /// Version of the application, such as `shop@1.4.2`. Default: `ERROR_SENTINEL_RELEASE`.
    pub fn release(self, release: impl Into<String>) -> Options {
        Options { release: Some(release.into()), ..self }
    }

    /// `production`, `staging`… Default: `ERROR_SENTINEL_ENVIRONMENT`, else `development` in debug builds and
    /// `production` in others.
    pub fn environment(self, environment: impl Into<String>) -> Options {
        Options { environment: Some(environment.into()), ..self }
    }

    /// Name of the application, where one project has several.
    pub fn app(self, app: impl Into<String>) -> Options {
        Options { app: Some(app.into()), ..self }
    }

    /// Name of the machine. Default: the environment's `HOSTNAME`.
    pub fn server_name(self, name: impl Into<String>) -> Options {
        Options { server_name: Some(name.into()), ..self }
    }

    /// Steps remembered before an alert; 20 by default, 100 at most.
    pub fn max_breadcrumbs(self, count: usize) -> Options {
        Options { max_breadcrumbs: Some(count), ..self }
    }

    /// Names a crate or module whose functions are the application's own. Without any, everything counts that is
    /// not of Rust's libraries or of a known framework.
    ///
    /// ```
    /// use error_sentinel::Options;
    ///
    /// // Functions of `shop::…` and `warehouse::stock::…`; what begins like `shopping::…` is of another crate.
    /// let options = Options::new("").in_app("shop::").in_app("warehouse::stock::");
    /// # drop(options);
    /// ```
    pub fn in_app(mut self, prefix: impl Into<String>) -> Options {
        self.in_app.push(prefix.into());
        self
    }

    /// What events call their SDK; for those that wrap this crate for another language.
    pub fn sdk_name(self, name: impl Into<String>) -> Options {
        Options { sdk_name: Some(name.into()), ..self }
    }

    /// Reports only this share of all alerts, from 0 to 1; those left out are counted. Panics are always reported.
    /// Default: all.
    ///
    /// ```
    /// use error_sentinel::{Options, TestTransport};
    ///
    /// let transport = TestTransport::new();
    /// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
    /// let options = Options::new(dsn).sample_rate(0.0).transport(transport.clone());
    /// # let options = options.farewell(std::time::Duration::from_secs(60));
    /// let guard = error_sentinel::init(options);
    /// error_sentinel::send_alert("one of very many");
    /// drop(guard);
    /// // Not the error, but that there was one.
    /// assert!(!transport.envelopes()[0].contains("one of very many"));
    /// assert!(transport.envelopes()[0].contains("sample_rate"));
    /// ```
    pub fn sample_rate(self, rate: f64) -> Options {
        Options { sample_rate: Some(rate), ..self }
    }

    /// Whether an alert takes the stack along that it was raised from; a panic does in any case. Default: yes.
    pub fn attach_stacktrace(self, is_attached: bool) -> Options {
        Options { attach_stacktrace: Some(is_attached), ..self }
    }

    /// Whether personal data that nobody asked for is sent: network addresses, cookies, who is logged in. Default:
    /// no. Passwords, keys, tokens and card numbers are taken out in either case, wherever they stand.
    ///
    /// ```
    /// use error_sentinel::{Options, TestTransport, User};
    ///
    /// let transport = TestTransport::new();
    /// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
    /// let options = Options::new(dsn).send_default_pii(true).transport(transport.clone());
    /// # let options = options.farewell(std::time::Duration::from_secs(60));
    /// let guard = error_sentinel::init(options);
    /// error_sentinel::send_alert_with("login failed, password=hunter2", |alert| {
    ///     alert.user(User { ip_address: Some("192.0.2.7".into()), ..User::default() });
    /// });
    /// drop(guard);
    /// assert!(transport.envelopes()[0].contains("192.0.2.7"));
    /// assert!(!transport.envelopes()[0].contains("hunter2"));
    /// ```
    pub fn send_default_pii(self, is_sent: bool) -> Options {
        Options { send_default_pii: is_sent, ..self }
    }

    /// The highest upper half of the names of events that are kept. A rate that is no number keeps all.
    pub(crate) fn sample_up_to(&self) -> u64 {
        match self.sample_rate {
            // A conversion to a whole number stops at its ends.
            Some(rate) if rate < 1.0 => (rate * u64::MAX as f64) as u64,
            _ => u64::MAX,
        }
    }

    /// Changes an event, or drops it by `None`, before it is sent; runs on the SDK's own thread.
    ///
    /// # Drops
    /// The event, when `change` panics; it is counted as `internal_sdk_error`. Nothing is printed: the panic is one
    /// that the program would not have without the SDK.
    ///
    /// ```
    /// use error_sentinel::{Message, Options, TestTransport};
    ///
    /// let transport = TestTransport::new();
    /// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
    /// let options = Options::new(dsn).transport(transport.clone()).before_send(|mut event| {
    ///     // What it says: of a text its message, of an error that of its last exception.
    ///     let said = event.message.as_ref().and_then(Message::text).unwrap_or_default();
    ///     if said.contains("expected") {
    ///         return None;
    ///     }
    ///     event.tags.push(("shard".into(), "7".into()));
    ///     Some(event)
    /// });
    /// # let options = options.farewell(std::time::Duration::from_secs(60));
    /// let guard = error_sentinel::init(options);
    /// error_sentinel::send_alert("an expected failure");
    /// error_sentinel::send_alert("the disk is on fire");
    /// drop(guard);
    /// let sent = transport.envelopes().concat();
    /// assert!(sent.contains("the disk is on fire") && sent.contains("shard"));
    /// assert!(!sent.contains("an expected failure"));
    /// ```
    pub fn before_send(self, change: impl Fn(Event) -> Option<Event> + Send + Sync + 'static) -> Options {
        Options { before_send: Some(Arc::new(change)), ..self }
    }

    /// How long the end of the program may take, so that what is on its way can leave; a process that dies of a panic
    /// waits as long. Default: milliseconds in `ERROR_SENTINEL_FAREWELL_MS`, else two seconds.
    pub fn farewell(self, longest: Duration) -> Options {
        Options { farewell: Some(longest), ..self }
    }

    /// Keeps every event in this folder until the collector has stored it, so that a dead network loses none; what is
    /// left is sent at the next start. The folder is made when needed, can be shared by processes,
    /// and holds 1000 events or 32 MB at most. Default: `ERROR_SENTINEL_SPOOL_DIR`, else none, since a library does
    /// not write files that nobody asked for.
    ///
    /// Calls do not wait for the disk: an alert is on it some 5 ms later, and one that comes while the names of a new
    /// stack are found, when they are. `std::process::exit` and the end of `main` wait until all is, on Unix, no longer
    /// than the [`farewell`](Options::farewell); what ends the process by force (`abort`, a signal) does not.
    ///
    /// With it a panic is on disk before the process can end of it. On a disk of this machine the thread that panics
    /// writes it itself, a few kilobytes into the system's memory. Should that disk hang in this very moment, it holds that
    /// thread, as it holds all that use it, but no second one: while a write has taken a tenth of a second, panics are left
    /// to the SDK's own thread, and waited for no longer than the [`farewell`](Options::farewell). On a drive beyond a
    /// network they always are.
    ///
    /// Without it a process that ends at once, such as by `panic = "abort"`, waits for the
    /// [`farewell`](Options::farewell) that the collector has its last panic. That is decided when this crate is
    /// compiled: where only the program itself is compiled with `-C panic=abort`, and not by its profile, nothing waits.
    pub fn spool_dir(self, folder: impl Into<PathBuf>) -> Options {
        Options { spool_dir: Some(folder.into()), ..self }
    }

    /// Reports that the process died of a signal: SIGSEGV, SIGABRT, SIGBUS, SIGILL or SIGFPE. What it was doing is
    /// written to the [`spool_dir`](Options::spool_dir), which this takes, and sent after the next start. The handlers
    /// that were there before run all the same, and the exit status stays as it is. Default: no.
    ///
    /// The file holds a part of the stack as it was, up to 64 KB; it is looked through for the calls that led there,
    /// never sent, and removed. A thread whose stack is used up is reported where the thread has a stack to die on, as
    /// all threads of Rust's standard library have, and others by [`prepare_thread`](crate::prepare_thread). Not for
    /// programs whose runtime itself lives of these signals, such as a Java virtual machine on a desktop.
    ///
    /// Works on Linux and Android on x86-64 and 64-bit ARM; elsewhere nothing is recorded.
    #[cfg(feature = "crash")]
    pub fn report_crashes(self, is_reported: bool) -> Options {
        Options { reports_crashes: is_reported, ..self }
    }

    /// What every envelope says about when it was sent, in place of the time: for tests that compare it byte for byte.
    #[cfg(feature = "test")]
    pub fn sent_at(self, at: UnixMs) -> Options {
        Options { sent_at: Some(at), ..self }
    }

    /// Delivers by other means than HTTP, such as [`TestTransport`](crate::TestTransport) or one of the application's
    /// own: see [`Transport`].
    pub fn transport(self, transport: impl Transport) -> Options {
        Options { transport: Some(Box::new(transport)), ..self }
    }
}

impl From<&str> for Options {
    fn from(dsn: &str) -> Self {
        Options::new(dsn)
    }
}

impl From<String> for Options {
    fn from(dsn: String) -> Self {
        Options::new(dsn)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("dsn", &self.dsn)
            .field("release", &self.release)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
