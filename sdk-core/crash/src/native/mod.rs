//! Linux and Android: the only part that is not plain, safe Rust.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

mod alternate_stack;
mod handler;
mod kept;
mod modules;
mod registers;

pub use handler::{arm, disarm};
pub use modules::{loaded_modules, name_at};

/// Whether crashes can be recorded here.
pub const IS_SUPPORTED: bool = true;

/// Gives this thread a stack of its own to die on, unless it has one: without it nothing can be recorded of a thread
/// whose stack is used up. It is given back when the thread ends.
///
/// # Errors
/// When there is no memory for it.
pub fn prepare_thread() -> io::Result<()> {
    alternate_stack::prepare()
}

/// Looks again at what is loaded, for those that load libraries while they run.
pub fn refresh_modules() {
    modules::publish();
}

/// Whether the process that is to write to a file lives; it must not be this one.
pub fn is_alive(file: &File) -> bool {
    let mut lock = file_lock(libc::F_WRLCK);
    // SAFETY: the descriptor is open, and the system writes to a lock that is ours.
    let asked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) };
    // What cannot be asked is left alone.
    asked != 0 || lock.l_type != libc::F_UNLCK as libc::c_short
}

/// A lock on a whole file that is the process's own: a fork does not have it, and it ends with the process.
fn file_lock(kind: libc::c_int) -> libc::flock {
    // SAFETY: it is made of numbers only, for which zero is one.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}
