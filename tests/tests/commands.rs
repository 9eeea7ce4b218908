//! The command line, as scripts use it.

use std::fs;
use std::time::Duration;

use error_sentinel_tests::{Collector, MailServer, Person, Setup, payload, store_file};
use error_sentinel_wire::Dsn;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_project_made_beside_the_running_server_takes_events_at_once() {
    let mut collector = Collector::start();
    collector.run(&["project", "create", "delivery"]).success();
    let listed = collector.run(&["project", "list"]).success().stdout;
    assert!(listed.contains("default") && listed.contains("delivery"), "{listed}");
    let printed = collector.run(&["dsn", "delivery"]).success().stdout;
    let dsn = Dsn::parse(&printed).unwrap_or_else(|e| panic!("{printed:?}: {e}"));
    assert_ne!(dsn.project_id, collector.dsn().project_id);
    assert_ne!(dsn.public_key, collector.dsn().public_key);

    let body = json!({"message": "the van broke down"}).to_string();
    let request = error_sentinel_tests::Request::post("/log-error", body)
        .header("X-Sentinel-Key", dsn.public_key.to_string());
    assert_eq!(collector.send(&request).status, 202);
    let issues = collector.api().await_issues(1, SOON);
    assert_eq!(issues[0].0["project_id"].to_string().trim_matches('"'), dsn.project_id.to_string());

    let again = collector.run(&["project", "create", "delivery"]).failure();
    assert!(again.stderr.contains("delivery"), "{again:?}");
    let unknown = collector.run(&["dsn", "delivry"]).failure();
    assert!(unknown.stdout.is_empty() && unknown.stderr.contains("delivry"), "{unknown:?}");
}

#[test]
fn the_list_of_issues_is_json_with_and_without_a_server() {
    let mut collector = Collector::start();
    collector.log_error(&json!({"message": "first"}));
    collector.api().await_issues(1, SOON);
    let titles = |collector: &Collector| {
        let printed = collector.run(&["issues", "list", "--json"]).success().stdout;
        let json: Value = serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}"));
        let issues = json["issues"].as_array().cloned().unwrap_or_else(|| panic!("{json:#}"));
        issues.iter().map(|issue| issue["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles(&collector), ["first"]);
    collector.terminate(SOON);
    assert_eq!(titles(&collector), ["first"]);
}

#[test]
fn an_unknown_setting_is_refused_with_a_suggestion() {
    let collector = Collector::start();
    let refused = collector.run(&["check", "--set", "rate_limt=off"]).failure();
    assert!(refused.stderr.contains("rate_limit"), "{refused:?}");
    let refused = error_sentinel_tests::finish(
        collector.command(&["serve", "--listen", "127.0.0.1:0"]).env("ERROR_SENTINEL_RATE_LIMT", "off"),
        SOON,
    );
    assert!(!refused.status.success() && refused.stderr.contains("ERROR_SENTINEL_RATE_LIMIT"), "{refused:?}");

    let config = tempfile::NamedTempFile::new().unwrap();
    fs::write(config.path(), "[smtp]\nhots = \"mail.example.com\"\n").unwrap();
    let path = config.path().to_str().unwrap();
    let refused = collector.run(&["check", "--config", path]).failure();
    assert!(refused.stderr.contains("host") && refused.stderr.contains(":2"), "{refused:?}");
}

#[test]
fn check_shows_what_is_in_force_and_never_a_secret() {
    let mut collector = Setup::default()
        .set("SMTP__HOST", "127.0.0.1")
        .set("SMTP__PORT", "9")
        .set("SMTP__FROM", "alarm@example.com")
        .set("SMTP__TO", "team@example.com")
        .set("SMTP__USERNAME", "alarm")
        .set("SMTP__PASSWORD", "correct horse battery")
        .start();
    let said = collector.run(&["check"]);
    let all = format!("{}{}", said.stdout, said.stderr);
    assert!(all.contains("alarm@example.com"), "{all}");
    assert!(!all.contains("correct horse"), "{all}");
    collector.terminate(SOON);
    assert!(!collector.log().contains("correct horse"), "{}", collector.log());
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let collector = Collector::start();
    let second = collector.run(&["serve", "--listen", "127.0.0.1:0"]).failure();
    let folder = collector.data_dir().display().to_string();
    assert!(second.stderr.contains(&folder) && second.stderr.contains("another"), "{second:?}");
    assert_eq!(collector.send(&error_sentinel_tests::Request::get("/healthz")).status, 200);
}

#[test]
fn a_busy_port_is_named() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let address = collector.address().to_string();
    let data_dir = folder.path().to_str().unwrap();
    let second = collector.run(&["serve", "--listen", &address, "--data-dir", data_dir]).failure();
    assert!(second.stderr.contains(&address), "{second:?}");
}

#[test]
fn a_backup_made_under_load_is_a_folder_that_serves() {
    let mut collector = Collector::start();
    for number in 0..20 {
        collector.log_error(&json!({"message": format!("before {}", ["a", "b", "c"][number % 3])}));
    }
    collector.api().await_total(20, SOON);
    let outer = tempfile::tempdir().unwrap();
    let copy = outer.path().join("backup");
    collector.run(&["backup", copy.to_str().unwrap()]).success();
    collector.log_error(&json!({"message": "after"}));
    collector.api().await_total(21, SOON);
    store_file::assert_intact(&copy);

    let restored = tempfile::tempdir().unwrap();
    let path = restored.path().to_str().unwrap().to_owned();
    collector.run(&["restore", copy.to_str().unwrap(), "--data-dir", &path]).success();
    let key = collector.key();
    let mut second = Setup::default().start_on(restored);
    assert_eq!(second.api().total_count(), 20);
    assert_eq!(second.key(), key);
    assert_eq!(collector.api().total_count(), 21);

    let in_the_way = collector.run(&["restore", copy.to_str().unwrap()]).failure();
    assert!(!in_the_way.stderr.is_empty());
}

#[test]
fn saved_files_are_sent_again_with_word_of_each() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a.json", &payload::event_json(1, 1, 1200));
    write("b.envelope", &payload::envelope(&payload::event_json(2, 1, 1200)));
    write("c.json", "this is no event");
    let dsn = collector.dsn().to_string();
    let files = folder.path().to_str().unwrap().to_owned();
    let said = collector.run(&["replay", &files, "--dsn", &dsn]);
    assert!(!said.status.success(), "one of three is refused: {said:?}");
    for name in ["a.json", "b.envelope", "c.json"] {
        assert!(said.stdout.contains(name), "{name}: {said:?}");
    }
    assert!(said.stdout.contains("2 of 3"), "{said:?}");
    collector.api().await_issues(2, SOON);
}

#[test]
fn a_user_added_on_the_command_line_can_sign_in() {
    let collector = Collector::start();
    let mut command = collector.command(&["user", "add", "ada@example.com", "--password-stdin"]);
    error_sentinel_tests::finish_with(&mut command, "a long sentence to remember\n", SOON).success();
    let mut person = Person::new(&collector);
    let login = person.open("/");
    let reply = person.sign_in(&login);
    assert_eq!((reply.status, person.path.as_str()), (200, "/"), "{}", reply.text());
}

#[test]
fn a_user_added_without_a_password_chooses_one_by_the_printed_link() {
    let collector = Collector::start();
    let link = collector.run(&["user", "add", "bob@example.com"]).success().stdout;
    let mut person = Person::new(&collector);
    let page = person.open(link.trim());
    assert!(page.text().contains("bob@example.com"), "{}", page.text());
    let reply = person.submit(&page, &[("password", "another long sentence")]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(person.open("/").text().contains("bob@example.com"));
    assert_eq!(Person::new(&collector).open(link.trim()).status, 404, "the link works once");
}

#[test]
fn a_removed_user_is_signed_out_and_stays_out() {
    let collector = Collector::start();
    for email in ["ada@example.com", "bob@example.com"] {
        let mut command = collector.command(&["user", "add", email, "--password-stdin"]);
        error_sentinel_tests::finish_with(&mut command, "a long sentence to remember\n", SOON).success();
    }
    let mut person = Person::new(&collector);
    let login = person.open("/");
    assert_eq!(person.sign_in(&login).status, 200);
    collector.run(&["user", "remove", "ada@example.com"]).success();
    assert!(person.open("/").text().contains("Sign in"));
    let last = collector.run(&["user", "remove", "bob@example.com"]);
    assert!(!last.status.success() && last.stderr.contains("only account"), "{}", last.stderr);
}

#[test]
fn a_revoked_token_admits_no_more() {
    let mut collector = Collector::start();
    let api = collector.api();
    assert!(api.issues().is_empty());
    let listed = collector.run(&["token", "list"]).success().stdout;
    let number = listed.split_whitespace().next().expect("it is listed").to_owned();
    collector.run(&["token", "revoke", &number]).success();
    assert_eq!(api.send(error_sentinel_tests::Request::get("/api/v1/issues")).status, 401);
}

#[test]
fn a_test_event_rings_and_a_test_mail_arrives() {
    let mut mail = MailServer::start();
    let mut collector = mail.settings().start();
    let event_id = collector.run(&["send-test"]).success().stdout;
    collector.api().event(event_id.trim(), SOON);
    assert_eq!(mail.await_mails(1, SOON)[0].recipients(), ["team@example.com"]);
    collector.run(&["send-test", "--email", "ada@example.com"]).success();
    assert_eq!(mail.await_mails(2, SOON)[1].recipients(), ["ada@example.com"]);
    mail.stop();
    let failed = collector.run(&["send-test", "--email", "ada@example.com"]).failure();
    assert!(failed.stderr.contains("127.0.0.1"), "says what could not be reached: {failed:?}");
}

#[test]
fn sigterm_drains_and_what_was_accepted_is_there_afterwards() {
    let mut collector = Collector::start();
    for number in 0..200 {
        collector.log_error(&json!({"message": format!("bug {}", ["a", "b"][number % 2])}));
    }
    let status = collector.terminate(SOON);
    assert!(status.success(), "{status:?}: {}", collector.log());
    assert!(collector.log().contains("left_in_queue=0"), "{}", collector.log());
    collector.start_again();
    collector.api().await_total(200, SOON);
}

#[test]
fn unknown_words_are_wrong_usage_and_help_has_examples() {
    let collector = Collector::start();
    let wrong = collector.run(&["sevre"]).failure();
    assert_eq!(wrong.status.code(), Some(2));
    let help = collector.run(&["--help"]).success().stdout;
    for word in
        ["serve", "check", "project", "dsn", "send-test", "token", "user", "replay", "backup", "restore"]
    {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}
