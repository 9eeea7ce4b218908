//! A small application that uses the crate `sentry` as its documentation says, with nothing changed but the DSN.
//!
//! Usage: `sentry_app DSN BUG`. Fails by one of two bugs, reports it, and prints the event's id. With `everything`
//! as the bug it sends one of everything that the crate can send and prints the ids as JSON; with `burst` it
//! reports more than the collector takes at once.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::time::Duration;

use sentry::types::Uuid;

/// What goes wrong when an order is read.
#[derive(Debug)]
struct OrderError {
    field: &'static str,
    cause: ParseIntError,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the order's {} cannot be read", self.field)
    }
}

impl Error for OrderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// The count is no number.
fn first_bug() -> Option<Uuid> {
    let read: Result<u32, _> = "three".parse().map_err(|cause| OrderError { field: "count", cause });
    read.err().map(|error| sentry::capture_error(&error))
}

/// The name is no text.
fn second_bug() -> Option<Uuid> {
    let bytes = std::hint::black_box([0xff_u8, 0xfe]);
    std::str::from_utf8(&bytes).err().map(|error| sentry::capture_error(&error))
}

/// Something that nobody thought of.
fn panic_bug() -> Option<Uuid> {
    let panicked = std::panic::catch_unwind(|| panic!("the shelf fell down"));
    panicked.err().and_then(|_: Box<dyn Any + Send>| sentry::last_event_id())
}

/// Longest wait for what is to be sent.
const FLUSH: Duration = Duration::from_secs(10);

fn flush() {
    if let Some(client) = sentry::Hub::current().client() {
        client.flush(Some(FLUSH));
    }
}

fn everything() -> String {
    sentry::start_session();
    sentry::end_session();
    flush();
    let message = sentry::capture_message("the shelf is nearly empty", sentry::Level::Warning).simple();
    let attached = sentry::with_scope(
        |scope| {
            scope.add_attachment(sentry::protocol::Attachment {
                buffer: b"apples\n\n{}\n".to_vec(),
                filename: "basket.txt".into(),
                ..Default::default()
            });
        },
        first_bug,
    );
    let transaction = |name: &str| {
        sentry::start_transaction(sentry::TransactionContext::new(name, "task")).finish();
        flush();
    };
    // The answer to the first transaction asks to hold others back, and errors must not be held with them.
    transaction("a transaction that is taken");
    transaction("a transaction that is held back");
    let after = second_bug();
    flush();
    let id = |id: Option<Uuid>| id.unwrap_or_default().simple();
    format!(r#"{{"message":"{message}","attached":"{}","after":"{}"}}"#, id(attached), id(after))
}

fn burst() {
    for _ in 0..6 {
        first_bug();
        flush();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dsn = arguments.next().ok_or("usage: sentry_app DSN BUG")?;
    let bug = arguments.next().ok_or("usage: sentry_app DSN BUG")?;
    let _guard = sentry::init((
        dsn,
        sentry::ClientOptions::new()
            .release("shop@1.2.3")
            .environment("staging")
            .attach_stacktrace(true)
            .traces_sample_rate(1.0),
    ));
    sentry::configure_scope(|scope| {
        scope.set_tag("region", "eu-central");
        scope.set_user(Some(sentry::User {
            id: Some("4711".into()),
            email: Some("ada@example.com".into()),
            ..Default::default()
        }));
    });
    sentry::add_breadcrumb(sentry::Breadcrumb {
        category: Some("basket".into()),
        message: Some("three apples were added".into()),
        ..Default::default()
    });
    let event_id = match bug.as_str() {
        "everything" => {
            println!("{}", everything());
            return Ok(());
        }
        "burst" => {
            burst();
            return Ok(());
        }
        "first" => first_bug(),
        "second" => second_bug(),
        "panic" => panic_bug(),
        other => return Err(format!("there is no bug {other}").into()),
    };
    println!("{}", event_id.ok_or("nothing was reported")?.simple());
    Ok(())
}
