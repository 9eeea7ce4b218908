//! The last steps before an alert: a ring of fixed size.

use error_sentinel_wire::{Breadcrumb, limits};

/// A ring that forgets the oldest.
#[derive(Debug, Default)]
pub struct Ring {
    crumbs: Vec<Breadcrumb>,
    /// Where the oldest lies once the ring is full.
    oldest: usize,
    capacity: usize,
}

impl Ring {
    /// A ring for at most `capacity` steps (and [`limits::BREADCRUMBS`]).
    pub fn new(capacity: usize) -> Ring {
        Ring { crumbs: Vec::new(), oldest: 0, capacity: capacity.min(limits::BREADCRUMBS) }
    }

    /// Remembers a step, its texts cut to their limits.
    pub fn add(&mut self, mut crumb: Breadcrumb) {
        for text in [&mut crumb.message, &mut crumb.category, &mut crumb.kind].into_iter().flatten() {
            limits::cut(text, limits::MESSAGE_BYTES);
        }
        if self.crumbs.len() < self.capacity {
            self.crumbs.push(crumb);
        } else if let Some(place) = self.crumbs.get_mut(self.oldest) {
            *place = crumb;
            self.oldest = (self.oldest + 1) % self.capacity;
        }
    }

    /// The steps, oldest first.
    pub fn steps(&self) -> Vec<Breadcrumb> {
        let (newer, older) = self.crumbs.split_at(self.oldest.min(self.crumbs.len()));
        older.iter().chain(newer).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_ring_holds_the_last_steps_in_order(capacity in 0usize..30, count in 0usize..100) {
            let mut ring = Ring::new(capacity);
            let mut model = Vec::new();
            for n in 0..count {
                let crumb = Breadcrumb { message: Some(n.to_string()), ..Breadcrumb::default() };
                ring.add(crumb.clone());
                model.push(crumb);
            }
            let kept = model.len().saturating_sub(capacity);
            prop_assert_eq!(ring.steps(), &model[kept..]);
        }
    }
}
