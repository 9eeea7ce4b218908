//! Panics that an SDK cannot take for repeats of each other.

use std::hint::black_box;

/// Calls between the caller and where it panics.
const DEPTH: u32 = 4;

/// Panics; by another way for each of ten thousand numbers, so that none counts as a repeat of another.
///
/// # Panics
/// Always.
pub fn panic_by_a_way_of_its_own(number: usize) {
    descend(number, DEPTH);
}

fn descend(number: usize, depth: u32) {
    /// One of ten functions that do the same, and are not made one by the compiler.
    #[inline(never)]
    fn step<const DIGIT: usize>(rest: usize, depth: u32) {
        if depth == 0 {
            panic!("the checkout failed");
        }
        descend(rest, depth);
        // Behind the call, so that it is one that returns.
        black_box(DIGIT);
    }
    let steps = [
        step::<0>, step::<1>, step::<2>, step::<3>, step::<4>, step::<5>, step::<6>, step::<7>, step::<8>,
        step::<9>,
    ];
    steps[number % 10](number / 10, depth - 1);
}
