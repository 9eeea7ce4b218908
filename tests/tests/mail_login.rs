//! The way to a mail server that wants encryption and a login, as nearly every server on the internet does.

use std::time::Duration;

use error_sentinel_tests::{Certificate, Encryption, Login, MailServer, eventually};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);
const LOGIN: Login = Login("alarm", "correct horse battery staple");

#[track_caller]
fn assert_rings(encryption: Encryption) {
    let mail = MailServer::start_as(encryption, Certificate::for_this_machine(), Some(LOGIN));
    let collector = mail.settings().start();
    collector.log_error(&json!({"message": "the vault is open", "level": "fatal"}));
    let mails = mail.await_mails(1, SOON);
    assert!(mails[0].is_encrypted(), "{}", mails[0].raw());
    assert_eq!(mails[0].login(), Some(LOGIN.0));
    assert!(mails[0].subject().contains("the vault is open"), "{}", mails[0].subject());
}

#[test]
fn alarms_ring_through_starttls_and_a_login() {
    assert_rings(Encryption::StartTls);
}

#[test]
fn alarms_ring_through_tls_and_a_login() {
    assert_rings(Encryption::Tls);
}

#[test]
fn a_wrong_password_is_named_and_never_printed() {
    let mail = MailServer::start_as(Encryption::StartTls, Certificate::for_this_machine(), Some(LOGIN));
    let collector = mail.settings().set("SMTP__PASSWORD", "hunter2-is-wrong").start();
    collector.log_error(&json!({"message": "the vault is open", "level": "fatal"}));
    eventually("the log names the login", SOON, || {
        collector.log().contains("refuses the login").then_some(())
    });
    let check = collector.run(&["check"]);
    assert!(!check.status.success());
    let said = format!("{}{}{}", check.stdout, check.stderr, collector.log());
    assert!(said.contains("smtp.password"), "{said}");
    assert!(!said.contains("hunter2-is-wrong"), "{said}");
    assert!(mail.mails().is_empty());
}

#[test]
fn a_certificate_for_another_name_is_refused_before_the_password_is_sent() {
    for encryption in [Encryption::StartTls, Encryption::Tls] {
        let mail = MailServer::start_as(encryption, Certificate::for_another_machine(), Some(LOGIN));
        let collector = mail.settings().start();
        let test = collector.run(&["send-test", "--email", "team@example.com"]);
        assert!(!test.status.success(), "{encryption:?}");
        assert!(test.stderr.contains("certificate"), "{encryption:?}: {}", test.stderr);
        assert!(mail.mails().is_empty());
    }
}

#[test]
fn a_server_without_starttls_is_named_as_such() {
    let mail = MailServer::start();
    let collector = mail.settings().set("SMTP__TLS", "starttls").start();
    let test = collector.run(&["send-test", "--email", "team@example.com"]);
    assert!(!test.status.success());
    assert!(test.stderr.contains("no STARTTLS"), "{}", test.stderr);
}
