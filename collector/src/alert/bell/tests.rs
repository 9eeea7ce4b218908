//! The bell against a real store and a mail server of a few lines.

use std::sync::Mutex;

use error_sentinel_wire::{EventId, Level, PublicKey};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::settings::SmtpTls;
use crate::store::digests::{Changes, IssueChange, Lookup, NewAlarm, NewIssue, Target};
use crate::store::outbox::AlarmState;
use crate::store::sqlite::SqliteStore;
use crate::store::{Projects as _, Status};

/// What the server says to a recipient or to the data: the usual, unless a test sets it.
type Replies = Arc<Mutex<Vec<(&'static str, &'static str)>>>;

struct Server {
    port: u16,
    /// Recipient and text of each mail that was taken.
    taken: Arc<Mutex<Vec<(String, String)>>>,
    replies: Replies,
}

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(vec![]));
        let replies = Replies::default();
        let (taken_by, replies_of) = (taken.clone(), replies.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, taken_by.clone(), replies_of.clone()));
            }
        });
        Server { port, taken, replies }
    }

    fn smtp(&self) -> SmtpSettings {
        SmtpSettings {
            host: "127.0.0.1".into(),
            port: self.port,
            from: "bell@example.com".into(),
            to: vec!["ada@example.com".into(), "bob@example.com".into()],
            username: None,
            password: None,
            tls: SmtpTls::None,
        }
    }

    /// Waits until so many mails were taken; a test that hangs here fails by its own limit.
    async fn wait_for(&self, count: usize) -> Vec<(String, String)> {
        for _ in 0..1000 {
            let taken = self.taken.lock().unwrap().clone();
            if taken.len() >= count {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} of {count} mails came", self.taken.lock().unwrap().len());
    }
}

async fn serve(stream: tokio::net::TcpStream, taken: Arc<Mutex<Vec<(String, String)>>>, replies: Replies) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    let mut say = async |text: &str| write.write_all(format!("{text}\r\n").as_bytes()).await.is_ok();
    say("220 test").await;
    while let Ok(Some(line)) = lines.next_line().await {
        let set = replies.lock().unwrap().iter().find(|(start, _)| line.starts_with(start)).map(|r| r.1);
        if let Some(reply) = set {
            say(reply).await;
            continue;
        }
        if let Some(address) = line.strip_prefix("RCPT TO:<") {
            to = address.trim_end_matches('>').to_owned();
        }
        if line == "DATA" {
            say("354 go on").await;
            let mut text = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "." {
                    break;
                }
                text.push_str(&line);
                text.push('\n');
            }
            taken.lock().unwrap().push((to.clone(), text));
        }
        if !say("250 ok").await {
            return;
        }
    }
}

struct House {
    _folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    project: error_sentinel_wire::ProjectId,
}

impl House {
    fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
        let project = store.create_project("shop", PublicKey(7), clock::now()).unwrap().id;
        House { _folder: folder, store: Arc::new(store), project }
    }

    /// A new issue of this name that rings.
    fn ring(&self, name: &str, kind: AlarmKind) -> IssueId {
        let project_id = self.project;
        let issue = NewIssue {
            project_id,
            title: format!("Error: {name}"),
            kind: "Error".into(),
            value: name.into(),
            culprit: "pay".into(),
            platform: "rust".into(),
            fingerprint: name.into(),
        };
        let alarm = NewAlarm { kind, event_id: EventId(1), at: clock::now() };
        let change = IssueChange {
            target: Target::New(issue),
            groups: vec![],
            level: Level::Error,
            status: None,
            events: vec![],
            alarm: Some(alarm),
        };
        let mut change = Some(change);
        let recorded = self.store.record(&Lookup::default(), &mut |_| Changes {
            issues: change.take().into_iter().collect(),
            ..Changes::default()
        });
        recorded.unwrap().issues[0].1
    }

    fn bell(&self, smtp: Option<SmtpSettings>) -> Bell {
        let settings = Settings { smtp, ..Settings::default() };
        Bell::start(self.store.clone(), Arc::new(settings))
    }

    /// Claims, sends and settles by hand whatever is due at `now`.
    fn claim(&self, now: UnixMs) -> Option<ClaimedMail> {
        let settings = Settings::default().alert;
        self.store
            .plan_mails(now, budget::past_from(&settings, now), &mut |backlog| {
                budget::plan(backlog, &settings, now).mails
            })
            .unwrap();
        self.store.claim_mail(now, LEASE_MS).unwrap()
    }
}

fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_alarm_reaches_every_recipient_once_and_later_ones_answer_it() {
    let (server, house) = (Server::start().await, House::new());
    let bell = house.bell(Some(server.smtp()));
    house.ring("a", AlarmKind::New);
    bell.nudge();
    let taken = server.wait_for(2).await;
    let recipients: Vec<_> = taken.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(recipients, ["ada@example.com", "bob@example.com"]);
    assert!(header(&taken[0].1, "Subject").unwrap().starts_with("[shop] Error: a (new"));
    assert_ne!(header(&taken[0].1, "Message-ID"), header(&taken[1].1, "Message-ID"));
    assert_eq!(header(&taken[0].1, "In-Reply-To"), None);
    bell.stop().await;
    assert_eq!(house.store.waiting_count().unwrap(), 0);
    assert_eq!(server.taken.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_wait_for_a_mail_server_and_then_come_as_few_mails() {
    let (server, house) = (Server::start().await, House::new());
    let bell = house.bell(None);
    for number in 0..50 {
        house.ring(&number.to_string(), AlarmKind::New);
    }
    bell.nudge();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(house.store.waiting_count().unwrap(), 50);
    let smtp = SmtpSettings { to: vec!["ada@example.com".into()], ..server.smtp() };
    house.store.set_mail_settings(Some(&smtp)).unwrap();
    bell.nudge();
    server.wait_for(3).await;
    bell.stop().await;
    assert_eq!(house.store.waiting_count().unwrap(), 47);
    assert_eq!(house.store.mail_settings().unwrap(), Some(smtp));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_good_is_a_dead_letter_that_only_the_refused_get_again() {
    let (server, house) = (Server::start().await, House::new());
    server.replies.lock().unwrap().push(("RCPT TO:<bob", "550 no such user"));
    let bell = house.bell(Some(server.smtp()));
    house.ring("a", AlarmKind::New);
    bell.nudge();
    server.wait_for(1).await;
    let dead = loop {
        if let [dead] = &house.store.dead_letters(10).unwrap()[..] {
            break dead.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(dead.delivered_to, ["ada@example.com"]);
    assert!(dead.error.unwrap().contains("no such user"));
    server.replies.lock().unwrap().clear();
    assert!(house.store.resend(dead.id, clock::now()).unwrap());
    bell.nudge();
    let taken = server.wait_for(2).await;
    assert_eq!(taken[1].0, "bob@example.com");
    bell.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_now_and_a_wrong_login_are_tried_again() {
    let (server, house) = (Server::start().await, House::new());
    for reply in ["451 later", "550 go away"] {
        server.replies.lock().unwrap().clear();
        let step = if reply.starts_with('4') { "RCPT TO" } else { "MAIL FROM" };
        server.replies.lock().unwrap().push((step, reply));
        house.ring(reply, AlarmKind::New);
        let bell = house.bell(Some(server.smtp()));
        loop {
            let next = house.store.next_mail_at().unwrap();
            if next.is_some_and(|at| at.since(clock::now()) > 50_000) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bell.stop().await;
    }
    assert_eq!(house.store.waiting_count().unwrap(), 2);
    assert!(house.store.dead_letters(10).unwrap().is_empty());
}

#[tokio::test]
async fn errors_say_which_step_failed() {
    let server = Server::start().await;
    let smtp = server.smtp();
    let error = async |smtp: &SmtpSettings| {
        super::super::send_test(smtp, "ada@example.com", "http://x").await.unwrap_err()
    };
    server.replies.lock().unwrap().push(("MAIL FROM", "553 not yours"));
    assert!(matches!(error(&smtp).await, MailError::Sender { reply, .. } if reply.contains("553")));
    let starttls = SmtpSettings { tls: SmtpTls::StartTls, ..smtp.clone() };
    assert!(matches!(error(&starttls).await, MailError::NoStartTls { .. }));
    let unknown = SmtpSettings { host: "mail.invalid".into(), ..smtp.clone() };
    assert!(matches!(error(&unknown).await, MailError::Dns { .. }));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = SmtpSettings { port: closed, ..smtp.clone() };
    assert!(matches!(error(&refused).await, MailError::Connect { .. }));
    let tls = SmtpSettings { tls: SmtpTls::Tls, ..smtp.clone() };
    assert!(matches!(error(&tls).await, MailError::Tls { .. }), "{:?}", error(&tls).await);
    let login = SmtpSettings {
        username: Some("u".into()),
        password: Some(crate::settings::Secret("hunter2".into())),
        ..smtp
    };
    assert!(matches!(error(&login).await, MailError::Login { .. }));
}

#[test]
fn a_sender_that_died_is_followed_by_another_once_its_lease_is_over() {
    let house = House::new();
    house.ring("a", AlarmKind::New);
    let now = clock::now();
    let first = house.claim(now).unwrap();
    assert_eq!(house.claim(now.plus_ms(LEASE_MS - 1)), None);
    let second = house.claim(now.plus_ms(LEASE_MS)).unwrap();
    assert_eq!((first.id, first.planned_at), (second.id, second.planned_at));
}

#[test]
fn a_clock_that_was_set_back_neither_loses_nor_holds_up_a_mail() {
    let house = House::new();
    house.ring("a", AlarmKind::New);
    let now = clock::now();
    let mail = house.claim(now).unwrap();
    let hour_ago = now.plus_ms(-3_600_000);
    assert!(house.claim(hour_ago).is_some(), "a lease from the future counts for nothing");
    let retry = Outcome::Retry { at: now.plus_ms(60_000), error: "x".into() };
    house.store.settle_mail(mail.id, &Progress::default(), &retry, now).unwrap();
    assert_eq!(house.claim(now.plus_ms(30_000)), None);
    assert_eq!(house.claim(hour_ago).map(|again| again.attempt_count), Some(1));
}

#[test]
fn after_an_ignore_no_mail_of_the_issue_goes_out() {
    let house = House::new();
    let now = clock::now();
    let issue = house.ring("a", AlarmKind::New);
    house.store.set_status(issue, Status::Ignored, None, now, 0).unwrap();
    assert_eq!(house.claim(now), None);

    let issue = house.ring("b", AlarmKind::New);
    let mail = house.claim(clock::now()).unwrap();
    let waits = house.store.set_status(issue, Status::Ignored, None, clock::now(), 0);
    assert!(matches!(waits, Err(StoreError::Busy(_))));
    assert!(house.store.renew_mail(mail.id, &Progress::default(), now, LEASE_MS).unwrap().is_empty());
    let retry = Outcome::Retry { at: now, error: "x".into() };
    house.store.settle_mail(mail.id, &Progress::default(), &retry, now).unwrap();
    assert!(house.store.set_status(issue, Status::Ignored, None, clock::now(), 0).is_ok());
    assert_eq!(house.claim(now.plus_ms(100_000)), None);
    assert_eq!(house.store.waiting_count().unwrap(), 0);
}

#[test]
fn fatal_ones_are_claimed_first() {
    let house = House::new();
    house.ring("a", AlarmKind::New);
    let fatal = house.ring("b", AlarmKind::Critical);
    assert_eq!(house.claim(clock::now()).unwrap().alarms[0].issue_id, fatal);
}

#[test]
fn what_was_sent_long_ago_is_forgotten_and_dead_letters_are_not() {
    let house = House::new();
    let now = clock::now();
    for (name, outcome) in [("a", Outcome::Sent), ("b", Outcome::Dead { error: "x".into() })] {
        house.ring(name, AlarmKind::New);
        let mail = house.claim(clock::now()).unwrap();
        house.store.settle_mail(mail.id, &Progress::default(), &outcome, now).unwrap();
    }
    house.store.forget_alarms(clock::now().plus_ms(1000)).unwrap();
    let dead = house.store.dead_letters(10).unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].state, AlarmState::Dead);
    assert!(!house.store.resend(AlarmId(1), now).unwrap());
}

#[test]
fn a_partial_refusal_is_given_up_only_when_the_others_are_served() {
    let progress =
        Progress { delivered_to: vec!["a".into()], refused: vec![("b".into(), "no such user".into())] };
    let now = UnixMs(0);
    assert!(matches!(outcome(&progress, Some("later".into()), 1, now, 0), Outcome::Retry { .. }));
    assert_eq!(outcome(&progress, None, 1, now, 0), Outcome::Dead { error: "b: no such user".into() });
    assert!(matches!(
        outcome(&progress, Some("later".into()), backoff::ATTEMPTS, now, 0),
        Outcome::Dead { .. }
    ));
}
