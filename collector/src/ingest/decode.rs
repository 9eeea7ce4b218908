//! Undoes a request's `Content-Encoding`, capped on what comes out.
//!
//! The cap holds while reading: a bomb costs no more memory than an honest request of the largest size.

use std::io::Read;

use axum::http::StatusCode;
use bytes::Bytes;
use error_sentinel_wire::limits;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::reply::Refusal;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or RFC 1951 from senders that took the name literally.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// Reads the header. Empty (Ruby) and `UTF-8` (early Android SDKs) mean none.
    ///
    /// # Errors
    /// [`Refusal`] for an encoding unknown here, and for several on top of each other.
    pub fn parse(header: &str) -> Result<Encoding, Refusal> {
        let name = header.trim().to_ascii_lowercase();
        match name.as_str() {
            "" | "identity" | "utf-8" | "none" => Ok(Encoding::Identity),
            "gzip" | "x-gzip" => Ok(Encoding::Gzip),
            "deflate" => Ok(Encoding::Deflate),
            "br" => Ok(Encoding::Brotli),
            "zstd" => Ok(Encoding::Zstd),
            _ => Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "encoding",
                format!("Content-Encoding {name:.40} is not known; send gzip, deflate, br, zstd or none"),
            )),
        }
    }
}

/// The body as it was before it was encoded.
///
/// # Errors
/// 413 past [`limits::ENVELOPE_BYTES`], 400 when it is damaged.
pub fn decode(body: Bytes, encoding: Encoding) -> Result<Bytes, Refusal> {
    let bytes = &body[..];
    match encoding {
        Encoding::Identity => Ok(body),
        Encoding::Gzip => read(MultiGzDecoder::new(bytes), "gzip"),
        // A zlib header has method 8 in its low bits and is a multiple of 31.
        Encoding::Deflate => match bytes {
            [a, b, ..] if a & 0x0f == 8 && u16::from_be_bytes([*a, *b]) % 31 == 0 => {
                read(ZlibDecoder::new(bytes), "deflate").or_else(|refusal| match refusal.status {
                    // Raw data can look like a zlib header by chance.
                    StatusCode::BAD_REQUEST => read(DeflateDecoder::new(bytes), "deflate"),
                    _ => Err(refusal),
                })
            }
            _ => read(DeflateDecoder::new(bytes), "deflate"),
        },
        Encoding::Brotli => read(brotli_decompressor::Decompressor::new(bytes, 16 * 1024), "br"),
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::new(bytes).map_err(|_| damaged("zstd"))?;
            // A frame may ask for a window of 2 GiB; no honest sender needs more than the largest envelope.
            decoder.window_log_max(25).map_err(|_| damaged("zstd"))?;
            read(decoder, "zstd")
        }
    }
}

fn read(mut decoder: impl Read, name: &str) -> Result<Bytes, Refusal> {
    let mut decoded = Vec::new();
    // One byte more than allowed tells "exactly full" from "too much".
    let cap = limits::ENVELOPE_BYTES as u64 + 1;
    match decoder.by_ref().take(cap).read_to_end(&mut decoded) {
        Ok(_) if decoded.len() > limits::ENVELOPE_BYTES => Err(too_large()),
        Ok(_) => Ok(decoded.into()),
        Err(_) => Err(damaged(name)),
    }
}

/// The refusal for what is too large, encoded or not.
pub fn too_large() -> Refusal {
    let detail = format!("the request is over {} MiB", limits::ENVELOPE_BYTES / 1024 / 1024);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn damaged(name: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "encoding",
        format!("the body says Content-Encoding: {name}, but it cannot be decoded as that"),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use proptest::prelude::*;

    const ALL: [Encoding; 4] = [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd];

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    proptest! {
        #[test]
        fn what_a_sender_encoded_comes_out_again(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
            for (encoding, encoded) in [
                (Encoding::Identity, bytes.clone()),
                (Encoding::Gzip, gzip(&bytes)),
                (Encoding::Deflate, zlib(&bytes)),
                (Encoding::Deflate, raw_deflate(&bytes)),
                (Encoding::Zstd, zstd::encode_all(&bytes[..], 1).unwrap()),
            ] {
                prop_assert_eq!(&decode(encoded.into(), encoding).unwrap()[..], &bytes[..], "{:?}", encoding);
            }
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            for encoding in ALL {
                if let Err(refusal) = decode(bytes.clone().into(), encoding) {
                    prop_assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
                }
            }
        }
    }

    #[test]
    fn brotli_is_read() {
        // "hello" as an uncompressed meta-block.
        const ENCODED: [u8; 9] = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        assert_eq!(&decode(Bytes::from_static(&ENCODED), Encoding::Brotli).unwrap()[..], b"hello");
    }

    #[test]
    fn a_bomb_is_refused_at_the_cap() {
        let zeroes = vec![0; limits::ENVELOPE_BYTES + 1];
        for (encoding, bomb) in [
            (Encoding::Gzip, gzip(&zeroes)),
            (Encoding::Deflate, zlib(&zeroes)),
            (Encoding::Deflate, raw_deflate(&zeroes)),
            (Encoding::Zstd, zstd::encode_all(&zeroes[..], 1).unwrap()),
        ] {
            assert!(bomb.len() < zeroes.len() / 100);
            let refusal = decode(bomb.into(), encoding).unwrap_err();
            assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE, "{encoding:?}");
        }
        let full = zeroes[1..].to_vec();
        assert_eq!(decode(gzip(&full).into(), Encoding::Gzip).unwrap().len(), full.len());
    }

    #[test]
    fn headers_that_mean_nothing_are_ignored_and_unknown_ones_named() {
        for header in ["", " ", "UTF-8", "identity"] {
            assert_eq!(Encoding::parse(header), Ok(Encoding::Identity));
        }
        assert_eq!(Encoding::parse("lzma").unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
