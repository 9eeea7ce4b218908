//! What an alert holds when it leaves: seen by a test transport, as an application's own tests would.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use error_sentinel::{
    Crumb, Event, InScope, Level, Options, Scope, TestTransport, Trace, Transport, TransportError, User,
};
use error_sentinel_wire::reply::Reply;
use error_sentinel_wire::{Dsn, Exception, Frame, Stacktrace};

const DSN: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";

/// The SDK is one for the whole process.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a program reports.
fn reported(options: Options, program: impl FnOnce()) -> Vec<Event> {
    let _one = one_at_a_time();
    let transport = TestTransport::new();
    let guard = error_sentinel::init(options.transport(transport.clone()));
    program();
    drop(guard);
    transport.events()
}

fn options() -> Options {
    // On a machine that is busy, names are found late.
    Options::new(DSN).farewell(Duration::from_secs(60))
}

fn steps(event: &Event) -> Vec<&str> {
    event.breadcrumbs.iter().filter_map(|crumb| crumb.message.as_deref()).collect()
}

#[test]
fn secrets_do_not_leave_unless_somebody_looked_away() {
    let add = |mut event: Event| {
        event.extra.set("api_key", "canary");
        Some(event)
    };
    let events = reported(options().before_send(add), || {
        error_sentinel::set_tag("session", "canary");
        error_sentinel::add_breadcrumb("login with password=canary");
        error_sentinel::send_alert_with("cannot open postgres://ada:canary@db", |alert| {
            alert.extra("text", "token=canary");
        });
    });
    let json = String::from_utf8(events[0].to_json()).unwrap();
    assert!(!json.contains("canary") && json.contains("[Filtered]"), "{json}");
}

#[test]
fn a_share_of_the_alerts_is_reported_and_the_rest_is_counted() {
    const COUNT: u64 = 1000;
    for rate in [0.0, 0.25, 1.0] {
        let transport = TestTransport::new();
        let (events, lost) = {
            let _one = one_at_a_time();
            let guard = error_sentinel::init(options().sample_rate(rate).transport(transport.clone()));
            (0..COUNT).for_each(|number| _ = error_sentinel::send_alert(format!("number {number}")));
            drop(guard);
            (transport.events(), transport.lost())
        };
        // One place in a loop is a storm: most of them are counted.
        let reported: u64 = events.iter().map(Event::occurrence_count).sum();
        assert!(lost.iter().all(|lost| lost.reason == "sample_rate"), "{rate}: {lost:?}");
        let left_out: u64 = lost.iter().map(|lost| lost.quantity).sum();
        assert_eq!(reported + left_out, COUNT, "{rate}: {lost:?}");
        // Sixteen standard deviations of a quarter.
        let expected = rate * COUNT as f64;
        assert!((reported as f64 - expected).abs() < 220.0, "{rate}: {reported}");
        assert!(rate > 0.0 || reported == 0);
    }
}

/// An event as another language makes it: a type, what it says, and where.
fn made_elsewhere(value: &str, line: u64) -> Event {
    let frame = Frame { function: Some("pay".into()), lineno: Some(line), ..Frame::default() };
    let stacktrace = Some(Stacktrace { frames: vec![frame], ..Stacktrace::default() });
    let (kind, value) = (Some("Refused".to_owned()), Some(value.to_owned()));
    Event {
        exceptions: vec![Exception { kind, value, stacktrace, ..Exception::default() }],
        ..Event::default()
    }
}

#[test]
fn a_crash_is_reported_whatever_the_sample_rate_says() {
    let events = reported(options().sample_rate(0.0), || {
        error_sentinel::send_alert(made_elsewhere("is left out", 1));
        error_sentinel::send_crash(made_elsewhere("ends the program", 2));
    });
    let said: Vec<_> = events.iter().map(|event| event.exceptions[0].value.as_deref()).collect();
    assert_eq!(said, [Some("ends the program")]);
}

#[test]
fn a_crash_is_on_disk_when_it_has_been_reported() {
    let _one = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let guard = error_sentinel::init(options().spool_dir(folder.path()).transport(Unreachable));
    let id = error_sentinel::send_crash(made_elsewhere("ends the program", 1));
    let project = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    // It lies with others that its process wrote down while it ended, or in a file of its own, which is there before it
    // is gone from among them.
    let files = std::fs::read_dir(&project).unwrap().map(|file| file.unwrap().path());
    let mut endings = files.filter(|file| file.extension().is_some_and(|ending| ending == "panics"));
    let is_among_others = endings.any(|file| {
        // What its process has removed meanwhile holds nothing.
        let bytes = std::fs::read(file).unwrap_or_default();
        bytes.windows(32).any(|window| window == id.to_string().as_bytes())
    });
    let is_kept = is_among_others || project.join(format!("{id}.event")).is_file();
    guard.close(Duration::ZERO);
    assert!(is_kept);
}

/// No network.
struct Unreachable;

impl Transport for Unreachable {
    fn send(&mut self, _dsn: &Dsn, _envelope: &[u8]) -> Result<Reply, TransportError> {
        Err(TransportError("no network".into()))
    }
}

#[test]
fn a_storm_of_events_made_elsewhere_is_told_by_their_stacks() {
    let events = reported(options(), || {
        for number in 0..500 {
            error_sentinel::send_alert(made_elsewhere(&format!("order {number}"), 1 + number % 2));
        }
    });
    let count: u64 = events.iter().map(Event::occurrence_count).sum();
    assert_eq!(count, 500);
    // Two places, each with the few that are sent as they are and one report of the others.
    assert!(events.len() < 100, "{}", events.len());
    let lines: BTreeSet<_> = events
        .iter()
        .map(|event| event.exceptions[0].stacktrace.as_ref().unwrap().frames[0].lineno)
        .collect();
    assert_eq!(lines.len(), 2);
}

#[test]
fn an_error_that_panics_when_it_is_put_into_words_harms_nobody() {
    #[derive(Debug)]
    struct Broken;
    impl std::fmt::Display for Broken {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words for it")
        }
    }
    impl std::error::Error for Broken {}
    let events = reported(options(), || {
        error_sentinel::send_alert(&Broken);
        error_sentinel::send_alert("the next one");
    });
    assert_eq!(events.len(), 1, "neither the error nor its panic is reported");
}

#[test]
fn scopes_nest_and_end() {
    let events = reported(options(), || {
        error_sentinel::set_tag("where", "program");
        error_sentinel::add_breadcrumb("of the program");
        error_sentinel::with_scope(
            |scope| {
                scope.set_tag("where", "request").set_transaction("GET /cart");
            },
            || {
                error_sentinel::add_breadcrumb("of the request");
                error_sentinel::set_user(Some(User { id: Some("4711".into()), ..User::default() }));
                error_sentinel::with_scope(
                    |scope| {
                        scope.set_tag("step", "pay");
                    },
                    || error_sentinel::send_alert("inside"),
                );
            },
        );
        error_sentinel::send_alert("outside");
    });
    let (inside, outside) = (&events[0], &events[1]);
    assert_eq!((inside.tag("where"), inside.tag("step")), (Some("request"), Some("pay")));
    assert_eq!(inside.transaction.as_deref(), Some("GET /cart"));
    assert_eq!(inside.user.as_ref().and_then(User::identity), Some("4711"));
    assert_eq!(steps(inside), ["of the program", "of the request"]);
    assert_eq!((outside.tag("where"), outside.tag("step"), &outside.user), (Some("program"), None, &None));
    assert_eq!(steps(outside), ["of the program"]);
}

#[test]
fn a_future_takes_its_scope_from_poll_to_poll_and_thread_to_thread() {
    /// Pending once, as if it waited for something.
    async fn wait() {
        let mut has_waited = false;
        std::future::poll_fn(move |_| {
            if std::mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
    let task = |name: &'static str| {
        let mut scope = Scope::new();
        scope.set_tag("task", name);
        let work = async move {
            error_sentinel::add_breadcrumb(Crumb::new(name).level(Level::Info));
            wait().await;
            error_sentinel::set_tag("waited", "yes");
            error_sentinel::send_alert(name);
        };
        Box::pin(work.in_scope(scope))
    };
    let poll = |task: &mut (dyn Future<Output = ()> + Unpin + Send)| {
        pin!(task).poll(&mut Context::from_waker(Waker::noop()))
    };
    let events = reported(options(), || {
        let (mut one, mut two) = (task("one"), task("two"));
        assert!(poll(&mut one).is_pending() && poll(&mut two).is_pending());
        std::thread::spawn(move || assert!(poll(&mut two).is_ready())).join().unwrap();
        assert!(poll(&mut one).is_ready());
        error_sentinel::send_alert("neither");
    });
    for (event, name) in events.iter().zip(["two", "one"]) {
        assert_eq!(
            (event.tag("task"), event.tag("waited"), steps(event)),
            (Some(name), Some("yes"), vec![name])
        );
    }
    assert_eq!((events[2].tag("task"), events[2].tag("waited"), steps(&events[2])), (None, None, vec![]));
}

#[test]
fn the_trace_is_that_of_the_innermost_scope() {
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let events = reported(options(), || {
        let trace = Trace::parse(header).unwrap();
        let in_trace = |scope: &mut Scope| {
            scope.set_trace(trace);
        };
        error_sentinel::with_scope(in_trace, || {
            assert_eq!(error_sentinel::current_trace(), Some(trace));
            error_sentinel::send_alert("in the trace");
        });
        assert_eq!(error_sentinel::current_trace(), None);
    });
    let context = events[0].contexts.get("trace").unwrap();
    assert_eq!(context.get("trace_id").unwrap().as_str(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[test]
fn steps_of_many_threads_are_kept_in_the_order_of_each_and_the_rest_is_counted() {
    const THREADS: u64 = 64;
    const EACH: u64 = 2000;
    let events = reported(options().max_breadcrumbs(100), || {
        let leave = |thread: u64| {
            (0..EACH).for_each(|number| {
                let data = [("thread", thread.into()), ("number", number.into())];
                error_sentinel::add_breadcrumb(Crumb::new("step\0 \u{feff}").data(&data));
            });
        };
        std::thread::scope(|scope| (0..THREADS).for_each(|thread| _ = scope.spawn(move || leave(thread))));
        error_sentinel::send_alert("after all");
    });
    let event = &events[0];
    assert_eq!(event.breadcrumbs.len(), 100);
    let evicted = event.contexts.get("breadcrumbs").and_then(|steps| steps.get("evicted_count"));
    assert_eq!(evicted.and_then(error_sentinel::Value::as_i64), Some((THREADS * EACH) as i64 - 100));
    let mut last = std::collections::HashMap::new();
    for crumb in &event.breadcrumbs {
        let number = |key| crumb.data.get(key).and_then(error_sentinel::Value::as_i64).unwrap();
        let earlier = last.insert(number("thread"), number("number"));
        assert!(earlier.is_none_or(|earlier| earlier < number("number")), "{:?}", event.breadcrumbs);
    }
}

#[test]
fn what_is_far_too_large_arrives_cut_and_marked() {
    let deep = |levels| {
        (0..levels).fold(error_sentinel::Value::Null, |inner, _| error_sentinel::Value::Array(vec![inner]))
    };
    let events = reported(options(), || {
        let huge = "ü\0".repeat(4 << 20);
        error_sentinel::add_breadcrumb(huge.as_str());
        error_sentinel::set_tag("huge", huge.as_str());
        error_sentinel::send_alert_with(huge.as_str(), |alert| {
            alert.extra("huge", huge.as_str()).extra("deep", deep(10_000)).extra("number", f64::NAN);
            alert.fingerprint([huge.as_str()]).context("huge", huge.as_str());
        });
    });
    let json = events[0].to_json();
    assert!(json.len() < 200 << 10, "{}", json.len());
    let message = events[0].message.as_ref().and_then(error_sentinel::Message::text).unwrap();
    assert!(message.ends_with('…') && steps(&events[0])[0].ends_with('…'));
    assert_eq!(events[0].extra.get("number"), Some(&error_sentinel::Value::Null));
}
