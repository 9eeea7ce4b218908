//! The native driver of the engine: a thread, started by [`start`], that owns everything which may take time, and one
//! beside it that waits for the network.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use error_sentinel_wire::{Dsn, Event, EventId};

use crate::alert::{Alert, Chain};
use crate::engine::Storms;
use crate::fit::fit;
use crate::options::Options;

use ending::Ending;
use running::Client;
use snapshot::Snapshot;
use spool::Slot;
use waker::Waker;

#[cfg(feature = "backtrace")]
mod backtrace;
pub mod clock;
mod copies;
#[cfg(feature = "crash")]
pub mod crash;
mod ending;
#[cfg(feature = "http")]
pub mod http;
mod keeper;
mod panic_hook;
mod room;
mod running;
mod sampling;
pub mod scopes;
mod sender;
mod snapshot;
mod spool;
mod surroundings;
mod waker;
mod worker;

/// Alerts on their way to the worker. A burst fits; past it, alerts are counted instead of kept.
const CHANNEL: usize = 512;
/// So many of them, and the worker is woken though it would come by in a moment.
const CROWD: usize = CHANNEL / 4;
/// Steps remembered unless said otherwise.
const BREADCRUMBS: usize = 20;
/// How long the end of the program waits for what is on its way, and a dying process for its last panic: with
/// `panic = "abort"` there is no guard to do it. Unless said otherwise.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the worker is told.
enum Task {
    /// Deliver this.
    Alert(Box<Snapshot>),
    /// Deliver this too, and say when it is on disk, where there is a spool.
    Keep(Box<Snapshot>, Sender<()>),
    /// Deliver this too, which is on disk in a slot.
    Kept(Box<Snapshot>, Slot),
    /// Say when everything before this has left, or was given up.
    Flush(Sender<()>),
}

/// What the worker and those that report tell each other without waiting.
#[derive(Debug, Default)]
struct State {
    /// Alerts that found no room in the channel.
    overflow_count: AtomicU64,
    /// Whether the worker let a panic wait in vain, and has not been heard of since: one wait is enough.
    is_stuck: AtomicBool,
    /// Whether the worker is to end when it has looked through what it was told.
    is_over: AtomicBool,
    waker: Waker,
    ending: Ending,
}

impl State {
    /// Ends the worker.
    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// Errors that repeat are counted on the thread that raises them: a channel that is full would lose them.
type SharedStorms = Arc<Mutex<Storms<Box<Snapshot>>>>;

/// Whether there is a client; a glance at it is all that disabled calls cost.
static IS_ON: AtomicBool = AtomicBool::new(false);
static CLIENT: RwLock<Option<Client>> = RwLock::new(None);

/// The process that the client belongs to: a fork has no worker, so there nothing is reported until it starts anew.
static PROCESS: AtomicU32 = AtomicU32::new(0);

fn is_own_process() -> bool {
    PROCESS.load(Ordering::Relaxed) == std::process::id()
}

/// Whether alerts take their stack along.
static TAKES_STACKS: AtomicBool = AtomicBool::new(true);
static FAREWELL_MS: AtomicU64 = AtomicU64::new(0);

/// How long the end of the program may take.
pub fn farewell() -> Duration {
    Duration::from_millis(FAREWELL_MS.load(Ordering::Relaxed))
}

/// Whether this is the SDK's own thread: what is logged there is about the SDK, and must not feed it.
#[cfg(any(feature = "log", feature = "tracing"))]
pub fn is_own_thread() -> bool {
    worker::is_worker()
}

/// Whether anything is reported.
#[inline]
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Starts the worker; says whether there is one.
pub fn start(mut options: Options) -> bool {
    if options.dsn.trim().is_empty() {
        options.dsn = std::env::var("ERROR_SENTINEL_DSN").unwrap_or_default();
    }
    if options.dsn.trim().is_empty() {
        return false;
    }
    let dsn = match Dsn::parse(&options.dsn) {
        Ok(dsn) => dsn,
        Err(error) => {
            eprintln!("error-sentinel: nothing will be reported: {error}");
            return false;
        }
    };
    let (tasks, inbox): (Sender<Task>, Receiver<Task>) = bounded(CHANNEL);
    let state = Arc::new(State::default());
    clock::reseed();
    TAKES_STACKS.store(options.attach_stacktrace.unwrap_or(true), Ordering::Relaxed);
    sampling::keep_up_to(options.sample_up_to());
    let farewell = options.farewell.or_else(|| {
        let ms = std::env::var("ERROR_SENTINEL_FAREWELL_MS").ok()?.parse().ok()?;
        Some(Duration::from_millis(ms))
    });
    let farewell_ms = farewell.unwrap_or(FAREWELL).as_millis();
    FAREWELL_MS.store(u64::try_from(farewell_ms).unwrap_or(u64::MAX), Ordering::Relaxed);
    scopes::reset(options.max_breadcrumbs.unwrap_or(BREADCRUMBS));
    let storms = SharedStorms::default();
    if options.spool_dir.is_none() {
        options.spool_dir =
            std::env::var_os("ERROR_SENTINEL_SPOOL_DIR").filter(|dir| !dir.is_empty()).map(Into::into);
    }
    let is_spooled = options.spool_dir.is_some();
    let started = room::look_for_room()
        .and_then(|()| worker::start(dsn, options, inbox, state.clone(), storms.clone()));
    let keeper = match started {
        Ok(keeper) => keeper,
        Err(error) => {
            eprintln!("error-sentinel: nothing will be reported: {error}");
            #[cfg(feature = "crash")]
            crash::stop();
            return false;
        }
    };
    PROCESS.store(std::process::id(), Ordering::Relaxed);
    if is_spooled {
        ending::watch(state.clone());
    }
    let earlier = {
        let mut client = CLIENT.write().unwrap_or_else(PoisonError::into_inner);
        client.replace(Client { tasks, state, storms, is_spooled, keeper })
    };
    if let Some(earlier) = earlier {
        earlier.state.end();
    }
    IS_ON.store(true, Ordering::Relaxed);
    panic_hook::install();
    true
}

/// Lets what is on its way leave, then ends the worker; says whether all has left.
pub fn stop(timeout: Duration) -> bool {
    if !is_own_process() {
        // The threads are the parent's.
        return true;
    }
    let has_left = flush(timeout);
    IS_ON.store(false, Ordering::Relaxed);
    #[cfg(feature = "crash")]
    crash::stop();
    let client = CLIENT.write().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(client) = client {
        // Where it hangs, it is left to the end of the process.
        client.state.end();
    }
    has_left
}

/// Alerts that panicked while they were put into words.
static BROKEN_COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static IS_MAKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs code of the application on the SDK's behalf, such as the `Display` of an error: without
/// the SDK it would not run, so that its panics must not be seen either.
fn is_making() -> bool {
    IS_MAKING.try_with(Cell::get).unwrap_or(false)
}

/// What code of the application returns that only runs on the SDK's behalf; `None` when it panics, which nobody sees.
pub fn unseen<T>(run: impl FnOnce() -> T) -> Option<T> {
    // A thread that is ending goes without the mark.
    let was_making = IS_MAKING.try_with(|is_making| is_making.replace(true)).unwrap_or(false);
    let made = catch_unwind(AssertUnwindSafe(run));
    let _ = IS_MAKING.try_with(|is_making| is_making.set(was_making));
    made.ok()
}

/// Hands an alert to the worker and returns its id. `make` may run code of the application, so no lock is held
/// meanwhile.
pub fn send(make: impl FnOnce() -> Alert) -> EventId {
    let id = clock::event_id();
    if !is_own_process() || sampling::leaves_out(id) {
        return id;
    }
    let Some(Alert { mut event, chain, origin }) = unseen(make) else {
        BROKEN_COUNT.fetch_add(1, Ordering::Relaxed);
        return id;
    };
    let id = *event.event_id.get_or_insert(id);
    event.timestamp.get_or_insert_with(clock::now);
    fit(&mut event);
    let trail = scopes::apply(&mut event, true);
    // An event made elsewhere brings the stack that it is about.
    let needs_none = has_stack(&event) || !TAKES_STACKS.load(Ordering::Relaxed);
    let addresses = if needs_none { Vec::new() } else { addresses() };
    hand_over(Snapshot { event, chain, trail, addresses, origin, is_panic: false }, true);
    id
}

/// Hands over an event of a process that is about to end, whatever the sample rate says; with a spool it is on disk
/// when this returns.
pub fn send_crash(mut event: Event) -> EventId {
    let id = *event.event_id.get_or_insert_with(clock::event_id);
    if !is_own_process() {
        return id;
    }
    event.timestamp.get_or_insert_with(clock::now);
    fit(&mut event);
    let trail = scopes::apply(&mut event, true);
    // A crash that brings no stack is told by what it says: this thread's is that of whoever reports it.
    let snapshot = Snapshot {
        event,
        chain: Chain::default(),
        trail,
        addresses: Vec::new(),
        origin: None,
        is_panic: true,
    };
    hand_over(snapshot, true);
    id
}

fn has_stack(event: &Event) -> bool {
    event.stacktrace.is_some() || event.exceptions.iter().any(|exception| exception.stacktrace.is_some())
}

/// The stack of this thread as addresses only: finding names takes a hundred times longer.
fn addresses() -> Vec<usize> {
    #[cfg(feature = "backtrace")]
    return backtrace::addresses();
    #[cfg(not(feature = "backtrace"))]
    Vec::new()
}

/// Gives an alert to the client, where there is one.
fn hand_over(snapshot: Snapshot, may_wait: bool) {
    // Held only while another thread puts a client in or takes it out; the panic hook must not wait even then.
    let client = match CLIENT.try_read() {
        Ok(client) => client,
        Err(TryLockError::Poisoned(error)) => error.into_inner(),
        Err(TryLockError::WouldBlock) if may_wait => CLIENT.read().unwrap_or_else(PoisonError::into_inner),
        Err(TryLockError::WouldBlock) => return,
    };
    if let Some(client) = client.as_ref() {
        client.hand_over(snapshot, may_wait);
    }
}

/// Waits until everything before has left, at most `timeout`.
pub fn flush(timeout: Duration) -> bool {
    if !is_own_process() {
        return true;
    }
    let (tasks, state) = {
        let client = CLIENT.read().unwrap_or_else(PoisonError::into_inner);
        match client.as_ref() {
            Some(client) => (client.tasks.clone(), client.state.clone()),
            None => return true,
        }
    };
    let started = Instant::now();
    let (done, wait) = bounded(1);
    if tasks.send_timeout(Task::Flush(done), timeout).is_err() {
        return false;
    }
    state.waker.wake();
    wait.recv_timeout(timeout.saturating_sub(started.elapsed())).is_ok()
}
