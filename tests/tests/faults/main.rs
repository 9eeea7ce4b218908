//! What the collector promises while everything around it fails: nothing acknowledged is ever lost.
//!
//! One suite, two lengths: the short one is part of `cargo xtask test`, the long one is `cargo xtask faults`, which
//! also shows the figures that are printed here. A figure is printed and never asserted, since it says as much about
//! the machine as about the collector; what is asserted holds on any machine.

mod backup;
mod damage;
mod full_disk;
mod kill;
mod load_kept;
mod locked_store;
mod long_reader;
mod mail;
mod neighbours;
mod quota;
mod read_only;
mod stop;
mod stopped;
mod sync;

use std::time::Duration;

/// Long enough for whatever must come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connections that the load comes from.
const CONNECTIONS: usize = 16;
