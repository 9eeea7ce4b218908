//! Other libraries' records and requests, as alerts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use error_sentinel::integrations::{log::SentinelLog, tower::SentinelLayer, tracing::layer};
use error_sentinel::{Event, Level, Options, TestTransport, Value};
use tower::ServiceExt;
use tracing_subscriber::layer::SubscriberExt;

const DSN: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";

/// The SDK is one for the whole process, so one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a program reports.
fn reported(program: impl FnOnce()) -> Vec<Event> {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let transport = TestTransport::new();
    // On a machine that is busy, names are found late.
    let options = Options::new(DSN).farewell(Duration::from_secs(60));
    let guard = error_sentinel::init(options.transport(transport.clone()));
    program();
    drop(guard);
    transport.events()
}

fn steps(event: &Event) -> Vec<&str> {
    event.breadcrumbs.iter().filter_map(|crumb| crumb.message.as_deref()).collect()
}

fn text(event: &Event) -> &str {
    event.message.as_ref().and_then(error_sentinel::Message::text).unwrap_or_default()
}

#[test]
fn records_of_log_become_alerts_and_steps() {
    struct Silent;
    impl log::Log for Silent {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            false
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }
    let events = reported(|| {
        log::set_boxed_logger(Box::new(SentinelLog::new(Silent))).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        log::debug!("of no interest");
        log::info!("cart {} opened", 7);
        log::error!(target: "shop", "the shelf is empty");
        log::set_max_level(log::LevelFilter::Off);
    });
    assert_eq!(events.len(), 1);
    assert_eq!((text(&events[0]), events[0].logger.as_deref()), ("the shelf is empty", Some("shop")));
    assert_eq!(steps(&events[0]), ["cart 7 opened"]);
}

#[test]
fn events_of_tracing_become_alerts_and_steps_with_their_spans() {
    let events = reported(|| {
        let subscriber = tracing_subscriber::registry().with(layer());
        tracing::subscriber::with_default(subscriber, || {
            let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
            let _order = tracing::info_span!("order", number = 7, trace_id = trace).entered();
            let _pay = tracing::info_span!("pay", password = "canary").entered();
            tracing::debug!("of no interest");
            tracing::info!(items = 3, "cart opened");
            let error = "x".parse::<u32>().unwrap_err();
            tracing::error!(error = &error as &dyn std::error::Error, attempt = 2, "payment failed");
        });
    });
    let event = &events[0];
    let surfaced = event.main_exception().unwrap();
    assert_eq!(surfaced.value.as_deref(), Some("invalid digit found in string"));
    assert_eq!((event.level, event.transaction.as_deref()), (Some(Level::Error), Some("order")));
    assert_eq!(event.extra.get("message"), Some(&Value::from("payment failed")));
    assert_eq!(event.extra.get("attempt"), Some(&Value::Int(2)));
    let spans = event.contexts.get("spans").unwrap();
    assert_eq!(spans.get("order").unwrap().get("number"), Some(&Value::Int(7)));
    assert_eq!(spans.get("pay").unwrap().get("password"), Some(&Value::from("[Filtered]")));
    let trace = event.contexts.get("trace").and_then(|trace| trace.get("trace_id")).and_then(Value::as_str);
    assert_eq!(trace, Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    assert_eq!(
        (steps(event), event.breadcrumbs[0].data.get("items")),
        (vec!["cart opened"], Some(&Value::Int(3)))
    );
}

#[test]
fn a_request_is_a_scope_and_its_panic_is_an_answer() {
    let app = Router::new()
        .route(
            "/fails",
            get(|| async {
                tokio::task::yield_now().await;
                error_sentinel::add_breadcrumb("looked at the shelf");
                error_sentinel::send_alert("the shelf is empty");
                "sorry"
            }),
        )
        .route(
            "/panics",
            get(|| async {
                error_sentinel::add_breadcrumb("looked at the till");
                if std::hint::black_box(true) {
                    panic!("the till is gone");
                }
                "never"
            }),
        )
        .layer(SentinelLayer::new());
    let request = |path: &str| {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = Request::get(path).header("traceparent", header).header("host", "shop.example");
        request.header("cookie", "id=canary").header("authorization", "canary").body(Body::empty()).unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut answers = Vec::new();
    let events = reported(|| {
        for path in ["/fails?token=canary&page=3", "/panics"] {
            answers.push(runtime.block_on(app.clone().oneshot(request(path))).unwrap().status());
        }
    });
    assert_eq!(answers, [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR]);
    assert_eq!(events.len(), 2);
    assert_eq!((text(&events[0]), steps(&events[0])), ("the shelf is empty", vec!["looked at the shelf"]));
    assert_eq!(events[1].main_exception().unwrap().value.as_deref(), Some("the till is gone"));
    assert_eq!(steps(&events[1]), ["looked at the till"]);
    for (event, path) in events.iter().zip(["/fails", "/panics"]) {
        let asked = event.request.as_ref().unwrap();
        assert_eq!(asked.url.as_deref(), Some(format!("http://shop.example{path}").as_str()));
        assert_eq!(event.transaction, Some(format!("GET {path}")));
        let json = String::from_utf8(event.to_json()).unwrap();
        assert!(!json.contains("canary") && json.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{json}");
    }
}
