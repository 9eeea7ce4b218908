//! Reads a request's body, bounded in bytes, in time and in the memory of all requests together.
//!
//! What is large, or grows large when it is decoded, is worked on off the async threads and in turn, so that it holds
//! up no other request.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use error_sentinel_wire::limits;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::decode::{self, Encoding};
use super::memory::{LARGE_BYTES, Memory, Share};
use super::reply::Refusal;

/// Longest time for a whole body. A phone on a bad line sends a megabyte in that; a slow attacker is cut off.
const DEADLINE: Duration = Duration::from_secs(30);

/// Reads bodies into the memory that they may take together.
pub struct Bodies {
    memory: Memory,
    deadline: Duration,
}

impl Default for Bodies {
    fn default() -> Self {
        Bodies { memory: Memory::default(), deadline: DEADLINE }
    }
}

/// A decoded body.
#[derive(Debug)]
pub struct Read {
    /// The bytes.
    pub bytes: Bytes,
    share: Share,
}

impl Bodies {
    /// Reads and decodes a body.
    ///
    /// # Errors
    /// 408 after the deadline, 413 when it is too large, 400 when it is damaged, 415 for an unknown encoding,
    /// 429 when too many bodies are in memory.
    pub async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Read, Refusal> {
        let encoding = Encoding::of(headers)?;
        let mut share = Share::default();
        let raw = self.collect(body, &mut share).await?;
        if encoding == Encoding::Identity {
            return Ok(Read { bytes: raw, share });
        }
        if raw.len() <= LARGE_BYTES {
            match decode::decode(raw.clone(), encoding, LARGE_BYTES) {
                Ok(bytes) => {
                    self.memory.grow(&mut share, bytes.len(), bytes.len()).await?;
                    return Ok(Read { bytes, share });
                }
                // It is large after all, and worth a turn.
                Err(refusal) if refusal.status == StatusCode::PAYLOAD_TOO_LARGE => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let read = Read { bytes: raw, share };
        let decode = move |raw: Bytes| {
            // Memory is for what will be kept: a bomb is found out before it takes any.
            decode::check(&raw, encoding, limits::ENVELOPE_BYTES)?;
            decode::decode(raw, encoding, limits::ENVELOPE_BYTES)
        };
        let (decoded, share) = self.work_in_turn(read, decode).await?;
        Ok(Read { bytes: decoded?, share })
    }

    /// Makes something else of a body: at once when it is small, else in turn and off the async threads. The share
    /// must be kept as long as what was made.
    ///
    /// # Errors
    /// 429 when no turn comes.
    pub async fn work<T: Send + 'static>(
        &self,
        read: Read,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<(T, Share), Refusal> {
        if read.bytes.len() <= LARGE_BYTES {
            return Ok((work(read.bytes), read.share));
        }
        self.work_in_turn(read, work).await
    }

    async fn work_in_turn<T: Send + 'static>(
        &self,
        read: Read,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<(T, Share), Refusal> {
        let Read { bytes, mut share } = read;
        self.memory.take_turn(&mut share).await?;
        // The share goes along: the work goes on, and takes its memory, even when the client has gone.
        tokio::task::spawn_blocking(move || (work(bytes), share)).await.map_err(|error| {
            tracing::error!(%error, "the work on a body did not finish");
            Refusal::internal()
        })
    }

    async fn collect(&self, mut body: Body, share: &mut Share) -> Result<Bytes, Refusal> {
        let deadline = Instant::now() + self.deadline;
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limits::REQUEST_BYTES {
            return Err(decode::too_large());
        }
        let mut all = BytesMut::new();
        loop {
            let frame = match timeout_at(deadline, body.frame()).await {
                Err(_) => {
                    let detail = format!("the body did not arrive within {} s", self.deadline.as_secs());
                    return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "slow", detail));
                }
                Ok(None) => break,
                Ok(Some(Err(_))) => {
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, "aborted", "the body ended early"));
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            let length = all.len() + data.len();
            if length > limits::REQUEST_BYTES {
                return Err(decode::too_large());
            }
            self.memory.grow(share, length, announced).await?;
            if all.is_empty() && body.is_end_stream() {
                return Ok(data);
            }
            // The piece is copied even when it is alone for now: it would keep the connection's whole buffer in
            // memory, and a client that sends no more would hold it.
            all.reserve(share.bytes().max(length) - all.len());
            all.extend_from_slice(&data);
        }
        Ok(all.freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::header;
    use futures_util::StreamExt;
    use futures_util::stream;

    use super::*;

    fn gzipped(bytes: &[u8]) -> (HeaderMap, Body) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, "gzip".parse().unwrap())]);
        (headers, encoder.finish().unwrap().into())
    }

    fn impatient() -> Bodies {
        Bodies { deadline: Duration::from_millis(5), memory: Memory::impatient() }
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_cut_off_and_gives_its_memory_back() {
        let bodies = impatient();
        let drip = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"x"))]);
        let body = Body::from_stream(drip.chain(stream::pending()));
        let refusal = bodies.read(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::REQUEST_TIMEOUT);
        bodies.memory.assert_free();
    }

    #[tokio::test]
    async fn a_length_over_the_limit_is_refused_before_anything_is_read() {
        let bodies = impatient();
        let body = Body::from(vec![0; limits::REQUEST_BYTES + 1]);
        let refusal = bodies.read(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_without_a_length_is_refused_at_the_limit() {
        let bodies = Bodies::default();
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 64 * 1024])));
        let refusal = bodies.read(&HeaderMap::new(), Body::from_stream(endless)).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
        bodies.memory.assert_free();
    }

    #[tokio::test]
    async fn a_body_in_pieces_comes_out_whole() {
        let pieces = (0..1000u32).map(|n| Ok::<_, std::io::Error>(Bytes::from(n.to_string())));
        let whole: String = (0..1000u32).map(|n| n.to_string()).collect();
        let read = Bodies::default().read(&HeaderMap::new(), Body::from_stream(stream::iter(pieces))).await;
        assert_eq!(read.unwrap().bytes, whole.as_bytes());
    }

    #[tokio::test]
    async fn a_hundred_large_bodies_at_once_are_all_read() {
        let bodies = Bodies::default();
        let text: Vec<u8> = (0..300_000u32).map(|n| ((n * 7919) >> 3) as u8).collect();
        let reads = (0..100).map(|_| async {
            let (headers, body) = gzipped(&text);
            let read = bodies.read(&headers, body).await?;
            let (length, _share) = bodies.work(read, |bytes| bytes.len()).await?;
            Ok::<_, Refusal>(length)
        });
        let lengths: Vec<_> = futures_util::future::join_all(reads).await;
        assert!(lengths.iter().all(|length| length == &Ok(text.len())), "{lengths:?}");
        bodies.memory.assert_free();
    }

    #[tokio::test]
    async fn a_bomb_is_worked_on_only_in_turn() {
        let bodies = impatient();
        let mut other = Share::default();
        bodies.memory.take_turn(&mut other).await.unwrap();
        let (headers, bomb) = gzipped(&vec![b'0'; limits::ENVELOPE_BYTES + 1]);
        let refusal = bodies.read(&headers, bomb).await.unwrap_err();
        assert_eq!(refusal.reason, "overloaded");
        drop(other);
        let (headers, bomb) = gzipped(&vec![b'0'; limits::ENVELOPE_BYTES + 1]);
        let refusal = bodies.read(&headers, bomb).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
        bodies.memory.assert_free();
    }
}
