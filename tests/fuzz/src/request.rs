//! A request of any path, headers and body is answered without a 5xx; what it brought in is whole and can be digested.
//!
//! The bytes are a request as HTTP/1.1 writes it, as far as that matters here: `POST PATH`, lines of headers, an
//! empty line, the body as it is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use error_sentinel_collector::digest::prepare::prepare;
use error_sentinel_collector::ingest::{Deps, KeySource, router};
use error_sentinel_collector::metrics::Metrics;
use error_sentinel_collector::queue::{Accepted, Depth, Job, JobId, PushError, Queue, QueueError};
use error_sentinel_collector::settings::{RateLimit, Settings};
use error_sentinel_collector::store::StoreError;
use error_sentinel_wire::{ProjectId, PublicKey, envelope};
use futures_util::future::{BoxFuture, ready};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

pub fn run(bytes: &[u8]) {
    let Some(request) = request(bytes) else {
        return;
    };
    thread_local! {
        static INGEST: Ingest = Ingest::new();
    }
    INGEST.with(|ingest| ingest.take(request));
}

/// Reads the bytes; `None` when no HTTP server would let them through.
fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let end = bytes.windows(2).position(|window| window == b"\n\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        request = request.header(name, value.trim());
    }
    let mut request = request.body(Body::from(bytes[end + 2..].to_vec())).ok()?;
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
    Some(request)
}

/// The first stage of a collector, whose queue is a list.
struct Ingest {
    runtime: Runtime,
    router: Router,
    held: Arc<Held>,
}

impl Ingest {
    fn new() -> Ingest {
        let held = Arc::new(Held::default());
        let router = router(Deps {
            queue: held.clone(),
            keys: Arc::new(AnyKey),
            settings: Arc::new(Settings { rate_limit: RateLimit::Off, ..Settings::default() }),
            metrics: Arc::new(Metrics::default()),
        });
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        Ingest { runtime, router, held }
    }

    fn take(&self, request: Request<Body>) {
        let answer = self.runtime.block_on(self.router.clone().oneshot(request));
        let status = answer.unwrap_or_else(|never| match never {}).status();
        assert!(!status.is_server_error(), "answered {status}");
        let accepted = std::mem::take(&mut *self.held.lock());
        for accepted in accepted {
            let (_, items) = envelope::open(&accepted.envelope).expect("what is held is an envelope");
            assert!(items.into_iter().all(|item| item.is_ok()), "what is held is whole");
            let prepared = prepare(&accepted);
            assert!(prepared.poison.is_empty(), "{:?}", prepared.poison);
        }
    }
}

/// Everybody may send.
struct AnyKey;

impl KeySource for AnyKey {
    fn project_of(&self, _: PublicKey) -> Result<Option<ProjectId>, StoreError> {
        Ok(Some(ProjectId(1)))
    }
}

/// A queue in memory that is looked into after each request.
#[derive(Default)]
struct Held(Mutex<Vec<Accepted>>);

impl Held {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Accepted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue for Held {
    fn push(&self, accepted: Accepted) -> BoxFuture<'_, Result<(), PushError>> {
        self.lock().push(accepted);
        Box::pin(ready(Ok(())))
    }

    fn wait(&self, _: Option<JobId>, _: Duration) -> bool {
        false
    }

    fn take(&self, _: Option<JobId>, _: usize, _: usize) -> Result<Vec<Job>, QueueError> {
        Ok(Vec::new())
    }

    fn remove(&self, _: JobId) -> Result<(), QueueError> {
        Ok(())
    }

    fn depth(&self) -> Depth {
        Depth::default()
    }

    fn close(&self) {}
}
