//! What an application calls: start, report, remember, end. Each call returns at once.

use std::time::Duration;

use error_sentinel_wire::{Event, EventId, User, Value};

use crate::alert::{Alert, IntoAlert};
use crate::breadcrumbs::AsCrumb;
use crate::client;
use crate::options::Options;
use crate::scope::Scope;
use crate::trace::Trace;

/// Starts reporting and installs the panic hook. Keep the guard for as long as the program runs.
///
/// A wrong DSN never stops the program: it is said once on standard error, and nothing is sent.
///
/// ```
/// use error_sentinel::Options;
///
/// let _guard = error_sentinel::init(
///     Options::new("http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1")
///         .release("shop@1.4.2")
///         .environment("production")
///         .transport(error_sentinel::TestTransport::new()),
/// );
/// ```
#[must_use = "when the guard is dropped, reporting ends"]
pub fn init(options: impl Into<Options>) -> Guard {
    Guard { is_started: client::start(options.into()) }
}

/// Ends reporting when dropped, after what is on its way had a moment to leave: [`Options::farewell`].
///
/// `std::process::exit` drops no guard; what then holds is in [`Options::spool_dir`]. One that `main` keeps until it
/// decides how to end is closed by hand:
///
/// ```no_run
/// use std::time::Duration;
///
/// let guard = error_sentinel::init("");
/// if let Err(error) = std::fs::read_to_string("/etc/shop.toml") {
///     error_sentinel::send_alert(&error);
///     guard.close(Duration::from_secs(1));
///     std::process::exit(2);
/// }
/// ```
#[derive(Debug)]
pub struct Guard {
    is_started: bool,
}

impl Guard {
    /// Whether anything is reported at all.
    ///
    /// ```
    /// let guard = error_sentinel::init("no DSN at all");
    /// assert!(!guard.is_enabled());
    /// ```
    pub fn is_enabled(&self) -> bool {
        self.is_started
    }

    /// Ends reporting after what is on its way had up to `timeout` to leave; says whether all of it has.
    ///
    /// ```
    /// use std::time::Duration;
    /// use error_sentinel::{Options, TestTransport};
    ///
    /// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
    /// let guard = error_sentinel::init(Options::new(dsn).transport(TestTransport::new()));
    /// error_sentinel::send_alert("the disk is on fire");
    /// assert!(guard.close(Duration::from_secs(60)));
    /// ```
    pub fn close(mut self, timeout: Duration) -> bool {
        !std::mem::take(&mut self.is_started) || client::stop(timeout)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.is_started {
            client::stop(client::farewell());
        }
    }
}

/// Whether anything is reported: whether what only an alert would need is worth its price.
///
/// ```
/// assert!(!error_sentinel::is_reporting());
/// ```
pub fn is_reporting() -> bool {
    client::is_on()
}

/// Reports an error with its whole chain of causes, or a text.
///
/// Takes `&err` for any error, `&dyn Error`, `&Box<dyn Error>`, with the feature `anyhow` also
/// `&anyhow::Error`; and `&str` or `String`. Returns the id under which the collector shows it; while reporting is
/// off, an id of zeros. An [`Event`](crate::Event) made elsewhere keeps its own id and stack.
///
/// # Drops
/// Nothing is sent while reporting is off; what the queue cannot hold is counted.
///
/// ```
/// error_sentinel::send_alert("The disk is on fire");
/// let err = std::io::Error::other("no space left");
/// error_sentinel::send_alert(&err);
/// ```
#[track_caller]
pub fn send_alert<E: IntoAlert<K>, K>(error: E) -> EventId {
    send_alert_with(error, |_| {})
}

/// Reports an error after `adjust` has had its way with it. See [`send_alert`].
///
/// ```
/// use error_sentinel::Level;
///
/// error_sentinel::send_alert_with("payment refused", |alert| {
///     alert.level(Level::Fatal).tag("shop", "berlin").extra("amount", 250u32);
/// });
/// ```
#[track_caller]
pub fn send_alert_with<E: IntoAlert<K>, K>(error: E, adjust: impl FnOnce(&mut Alert)) -> EventId {
    if !client::is_on() {
        return EventId(0);
    }
    client::send(|| {
        let mut alert = error.into_alert();
        adjust(&mut alert);
        alert
    })
}

/// Reports an event, made elsewhere, of a program that is about to end by it. Like a panic it is reported whatever
/// [`Options::sample_rate`] says, and with a spool it is on disk when this returns, which can take up to two seconds.
///
/// # Drops
/// Nothing is sent while reporting is off.
pub fn send_crash(event: Event) -> EventId {
    if client::is_on() { client::send_crash(event) } else { EventId(0) }
}

/// Remembers one step; the last ones travel with every alert.
///
/// A text is enough; a [`Crumb`](crate::Crumb) says more without costing more, since it only borrows.
///
/// ```
/// error_sentinel::add_breadcrumb("cart opened");
/// error_sentinel::add_breadcrumb(error_sentinel::Crumb::new("3 rows").category("db.query"));
/// ```
///
/// # Drops
/// The oldest step, when the ring of [`Options::max_breadcrumbs`] is full; alerts say how many those were.
pub fn add_breadcrumb(crumb: impl AsCrumb) {
    if client::is_on() {
        client::scopes::add_breadcrumb(&crumb.as_crumb());
    }
}

/// Labels every alert from now on: those of the scope that this thread or task is in, else all.
///
/// ```
/// error_sentinel::set_tag("region", "eu-central");
/// ```
pub fn set_tag(key: impl Into<String>, value: impl Into<String>) {
    if client::is_on() {
        let (key, value) = (key.into(), value.into());
        client::scopes::change(|scope| {
            scope.set_tag(key, value);
        });
    }
}

/// Says whose work every alert from now on is about; `None` when nobody's. Scopes count as for [`set_tag`].
///
/// ```
/// use error_sentinel::User;
///
/// error_sentinel::set_user(Some(User { id: Some("4711".into()), ..User::default() }));
/// ```
pub fn set_user(user: Option<User>) {
    if client::is_on() {
        client::scopes::change(|scope| {
            scope.set_user(user);
        });
    }
}

/// Adds a named set of facts to every alert from now on. Scopes count as for [`set_tag`].
///
/// ```
/// use error_sentinel::Object;
///
/// let mut cluster = Object::default();
/// cluster.set("node", "a7");
/// error_sentinel::set_context("cluster", cluster);
/// ```
pub fn set_context(name: &str, facts: impl Into<Value>) {
    if client::is_on() {
        let facts = facts.into();
        client::scopes::change(|scope| {
            scope.set_context(name, facts);
        });
    }
}

/// Does some work in a scope of its own: what `configure` sets, what the work sets, and the steps it leaves are in
/// its alerts and end with it.
///
/// ```
/// error_sentinel::with_scope(
///     |scope| {
///         scope.set_tag("job", "nightly");
///     },
///     || error_sentinel::send_alert("the export is empty"),
/// );
/// ```
pub fn with_scope<R>(configure: impl FnOnce(&mut Scope), work: impl FnOnce() -> R) -> R {
    if !client::is_on() {
        return work();
    }
    let mut scope = Box::new(Scope::new());
    // A scope that cannot be finished holds what it has by then; the work is the application's and goes on.
    let _ = client::unseen(|| configure(&mut scope));
    let _entered = client::scopes::enter(scope);
    work()
}

impl Scope {
    /// All that holds where this is called but for the whole program, to be taken along to another thread or task.
    ///
    /// ```
    /// use error_sentinel::{Scope, with_scope};
    ///
    /// with_scope(
    ///     |scope| {
    ///         scope.set_tag("request", "7f3a");
    ///     },
    ///     || {
    ///         let taken = Scope::current();
    ///         std::thread::spawn(move || {
    ///             with_scope(|scope| *scope = taken, || error_sentinel::send_alert("of the same request"));
    ///         })
    ///     },
    /// )
    /// .join()
    /// .expect("it does not panic");
    /// ```
    pub fn current() -> Scope {
        client::scopes::current()
    }
}

/// The trace that this thread or task works for, for the header `traceparent` of requests to other services.
///
/// ```
/// if let Some(trace) = error_sentinel::current_trace() {
///     println!("traceparent: {trace}");
/// }
/// ```
pub fn current_trace() -> Option<Trace> {
    client::scopes::current_trace()
}

/// Waits until everything reported so far has left, at most `timeout`; says whether it has. Reporting goes on.
///
/// For programs that are stopped without a word between two pieces of work, such as functions of a cloud.
///
/// ```
/// use std::time::Duration;
/// use error_sentinel::{Options, TestTransport};
///
/// let transport = TestTransport::new();
/// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
/// let _guard = error_sentinel::init(Options::new(dsn).transport(transport.clone()));
/// error_sentinel::send_alert("the disk is on fire");
/// assert!(error_sentinel::flush(Duration::from_secs(60)));
/// assert!(transport.envelopes()[0].contains("the disk is on fire"));
/// ```
pub fn flush(timeout: Duration) -> bool {
    client::flush(timeout)
}

/// Whether the crashes of [`Options::report_crashes`] can be reported on this system and processor.
#[cfg(feature = "crash")]
pub const REPORTS_CRASHES: bool = error_sentinel_crash::IS_SUPPORTED;

/// Gives this thread a stack of its own to die on, unless it has one, so that a crash of it is reported even when its
/// stack is used up. For threads that others than Rust's standard library started.
///
/// # Errors
/// When there is no memory for it, or crashes cannot be recorded on this system.
///
/// ```
/// # #[cfg(target_os = "linux")]
/// error_sentinel::prepare_thread()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(feature = "crash")]
pub fn prepare_thread() -> std::io::Result<()> {
    error_sentinel_crash::prepare_thread()
}

/// Looks again at which libraries are loaded, so that the report of a crash knows their functions. The start does it;
/// for programs that load some later.
#[cfg(feature = "crash")]
pub fn refresh_modules() {
    error_sentinel_crash::refresh_modules();
}
