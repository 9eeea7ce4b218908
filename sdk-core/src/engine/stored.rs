//! The form in which an event is kept outside of memory: a line that says what follows, then the event.
//!
//! What is read back is hostile: another program may have written it, or a power cut ended it early. So it is taken
//! only when length and checksum fit; it never gets the right to be longer than an event may be.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use error_sentinel_wire::{EventId, limits};

use super::Outgoing;

const NAME: &str = "error-sentinel-event";
const VERSION: &str = "1";
/// Longest first line.
const LINE_BYTES: usize = 100;

/// Longest line before an event that lies among others: 32 digits, a length, 16 digits.
const NAMED_LINE_BYTES: usize = 80;

/// Most bytes that a kept event can have.
pub const MAX_BYTES: usize = LINE_BYTES + limits::EVENT_BYTES;

/// It is no kept event, or not all of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotStored;

impl fmt::Display for NotStored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a whole event as Error Sentinel keeps it")
    }
}

impl core::error::Error for NotStored {}

/// The bytes to keep of an event. Its name is not among them: they are kept under it.
pub fn encode(event: &Outgoing) -> Vec<u8> {
    let json = event.json.as_slice();
    let checksum = checksum(event.occurrence_count, json);
    let line = format!("{NAME} {VERSION} {} {} {checksum:016x}\n", event.occurrence_count, json.len());
    let mut bytes = line.into_bytes();
    bytes.extend_from_slice(json);
    bytes
}

/// Reads what [`encode`] made.
///
/// # Errors
/// [`NotStored`] when a single byte of it is missing or wrong.
pub fn decode(event_id: EventId, bytes: &[u8]) -> Result<Outgoing, NotStored> {
    let end = bytes.iter().take(LINE_BYTES).position(|byte| *byte == b'\n').ok_or(NotStored)?;
    let (line, rest) = bytes.split_at_checked(end).ok_or(NotStored)?;
    let json = rest.get(1..).ok_or(NotStored)?;
    let line = core::str::from_utf8(line).map_err(|_| NotStored)?;
    let mut words = line.split(' ');
    if words.next() != Some(NAME) || words.next() != Some(VERSION) {
        return Err(NotStored);
    }
    let occurrence_count: u64 = words.next().and_then(|word| word.parse().ok()).ok_or(NotStored)?;
    let length: usize = words.next().and_then(|word| word.parse().ok()).ok_or(NotStored)?;
    let expected = words.next().and_then(|word| u64::from_str_radix(word, 16).ok()).ok_or(NotStored)?;
    let is_whole = occurrence_count > 0 && length == json.len() && length <= limits::EVENT_BYTES;
    if !is_whole || words.next().is_some() || expected != checksum(occurrence_count, json) {
        return Err(NotStored);
    }
    Ok(Outgoing { event_id, json: json.to_vec(), occurrence_count, is_urgent: false })
}

/// The same for an event that lies among others in one file: a line with its name and its length comes first.
pub fn encode_named(event: &Outgoing) -> Vec<u8> {
    let kept = encode(event);
    let (name, length) = (event.event_id, kept.len());
    let mut bytes = format!("{name} {length} {:016x}\n", name_checksum(name, length)).into_bytes();
    bytes.extend_from_slice(&kept);
    bytes
}

/// Reads what [`encode_named`] made, at the beginning of `bytes`; what comes behind it is not looked at.
///
/// # Errors
/// [`NotStored`] when a single byte of it is missing or wrong.
pub fn decode_named(bytes: &[u8]) -> Result<Outgoing, NotStored> {
    let end = bytes.iter().take(NAMED_LINE_BYTES).position(|byte| *byte == b'\n').ok_or(NotStored)?;
    let (line, rest) = bytes.split_at_checked(end).ok_or(NotStored)?;
    let line = core::str::from_utf8(line).map_err(|_| NotStored)?;
    let mut words = line.split(' ');
    let name = words.next().and_then(|word| EventId::parse(word).ok()).ok_or(NotStored)?;
    let length: usize = words.next().and_then(|word| word.parse().ok()).ok_or(NotStored)?;
    let expected = words.next().and_then(|word| u64::from_str_radix(word, 16).ok()).ok_or(NotStored)?;
    if words.next().is_some() || expected != name_checksum(name, length) {
        return Err(NotStored);
    }
    decode(name, rest.get(1..).and_then(|rest| rest.get(..length)).ok_or(NotStored)?)
}

fn name_checksum(name: EventId, length: usize) -> u64 {
    checksum(length as u64, &name.0.to_be_bytes())
}

/// The 64-bit hash by Fowler, Noll and Vo (FNV-1a): against accidents, not against forgery.
fn checksum(occurrence_count: u64, json: &[u8]) -> u64 {
    let bytes = occurrence_count.to_le_bytes();
    let bytes = bytes.iter().chain(json);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_kept_is_read_back_whole_or_not_at_all(
            json in prop::collection::vec(any::<u8>(), 0..300), count in 1u64.., at in any::<prop::sample::Index>(),
            flip in 1u8..,
        ) {
            let event = Outgoing { event_id: EventId(7), json, occurrence_count: count, is_urgent: false };
            let bytes = encode(&event);
            prop_assert!(bytes.len() <= MAX_BYTES);
            prop_assert_eq!(decode(EventId(7), &bytes), Ok(event));
            let at = at.index(bytes.len());
            prop_assert_eq!(decode(EventId(7), &bytes[..at]), Err(NotStored));
            let mut wrong = bytes.clone();
            wrong[at] ^= flip;
            if let Ok(read) = decode(EventId(7), &wrong) {
                // A digit of the checksum in the other case is the same digit.
                prop_assert_eq!(encode(&read), bytes);
            }
        }

        #[test]
        fn what_lies_among_others_is_read_back_whole_under_its_name_or_not_at_all(
            json in prop::collection::vec(any::<u8>(), 0..300), id: u128, count in 1u64..,
            at in any::<prop::sample::Index>(), flip in 1u8.., behind in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let event = Outgoing { event_id: EventId(id), json, occurrence_count: count, is_urgent: false };
            let whole = encode_named(&event);
            let mut bytes = whole.clone();
            bytes.extend_from_slice(&behind);
            prop_assert_eq!(decode_named(&bytes), Ok(event.clone()));
            let at = at.index(whole.len());
            prop_assert_eq!(decode_named(&whole[..at]), Err(NotStored));
            bytes[at] ^= flip;
            if let Ok(read) = decode_named(&bytes) {
                // A digit in the other case is the same digit.
                prop_assert_eq!(read, event);
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(EventId(1), &bytes);
            let _ = decode_named(&bytes);
        }
    }

    #[test]
    fn what_is_longer_than_an_event_may_be_is_none() {
        let json = vec![b'x'; limits::EVENT_BYTES + 1];
        let event = Outgoing { event_id: EventId(1), json, occurrence_count: 1, is_urgent: false };
        assert_eq!(decode(EventId(1), &encode(&event)), Err(NotStored));
    }
}
