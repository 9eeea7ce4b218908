//! Accepts connections, bounded in number and in patience.
//!
//! `axum::serve` has no deadline for the headers of a request, and a thousand clients that send one byte every
//! ten seconds would hold a thousand connections for ever. A connection costs next to nothing until its first
//! request has a whole head.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

mod head;

/// Longest wait for the headers of a request; also how long an idle connection is kept.
const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Pause after a failed accept: the usual cause is too many open files, which passes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Longest request head in bytes, past it the answer is 431; also the most that is read of a body at once.
const HEAD_BYTES: usize = 16 * 1024;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Open ones.
    pub open: usize,
    /// Of which so many may have got beyond their first head, and take the memory for that.
    pub served: usize,
}

/// Serves `app` on `listener` until `stop` is ready, then lets the requests in hand finish, at most `drain`.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    places: Places,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let [open, served] = [places.open, places.served].map(|count| Arc::new(Semaphore::new(count)));
    let graceful = GracefulShutdown::new();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_DEADLINE).max_buf_size(HEAD_BYTES);
    let mut stop = std::pin::pin!(stop);
    // Dropped at the stop; who has no request in hand by then is let go at once.
    let (accepting, accepted_until) = watch::channel(());
    loop {
        let next = async {
            // The semaphores are never closed.
            let place = open.clone().acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and awaited; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let (app, http, served, watcher) = (app.clone(), http.clone(), served.clone(), graceful.watcher());
        let mut stopped = accepted_until.clone();
        tokio::spawn(async move {
            let begin = async {
                let stream = head::read(stream, HEAD_BYTES).await.ok()?;
                Some((stream, served.acquire_owned().await.ok()?))
            };
            let begun = tokio::select! {
                begun = tokio::time::timeout(HEADER_DEADLINE, begin) => begun.ok().flatten(),
                _ = stopped.changed() => None,
            };
            let Some((stream, _served)) = begun else { return };
            let connection = http.serve_connection(TokioIo::new(stream), service(app, peer));
            // In a box, since those who never get here are not to pay for it.
            let connection = Box::pin(watcher.watch(connection));
            // A client that goes away or speaks nonsense ends only its own connection.
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(accepting);
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(waited_ms = drain.as_millis(), "some requests did not finish in time");
    }
}

/// The app as one connection sees it: with its peer's address in every request.
fn service(
    app: Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    hyper::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    })
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    /// Longer than any machine needs.
    const PATIENCE: Duration = Duration::from_secs(30);

    async fn ask(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn heads_that_never_end_take_no_place_from_whole_ones_and_hold_up_no_stop() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/", get(async || "served"));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { stopped.await.unwrap() };
        let server =
            tokio::spawn(serve(listener, app, Places { open: 64, served: 1 }, stopped, 4 * PATIENCE));
        let mut slow = Vec::new();
        for _ in 0..40 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost").await.unwrap();
            slow.push(stream);
        }
        for _ in 0..3 {
            let answer = timeout(PATIENCE, ask(address)).await.expect("it is answered");
            assert!(answer.ends_with("served"), "{answer}");
        }
        stop.send(()).unwrap();
        timeout(PATIENCE, server).await.expect("it stops").unwrap();
    }
}
