//! The queue is a dam: while the store is locked, everything is still accepted, and nothing is lost of it.

use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_tests::load::{self, Door, Requests};
use error_sentinel_tests::store_file::Locked;
use error_sentinel_tests::{Collector, Request, eventually, short_or_long};

use crate::PATIENCE;
use crate::load_kept::Account;
use crate::stop::GRACE;

const PER_SECOND: u64 = 500;

#[test]
fn a_locked_store_costs_no_event() {
    let locked = Duration::from_secs(short_or_long(20, 60));
    let mut collector = Collector::start();
    let api = collector.api();
    let requests = Requests::new(collector.dsn(), Door::Envelope, 1536, 10, 13);
    let address = collector.address();
    let lock = Locked::store(collector.data_dir());
    let (outcome, said) = thread::scope(|scope| {
        let load = scope.spawn(|| load::open(address, &requests, PER_SECOND, locked, 16));
        let said = eventually("/readyz says that it is degraded", PATIENCE, || {
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

    outcome.assert_all(locked.as_secs() * PER_SECOND);
    api.await_total(locked.as_secs() * PER_SECOND, PATIENCE);
    println!("{} events drained in {:?}", locked.as_secs() * PER_SECOND, drained.elapsed());
    eventually("/readyz is well again", Duration::from_secs(10), || {
        let reply = collector.send(&Request::get("/readyz"));
        (reply.status == 200 && !reply.text().contains("degraded")).then_some(())
    });
}

#[test]
fn a_stop_while_the_store_is_locked_ends_in_time_and_leaves_everything_to_the_next_start() {
    let mut collector = Collector::start();
    let mut account = Account::new(&collector, 1536);
    let lock = Locked::store(collector.data_dir());
    account.load_count(&collector, 200).assert_all(200);
    let asked = Instant::now();
    let status = collector.terminate(GRACE);
    println!("a stop beside a locked store took {:?}", asked.elapsed());
    assert!(status.success(), "{status:?}: {}", collector.log());
    drop(lock);
    collector.start_again();
    account.assert_kept(&mut collector, 0);
}
