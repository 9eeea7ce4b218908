//! The bell: real mail through a real server, whatever the errors say and whatever becomes of the server.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use error_sentinel_tests::{Collector, Mail, MailServer, Person, Request, eventually, holds_for};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

/// Headers that a mail of ours may have; whatever else is there was smuggled in.
const OURS: [&str; 19] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "in-reply-to",
    "references",
    "precedence",
    "x-error-sentinel-project",
    "x-error-sentinel-issue",
    "x-auto-response-suppress",
    "importance",
];

fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

#[track_caller]
fn assert_well_formed(mail: &Mail) {
    assert_eq!(mail.defects(), &json!([]), "{}", mail.raw());
    for (name, _) in mail.headers() {
        assert!(OURS.contains(&name.to_ascii_lowercase().as_str()), "header {name} in\n{}", mail.raw());
    }
    for name in ["from", "to", "subject", "date", "message-id"] {
        assert_eq!(mail.header(name).len(), 1, "{name} in\n{}", mail.raw());
    }
    assert_eq!(mail.recipients(), ["team@example.com"]);
    assert!(!mail.text().is_empty() && !mail.html().is_empty(), "{}", mail.raw());
}

#[test]
fn a_new_critical_error_is_mailed_within_two_seconds() {
    let mail = MailServer::start();
    let collector = mail.settings().start();
    let body = json!({
        "message": "the payment provider refuses everything",
        "type": "ProviderDown",
        "level": "fatal",
        "release": "shop@3.2.1",
        "environment": "production",
        "stack": "Traceback (most recent call last):\n  File \"/srv/shop/charge.py\", line 7, in charge_card\n    x()\n",
    });
    collector.log_error(&body);
    let accepted_s = now_s();
    let mails = mail.await_mails(1, SOON);
    let took_s = mails[0].received_at_s() - accepted_s;
    println!("mailed {took_s:.2} s after the acknowledgement");
    assert!(took_s < 2.0, "{took_s} s");
    assert_well_formed(&mails[0]);
    for part in [mails[0].text(), mails[0].html()] {
        for what in ["ProviderDown", "refuses everything", "charge", "shop@3.2.1", "production", "/issues/"] {
            assert!(part.contains(what), "{what} is not in\n{part}");
        }
    }
    assert!(mails[0].subject().contains("ProviderDown"), "{}", mails[0].subject());
}

#[test]
fn hostile_titles_stay_in_the_subject_and_the_body() {
    let mail = MailServer::start();
    let mut collector = mail.settings().set("ALERT__BURST", "20").start();
    let long = "x".repeat(1000);
    let titles = [
        "one\r\nBcc: victim@example.com\r\n\r\nbody of another",
        "two\nX-Smuggled: yes",
        "three =?utf-8?q?=0d=0aBcc:_victim=40example.com?=",
        "four \u{202e}gnp.exe \u{0} <script>alert(1)</script> ümläut 🚨",
        &format!("five {long}"),
        "six\r\n.\r\nMAIL FROM:<x@example.com>",
    ];
    for (number, title) in titles.into_iter().enumerate() {
        collector
            .log_error(&json!({"message": title, "fingerprint": [number.to_string()], "level": "fatal"}));
    }
    let mails = mail.await_mails(titles.len(), Duration::from_secs(20));
    assert_eq!(mails.len(), titles.len());
    let mut words: HashSet<_> = ["one", "two", "three", "four", "five", "six"].into();
    for mail in &mails {
        assert_well_formed(mail);
        assert!(!mail.subject().contains(['\r', '\n']), "{:?}", mail.subject());
        assert!(mail.subject().chars().count() < 300, "{:?}", mail.subject());
        assert!(!mail.html().contains("<script"), "{}", mail.html());
        assert!(mail.raw().split("\r\n").all(|line| line.len() <= 998), "{}", mail.raw());
        words.retain(|word| !mail.subject().contains(word));
    }
    assert!(words.is_empty(), "not in any subject: {words:?}");
    assert_eq!(collector.api().issues().len(), titles.len());
}

#[test]
fn five_hundred_new_issues_are_a_handful_of_mails_that_name_them_all() {
    let mail = MailServer::start();
    let mut collector = mail.settings().start();
    let mut connection = collector.connect();
    let name = |number: usize| format!("Storm{number:03}Error");
    for number in 0..500 {
        let body = json!({"type": name(number), "message": "it pours", "fingerprint": [name(number)]});
        let request = Request::post("/log-error", body.to_string()).header("X-Sentinel-Key", collector.key());
        assert_eq!(connection.send(&request).unwrap().status, 202);
    }
    collector.api().await_issues(500, Duration::from_secs(30));
    let mails = eventually("every issue is named", Duration::from_secs(120), || {
        let mails = mail.mails();
        let text: String = mails.iter().map(Mail::text).collect();
        (0..500).all(|number| text.contains(&name(number))).then_some(mails)
    });
    println!("500 new issues: {} mails", mails.len());
    assert!(mails.len() <= 5, "{} mails", mails.len());
    mails.iter().for_each(assert_well_formed);
}

#[test]
fn an_ignored_issue_is_not_mailed_again() {
    let mail = MailServer::start();
    let mut collector = mail.settings().set("ALERT__COOLDOWN", "1s").start();
    let fatal = json!({"message": "the lamp is broken", "level": "fatal"});
    collector.log_error(&fatal);
    mail.await_mails(1, SOON);
    let api = collector.api();
    let issue = api.await_issues(1, SOON).remove(0);
    // That it does ring again without being ignored makes the silence below mean something.
    eventually("it rings again after its cooldown", Duration::from_secs(20), || {
        collector.log_error(&fatal);
        (mail.mails().len() >= 2).then_some(())
    });
    api.set_status(&issue.id(), "ignored");
    assert_eq!(api.issue(&issue.id()).text("status"), "ignored");
    let before = mail.mails().len();
    let mut sent = 0;
    holds_for("silence", Duration::from_secs(4), || {
        collector.log_error(&fatal);
        sent += 1;
        mail.mails().len() == before
    });
    // One mail may have been on its way when the issue was ignored; it would have come within those seconds.
    assert!(sent > 10, "events went on: {sent}");
    assert!(api.issue(&issue.id()).count() > 10);
}

#[test]
fn a_resolved_issue_that_comes_back_rings_again() {
    let mail = MailServer::start();
    let mut collector = mail.settings().set("ALERT__COOLDOWN", "0s").start();
    let error = json!({"message": "the pump stopped", "type": "PumpError"});
    collector.log_error(&error);
    mail.await_mails(1, SOON);
    let api = collector.api();
    let issue = api.await_issues(1, SOON).remove(0);
    api.set_status(&issue.id(), "resolved");
    collector.log_error(&error);
    let mails = mail.await_mails(2, SOON);
    assert_eq!(api.issue(&issue.id()).text("status"), "unresolved");
    assert_well_formed(&mails[1]);
    assert!(mails[1].subject().contains("PumpError"), "{}", mails[1].subject());
}

#[test]
fn mail_that_cannot_be_delivered_is_delivered_later() {
    let mut mail = MailServer::start();
    let settings = mail.settings();
    mail.stop();
    let mut collector = settings.start();
    collector.log_error(&json!({"message": "nobody hears me", "level": "fatal"}));
    collector.api().await_issues(1, SOON);
    // Waits through a restart as well.
    collector.terminate(SOON);
    mail.start_again();
    collector.start_again();
    let mails = mail.await_mails(1, Duration::from_secs(150));
    assert!(mails[0].subject().contains("nobody hears me"), "{}", mails[0].subject());
    holds_for("it is mailed once", Duration::from_secs(2), || mail.mails().len() == 1);
}

#[test]
fn without_a_mail_server_alarms_wait_and_the_pages_say_so() {
    let mut collector = Collector::start();
    collector.log_error(&json!({"message": "first", "level": "fatal"}));
    collector.log_error(&json!({"message": "second", "level": "fatal"}));
    collector.api().await_issues(2, SOON);
    let mut person = Person::signed_in(&collector);
    for page in ["/", "/issues/1", "/projects", "/start", "/settings"] {
        let html = person.open(page).text();
        let says = html.contains("No bell connected") && html.contains("2 alarms waiting");
        assert!(says, "{page}: {html}");
    }
    // Connected later, the alarms that waited ring.
    let mail = MailServer::start();
    let mut collector = mail.settings().start_on(collector.stop_and_keep());
    let mails = mail.await_mails(1, Duration::from_secs(90));
    let text: String = mails.iter().map(|mail| mail.subject() + mail.text()).collect();
    assert!(text.contains("first") || text.contains("second"), "{text}");
    assert_eq!(collector.api().issues().len(), 2);
}
