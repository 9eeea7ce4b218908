//! The three ways in: `/envelope/`, `/store/` and `/log-error`.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use error_sentinel_wire::envelope::{self as wire_envelope, EnvelopeWriter, Header};
use error_sentinel_wire::{EventId, ProjectId, PublicKey};
use futures_util::FutureExt;

use super::auth::{self, NoKey};
use super::body::Read;
use super::quota::Cost;
use super::reply::{self, Refusal};
use super::sort::{self, Sorted};
use super::{Ingest, envelope};
use crate::client_address;
use crate::clock;
use crate::queue::Accepted;

type Answer = Result<Response, Refusal>;

/// How long who is over the limit waits for being told so. Who goes on all the same cannot go on faster than this on any
/// connection, and leaves the processor to the others; SDKs wait on threads of their own.
const QUOTA_WAIT: Duration = Duration::from_millis(50);

/// `POST /api/<project>/envelope/`
pub async fn envelope(
    State(ingest): State<Arc<Ingest>>,
    Path(project): Path<String>,
    request: Request,
) -> Response {
    answer(ingest, request, async |ingest: &Ingest, parts: &Parts, body: Body| {
        let read = ingest.bodies.read(&parts.headers, body).await?;
        take_envelope(ingest, parts, &project, read).await
    })
    .await
}

/// `POST /api/<project>/store/`
pub async fn store(
    State(ingest): State<Arc<Ingest>>,
    Path(project): Path<String>,
    request: Request,
) -> Response {
    answer(ingest, request, async |ingest: &Ingest, parts: &Parts, body: Body| {
        let read = ingest.bodies.read(&parts.headers, body).await?;
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|kind| kind.contains("x-sentry-envelope")) {
            return take_envelope(ingest, parts, &project, read).await;
        }
        let sender = authenticate(ingest, parts, Some(&project), None).await?;
        let sort = |body| sort_envelope(&envelope::of_event(&envelope::stored_event(body)?));
        let (sorted, _share) = ingest.bodies.work(read, sort).await?;
        keep(ingest, &sender, sorted?).await
    })
    .await
}

/// `POST /log-error`
pub async fn log_error(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    answer(ingest, request, async |ingest: &Ingest, parts: &Parts, body: Body| {
        let sender = authenticate(ingest, parts, None, None).await?;
        let read = ingest.bodies.read(&parts.headers, body).await?;
        let wrap = |body: Bytes| {
            let (id, event) = envelope::logged_event(&body, new_id)?;
            let mut writer = EnvelopeWriter::new(&Header::default());
            writer.item("event", Some(id), &event);
            Ok::<_, Refusal>((id, writer.into_bytes().into()))
        };
        let (wrapped, _share) = ingest.bodies.work(read, wrap).await?;
        let (id, envelope) = wrapped?;
        enqueue(ingest, &sender, envelope, 1, Cost::Events(1)).await?;
        Ok(reply::accepted(StatusCode::ACCEPTED, Some(id), &[]))
    })
    .await
}

/// Answers 500 in the form of every other refusal when a request panics; the process goes on.
pub async fn never_panic(request: Request, next: Next) -> Response {
    AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a request panicked; please report this with the lines above");
        Refusal::internal().into_response()
    })
}

/// Runs a request and counts what became of it.
async fn answer(
    ingest: Arc<Ingest>,
    request: Request,
    take: impl AsyncFnOnce(&Ingest, &Parts, Body) -> Answer,
) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let taken = take(&ingest, &parts, body).await;
    if taken.as_ref().is_err_and(Refusal::is_over_quota) {
        tokio::time::sleep(QUOTA_WAIT).await;
    }
    let response = taken.unwrap_or_else(|refusal| {
        ingest.metrics.refused(refusal.reason);
        if refusal.is_ours()
            && let Some(kept_back) = ingest.complaint.may_speak(started)
        {
            tracing::warn!(reason = refusal.reason, detail = refusal.detail, kept_back, "errors are refused");
        } else {
            // At debug level, since every sender on the network can cause it.
            tracing::debug!(status = refusal.status.as_u16(), reason = refusal.reason, "refused");
        }
        refusal.into_response()
    });
    if response.status().is_success() {
        ingest.metrics.answered(started.elapsed());
    }
    response
}

/// Who sends.
struct Sender {
    project_id: ProjectId,
    key: PublicKey,
    address: IpAddr,
}

/// Finds out who sends an envelope and keeps of it what is worth keeping.
async fn take_envelope(ingest: &Ingest, parts: &Parts, project: &str, read: Read) -> Answer {
    let dsn = wire_envelope::open(&read.bytes).ok().and_then(|(header, _)| header.dsn);
    let sender = authenticate(ingest, parts, Some(project), dsn.as_deref()).await?;
    let (sorted, _share) = ingest.bodies.work(read, |bytes| sort_envelope(&bytes)).await?;
    keep(ingest, &sender, sorted?).await
}

fn sort_envelope(bytes: &[u8]) -> Result<Sorted, Refusal> {
    let (header, items) = wire_envelope::open(bytes)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "envelope", error.to_string()))?;
    Ok(sort::sort(&header, items, new_id))
}

/// Enqueues what is kept of an envelope and answers for the rest.
async fn keep(ingest: &Ingest, sender: &Sender, sorted: Sorted) -> Answer {
    for kind in &sorted.ignored {
        ingest.metrics.ignored(kind);
    }
    if let Some(kept) = sorted.kept {
        enqueue(ingest, sender, kept, sorted.event_count, sorted.cost).await?;
    }
    let Some(first) = sorted.refusals.first() else {
        return Ok(reply::accepted(StatusCode::OK, sorted.id, &sorted.ignored));
    };
    let mut causes = Vec::new();
    for refusal in &sorted.refusals {
        ingest.metrics.refused(refusal.reason);
        causes.push(refusal.detail.clone());
    }
    tracing::debug!(project = %sender.project_id, refused_count = causes.len(), "refused in part");
    let id = sorted.id.filter(|_| sorted.event_count > 0);
    Ok(reply::refused(first, id, &causes))
}

/// Checks the quota and holds the envelope; returns when it is on the disk.
async fn enqueue(
    ingest: &Ingest,
    sender: &Sender,
    envelope: Bytes,
    event_count: usize,
    cost: Cost,
) -> Result<(), Refusal> {
    ingest.quota.take(sender.key, sender.address, cost)?;
    let accepted = Accepted {
        project_id: sender.project_id,
        received_at: clock::now(),
        remote_addr: Some(sender.address).filter(|address| !address.is_unspecified()),
        envelope,
    };
    ingest.queue.push(accepted).await?;
    ingest.metrics.accepted(event_count);
    Ok(())
}

/// Finds out who sends: by header or query, else by the envelope's DSN.
async fn authenticate(
    ingest: &Ingest,
    parts: &Parts,
    project: Option<&str>,
    dsn: Option<&str>,
) -> Result<Sender, Refusal> {
    let key = auth::key_of(&parts.headers, &parts.uri, dsn).map_err(|error| {
        let detail = match error {
            NoKey::Missing => {
                "no key was sent; put it into the header X-Sentinel-Key, or use the DSN that the dashboard shows"
                    .to_owned()
            }
            NoKey::Malformed(place) => format!(
                "the key that was sent in {place} is not 32 hexadecimal digits; copy it from the project's DSN"
            ),
        };
        Refusal::new(StatusCode::UNAUTHORIZED, "auth", detail)
    })?;
    let found = ingest.keys.project_of(key).await.map_err(|_| {
        let detail = "the collector cannot look up keys at the moment";
        Refusal { pause_s: Some(5), ..Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "storage", detail) }
    })?;
    let Some(project_id) = found else {
        let detail = format!("the key {key} is unknown here or was revoked; copy the DSN from the dashboard");
        return Err(Refusal::new(StatusCode::FORBIDDEN, "auth", detail));
    };
    if let Some(named) = project
        && named.parse() != Ok(project_id)
    {
        let detail = format!(
            "the key {key} belongs to project {project_id}, but this was sent to project {named:.20}; copy the \
             whole DSN from the dashboard"
        );
        return Err(Refusal::new(StatusCode::FORBIDDEN, "auth", detail));
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let address = match peer {
        Some(peer) => client_address::of(peer, &parts.headers, &ingest.settings.trusted_proxies),
        None => IpAddr::from([0, 0, 0, 0]),
    };
    Ok(Sender { project_id, key, address })
}

/// A random id for an event that came without.
fn new_id() -> EventId {
    let mut bytes = [0; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // The kernel has no randomness only before it has booted; the clock tells events apart even then.
        tracing::error!(%error, "no randomness; an event id is made of the time");
        bytes[..8].copy_from_slice(&clock::now().0.to_be_bytes());
    }
    EventId::from_random(bytes)
}
