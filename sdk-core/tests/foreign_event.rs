//! An event that was made elsewhere, such as in another language, passes as it is.

use std::time::Duration;

use error_sentinel::{Event, EventId, Options, TestTransport};
use error_sentinel_wire::{Exception, Frame, Stacktrace, UnixMs};

#[test]
fn an_event_made_elsewhere_keeps_its_id_its_time_and_its_stack() {
    let transport = TestTransport::new();
    let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";
    let options = Options::new(dsn).sdk_name("error-sentinel.test").transport(transport.clone());
    let guard = error_sentinel::init(options);
    let frame = Frame { function: Some("pay".into()), ..Frame::default() };
    let stacktrace = Some(Stacktrace { frames: vec![frame], ..Stacktrace::default() });
    let event = Event {
        event_id: Some(EventId(7)),
        timestamp: Some(UnixMs(1_000)),
        exceptions: vec![Exception { stacktrace, ..Exception::default() }],
        ..Event::default()
    };
    assert_eq!(error_sentinel::send_alert(event), EventId(7));
    assert!(guard.close(Duration::from_secs(10)));
    let envelope = transport.envelopes().remove(0);
    for part in [
        r#""event_id":"00000000000000000000000000000007""#,
        r#""timestamp":"1970-01-01T00:00:01"#,
        r#""frames":[{"function":"pay"}]"#,
        r#""name":"error-sentinel.test""#,
    ] {
        assert!(envelope.contains(part), "{part} is not in {envelope}");
    }
}
