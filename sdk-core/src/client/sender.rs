//! The thread that waits for the network, so that the worker never does: it can write a panic to disk, close a window
//! of a storm or say that a flush took too long while a server keeps its answer to itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use error_sentinel_wire::Dsn;
use error_sentinel_wire::reply::Reply;

use super::{State, worker};
use crate::transport::{Transport, TransportError};

/// What became of an envelope; `None` when there was no answer.
pub type Answer = Option<Reply>;

/// Starts the thread. It ends when `Sender` is dropped and the last request is answered.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    dsn: Dsn,
    mut transport: Box<dyn Transport>,
    state: Arc<State>,
) -> Result<(Sender<Vec<u8>>, Receiver<Answer>), TransportError> {
    // The engine has one envelope on its way at a time, so neither end ever waits for room.
    let (requests, inbox) = bounded::<Vec<u8>>(1);
    let (outbox, answers) = bounded(1);
    let thread = std::thread::Builder::new().name("error-sentinel-http".to_owned());
    let started = thread.spawn(move || {
        worker::mark_as_own();
        for envelope in inbox {
            // A transport of the application's may panic; that is no answer.
            let sent = catch_unwind(AssertUnwindSafe(|| transport.send(&dsn, &envelope)));
            if outbox.send(sent.ok().and_then(Result::ok)).is_err() {
                return;
            }
            state.waker.wake();
        }
    });
    started.map_err(|error| TransportError(format!("no thread could be started: {error}")))?;
    Ok((requests, answers))
}
