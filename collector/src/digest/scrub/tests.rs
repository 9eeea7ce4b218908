use error_sentinel_wire::codec::{decode_value, to_json};
use proptest::prelude::*;

use super::*;

fn scrubbed(json: &str) -> String {
    let mut value = decode_value(json.as_bytes()).unwrap();
    scrub(&mut value);
    to_json(&value)
}

fn text(text: &str) -> String {
    let mut text = text.to_owned();
    text::scrub(&mut text);
    text
}

#[test]
fn names_are_found_anywhere_and_keep_their_place() {
    for name in [
        "password",
        "PASSWORD",
        "db_password",
        "passwd",
        "pwd",
        "userPwd",
        "secret",
        "clientSecret",
        "token",
        "access_token",
        "apiKey",
        "api-key",
        "X-Api-Key",
        "private_key",
        "jwt",
        "bearer",
        "sso",
        "saml",
        "csrf",
        "X-XSRF-TOKEN",
        "credentials",
        "session",
        "session_id",
        "PHPSESSID",
        "sid",
        "connect.sid",
        "identity",
        "Authorization",
        "auth",
        "oauth",
        "Proxy-Authorization",
        "cvv",
        "mykey",
    ] {
        let json = format!(r#"{{"extra":{{"{name}":"hunter2"}}}}"#);
        assert_eq!(scrubbed(&json), json.replace("hunter2", FILTERED), "{name}");
    }
}

#[test]
fn innocent_names_keep_their_values() {
    for name in [
        "author",
        "authors",
        "keyboard",
        "keyword",
        "monkey",
        "inside",
        "sidebar",
        "resident",
        "primary_key",
        "president",
        "hotkey",
        "message",
        "name",
        "lesson",
        "KeyError",
        "ctrlKey",
        "keyCode",
        "max_tokens",
    ] {
        let json = format!(r#"{{"extra":{{"{name}":"visible"}}}}"#);
        assert_eq!(scrubbed(&json), json, "{name}");
    }
}

#[test]
fn every_field_of_an_event_is_looked_at() {
    let canary = "canary-4f81x9";
    for json in [
        r#"{"request":{"headers":{"Authorization":"CANARY"}}}"#,
        r#"{"request":{"headers":[["X-Api-Key","CANARY"]]}}"#,
        r#"{"request":{"headers":{"Cookie":["a=CANARY"]}}}"#,
        r#"{"request":{"cookies":"theme=CANARY; b=CANARY"}}"#,
        r#"{"request":{"cookies":{"theme":"CANARY"}}}"#,
        r#"{"request":{"cookies":[["theme","CANARY"]]}}"#,
        r#"{"request":{"query_string":"a=1&token=CANARY"}}"#,
        r#"{"request":{"query_string":[["token","CANARY"]]}}"#,
        r#"{"request":{"url":"https://u:CANARY@a.example/?api_key=CANARY&b=1"}}"#,
        r#"{"request":{"data":"user=bob&password=CANARY"}}"#,
        r#"{"request":{"data":"{\"user\":\"bob\",\"password\":\"CANARY\"}"}}"#,
        r#"{"request":{"data":{"user":{"password":"CANARY","pins":{"secret":["CANARY"]}}}}}"#,
        r#"{"request":{"env":{"DB_PASSWORD":"CANARY"}}}"#,
        r#"{"exception":{"values":[{"type":"E","value":"login with password=CANARY failed"}]}}"#,
        r#"{"exception":{"values":[{"stacktrace":{"frames":[{"vars":{"password":"'CANARY'"}}]}}]}}"#,
        r#"{"exception":{"values":[{"stacktrace":{"frames":[{"vars":{"cfg":"{'api_key': 'CANARY'}"}}]}}]}}"#,
        r#"{"threads":[{"stacktrace":{"frames":[{"vars":{"token":7,"x":{"auth":"CANARY"}}}]}}]}"#,
        r#"{"breadcrumbs":[{"message":"GET /?sid=CANARY","data":{"session":"CANARY"}}]}"#,
        r#"{"message":"Authorization: Bearer CANARY"}"#,
        r#"{"logentry":{"formatted":"secret: \"CANARY\"","params":["password=CANARY"]}}"#,
        r#"{"tags":{"auth_token":"CANARY"}}"#,
        r#"{"tags":[["auth_token","CANARY"]]}"#,
        r#"{"tags":[{"key":"password","value":"CANARY"}]}"#,
        r#"{"user":{"id":"1","data":{"ssn":"CANARY"},"token":"CANARY"}}"#,
        r#"{"contexts":{"app":{"api_secret":"CANARY"}}}"#,
        r#"{"transaction":"/reset?token=CANARY"}"#,
        r#"{"extra":{"argv":["--password=CANARY","--api-token CANARY"]}}"#,
        r#"{"extra":{"argv":["--password","CANARY"]}}"#,
        r#"{"extra":{"xml":"<login><password>CANARY</password></login>"}}"#,
        r#"{"extra":{"form":"--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nCANARY\r\n--b"}}"#,
        r#"{"extra":{"rust":"Config { password: \"CANARY\", port: 1 }"}}"#,
        r#"{"extra":{"nested":"{\"a\":\"{\\\"password\\\":\\\"CANARY\\\"}\"}"}}"#,
        r#"{"extra":{"pairs":"[[\"password\", \"CANARY\"]]"}}"#,
        r#"{"unknown_field":{"password":"CANARY"}}"#,
        r#"{"sentry.interfaces.Http":{"headers":{"Cookie":"a=CANARY"}}}"#,
        r#"{"fingerprint":["password=CANARY"]}"#,
    ] {
        let after = scrubbed(&json.replace("CANARY", canary));
        assert!(!after.contains(canary), "{after}");
        assert!(after.contains("[Filtered"), "{after}");
    }
}

#[test]
fn values_are_known_by_their_shape() {
    for secret in [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "xoxb-17653672481-19874698323",
        "Bearer 9f8e7d6c5b4a",
        "Basic dXNlcjpwYXNz=",
    ] {
        let after = text(&format!("before {secret} after 2026"));
        assert!(!after.contains(&secret[7..]), "{after}");
        assert!(after.starts_with("before ") && after.ends_with(" after 2026"), "{after}");
    }
    let pem = "x -----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nMIIE-abc\n-----END RSA PRIVATE KEY----- y";
    assert_eq!(text(pem), "x [Filtered] y");
    assert_eq!(text("-----BEGIN PRIVATE KEY-----\nMIIEcut"), FILTERED);
    assert_eq!(text("postgres://bob:hunter2@db/x"), "postgres://[Filtered]@db/x");
    assert_eq!(scrubbed(r#"{"extra":{"n":4111111111111111}}"#), r#"{"extra":{"n":"[Filtered]"}}"#);
    assert_eq!(text("card 4111-1111-1111-1111 2026"), "card [Filtered] 2026");
}

#[test]
fn every_make_of_token_is_told_by_its_own_beginning() {
    let long = "0123456789abcdefABCDEF0123456789abcdefABCDEF";
    for head in [
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "sk_live_",
        "sk_test_",
        "rk_live_",
        "rk_test_",
        "pk_live_",
        "pk_test_",
        "sk-",
        "whsec_",
        "AIza",
        "npm_",
        "pypi-",
    ] {
        let after = text(&format!("{head}{long}"));
        assert!(after.starts_with(FILTERED) && !after.contains(&long[..20]), "{after}");
    }
    for head in ["AKIA", "ASIA", "AROA", "AIDA"] {
        assert_eq!(text(&format!("{head}IOSFODNN7EXAMPLE")), FILTERED, "{head}");
    }
    assert_eq!(text(&format!("SG.{long}.{long}")), FILTERED);
}

#[test]
fn a_scheme_of_many_meanings_counts_beside_what_is_marked() {
    assert_eq!(text("digest 0123456789abcdef"), "digest 0123456789abcdef");
    assert_eq!(text("auth: digest 0123456789abcdef"), "auth: digest [Filtered]");
    assert_eq!(text("auth: Basic\tdXNlcjpwYXNz="), "auth: Basic [Filtered]");
}

#[test]
fn prose_and_code_stay_as_they_are() {
    for clean in [
        "Unexpected token: < in JSON at position 0",
        "KeyError: 'user_id'",
        "AuthError: invalid",
        "Cannot read properties of undefined (reading 'token')",
        "the basic authentication scheme",
        "order 1234567890123 shipped at 2026-11-21T07:00:00Z",
        "https://a.example/@scope/pkg?page=2",
        "4111111111111112",
        "token_count=7",
        "duplicate entry '5' for key 'PRIMARY'",
        "at Session.run (/srv/app/session.js:12:7)",
        "id 1732172400000123456",
        r#"SELECT "auth_user"."password", "auth_user"."last_login" FROM "auth_user""#,
        "the master key android-keystore://_master_key_ is unusable",
        "could not open /x/akey-883.db: no such file",
        "could not open /x/akey-883.db: /x/akey-884.db is open",
        "/etc/ssl/private_key.pem: permission denied",
        "token_store.rs:12: assertion failed",
        "session-list.tsx:8811223: render failed",
        "the basket of big-turkey-12: empty",
        "donkey-work: unfinished2",
        "dry-basid-4: refused-17",
    ] {
        assert_eq!(text(clean), clean);
    }
    let event = r#"{"platform":"rust","modules":{"authlib":"1.2"},"exception":{"values":[{"type":"TokenError","module":"auth","stacktrace":{"frames":[{"function":"auth::token","lineno":4111111111111111}]}}]}}"#;
    assert_eq!(scrubbed(event), event);
}

#[test]
fn a_name_before_a_colon_counts_word_by_word() {
    for named in [
        "api_key: CANARY",
        "X-Api-Key: CANARY",
        "clientSecret: CANARY",
        "accessToken: CANARY",
        "db.password: CANARY",
        "db_credentials: CANARY",
        "auth: CANARY-4711",
        "sessionid: CANARY-4711",
        "key: CANARY-4711",
        "config.session.key: CANARY-4711",
        "config.yml: password: CANARY",
    ] {
        let after = text(&format!("failed with {named}, gave up"));
        assert!(!after.contains("CANARY") && after.contains("gave up"), "{after}");
    }
}

#[test]
fn truth_and_emptiness_stay() {
    let json = r#"{"extra":{"password":null,"token":true,"secret":""}}"#;
    assert_eq!(scrubbed(json), json);
    assert_eq!(scrubbed(r#"{"extra":{"password":1234}}"#), r#"{"extra":{"password":"[Filtered]"}}"#);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        "(\\PC{0,20}|[a-z]{1,6}=[a-z\"']{0,9}|[0-9 -]{0,30})".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(
                ("(password|key|name|value|exception|request|cookies|[a-z]{1,5})", inner),
                0..4
            )
            .prop_map(|pairs| Value::Object(Object(pairs))),
        ]
    })
}

proptest! {
    #[test]
    fn anything_is_scrubbed_without_panic_and_once_is_enough(value in any_value()) {
        let mut once = value;
        scrub(&mut once);
        let mut twice = once.clone();
        scrub(&mut twice);
        prop_assert_eq!(to_json(&once), to_json(&twice));
    }

    #[test]
    fn what_is_called_password_never_stays(secret in "[a-zA-Z0-9]{8,30}", prefix in "[a-z_]{0,8}") {
        let json = format!(r#"{{"contexts":{{"x":[{{"{prefix}password":["{secret}"]}}]}}}}"#);
        prop_assert!(!scrubbed(&json).contains(&secret));
        let message = text(&format!("login {prefix}password={secret} failed"));
        prop_assert!(!message.contains(&secret), "{}", message);
    }
}
