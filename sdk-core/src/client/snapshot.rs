//! What the reporting thread hands to the worker.

use std::hash::{DefaultHasher, Hash, Hasher};

use error_sentinel_wire::{Event, Level, Message, UnixMs, User};

use crate::alert::{Chain, Origin};
use crate::breadcrumbs::Trail;
use crate::engine::Sighting;

/// An alert as the thread that raised it saw it; names are found later, by the worker.
pub struct Snapshot {
    /// All else that is known of it.
    pub event: Event,
    /// The error that it is about, until the worker makes exceptions of it.
    pub chain: Chain,
    /// The steps before it.
    pub trail: Trail,
    /// Addresses of the stack, the newest first.
    pub addresses: Vec<usize>,
    /// The stack that the error itself brings along.
    pub origin: Option<Origin>,
    /// Whether the stack is that of a panic.
    pub is_panic: bool,
}

impl Snapshot {
    /// Puts the error into the wire's words.
    pub fn settle(&mut self) {
        if !self.chain.is_empty() {
            self.event.exceptions = std::mem::take(&mut self.chain).into_exceptions();
        }
    }

    /// What tells it from others: its stack, or what it says where it has none.
    pub fn sighting(&self, at: UnixMs) -> Sighting<'_> {
        let event = &self.event;
        let of_event = event.main_exception();
        let of_event = of_event.map(|exception| (exception.kind.as_deref(), exception.value.as_deref()));
        let of_chain = self.chain.surfaced().map(|(kind, value)| (Some(kind), Some(value)));
        let (kind, said) = of_chain.or(of_event).unwrap_or_default();
        let message = said.or_else(|| event.message.as_ref().and_then(Message::text));
        let mut hasher = DefaultHasher::new();
        kind.hash(&mut hasher);
        event.level.map(Level::as_str).hash(&mut hasher);
        event.fingerprint.hash(&mut hasher);
        // The stack as it was taken, or as an event made elsewhere brings it.
        let stack = event.main_exception().and_then(|exception| exception.stacktrace.as_ref());
        match stack.filter(|stack| !stack.frames.is_empty()) {
            Some(stack) => {
                for frame in &stack.frames {
                    (&frame.module, &frame.function, &frame.filename).hash(&mut hasher);
                    (frame.lineno, frame.colno, &frame.instruction_addr).hash(&mut hasher);
                }
            }
            None if self.addresses.is_empty() => message.hash(&mut hasher),
            None => {}
        }
        self.addresses.hash(&mut hasher);
        let user = event.user.as_ref().and_then(User::identity);
        Sighting { key: hasher.finish(), at, user, message, tags: &event.tags }
    }
}
