//! Puts the stages together and runs them until the process is told to stop.
//!
//! The order matters twice. At the start the queue and the store are open before the first connection is
//! accepted; at the end no new work is accepted, what is on its way is answered, digest empties what it can,
//! and whatever is left lies on the disk for the next start.

pub mod limits;
pub mod listen;
pub mod paths;
