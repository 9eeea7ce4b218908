//! Tells open pages what changes, by server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::future::select;
use futures_util::{Stream, StreamExt};
use serde_json::json;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use super::Shared;
use super::session::SignedIn;
use crate::feed::Feed;

/// Proxies close connections that say nothing for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// nginx would hold a change back until a whole buffer is full.
const NOT_BUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// After this a page has to show its session again: one that was ended must not listen for ever.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// `GET /live`
pub async fn stream(State(dashboard): Shared, _: SignedIn) -> impl IntoResponse {
    let changes = changes(&dashboard.feed, tokio::time::sleep(LONGEST));
    ([NOT_BUFFERED], Sse::new(changes).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One event a change, until the collector stops or `end`; a page that fell behind is told to read anew.
fn changes<F>(feed: &Feed, end: F) -> impl Stream<Item = Result<Event, Infallible>> + use<F>
where
    F: Future<Output = ()> + Send + 'static,
{
    let closed = select(Box::pin(feed.closed()), Box::pin(end));
    BroadcastStream::new(feed.subscribe()).take_until(closed).map(|change| {
        Ok(match change {
            Ok(change) => Event::default().event("change").data(
                json!({"issue": change.issue_id.to_string(), "project": change.project_id.to_string()})
                    .to_string(),
            ),
            Err(BroadcastStreamRecvError::Lagged(_)) => Event::default().event("behind").data("{}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use error_sentinel_wire::ProjectId;

    use super::*;
    use crate::feed::Change;
    use crate::store::IssueId;

    #[tokio::test]
    async fn a_stream_ends_with_its_time_and_with_the_collector() {
        let feed = Feed::default();
        assert_eq!(changes(&feed, ready(())).count().await, 0);
        let mut stream = Box::pin(changes(&feed, pending()));
        feed.publish(Change { project_id: ProjectId(1), issue_id: IssueId(1) });
        assert!(stream.next().await.is_some());
        feed.close();
        assert!(stream.next().await.is_none());
    }
}
