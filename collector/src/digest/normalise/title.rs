//! What people read of an event: title, type, value, and where to look.

use error_sentinel_wire::{Event, Exception, Frame, Stacktrace, limits};

/// How an event is called in lists and mails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// One line.
    pub line: String,
    /// Type of the exception; empty for a message.
    pub kind: String,
    /// Message of the exception, or the message.
    pub value: String,
    /// The in-app function or route to look at.
    pub culprit: String,
}

/// Names an event that says nothing about itself.
const UNNAMED: &str = "Unnamed error";

/// Titles an event whose frames are marked as own or not.
pub fn of(event: &Event) -> Title {
    let (mut kind, mut value) = match event.main_exception() {
        Some(main) => (named_kind(main), main.value.clone().unwrap_or_default()),
        None => {
            let message = event.message.as_ref().and_then(|message| message.text());
            (String::new(), message.unwrap_or_default().to_owned())
        }
    };
    if value.trim().is_empty()
        && event.main_exception().is_some()
        && let Some(message) = event.message.as_ref().and_then(|message| message.text())
    {
        message.clone_into(&mut value);
    }
    limits::cut(&mut kind, limits::NAME_BYTES);
    limits::cut(&mut value, limits::MESSAGE_BYTES);
    let mut culprit = culprit(event);
    limits::cut(&mut culprit, limits::SHORT_TEXT_BYTES);
    Title { line: line(&kind, &value, &culprit), kind, value, culprit }
}

/// The type; of a type that the SDK made up, the function that crashed.
fn named_kind(exception: &Exception) -> String {
    let synthetic = exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.synthetic == Some(true));
    let crashed = || frame_to_show(exception.stacktrace.as_ref()?).and_then(|frame| frame.function.clone());
    let kind = exception.kind.clone().filter(|kind| !kind.trim().is_empty());
    if synthetic { crashed().or(kind) } else { kind.or_else(|| exception.value.is_none().then(crashed)?) }
        .unwrap_or_default()
}

fn line(kind: &str, value: &str, culprit: &str) -> String {
    let clean = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let first_line = value.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let (kind, value) = (clean(kind), clean(first_line));
    let mut line = match (kind.is_empty(), value.is_empty()) {
        (false, false) => format!("{kind}: {value}"),
        (false, true) => kind,
        (true, false) => value,
        (true, true) if culprit.is_empty() => UNNAMED.to_owned(),
        (true, true) => format!("{UNNAMED} in {culprit}"),
    };
    limits::cut(&mut line, limits::NAME_BYTES);
    line
}

/// The own frame nearest to the crash; the crash itself where no frame is own.
fn frame_to_show(stack: &Stacktrace) -> Option<&Frame> {
    let named =
        |frame: &&Frame| frame.function.is_some() || frame.filename.is_some() || frame.module.is_some();
    let newest_first = || stack.frames.iter().rev().filter(named);
    newest_first().find(|frame| frame.in_app == Some(true)).or_else(|| newest_first().next())
}

fn culprit(event: &Event) -> String {
    let stacks = || {
        let chain = event.exceptions.iter().rev().filter_map(|exception| exception.stacktrace.as_ref());
        chain.chain(&event.stacktrace)
    };
    let own = stacks().find(|stack| stack.frames.iter().any(|frame| frame.in_app == Some(true)));
    let from_stack = |stack: &Stacktrace| frame_to_show(stack).map(place);
    let request_path = || {
        let url = event.request.as_ref()?.url.as_deref()?;
        Some(url.split(['?', '#']).next().unwrap_or_default().to_owned())
    };
    own.and_then(from_stack)
        .or_else(|| event.transaction.clone())
        .or_else(|| stacks().find_map(from_stack))
        .or_else(request_path)
        .unwrap_or_default()
}

fn place(frame: &Frame) -> String {
    let file = frame.filename.as_deref().or(frame.abs_path.as_deref());
    match (frame.module.as_deref().or(file), frame.function.as_deref()) {
        (Some(place), Some(function)) => format!("{function} in {place}"),
        (Some(place), None) => place.to_owned(),
        (None, Some(function)) => function.to_owned(),
        (None, None) => String::new(),
    }
}
