//! Payloads as they lie on the disk.

/// A payload ready for the disk; compressed outside the transaction, so that the one writer is not held up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// zstd of the JSON.
    pub compressed: Vec<u8>,
}
