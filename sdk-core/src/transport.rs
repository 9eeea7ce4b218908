//! How envelopes leave.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use error_sentinel_wire::Dsn;
use error_sentinel_wire::reply::{Fate, Reply};
#[cfg(feature = "test")]
use error_sentinel_wire::{ClientReport, Discarded, Event, Value, codec, envelope};

#[cfg(feature = "http")]
pub use crate::client::http::HttpTransport;

/// The envelope did not get an answer; it is sent again later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError(pub String);

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TransportError {}

/// Delivers envelopes, one at a time, on a thread of the SDK's own.
///
/// One that leaves them in a folder, where something else picks them up:
///
/// ```
/// use std::path::PathBuf;
/// use error_sentinel::{Dsn, Fate, Options, Reply, Transport, TransportError};
///
/// struct Outbox(PathBuf);
///
/// impl Transport for Outbox {
///     fn send(&mut self, dsn: &Dsn, envelope: &[u8]) -> Result<Reply, TransportError> {
///         let path = self.0.join(format!("{}.envelope", dsn.project_id));
///         // What cannot be written now is tried again later.
///         std::fs::write(path, envelope).map_err(|error| TransportError(error.to_string()))?;
///         Ok(Reply { fate: Fate::Stored, pauses: Vec::new(), takes_batches: false })
///     }
/// }
///
/// let folder = std::env::temp_dir().join("shop-outbox");
/// std::fs::create_dir_all(&folder)?;
/// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
/// let options = Options::new(dsn).transport(Outbox(folder.clone()));
/// # let options = options.farewell(std::time::Duration::from_secs(60));
/// let guard = error_sentinel::init(options);
/// error_sentinel::send_alert("the disk is on fire");
/// drop(guard);
/// assert!(std::fs::read_to_string(folder.join("1.envelope"))?.contains("the disk is on fire"));
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Transport: Send + 'static {
    /// Delivers an envelope to the project of `dsn` and reads the answer. May take its time, within bounds of
    /// its own.
    ///
    /// # Errors
    /// [`TransportError`] when there was no answer.
    fn send(&mut self, dsn: &Dsn, envelope: &[u8]) -> Result<Reply, TransportError>;
}

/// Keeps what would be sent, so that an application can test its own alerts.
///
/// ```
/// use error_sentinel::{Options, TestTransport};
///
/// let transport = TestTransport::new();
/// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
/// let guard = error_sentinel::init(Options::new(dsn).transport(transport.clone()));
/// error_sentinel::send_alert("the disk is on fire");
/// drop(guard);
/// assert!(transport.envelopes()[0].contains("the disk is on fire"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct TestTransport {
    envelopes: Arc<Mutex<Vec<String>>>,
}

impl TestTransport {
    /// One that has kept nothing yet. Clones keep together.
    pub fn new() -> TestTransport {
        TestTransport::default()
    }

    /// The envelopes as they would have been sent, oldest first.
    pub fn envelopes(&self) -> Vec<String> {
        self.envelopes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(feature = "test")]
impl TestTransport {
    /// The events that would have been sent, oldest first, as a collector reads them.
    ///
    /// ```
    /// use error_sentinel::{Options, TestTransport};
    ///
    /// let transport = TestTransport::new();
    /// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
    /// let guard = error_sentinel::init(Options::new(dsn).transport(transport.clone()));
    /// error_sentinel::send_alert_with("out of stock", |alert| {
    ///     alert.tag("shop", "berlin");
    /// });
    /// drop(guard);
    /// assert_eq!(transport.events()[0].tag("shop"), Some("berlin"));
    /// ```
    pub fn events(&self) -> Vec<Event> {
        self.items("event").into_iter().map(Event::from_value).collect()
    }

    /// What the SDK would have said that it lost, by reason, oldest first.
    ///
    /// ```
    /// use error_sentinel::{Options, TestTransport};
    ///
    /// let transport = TestTransport::new();
    /// let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
    /// let options = Options::new(dsn).before_send(|_| None).transport(transport.clone());
    /// let guard = error_sentinel::init(options);
    /// error_sentinel::send_alert("nobody wants to hear of it");
    /// drop(guard);
    /// let lost = transport.lost();
    /// assert_eq!((lost[0].reason.as_str(), lost[0].quantity), ("before_send", 1));
    /// ```
    pub fn lost(&self) -> Vec<Discarded> {
        self.items("client_report")
            .into_iter()
            .flat_map(|report| ClientReport::from_value(report).discarded)
            .collect()
    }

    /// The items of a kind.
    fn items(&self, kind: &str) -> Vec<Value> {
        let mut values = Vec::new();
        for text in self.envelopes() {
            // The SDK writes what can be read; what an application's own test puts in is its own business.
            let Ok((_, items)) = envelope::open(text.as_bytes()) else { continue };
            for item in items.flatten().filter(|item| item.header.kind == kind) {
                values.extend(codec::decode_value(item.payload));
            }
        }
        values
    }
}

impl Transport for TestTransport {
    fn send(&mut self, _: &Dsn, envelope: &[u8]) -> Result<Reply, TransportError> {
        let text = String::from_utf8_lossy(envelope).into_owned();
        self.envelopes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        Ok(Reply { fate: Fate::Stored, pauses: Vec::new(), takes_batches: false })
    }
}
