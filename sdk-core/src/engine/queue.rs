//! Events in line, bounded in count and bytes.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use error_sentinel_wire::EventId;

use super::Outgoing;

/// Whether a copy of an event outlives the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nobody was asked.
    Unasked,
    /// The driver was asked and has not answered, or could not.
    No,
    /// There is a copy.
    Yes,
}

/// An event in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The event.
    pub event: Outgoing,
    /// Its copy.
    pub kept: Kept,
}

/// The line, oldest first.
#[derive(Debug)]
pub struct Queue {
    events: VecDeque<Queued>,
    byte_count: usize,
    occurrence_count: u64,
    urgent_count: usize,
    unasked_count: usize,
    max_count: usize,
    max_bytes: usize,
}

impl Queue {
    /// An empty line with its bounds.
    pub fn new(max_count: usize, max_bytes: usize) -> Queue {
        Queue {
            events: VecDeque::new(),
            byte_count: 0,
            occurrence_count: 0,
            urgent_count: 0,
            unasked_count: 0,
            max_count,
            max_bytes,
        }
    }

    /// Appends an event and returns those that had to go for it, itself included when it alone is too large.
    pub fn push(&mut self, event: Queued) -> Vec<Queued> {
        self.count_in(&event);
        self.events.push_back(event);
        self.shrink()
    }

    /// Puts events back to the front, in their order, and returns those that had to go.
    pub fn put_back(&mut self, events: Vec<Queued>) -> Vec<Queued> {
        for event in events.into_iter().rev() {
            self.count_in(&event);
            self.events.push_front(event);
        }
        self.shrink()
    }

    /// Takes events from the front: the first, and more up to `count` and `bytes` in all.
    pub fn take(&mut self, count: usize, bytes: usize) -> Vec<Queued> {
        let mut taken: Vec<Queued> = Vec::new();
        let mut taken_bytes = 0;
        while let Some(next) = self.events.front() {
            taken_bytes += next.event.json.len();
            if !taken.is_empty() && (taken.len() >= count || taken_bytes > bytes) {
                break;
            }
            taken.extend(self.pop_front());
        }
        taken
    }

    /// An event that no copy was asked for yet; from now on it counts as asked.
    pub fn ask_for_copy(&mut self) -> Option<&Outgoing> {
        if self.unasked_count == 0 {
            return None;
        }
        // From the back: that is where events come in.
        let queued = self.events.iter_mut().rev().find(|queued| queued.kept == Kept::Unasked)?;
        queued.kept = Kept::No;
        self.unasked_count -= 1;
        Some(&queued.event)
    }

    /// The event of this name.
    pub fn find(&mut self, event_id: EventId) -> Option<&mut Queued> {
        self.events.iter_mut().rev().find(|queued| queued.event.event_id == event_id)
    }

    /// Events in line.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Bytes in line.
    pub fn byte_count(&self) -> usize {
        self.byte_count
    }

    /// Errors that the events in line stand for.
    pub fn occurrence_count(&self) -> u64 {
        self.occurrence_count
    }

    /// Whether one in line must not wait for others.
    pub fn has_urgent(&self) -> bool {
        self.urgent_count > 0
    }

    /// Whether nothing is in line.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn count_in(&mut self, queued: &Queued) {
        self.byte_count += queued.event.json.len();
        self.occurrence_count = self.occurrence_count.saturating_add(queued.event.occurrence_count);
        self.urgent_count += usize::from(queued.event.is_urgent);
        self.unasked_count += usize::from(queued.kept == Kept::Unasked);
    }

    fn pop_front(&mut self) -> Option<Queued> {
        let queued = self.events.pop_front()?;
        self.byte_count -= queued.event.json.len();
        self.occurrence_count = self.occurrence_count.saturating_sub(queued.event.occurrence_count);
        self.urgent_count -= usize::from(queued.event.is_urgent);
        self.unasked_count -= usize::from(queued.kept == Kept::Unasked);
        Some(queued)
    }

    fn shrink(&mut self) -> Vec<Queued> {
        let mut evicted = Vec::new();
        while self.events.len() > self.max_count || self.byte_count > self.max_bytes {
            let Some(oldest) = self.pop_front() else { break };
            evicted.push(oldest);
        }
        evicted
    }
}
