//! A mail server that hangs or is gone changes nothing for who reports errors.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use error_sentinel_tests::{Collector, Setup, eventually, short_or_long};
use serde_json::json;

use crate::PATIENCE;
use crate::load_kept::Account;

/// Accepts and never says a word.
fn silent_server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let called = Arc::new(AtomicUsize::new(0));
    let calls = called.clone();
    thread::spawn(move || {
        let mut held: Vec<TcpStream> = Vec::new();
        for caller in listener.incoming().map_while(Result::ok) {
            calls.fetch_add(1, Ordering::Relaxed);
            held.push(caller);
        }
    });
    (port, called)
}

fn ringing_at(port: u16) -> Collector {
    Setup::default()
        .set("RATE_LIMIT", "off")
        .set("SMTP__HOST", "127.0.0.1")
        .set("SMTP__PORT", port)
        .set("SMTP__TLS", "none")
        .set("SMTP__FROM", "alarm@example.com")
        .set("SMTP__TO", "team@example.com")
        .start()
}

/// Loads a collector whose alarms cannot be delivered.
fn assert_unharmed(what: &str, mut collector: Collector) {
    let mut account = Account::new(&collector, 1536);
    for number in 0..20 {
        let body = json!({"message": "it burns", "level": "fatal", "fingerprint": [number.to_string()]});
        collector.log_error(&body);
    }
    let outcome = account.load_for(&mut collector, Duration::from_secs(short_or_long(2, 20)));
    assert!(
        outcome.refused.is_empty() && outcome.broken == 0,
        "{:?}, {} broken",
        outcome.refused,
        outcome.broken
    );
    println!(
        "mail server {what}: {} acknowledged, none refused, p50 {:?}, p99 {:?}",
        outcome.acknowledged.len(),
        outcome.quantile(0.5),
        outcome.quantile(0.99)
    );
    account.assert_kept(&mut collector, 21);
    assert!(collector.terminate(Duration::from_secs(10)).success(), "{}", collector.log());
}

#[test]
fn a_mail_server_that_hangs_costs_no_event_and_no_stop() {
    let (port, called) = silent_server();
    let collector = ringing_at(port);
    collector.log_error(&json!({"message": "does anybody hear me?", "level": "fatal"}));
    eventually("the mail server is called", PATIENCE, || (called.load(Ordering::Relaxed) > 0).then_some(()));
    assert_unharmed("that hangs", collector);
}

#[test]
fn a_mail_server_that_is_gone_costs_no_event_and_no_stop() {
    let gone =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    assert_unharmed("that is gone", ringing_at(gone.port()));
}
