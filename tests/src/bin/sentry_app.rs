//! A small application that uses the crate `sentry` as its documentation says, with nothing changed but the DSN.
//!
//! Usage: `sentry_app DSN BUG`. Fails by one of two bugs, reports it, and prints the event's id.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

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

fn first_bug() -> Result<u32, OrderError> {
    "three".parse().map_err(|cause| OrderError { field: "count", cause })
}

fn second_bug() -> Result<char, std::str::Utf8Error> {
    let bytes = std::hint::black_box([0xff_u8, 0xfe]);
    std::str::from_utf8(&bytes).map(|text| text.chars().next().unwrap_or_default())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dsn = arguments.next().ok_or("usage: sentry_app DSN BUG")?;
    let bug = arguments.next().ok_or("usage: sentry_app DSN BUG")?;
    let _guard = sentry::init((
        dsn,
        sentry::ClientOptions::new().release("shop@1.2.3").environment("staging").attach_stacktrace(true),
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
    let id = match bug.as_str() {
        "first" => first_bug().map(drop).map_err(|error| sentry::capture_error(&error)),
        "second" => second_bug().map(drop).map_err(|error| sentry::capture_error(&error)),
        "panic" => {
            let panicked = std::panic::catch_unwind(|| panic!("the shelf fell down"));
            panicked.map_err(|_| sentry::last_event_id().unwrap_or_default())
        }
        other => return Err(format!("there is no bug {other}").into()),
    };
    if let Err(id) = id {
        println!("{}", id.simple());
    }
    Ok(())
}
