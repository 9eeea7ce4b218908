//! Many at once, with the default limits: all acknowledged, all stored, counts exact.

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use error_sentinel_tests::load::{self, Door, Requests};
use error_sentinel_tests::{Api, Collector, Connection, Request};

/// Every id that the API knows.
fn stored_ids(api: &Api) -> HashSet<String> {
    api.issues().iter().flat_map(|issue| api.event_ids(&issue.id())).collect()
}

#[test]
fn a_hundred_clients_at_the_same_instant_are_all_heard() {
    let mut collector = Collector::start();
    let (address, key) = (collector.address(), collector.key());
    let gate = Barrier::new(100);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let clients: Vec<_> = (0..100)
            .map(|client| {
                let (gate, key) = (&gate, &key);
                scope.spawn(move || {
                    let mut connection = Connection::open(address).expect("it listens");
                    let body =
                        format!("{{\"message\": \"client {client} is in trouble\", \"level\": \"error\"}}");
                    let request = Request::post("/log-error", body).header("X-Sentinel-Key", key);
                    gate.wait();
                    connection.send(&request).expect("it answers").status
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("the client runs")).collect()
    });
    assert_eq!(statuses, [202; 100]);
    let api = collector.api();
    api.await_total(100, Duration::from_secs(20));
    assert_eq!(stored_ids(&api).len(), 100);
}

#[test]
fn ten_thousand_events_from_fifty_connections_are_all_stored() {
    let mut collector = Collector::start();
    let requests = Requests::new(collector.dsn(), Door::Envelope, 1536, 10, 7);
    let outcome = load::closed(collector.address(), &requests, 0..10_000, 50, &AtomicBool::new(false));
    outcome.assert_all(10_000);
    let api = collector.api();
    api.await_total(10_000, Duration::from_secs(120));
    let issues = api.issues();
    assert_eq!(issues.len(), 10, "ten bugs were sent");
    let sent: HashSet<String> = (0..10_000).map(|number| requests.id(number)).collect();
    assert_eq!(stored_ids(&api), sent);
}
