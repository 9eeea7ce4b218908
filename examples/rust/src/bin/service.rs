//! A web service: each request is a scope of its own, and a panic is an answer of 500 and an alert. It ends when its
//! standard input does.
//!
//! `ERROR_SENTINEL_DSN=… cargo run -p error-sentinel-example --features service --bin service`

use std::fmt;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use error_sentinel::integrations::{tower::SentinelLayer, tracing as sentinel_tracing};
use error_sentinel::{InScope, Scope};
use tokio::io::AsyncReadExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The highest number of an order so far.
const NEWEST: u32 = 100;

#[derive(Debug)]
struct NoSuchOrder(u32);

impl fmt::Display for NoSuchOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no order {}", self.0)
    }
}

impl std::error::Error for NoSuchOrder {}

async fn find(number: u32) -> Result<u32, NoSuchOrder> {
    tracing::info!(number, "looking for the order");
    tokio::task::yield_now().await;
    if number <= NEWEST { Ok(number) } else { Err(NoSuchOrder(number)) }
}

/// An error that is reported.
async fn order(Path(number): Path<u32>) -> Result<String, StatusCode> {
    find(number).await.map(|number| format!("order {number}")).map_err(|error| {
        error_sentinel::send_alert(&error);
        StatusCode::NOT_FOUND
    })
}

/// A handler that panics on what it did not expect.
async fn invoice(Path(number): Path<u32>) -> String {
    let total = NEWEST.checked_sub(number).expect("the order has a total");
    format!("{total} euros")
}

/// A task that goes on after the answer; it takes the request's scope along.
async fn ship(Path(number): Path<u32>) -> StatusCode {
    let task = async move {
        let order = find(number).await.expect("only orders that exist are shipped");
        tracing::info!(order, "shipped");
    };
    tokio::spawn(task.in_scope(Scope::current()));
    StatusCode::ACCEPTED
}

// The SDK starts before the first thread of the runtime, and ends after the last.
fn main() -> std::io::Result<()> {
    let _guard = error_sentinel::init(error_sentinel::Options::new("").app("orders").release("orders@1.0.0"));
    tracing_subscriber::registry().with(sentinel_tracing::layer()).init();
    tokio::runtime::Runtime::new()?.block_on(serve())
}

async fn serve() -> std::io::Result<()> {
    let app = Router::new()
        .route("/orders/{number}", get(order))
        .route("/orders/{number}/invoice", get(invoice))
        .route("/orders/{number}/ship", post(ship))
        .layer(SentinelLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let end = async {
        // However it ends, it has ended.
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    };
    axum::serve(listener, app).with_graceful_shutdown(end).await
}
