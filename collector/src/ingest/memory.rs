//! The memory that requests may take together, as their bodies arrive and until the queue has what is kept of them.
//!
//! There is one room for the first bytes of every body, one for the rest of small bodies and one for large ones, so
//! that however many large or slow ones are held, an ordinary error gets in. The first room is claimed as bytes
//! arrive: who only announces takes nothing. After that a body claims all that it announced at once, or bodies that
//! hold half of theirs would wait for each other. What is made of a large body, be it decoded, sorted or packed, is
//! made of one at a time, in turn: each of these steps may need its size once more.

use std::sync::Arc;
use std::time::Duration;

use error_sentinel_wire::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::reply::Refusal;

/// From here on a body is large, as sent or as decoded.
pub const LARGE_BYTES: usize = 128 * 1024;
/// Longest wait for memory or for the turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a body that lie in the first room: about what one read of a connection gives.
const FIRST_BYTES: usize = 8 * 1024;
/// The rooms; a body of the largest size fits into the last. All of them, twice the largest body for the one whose turn
/// it is, and the process itself fit into 128 MB.
const ROOM_BYTES: [usize; 3] = [12 * 1024 * 1024, 8 * 1024 * 1024, limits::REQUEST_BYTES];
/// What one permit stands for. Small, so that thousands of slow clients hold little.
const PERMIT_BYTES: usize = 1024;

/// The rooms, and the turn with a large body.
pub struct Memory {
    rooms: [Arc<Semaphore>; 3],
    turn: Arc<Semaphore>,
    patience: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            rooms: ROOM_BYTES.map(|bytes| Arc::new(Semaphore::new(bytes / PERMIT_BYTES))),
            turn: Arc::new(Semaphore::new(1)),
            patience: PATIENCE,
        }
    }
}

/// A body's part of the rooms, and the turn; given back when dropped.
#[derive(Debug, Default)]
pub struct Share {
    held: [Option<OwnedSemaphorePermit>; 3],
    turn: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Bytes that it may take.
    pub fn bytes(&self) -> usize {
        self.held.iter().flatten().map(|held| held.num_permits() * PERMIT_BYTES).sum()
    }
}

impl Memory {
    /// Makes `share` large enough for `bytes` of a body that announced `announced` in all.
    ///
    /// # Errors
    /// 429 when no room comes free.
    pub async fn grow(&self, share: &mut Share, bytes: usize, announced: usize) -> Result<(), Refusal> {
        self.claim(share, 0, bytes.min(FIRST_BYTES)).await?;
        if bytes <= FIRST_BYTES {
            return Ok(());
        }
        let whole = bytes.max(announced);
        let room = if whole <= LARGE_BYTES { 1 } else { 2 };
        self.claim(share, room, whole - FIRST_BYTES).await?;
        if room == 2 {
            share.held[1] = None;
        }
        Ok(())
    }

    /// Waits for the turn with a large body; `share` has it until it is dropped.
    ///
    /// # Errors
    /// 429 when it does not come.
    pub async fn take_turn(&self, share: &mut Share) -> Result<(), Refusal> {
        if share.turn.is_none() {
            let turn = timeout(self.patience, self.turn.clone().acquire_owned()).await;
            share.turn = Some(turn.ok().and_then(Result::ok).ok_or_else(Refusal::overloaded)?);
        }
        Ok(())
    }

    /// Makes what `share` has of a room large enough for `bytes`.
    async fn claim(&self, share: &mut Share, room: usize, bytes: usize) -> Result<(), Refusal> {
        let held = share.held[room].as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(PERMIT_BYTES).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let claimed = timeout(self.patience, self.rooms[room].clone().acquire_many_owned(missing)).await;
        let claimed = claimed.ok().and_then(Result::ok).ok_or_else(Refusal::overloaded)?;
        match &mut share.held[room] {
            Some(held) => held.merge(claimed),
            none => *none = Some(claimed),
        }
        Ok(())
    }
}

#[cfg(test)]
impl Memory {
    /// One whose patience ends at once.
    pub fn impatient() -> Memory {
        Memory { patience: Duration::from_millis(5), ..Memory::default() }
    }

    /// That nobody holds anything.
    #[track_caller]
    pub fn assert_free(&self) {
        let free = self.rooms.each_ref().map(|room| room.available_permits() * PERMIT_BYTES);
        assert_eq!((free, self.turn.available_permits()), (ROOM_BYTES, 1));
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    async fn filled(memory: &Memory, room: usize) -> Share {
        let mut share = Share::default();
        memory.claim(&mut share, room, ROOM_BYTES[room]).await.unwrap();
        share
    }

    #[tokio::test]
    async fn when_a_room_is_full_a_body_waits_and_is_refused_in_the_end() {
        let memory = Memory::impatient();
        let all = filled(&memory, 0).await;
        let refusal = memory.grow(&mut Share::default(), 1, 1).await.unwrap_err();
        assert_eq!((refusal.status, refusal.reason), (StatusCode::TOO_MANY_REQUESTS, "overloaded"));
        assert!(refusal.pause_s.is_some());

        let memory = Memory { patience: PATIENCE, ..memory };
        let give_back = async {
            tokio::task::yield_now().await;
            drop(all);
        };
        let mut share = Share::default();
        let (grown, ()) = tokio::join!(memory.grow(&mut share, 1, 1), give_back);
        grown.unwrap();
        drop(share);
        memory.assert_free();
    }

    #[tokio::test]
    async fn what_was_only_announced_takes_no_room() {
        let memory = Memory::impatient();
        let mut slow = Vec::new();
        for _ in 0..10_000 {
            let mut share = Share::default();
            memory.grow(&mut share, 20, limits::REQUEST_BYTES).await.unwrap();
            slow.push(share);
        }
        memory.grow(&mut Share::default(), LARGE_BYTES, LARGE_BYTES).await.unwrap();
    }

    #[tokio::test]
    async fn bodies_that_fill_the_large_room_leave_the_others_to_small_ones() {
        let memory = Memory::impatient();
        let mut large = Vec::new();
        let refusal = loop {
            let mut share = Share::default();
            let grown = memory.grow(&mut share, 16 * 1024, 900 * 1024).await;
            large.push(share);
            if let Err(refusal) = grown {
                break refusal;
            }
        };
        assert_eq!(refusal.reason, "overloaded");
        assert!(large.len() * 900 * 1024 > ROOM_BYTES[2], "refused with room to spare: {}", large.len());
        memory.grow(&mut Share::default(), LARGE_BYTES, LARGE_BYTES).await.unwrap();
        drop(large);
        memory.assert_free();
    }

    #[tokio::test]
    async fn a_body_that_turns_out_to_be_large_gives_its_small_room_back() {
        let memory = Memory::impatient();
        let mut share = Share::default();
        for bytes in [1, FIRST_BYTES, LARGE_BYTES, LARGE_BYTES + 1, limits::REQUEST_BYTES] {
            memory.grow(&mut share, bytes, 0).await.unwrap();
        }
        drop(filled(&memory, 1).await);
        drop(share);
        memory.assert_free();
    }

    #[tokio::test]
    async fn the_turn_is_one_bodys_until_it_is_done() {
        let memory = Memory::impatient();
        let (mut first, mut second) = (Share::default(), Share::default());
        memory.take_turn(&mut first).await.unwrap();
        memory.take_turn(&mut first).await.unwrap();
        assert_eq!(memory.take_turn(&mut second).await.unwrap_err().reason, "overloaded");
        drop(first);
        memory.take_turn(&mut second).await.unwrap();
    }
}
