//! A file of the spool is an event as it was kept, or it is refused.

use error_sentinel::engine::{Outgoing, stored};
use error_sentinel_wire::EventId;

pub fn run(bytes: &[u8]) {
    let event_id = EventId(1);
    if let Ok(event) = stored::decode(event_id, bytes) {
        assert_eq!(stored::decode(event_id, &stored::encode(&event)), Ok(event));
    }
    // No bytes of an event are taken for its frame.
    let event = Outgoing {
        event_id,
        json: bytes.to_vec(),
        occurrence_count: bytes.len() as u64 + 1,
        is_urgent: false,
    };
    assert_eq!(stored::decode(event_id, &stored::encode(&event)), Ok(event));
}
