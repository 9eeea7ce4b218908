//! The thread that finds names, drives the engine and talks to the collector.
//!
//! Whatever the application's own code does here (its `before_send`, its transport) ends at most the alert that it was
//! called for: the thread catches its panics, and marks itself so that the panic hook does not report them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use error_sentinel_wire::{Dsn, Event, Sdk};

use super::surroundings::Surroundings;
use super::{Snapshot, Task, clock};
use crate::engine::{Engine, Limits, Output, Reason};
use crate::options::{BeforeSend, Options};
use crate::transport::{Transport, TransportError};

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is the SDK's own thread, whose panics are not the application's.
pub fn is_worker() -> bool {
    IS_WORKER.try_with(Cell::get).unwrap_or(true)
}

/// Starts the thread.
///
/// # Errors
/// When the system gives no thread, or there is no way to deliver.
pub fn start(
    dsn: Dsn,
    mut options: Options,
    inbox: Receiver<Task>,
    overflow_count: Arc<AtomicU64>,
) -> Result<(), TransportError> {
    let transport = match options.transport.take() {
        Some(transport) => transport,
        None => default_transport()?,
    };
    let sdk = Sdk { name: "error-sentinel.rust".into(), version: env!("CARGO_PKG_VERSION").into() };
    let mut worker = Worker {
        dsn,
        engine: Engine::new(Limits::default(), sdk.clone(), clock::random()),
        transport,
        before_send: options.before_send.take(),
        surroundings: Surroundings::new(options, sdk),
        overflow_count,
        flushes: Vec::new(),
        #[cfg(feature = "backtrace")]
        symbols: super::backtrace::Symbols::default(),
    };
    let thread = std::thread::Builder::new().name("error-sentinel".to_owned());
    let started = thread.spawn(move || {
        IS_WORKER.with(|is_worker| is_worker.set(true));
        worker.run(&inbox);
    });
    started.map(|_| ()).map_err(|error| TransportError(format!("no thread could be started: {error}")))
}

fn default_transport() -> Result<Box<dyn Transport>, TransportError> {
    #[cfg(feature = "http")]
    return Ok(Box::new(super::http::HttpTransport::default()));
    #[cfg(not(feature = "http"))]
    Err(TransportError("the feature http is off and no transport was given".to_owned()))
}

struct Worker {
    dsn: Dsn,
    engine: Engine,
    transport: Box<dyn Transport>,
    before_send: Option<BeforeSend>,
    surroundings: Surroundings,
    overflow_count: Arc<AtomicU64>,
    flushes: Vec<Sender<()>>,
    #[cfg(feature = "backtrace")]
    symbols: super::backtrace::Symbols,
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Task>) {
        loop {
            let output = self.engine.poll(clock::monotonic(), clock::now());
            if self.engine.is_empty() {
                for done in self.flushes.drain(..) {
                    // Whoever waited may have gone meanwhile.
                    let _ = done.try_send(());
                }
            }
            let task = match output {
                Output::Send(envelope) => {
                    self.deliver(&envelope);
                    inbox.try_recv().ok()
                }
                Output::Wait(until) => {
                    let wait = Duration::from_millis(until.after(clock::monotonic()));
                    match inbox.recv_timeout(wait) {
                        Ok(task) => Some(task),
                        Err(RecvTimeoutError::Timeout) => None,
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                Output::Idle => match inbox.recv() {
                    Ok(task) => Some(task),
                    Err(_) => return,
                },
            };
            match task {
                Some(Task::Alert(snapshot)) => self.take(*snapshot),
                Some(Task::Flush(done)) => self.flushes.push(done),
                Some(Task::Stop) => return,
                None => {}
            }
        }
    }

    fn deliver(&mut self, envelope: &[u8]) {
        let sent = catch_unwind(AssertUnwindSafe(|| self.transport.send(&self.dsn, envelope)));
        let now = clock::monotonic();
        match sent {
            Ok(Ok(reply)) => self.engine.handle_reply(&reply, now),
            Ok(Err(_)) | Err(_) => self.engine.handle_failure(now),
        }
    }

    fn take(&mut self, snapshot: Snapshot) {
        let overflow_count = self.overflow_count.swap(0, Ordering::Relaxed);
        if overflow_count > 0 {
            self.engine.lose(Reason::QueueOverflow, overflow_count);
        }
        match catch_unwind(AssertUnwindSafe(|| self.complete(snapshot))) {
            Ok(Some(event)) => match event.event_id {
                Some(id) => self.engine.enqueue(id, event.to_json(), clock::monotonic()),
                None => self.engine.lose(Reason::Internal, 1),
            },
            Ok(None) => self.engine.lose(Reason::BeforeSend, 1),
            Err(_) => self.engine.lose(Reason::Internal, 1),
        }
    }

    /// Adds what takes time to find; `None` when the application dropped the event.
    fn complete(&mut self, snapshot: Snapshot) -> Option<Event> {
        let mut event = snapshot.event;
        let id = event.event_id;
        #[cfg(feature = "backtrace")]
        {
            let own = self.surroundings.own_prefixes();
            let stack = self.symbols.stack(&snapshot.addresses, snapshot.is_panic, own);
            match event.exceptions.last_mut() {
                Some(surfaced) => surfaced.stacktrace = stack,
                None => event.stacktrace = stack,
            }
        }
        #[cfg(not(feature = "backtrace"))]
        let _ = (snapshot.addresses, snapshot.is_panic);
        self.surroundings.describe(&mut event);
        let mut event = match &self.before_send {
            Some(change) => change(event)?,
            None => event,
        };
        event.event_id = id;
        Some(event)
    }
}
