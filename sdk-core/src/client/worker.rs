//! The thread that finds names, drives the engine, and keeps what must outlive the process.
//!
//! Whatever the application's own code does here (its `before_send`, its transport) ends at most the alert that it was
//! called for: the thread catches its panics, and marks itself so that the panic hook does not report them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use error_sentinel_wire::{Dsn, Event, Sdk, UnixMs};

#[cfg(feature = "backtrace")]
use super::backtrace;
use super::copies::Copies;
use super::ending;
use super::keeper::{Keeper, add_trail, finished};
use super::sender::{self, Answer};
use super::spool::{Folder, Slot};
use super::surroundings::Surroundings;
use super::{CROWD, SharedStorms, Snapshot, State, Task, clock, sampling};
use crate::engine::{Collapsed, Engine, Limits, MonotonicMs, Outgoing, Output, Reason, Storms};
use crate::options::{BeforeSend, Options};
use crate::transport::{Transport, TransportError};

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is one of the SDK's own threads, whose panics are not the application's.
pub fn is_worker() -> bool {
    // A thread that is ending and has lost the mark is the application's: the SDK's own end with the process.
    IS_WORKER.try_with(Cell::get).unwrap_or(false)
}

/// Makes this thread one of the SDK's own.
pub fn mark_as_own() {
    IS_WORKER.with(|is_worker| is_worker.set(true));
}

/// Starts the thread. Returns who writes a panic to disk before the thread has looked at it: nobody where there is no
/// spool, or where the application has a word in what is reported, which comes first.
///
/// # Errors
/// When the system gives no thread, or there is no way to deliver.
pub fn start(
    dsn: Dsn,
    mut options: Options,
    inbox: Receiver<Task>,
    state: Arc<State>,
    storms: SharedStorms,
) -> Result<Option<Arc<Keeper>>, TransportError> {
    let transport = match options.transport.take() {
        Some(transport) => transport,
        None => default_transport()?,
    };
    let (requests, answers) = sender::start(dsn.clone(), transport, state.clone())?;
    let name = options.sdk_name.take().unwrap_or_else(|| "error-sentinel.rust".to_owned());
    let sdk = Sdk { name, version: env!("CARGO_PKG_VERSION").into() };
    let sent_at = options.sent_at.take();
    let folder = options.spool_dir.take().map(|dir| Arc::new(Folder::new(&dir, &dsn)));
    let limits = Limits { keeps_copies: folder.is_some(), ..Limits::default() };
    #[cfg(feature = "crash")]
    let reported_steps =
        options.reports_crashes.then(|| options.max_breadcrumbs.unwrap_or(super::BREADCRUMBS));
    let (before_send, keeps_pii) = (options.before_send.take(), options.send_default_pii);
    let surroundings = Arc::new(Surroundings::new(options, sdk.clone()));
    let keeper = folder
        .clone()
        .map(|folder| Arc::new(Keeper::new(folder, surroundings.clone(), before_send.clone(), keeps_pii)));
    if let Some(keeper) = keeper.as_ref().filter(|_| ending::IS_TOLD) {
        ending::start(inbox.clone(), keeper.clone(), storms.clone(), state.clone())?;
    }
    let mut worker = Worker {
        engine: Engine::new(limits, sdk, clock::random()),
        requests,
        copies: Copies::new(keeper.clone()),
        keeper: keeper.clone(),
        before_send,
        keeps_pii,
        surroundings,
        state: state.clone(),
        storms,
        sent_at,
        flushes: Vec::new(),
        later: VecDeque::new(),
        #[cfg(feature = "backtrace")]
        symbols: backtrace::Symbols::default(),
    };
    #[cfg(feature = "crash")]
    match reported_steps {
        Some(steps) => super::crash::start(folder.clone(), worker.surroundings.clone(), steps),
        None => super::crash::stop(),
    }
    let thread = std::thread::Builder::new().name("error-sentinel".to_owned());
    let started = thread.spawn(move || {
        mark_as_own();
        let _gone = Gone(worker.state.clone());
        worker.state.waker.belongs_to(std::thread::current());
        worker.copies.open();
        worker.copies.take_panics(&mut worker.engine);
        #[cfg(feature = "crash")]
        worker.take_crashes();
        worker.run(&inbox, &answers);
    });
    let thread = started.map_err(|error| {
        state.ending.is_over();
        TransportError(format!("no thread could be started: {error}"))
    })?;
    state.waker.belongs_to(thread.thread().clone());
    Ok(keeper.filter(|keeper| keeper.keeps_early()))
}

/// Says that the worker is gone, however it went.
struct Gone(Arc<State>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.ending.is_over();
    }
}

fn default_transport() -> Result<Box<dyn Transport>, TransportError> {
    #[cfg(feature = "http")]
    return Ok(Box::new(super::http::HttpTransport::default()));
    #[cfg(not(feature = "http"))]
    Err(TransportError("the feature http is off and no transport was given".to_owned()))
}

struct Worker {
    engine: Engine,
    requests: Sender<Vec<u8>>,
    copies: Copies,
    keeper: Option<Arc<Keeper>>,
    before_send: Option<BeforeSend>,
    keeps_pii: bool,
    surroundings: Arc<Surroundings>,
    state: Arc<State>,
    storms: SharedStorms,
    /// What envelopes say in place of the time.
    sent_at: Option<UnixMs>,
    flushes: Vec<Sender<()>>,
    /// Panics that are on disk and whose names are still to be found: whoever panics again must not wait for that.
    later: VecDeque<(Snapshot, Option<Slot>)>,
    #[cfg(feature = "backtrace")]
    symbols: backtrace::Symbols,
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Task>, answers: &Receiver<Answer>) {
        let mut has_paused = false;
        loop {
            self.state.ending.takes();
            let until = self.drain();
            self.state.ending.has_written();
            if self.engine.is_empty() {
                self.copies.tidy(&self.engine);
                for done in self.flushes.drain(..) {
                    // Whoever waited may have gone meanwhile.
                    let _ = done.try_send(());
                }
            }
            // Whoever ends it has told it everything by then.
            let is_over = self.state.is_over.load(Ordering::Acquire);
            // Answers first: however many alerts come in, what they are delivered by goes on.
            if let Ok(answer) = answers.try_recv() {
                match answer {
                    Some(reply) => self.engine.handle_reply(&reply, clock::monotonic()),
                    None => self.engine.handle_failure(clock::monotonic()),
                }
                continue;
            }
            self.state.ending.takes();
            match inbox.try_recv() {
                Ok(task) => {
                    self.state.waker.found();
                    has_paused = false;
                    self.carry_out(task);
                }
                Err(TryRecvError::Empty) if !is_over => {
                    self.state.ending.is_safe();
                    if !self.later.is_empty() {
                        if std::mem::replace(&mut has_paused, true) {
                            self.take_one_later();
                        } else {
                            self.state.waker.doze();
                        }
                        continue;
                    }
                    let pause = until.map(|until| Duration::from_millis(until.after(clock::monotonic())));
                    self.state.waker.rest(pause);
                }
                Err(_) => {
                    while self.take_one_later() {}
                    self.close_storms(true);
                    self.drain();
                    self.copies.close();
                    return;
                }
            }
        }
    }

    fn carry_out(&mut self, task: Task) {
        match task {
            Task::Alert(mut snapshot) => {
                snapshot.settle();
                self.secure(&snapshot);
                self.take(*snapshot);
            }
            Task::Keep(mut snapshot, done) => {
                snapshot.settle();
                self.state.is_stuck.store(false, Ordering::Relaxed);
                if self.keep_early(&snapshot) {
                    // Whoever waited may have gone meanwhile.
                    let _ = done.try_send(());
                    return self.put_off(*snapshot, None);
                }
                self.secure(&snapshot);
                self.take(*snapshot);
                self.drain();
                // Nobody waits for a second word, and there is room for one.
                let _ = done.try_send(());
            }
            Task::Kept(mut snapshot, slot) => {
                snapshot.settle();
                self.state.is_stuck.store(false, Ordering::Relaxed);
                self.put_off(*snapshot, Some(slot));
            }
            Task::Flush(done) => {
                while self.take_one_later() {}
                self.close_storms(true);
                self.take_lost();
                self.engine.hurry();
                self.flushes.push(done);
            }
        }
    }

    /// Lets a panic that is on disk wait for its names.
    fn put_off(&mut self, snapshot: Snapshot, slot: Option<Slot>) {
        self.later.push_back((snapshot, slot));
        if self.later.len() > CROWD {
            self.take_one_later();
        }
    }

    /// Looks into the panic that has waited longest; says whether there was one.
    fn take_one_later(&mut self) -> bool {
        let Some((snapshot, slot)) = self.later.pop_front() else { return false };
        if let (Some(event_id), Some(slot)) = (snapshot.event.event_id, slot) {
            self.copies.is_in(event_id, slot);
        }
        self.take(snapshot);
        true
    }

    /// Does all that there is to do now; returns when there will be more.
    fn drain(&mut self) -> Option<MonotonicMs> {
        loop {
            self.close_storms(false);
            self.copies.hand_in(&mut self.engine);
            let sent_at = self.sent_at.unwrap_or_else(clock::now);
            match self.engine.poll(clock::monotonic(), sent_at) {
                Output::Send(envelope) => {
                    if self.requests.try_send(envelope).is_err() {
                        self.engine.handle_failure(clock::monotonic());
                    }
                }
                Output::Spool { event_id, bytes } => {
                    let is_kept = self.copies.keep(event_id, &bytes);
                    self.engine.handle_kept(event_id, is_kept);
                }
                Output::Forget(event_id) => self.copies.forget(event_id),
                Output::Wait(until) => {
                    return Some(self.next_window_end().map_or(until, |end| end.min(until)));
                }
                Output::Idle => return self.next_window_end(),
            }
        }
    }

    fn lock_storms(&self) -> MutexGuard<'_, Storms<Box<Snapshot>>> {
        // What was counted is whole even when a thread panicked meanwhile.
        self.storms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_window_end(&self) -> Option<MonotonicMs> {
        self.lock_storms().next_at()
    }

    /// Makes events of the windows that are over, or of all.
    fn close_storms(&mut self, is_early: bool) {
        loop {
            self.state.ending.takes();
            let mut storms = self.lock_storms();
            let now = clock::monotonic();
            let closed = if is_early { storms.close_early(now) } else { storms.poll(now) };
            drop(storms);
            let Some(Collapsed { first, occurrences }) = closed else { return };
            let mut snapshot = *first;
            snapshot.settle();
            snapshot.event.occurrences = Some(occurrences);
            self.secure(&snapshot);
            self.take(snapshot);
        }
    }

    /// Whether the names of its stack need no search.
    fn knows_names(&self, snapshot: &Snapshot) -> bool {
        #[cfg(feature = "backtrace")]
        return snapshot.origin.is_none() && self.symbols.know(&snapshot.addresses);
        #[cfg(not(feature = "backtrace"))]
        snapshot.addresses.is_empty()
    }

    /// Sees to it that an alert is found on disk even when the process ends while its names are looked for.
    fn secure(&self, snapshot: &Snapshot) {
        let Some(keeper) = &self.keeper else { return };
        if !keeper.keeps_early() {
            self.state.ending.put_aside(snapshot.event.clone(), snapshot.trail.clone());
        } else if self.knows_names(snapshot) || !self.keep_early(snapshot) {
            // It is on disk in a moment, or cannot be.
            return;
        }
        self.state.ending.is_safe();
    }

    /// Writes an alert to disk as it is, where it may be; says whether it is there.
    fn keep_early(&self, snapshot: &Snapshot) -> bool {
        let keep = |keeper: &Arc<Keeper>| keeper.keep(snapshot.event.clone(), snapshot.trail.clone());
        self.keeper.as_ref().filter(|keeper| keeper.keeps_early()).is_some_and(|keeper| {
            // What it writes of is the application's; a mistake in it ends no more than this copy.
            catch_unwind(AssertUnwindSafe(|| keep(keeper))).unwrap_or(false)
        })
    }

    /// Makes events of what processes left that died of a signal.
    #[cfg(feature = "crash")]
    fn take_crashes(&mut self) {
        let Some(spool) = self.copies.spool() else { return };
        #[cfg(feature = "backtrace")]
        let names = &mut self.symbols;
        #[cfg(not(feature = "backtrace"))]
        let names = &mut super::crash::Names;
        let finish = |mut event: Event| {
            self.surroundings.describe(&mut event);
            finished(event, self.before_send.as_ref(), self.keeps_pii)
        };
        super::crash::take_left(spool, names, finish, |reason| self.engine.lose(reason, 1));
    }

    fn take_lost(&mut self) {
        for (reason, count) in [
            (Reason::QueueOverflow, self.state.overflow_count.swap(0, Ordering::Relaxed)),
            (Reason::SampleRate, sampling::take_count()),
            (Reason::Internal, super::BROKEN_COUNT.swap(0, Ordering::Relaxed)),
        ] {
            if count > 0 {
                self.engine.lose(reason, count);
            }
        }
    }

    fn take(&mut self, snapshot: Snapshot) {
        self.take_lost();
        let (id, count) = (snapshot.event.event_id, snapshot.event.occurrence_count());
        match catch_unwind(AssertUnwindSafe(|| self.complete(snapshot))) {
            Ok(Some(event)) => match Outgoing::new(&event) {
                Some(event) => self.engine.enqueue(event, clock::monotonic()),
                None => self.engine.lose(Reason::Internal, count),
            },
            Ok(None) => self.engine.lose(Reason::BeforeSend, count),
            Err(_) => {
                self.engine.lose(Reason::Internal, count);
                // What counts as lost must not come back.
                if let Some(id) = id {
                    self.copies.forget(id);
                }
            }
        }
    }

    /// Adds what takes time to find; `None` when the application dropped the event.
    fn complete(&mut self, snapshot: Snapshot) -> Option<Event> {
        let mut event = snapshot.event;
        add_trail(&mut event, snapshot.trail);
        #[cfg(feature = "backtrace")]
        {
            let own = self.surroundings.own_prefixes();
            let of_origin = snapshot.origin.and_then(|origin| backtrace::written(&origin.into_text(), own));
            let stack = of_origin.or_else(|| self.symbols.stack(&snapshot.addresses, snapshot.is_panic, own));
            if let Some(stack) = stack {
                match event.exceptions.last_mut() {
                    Some(surfaced) => surfaced.stacktrace = Some(stack),
                    None => event.stacktrace = Some(stack),
                }
            }
        }
        #[cfg(not(feature = "backtrace"))]
        let _ = (snapshot.addresses, snapshot.is_panic, snapshot.origin);
        self.surroundings.describe(&mut event);
        finished(event, self.before_send.as_ref(), self.keeps_pii)
    }
}
