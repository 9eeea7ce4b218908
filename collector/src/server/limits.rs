//! How many connections this process can hold.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that the process needs for itself: databases, logs, mail, the runtime.
const OWN_DESCRIPTORS: u64 = 128;
/// More connections than this are of no use on one machine; each costs some kilobytes.
const CONNECTIONS_MAX: u64 = 16_384;

/// Raises the soft limit on open files as far as it may and returns how many connections fit under it.
///
/// Without this, the usual soft limit of 1,024 lets a thousand slow clients shut everybody else out.
pub fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX + OWN_DESCRIPTORS;
    let hard = limit.maximum.unwrap_or(wanted);
    let mut soft = limit.current.unwrap_or(wanted);
    if soft < wanted.min(hard) {
        let raised = Rlimit { current: Some(wanted.min(hard)), maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => soft = wanted.min(hard),
            Err(error) => tracing::debug!(%error, soft, "the limit on open files stays as it is"),
        }
    }
    let free = soft.saturating_sub(OWN_DESCRIPTORS).clamp(16, CONNECTIONS_MAX);
    usize::try_from(free).unwrap_or(16)
}
