//! The handlers that were there before, where a handler can find them without waiting.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const WORDS: usize = size_of::<libc::sigaction>().div_ceil(size_of::<u64>());

/// What happens at a signal, in atomic words: one thread may look at it while another replaces it.
pub struct Kept {
    words: [AtomicU64; WORDS],
    /// Whether our handler is the one that is asked first, or by whoever came later.
    pub is_installed: AtomicBool,
    /// Whether this has been given back its place already.
    pub is_restored: AtomicBool,
}

/// Room for an action, all of it written: padding too is read as words.
#[repr(C)]
union Words {
    words: [u64; WORDS],
    action: libc::sigaction,
}

impl Kept {
    /// Nothing yet.
    pub const fn new() -> Kept {
        Kept {
            words: [const { AtomicU64::new(0) }; WORDS],
            is_installed: AtomicBool::new(false),
            is_restored: AtomicBool::new(false),
        }
    }

    /// Keeps what happens at a signal now, and says who that is.
    pub fn keep_current(&self, signal: libc::c_int) -> Option<libc::sighandler_t> {
        let mut room = Words { words: [0; WORDS] };
        // SAFETY: the system writes to room for an action.
        if unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut room.action) } != 0 {
            return None;
        }
        // SAFETY: all words were written above, and those of the action again by the system.
        for (to, from) in self.words.iter().zip(unsafe { room.words }) {
            to.store(from, Ordering::Relaxed);
        }
        // SAFETY: the system has written it.
        Some(unsafe { room.action.sa_sigaction })
    }

    /// What was kept.
    pub fn action(&self) -> libc::sigaction {
        let mut room = MaybeUninit::<Words>::zeroed();
        // SAFETY: zeros are words.
        let words = unsafe { &mut (*room.as_mut_ptr()).words };
        for (to, from) in words.iter_mut().zip(&self.words) {
            *to = from.load(Ordering::Relaxed);
        }
        // SAFETY: an action as the system wrote it, or zeros, which are the default action.
        unsafe { room.assume_init().action }
    }
}
