//! The queue is a dam: while the store is locked, everything is still accepted, and nothing is lost of it.

use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::load::{self, Door, Requests};
use error_sentinel_tests::store_file::Locked;
use error_sentinel_tests::{Collector, Request, eventually};

const LOCKED: Duration = Duration::from_secs(60);
const PER_SECOND: u64 = 500;

#[test]
fn a_store_locked_for_a_minute_costs_no_event() {
    let mut collector = Collector::start();
    let api = collector.api();
    let requests = Requests::new(collector.dsn(), Door::Envelope, 1536, 10, 13);
    let address = collector.address();
    let lock = Locked::store(collector.data_dir());
    let (outcome, said) = thread::scope(|scope| {
        let load = scope.spawn(|| load::open(address, &requests, PER_SECOND, LOCKED, 16));
        let said = eventually("/readyz says that it is degraded", LOCKED, || {
            let reply = collector.send(&Request::get("/readyz"));
            reply.text().contains("degraded").then_some(reply)
        });
        assert_eq!(collector.send(&Request::get("/healthz")).status, 200, "it lives");
        (load.join().expect("the load runs"), said)
    });
    drop(lock);
    let drained = Instant::now();
    println!("while locked: p50 {:?}, p99 {:?}", outcome.quantile(0.5), outcome.quantile(0.99));
    println!("/readyz said {}: {}", said.status, said.text());

    outcome.assert_all(LOCKED.as_secs() * PER_SECOND);
    api.await_total(LOCKED.as_secs() * PER_SECOND, Duration::from_secs(60));
    println!("{} events drained in {:?}", LOCKED.as_secs() * PER_SECOND, drained.elapsed());
    eventually("/readyz is well again", Duration::from_secs(10), || {
        let reply = collector.send(&Request::get("/readyz"));
        (reply.status == 200 && !reply.text().contains("degraded")).then_some(())
    });
}
