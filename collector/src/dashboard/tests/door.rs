//! Who gets in.

use axum::http::{Method, StatusCode, header};

use super::world::{EMAIL, PASSWORD, Person, World, form};
use crate::clock;
use crate::dashboard::link;
use crate::settings::Settings;
use crate::store::{Accounts, Issues, Projects, Status};
use serde_json::json;

/// Everything that is there to be read.
const READ: [&str; 11] = [
    "/",
    "/issues",
    "/issues/1",
    "/issues/1/events",
    "/issues/1/events/00000000000000000000000000000001",
    "/events/00000000000000000000000000000001.json",
    "/live",
    "/start",
    "/projects",
    "/settings",
    "/?query=a%20b&status=all",
];

/// Everything that changes something, with a form that it would take.
const CHANGE: [(&str, &[(&str, &str)]); 12] = [
    ("/issues/1/status", &[("status", "resolved")]),
    ("/projects", &[("name", "forged")]),
    ("/projects/1/keys", &[("label", "forged")]),
    ("/projects/1/keys/revoke", &[("public_key", "00000000000000000000000000000001")]),
    ("/projects/1/recipients", &[("recipients", "eve@example.com")]),
    ("/settings/mail", &[("host", "evil.example"), ("from", "e@example.com"), ("to", "e@example.com")]),
    (
        "/settings/password",
        &[
            ("old_password", PASSWORD),
            ("password", "another long one"),
            ("password_again", "another long one"),
        ],
    ),
    ("/settings/people", &[("email", "eve@example.com")]),
    ("/settings/people/remove", &[("email", "ada@example.com")]),
    ("/settings/tokens", &[("name", "forged")]),
    ("/settings/tokens/revoke", &[("id", "1")]),
    ("/logout", &[]),
];

/// What [`CHANGE`] would change.
fn state(world: &World) -> String {
    let store = &world.store;
    use crate::store::Outbox;
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.issue(crate::store::IssueId(1)).unwrap().map(|issue| issue.status),
        store.projects().unwrap(),
        store.project_keys(error_sentinel_wire::ProjectId(1)).unwrap(),
        store.recipients(error_sentinel_wire::ProjectId(1)).unwrap(),
        store.mail_settings().unwrap(),
        store.accounts().unwrap(),
        store.tokens().unwrap(),
    )
}

#[tokio::test]
async fn a_stranger_sees_and_changes_nothing() {
    let world = World::new();
    world.issue("secret of ours", &[json!({"message": "secret of ours"})]);
    world.add_account();
    world.store.add_token("token of ours", &[1; 32], clock::now()).unwrap();
    let before = state(&world);
    let stranger = world.stranger();
    for path in READ {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location().starts_with("/login?next=/"), "{path}: {}", answer.location());
        assert!(!answer.text.contains("of ours"), "{path}");
    }
    for (path, fields) in CHANGE {
        let answer = stranger.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!answer.text.contains("of ours"), "{path}");
    }
    assert_eq!(state(&world), before);
    let person = Person { cookie: Some("error_sentinel_session=guessed".into()), ..world.stranger() };
    assert_eq!(person.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing_for_whoever_is_signed_in() {
    let world = World::new();
    world.issue("issue", &[json!({"message": "x"})]);
    world.add_account();
    world.store.add_token("kept", &[1; 32], clock::now()).unwrap();
    let person = world.person();
    let before = state(&world);
    let forgeries: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8911")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[],
    ];
    let doors: [(&str, &[(&str, &str)]); 2] = [
        ("/login", &[("email", EMAIL), ("password", PASSWORD)]),
        ("/setup", &[("token", "x"), ("password", PASSWORD), ("password_again", PASSWORD)]),
    ];
    for (path, fields) in CHANGE.into_iter().chain(doors) {
        for headers in forgeries {
            let answer = person.send(form(path, fields, headers)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert_eq!(state(&world), before);
    assert_eq!(person.get("/").await.status, StatusCode::OK, "still signed in");

    // The list above would be worth nothing if our own pages were refused as well.
    let ours = form("/issues/1/status", &[("status", "resolved")], &[("origin", "http://127.0.0.1:8911")]);
    assert_eq!(person.send(ours).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.store.issue(crate::store::IssueId(1)).unwrap().unwrap().status, Status::Resolved);
}

#[tokio::test]
async fn the_setup_link_makes_one_account_and_signs_it_in() {
    let world = World::new();
    let link = link::for_setup(&*world.store, &world.public_url).unwrap();
    let path = link.strip_prefix(&world.public_url).unwrap();
    let token = path.split_once("token=").unwrap().1;
    let mut person = world.stranger();
    assert!(person.get(path).await.assert_ok().text.contains("name=\"password_again\""));

    for (password, again) in [("too short", "too short"), (PASSWORD, "something else entirely")] {
        let fields = [("token", token), ("email", EMAIL), ("password", password), ("password_again", again)];
        let answer = person.post("/setup", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(EMAIL), "what was typed is kept");
    }
    let fields = [("token", token), ("email", EMAIL), ("password", PASSWORD), ("password_again", PASSWORD)];
    let answer = person.post("/setup", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    person.keep_cookie(&answer);
    person.get("/").await.assert_ok();

    let second = world.stranger();
    assert_eq!(second.get(path).await.status, StatusCode::NOT_FOUND);
    let fields = [("token", token), ("email", "eve@example.com"), fields[2], fields[3]];
    assert_eq!(second.post("/setup", &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.store.accounts().unwrap().len(), 1);
    for wrong in ["/setup", "/setup?token=", "/setup?token=x"] {
        assert_eq!(second.get(wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn signing_in_takes_the_right_password_and_a_new_session() {
    let world = World::new();
    world.add_account();
    let mut person = world.stranger();
    for (email, password) in [(EMAIL, "not the password"), ("nobody@example.com", PASSWORD), ("", "")] {
        let answer = person.post("/login", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.header("set-cookie").is_none());
        assert!(!answer.text.contains(PASSWORD), "a page never repeats a password");
    }
    let fields = [("email", "ADA@example.com"), ("password", PASSWORD), ("next", "/issues/7")];
    let answer = person.post("/login", &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/issues/7"));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    person.keep_cookie(&answer);
    person.get("/").await.assert_ok();

    let planted = Person { cookie: person.cookie.clone(), ..world.stranger() };
    let answer = person.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    person.keep_cookie(&answer);
    person.get("/").await.assert_ok();
    assert_eq!(planted.get("/").await.status, StatusCode::SEE_OTHER, "the earlier session has ended");

    let answer = person.post("/logout", &[]).await;
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(person.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn wrong_passwords_are_held_back_where_they_come_from() {
    let world = World::new();
    world.add_account();
    let stranger = world.stranger();
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let fields = [("email", EMAIL), ("password", "a wrong guess")];
        statuses.push(stranger.post("/login", &fields).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let right = [("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(stranger.post("/login", &right).await.status, StatusCode::TOO_MANY_REQUESTS);
    let owner = Person { peer: ([198, 51, 100, 7], 80).into(), ..world.stranger() };
    assert_eq!(owner.post("/login", &right).await.status, StatusCode::SEE_OTHER, "the owner is elsewhere");
}

#[tokio::test]
async fn a_session_does_not_help_to_guess_its_password() {
    let world = World::new();
    world.add_account();
    let person = world.person();
    let fields = |old| {
        [("old_password", old), ("password", "another long one"), ("password_again", "another long one")]
    };
    for _ in 0..5 {
        let page = person.post("/settings/password", &fields("guessed")).await.assert_ok().text;
        assert!(page.contains("The old password is not right."), "{page}");
    }
    let page = person.post("/settings/password", &fields(PASSWORD)).await.assert_ok().text;
    assert!(page.contains("Too many tries."), "{page}");
    assert_eq!(
        world.stranger().post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await.status,
        429
    );
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let world = World::new();
    world.add_account();
    let (mut person, other) = (world.person(), world.person());
    let change = |old: &'static str| {
        [("old_password", old), ("password", "quite another one"), ("password_again", "quite another one")]
    };
    let refused = person.post("/settings/password", &change("not it")).await.assert_ok();
    assert!(refused.text.contains("The old password is not right."));
    other.get("/").await.assert_ok();

    let answer = person.post("/settings/password", &change(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    person.keep_cookie(&answer);
    person.get("/").await.assert_ok();
    assert_eq!(other.get("/").await.status, StatusCode::SEE_OTHER);
    let old = [("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(world.stranger().post("/login", &old).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn behind_a_prefix_over_https_the_cookie_is_shut_to_both() {
    let world = World::at("https://host.example/tools/sentinel", Settings::default());
    world.add_account();
    let answer = world.stranger().post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/tools/sentinel/");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; Path=/tools/sentinel/;") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(world.stranger().get("/").await.location(), "/tools/sentinel/login?next=/");
}

#[tokio::test]
async fn every_answer_is_hardened_whatever_it_says() {
    let world = World::new();
    world.issue("issue", &[json!({"message": "x"})]);
    let (person, stranger) = (world.person(), world.stranger());
    let mut answers = vec![
        stranger.get("/").await,
        stranger.get("/login").await,
        stranger.get("/setup?token=x").await,
        stranger.get("/static/sentinel.css").await,
        stranger.post("/projects", &[]).await,
        person.send(form("/projects", &[], &[])).await,
        person.post("/projects", &[("nonsense", "x")]).await,
        person.get("/no/such/page").await,
    ];
    for path in READ.into_iter().filter(|path| *path != "/live") {
        answers.push(person.get(path).await);
    }
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        let keeps = answer.header("cache-control").unwrap();
        assert!(keeps == "no-store" || answer.header("content-type") == Some("text/css"), "{keeps}");
    }
}

#[tokio::test]
async fn what_is_refused_is_a_page_with_a_way_back() {
    let world = World::at("https://host.example/tools", Settings::default());
    let person = world.person();
    let wrong_method = {
        let mut request = form("/settings", &[], &[("sec-fetch-site", "same-origin")]);
        *request.method_mut() = Method::DELETE;
        person.send(request).await
    };
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong_method.headers[header::ALLOW], "GET,HEAD");
    let refused = [
        wrong_method,
        person.get("/nothing").await,
        person.get("/issues/abc").await,
        person.get("/issues/99").await,
        person.get("/issues/1/events/zz").await,
        person.get("/events/zz.json").await,
        person.get("/?cursor=nonsense").await,
        person.get("/?status=nonsense").await,
        person.get("/?project=nonsense").await,
        person.get("/?project=1&project=2").await,
        person.post("/projects", &[("nonsense", "x")]).await,
        person.post("/projects/x/keys", &[]).await,
        person.post("/issues/99/status", &[("status", "resolved")]).await,
        person.post("/issues/1/status", &[("status", "gone")]).await,
    ];
    for answer in refused {
        assert!(answer.status.is_client_error(), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{answer:?}");
        assert!(answer.text.contains("<a href=\"/tools/\">"), "{answer:?}");
        assert!(answer.text.contains("href=\"/tools/static/sentinel.css?v="), "{answer:?}");
    }
}
