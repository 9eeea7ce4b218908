//! Events as programs see them.

use axum::Json;
use axum::extract::{Path, State};
use error_sentinel_wire::{EventId, Object, Value, codec};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::query::{self, Asked, PageQuery};
use super::{Answer, RawJson, Shared};
use crate::store::event::{EventRow, Grouping, StoredEvent};
use crate::store::{self, Page};

/// An event without its payload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventSummary)]
pub(super) struct EventDocument {
    /// Its name.
    event_id: String,
    /// Its issue.
    issue_id: i64,
    /// Its project.
    project_id: u32,
    /// When it arrived.
    received_at: String,
    /// When it happened, by the sender's clock.
    timestamp: Option<String>,
    /// How far the sender's clock was ahead, in milliseconds, where that could be measured.
    skew_ms: Option<i64>,
    /// Errors it stands for.
    count: u64,
    /// debug, info, warning, error or fatal.
    level: &'static str,
    /// Version of the application.
    release: Option<String>,
    /// production, staging…
    environment: Option<String>,
    /// The application, where a project has several.
    app: Option<String>,
    /// Whose work failed.
    user: Option<String>,
    /// The request, across services.
    trace_id: Option<String>,
    /// Whether its details are still stored.
    has_payload: bool,
}

/// A page of events, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Events)]
pub(super) struct EventsDocument {
    /// The events.
    events: Vec<EventDocument>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

impl From<EventRow> for EventDocument {
    fn from(row: EventRow) -> Self {
        EventDocument {
            event_id: row.event_id.to_string(),
            issue_id: row.issue_id.0,
            project_id: row.project_id.0,
            received_at: row.received_at.to_string(),
            timestamp: row.timestamp.map(|time| time.to_string()),
            skew_ms: row.skew_ms,
            count: row.occurrence_count,
            level: row.level.as_str(),
            release: row.release,
            environment: row.environment,
            app: row.app,
            user: row.user,
            trace_id: row.trace_id.map(|id| id.to_string()),
            has_payload: row.has_payload,
        }
    }
}

impl From<Page<EventRow>> for EventsDocument {
    fn from(page: Page<EventRow>) -> Self {
        let events = page.items.into_iter().map(EventDocument::from).collect();
        EventsDocument { events, next_cursor: page.next_cursor }
    }
}

/// Lists the events of an issue, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/issues/{id}/events",
    operation_id = "list_events",
    tag = "events",
    params(
        ("id" = i64, Path, description = "The issue"),
        ("limit" = Option<usize>, Query, description = "100 when left out", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, body = EventsDocument),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 404, body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(api): Shared,
    Path(id): Path<String>,
    asked: Asked<PageQuery>,
) -> Answer<Json<EventsDocument>> {
    let id = query::issue_id(&id)?;
    let (limit, cursor) = query::asked(asked)?.read()?;
    let page = store::blocking(&api.store, move |store| {
        let known = store.issue(id)?.is_some();
        known.then(|| store.events(id, limit, cursor.as_deref())).transpose()
    });
    Ok(Json(page.await?.ok_or_else(|| query::no_issue(id))?.into()))
}

/// Shows an event as it was received, with `issue_id`, `project_id`, `received_at` and `grouping` added. Once
/// its details were evicted, what is indexed of it.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event_id}",
    operation_id = "show_event",
    tag = "events",
    params(("event_id" = String, Path, description = "32 hexadecimal digits, dashes allowed")),
    responses(
        (status = 200, body = Object, description = "The event"),
        (status = 401, body = Problem),
        (status = 404, body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn show(State(api): Shared, Path(id): Path<String>) -> Answer<RawJson> {
    let unknown = || Problem::not_found(format!("there is no event {id}"));
    let event_id = EventId::parse(&id).map_err(|_| unknown())?;
    let event = store::blocking(&api.store, move |store| store.event(event_id)).await?;
    Ok(RawJson(as_received(event.ok_or_else(unknown)?)?))
}

/// The event as it was received, with what the collector knows of it.
fn as_received(event: StoredEvent) -> Answer<String> {
    let StoredEvent { row, payload, grouping } = event;
    let mut object = match payload {
        Some(json) => match codec::decode_value(&json) {
            Ok(value) => value.into_object(),
            Err(error) => {
                let id = row.event_id;
                return Err(
                    store::StoreError::Unusable(format!("the payload of event {id} is {error}")).into()
                );
            }
        },
        None => indexed(&row),
    };
    // What the sender wrote under our names would pass for ours.
    object.set("event_id", row.event_id.to_string());
    object.set("issue_id", Value::Int(row.issue_id.0));
    object.set("project_id", Value::Int(row.project_id.0.into()));
    object.set("received_at", row.received_at.to_string());
    object.set("grouping", grouping_value(grouping));
    Ok(codec::to_json(&Value::Object(object)))
}

/// What is left of an event whose payload was evicted.
fn indexed(row: &EventRow) -> Object {
    let mut object = Object::default();
    let texts = [
        ("timestamp", row.timestamp.map(|time| time.to_string())),
        ("level", Some(row.level.as_str().to_owned())),
        ("release", row.release.clone()),
        ("environment", row.environment.clone()),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            object.set(key, text);
        }
    }
    object.set("evicted", true);
    object
}

fn grouping_value(grouping: Grouping) -> Value {
    let keys = grouping.keys.into_iter().map(|key| {
        let mut object = Object::default();
        object.set("kind", key.kind);
        object.set("text", key.text);
        object.set("hash", format!("{:032x}", u128::from_be_bytes(key.hash)));
        Value::Object(object)
    });
    let mut object = Object::default();
    let keys = Value::Array(keys.collect());
    object.set("version", Value::Int(grouping.version.into()));
    object.set("keys", keys);
    Value::Object(object)
}
