//! Ring: tell the people who must know.
//!
//! The decision to ring is [`rules`], pure, taken by digest inside the transaction that changes the issue;
//! the alarm lies in the outbox from then on. Sending it is this stage's: mail by mail, with retries, a
//! budget per project whose overflow becomes one digest mail, and a dead letter when it cannot be.

pub mod rules;
