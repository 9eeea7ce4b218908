//! Two SDKs, used alike.

use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use error_sentinel::{Options, Transport, TransportError};
use error_sentinel_wire::Dsn;
use error_sentinel_wire::reply::{Fate, Reply};

const DSN: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";

/// How an SDK is set up for a measurement.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Whether it reports at all.
    pub is_on: bool,
    /// Whether alerts take their stack along.
    pub takes_stacks: bool,
    /// Steps that it remembers.
    pub breadcrumbs: usize,
    /// Whether what is reported is kept on disk, by an SDK that does so.
    pub is_kept: bool,
}

/// An SDK under measurement.
pub trait Contestant {
    /// Its name on the command line.
    const NAME: &'static str;
    /// Starts it; it runs until the guard is dropped.
    fn start(setup: Setup) -> Box<dyn Any>;
    /// Starts it as a program would that reports to this DSN, stacks included.
    fn start_for(dsn: &str) -> Box<dyn Any>;
    /// Leaves a step, building it included.
    fn breadcrumb();
    /// Reports an error.
    fn alert(error: &(dyn Error + 'static));
    /// Waits until what was reported has left.
    fn flush();
}

/// Ours.
#[derive(Debug)]
pub struct Ours;

/// Delivers to nowhere.
#[derive(Debug)]
struct Nowhere;

impl Transport for Nowhere {
    fn send(&mut self, _: &Dsn, _: &[u8]) -> Result<Reply, TransportError> {
        Ok(Reply { fate: Fate::Stored, pauses: Vec::new(), takes_batches: true })
    }
}

impl Contestant for Ours {
    const NAME: &'static str = "ours";

    fn start(setup: Setup) -> Box<dyn Any> {
        let dsn = if setup.is_on { DSN } else { "" };
        let options = Options::new(dsn)
            .transport(Nowhere)
            .attach_stacktrace(setup.takes_stacks)
            .max_breadcrumbs(setup.breadcrumbs);
        if !setup.is_kept {
            return Box::new(error_sentinel::init(options));
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let guard = error_sentinel::init(options.spool_dir(folder.path()));
        // The first ends before the folder is removed.
        Box::new((guard, folder))
    }

    fn start_for(dsn: &str) -> Box<dyn Any> {
        Box::new(error_sentinel::init(dsn))
    }

    fn breadcrumb() {
        error_sentinel::add_breadcrumb(error_sentinel::Crumb::new("cart opened").category("shop.cart"));
    }

    fn alert(error: &(dyn Error + 'static)) {
        error_sentinel::send_alert(error);
    }

    fn flush() {
        error_sentinel::flush(Duration::from_secs(60));
    }
}

/// The crate `sentry`.
#[derive(Debug)]
pub struct Sentry;

impl sentry::Transport for Nowhere {
    fn send_envelope(&self, _: sentry::Envelope) {}
}

impl Contestant for Sentry {
    const NAME: &'static str = "sentry";

    fn start(setup: Setup) -> Box<dyn Any> {
        let mut options = sentry::ClientOptions::new()
            .attach_stacktrace(setup.takes_stacks)
            .max_breadcrumbs(setup.breadcrumbs)
            .transport(|_: &sentry::ClientOptions| Arc::new(Nowhere) as Arc<dyn sentry::Transport>);
        options.dsn = if setup.is_on { DSN.parse().ok() } else { None };
        Box::new(sentry::init(options))
    }

    fn start_for(dsn: &str) -> Box<dyn Any> {
        let mut options = sentry::ClientOptions::new().attach_stacktrace(true);
        options.dsn = dsn.parse().ok();
        Box::new(sentry::init(options))
    }

    fn breadcrumb() {
        sentry::add_breadcrumb(sentry::Breadcrumb {
            message: Some("cart opened".into()),
            category: Some("shop.cart".into()),
            ..Default::default()
        });
    }

    fn alert(error: &(dyn Error + 'static)) {
        sentry::capture_error(error);
    }

    fn flush() {}
}
