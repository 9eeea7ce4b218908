//! Texts of strangers: whatever they say, they are only ever text.

use error_sentinel_wire::{ProjectId, PublicKey, UnixMs};
use serde_json::{Value, json};

use super::markup::{Tag, tags};
use super::world::{EMAIL, World, event};
use crate::clock;
use crate::store::digests::{Changes, IssueChange, Lookup, Loss, NewEvent, NewIssue, Target};
use crate::store::event::{GroupKey, Grouping};
use crate::store::{Accounts, Digests, Projects, conformance};

/// What people have tried elsewhere.
const ATTACKS: [&str; 24] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</pre></code></td></tr></table><h1>owned</h1>",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><input name=password>",
    "<!--",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} ${alert(1)} <%= 1 %>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#x3c;script&#x3e;",
    "\u{202e}gpj.exe\u{0}\u{1b}[31m\u{feff}\u{2028}<b>",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
];

/// The same text in every field that anybody outside can fill.
fn world_of(text: &str) -> World {
    let world = World::new();
    // Maps come out sorted; this key stands last whatever the text is.
    let key = &*format!("~{text}");
    let frame = |own: bool| {
        json!({
            "function": text, "raw_function": text, "module": text, "package": text, "filename": text,
            "abs_path": text, "lineno": 7, "colno": 3, "in_app": own, "context_line": text,
            "pre_context": [text], "post_context": [text], "vars": {"plain": text, key: {key: [text]}},
        })
    };
    let stack = json!({"frames": [frame(true), frame(false), frame(false), frame(true)]});
    let payload = json!({
        "platform": text, "logger": text, "transaction": text, "server_name": text, "release": text,
        "dist": text, "environment": text, "app": text,
        "logentry": {"formatted": text, "message": text, "params": [text]},
        "exception": {"values": [
            {"type": text, "value": text, "module": text, "stacktrace": stack.clone()},
            {"type": text, "value": text, "mechanism": {"type": text, "handled": false}, "stacktrace": stack.clone()},
        ]},
        "threads": {"values": [{"id": text, "name": text, "crashed": true, "stacktrace": stack}]},
        "breadcrumbs": {"values": [
            {"timestamp": 1, "type": text, "category": text, "message": text, "level": "warning", "data": {key: text}},
            {"message": text},
        ]},
        "user": {"id": text, "email": text, "username": text, "ip_address": text, key: text},
        "request": {
            "url": text, "method": text, "query_string": text, "cookies": text, "headers": [[text, text]],
            "data": text, "env": {key: text},
        },
        "contexts": {"os": {"name": text, "version": text}, key: {key: text}, "plain": text},
        "tags": {key: text}, "extra": {key: {key: text}}, "modules": {key: text},
        "sdk": {"name": text, "version": text},
    });
    let grouping = Grouping {
        version: 1,
        keys: ["app", text]
            .map(|kind| GroupKey { kind: kind.into(), text: text.into(), hash: conformance::hash(kind) })
            .into(),
    };
    let hostile = |number: u32, name: &str| {
        let event = NewEvent {
            release: Some(text.into()),
            environment: Some(text.into()),
            app: Some(text.into()),
            users: vec![text.into()],
            tags: vec![(key.into(), text.into(), 1), ("os".into(), text.into(), 1)],
            trace_id: Some(error_sentinel_wire::TraceId(7)),
            grouping: grouping.clone(),
            ..event(number, &payload)
        };
        let issue = NewIssue {
            project_id: ProjectId(1),
            title: text.into(),
            kind: text.into(),
            value: text.into(),
            culprit: text.into(),
            platform: text.into(),
            fingerprint: text.into(),
        };
        IssueChange { target: Target::New(issue), ..conformance::new_issue(ProjectId(1), name, vec![event]) }
    };
    let loss = Loss {
        project_id: ProjectId(1),
        at: clock::now(),
        reason: text.into(),
        category: text.into(),
        quantity: 3,
    };
    let mut changes = Some(Changes {
        issues: vec![hostile(1, "one"), hostile(2, "two")],
        losses: vec![loss],
        ..Changes::default()
    });
    world.store.record(&Lookup::default(), &mut |_| changes.take().unwrap()).unwrap();
    // What only people inside can fill is no reason to trust it.
    world.store.create_project(text, PublicKey(2), UnixMs(0)).unwrap();
    world.store.add_key(ProjectId(1), PublicKey(3), text, UnixMs(0)).unwrap();
    world.store.set_recipients(ProjectId(1), &[text.to_owned()]).unwrap();
    world.store.add_token(text, &[1; 32], UnixMs(0)).unwrap();
    world.store.set_password(text, "no hash", UnixMs(0)).unwrap();
    let smtp = crate::settings::SmtpSettings {
        host: text.into(),
        port: 25,
        from: text.into(),
        to: vec![text.into()],
        username: Some(text.into()),
        password: None,
        tls: crate::settings::SmtpTls::None,
    };
    crate::store::Outbox::set_mail_settings(&*world.store, Some(&smtp)).unwrap();
    world
}

async fn pages(world: &World, text: &str) -> Vec<(String, Vec<Tag>, String)> {
    let typed = crate::dashboard::session::percent_encoded(text);
    let event = "00000000000000000000000000000002";
    let paths = [
        "/".to_owned(),
        // Whatever the search finds elsewhere, it finds nothing here.
        format!("/?status=resolved&query={typed}"),
        format!("/login?next={typed}"),
        "/issues/1".to_owned(),
        format!("/issues/1/events/{event}"),
        "/issues/1/events".to_owned(),
        "/projects".to_owned(),
        "/start".to_owned(),
        "/settings".to_owned(),
    ];
    let person = world.person();
    let mut pages = Vec::new();
    for path in paths {
        let answer = person.get(&path).await.assert_ok();
        let name = path.split('?').next().unwrap_or_default().to_owned();
        pages.push((name, tags(&answer.text), answer.text));
    }
    let login = person.post("/login", &[("email", text), ("password", text), ("next", text)]).await;
    pages.push(("/login, refused".to_owned(), tags(&login.text), login.text));
    let invited = person.post("/settings/people", &[("email", text)]).await;
    pages.push(("/settings, refused".to_owned(), tags(&invited.text), invited.text));
    let mail = person.post("/settings/mail", &[("host", text), ("from", text), ("to", text)]).await;
    pages.push(("/settings, mail refused".to_owned(), tags(&mail.text), mail.text));
    pages
}

#[tokio::test]
async fn hostile_texts_add_no_tag_and_no_attribute_to_any_page() {
    // Quotes and blanks keep values from becoming searches, so that both worlds have the same links.
    let harmless = pages(&world_of("word \"'& word"), "word \"'& word").await;
    assert!(harmless.iter().any(|(_, tags, _)| tags.len() > 300), "the pages show what is there");
    for attack in ATTACKS {
        let text = format!("{attack} \"'& word");
        let attacked = pages(&world_of(&text), &text).await;
        for ((name, expected, _), (_, found, html)) in harmless.iter().zip(&attacked) {
            let shapes = |tags: &[Tag]| tags.iter().map(Tag::shape).collect::<Vec<_>>();
            let (found, expected) = (shapes(found), shapes(expected));
            let differs = (0..found.len().max(expected.len())).find(|at| found.get(*at) != expected.get(*at));
            if let Some(at) = differs {
                let near = |shapes: &[String]| {
                    shapes.iter().skip(at.saturating_sub(3)).take(6).cloned().collect::<Vec<_>>()
                };
                panic!("{attack} on {name}: {:?} instead of {:?}\n{html}", near(&found), near(&expected));
            }
            assert!(!html.contains(attack) || !attack.contains('<'), "{attack} stands unescaped on {name}");
        }
    }
}

#[tokio::test]
async fn links_lead_to_our_pages_or_openly_to_the_web() {
    for text in
        ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "//evil.example", "https://e.example/\"x"]
    {
        let world = world_of(text);
        for (name, tags, _) in pages(&world, text).await {
            for tag in &tags {
                for attribute in ["href", "src", "action", "formaction"] {
                    let Some(target) = tag.attribute(attribute) else { continue };
                    if target.starts_with("https://e.example/") {
                        assert_eq!(
                            tag.attribute("rel"),
                            Some("noopener noreferrer nofollow"),
                            "{name}: {tag:?}"
                        );
                    } else {
                        let is_ours =
                            target.starts_with('/') && !target.starts_with("//") || target == "#main";
                        assert!(is_ours, "{name}: {tag:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn no_page_needs_inline_code_or_anything_from_elsewhere() {
    let world = world_of("word");
    for (name, tags, _) in pages(&world, "word").await {
        for tag in tags {
            let is_inline = tag.name == "style" || tag.name == "script" && tag.attribute("src").is_none();
            assert!(!is_inline, "{name}: {tag:?}");
            let inline = tag.attributes.iter().find(|(key, _)| key == "style" || key.starts_with("on"));
            assert_eq!(inline, None, "{name}");
        }
    }
}

#[tokio::test]
async fn events_of_any_form_have_a_page() {
    let nested = (0..40).fold(json!("x"), |inner, _| json!({"a": [inner]}));
    let fields = [
        "exception",
        "stacktrace",
        "threads",
        "breadcrumbs",
        "user",
        "request",
        "contexts",
        "tags",
        "extra",
        "modules",
        "sdk",
        "logentry",
        "message",
        "level",
        "timestamp",
        "release",
        "fingerprint",
        "debug_meta",
        "occurrences",
        "transaction",
    ];
    let values = [
        json!(null),
        json!(""),
        json!(0),
        json!(-1.5),
        json!(true),
        json!([]),
        json!({}),
        json!([[]]),
        nested,
    ];
    let mut payloads = vec![json!({}), json!([]), json!("text"), json!(null)];
    for value in &values {
        let all = fields.iter().map(|field| ((*field).to_owned(), value.clone()));
        payloads.push(Value::Object(all.collect()));
        payloads.push(json!({"exception": {"values": [value, {"stacktrace": value}, {"stacktrace": {"frames": [value]}}]}}));
        payloads.push(json!({"breadcrumbs": {"values": [value]}, "threads": {"values": [{"stacktrace": {"frames": [value]}}]}}));
        payloads.push(
            json!({"user": {"id": value, "data": value}, "request": {"headers": value, "data": value}}),
        );
    }
    let world = World::new();
    let id = world.issue("any", &payloads);
    let person = world.person();
    for number in 1..=payloads.len() {
        let path = format!("/issues/{id}/events/{number:032x}");
        let page = person.get(&path).await;
        assert_eq!(page.status, 200, "{} {}", payloads[number - 1], page.text);
        tags(&page.text);
        person.get(&format!("/events/{number:032x}.json")).await.assert_ok();
    }
}

#[tokio::test]
async fn a_payload_that_is_no_json_still_has_a_page() {
    let world = World::new();
    let damaged = NewEvent {
        payload: crate::store::payload::Payload::compress(b"\xff{not json"),
        ..event(1, &json!(null))
    };
    let id = world.record("damaged", vec![damaged]);
    let page = world.person().get(&format!("/issues/{id}")).await.assert_ok();
    assert!(page.text.contains(EMAIL));
}
