//! Bodies encoded as senders encode them, honest ones and bombs.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// What a bomb unfolds to: ten gigabytes.
const BOMB_BYTES: usize = 10 * 1024 * 1024 * 1024;
/// One part of a bomb; the parts are equal.
const PART_BYTES: usize = 64 * 1024 * 1024;

/// RFC 1952.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// RFC 1950: what `deflate` means by the letter of HTTP.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// RFC 1951: what some senders take `deflate` for.
pub fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// RFC 8878.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory takes it")
}

/// RFC 7932, by brotli's way of not compressing: one block of plain bytes, then the end.
///
/// # Panics
/// When `bytes` are none, or more than 64 KiB.
pub fn brotli_stored(bytes: &[u8]) -> Vec<u8> {
    // A window of 16 bits; a block that is not the last, its length less one in four nibbles, plain.
    let length = u16::try_from(bytes.len() - 1).expect("it fits into one block");
    let head = u32::from(length) << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], bytes, &[0b11]].concat()
}

/// For each encoding that the collector knows, a few hundred kilobytes or megabytes that unfold to gigabytes.
pub fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let zeroes = vec![b'0'; PART_BYTES];
    let parts = BOMB_BYTES / PART_BYTES;
    // Frames and members may follow each other, and a flushed block knows nothing of the one before it.
    let flushed = |mut encoder: DeflateEncoder<Vec<u8>>| {
        encoder.write_all(&zeroes).expect("memory takes it");
        encoder.flush().expect("memory takes it");
        encoder.get_ref().clone()
    };
    let block = flushed(DeflateEncoder::new(Vec::new(), Compression::default()));
    vec![
        ("gzip", gzip(&zeroes).repeat(parts)),
        ("deflate", [&[0x78, 0x9c], &block.repeat(parts)[..]].concat()),
        ("zstd", zstd(&zeroes).repeat(parts)),
        ("br", BROTLI_BOMB.to_vec()),
    ]
}

/// 21 MiB of zeroes as brotli: just over what an envelope may be.
const BROTLI_BOMB: [u8; 39] = [
    0xcb, 0xff, 0xff, 0x3f, 0x00, 0x24, 0x60, 0xe2, 0xb1, 0x40, 0x72, 0xef, 0xff, 0xf8, 0xff, 0xff, 0x07,
    0x80, 0x04, 0x40, 0x1c, 0x16, 0x80, 0xee, 0xfd, 0x5f, 0xfe, 0xff, 0x3f, 0x01, 0x90, 0x00, 0x88, 0xc3,
    0x02, 0xd0, 0xbd, 0x7f, 0x02,
];
