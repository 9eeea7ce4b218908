use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use error_sentinel_wire::{Breadcrumb, Exception, Frame, Mechanism, Message, User};
use proptest::prelude::*;

use super::*;

fn scrubbed(text: &str) -> String {
    let mut text = text.to_owned();
    text::scrub(&mut text);
    text
}

#[test]
fn secrets_are_taken_out_of_texts() {
    for (text, expected) in [
        ("password=hunter2&page=3", "password=[Filtered]&page=3"),
        (
            "login failed: {\"password\": \"hun\\\"ter2\", \"page\": 3}",
            "login failed: {\"password\": \"[Filtered]\", \"page\": 3}",
        ),
        (
            "{\\\"api_key\\\":\\\"x1\\\",\\\"page\\\":3}",
            "{\\\"api_key\\\":\\\"[Filtered]\\\",\\\"page\\\":3}",
        ),
        ("{'sessionToken' => 'abc'}", "{'sessionToken' => '[Filtered]'}"),
        ("user%5Bpassword%5D=hunter2", "user%5Bpassword%5D=[Filtered]"),
        ("my_secret: ü1234", "my_secret: [Filtered]"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer [Filtered]"),
        ("sent Bearer 0123456789abcdef to it", "sent Bearer [Filtered] to it"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [Filtered]\nHost: x"),
        ("run --password hunter2 --verbose", "run --password [Filtered] --verbose"),
        ("run --api-key=hunter2", "run --api-key=[Filtered]"),
        ("postgres://ada:hunter2@db/shop", "postgres://ada:[Filtered]@db/shop"),
        ("https://ghp-token@github.example/x", "https://[Filtered]@github.example/x"),
        ("card 4111 1111 1111 1111, cvv 123", "card [Filtered], cvv 123"),
        ("card 4111-1111-1111-1111.", "card [Filtered]."),
        ("id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-1 end", "id [Filtered] end"),
        ("key AKIAIOSFODNN7EXAMPLE", "key [Filtered]"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[Filtered]"),
        ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [Filtered] b"),
        ("a -----BEGIN PRIVATE KEY-----\nMIIE", "a [Filtered]"),
    ] {
        assert_eq!(scrubbed(text), expected);
        assert_eq!(scrubbed(expected), expected, "what was scrubbed stays");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "Unexpected token: <",
        "no such key: cart",
        "max_tokens=4096, token_count: 12345678",
        "primary_key=77, keyboard=de, inside=1, author=Ada, monkey=1",
        "at http://127.0.0.1:8911/api/1/envelope/?page=2",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736, order 4111111111111112, at 1732612345678",
        "mail to ada@example.com: the basic plan",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "the session ended; the secret of success is patience",
        "Bearer =[Filtered]",
        "0.4111111111111111 of x4111111111111111",
        "",
    ] {
        assert_eq!(scrubbed(text), text);
    }
}

#[test]
fn names_are_judged_word_by_word() {
    for name in [
        "password",
        "DB_PASSWORD",
        "userPwd",
        "X-Api-Key",
        "sessionId",
        "PHPSESSID",
        "connect.sid",
        "csrf",
        "clientSecret",
        "AUTH_HEADER",
        "jwt",
        "privateKey",
        "accesstoken",
        "user[password]",
        "Authorization",
        "saml",
        "identity",
        "credentials",
        "sso-ticket",
        "bearer",
        "key",
    ] {
        assert!(names::is_secret(name), "{name}");
    }
    for name in [
        "author",
        "keyboard",
        "inside",
        "consider",
        "tokenizer",
        "max_tokens",
        "primary_key",
        "session_count",
        "lesson",
        "message",
        "passenger",
        "compass",
        "monkey",
        "path",
        "error_code",
        "keyframes",
        "",
    ] {
        assert!(!names::is_secret(name), "{name}");
    }
}

/// Where secrets can be in an event, each with a canary of its own.
fn planted() -> Event {
    let secret = |number: usize| format!("password=canary{number}");
    let held = |number: usize| {
        let inner = Object(vec![("api_key".into(), Value::from(format!("canary{number}")))]);
        Object(vec![
            ("deep".into(), Value::Array(vec![Value::Object(inner)])),
            ("text".into(), Value::from(secret(number))),
            ("pair".into(), Value::from(vec!["x-auth-token".to_owned(), format!("canary{number}")])),
        ])
    };
    let frame = |number: usize| Frame {
        vars: held(number),
        context_line: Some(format!("let password = \"canary{number}\";")),
        pre_context: vec![secret(number)],
        ..Frame::default()
    };
    let stack = |number: usize| Stacktrace { frames: vec![frame(number)], ..Stacktrace::default() };
    Event {
        message: Some(Message {
            formatted: Some(secret(1)),
            template: Some(secret(2)),
            params: Value::from(vec![secret(3)]),
        }),
        exceptions: vec![Exception {
            value: Some(secret(4)),
            mechanism: Some(Mechanism { data: held(5), meta: held(6), ..Mechanism::default() }),
            stacktrace: Some(stack(7)),
            ..Exception::default()
        }],
        stacktrace: Some(stack(8)),
        breadcrumbs: vec![Breadcrumb { message: Some(secret(9)), data: held(10), ..Breadcrumb::default() }],
        user: Some(User { id: Some("ada".into()), data: held(11), ..User::default() }),
        request: Some(Request {
            url: Some("https://ada:canary12@example.com/".into()),
            query_string: Some("token=canary13".into()),
            cookies: Some("a=canary14; canary15".into()),
            headers: vec![
                ("Authorization".into(), "canary16".into()),
                ("Cookie".into(), "a=canary17".into()),
                ("X-Forwarded-For".into(), "canary18".into()),
            ],
            data: Value::Object(held(19)),
            env: Object(vec![("REMOTE_ADDR".into(), Value::from("canary20"))]),
            ..Request::default()
        }),
        contexts: held(21),
        tags: vec![("session".into(), "canary22".into()), ("text".into(), secret(23))],
        extra: held(24),
        fingerprint: vec![secret(25)],
        transaction: Some(secret(26)),
        ..Event::default()
    }
}

#[test]
fn no_planted_secret_leaves_in_any_field() {
    let mut event = planted();
    scrub(&mut event, false);
    let json = String::from_utf8(event.to_json()).unwrap();
    assert!(!json.contains("canary"), "{json}");
    assert!(json.contains("ada") && json.contains("api_key"), "names stay: {json}");
    let once = event.clone();
    scrub(&mut event, false);
    assert_eq!(once, event);
}

#[test]
fn who_asks_for_personal_data_gets_it_and_no_secrets() {
    let mut event = planted();
    scrub(&mut event, true);
    let json = String::from_utf8(event.to_json()).unwrap();
    let left: Vec<_> = json.match_indices("canary").map(|(at, _)| &json[at..at + 8]).collect();
    assert_eq!(left, ["canary14", "canary17", "canary18", "canary20"]);
}

#[test]
fn cards_are_taken_out_of_numbers_too() {
    let mut extra =
        Object(vec![("a".into(), Value::Int(4_111_111_111_111_111)), ("b".into(), Value::Int(4))]);
    scrub_object(&mut extra);
    assert_eq!(extra.0[0].1, Value::from(FILTERED));
    assert_eq!(extra.0[1].1, Value::Int(4));
}

proptest! {
    #[test]
    fn any_text_is_scrubbed_once_and_for_all(text in "([a-z0-9 =:\"'\\\\/@ü.-]|password|Bearer |://){0,40}") {
        let once = scrubbed(&text);
        prop_assert_eq!(scrubbed(&once), once.clone());
    }

    #[test]
    fn a_secret_among_any_words_is_found(before in "[ -~ü]{0,20}", secret in "[a-zA-Z0-9]{1,30}") {
        let text = format!("{before} \n password={secret} ");
        let is_open = before.matches(['"', '\'']).count() == 0 && secret.len() > 3 && !before.contains(&secret);
        let told = matches!(secret.as_str(), "null" | "true" | "false" | "None");
        prop_assert!(!is_open || told || !scrubbed(&text).contains(&secret), "{}", scrubbed(&text).to_string());
    }
}
