//! Reads a request's body, bounded in bytes, in time and in the memory of all requests together.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use error_sentinel_wire::limits;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::decode::{self, Encoding};
use super::reply::Refusal;

/// Longest time for a whole body. A phone on a bad line sends a megabyte in that; a slow attacker is cut off.
const DEADLINE: Duration = Duration::from_secs(30);
/// Most bytes of bodies in memory at once, as sent and as decoded together.
const MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// Bodies up to this size are decoded where they are read; larger ones would hold up other requests.
const INLINE_BYTES: usize = 64 * 1024;
/// What one permit of the budget stands for.
const PERMIT_BYTES: usize = 16 * 1024;

/// The memory that bodies may take together.
pub struct Bodies {
    budget: Arc<Semaphore>,
}

impl Default for Bodies {
    fn default() -> Self {
        Bodies { budget: Arc::new(Semaphore::new(MEMORY_BYTES / PERMIT_BYTES)) }
    }
}

/// A decoded body, and its share of the memory, which is given back with it.
pub struct Read {
    /// The bytes.
    pub bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl Bodies {
    /// Reads and decodes a body.
    ///
    /// # Errors
    /// 408 after the deadline, 413 when it is too large, 400 when it is damaged, 415 for an unknown encoding,
    /// 429 when too many bodies are in memory.
    pub async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Read, Refusal> {
        let encoding = match headers.get(header::CONTENT_ENCODING) {
            None => Encoding::Identity,
            Some(value) => Encoding::parse(&String::from_utf8_lossy(value.as_bytes()))?,
        };
        let mut share = self.claim(PERMIT_BYTES)?;
        let raw = self.collect(body, &mut share).await?;
        if encoding == Encoding::Identity {
            return Ok(Read { bytes: raw, _share: share });
        }
        // The most that can come out, in steps: an honest small body must not wait for 20 MiB to be free.
        if raw.len() <= INLINE_BYTES {
            let bytes = decode::decode(raw, encoding)?;
            self.grow(&mut share, bytes.len())?;
            return Ok(Read { bytes, _share: share });
        }
        self.grow(&mut share, raw.len() + limits::ENVELOPE_BYTES)?;
        let bytes = tokio::task::spawn_blocking(move || decode::decode(raw, encoding))
            .await
            .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "encoding", "the body cannot be decoded"))??;
        Ok(Read { bytes, _share: share })
    }

    async fn collect(&self, mut body: Body, share: &mut OwnedSemaphorePermit) -> Result<Bytes, Refusal> {
        let deadline = Instant::now() + DEADLINE;
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        loop {
            let frame = match timeout_at(deadline, body.frame()).await {
                Err(_) => {
                    let detail = format!("the body did not arrive within {} s", DEADLINE.as_secs());
                    return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "slow", detail));
                }
                Ok(None) => break,
                Ok(Some(Err(_))) => {
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, "aborted", "the body ended early"));
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            if all.is_empty() && first.is_empty() {
                first = data;
            } else {
                if all.is_empty() {
                    all.extend_from_slice(&first);
                }
                all.extend_from_slice(&data);
            }
            let length = all.len().max(first.len());
            if length > limits::REQUEST_BYTES {
                return Err(decode::too_large());
            }
            self.grow(share, length)?;
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }

    fn claim(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        self.budget.clone().try_acquire_many_owned(permits).map_err(|_| Refusal::overloaded())
    }

    /// Makes `share` large enough for `bytes`.
    fn grow(&self, share: &mut OwnedSemaphorePermit, bytes: usize) -> Result<(), Refusal> {
        let missing = bytes.saturating_sub(share.num_permits() * PERMIT_BYTES);
        if missing > 0 {
            share.merge(self.claim(missing)?);
        }
        Ok(())
    }
}
