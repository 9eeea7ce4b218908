//! The signal handler, and how it comes and goes.
//!
//! What runs in the handler is limited to this file, `registers` and the reading of atomic words: it calls only what
//! the system allows there (`write`, `sigaction`, `clock_gettime`…), allocates nothing, takes no lock, touches no
//! thread-local but `errno`, and does a bounded amount of work. All signals are blocked meanwhile, so that a crash in it
//! ends the process at once: the system kills who crashes by a signal that is blocked.

use std::ffi::{c_int, c_long, c_void};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::kept::Kept;
use super::{alternate_stack, file_lock, modules, registers};
use crate::layout::{
    AT_FAULT, AT_MAGIC, AT_NAME, AT_NANOSECONDS, AT_PROCESSOR, AT_REGISTERS, AT_SECONDS, AT_SIGNAL, AT_STACK,
    AT_STACK_LENGTH, AT_STEP_CAPACITY, AT_STEP_COUNT, AT_THREAD, FACTS_AT, HEADER_WORDS, MAGIC, MODULES_AT,
    RECORD_BYTES, STACK_AT, STACK_BYTES, STEPS_AT,
};
use crate::{steps, words};

/// What a process dies of.
const SIGNALS: [c_int; 5] = [libc::SIGSEGV, libc::SIGABRT, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
static KEPT: [Kept; SIGNALS.len()] = [const { Kept::new() }; SIGNALS.len()];

/// Nobody wants a record.
const IDLE: u32 = 0;
/// The next crash is recorded.
const ARMED: u32 = 1;
/// A thread is writing one.
const WRITING: u32 = 2;
/// It is written; there is one a process.
const WRITTEN: u32 = 3;
static STATE: AtomicU32 = AtomicU32::new(IDLE);
/// Where to, and the process that may: a fork has its handlers and its file too.
static FILE: AtomicI32 = AtomicI32::new(-1);
static PROCESS: AtomicI32 = AtomicI32::new(0);

/// Taken by those that arm and disarm, never by the handler.
static CHANGE: Mutex<()> = Mutex::new(());

/// Longest that a thread which crashes too waits for the first one: rounds, and nanoseconds of one.
const ROUNDS: u32 = 200;
const ROUND_NS: c_long = 10_000_000;
/// Most pages that are looked at for the first one that can be read: where the stack is used up, its pointer is beyond
/// the end.
const PAGES: usize = 64;
const PAGE: usize = 4096;

/// Records the next crash of this process in a file, with this many of the last steps. The file is given its room now,
/// as far as the disk has it, so that it is there when the disk is full. This thread gets a stack to die on.
///
/// # Errors
/// When a crash is being recorded, or has been, or the system does not let us.
pub fn arm(file: File, step_count: usize) -> io::Result<()> {
    disarm();
    let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    if STATE.load(Ordering::Acquire) != IDLE {
        return Err(io::Error::other("this process has crashed already"));
    }
    let lock = file_lock(libc::F_WRLCK);
    // SAFETY: the descriptor is open, and the system only reads the lock.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) } != 0 {
        return Err(io::Error::last_os_error());
    }
    make_room(&file);
    alternate_stack::prepare()?;
    modules::publish();
    words::FACTS.publish(&[]);
    steps::reset(step_count);
    FILE.store(file.into_raw_fd(), Ordering::Relaxed);
    // SAFETY: it always succeeds.
    PROCESS.store(unsafe { libc::getpid() }, Ordering::Relaxed);
    for (signal, kept) in SIGNALS.into_iter().zip(&KEPT) {
        install(signal, kept);
    }
    STATE.store(ARMED, Ordering::Release);
    Ok(())
}

/// Ends that: the handlers that were there before are there again, and the file is closed. Says whether it is empty:
/// whoever wrote to it by then is about to end the process, and keeps it.
pub fn disarm() -> bool {
    let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    if STATE.compare_exchange(ARMED, IDLE, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return STATE.load(Ordering::Acquire) == IDLE;
    }
    for (signal, kept) in SIGNALS.into_iter().zip(&KEPT) {
        uninstall(signal, kept);
    }
    steps::reset(0);
    let file = FILE.swap(-1, Ordering::Relaxed);
    if file >= 0 {
        // SAFETY: it is ours, and nobody knows its number any more.
        unsafe { libc::close(file) };
    }
    true
}

fn install(signal: c_int, kept: &Kept) {
    kept.is_restored.store(false, Ordering::Relaxed);
    if kept.is_installed.load(Ordering::Relaxed) {
        // Whoever came later still passes on to us.
        return;
    }
    let Some(before) = kept.keep_current(signal) else { return };
    if before == libc::SIG_IGN {
        // The program does not die of it.
        return;
    }
    // SAFETY: it is made of numbers, for which zero is one.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler();
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: a set that is ours.
    unsafe { libc::sigfillset(&raw mut action.sa_mask) };
    // SAFETY: the handler is one for signals, see there.
    let is_done = unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } == 0;
    kept.is_installed.store(is_done, Ordering::Relaxed);
}

fn uninstall(signal: c_int, kept: &Kept) {
    if kept.is_installed.load(Ordering::Relaxed) && is_ours(signal) {
        kept.is_installed.store(!put_back(signal, kept), Ordering::Relaxed);
    }
}

/// Puts back who was there before us; says whether they are.
fn put_back(signal: c_int, kept: &Kept) -> bool {
    let before = kept.action();
    // SAFETY: allowed in a handler; an action as the system gave it.
    unsafe { libc::sigaction(signal, &raw const before, ptr::null_mut()) == 0 }
}

/// Whether a signal comes to us first.
fn is_ours(signal: c_int) -> bool {
    // SAFETY: it is made of numbers.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: allowed in a handler; the system writes to what is ours.
    let is_known = unsafe { libc::sigaction(signal, ptr::null(), &raw mut now) } == 0;
    is_known && now.sa_sigaction == handler()
}

/// Our handler, as the system names it.
fn handler() -> libc::sighandler_t {
    let handler: unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_signal;
    handler as *const () as libc::sighandler_t
}

/// Gives the file its room, unless the process may not write as much: to try would end it.
fn make_room(file: &File) {
    // SAFETY: it is made of numbers.
    let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
    // SAFETY: the system writes to what is ours.
    let is_known = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } == 0;
    if is_known && limit.rlim_cur >= RECORD_BYTES as libc::rlim_t {
        // Where the disk or its system has no such thing, the record takes what room there is when it is written.
        // SAFETY: the descriptor is open.
        let _ = unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, RECORD_BYTES as libc::off_t) };
    }
}

/// Called by the system on the thread that crashed.
unsafe extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the place of this thread's error number, which whoever was interrupted wants to find unchanged.
    let (errno, before) = unsafe {
        let errno = errno();
        (errno, *errno)
    };
    // SAFETY: it always succeeds.
    if unsafe { libc::getpid() } == PROCESS.load(Ordering::Relaxed) {
        match STATE.compare_exchange(ARMED, WRITING, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                // SAFETY: the system's own description of the signal and of the thread that it interrupted.
                let given = unsafe { (info.as_ref(), context.cast::<libc::ucontext_t>().as_ref()) };
                if let (Some(info), Some(context)) = given {
                    write_record(signal, info, context);
                }
                STATE.store(WRITTEN, Ordering::Release);
                retire(signal);
            }
            Err(WRITING) => wait_for_the_other(),
            Err(_) => {}
        }
    }
    make_way(signal, info);
    // SAFETY: as above.
    unsafe { *errno = before };
}

/// Lets another thread, which crashed first, finish its record: the process must not end before.
fn wait_for_the_other() {
    let round = libc::timespec { tv_sec: 0, tv_nsec: ROUND_NS };
    for _ in 0..ROUNDS {
        if STATE.load(Ordering::Acquire) != WRITING {
            return;
        }
        // SAFETY: it reads a time that is ours.
        unsafe { libc::nanosleep(&raw const round, ptr::null_mut()) };
    }
}

/// Gives all signals but one back: there is one record a process, and we have nothing to say to them any more. Who is
/// asked next may end the process by one of them, as the standard library does by SIGABRT, on a stack without room for
/// our handler too: it has 8 KB, of which what the system says of one signal takes 3.4 where the processor has AVX-512.
fn retire(but: c_int) {
    for (signal, kept) in SIGNALS.into_iter().zip(&KEPT) {
        if signal != but && kept.is_installed.load(Ordering::Relaxed) && is_ours(signal) {
            put_back(signal, kept);
        }
    }
}

/// Gives the signal to whoever was there before us, as if we had not been: the handler is put back, and the signal is
/// sent to this thread once more, with all that it came with. It arrives when this handler returns, at the place where
/// the first one did.
fn make_way(signal: c_int, info: *mut libc::siginfo_t) {
    let Some(kept) = SIGNALS.iter().zip(&KEPT).find_map(|(known, kept)| (*known == signal).then_some(kept))
    else {
        return;
    };
    // SAFETY: it is made of numbers; zeros are the default action, which ends the process.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // Whoever comes here a second time passes on to us what we have passed on to them; it has to end.
    if !kept.is_restored.swap(true, Ordering::AcqRel) {
        action = kept.action();
    }
    // SAFETY: allowed in a handler; an action as the system gave it, or the default one.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    // SAFETY: both always succeed.
    let (process, thread) = unsafe { (libc::getpid(), libc::syscall(libc::SYS_gettid)) };
    // SAFETY: the signal's own description, which the system copies.
    let sent = unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, c_long::from(process), thread, c_long::from(signal), info)
    };
    if sent != 0 {
        // SAFETY: it sends a signal to this thread.
        unsafe { libc::syscall(libc::SYS_tgkill, c_long::from(process), thread, c_long::from(signal)) };
    }
}

fn write_record(signal: c_int, info: &libc::siginfo_t, context: &libc::ucontext_t) {
    let file = FILE.load(Ordering::Relaxed);
    let limit = IgnoredLimit::new();
    let (registers, stack_pointer) = registers::read(context);
    let mut header = [0; HEADER_WORDS];
    let mut put = |at: usize, word: u64| {
        if let Some(place) = header.get_mut(at) {
            *place = word;
        }
    };
    put(AT_MAGIC, MAGIC);
    put(AT_PROCESSOR, registers::PROCESSOR);
    put(AT_SIGNAL, u64::from(signal.cast_unsigned()) | u64::from(info.si_code.cast_unsigned()) << 32);
    if info.si_code > 0 {
        // SAFETY: signals that the system itself raises have an address, for all that we handle.
        put(AT_FAULT, unsafe { info.si_addr() } as u64);
    }
    // SAFETY: both always succeed.
    let (process, thread) = unsafe { (libc::getpid(), libc::syscall(libc::SYS_gettid)) };
    put(AT_THREAD, u64::from(process.cast_unsigned()) | thread.cast_unsigned() << 32);
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let mut name = [0u64; 2];
    // SAFETY: the system writes a time, and a name of 16 bytes, to what is ours.
    unsafe {
        libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now);
        libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr());
    }
    put(AT_SECONDS, now.tv_sec.cast_unsigned());
    put(AT_NANOSECONDS, now.tv_nsec.cast_unsigned());
    for (at, word) in (AT_NAME..).zip(name) {
        put(at, word);
    }
    for (at, word) in (AT_REGISTERS..).zip(registers) {
        put(at, word);
    }
    let (steps, capacity, count) = steps::kept();
    put(AT_STEP_CAPACITY, capacity as u64);
    put(AT_STEP_COUNT, count);
    // At once, so that it is there whatever comes; and again when it is known how much of the stack there is.
    write_words(file, &header, 0);
    write_atomic(file, words::FACTS.current(), FACTS_AT);
    write_atomic(file, words::MODULES.current(), MODULES_AT);
    write_atomic(file, steps, STEPS_AT);
    let (start, length) = write_stack(file, stack_pointer as usize);
    for (at, word) in [(AT_STACK, start), (AT_STACK_LENGTH, length)] {
        if let Some(place) = header.get_mut(at) {
            *place = word as u64;
        }
    }
    write_words(file, &header, 0);
    drop(limit);
}

fn write_words(file: c_int, words: &[u64], at: usize) {
    write(file, words.as_ptr().cast(), size_of_val(words), at);
}

fn write_atomic(file: c_int, words: &[AtomicU64], at: usize) {
    write(file, words.as_ptr().cast(), size_of_val(words), at);
}

/// Writes the newest part of the stack, and returns where it begins and how much of it there is.
fn write_stack(file: c_int, pointer: usize) -> (usize, usize) {
    let mut start = pointer & !7;
    for _ in 0..PAGES {
        let length = write(file, start as *const c_void, STACK_BYTES, STACK_AT);
        if length > 0 {
            return (start, length);
        }
        let Some(next) = start.checked_add(1).and_then(|after| after.checked_next_multiple_of(PAGE)) else {
            break;
        };
        start = next;
    }
    (start, 0)
}

/// Writes memory that may not be there, as far as it is: the system reads it, and says so where it cannot.
fn write(file: c_int, memory: *const c_void, length: usize, at: usize) -> usize {
    let mut done = 0;
    while done < length {
        let (from, to) = (memory.wrapping_byte_add(done), (at + done) as libc::off_t);
        // SAFETY: allowed in a handler. The system checks every address itself.
        let written = unsafe { libc::pwrite(file, from, length - done, to) };
        match usize::try_from(written) {
            Ok(0) => break,
            Ok(more) => done += more,
            // SAFETY: the place of this thread's error number.
            Err(_) if unsafe { *errno() } == libc::EINTR => {}
            Err(_) => break,
        }
    }
    done
}

/// As long as it lives, a process that writes past its limit is told so instead of being killed.
struct IgnoredLimit(libc::sigaction);

impl IgnoredLimit {
    fn new() -> IgnoredLimit {
        // SAFETY: both are made of numbers.
        let (mut ignore, mut before): (libc::sigaction, libc::sigaction) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        ignore.sa_sigaction = libc::SIG_IGN;
        // SAFETY: allowed in a handler; both are ours.
        unsafe { libc::sigaction(libc::SIGXFSZ, &raw const ignore, &raw mut before) };
        IgnoredLimit(before)
    }
}

impl Drop for IgnoredLimit {
    fn drop(&mut self) {
        // SAFETY: as the system gave it.
        unsafe { libc::sigaction(libc::SIGXFSZ, &raw const self.0, ptr::null_mut()) };
    }
}

/// The place of this thread's error number.
///
/// # Safety
/// It is this thread's.
unsafe fn errno() -> *mut c_int {
    // SAFETY: it only tells an address.
    #[cfg(target_os = "android")]
    return unsafe { libc::__errno() };
    // SAFETY: the same.
    #[cfg(not(target_os = "android"))]
    unsafe {
        libc::__errno_location()
    }
}
