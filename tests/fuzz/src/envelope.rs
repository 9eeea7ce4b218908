//! An envelope is read to its end or to its first error, never past its length.

use error_sentinel_wire::envelope;

pub fn run(bytes: &[u8]) {
    if let Ok((_, items)) = envelope::open(bytes) {
        let payload_bytes: usize = items.flatten().map(|item| item.payload.len()).sum();
        assert!(payload_bytes <= bytes.len());
    }
}
