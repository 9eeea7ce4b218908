//! Undoes a request's `Content-Encoding`, capped on what comes out.
//!
//! The cap holds while reading: a bomb costs no more memory than an honest request of the largest size.

use std::io::{self, Read};

use axum::http::{HeaderMap, StatusCode, header};
use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
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

/// Largest window that a zstd frame may ask for, as a power of two: RFC 9659's 8 MiB for content encodings. The
/// format would allow 2 GiB.
const ZSTD_WINDOW_LOG: u32 = 23;

impl Encoding {
    /// Reads a request's header, which may stand there more than once.
    ///
    /// # Errors
    /// As [`Encoding::parse`].
    pub fn of(headers: &HeaderMap) -> Result<Encoding, Refusal> {
        let mut names = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .filter(|value| !value.trim().is_empty());
        match (names.next(), names.next()) {
            (None, _) => Ok(Encoding::Identity),
            (Some(name), None) => Encoding::parse(&name),
            (Some(first), Some(second)) => Encoding::parse(&format!("{first}, {second}")),
        }
    }

    /// Reads the header. Empty (Ruby) and `UTF-8` (early Android SDKs) mean none.
    ///
    /// # Errors
    /// [`Refusal`] for an encoding unknown here, and for several on top of each other.
    fn parse(header: &str) -> Result<Encoding, Refusal> {
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

/// The body as it was before it was encoded, at most `max_bytes` of it.
///
/// # Errors
/// 413 past `max_bytes`, 400 when it is damaged.
pub fn decode(body: Bytes, encoding: Encoding, max_bytes: usize) -> Result<Bytes, Refusal> {
    if encoding == Encoding::Identity {
        return Ok(body);
    }
    unfold(&body, encoding, max_bytes, |decoder| {
        let mut decoded = Vec::new();
        decoder.read_to_end(&mut decoded)?;
        Ok((decoded.len(), decoded.into()))
    })
}

/// Decodes and keeps nothing: whether [`decode`] would succeed, for the price of its time but not of its memory.
///
/// # Errors
/// As [`decode`].
pub fn check(body: &[u8], encoding: Encoding, max_bytes: usize) -> Result<(), Refusal> {
    unfold(body, encoding, max_bytes, |decoder| {
        let length = io::copy(decoder, &mut io::sink())?;
        Ok((usize::try_from(length).unwrap_or(usize::MAX), ()))
    })
}

/// Lets `read` read what comes out of a body, one byte more than `max_bytes` of it at most, and say how much it was.
fn unfold<T>(
    body: &[u8],
    encoding: Encoding,
    max_bytes: usize,
    read: impl Fn(&mut dyn Read) -> io::Result<(usize, T)>,
) -> Result<T, Refusal> {
    let read = |decoder: &mut dyn Read, name| {
        // One byte more than allowed tells "exactly full" from "too much".
        match read(&mut decoder.take(max_bytes as u64 + 1)) {
            Ok((length, _)) if length > max_bytes => Err(too_large()),
            Ok((_, decoded)) => Ok(decoded),
            Err(_) => Err(damaged(name)),
        }
    };
    match encoding {
        Encoding::Identity => read(&mut &*body, "identity"),
        Encoding::Gzip => read(&mut MultiGzDecoder::new(body), "gzip"),
        // A zlib header has method 8 in its low bits and is a multiple of 31.
        Encoding::Deflate => match body {
            [a, b, ..] if a & 0x0f == 8 && u16::from_be_bytes([*a, *b]) % 31 == 0 => {
                read(&mut ZlibDecoder::new(body), "deflate").or_else(|refusal| match refusal.status {
                    // Raw data can look like a zlib header by chance.
                    StatusCode::BAD_REQUEST => read(&mut DeflateDecoder::new(body), "deflate"),
                    _ => Err(refusal),
                })
            }
            _ => read(&mut DeflateDecoder::new(body), "deflate"),
        },
        Encoding::Brotli => {
            let mut decoder = Decompressor::new(body, 16 * 1024);
            // An extension beyond RFC 7932 lets 13 bytes ask for a window of 1 GiB; no sender may.
            decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
            read(&mut decoder, "br")
        }
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::new(body).map_err(|_| damaged("zstd"))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| damaged("zstd"))?;
            read(&mut decoder, "zstd")
        }
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

/// 21 MiB of zeroes as brotli.
#[cfg(test)]
pub const BROTLI_BOMB: [u8; 39] = [
    0xcb, 0xff, 0xff, 0x3f, 0x00, 0x24, 0x60, 0xe2, 0xb1, 0x40, 0x72, 0xef, 0xff, 0xf8, 0xff, 0xff, 0x07,
    0x80, 0x04, 0x40, 0x1c, 0x16, 0x80, 0xee, 0xfd, 0x5f, 0xfe, 0xff, 0x3f, 0x01, 0x90, 0x00, 0x88, 0xc3,
    0x02, 0xd0, 0xbd, 0x7f, 0x02,
];

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use proptest::prelude::*;

    /// A thousand zeroes as brotli with the extension of a window of 1 GiB.
    const BROTLI_LARGE_WINDOW: [u8; 13] =
        [0x11, 0x5e, 0x9c, 0x0f, 0xe0, 0x97, 0x80, 0x89, 0xc6, 0x02, 0x01, 0xa1, 0x01];
    /// `hello` four times, with blanks in between.
    const BROTLI_HELLO: [u8; 20] = [
        0x1b, 0x16, 0x00, 0xf8, 0x8d, 0x94, 0x6e, 0xde, 0x44, 0x55, 0x86, 0x96, 0x6c, 0x20, 0x6f, 0x21, 0x4f,
        0x1c, 0xe0, 0x38,
    ];

    const ALL: [Encoding; 4] = [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd];

    fn decoded(body: impl Into<Bytes>, encoding: Encoding) -> Result<Bytes, Refusal> {
        decode(body.into(), encoding, limits::ENVELOPE_BYTES)
    }

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
                prop_assert_eq!(&decoded(encoded, encoding).unwrap()[..], &bytes[..], "{:?}", encoding);
            }
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            for encoding in ALL {
                let outcome = decoded(bytes.clone(), encoding);
                prop_assert_eq!(check(&bytes, encoding, limits::ENVELOPE_BYTES), outcome.clone().map(|_| ()));
                if let Err(refusal) = outcome {
                    prop_assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
                }
            }
        }
    }

    #[test]
    fn brotli_is_read() {
        // "hello" as an uncompressed meta-block.
        const STORED: [u8; 9] = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        assert_eq!(&decoded(&STORED[..], Encoding::Brotli).unwrap()[..], b"hello");
        assert_eq!(&decoded(&BROTLI_HELLO[..], Encoding::Brotli).unwrap()[..], b"hello hello hello hello");
    }

    #[test]
    fn windows_larger_than_any_honest_sender_needs_are_refused() {
        let refusal = decoded(&BROTLI_LARGE_WINDOW[..], Encoding::Brotli).unwrap_err();
        assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
        let framed = |window_log| {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(window_log).unwrap();
            encoder.write_all(b"hello").unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(&decoded(framed(ZSTD_WINDOW_LOG), Encoding::Zstd).unwrap()[..], b"hello");
        let refusal = decoded(framed(ZSTD_WINDOW_LOG + 1), Encoding::Zstd).unwrap_err();
        assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_body_that_was_cut_is_not_taken_for_a_shorter_one() {
        let text: Vec<u8> = (0..10_000u32).flat_map(|n| (n * 7919).to_le_bytes()).collect();
        for (encoding, whole) in [
            (Encoding::Gzip, gzip(&text)),
            (Encoding::Deflate, zlib(&text)),
            (Encoding::Deflate, raw_deflate(&text)),
            (Encoding::Zstd, zstd::encode_all(&text[..], 1).unwrap()),
            (Encoding::Brotli, BROTLI_HELLO.to_vec()),
        ] {
            let cut = whole[..whole.len() / 2].to_vec();
            let refusal = decoded(cut, encoding).unwrap_err();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{encoding:?}");
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_cap() {
        let zeroes = vec![0; limits::ENVELOPE_BYTES + 1];
        for (encoding, bomb) in [
            (Encoding::Gzip, gzip(&zeroes)),
            (Encoding::Deflate, zlib(&zeroes)),
            (Encoding::Deflate, raw_deflate(&zeroes)),
            (Encoding::Zstd, zstd::encode_all(&zeroes[..], 1).unwrap()),
            (Encoding::Brotli, BROTLI_BOMB.to_vec()),
        ] {
            assert!(bomb.len() < zeroes.len() / 100);
            assert_eq!(check(&bomb, encoding, limits::ENVELOPE_BYTES), Err(too_large()), "{encoding:?}");
            let refusal = decoded(bomb, encoding).unwrap_err();
            assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE, "{encoding:?}");
        }
        let full = zeroes[1..].to_vec();
        assert_eq!(decoded(gzip(&full), Encoding::Gzip).unwrap().len(), full.len());
    }

    #[test]
    fn headers_that_mean_nothing_are_ignored_and_unknown_ones_named() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, value.parse().unwrap());
            }
            Encoding::of(&headers)
        };
        for nothing in [&[][..], &[""], &[" "], &["UTF-8"], &["identity"], &["", ""]] {
            assert_eq!(of(nothing), Ok(Encoding::Identity));
        }
        assert_eq!(of(&["", "GZIP"]), Ok(Encoding::Gzip));
        for unknown in [&["lzma"][..], &["gzip, br"], &["gzip", "br"]] {
            assert_eq!(of(unknown).unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{unknown:?}");
        }
    }
}
