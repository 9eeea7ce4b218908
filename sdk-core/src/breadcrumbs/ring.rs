//! The ring: places that are taken in turn.

use alloc::vec::Vec;

use error_sentinel_wire::limits;

use super::Place;

/// A ring that forgets the oldest step. `P` is a step as the driver keeps it.
#[derive(Debug, Clone, Default)]
pub struct Ring<P = Place> {
    places: Vec<P>,
    /// Where the oldest lies once the ring is full.
    oldest: usize,
    capacity: usize,
    evicted_count: u64,
}

impl<P: Default> Ring<P> {
    /// A ring for at most `capacity` steps (and [`limits::BREADCRUMBS`]).
    pub fn new(capacity: usize) -> Ring<P> {
        Ring { capacity: capacity.min(limits::BREADCRUMBS), ..Ring::default() }
    }

    /// The place of the next step: an empty one, or that of the oldest with what it holds, to be written over. `None`
    /// where the ring has no places.
    pub fn next_place(&mut self) -> Option<&mut P> {
        if self.places.len() < self.capacity {
            self.places.push(P::default());
            return self.places.last_mut();
        }
        self.evicted_count += 1;
        let at = self.oldest;
        self.oldest = if at + 1 == self.capacity { 0 } else { at + 1 };
        self.places.get_mut(at)
    }
}

impl<P> Ring<P> {
    /// The steps, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &P> {
        let (newer, older) = self.places.split_at(self.oldest.min(self.places.len()));
        older.iter().chain(newer)
    }

    /// Steps in the ring.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no step is in it.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Steps that newer ones took the place of.
    pub fn evicted_count(&self) -> u64 {
        self.evicted_count
    }

    /// Whether it can hold any step at all.
    pub fn has_room(&self) -> bool {
        self.capacity > 0
    }
}
