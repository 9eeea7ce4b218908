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

/// The event of a `/store/` request: JSON, or what old SDKs made of it: base64 of JSON or of zlib of JSON.
///
/// # Errors
/// 400 when it is none of them, 413 when it is too large.
pub fn stored_event(body: Bytes) -> Result<Bytes, Refusal> {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    if body.get(start) == Some(&b'{') {
        return Ok(body);
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
        Ok(_) => Ok(event.into()),
        Err(_) => {
            let detail = "the body is base64, but neither of a JSON object nor of a zlib stream";
            Err(Refusal::new(StatusCode::BAD_REQUEST, "json", detail))
        }
    }
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
        let detail = format!("the object is over {} bytes", limits::LOG_ERROR_BYTES);
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(bad(
            "json",
            "the body is empty; send one JSON object, at least {\"message\": \"…\"}".into(),
        ));
    }
    let value = codec::decode_value(body).map_err(|error| bad("json", format!("the body is {error}")))?;
    let mut event =
        log_error::event_from_value(value).map_err(|error| bad("log_error", error.to_string()))?;
    let id = *event.event_id.get_or_insert_with(new_id);
    Ok((id, event.to_json()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
    fn a_bad_report_is_answered_with_what_to_do() {
        for (body, words) in [
            ("", "the body is empty"),
            ("message=x", "not valid JSON"),
            ("[1]", "send one JSON object"),
            ("{}", "\"message\" is missing"),
        ] {
            let refusal = logged_event(body.as_bytes(), || EventId(1)).unwrap_err();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
            assert!(refusal.detail.contains(words), "{body}: {}", refusal.detail);
        }
    }
}
