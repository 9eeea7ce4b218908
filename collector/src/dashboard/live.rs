//! Tells open pages what changes, by server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use serde_json::json;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use super::Shared;
use super::session::SignedIn;
use crate::feed::Feed;

/// Proxies close connections that say nothing for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// `GET /live`
pub async fn stream(State(dashboard): Shared, _: SignedIn) -> impl IntoResponse {
    Sse::new(changes(&dashboard.feed)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// One event a change; a page that fell behind is told to read anew.
fn changes(feed: &Feed) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let closed = feed.closed();
    BroadcastStream::new(feed.subscribe()).take_until(Box::pin(closed)).map(|change| {
        Ok(match change {
            Ok(change) => Event::default().event("change").data(
                json!({"issue": change.issue_id.to_string(), "project": change.project_id.to_string()})
                    .to_string(),
            ),
            Err(BroadcastStreamRecvError::Lagged(_)) => Event::default().event("behind").data("{}"),
        })
    })
}
