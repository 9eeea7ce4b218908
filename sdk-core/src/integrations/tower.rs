//! A layer for services of HTTP on `tower`, such as those of axum: each request is a scope of its own.
//!
//! Alerts name the request (without cookies and secrets, see [`Options::send_default_pii`]) and its trace, which is
//! that of the header `traceparent`, or a new one. A handler that panics is reported, and answered by 500 instead of
//! a connection that ends in silence.
//!
//! ```
//! use error_sentinel::integrations::tower::SentinelLayer;
//!
//! let app: axum::Router = axum::Router::new()
//!     .route("/", axum::routing::get(|| async { "hello" }))
//!     .layer(SentinelLayer::new());
//! # drop(app);
//! ```
//!
//! [`Options::send_default_pii`]: crate::Options::send_default_pii

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use error_sentinel_wire::{self as wire, TraceId};
use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::client::clock;
use crate::{InScope, Scope, ScopedFuture, Trace, is_reporting};

/// Makes [`SentinelService`]s.
#[derive(Debug, Clone, Copy, Default)]
pub struct SentinelLayer {
    _private: (),
}

impl SentinelLayer {
    /// The layer.
    pub fn new() -> SentinelLayer {
        SentinelLayer::default()
    }
}

impl<S> Layer<S> for SentinelLayer {
    type Service = SentinelService<S>;

    fn layer(&self, inner: S) -> SentinelService<S> {
        SentinelService { inner }
    }
}

/// Puts each request into a scope of its own, and answers panics.
#[derive(Debug, Clone)]
pub struct SentinelService<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for SentinelService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ScopedFuture<Answered<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let scope = if is_reporting() { scope_of(&request) } else { Scope::new() };
        // What the service does before its first wait belongs to the request too.
        let future = {
            let _entered = crate::client::scopes::enter(Box::new(scope.clone()));
            catch_unwind(AssertUnwindSafe(|| self.inner.call(request))).ok()
        };
        Answered { future }.in_scope(scope)
    }
}

pin_project! {
    /// The answer of a service, or 500 when it panics.
    #[derive(Debug)]
    pub struct Answered<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F, R, E> Future for Answered<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Ready(Ok(sorry())) };
        // The panic hook has reported it; what the panic left half done goes with the future.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => Poll::Ready(ready!(poll)),
            Err(_) => {
                this.future.set(None);
                Poll::Ready(Ok(sorry()))
            }
        }
    }
}

fn sorry<R: Default>() -> Response<R> {
    let mut response = Response::new(R::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// What alerts say of a request.
fn scope_of<B>(request: &Request<B>) -> Scope {
    let uri = request.uri();
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let authority = uri.authority().map(|authority| authority.as_str()).or_else(|| header("host"));
    let url = match authority {
        Some(authority) => format!("{}://{authority}{}", uri.scheme_str().unwrap_or("http"), uri.path()),
        None => uri.path().to_owned(),
    };
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    let mut scope = Scope::new();
    scope.set_transaction(format!("{} {}", request.method(), uri.path()));
    scope.set_request(wire::Request {
        url: Some(url),
        method: Some(request.method().as_str().to_owned()),
        query_string: uri.query().map(str::to_owned),
        headers: headers.collect(),
        ..wire::Request::default()
    });
    // A service is a span of its own in the trace of whoever asked.
    let span = clock::event_id().0 as u64 | 1;
    let trace = header("traceparent").and_then(Trace::parse).map(|trace| trace.with_span(span));
    if let Some(trace) = trace.or_else(|| Trace::new(TraceId(clock::event_id().0), span)) {
        scope.set_trace(trace);
    }
    scope
}
