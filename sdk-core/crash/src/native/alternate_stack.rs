//! A stack to die on, one a thread.

use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::ptr;

/// Bytes of it. The handler takes some hundred, those that it makes way for may take more.
const BYTES: usize = 64 * 1024;

thread_local! {
    static OWN: RefCell<Option<AlternateStack>> = const { RefCell::new(None) };
}

/// Memory with a page below it that cannot be touched.
struct AlternateStack {
    mapping: *mut c_void,
    length: usize,
    guard: usize,
}

/// Gives this thread one, unless it has one, whoever it is from.
pub fn prepare() -> io::Result<()> {
    if current()?.ss_flags & libc::SS_DISABLE == 0 {
        return Ok(());
    }
    let own = AlternateStack::new()?;
    own.install()?;
    // A thread that is ending keeps it, since it cannot be given back any more.
    let kept = OWN.try_with(|cell| match cell.try_borrow_mut() {
        Ok(mut cell) => cell.replace(own),
        Err(_) => Some(own),
    });
    drop(kept.ok().flatten());
    Ok(())
}

fn current() -> io::Result<libc::stack_t> {
    // SAFETY: it is made of numbers and a pointer, for which zero is one.
    let mut current: libc::stack_t = unsafe { std::mem::zeroed() };
    // SAFETY: the system writes to what is ours.
    match unsafe { libc::sigaltstack(ptr::null(), &raw mut current) } {
        0 => Ok(current),
        _ => Err(io::Error::last_os_error()),
    }
}

impl AlternateStack {
    fn new() -> io::Result<AlternateStack> {
        // SAFETY: it reads a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let guard = usize::try_from(page).unwrap_or(4096);
        let length = BYTES + guard;
        // SAFETY: new memory wherever the system likes.
        let mapping = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if mapping == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = AlternateStack { mapping, length, guard };
        // SAFETY: the first page of what was just mapped, which nobody uses.
        match unsafe { libc::mprotect(mapping, guard, libc::PROT_NONE) } {
            0 => Ok(stack),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn bottom(&self) -> *mut c_void {
        self.mapping.wrapping_byte_add(self.guard)
    }

    fn install(&self) -> io::Result<()> {
        let stack = libc::stack_t { ss_sp: self.bottom(), ss_flags: 0, ss_size: self.length - self.guard };
        // SAFETY: the memory is mapped until it is taken back in `drop`.
        match unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let is_own = current().map(|current| current.ss_sp == self.bottom());
        if matches!(is_own, Ok(true)) {
            let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: BYTES };
            // SAFETY: it only says that there is none.
            if unsafe { libc::sigaltstack(&raw const none, ptr::null_mut()) } != 0 {
                // It is in use this very moment; memory that is lost is better than memory that is gone.
                return;
            }
        }
        // SAFETY: mapped by `new`, and nobody's stack any more.
        unsafe { libc::munmap(self.mapping, self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_gets_one_and_one_that_has_one_keeps_it() {
        let own = std::thread::spawn(|| {
            // The standard library gives its threads one.
            let first = current().unwrap();
            prepare().unwrap();
            assert_eq!(current().unwrap().ss_sp, first.ss_sp);
            let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: BYTES };
            // SAFETY: it only says that there is none.
            assert_eq!(unsafe { libc::sigaltstack(&raw const none, ptr::null_mut()) }, 0);
            prepare().unwrap();
            let own = current().unwrap();
            assert_eq!((own.ss_flags, own.ss_size), (0, BYTES));
            prepare().unwrap();
            assert_eq!(current().unwrap().ss_sp, own.ss_sp);
        });
        own.join().unwrap();
    }
}
