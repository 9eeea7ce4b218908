//! The core as the script drives it, without a browser.

use super::*;
use alloc::borrow::ToOwned;
use alloc::format;
use error_sentinel_wire::Event;
use error_sentinel_wire::codec::decode_value;
use error_sentinel_wire::envelope;

fn text(key: &str, value: &str) -> String {
    format!("k{key}\u{1f}s{value}\u{1f}")
}

fn object(fields: &str) -> String {
    format!("{{\u{1f}{fields}]\u{1f}")
}

/// An error as the script describes it.
fn event(id: u32, message: &str, stack: &str, more: &str) -> String {
    let about = text("value", message) + &text("type", "TypeError");
    let exception = object(&format!("{about}kstacktrace\u{1f}x0{stack}\u{1f}"));
    let chain = object(&format!("kvalues\u{1f}[\u{1f}{exception}]\u{1f}"));
    object(&format!("{}kexception\u{1f}{chain}{more}", text("event_id", &format!("{id:032x}"))))
}

fn page() -> Page {
    Page::new(20, 1.0)
}

/// What tells one error from another.
fn looks(tags: &str, key: &str, message: &str) -> String {
    format!("[\u{1f}{tags}s{key}\u{1f}s{message}\u{1f}s4711\u{1f}]\u{1f}")
}

/// The page reports one error, whose stack is its key.
fn report(page: &mut Page, id: u32, message: &str, stack: &str, now_ms: f64) -> bool {
    page.capture(
        &event(id, message, stack, ""),
        &looks(&object(""), stack, message),
        1,
        now_ms,
        1.7e12 + now_ms,
    )
}

/// All that leaves the page until a time, its collector storing all, as JSON.
fn sent(page: &mut Page, from_ms: f64, to_ms: f64) -> Vec<Vec<u8>> {
    let mut envelopes = Vec::new();
    let mut now_ms = from_ms;
    while now_ms <= to_ms {
        loop {
            let envelope = page.poll(now_ms, 1.7e12 + now_ms);
            if envelope.is_empty() {
                break;
            }
            envelopes.push(envelope);
            page.handle_reply(200, "\n\nbatch", now_ms);
        }
        now_ms += 100.0;
    }
    envelopes
}

/// The events among it.
fn delivered(page: &mut Page, from_ms: f64, to_ms: f64) -> Vec<Event> {
    let mut events = Vec::new();
    for envelope in sent(page, from_ms, to_ms) {
        let (_, items) = envelope::open(&envelope).unwrap();
        let items = items.map(Result::unwrap).filter(|item| item.header.kind == "event");
        events.extend(items.map(|item| Event::from_value(decode_value(item.payload).unwrap())));
    }
    events
}

fn total(events: &[Event]) -> u64 {
    events.iter().map(Event::occurrence_count).sum()
}

const STACK: &str =
    "TypeError: x\n    at pay (https://shop.example/app.js:7:8)\n    at https://shop.example/app.js:1:1";

#[test]
fn an_error_leaves_with_what_the_page_said_about_itself() {
    let mut page = page();
    page.add_breadcrumb(object(&text("message", "three apples were added")));
    let about = text("release", "shop@1.4.2") + "kuser\u{1f}" + &object(&text("id", "4711"));
    let tags = object(&text("region", "eu-central"));
    assert!(!page.capture(&event(1, "x", STACK, &about), &looks(&tags, "x", "x"), 1, 0.0, 1.7e12));
    let events = delivered(&mut page, 0.0, 1000.0);
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event.event_id, Some(EventId(1)));
    assert_eq!(event.release.as_deref(), Some("shop@1.4.2"));
    assert_eq!(event.tag("region"), Some("eu-central"));
    assert_eq!(event.user.as_ref().and_then(|user| user.id.as_deref()), Some("4711"));
    assert_eq!(event.breadcrumbs[0].message.as_deref(), Some("three apples were added"));
    assert_eq!(event.exceptions[0].kind.as_deref(), Some("TypeError"));
    let frames = &event.exceptions[0].stacktrace.as_ref().unwrap().frames;
    assert_eq!(frames[1].function.as_deref(), Some("pay"));
    assert_eq!((frames[1].lineno, frames[1].colno), (Some(7), Some(8)));
}

#[test]
fn no_secret_of_a_page_leaves() {
    let mut page = page();
    page.add_breadcrumb(object(&text("message", "password=canary1")));
    let about = "kextra\u{1f}".to_owned() + &object(&text("api_key", "canary2"));
    let tags = object(&text("session", "canary3"));
    let message = "login failed: token=canary4";
    page.capture(&event(1, message, STACK, &about), &looks(&tags, "x", message), 1, 0.0, 0.0);
    assert!(page.capture(&event(2, message, "", ""), &looks(&tags, "y", message), 5, 0.0, 0.0));
    page.hurry(1.0);
    let sent: Vec<u8> = sent(&mut page, 1.0, 1000.0).concat();
    let sent = core::str::from_utf8(&sent).unwrap();
    assert!(sent.contains("api_key") && sent.contains("occurrences") && !sent.contains("canary"), "{sent}");
}

#[test]
fn a_hundred_thousand_of_one_error_are_a_handful_of_events_that_count_them_all() {
    let mut page = page();
    for n in 0..100_000 {
        report(&mut page, n + 1, "x", STACK, f64::from(n) / 100.0);
    }
    let events = delivered(&mut page, 1000.0, 20_000.0);
    assert_eq!(total(&events), 100_000);
    assert!(events.len() < 20, "{}", events.len());
}

#[test]
fn what_the_script_counted_itself_is_counted_with_the_rest() {
    let mut page = page();
    let mut passed_count = 0;
    while !report(&mut page, passed_count + 1, "x", STACK, 0.0) {
        passed_count += 1;
    }
    assert_eq!(passed_count, 10, "the first ones leave as they are");
    assert!(page.capture(&event(99, "x", STACK, ""), &looks(&object(""), STACK, "x"), 5000, 1.0, 1.0));
    assert_eq!(total(&delivered(&mut page, 0.0, 5000.0)), 10 + 1 + 5000);
}

#[test]
fn the_page_sees_what_leaves_and_may_change_or_drop_it() {
    let mut page = Page::new(20, 1.0);
    assert!(page.prepare(0.0).is_empty());
    report(&mut page, 1, "kept", STACK, 0.0);
    report(&mut page, 2, "dropped", "", 0.0);
    let first = String::from_utf8(page.prepare(0.0)).unwrap();
    assert!(first.contains("kept"), "{first}");
    page.submit(first.replace("kept", "changed"), 0.0);
    assert!(String::from_utf8(page.prepare(0.0)).unwrap().contains("dropped"));
    page.submit(String::new(), 0.0);
    assert!(page.prepare(0.0).is_empty());
    let events = delivered(&mut page, 0.0, 1000.0);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].exceptions[0].value.as_deref(), Some("changed"));
}

#[test]
fn a_page_that_ends_hands_everything_over_and_says_when_it_is_held_back() {
    let mut page = page();
    report(&mut page, 1, "x", STACK, 0.0);
    assert!(!page.poll(0.0, 0.0).is_empty());
    page.handle_reply(429, "60:error:project\n\n", 0.0);
    report(&mut page, 2, "y", STACK, 1.0);
    assert!(page.poll(1.0, 0.0).is_empty(), "it was asked to wait");
    assert!(page.hand_over(2.0));
    assert!(!page.poll(2.0, 0.0).is_empty());
    page.handle_handed_on(2.0);
    assert!(!page.hand_over(3.0));
}
