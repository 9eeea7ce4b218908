//! The native driver of the engine: one thread, started by [`start`], that owns everything which may take time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use error_sentinel_wire::{Dsn, Event, EventId};

use crate::alert::Alert;
use crate::options::Options;
use crate::scope;

#[cfg(feature = "backtrace")]
mod backtrace;
pub mod clock;
#[cfg(feature = "http")]
pub mod http;
mod panic_hook;
mod surroundings;
mod worker;

/// Alerts on their way to the worker. A burst fits; past it, alerts are counted instead of kept.
const CHANNEL: usize = 512;
/// Steps remembered unless said otherwise.
const BREADCRUMBS: usize = 20;
/// How long the end of the program waits for what is on its way.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the worker is told.
enum Task {
    /// Deliver this.
    Alert(Box<Snapshot>),
    /// Say when everything before this has left, or was given up.
    Flush(Sender<()>),
    /// End.
    Stop,
}

/// An alert as the thread that raised it saw it; names are found later, by the worker.
struct Snapshot {
    event: Event,
    /// Addresses of the stack, the newest first.
    addresses: Vec<usize>,
    /// Whether the stack is that of a panic.
    is_panic: bool,
}

/// The running client.
struct Client {
    tasks: Sender<Task>,
    /// Alerts that found no room in the channel.
    overflow_count: Arc<AtomicU64>,
}

/// Whether there is a client; a glance at it is all that disabled calls cost.
static IS_ON: AtomicBool = AtomicBool::new(false);
static CLIENT: RwLock<Option<Client>> = RwLock::new(None);

/// Whether anything is reported.
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
    let overflow_count = Arc::new(AtomicU64::new(0));
    scope::reset(options.max_breadcrumbs.unwrap_or(BREADCRUMBS));
    if let Err(error) = worker::start(dsn, options, inbox, overflow_count.clone()) {
        eprintln!("error-sentinel: nothing will be reported: {error}");
        return false;
    }
    let earlier = {
        let mut client = CLIENT.write().unwrap_or_else(PoisonError::into_inner);
        client.replace(Client { tasks, overflow_count })
    };
    if let Some(earlier) = earlier {
        // A worker that is gone needs no word.
        let _ = earlier.tasks.try_send(Task::Stop);
    }
    IS_ON.store(true, Ordering::Relaxed);
    panic_hook::install();
    true
}

/// Lets what is on its way leave, then ends the worker.
pub fn stop() {
    flush(FAREWELL);
    IS_ON.store(false, Ordering::Relaxed);
    let client = CLIENT.write().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(client) = client {
        // A full channel means that the worker hangs; it is left to the end of the process.
        let _ = client.tasks.try_send(Task::Stop);
    }
}

/// Hands an alert to the worker. `make` may run code of the application, so no lock is held meanwhile.
pub fn send(id: EventId, make: impl FnOnce() -> Alert) {
    let mut event = make().event;
    event.event_id = Some(id);
    event.timestamp = Some(clock::now());
    scope::apply(&mut event, true);
    hand_over(Snapshot { event, addresses: addresses(), is_panic: false });
}

/// The stack of this thread as addresses only: finding names takes a hundred times longer.
fn addresses() -> Vec<usize> {
    #[cfg(feature = "backtrace")]
    return backtrace::addresses();
    #[cfg(not(feature = "backtrace"))]
    Vec::new()
}

fn hand_over(snapshot: Snapshot) {
    // Blocked only while another thread starts or stops the client; the panic hook must not wait even then.
    let Ok(client) = CLIENT.try_read() else { return };
    let Some(client) = client.as_ref() else { return };
    match client.tasks.try_send(Task::Alert(Box::new(snapshot))) {
        Ok(()) => {}
        Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
            client.overflow_count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Waits until everything before has left, at most `timeout`.
pub fn flush(timeout: Duration) -> bool {
    let tasks = {
        let client = CLIENT.read().unwrap_or_else(PoisonError::into_inner);
        match client.as_ref() {
            Some(client) => client.tasks.clone(),
            None => return true,
        }
    };
    let started = std::time::Instant::now();
    let (done, wait) = bounded(1);
    if tasks.send_timeout(Task::Flush(done), timeout).is_err() {
        return false;
    }
    wait.recv_timeout(timeout.saturating_sub(started.elapsed())).is_ok()
}
