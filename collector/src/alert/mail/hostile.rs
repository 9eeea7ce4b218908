//! What strangers write must stay text: in headers, in HTML, in length.

use error_sentinel_wire::{EventId, Level, ProjectId, UnixMs};
use proptest::prelude::*;

use super::message::{Posting, message, message_id};
use super::{Mail, digest, issue};
use crate::store::event::{EventRow, Grouping, StoredEvent};
use crate::store::outbox::AlarmKind;
use crate::store::{Issue, IssueId, Status};

const HEADERS: [&str; 13] = [
    "Date",
    "To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "In-Reply-To",
    "References",
    "List-Id",
    "From",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

fn an_issue(text: &str) -> Issue {
    Issue {
        id: IssueId(42),
        project_id: ProjectId(1),
        title: text.into(),
        kind: text.into(),
        value: format!("{text}\n{text}"),
        culprit: text.into(),
        level: Level::Fatal,
        status: Status::Unresolved,
        regressed: false,
        ignored_until: None,
        count: 1234,
        stored_count: 3,
        users: 17,
        first_seen: UnixMs(1_800_000_000_000),
        last_seen: UnixMs(1_800_000_100_000),
        first_release: None,
        last_release: Some(text.into()),
        fingerprint: text.into(),
        platform: text.into(),
    }
}

fn an_event(text: &str) -> StoredEvent {
    let quoted = serde_json::to_string(text).unwrap();
    let payload = format!(
        r#"{{"exception":{{"values":[{{"type":{quoted},"stacktrace":{{"frames":[
            {{"function":{quoted},"filename":{quoted},"lineno":3,"in_app":true}}]}}}}]}}}}"#
    );
    StoredEvent {
        row: EventRow {
            sequence: 1,
            event_id: EventId(1),
            project_id: ProjectId(1),
            issue_id: IssueId(42),
            received_at: UnixMs(0),
            timestamp: None,
            skew_ms: None,
            occurrence_count: 1,
            level: Level::Fatal,
            release: Some(text.into()),
            environment: Some(text.into()),
            app: Some(text.into()),
            user: Some(text.into()),
            trace_id: None,
            has_payload: true,
        },
        payload: Some(payload.into_bytes()),
        grouping: Grouping::default(),
    }
}

fn mails(text: &str) -> [Mail; 2] {
    let (an_issue, event) = (an_issue(text), an_event(text));
    let public_url = "https://errors.example.com";
    let recipient = "ada@example.com";
    let one = issue::issue(&issue::Topic {
        project: text,
        issue: &an_issue,
        event: Some(&event),
        kind: AlarmKind::New,
        public_url,
        recipient,
    });
    let issues = [(an_issue.clone(), AlarmKind::New), (an_issue, AlarmKind::Critical)];
    let many = digest::digest(&digest::Topic { project: text, issues: &issues, public_url, recipient });
    [one.unwrap(), many.unwrap()]
}

/// The headers as a reader finds them, folded lines joined.
fn headers(mail: &Mail, project: &str) -> Vec<(String, String)> {
    let id = message_id("bell@example.com", 7, UnixMs(5), "ada@example.com");
    let posting = Posting {
        from: "Bell <bell@example.com>",
        to: "ada@example.com",
        date: UnixMs(1_800_000_000_000),
        message_id: &id,
        thread: Some("<1@example.com>"),
        project: Some((ProjectId(1), project)),
    };
    let bytes = message(mail, &posting).unwrap().formatted();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    assert!(head.is_ascii());
    assert!(head.split("\r\n").all(|line| !line.contains(['\r', '\n', '\0']) && line.len() <= 998));
    head.replace("\r\n ", " ")
        .replace("\r\n\t", " ")
        .split("\r\n")
        .map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned())).unwrap()
        })
        .collect()
}

/// Tags of the HTML, with their attributes' names; what a text could have added would show here.
fn elements(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|part| part.split(['>', ' ', '\n']).next().unwrap().to_owned()).collect()
}

fn check(text: &str) {
    let plain = mails("plain");
    for (mail, plain) in mails(text).iter().zip(&plain) {
        let headers = headers(mail, text);
        assert!(headers.iter().all(|(name, _)| HEADERS.contains(&name.as_str())), "{headers:?}");
        let mut names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), headers.len(), "a header twice: {headers:?}");
        assert!(!mail.subject.contains(['\r', '\n', '\0', '\u{202e}']));
        assert!(mail.subject.chars().count() <= 200);
        let known: Vec<String> = elements(&plain.html);
        let extra: Vec<_> = elements(&mail.html).into_iter().filter(|e| !known.contains(e)).collect();
        assert!(extra.is_empty(), "{extra:?}");
        assert!(mail.text.len() + mail.html.len() < 100_000);
    }
}

#[test]
fn hostile_titles_stay_titles() {
    for text in [
        "a\r\nBcc: all@example.com\r\n\r\nbody",
        "nul\0nul",
        "\u{202e}gnp.exe\u{2066}",
        &"x".repeat(1000),
        &"ü".repeat(1000),
        "=?utf-8?q?=0D=0ABcc:_x?=",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{ 7*7 }}",
        "",
        "\r\n",
        &"lines\n".repeat(10_000),
    ] {
        check(text);
    }
}

#[test]
fn text_that_only_looks_encoded_is_not_decoded() {
    let [mail, _] = mails("=?utf-8?q?hidden?=");
    let subject = headers(&mail, "p").into_iter().find(|(name, _)| name == "Subject").unwrap().1;
    assert!(!subject.contains("=?utf-8?q?hidden"), "{subject}");
}

#[test]
fn the_mail_says_what_where_and_how_often() {
    let mut issue = an_issue("x");
    issue.title = "TypeError: x is undefined".into();
    issue.kind = "TypeError".into();
    issue.value = "x is undefined".into();
    let mail = issue::issue(&issue::Topic {
        project: "shop",
        issue: &issue,
        event: Some(&an_event("1.4.2")),
        kind: AlarmKind::New,
        public_url: "https://errors.example.com",
        recipient: "ada@example.com",
    })
    .unwrap();
    assert_eq!(mail.subject, "[shop] TypeError: x is undefined (new, 1.4.2)");
    for part in [&mail.text, &mail.html] {
        for told in ["TypeError", "x is undefined", "1,234 times", "17", "1.4.2:3", "/issues/42", "fatal"] {
            assert!(part.contains(told), "{told} is missing in {part}");
        }
    }
    assert_eq!(mail.html.matches("href=").count(), 1);
    assert!(!mail.html.contains("<img"));
}

#[test]
fn ids_are_stable_and_differ_by_mail_and_recipient() {
    let id = |mail, to| message_id("Bell <bell@example.com>", mail, UnixMs(5), to);
    assert_eq!(id(1, "a@x.y"), id(1, "a@x.y"));
    assert_ne!(id(1, "a@x.y"), id(2, "a@x.y"));
    assert_ne!(id(1, "a@x.y"), id(1, "b@x.y"));
    assert!(id(1, "a@x.y").ends_with("@example.com>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_stays_text(text: String) {
        check(&text);
    }

    #[test]
    fn any_mixture_of_traps_stays_text(
        text in "(\r\n|\n|\r|\0|Bcc: a@b.c|=\\?utf-8\\?|\\?=|<script>|\"|>|\u{202e}|ü|x| |:){0,60}"
    ) {
        check(&text);
    }
}
