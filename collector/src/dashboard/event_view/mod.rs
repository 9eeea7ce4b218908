//! An event as its page shows it: what the template needs, and nothing to decide there.

use error_sentinel_wire::{Event, Object, UnixMs, Value, codec};

use super::words::Moment;
use crate::store::event::StoredEvent;

mod stack;
mod trail;

pub use stack::{Chain, StackView};
pub use trail::Step;

/// Longest text of one fact in characters; the whole is in the raw JSON.
const FACT_CHARS: usize = 4000;
/// Most facts of one group.
const FACTS: usize = 200;

/// An event.
pub struct EventView {
    /// 32 hexadecimal digits.
    pub id: String,
    /// When it arrived.
    pub received: Moment,
    /// When it happened, by the sender's clock, where that differs enough to tell.
    pub happened: Option<Moment>,
    /// How wrong the sender's clock was, in words.
    pub skew: Option<String>,
    /// Name of the level.
    pub level: &'static str,
    /// How many errors it stands for, when more than one.
    pub occurrence_count: Option<u64>,
    /// The message, unless an exception says it.
    pub message: Option<String>,
    /// Exceptions, the one that surfaced first.
    pub chains: Vec<Chain>,
    /// Threads with a stack, but the one of the exception.
    pub threads: Vec<(String, StackView)>,
    /// The trail, newest last.
    pub trail: Vec<Step>,
    /// What stands on top: release, environment, user, URL…
    pub highlights: Vec<Fact>,
    /// Named groups of facts: user, request, contexts, extra.
    pub groups: Vec<Group>,
    /// Why it belongs to its issue: kind and text of each key.
    pub grouping: Vec<(String, String)>,
    /// Whether the payload is gone and only counts remain.
    pub is_evicted: bool,
}

/// A name and its value.
pub struct Fact {
    /// The name.
    pub name: String,
    /// The value as text.
    pub value: String,
    /// A link that may be followed, when the value is one.
    pub href: Option<String>,
}

/// Facts that belong together.
pub struct Group {
    /// Its title.
    pub title: String,
    /// The facts.
    pub facts: Vec<Fact>,
}

impl Fact {
    fn new(name: impl Into<String>, value: impl Into<String>) -> Fact {
        let mut value: String = value.into();
        if let Some((end, _)) = value.char_indices().nth(FACT_CHARS) {
            value.truncate(end);
            value.push('…');
        }
        let is_link = value.starts_with("https://") || value.starts_with("http://");
        let href = (is_link && !value.chars().any(char::is_whitespace)).then(|| value.clone());
        Fact { name: name.into(), value, href }
    }
}

impl EventView {
    /// Reads what is stored.
    pub fn new(stored: &StoredEvent, now: UnixMs) -> EventView {
        let row = &stored.row;
        let event = stored
            .payload
            .as_deref()
            .and_then(|payload| codec::decode_value(payload).ok())
            .map(Event::from_value)
            .unwrap_or_default();
        let apart_ms = row.timestamp.map_or(0, |happened| row.received_at.since(happened).abs());
        let mut view = EventView {
            id: row.event_id.to_string(),
            received: Moment::new(row.received_at, now),
            happened: row.timestamp.filter(|_| apart_ms > 60_000).map(|at| Moment::new(at, now)),
            skew: row.skew_ms.filter(|ms| ms.abs() > 60_000).map(skew),
            level: row.level.as_str(),
            occurrence_count: Some(row.occurrence_count).filter(|count| *count > 1),
            message: event.message.as_ref().and_then(|message| message.text()).map(str::to_owned),
            chains: Chain::of(&event),
            threads: stack::threads(&event),
            trail: trail::steps(&event, row.timestamp.unwrap_or(row.received_at)),
            highlights: highlights(stored, &event),
            groups: Vec::new(),
            grouping: stored
                .grouping
                .keys
                .iter()
                .map(|key| (key_name(&key.kind), key.text.clone()))
                .collect(),
            is_evicted: stored.payload.is_none(),
        };
        if let [chain] = &view.chains[..]
            && Some(&chain.value) == view.message.as_ref()
        {
            view.message = None;
        }
        view.groups = groups(event);
        view
    }
}

/// What a grouping key is made of, in words.
fn key_name(kind: &str) -> String {
    match kind {
        "custom" => "The sender's own fingerprint",
        "app" => "The application's own frames",
        "system" => "All frames of the stack",
        "message" => "Type and message",
        other => other,
    }
    .to_owned()
}

fn skew(ms: i64) -> String {
    let minutes = ms.abs() / 60_000;
    let direction = if ms > 0 { "ahead" } else { "behind" };
    format!("the sender's clock is {minutes} min {direction}")
}

fn highlights(stored: &StoredEvent, event: &Event) -> Vec<Fact> {
    let row = &stored.row;
    let context = |name: &str| {
        let context = event.contexts.get(name)?;
        let text = |key| context.get(key).and_then(Value::as_str).unwrap_or_default();
        let words = format!("{} {}", text("name"), text("version"));
        Some(words.trim().to_owned()).filter(|words| !words.is_empty())
    };
    let request = event.request.as_ref();
    let url = request.and_then(|request| {
        let url = request.url.as_deref()?;
        Some(format!("{} {url}", request.method.as_deref().unwrap_or_default()).trim().to_owned())
    });
    let facts = [
        ("release", row.release.clone()),
        ("environment", row.environment.clone()),
        ("app", row.app.clone()),
        ("user", row.user.clone()),
        ("request", url),
        ("transaction", event.transaction.clone()),
        ("server", event.server_name.clone()),
        ("browser", context("browser")),
        ("os", context("os")),
        ("runtime", context("runtime")),
        ("trace", row.trace_id.map(|id| id.to_string())),
        ("sdk", event.sdk.as_ref().map(|sdk| format!("{} {}", sdk.name, sdk.version))),
    ];
    facts.into_iter().filter_map(|(name, value)| Some(Fact::new(name, value?))).collect()
}

fn groups(event: Event) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut add = |title: &str, facts: Vec<Fact>| {
        if !facts.is_empty() {
            groups.push(Group { title: title.to_owned(), facts });
        }
    };
    if let Some(user) = event.user {
        let named = [
            ("id", user.id),
            ("email", user.email),
            ("username", user.username),
            ("ip address", user.ip_address),
        ];
        let mut facts: Vec<Fact> =
            named.into_iter().filter_map(|(name, value)| Some(Fact::new(name, value?))).collect();
        facts.extend(of_object(user.data));
        add("User", facts);
    }
    if let Some(request) = event.request {
        let named = [
            ("method", request.method),
            ("url", request.url),
            ("query", request.query_string),
            ("cookies", request.cookies),
        ];
        let mut facts: Vec<Fact> =
            named.into_iter().filter_map(|(name, value)| Some(Fact::new(name, value?))).collect();
        facts.extend(request.data.into_text().map(|body| Fact::new("body", body)));
        facts.extend(request.headers.into_iter().map(|(name, value)| Fact::new(name, value)));
        facts.extend(of_object(request.env));
        add("Request", facts);
    }
    for (name, context) in event.contexts.0 {
        let facts = match context {
            Value::Object(object) => of_object(object),
            other => other.into_text().map(|text| Fact::new(name.clone(), text)).into_iter().collect(),
        };
        add(&format!("Context: {name}"), facts);
    }
    add("Extra", of_object(event.extra));
    let modules = event.modules.into_iter().take(FACTS);
    add("Modules", modules.map(|(name, version)| Fact::new(name, version)).collect());
    groups
}

/// The entries of a map, `null` left out.
fn of_object(object: Object) -> Vec<Fact> {
    let entries = object.0.into_iter().take(FACTS);
    entries.filter_map(|(name, value)| Some(Fact::new(name, value.into_text()?))).collect()
}
