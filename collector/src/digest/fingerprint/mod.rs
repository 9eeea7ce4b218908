//! What an event has in common with others: the keys that it is grouped by.
//!
//! A version, once released, never changes, because the hashes of years are in people's stores; a better idea
//! becomes the next version. So a version imports nothing but the wire model, and this module only says
//! which one is current and gives its keys the store's form.

use error_sentinel_wire::Event;

use crate::store::event::{GroupKey, Grouping};

pub mod v1;

/// The keys of an event by the current version, the one that decides first. There is always at least one.
///
/// The frames must be marked as own or not, see [`super::normalise::complete`].
pub fn grouping(event: &Event) -> Grouping {
    let keys = v1::keys(event).into_iter();
    let keys = keys.map(|key| GroupKey { hash: v1::hash(&key), kind: key.kind.into(), text: key.text });
    Grouping { version: v1::VERSION, keys: keys.collect() }
}

/// The hashes by which an event joins an issue: all that the deciding key's kind admits.
///
/// The sender's own grouping stands alone; of two stacks either may match; the message counts only where it
/// decides, since a message alone says too little to override a stack.
pub fn joining(grouping: &Grouping) -> impl Iterator<Item = [u8; 16]> + '_ {
    let is_stack = |key: &GroupKey| matches!(key.kind.as_str(), v1::APP | v1::SYSTEM);
    let by_stack = grouping.keys.first().is_some_and(is_stack);
    let keys = grouping.keys.iter().enumerate();
    keys.filter(move |(at, key)| *at == 0 || by_stack && is_stack(key)).map(|(_, key)| key.hash)
}
