//! Counters of the process, for `/metrics`. They only count; nothing is decided by them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Item types that are counted by name; the set of names on the wire is open, that of our labels is not.
const ITEM_KINDS: [&str; 11] = [
    "transaction",
    "span",
    "session",
    "sessions",
    "attachment",
    "profile",
    "profile_chunk",
    "replay_event",
    "replay_recording",
    "log",
    "check_in",
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: ItemKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ItemKind(&'static str);

impl EncodeLabelValue for ItemKind {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.0, encoder)
    }
}

/// The counters.
pub struct Metrics {
    registry: Registry,
    accepted_events: Counter,
    accepted_envelopes: Counter,
    refused: Family<Reason, Counter>,
    ignored_items: Family<Kind, Counter>,
    acknowledgement: Histogram,
    queue_jobs: Gauge<u64, AtomicU64>,
    queue_bytes: Gauge<u64, AtomicU64>,
    waiting_alarms: Gauge<u64, AtomicU64>,
    digested_events: Counter,
    poison_items: Counter,
    digest_failures: Counter,
    store_bytes: Gauge<u64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("error_sentinel");
        let bounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
        let metrics = Metrics {
            accepted_events: Counter::default(),
            accepted_envelopes: Counter::default(),
            refused: Family::default(),
            ignored_items: Family::default(),
            acknowledgement: Histogram::new(bounds),
            queue_jobs: Gauge::default(),
            queue_bytes: Gauge::default(),
            waiting_alarms: Gauge::default(),
            digested_events: Counter::default(),
            poison_items: Counter::default(),
            digest_failures: Counter::default(),
            store_bytes: Gauge::default(),
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register(
            "accepted_events",
            "Events acknowledged after they were synced to disk",
            metrics.accepted_events.clone(),
        );
        r.register("accepted_envelopes", "Envelopes acknowledged", metrics.accepted_envelopes.clone());
        r.register("refused", "Requests and items refused, by reason", metrics.refused.clone());
        r.register(
            "ignored_items",
            "Items of types that are not kept, by type",
            metrics.ignored_items.clone(),
        );
        r.register_with_unit(
            "acknowledgement",
            "Time from the head of a request to its acknowledgement",
            Unit::Seconds,
            metrics.acknowledgement.clone(),
        );
        r.register("queue_jobs", "Envelopes held by the queue", metrics.queue_jobs.clone());
        r.register_with_unit(
            "queue",
            "Size of what the queue holds",
            Unit::Bytes,
            metrics.queue_bytes.clone(),
        );
        r.register("waiting_alarms", "Alarms that wait to be sent", metrics.waiting_alarms.clone());
        r.register_with_unit("store", "Size of the store on disk", Unit::Bytes, metrics.store_bytes.clone());
        r.register("digested_events", "Events given to the store", metrics.digested_events.clone());
        r.register(
            "poison_items",
            "Accepted items that could not be understood",
            metrics.poison_items.clone(),
        );
        r.register(
            "digest_failures",
            "Times that a batch had to wait for the store",
            metrics.digest_failures.clone(),
        );
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// An envelope with so many events was acknowledged.
    pub fn accepted(&self, event_count: usize) {
        self.accepted_envelopes.inc();
        self.accepted_events.inc_by(event_count as u64);
    }

    /// A request or an item was refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// An item of a type that is not kept was left out.
    pub fn ignored(&self, kind: &str) {
        let known = ITEM_KINDS.into_iter().find(|known| *known == kind);
        self.ignored_items.get_or_create(&Kind { kind: ItemKind(known.unwrap_or("other")) }).inc();
    }

    /// A request was acknowledged after this time.
    pub fn answered(&self, after: Duration) {
        self.acknowledgement.observe(after.as_secs_f64());
    }

    /// Sets what is measured only when somebody looks.
    pub fn measure(&self, queue_jobs: u64, queue_bytes: u64, waiting_alarms: u64, store_bytes: u64) {
        self.queue_jobs.set(queue_jobs);
        self.queue_bytes.set(queue_bytes);
        self.waiting_alarms.set(waiting_alarms);
        self.store_bytes.set(store_bytes);
    }

    /// Sets what digest counts by itself.
    pub fn digested(&self, event_count: u64, poison_count: u64, failure_count: u64) {
        for (counter, count) in [
            (&self.digested_events, event_count),
            (&self.poison_items, poison_count),
            (&self.digest_failures, failure_count),
        ] {
            counter.inner().store(count, Ordering::Relaxed);
        }
    }

    /// All of them in the text format of Prometheus.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }
}
