//! Events in line, bounded in count and bytes.

use std::collections::VecDeque;

use error_sentinel_wire::EventId;

/// An event in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its name, which makes a second delivery harmless.
    pub event_id: EventId,
    /// What is sent.
    pub json: Vec<u8>,
}

/// The line, oldest first.
#[derive(Debug)]
pub struct Queue {
    events: VecDeque<Queued>,
    byte_count: usize,
    max_count: usize,
    max_bytes: usize,
}

impl Queue {
    /// An empty line with its bounds.
    pub fn new(max_count: usize, max_bytes: usize) -> Queue {
        Queue { events: VecDeque::new(), byte_count: 0, max_count, max_bytes }
    }

    /// Appends an event and returns how many had to go for it, itself included when it alone is too large.
    pub fn push(&mut self, event: Queued) -> u64 {
        self.byte_count += event.json.len();
        self.events.push_back(event);
        self.shrink()
    }

    /// Puts events back to the front, in their order, and returns how many had to go.
    pub fn put_back(&mut self, events: Vec<Queued>) -> u64 {
        for event in events.into_iter().rev() {
            self.byte_count += event.json.len();
            self.events.push_front(event);
        }
        self.shrink()
    }

    /// Takes events from the front: the first, and more up to `count` and `bytes` in all.
    pub fn take(&mut self, count: usize, bytes: usize) -> Vec<Queued> {
        let mut taken: Vec<Queued> = Vec::new();
        let mut taken_bytes = 0;
        while let Some(next) = self.events.front() {
            taken_bytes += next.json.len();
            if !taken.is_empty() && (taken.len() >= count || taken_bytes > bytes) {
                break;
            }
            if let Some(event) = self.events.pop_front() {
                self.byte_count -= event.json.len();
                taken.push(event);
            }
        }
        taken
    }

    /// Events in line.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing is in line.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn shrink(&mut self) -> u64 {
        let mut evicted_count = 0;
        while self.events.len() > self.max_count || self.byte_count > self.max_bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.byte_count -= oldest.json.len();
            evicted_count += 1;
        }
        evicted_count
    }
}
