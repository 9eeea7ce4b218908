//! Payloads as they lie on the disk.

use super::{Result, StoreError};
use crate::database::packing;

/// A payload ready for the disk; compressed outside the transaction, so that the one writer is not held up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// zstd of the JSON.
    pub compressed: Vec<u8>,
}

impl Payload {
    /// Compresses JSON.
    pub fn compress(json: &[u8]) -> Payload {
        Payload { compressed: packing::pack(json) }
    }
}

/// The JSON of a compressed payload, at most `max_bytes` of it.
///
/// # Errors
/// [`StoreError::Unusable`] when it is damaged or larger.
pub fn expand(compressed: &[u8], max_bytes: usize) -> Result<Vec<u8>> {
    packing::unpack(compressed, max_bytes)
        .map_err(|error| StoreError::Unusable(format!("a payload cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_comes_back_as_it_was_and_within_its_bound() {
        let json = br#"{"message":"a"}"#;
        let payload = Payload::compress(json);
        assert_eq!(expand(&payload.compressed, json.len()).unwrap(), json);
        assert!(matches!(expand(&payload.compressed, json.len() - 1), Err(StoreError::Unusable(_))));
    }
}
