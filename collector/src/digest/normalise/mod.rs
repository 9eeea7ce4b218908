//! Makes one event out of the many forms that senders use: what later steps read, and nothing else.
//!
//! Two passes. [`complete`] works on the JSON, so that what it adds is stored with the event: own frames and
//! the sender's address. [`normalise`] reads the event from it and says what is indexed, titled and counted.
//! Pure: the time and the address are passed in.

use std::net::IpAddr;

use error_sentinel_wire::{Event, Level, TraceId, UnixMs, Value, limits};

mod in_app;
mod tags;
mod title;

pub use title::Title;

/// What an event says, in the one form that later steps read.
#[derive(Debug, Clone, PartialEq)]
pub struct Normal {
    /// The event, its stacks where they belong.
    pub event: Event,
    /// How bad.
    pub level: Level,
    /// What people read in lists.
    pub title: Title,
    /// Tags to count, each with how many errors have it; those that other fields imply are among them.
    pub tags: Vec<(String, String, u64)>,
    /// Identities of the users concerned.
    pub users: Vec<String>,
    /// The request, across services.
    pub trace_id: Option<TraceId>,
    /// How much it tells; greater is more.
    pub richness: u32,
}

/// How far the sender's clock was ahead, in milliseconds; `None` when it did not say what it read.
///
/// The way through the network is in it, so a second or two mean nothing.
pub fn skew_ms(sent_at: Option<UnixMs>, received_at: UnixMs) -> Option<i64> {
    sent_at.map(|sent_at| sent_at.since(received_at))
}

/// Adds to an event's JSON what its sender could not know: which frames are its own, and its address where
/// it asks for that with `{{auto}}`.
pub fn complete(event: &mut Value, remote_addr: Option<IpAddr>) {
    in_app::mark(event);
    fill_address(event, remote_addr);
}

fn fill_address(event: &mut Value, remote_addr: Option<IpAddr>) {
    let never = event
        .get("sdk")
        .and_then(|sdk| sdk.get("settings")?.get("infer_ip")?.as_str())
        .is_some_and(|choice| choice == "never");
    let Value::Object(event) = event else { return };
    let user = event.0.iter_mut().find(|(key, _)| matches!(key.as_str(), "user" | "sentry.interfaces.User"));
    let Some((_, Value::Object(user))) = user else { return };
    let Some((_, address)) = user.0.iter_mut().find(|(key, _)| key == "ip_address") else { return };
    if address.as_str() == Some("{{auto}}") {
        *address = match remote_addr {
            Some(addr) if !never => Value::String(addr.to_string()),
            _ => Value::Null,
        };
    }
}

/// Reads an event that [`complete`] has been through.
pub fn normalise(value: Value) -> Normal {
    let mut event = Event::from_value(value);
    adopt_stack(&mut event);
    let level = level(&event);
    Normal {
        level,
        title: title::of(&event),
        tags: tags::of(&event, level),
        users: users(&event),
        trace_id: trace_id(&event),
        richness: richness(&event),
        event,
    }
}

/// Moves the stack to the exception that has none: senders of native crashes leave it in `threads`.
fn adopt_stack(event: &mut Event) {
    let has_frames = |stack: &Option<error_sentinel_wire::Stacktrace>| {
        stack.as_ref().is_some_and(|stack| !stack.frames.is_empty())
    };
    if event.exceptions.iter().any(|exception| has_frames(&exception.stacktrace)) {
        return;
    }
    if !has_frames(&event.stacktrace) {
        let threads = &event.threads;
        let named = event.main_exception().and_then(|exception| exception.thread_id.as_deref());
        let chosen = threads
            .iter()
            .position(|thread| thread.crashed == Some(true))
            .or_else(|| threads.iter().position(|thread| named.is_some() && thread.id.as_deref() == named))
            .or_else(|| threads.iter().position(|thread| thread.current == Some(true)))
            .or_else(|| (threads.len() == 1).then_some(0));
        let found =
            chosen.and_then(|at| event.threads.get_mut(at)).and_then(|thread| thread.stacktrace.take());
        if found.is_some() {
            event.stacktrace = found;
        }
    }
    if let Some(main) = event.exceptions.last_mut()
        && let Some(stack) = event.stacktrace.take()
    {
        main.stacktrace = Some(stack);
    }
}

/// Ways of failing that end the process.
const DEADLY_MECHANISMS: &[&str] = &[
    "signalhandler",
    "minidump",
    "panic",
    "UncaughtExceptionHandler",
    "mach",
    "nsexception",
    "ANR",
    "AppExitInfo",
];

/// What the sender said counts; where it said nothing, a crash that ended the process is fatal. An error
/// that nobody caught is not fatal by itself: a page in a browser lives on.
fn level(event: &Event) -> Level {
    event.level.unwrap_or_else(|| {
        let mechanism = event.main_exception().and_then(|exception| exception.mechanism.as_ref());
        let deadly = mechanism.is_some_and(|mechanism| {
            mechanism.handled == Some(false)
                && DEADLY_MECHANISMS.iter().any(|name| name.eq_ignore_ascii_case(&mechanism.kind))
        });
        if deadly { Level::Fatal } else { Level::Error }
    })
}

fn users(event: &Event) -> Vec<String> {
    let mut users: Vec<String> =
        event.user.iter().filter_map(|user| user.identity()).map(Into::into).collect();
    for user in event.occurrences.iter().flat_map(|many| &many.users) {
        if !user.is_empty() && !users.contains(user) {
            users.push(user.clone());
        }
    }
    users.iter_mut().for_each(|user| limits::cut(user, limits::SHORT_TEXT_BYTES));
    users
}

fn trace_id(event: &Event) -> Option<TraceId> {
    let trace = event.contexts.get("trace")?;
    TraceId::parse(trace.get("trace_id")?.as_str()?).ok().filter(|id| id.0 != 0)
}

/// Weighs what helps to find the cause: own frames most, then their source and variables, the trail, the
/// request.
fn richness(event: &Event) -> u32 {
    let frames = event.exceptions.iter().filter_map(|exception| exception.stacktrace.as_ref());
    let mut score = 0usize;
    for frame in frames.chain(&event.stacktrace).flat_map(|stack| &stack.frames) {
        score += if frame.in_app == Some(true) { 4 } else { 1 };
        score += usize::from(frame.context_line.is_some()) + 2 * usize::from(!frame.vars.0.is_empty());
    }
    score = score.min(400);
    score += event.breadcrumbs.len().min(100);
    score += 10 * usize::from(event.user.is_some()) + 10 * usize::from(event.request.is_some());
    score += 5 * usize::from(event.release.is_some());
    score += event.contexts.0.len().min(20) + event.tags.len().min(20) + event.extra.0.len().min(20);
    u32::try_from(score).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
