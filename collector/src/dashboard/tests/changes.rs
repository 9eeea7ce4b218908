//! What the pages change, and what they say about it.

use error_sentinel_wire::{ProjectId, PublicKey};
use futures_util::StreamExt;
use serde_json::json;

use super::world::{EMAIL, World};
use crate::clock;
use crate::dashboard::issue_page::change_status;
use crate::feed::Change;
use crate::secret;
use crate::settings::{Settings, SmtpSettings, SmtpTls};
use crate::store::outbox::{Backlog, Outcome, PlannedMail, Progress};
use crate::store::{Accounts, IssueId, Issues, Outbox, Projects, Status};

fn smtp(host: &str) -> SmtpSettings {
    SmtpSettings {
        host: host.into(),
        port: 25,
        from: "alarm@example.com".into(),
        to: vec!["team@example.com".into()],
        username: None,
        password: None,
        tls: SmtpTls::None,
    }
}

#[tokio::test]
async fn buttons_change_where_the_team_stands_and_open_pages_hear_of_it() {
    let world = World::new();
    let id = world.issue("issue", &[json!({"message": "x"})]);
    let person = world.person();
    let mut feed = world.feed.subscribe();
    let path = format!("/issues/{id}/status");
    let status = || world.store.issue(id).unwrap().unwrap();

    let answer = person.post(&path, &[("status", "resolved")]).await;
    assert_eq!(answer.location(), format!("/issues/{id}"));
    assert_eq!(status().status, Status::Resolved);
    assert_eq!(feed.try_recv().unwrap(), Change { project_id: ProjectId(1), issue_id: id });
    assert!(person.get("/").await.text.contains("Nothing here"));
    assert!(person.get("/?status=resolved").await.text.contains(&format!("/issues/{id}\"")));

    person.post(&path, &[("status", "ignored"), ("hours", "24")]).await;
    let until = status().ignored_until.unwrap().since(clock::now());
    assert!((23 * 3_600_000..=24 * 3_600_000).contains(&until), "{until}");
    assert!(person.get(&format!("/issues/{id}")).await.text.contains("ignored until"));
    person.post(&path, &[("status", "ignored"), ("hours", "")]).await;
    assert_eq!(status().ignored_until, None);
    person.post(&path, &[("status", "unresolved"), ("hours", "24")]).await;
    assert_eq!((status().status, status().ignored_until), (Status::Unresolved, None));

    for wrong in [[("status", "gone"), ("hours", "")], [("status", "ignored"), ("hours", "soon")]] {
        assert_eq!(person.post(&path, &wrong).await.status, 400);
    }
    assert_eq!(status().status, Status::Unresolved);
}

#[tokio::test]
async fn a_status_that_could_not_be_changed_is_not_said_to_be() {
    let world = World::new();
    let id = world.issue("issue", &[json!({"message": "x"})]);
    let person = world.person();
    let (held, is_held) = std::sync::mpsc::channel();
    let (free, is_free) = std::sync::mpsc::channel::<()>();
    let store = world.store.clone();
    let holder = std::thread::spawn(move || {
        let now = clock::now();
        store.plan_mails(now, now, &mut move |_| {
            held.send(()).unwrap();
            // Goes on when the other end is dropped.
            let _ = is_free.recv();
            Vec::new()
        })
    });
    is_held.recv().unwrap();
    let answer = person.post(&format!("/issues/{id}/status"), &[("status", "ignored")]).await;
    drop(free);
    holder.join().unwrap().unwrap();
    assert_eq!(answer.status, 503);
    assert!(!answer.text.contains("status is changed"), "{}", answer.text);
    assert_eq!(world.store.issue(id).unwrap().unwrap().status, Status::Unresolved);
}

#[tokio::test]
async fn a_mail_that_is_on_its_way_while_its_issue_is_ignored_is_told_of() {
    let world = World::new();
    let id = world.issue("issue", &[json!({"message": "x"})]);
    let now = clock::now();
    let all = &mut |backlog: &Backlog| {
        let alarms = backlog.waiting.iter().map(|alarm| alarm.id).collect();
        vec![PlannedMail { alarms, is_digest: false }]
    };
    world.store.plan_mails(now, now, all).unwrap();
    world.store.claim_mail(now, 60_000).unwrap().unwrap();
    let changed = change_status(&*world.store, id, Status::Ignored, None, now, 0).unwrap().unwrap();
    assert!(changed.may_still_mail);
    assert_eq!(world.store.issue(id).unwrap().unwrap().status, Status::Ignored);
    let changed = change_status(&*world.store, id, Status::Unresolved, None, now, 0).unwrap().unwrap();
    assert!(!changed.may_still_mail);
}

#[tokio::test]
async fn a_live_page_hears_of_changes_until_the_collector_stops() {
    let world = World::new();
    let response = world.person().open("/live").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(response.headers().get("content-encoding").is_none(), "a compressor would hold events back");
    let mut stream = response.into_body().into_data_stream();
    world.feed.publish(Change { project_id: ProjectId(1), issue_id: IssueId(42) });
    let heard = String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap();
    let data = heard.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data, json!({"issue": "42", "project": "1"}));
    world.feed.close();
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_page_that_fell_behind_is_told_to_look_anew() {
    let world = World::new();
    let response = world.person().open("/live").await;
    for number in 0..5000 {
        world.feed.publish(Change { project_id: ProjectId(1), issue_id: IssueId(number) });
    }
    let mut stream = response.into_body().into_data_stream();
    let told = stream.next().await.unwrap().unwrap();
    assert!(told.starts_with(b"event: behind"), "{told:?}");
}

#[tokio::test]
async fn without_a_mail_server_every_page_says_what_waits() {
    let world = World::new();
    let person = world.person();
    assert!(person.get("/").await.text.contains("No bell connected</strong>, 0 alarms waiting."));
    world.issue("one", &[json!({"message": "x"})]);
    assert!(person.get("/").await.text.contains("No bell connected</strong>, 1 alarm waiting."));
    world.issue("two", &[json!({"message": "x"})]);
    for page in ["/", "/issues/1", "/issues/1/events", "/projects", "/start", "/settings"] {
        let text = person.get(page).await.assert_ok().text;
        assert!(text.contains("No bell connected</strong>, 2 alarms waiting."), "{page}: {text}");
    }
    world.store.set_mail_settings(Some(&smtp("mail.example.com"))).unwrap();
    assert!(!person.get("/").await.text.contains("No bell connected"));
}

#[tokio::test]
async fn mail_set_by_the_machines_owner_cannot_be_changed_here() {
    let settings = Settings { smtp: Some(smtp("127.0.0.1")), ..Settings::default() };
    let world = World::at("http://127.0.0.1:8911", settings);
    let person = world.person();
    let page = person.get("/settings").await.text;
    assert!(page.contains("Set by the collector's file or environment: 127.0.0.1:25"), "{page}");
    assert!(!page.contains("No bell connected") && !page.contains("name=\"host\""));
    let fields =
        [("host", "evil.example"), ("from", "a@example.com"), ("to", "a@example.com"), ("action", "save")];
    person.post("/settings/mail", &fields).await.assert_ok();
    assert_eq!(world.store.mail_settings().unwrap(), None);
}

#[tokio::test]
async fn a_mail_server_is_tested_before_it_is_saved_and_nothing_typed_is_lost() {
    // A port that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let world = World::new();
    let person = world.person();
    let fields = |action: &'static str, to: &'static str| {
        [
            ("host", "127.0.0.1"),
            ("port", port.as_str()),
            ("tls", "none"),
            ("from", "alarm@example.com"),
            ("to", to),
            ("username", "alarm"),
            ("mail_password", "s3cret & co"),
            ("action", action),
        ]
    };
    let page = person.post("/settings/mail", &fields("test", "team@example.com")).await.assert_ok().text;
    assert!(
        page.contains("The test mail was not sent: the mail server 127.0.0.1 does not take connections"),
        "{page}"
    );
    assert_eq!(world.store.mail_settings().unwrap(), None, "a test saves nothing");
    for kept in [
        "value=\"127.0.0.1\"",
        "value=\"team@example.com\"",
        "value=\"s3cret &#38; co\"",
        "value=\"none\" selected",
    ] {
        assert!(page.contains(kept), "{kept} is lost:\n{page}");
    }
    let page = person.post("/settings/mail", &fields("save", "nobody")).await.assert_ok().text;
    assert!(
        page.contains("nobody is not a mail address.") && page.contains("value=\"s3cret &#38; co\""),
        "{page}"
    );

    let answer = person.post("/settings/mail", &fields("save", "a@example.com, b@example.com")).await;
    assert_eq!(answer.location(), "/settings?saved=mail");
    let saved = world.store.mail_settings().unwrap().unwrap();
    assert_eq!((saved.host.as_str(), saved.to.len(), saved.tls), ("127.0.0.1", 2, SmtpTls::None));
    assert_eq!(saved.password.map(|secret| secret.0).as_deref(), Some("s3cret & co"));
    let page = person.get("/settings?saved=mail").await.assert_ok().text;
    assert!(page.contains("The mail server is saved") && page.contains("placeholder=\"unchanged\""));
    assert!(!page.contains("s3cret"), "a stored password never comes back");
}

#[tokio::test]
async fn mails_that_were_given_up_are_shown_with_their_reason_and_sent_again() {
    let world = World::new();
    let id = world.issue("issue", &[json!({"message": "x"})]);
    let now = clock::now();
    let store = &world.store;
    store
        .plan_mails(now, now, &mut |backlog| {
            let alarms = backlog.waiting.iter().map(|alarm| alarm.id).collect();
            vec![PlannedMail { alarms, is_digest: false }]
        })
        .unwrap();
    let mail = store.claim_mail(now, 60_000).unwrap().unwrap();
    let outcome = Outcome::Dead { error: "550 <nobody> lives here".into() };
    store.settle_mail(mail.id, &Progress::default(), &outcome, now).unwrap();

    let person = world.person();
    assert!(person.get("/").await.text.contains("Mail could not be delivered</strong>: 1 alarm given up."));
    let page = person.get("/settings").await.assert_ok().text;
    assert!(page.contains("550 &#60;nobody&#62; lives here"), "{page}");
    assert!(page.contains(&format!("/issues/{id}\"")));
    let letter = mail.alarms[0].id.0.to_string();
    let answer = person.post("/settings/resend", &[("id", &letter)]).await;
    assert_eq!(answer.location(), "/settings?saved=resend");
    assert_eq!((store.dead_letters(9).unwrap().len(), store.waiting_count().unwrap()), (0, 1));
    assert!(!person.get("/").await.text.contains("could not be delivered"));
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let world = World::new();
    let person = world.person();
    let page = person.post("/settings/tokens", &[("name", "nightly")]).await.assert_ok().text;
    let at = page.find("est_").expect("the token is shown");
    let token = &page[at..at + 68];
    assert!(world.store.admits_token(&secret::hash(token)).unwrap());
    let later = person.get("/settings").await.text;
    assert!(later.contains("nightly") && !later.contains("est_"), "{later}");
    let id = world.store.tokens().unwrap()[0].id.0.to_string();
    person.post("/settings/tokens/revoke", &[("id", &id)]).await;
    assert!(!world.store.admits_token(&secret::hash(token)).unwrap());
}

#[tokio::test]
async fn somebody_invited_chooses_a_password_and_nothing_else() {
    let world = World::new();
    let person = world.person();
    let page = person.post("/settings/people", &[("email", "bob@example.com")]).await.assert_ok().text;
    let at = page.find("http://127.0.0.1:8911/setup?token=").expect("a link");
    let token = &page[at + "http://127.0.0.1:8911/setup?token=".len()..][..64];
    let stranger = world.stranger();
    let form = stranger.get(&format!("/setup?token={token}")).await.assert_ok().text;
    assert!(form.contains("bob@example.com"), "{form}");
    let password = "a sentence of bobs own";
    // The address of somebody else does not count.
    let fields = [("token", token), ("email", EMAIL), ("password", password), ("password_again", password)];
    assert_eq!(stranger.post("/setup", &fields).await.location(), "/");
    assert_eq!(world.store.find_account(EMAIL).unwrap().unwrap().password_hash, "no hash");
    assert!(world.store.find_account("bob@example.com").unwrap().is_some());
}

#[tokio::test]
async fn somebody_removed_is_out_and_the_last_one_stays() {
    let world = World::new();
    let person = world.person();
    world.store.set_password("bob@example.com", "no hash", clock::now()).unwrap();
    assert!(person.get("/settings").await.text.contains("bob@example.com"));
    person.post("/settings/people/remove", &[("email", "bob@example.com")]).await;
    assert!(world.store.find_account("bob@example.com").unwrap().is_none());
    let page = person.post("/settings/people/remove", &[("email", EMAIL)]).await.assert_ok().text;
    assert!(page.contains("only account"), "{page}");
    assert!(world.store.find_account(EMAIL).unwrap().is_some());
}

#[tokio::test]
async fn projects_get_keys_and_lose_them() {
    let world = World::new();
    let person = world.person();
    person.post("/projects", &[("name", "  Delivery app ")]).await;
    assert_eq!(person.post("/projects", &[("name", "Delivery app")]).await.status, 400, "taken");
    assert_eq!(person.post("/projects", &[("name", "  ")]).await.status, 400);
    let projects = world.store.projects().unwrap();
    assert_eq!(
        projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(),
        ["project 1", "Delivery app"]
    );
    let page = person.get("/projects").await.assert_ok().text;
    let key = world.store.project_keys(ProjectId(2)).unwrap()[0].public_key;
    assert!(page.contains(&format!("http://{key}@127.0.0.1:8911/2")), "{page}");

    person.post("/projects/1/keys", &[("label", "phones")]).await;
    let keys = world.store.project_keys(ProjectId(1)).unwrap();
    assert_eq!(keys.len(), 2);
    let old = PublicKey(1).to_string();
    assert_eq!(
        person.post("/projects/2/keys/revoke", &[("public_key", &old)]).await.status,
        400,
        "of another"
    );
    person.post("/projects/1/keys/revoke", &[("public_key", &old)]).await;
    assert!(world.store.find_key(PublicKey(1)).unwrap().is_none());
    assert!(person.get("/projects").await.text.contains("revoked"));

    let told = |recipients: &'static str| [("recipients", recipients)];
    person.post("/projects/1/recipients", &told("b@example.com; a@example.com\r\n")).await;
    assert_eq!(world.store.recipients(ProjectId(1)).unwrap(), ["a@example.com", "b@example.com"]);
    assert_eq!(person.post("/projects/1/recipients", &told("nobody")).await.status, 400);
    person.post("/projects/1/recipients", &told("")).await;
    assert!(world.store.recipients(ProjectId(1)).unwrap().is_empty());
}
