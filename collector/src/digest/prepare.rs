//! Turns a held envelope into what can be decided and recorded. Pure and done outside the transaction, job
//! by job, so that the store's one writer waits for none of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use error_sentinel_wire::codec::{JsonWriter, decode_value};
use error_sentinel_wire::envelope::{self, Header, Item};
use error_sentinel_wire::{ClientReport, EventId, Value, limits, log_error};
use sha2::{Digest as _, Sha256};

use super::group::{Batch, Candidate, Report};
use super::normalise::{self, Normal};
use super::{fingerprint, scrub};
use crate::queue::Accepted;
use crate::store::digests::{Loss, NewEvent, NewIssue};
use crate::store::payload::Payload;

/// What became of one envelope.
#[derive(Debug, Default)]
pub struct Prepared {
    /// What can be recorded.
    pub batch: Batch,
    /// Items that nothing is done with.
    pub skipped_count: u64,
    /// Why an item, or the envelope, cannot be understood at all.
    pub poison: Vec<String>,
}

/// Reads everything in an envelope that can be read. Never panics: what trips over an item costs that item.
pub fn prepare(accepted: &Accepted) -> Prepared {
    let mut prepared = Prepared::default();
    let (header, items) = match envelope::open(&accepted.envelope) {
        Ok(opened) => opened,
        Err(error) => {
            prepared.poison.push(error.to_string());
            return prepared;
        }
    };
    let mut header_id = header.event_id;
    for item in items {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                prepared.poison.push(error.reason);
                continue;
            }
        };
        let read = catch_unwind(AssertUnwindSafe(|| read_item(&item, header_id, &header, accepted)));
        match read {
            Ok(Ok(Some(Read::Event(event)))) => {
                // The header's id names the first event only, or two would be one.
                header_id = None;
                prepared.batch.events.push(*event);
            }
            Ok(Ok(Some(Read::Report(report)))) => prepared.batch.reports.push(report),
            Ok(Ok(None)) => prepared.skipped_count += 1,
            Ok(Err(reason)) => prepared.poison.push(reason),
            Err(_) => {
                prepared.poison.push(format!("reading an item of type {:.40} panicked", item.header.kind))
            }
        }
    }
    prepared
}

enum Read {
    Event(Box<Candidate>),
    Report(Report),
}

fn read_item(
    item: &Item<'_>,
    header_id: Option<EventId>,
    header: &Header,
    accepted: &Accepted,
) -> Result<Option<Read>, String> {
    match item.header.kind.as_str() {
        "event" => {
            let value = decode_value(item.payload).map_err(|error| format!("an event is {error}"))?;
            let value = with_frames(value);
            let id = item.header.event_id.or(header_id).or_else(|| own_id(&value));
            let id =
                id.unwrap_or_else(|| EventId(u128::from_be_bytes(digest_of(accepted, item.payload, true))));
            Ok(Some(Read::Event(Box::new(event(value, id, item.payload.len(), header, accepted)))))
        }
        "client_report" => {
            let value = decode_value(item.payload).map_err(|error| format!("a client report is {error}"))?;
            Ok(Some(Read::Report(report(value, item, accepted))))
        }
        // What a user wrote belongs to no issue yet, and nobody reads the rest.
        kind => {
            tracing::debug!(project = %accepted.project_id, kind, "item skipped");
            Ok(None)
        }
    }
}

/// What a page sends by its tunnel before its core is there: what `/log-error` takes, as an event.
fn with_frames(value: Value) -> Value {
    let is_text =
        value.get("exception").is_none() && value.get("stack").is_some_and(|stack| stack.as_str().is_some());
    if !is_text {
        return value;
    }
    let event = log_error::event_from_value(value.clone()).map(|event| event.to_json());
    event.ok().and_then(|json| decode_value(&json).ok()).unwrap_or(value)
}

fn own_id(value: &Value) -> Option<EventId> {
    EventId::parse(value.get("event_id")?.as_str()?).ok()
}

/// The event in `value`, which was `sent_bytes` of JSON.
fn event(
    mut value: Value,
    event_id: EventId,
    sent_bytes: usize,
    header: &Header,
    accepted: &Accepted,
) -> Candidate {
    if let Value::Object(object) = &mut value {
        object.set("event_id", event_id.to_string());
    }
    scrub::scrub(&mut value);
    normalise::complete(&mut value, accepted.remote_addr);
    // A quarter for what is added: which frames are its own.
    let mut writer = JsonWriter::new(Vec::with_capacity(sent_bytes + sent_bytes / 4));
    writer.value(&value);
    let payload = Payload::compress(&writer.into_bytes());
    let Normal { event, level, title, tags, users, trace_id, richness } = normalise::normalise(value);
    let grouping = fingerprint::grouping(&event);
    let mut fingerprint = grouping.keys.first().map(|key| key.text.clone()).unwrap_or_default();
    limits::cut(&mut fingerprint, limits::MESSAGE_BYTES);
    Candidate {
        issue: NewIssue {
            project_id: accepted.project_id,
            title: title.line,
            kind: title.kind,
            value: title.value,
            culprit: title.culprit,
            platform: event.platform.clone().unwrap_or_else(|| "other".to_owned()),
            fingerprint,
        },
        joining: fingerprint::joining(&grouping).collect(),
        event: NewEvent {
            event_id,
            received_at: accepted.received_at,
            timestamp: event.timestamp,
            skew_ms: normalise::skew_ms(header.sent_at, accepted.received_at),
            occurrence_count: event.occurrence_count(),
            level,
            release: event.release,
            environment: event.environment,
            app: event.app,
            users,
            tags,
            trace_id,
            richness,
            payload,
            grouping,
        },
    }
}

fn report(value: Value, item: &Item<'_>, accepted: &Accepted) -> Report {
    let report = ClientReport::from_value(value);
    // Two reports of the same figures differ in their time; without one only a redelivery is known as such.
    let is_timeless = report.timestamp.is_none() && item.header.event_id.is_none();
    let mut key = digest_of(accepted, item.payload, is_timeless);
    if let Some(id) = item.header.event_id {
        key = digest_of(accepted, &id.0.to_be_bytes(), false);
    }
    let losses = report.discarded.into_iter().map(|lost| {
        let (mut reason, mut category) = (lost.reason, lost.category);
        limits::cut(&mut reason, limits::LABEL_BYTES);
        limits::cut(&mut category, limits::LABEL_BYTES);
        Loss {
            project_id: accepted.project_id,
            at: accepted.received_at,
            reason,
            category,
            quantity: lost.quantity,
        }
    });
    Report { key, losses: losses.collect() }
}

/// Names bytes of a project; of one arrival of them where `arrival` counts.
fn digest_of(accepted: &Accepted, bytes: &[u8], arrival: bool) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(accepted.project_id.0.to_be_bytes());
    if arrival {
        hasher.update(accepted.received_at.0.to_be_bytes());
    }
    hasher.update(bytes);
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize()[..16]);
    short
}

#[cfg(test)]
mod tests;
