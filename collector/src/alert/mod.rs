//! Ring: tell the people who must know.
//!
//! The decision to ring is [`rules`], pure, taken by digest inside the transaction that changes the issue;
//! the alarm lies in the outbox from then on. [`budget`] decides which alarms become mails of their own and
//! which share a digest, [`mail`] writes them, [`delivery`] hands them to the mail server, [`backoff`] says
//! when to try again, and [`bell`] does all that in the background. A mail server that hangs or refuses holds
//! nothing up but the mails, and no alarm is forgotten before it was told, given up with a reason, or made
//! needless by somebody who resolved or ignored its issue.

pub mod backoff;
pub mod bell;
pub mod budget;
pub mod delivery;
mod heartbeat;
pub mod mail;
pub mod rules;
pub mod words;

pub use bell::Bell;
pub use delivery::{MailError, send_test, try_out};
pub use heartbeat::heartbeat;
