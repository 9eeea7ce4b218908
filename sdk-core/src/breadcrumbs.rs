//! The last steps before an alert, in a ring of fixed size.
//!
//! A program leaves far more steps than it reports errors, so leaving one must cost next to nothing: the ring keeps
//! each place's buffers when a newer step takes it, and a [`Crumb`] only borrows its texts. Copies are made when an
//! alert takes the steps along, and made cheap: all texts go into one buffer, names are cut out of it later, by
//! whoever has the time. The ring must never grow past [`CRUMB_BYTES`] a step, whatever it is given.

mod crumb;
mod place;
mod ring;
#[cfg(test)]
mod tests;
mod trail;

pub use crumb::{AsCrumb, Crumb, Datum};
pub use place::{CRUMB_BYTES, Place};
pub use ring::Ring;
pub use trail::Trail;
