//! The Rust SDK over HTTPS, by its own TLS and verifier, to a collector behind a real proxy: what is trusted gets
//! everything, and what is not gets nothing.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use error_sentinel_tests::{
    Certificate, Conduct, Finished, Proxied, Tracker, finish, kept_events, without_settings,
};

const SOON: Duration = Duration::from_secs(20);
const RUN: Duration = Duration::from_secs(120);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const COUNT: u64 = 5;

/// Runs a program that reports a few errors to its end. It trusts whom this authority vouches for, else whom the
/// system trusts.
#[track_caller]
fn report(dsn: &str, authority: Option<&Path>, spool: Option<&Path>, close_ms: u64) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reporter"));
    without_settings(&mut command).args(["distinct", &COUNT.to_string()]);
    command.env("ERROR_SENTINEL_DSN", dsn).env("REPORTER_CLOSE_MS", close_ms.to_string());
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    if let Some(authority) = authority {
        command.env("SSL_CERT_FILE", authority);
    }
    if let Some(spool) = spool {
        command.env("ERROR_SENTINEL_SPOOL_DIR", spool);
    }
    finish(&mut command, RUN).success()
}

/// What the program said, without what differs between runs.
fn said(ended: &Finished) -> (Vec<&str>, &str) {
    (ended.stdout.lines().collect(), ended.stderr.as_str())
}

#[track_caller]
fn assert_trusted_gets_everything(mut proxied: Proxied) {
    let dsn = proxied.collector.dsn().to_string();
    assert!(dsn.starts_with("https://"), "{dsn}");
    let ended = report(&dsn, Some(&proxied.certificate.authority_path()), None, 60_000);
    assert!(ended.stdout.contains("closed true"), "{ended:?}");
    proxied.collector.api().await_total(COUNT, SOON);
}

#[test]
fn behind_nginx_a_certificate_of_a_trusted_authority_gets_everything() {
    assert_trusted_gets_everything(Proxied::by_nginx());
}

#[test]
fn behind_caddy_a_certificate_of_a_trusted_authority_gets_everything() {
    assert_trusted_gets_everything(Proxied::by_caddy());
}

/// A server without proof gets nothing: it is as if nobody were there.
#[track_caller]
fn assert_is_as_if_nobody_were_there(dsn: &str, authority: Option<&Path>) {
    let away = report(&Tracker::start(Conduct::Down).dsn(KEY), None, None, 1500);
    assert!(away.stdout.contains("closed false"), "{away:?}");
    let doubted = report(dsn, authority, None, 1500);
    assert_eq!(said(&doubted), said(&away));
}

#[test]
fn a_certificate_that_nobody_vouches_for_gets_nothing_and_all_waits_for_a_better_one() {
    let mut proxied = Proxied::by_nginx();
    let dsn = proxied.collector.dsn().to_string();
    assert_is_as_if_nobody_were_there(&dsn, None);
    // Another authority of the same name.
    assert_is_as_if_nobody_were_there(&dsn, Some(&Certificate::for_this_machine().authority_path()));

    let spool = tempfile::tempdir().expect("a folder");
    report(&dsn, None, Some(spool.path()), 300);
    assert_eq!(kept_events(spool.path()).len() as u64, COUNT);
    assert_eq!(proxied.collector.api().total_count(), 0);

    report(&dsn, Some(&proxied.certificate.authority_path()), Some(spool.path()), 60_000);
    // Those that waited, and those of this run; none was lost.
    proxied.collector.api().await_total(2 * COUNT, SOON);
    assert_eq!(kept_events(spool.path()), Vec::<String>::new());
}

#[test]
fn a_certificate_for_another_name_gets_nothing() {
    let mut proxied = Proxied::by_nginx_as(Certificate::for_another_machine());
    let authority = proxied.certificate.authority_path();
    assert_is_as_if_nobody_were_there(&proxied.collector.dsn().to_string(), Some(&authority));
    assert_eq!(proxied.collector.api().total_count(), 0);
}

#[test]
fn a_server_that_speaks_no_tls_gets_nothing_and_errors_wait_on_disk() {
    let tracker = Tracker::start(Conduct::Garbage);
    let dsn = tracker.dsn(KEY).replacen("http://", "https://", 1);
    assert_is_as_if_nobody_were_there(&dsn, None);
    let spool = tempfile::tempdir().expect("a folder");
    report(&dsn, None, Some(spool.path()), 300);
    assert_eq!(kept_events(spool.path()).len() as u64, COUNT);
    assert_eq!(tracker.stored_count(), 0);
}
