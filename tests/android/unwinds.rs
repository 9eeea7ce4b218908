//! A panic on 32-bit ARM, caught where it began: a library of its own, since the one for applications never panics.

use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is to be dropped on the way up.
struct Counted<'a>(&'a Cell<u32>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[inline(never)]
fn deeper(left: u32, dropped_count: &Cell<u32>) -> u32 {
    let _counted = Counted(dropped_count);
    assert!(left > 0, "on purpose");
    black_box(deeper(left - 1, dropped_count)) + 1
}

/// Panics that many calls deep, and says how many were unwound; none where the panic did not come through.
#[unsafe(no_mangle)]
pub extern "C" fn unwinds(depth: u32) -> u32 {
    std::panic::set_hook(Box::new(|_| {}));
    let dropped_count = Cell::new(0);
    match catch_unwind(AssertUnwindSafe(|| deeper(depth, &dropped_count))) {
        Ok(_) => 0,
        Err(_) => dropped_count.get(),
    }
}
