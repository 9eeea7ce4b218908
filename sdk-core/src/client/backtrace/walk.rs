//! The addresses of a thread's stack.
//!
//! To walk up a stack takes the unwinder a search through the tables of every function on it: cheap while they are in
//! the processor's caches, and most of what an alert costs when they are not. But a thread's stack is mostly the one
//! that it had before: the whole of it where one place fails again, its older part where another place does. So each
//! thread remembers where on its stack the return addresses of the last walk lay. Where they lie there still, up to
//! the stack's end, they are not looked for again.
//!
//! It must never show a stack that is not there: what is remembered counts only when every word of it is found again.

use std::cell::RefCell;

use error_sentinel_wire::limits;

thread_local! {
    static LAST: RefCell<Walked> = const { RefCell::new(Walked { top: 0, within: Vec::new(), returns: Vec::new() }) };
}

/// The addresses of this thread's stack, the newest first.
// Where its frame begins is what stacks are compared from: it must have one.
#[inline(never)]
pub fn addresses() -> Vec<usize> {
    let Some(top) = stack_pointer() else { return Walked::default().walk(usize::MAX) };
    let of_last = LAST.try_with(|last| last.try_borrow_mut().ok().map(|mut last| last.addresses(top)));
    // A thread that is ending remembers nothing.
    of_last.ok().flatten().unwrap_or_else(|| Walked::default().walk(top))
}

/// A stack as it was walked last.
#[derive(Debug, Default)]
struct Walked {
    /// The stack pointer where the walk began.
    top: usize,
    /// Addresses of what was called from there, to do the walk.
    within: Vec<usize>,
    /// From there to the end of the stack, the newest first. Empty where the end was not reached.
    returns: Vec<Return>,
}

/// Where a call returns to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Return {
    /// Where that is written on the stack.
    slot: usize,
    address: usize,
}

impl Return {
    /// Whether it is still written there.
    ///
    /// Only for the oldest part of the stack of this thread as it is now, and in its order: a place further up is
    /// known to be on the stack when the one before it has been found again.
    fn is_there(self) -> bool {
        let slot = std::ptr::with_exposed_provenance::<usize>(self.slot);
        // Safety: the unwinder has found a return address there, on this thread's stack. The stack has not ended
        // before it since: the address before it is in its place, and its function returns over this one. Volatile,
        // since no variable of Rust lies there.
        #[expect(unsafe_code, reason = "nothing else reads a return address")]
        unsafe {
            slot.read_volatile() == self.address
        }
    }
}

impl Walked {
    fn addresses(&mut self, top: usize) -> Vec<usize> {
        if self.top != top || !self.is_there_from(0) {
            return self.walk(top);
        }
        let returns = self.returns.iter().map(|found| found.address);
        self.within.iter().copied().chain(returns).take(limits::FRAMES).collect()
    }

    /// Whether the stack is still the same from one return address on.
    fn is_there_from(&self, first: usize) -> bool {
        self.returns
            .get(first..)
            .is_some_and(|rest| !rest.is_empty() && rest.iter().all(|one| one.is_there()))
    }

    /// Walks up the stack until it is one that is known, or ends.
    fn walk(&mut self, top: usize) -> Vec<usize> {
        let mut addresses = Vec::with_capacity(64);
        let (mut within, mut returns) = (Vec::new(), Vec::new());
        let mut known = None;
        walk(|frame| {
            let address = frame.ip() as usize;
            // Behind the oldest caller some systems name one more, which is none.
            if address == 0 {
                return false;
            }
            // The stack pointer of a function that waits for a call lies behind the address that the call left.
            let slot = (frame.sp() as usize).wrapping_sub(size_of::<usize>());
            if slot < top && returns.is_empty() {
                within.push(address);
            } else {
                let found = Return { slot, address };
                known =
                    self.returns.iter().position(|one| *one == found).filter(|at| self.is_there_from(*at));
                if known.is_some() {
                    return false;
                }
                returns.push(found);
            }
            addresses.push(address);
            addresses.len() < limits::FRAMES
        });
        let rest = known.and_then(|at| self.returns.get(at..)).unwrap_or_default();
        let is_whole = known.is_some() || addresses.len() < limits::FRAMES;
        addresses.extend(rest.iter().map(|one| one.address).take(limits::FRAMES - addresses.len()));
        returns.extend_from_slice(rest);
        if !is_whole {
            returns.clear();
        }
        *self = Walked { top, within, returns };
        addresses
    }
}

/// The stack pointer of the caller, where return addresses lie right before the stack pointers that the unwinder
/// tells.
#[inline(always)]
fn stack_pointer() -> Option<usize> {
    #[cfg(all(target_arch = "x86_64", not(windows), not(miri)))]
    {
        let top: usize;
        // Safety: it reads a register.
        #[expect(unsafe_code, reason = "there is no other way to read it")]
        unsafe {
            std::arch::asm!("mov {}, rsp", out(reg) top, options(nomem, nostack, preserves_flags));
        }
        Some(top)
    }
    #[cfg(not(all(target_arch = "x86_64", not(windows), not(miri))))]
    None
}

/// Walks up this thread's stack. The lock of `backtrace::trace` is the one under which names are found: the worker
/// can hold it for a second, and no caller may wait that long.
#[cfg(not(windows))]
fn walk(visit: impl FnMut(&backtrace::Frame) -> bool) {
    // Safety: the lock guards Windows' library for symbols, which is not used here. Elsewhere the system's unwinder
    // does the walk, as it does for panics of several threads at once, and reads this thread's stack only.
    #[expect(unsafe_code, reason = "there is no safe way to leave out the lock")]
    unsafe {
        backtrace::trace_unsynchronized(visit);
    }
}

#[cfg(windows)]
fn walk(visit: impl FnMut(&backtrace::Frame) -> bool) {
    backtrace::trace(visit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    /// The stack as it is remembered and as it is walked; what differs is only where this function calls from.
    #[inline(never)]
    fn both() -> (Vec<usize>, Vec<usize>) {
        let remembered = addresses();
        LAST.with(|last| last.take());
        (remembered, addresses())
    }

    /// Calls itself by a way that the bits of `path` tell, with frames of several sizes, and looks at the end.
    fn descend(path: u64, depth: u32) {
        #[inline(never)]
        fn narrow(path: u64, depth: u32) {
            descend(path, depth);
            black_box(());
        }
        #[inline(never)]
        fn wide(path: u64, depth: u32) {
            let mut room = [path; 40];
            black_box(&mut room);
            descend(path, depth);
            black_box(&mut room);
        }
        if depth == 0 {
            let (remembered, walked) = both();
            assert_eq!(remembered.len(), walked.len());
            let differing = remembered.iter().zip(&walked).filter(|(one, other)| one != other).count();
            assert!(differing <= 1, "{remembered:x?}\n{walked:x?}");
            // The next one finds this one's stack in its memory.
            addresses();
        } else if path & 1 == 0 {
            narrow(path >> 1, depth - 1);
        } else {
            wide(path >> 1, depth - 1);
        }
        black_box(());
    }

    #[test]
    fn what_is_remembered_is_what_a_walk_finds() {
        let mut path = 1u64;
        for round in 0..500 {
            // Knuth's generator; its upper bits are the better ones.
            path = path.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            descend(path >> 40, round % 12);
        }
    }

    #[cfg(all(target_arch = "x86_64", not(windows), not(miri)))]
    #[test]
    fn a_stack_that_is_still_there_is_known() {
        // All of it but the call that took it, which is over by then.
        let is_known = || LAST.with(|last| last.borrow().is_there_from(1));
        assert!(!is_known());
        let all: Vec<_> = (0..2).map(|_| (addresses(), is_known())).collect();
        assert!(all[0].1 && all[0] == all[1], "{all:x?}");
    }

    #[test]
    fn a_stack_without_end_is_cut_and_not_remembered() {
        #[inline(never)]
        fn deep(depth: usize) -> usize {
            let length = if depth == 0 { addresses().len() } else { deep(depth - 1) };
            black_box(length)
        }
        assert_eq!(deep(2 * limits::FRAMES), limits::FRAMES);
        assert!(LAST.with(|last| last.borrow().returns.is_empty()));
        let length = deep(1);
        assert!(length < limits::FRAMES && length > 3, "{length}");
    }

    #[test]
    fn a_thread_that_is_ending_has_its_stack_still() {
        use std::sync::mpsc::{Sender, channel};
        struct Ending(Sender<usize>);
        impl Drop for Ending {
            fn drop(&mut self) {
                self.0.send(addresses().len()).expect("somebody waits");
            }
        }
        thread_local! {
            static ENDING: RefCell<Option<Ending>> = const { RefCell::new(None) };
        }
        let (ended, wait) = channel();
        let thread = std::thread::spawn(move || {
            ENDING.set(Some(Ending(ended)));
            // What is remembered is given up first.
            addresses();
        });
        thread.join().unwrap();
        assert!(wait.recv().is_ok_and(|length| length > 0));
    }
}
