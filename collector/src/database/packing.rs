//! Packing of what is written: zstd for what stays, LZ4 for what is soon gone, with a bound on what comes out again.
//!
//! zstd's contexts are kept per thread, because making one costs more than packing a small event.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// Level 1: of 12 KB of JSON it leaves a quarter in a few dozen microseconds; higher levels win little more.
const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Begins what LZ4 packed; a frame of zstd begins with another byte (RFC 8878: 0x28).
const LZ4: u8 = 1;

/// Packs `bytes` in less time than [`pack`], and less well.
pub fn pack_quickly(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; 1 + lz4_flex::block::get_maximum_output_size(bytes.len())];
    packed[0] = LZ4;
    match lz4_flex::block::compress_into(bytes, &mut packed[1..]) {
        Ok(length) => {
            packed.truncate(1 + length);
            packed.shrink_to_fit();
            packed
        }
        // It fails where there is too little room only, of which there is enough for whatever comes.
        Err(_) => pack(bytes),
    }
}

/// Packs `bytes` well.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    // Compressing fails only when memory is short; what was accepted is kept even then.
    compress(bytes).unwrap_or_else(|_| enclose(bytes))
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(Compressor::new(LEVEL)?),
        };
        let mut packed = compressor.compress(bytes)?;
        packed.shrink_to_fit();
        Ok(packed)
    })
}

/// A zstd frame that holds `bytes` as they are (RFC 8878: magic, single-segment header, raw blocks).
fn enclose(bytes: &[u8]) -> Vec<u8> {
    const BLOCK_BYTES: usize = 128 * 1024;
    let mut frame = Vec::with_capacity(bytes.len() + 16 + 3 * (bytes.len() / BLOCK_BYTES + 1));
    frame.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0xe0]);
    frame.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    let mut rest = bytes;
    loop {
        let (block, after) = rest.split_at(rest.len().min(BLOCK_BYTES));
        let last = u32::from(after.is_empty());
        let header = last | ((block.len() as u32) << 3);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
        if after.is_empty() {
            return frame;
        }
        rest = after;
    }
}

/// Unpacks at most `max_bytes`, however they were packed.
///
/// # Errors
/// When `packed` is damaged or holds more.
pub fn unpack(packed: &[u8], max_bytes: usize) -> io::Result<Vec<u8>> {
    if let [LZ4, block @ ..] = packed {
        // A byte of a block stands for 255 at most.
        let bound = block.len().saturating_mul(255).min(max_bytes);
        return lz4_flex::block::decompress(block, bound).map_err(io::Error::other);
    }
    // The frame's own word about its size is a hint from the disk, and no more than that.
    let hint = Decompressor::upper_bound(packed).unwrap_or(max_bytes).min(max_bytes);
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress(packed, hint)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_becomes_much_smaller() {
        let json = br#"{"filename":"/app/src/checkout.py","function":"charge","lineno":42},"#.repeat(200);
        let packed = pack(&json);
        assert!(packed.len() * 4 < json.len(), "{} of {}", packed.len(), json.len());
        assert_eq!(unpack(&packed, json.len()).unwrap(), json);
    }

    #[test]
    fn more_than_the_bound_is_refused() {
        for pack in [pack, pack_quickly] {
            let packed = pack(&[0; 1_000_000]);
            assert!(unpack(&packed, 999_999).is_err());
            assert_eq!(unpack(&packed, 1_000_000).unwrap(), [0; 1_000_000]);
            assert_eq!(unpack(&packed, 2_000_000).unwrap(), [0; 1_000_000]);
        }
    }

    #[test]
    fn an_envelope_packed_quickly_takes_less_than_half() {
        let json = br#"{"filename":"/app/src/checkout.py","function":"charge","lineno":42},"#.repeat(200);
        assert!(pack_quickly(&json).len() * 2 < json.len());
    }

    #[test]
    fn what_could_not_be_compressed_is_enclosed_as_it_is() {
        for len in [0, 1, 128 * 1024, 300_000] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            assert_eq!(unpack(&enclose(&bytes), bytes.len()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_frame_that_does_not_say_its_size_is_unpacked_too() {
        let packed = zstd::stream::encode_all(&b"streamed"[..], 1).unwrap();
        assert_eq!(unpack(&packed, 100).unwrap(), b"streamed");
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_out_again(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(&unpack(&pack(&bytes), bytes.len()).unwrap(), &bytes);
            prop_assert_eq!(&unpack(&pack_quickly(&bytes), bytes.len()).unwrap(), &bytes);
        }

        #[test]
        fn damaged_bytes_are_refused_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
            for first in [bytes[0], LZ4] {
                bytes[0] = first;
                if let Ok(unpacked) = unpack(&bytes, 1000) {
                    prop_assert!(unpacked.len() <= 1000);
                }
            }
        }
    }
}
