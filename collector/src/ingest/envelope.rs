//! Makes an envelope of what comes as something else: `/store/` bodies and `/log-error` objects.

use std::io::Read;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use error_sentinel_wire::envelope::{EnvelopeWriter, Header};
use error_sentinel_wire::{EventId, codec, limits, log_error};
use flate2::read::ZlibDecoder;

use super::reply::Refusal;

/// Ends every refusal of a `/log-error` body that is no JSON.
const WHAT_TO_SEND: &str = "send one JSON object, at least {\"message\": \"…\"}";
/// Most bytes of an event in base64, generous with line breaks.
const ENCODED_BYTES_MAX: usize = 2 * limits::EVENT_BYTES;

/// The event of a `/store/` request: JSON, or what old SDKs made of it: base64 of JSON or of zlib of JSON.
///
/// # Errors
/// 400 when it is none of them, 413 when it is too large.
pub fn stored_event(body: Bytes) -> Result<Bytes, Refusal> {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    if body.get(start) == Some(&b'{') {
        return Ok(body);
    }
    if body.len() > ENCODED_BYTES_MAX {
        return Err(too_large());
    }
    let compact: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let Ok(decoded) = STANDARD.decode(compact) else {
        let detail = "the body is neither a JSON object nor base64 of one";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "json", detail));
    };
    if decoded.first() == Some(&b'{') {
        return Ok(decoded.into());
    }
    let mut event = Vec::new();
    let cap = limits::EVENT_BYTES as u64 + 1;
    match ZlibDecoder::new(&decoded[..]).take(cap).read_to_end(&mut event) {
        Ok(_) if event.len() > limits::EVENT_BYTES => Err(too_large()),
        Ok(_) => Ok(event.into()),
        Err(_) => {
            let detail = "the body is base64, but neither of a JSON object nor of a zlib stream";
            Err(Refusal::new(StatusCode::BAD_REQUEST, "json", detail))
        }
    }
}

fn too_large() -> Refusal {
    let detail = format!("the event is over {} bytes", limits::EVENT_BYTES);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

/// Wraps one event's JSON.
pub fn of_event(event: &[u8]) -> Bytes {
    let mut writer = EnvelopeWriter::new(&Header::default());
    writer.item("event", None, event);
    writer.into_bytes().into()
}

/// The event of a `/log-error` request, as JSON.
///
/// # Errors
/// 400 that says what is missing, 413 when it is too large.
pub fn logged_event(body: &[u8], new_id: impl FnOnce() -> EventId) -> Result<(EventId, Vec<u8>), Refusal> {
    let bad = |reason, detail: String| Refusal::new(StatusCode::BAD_REQUEST, reason, detail);
    if body.len() > limits::LOG_ERROR_BYTES {
        return Err(too_large());
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(bad("json", format!("the body is empty; {WHAT_TO_SEND}")));
    }
    let value = codec::decode_value(body)
        .map_err(|error| bad("json", format!("the body is {error}; {WHAT_TO_SEND}")))?;
    let mut event =
        log_error::event_from_value(value).map_err(|error| bad("log_error", error.to_string()))?;
    let id = *event.event_id.get_or_insert_with(new_id);
    Ok((id, event.to_json()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_store_body_comes_plain_as_base64_and_as_base64_of_zlib() {
        let json = br#"{"message":"x"}"#;
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(json).unwrap();
        let zlib = zlib.finish().unwrap();
        for body in [json.to_vec(), STANDARD.encode(json).into_bytes(), STANDARD.encode(zlib).into_bytes()] {
            assert_eq!(&stored_event(body.into()).unwrap()[..], json);
        }
        assert_eq!(stored_event("hello".into()).unwrap_err().status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_bomb_inside_base64_and_endless_base64_are_refused() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&vec![b' '; 4 * limits::EVENT_BYTES]).unwrap();
        let bomb = STANDARD.encode(zlib.finish().unwrap());
        for body in [bomb, "A".repeat(ENCODED_BYTES_MAX + 1)] {
            assert_eq!(stored_event(body.into()).unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200), text in "[A-Za-z0-9+/=\\s]{0,80}") {
            for body in [body, text.into_bytes()] {
                let _ = logged_event(&body, || EventId(1));
                let _ = stored_event(body.into());
            }
        }
    }

    #[test]
    fn a_bad_report_is_answered_with_what_to_do() {
        for (body, words) in [
            ("", "the body is empty"),
            ("message=x", "not valid JSON"),
            ("message=x", "send one JSON object"),
            ("[1]", "send one JSON object"),
            ("{}", "\"message\" is missing"),
        ] {
            let refusal = logged_event(body.as_bytes(), || EventId(1)).unwrap_err();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
            assert!(refusal.detail.contains(words), "{body}: {}", refusal.detail);
        }
    }
}
