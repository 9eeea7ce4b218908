//! Errors of `anyhow`, with the backtraces that they took where they began.
//!
//! They take one only where the environment asks for it (`RUST_BACKTRACE`, `RUST_LIB_BACKTRACE`). Given away, such an
//! error goes along to the reporting thread, which writes its backtrace; only lent, it must be written at once.
//!
//! ```
//! let error = anyhow::anyhow!("the shelf is empty").context("the order failed");
//! error_sentinel::send_alert(error); // or &error
//! ```

use std::backtrace::BacktraceStatus;
use std::error::Error;

use crate::alert::{Alert, Chain, IntoAlert, Origin, kind};

fn alert_of(error: &anyhow::Error) -> Alert {
    let error: &(dyn Error + Send + Sync + 'static) = error.as_ref();
    Alert::new(Chain::of(error))
}

/// The backtrace in words, when there is one.
fn backtrace_of(error: &anyhow::Error) -> Option<String> {
    is_captured(error).then(|| error.backtrace().to_string())
}

fn is_captured(error: &anyhow::Error) -> bool {
    error.backtrace().status() == BacktraceStatus::Captured
}

impl IntoAlert<kind::AReport> for &anyhow::Error {
    fn into_alert(self) -> Alert {
        let mut alert = alert_of(self);
        alert.origin = backtrace_of(self).map(|text| Origin::new(|| text));
        alert
    }
}

impl IntoAlert<kind::AReport> for anyhow::Error {
    fn into_alert(self) -> Alert {
        let mut alert = alert_of(&self);
        if is_captured(&self) {
            alert.origin = Some(Origin::new(move || backtrace_of(&self).unwrap_or_default()));
        }
        alert
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_on_the_way_is_kept() {
        let error = || anyhow::Error::new(std::fmt::Error).context("checkout failed");
        for alert in [(&error()).into_alert(), error().into_alert()] {
            let exceptions = alert.chain.into_exceptions();
            let values = exceptions.iter().filter_map(|exception| exception.value.as_deref());
            let values: Vec<_> = values.collect();
            assert_eq!(values, ["an error occurred when formatting an argument", "checkout failed"]);
        }
    }
}
