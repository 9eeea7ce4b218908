//! How to report.

use std::fmt;
use std::sync::Arc;

use error_sentinel_wire::Event;

use crate::transport::Transport;

/// Changes or drops an event before it is sent.
pub(crate) type BeforeSend = Arc<dyn Fn(Event) -> Option<Event> + Send + Sync>;

/// How to report. Everything but the DSN has a default.
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
    pub(crate) before_send: Option<BeforeSend>,
    pub(crate) transport: Option<Box<dyn Transport>>,
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
    pub fn in_app(mut self, prefix: impl Into<String>) -> Options {
        self.in_app.push(prefix.into());
        self
    }

    /// Changes an event, or drops it by `None`, before it is sent; runs on the reporting thread.
    pub fn before_send(self, change: impl Fn(Event) -> Option<Event> + Send + Sync + 'static) -> Options {
        Options { before_send: Some(Arc::new(change)), ..self }
    }

    /// Delivers by other means than HTTP, such as [`TestTransport`](crate::TestTransport).
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
