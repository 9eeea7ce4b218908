//! A slot of the file that a process writes its panics to is an event as it was kept, or it is refused, whatever comes
//! behind it.

use error_sentinel::engine::{Outgoing, stored};
use error_sentinel_wire::EventId;

pub fn run(bytes: &[u8]) {
    if let Ok(event) = stored::decode_named(bytes) {
        assert_eq!(stored::decode_named(&stored::encode_named(&event)), Ok(event));
    }
    // No bytes of an event, and none that an earlier one has left behind it, are taken for its frame.
    let event = Outgoing {
        event_id: EventId(bytes.len() as u128),
        json: bytes.to_vec(),
        occurrence_count: bytes.len() as u64 + 1,
        is_urgent: false,
    };
    let mut slot = stored::encode_named(&event);
    slot.extend_from_slice(bytes);
    assert_eq!(stored::decode_named(&slot), Ok(event));
}
