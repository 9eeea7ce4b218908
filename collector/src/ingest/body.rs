//! Reads a request's body, bounded in bytes, in time and in the memory of all requests together.
//!
//! Memory is claimed as bytes arrive, so that a client that only announces takes none. When it is all in use, a
//! request waits a moment before it is refused: honest senders come in bursts. What is large, or grows large
//! when it is decoded, is worked on off the async threads, a few at a time, so that it holds up no other request.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use error_sentinel_wire::limits;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::decode::{self, Encoding};
use super::reply::Refusal;

/// Longest time for a whole body. A phone on a bad line sends a megabyte in that; a slow attacker is cut off.
const DEADLINE: Duration = Duration::from_secs(30);
/// Longest wait for memory or for a turn with large work.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of bodies in memory at once.
const MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// What one permit of that memory stands for. Small, so that thousands of slow clients hold little of it.
const PERMIT_BYTES: usize = 1024;
/// From here on a body is large, as sent or as decoded.
const LARGE_BYTES: usize = 128 * 1024;
/// Large bodies worked on at once; each may take an envelope's size on top of [`MEMORY_BYTES`].
const LARGE_MAX: usize = 2;

/// The memory that bodies may take together, and the turns with large ones.
pub struct Bodies {
    memory: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    deadline: Duration,
    patience: Duration,
}

impl Default for Bodies {
    fn default() -> Self {
        Bodies {
            memory: Arc::new(Semaphore::new(MEMORY_BYTES / PERMIT_BYTES)),
            turns: Arc::new(Semaphore::new(LARGE_MAX)),
            deadline: DEADLINE,
            patience: PATIENCE,
        }
    }
}

/// A body's part of the memory and its turn; given back when dropped.
#[derive(Debug)]
pub struct Share {
    memory: OwnedSemaphorePermit,
    turn: Option<OwnedSemaphorePermit>,
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
        let mut share = Share { memory: self.claim(0).await?, turn: None };
        let raw = self.collect(body, &mut share).await?;
        if encoding == Encoding::Identity {
            return Ok(Read { bytes: raw, share });
        }
        if raw.len() <= LARGE_BYTES {
            match decode::decode(raw.clone(), encoding, LARGE_BYTES) {
                Ok(bytes) => {
                    self.grow(&mut share, bytes.len()).await?;
                    return Ok(Read { bytes, share });
                }
                // It is large after all, and worth a turn.
                Err(refusal) if refusal.status == StatusCode::PAYLOAD_TOO_LARGE => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let read = Read { bytes: raw, share };
        let decode = move |raw| decode::decode(raw, encoding, limits::ENVELOPE_BYTES);
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
        if share.turn.is_none() {
            let turn = timeout(self.patience, self.turns.clone().acquire_owned()).await;
            share.turn = turn.ok().and_then(Result::ok);
        }
        if share.turn.is_none() {
            return Err(Refusal::overloaded());
        }
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
        let mut first = Bytes::new();
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
            let length = first.len().max(all.len()) + data.len();
            if length > limits::REQUEST_BYTES {
                return Err(decode::too_large());
            }
            self.grow(share, length).await?;
            if first.is_empty() && all.is_empty() {
                first = data;
                continue;
            }
            if all.is_empty() {
                // Room for the announced length costs memory only as it is filled.
                all.reserve(announced.max(length));
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    async fn claim(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        let claimed = timeout(self.patience, self.memory.clone().acquire_many_owned(permits)).await;
        claimed.ok().and_then(Result::ok).ok_or_else(Refusal::overloaded)
    }

    /// Makes `share` large enough for `bytes`.
    async fn grow(&self, share: &mut Share, bytes: usize) -> Result<(), Refusal> {
        let missing = bytes.saturating_sub(share.memory.num_permits() * PERMIT_BYTES);
        if missing > 0 {
            share.memory.merge(self.claim(missing).await?);
        }
        Ok(())
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
        Bodies { deadline: Duration::from_millis(5), patience: Duration::from_millis(5), ..Bodies::default() }
    }

    fn free_bytes(bodies: &Bodies) -> usize {
        bodies.memory.available_permits() * PERMIT_BYTES
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_cut_off_and_gives_its_memory_back() {
        let bodies = impatient();
        let drip = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"x"))]);
        let body = Body::from_stream(drip.chain(stream::pending()));
        let refusal = bodies.read(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(free_bytes(&bodies), MEMORY_BYTES);
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
        assert_eq!(free_bytes(&bodies), MEMORY_BYTES);
    }

    #[tokio::test]
    async fn a_body_in_pieces_comes_out_whole() {
        let pieces = (0..1000u32).map(|n| Ok::<_, std::io::Error>(Bytes::from(n.to_string())));
        let whole: String = (0..1000u32).map(|n| n.to_string()).collect();
        let read = Bodies::default().read(&HeaderMap::new(), Body::from_stream(stream::iter(pieces))).await;
        assert_eq!(read.unwrap().bytes, whole.as_bytes());
    }

    #[tokio::test]
    async fn when_the_memory_is_in_use_a_request_waits_for_it_and_is_refused_in_the_end() {
        let bodies = impatient();
        let all = bodies.claim(MEMORY_BYTES).await.unwrap();
        let refusal = bodies.read(&HeaderMap::new(), Body::from("x")).await.unwrap_err();
        assert_eq!((refusal.status, refusal.reason), (StatusCode::TOO_MANY_REQUESTS, "overloaded"));
        assert!(refusal.pause_s.is_some());

        let bodies = Bodies { patience: PATIENCE, ..bodies };
        let give_back = async {
            tokio::task::yield_now().await;
            drop(all);
        };
        let headers = HeaderMap::new();
        let (read, ()) = tokio::join!(bodies.read(&headers, Body::from("x")), give_back);
        assert_eq!(read.unwrap().bytes, "x");
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
        assert_eq!(free_bytes(&bodies), MEMORY_BYTES);
    }

    #[tokio::test]
    async fn a_bomb_is_worked_on_only_in_turn() {
        let bodies = impatient();
        let turns = bodies.turns.clone().acquire_many_owned(2).await.unwrap();
        let (headers, bomb) = gzipped(&vec![b'0'; limits::ENVELOPE_BYTES + 1]);
        let refusal = bodies.read(&headers, bomb).await.unwrap_err();
        assert_eq!(refusal.reason, "overloaded");
        drop(turns);
        let (headers, bomb) = gzipped(&vec![b'0'; limits::ENVELOPE_BYTES + 1]);
        let refusal = bodies.read(&headers, bomb).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!((free_bytes(&bodies), bodies.turns.available_permits()), (MEMORY_BYTES, LARGE_MAX));
    }
}
