//! Version 1 of the grouping. Frozen: what it says of an event must never change.
//!
//! Two events are one bug when the application's own frames are the same, function by function, together
//! with the types of the exceptions; lines and columns do not count, since every edit moves them. Where no
//! frame is the application's, all frames count. Only where there is no stack at all does the message count,
//! with its ids and numbers taken out. The sender's own `fingerprint` overrides everything.

use error_sentinel_wire::{Event, Exception};
use sha2::{Digest, Sha256};

mod file;
mod frame;
mod function;
mod parameterise;
mod stack;

use parameterise::{parameterise, without_locals};
use stack::{Shape, Shapes};

/// Goes into every hash.
pub const VERSION: u32 = 1;
/// The sender's own grouping.
pub const CUSTOM: &str = "custom";
/// The application's own frames.
pub const APP: &str = "app";
/// All frames.
pub const SYSTEM: &str = "system";
/// Type and message.
pub const MESSAGE: &str = "message";

/// One way to say what an event has in common with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// [`CUSTOM`], [`APP`], [`SYSTEM`] or [`MESSAGE`].
    pub kind: &'static str,
    /// Readable: `TypeError ¦ checkout in cart.js; submit in form.js`.
    pub text: String,
}

/// What is looked up: the first 16 bytes of SHA-256 over version, kind and text.
pub fn hash(key: &Key) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(VERSION.to_be_bytes());
    hasher.update(key.kind);
    hasher.update([0]);
    hasher.update(&key.text);
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize()[..16]);
    short
}

/// Every key of an event, the one that decides first; at least one.
pub fn keys(event: &Event) -> Vec<Key> {
    let [own, all] = stack_texts(event);
    let stacks = [(APP, own), (SYSTEM, all)].into_iter();
    let mut keys: Vec<Key> = stacks.filter_map(|(kind, text)| Some(Key { kind, text: text? })).collect();
    keys.push(Key { kind: MESSAGE, text: message_text(event) });
    if let Some(text) = custom_text(event, &keys[0].text) {
        keys.insert(0, Key { kind: CUSTOM, text });
    }
    keys
}

/// Between the parts of a key.
const PART: &str = " ¦ ";

/// The sender's own grouping; `None` when it only asks for ours.
fn custom_text(event: &Event, default: &str) -> Option<String> {
    let is_default = |part: &str| {
        let inner = part.trim().strip_prefix("{{").and_then(|part| part.strip_suffix("}}"));
        inner.is_some_and(|inner| inner.trim() == "default")
    };
    if event.fingerprint.iter().all(|part| is_default(part)) {
        return None;
    }
    let parts = event.fingerprint.iter().map(|part| if is_default(part) { default } else { part.as_str() });
    Some(parts.collect::<Vec<_>>().join(PART))
}

/// What the stacks say, by the own frames and by all; `None` when no frame says anything.
fn stack_texts(event: &Event) -> [Option<String>; 2] {
    let platform = event.platform.as_deref().unwrap_or_default();
    if event.exceptions.is_empty() {
        let Some(stack) = event.stacktrace.as_ref() else { return [None, None] };
        let Shapes { own, all } = Shapes::of(stack, platform);
        return [own, all].map(|shape| Some(logged_text(event, &shape?)));
    }
    let mut own: Vec<(&Exception, Option<Shape>)> = Vec::new();
    let mut all = own.clone();
    for exception in chain(event) {
        let stack = exception.stacktrace.as_ref();
        let shapes = stack.map(|stack| Shapes::of(stack, platform)).unwrap_or_default();
        own.push((exception, shapes.own));
        all.push((exception, shapes.all));
    }
    [own, all].map(|chain| chain_text(&chain))
}

/// A log line's stack only says who logs; what was logged tells one line from another.
fn logged_text(event: &Event, stack: &Shape) -> String {
    let template = event.message.as_ref().and_then(|message| message.template.as_deref().or(message.text()));
    join(&template.map(parameterise).unwrap_or_default(), &stack.text)
}

/// Exceptions from the outermost in, each as its type and frames; `None` when no frame says anything.
fn chain_text(chain: &[(&Exception, Option<Shape>)]) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for (exception, stack) in chain {
        let mut part = kind(exception, stack.is_none());
        if let Some(stack) = stack {
            if !stack.is_telling {
                let message = exception.value.as_deref().map(without_locals).unwrap_or_default();
                part = join(&part, &message);
            }
            part = join(&part, &stack.text);
        }
        // Errors raised together under one group differ in number from time to time, not in kind.
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    chain.iter().any(|(_, stack)| stack.is_some()).then(|| parts.join("\n"))
}

/// The exceptions that count, the one that surfaced first.
fn chain(event: &Event) -> impl Iterator<Item = &Exception> {
    const MOST: usize = 12;
    event.exceptions.iter().rev().take(MOST)
}

/// The type, unless it means nothing and something better is there.
fn kind(exception: &Exception, is_alone: bool) -> String {
    let mechanism = exception.mechanism.as_ref();
    if mechanism.is_some_and(|mechanism| mechanism.synthetic == Some(true)) && !is_alone {
        return String::new();
    }
    function::without_numbers(exception.kind.as_deref().unwrap_or_default())
}

fn message_text(event: &Event) -> String {
    if let Some(main) = event.main_exception() {
        let value = main.value.as_deref().map(parameterise).unwrap_or_default();
        let text = join(&kind(main, true), &value);
        if !text.is_empty() {
            return text;
        }
    }
    let template = event.message.as_ref().and_then(|message| message.template.as_deref().or(message.text()));
    let text = template.map(parameterise).filter(|text| !text.is_empty());
    let place = || event.transaction.as_deref().or(event.logger.as_deref()).map(parameterise);
    text.or_else(place).unwrap_or_else(|| "no type, no message".to_owned())
}

fn join(first: &str, second: &str) -> String {
    if first.is_empty() || second.is_empty() {
        return format!("{first}{second}");
    }
    format!("{first}{PART}{second}")
}

#[cfg(test)]
mod tests;
