//! Reports of `eyre`, with the backtraces that they took where they began.
//!
//! They take one only where the environment asks for it (`RUST_BACKTRACE`, `RUST_LIB_BACKTRACE`). Given away, such an
//! error goes along to the reporting thread, which writes its backtrace; only lent, it must be written at once.
//!
//! ```
//! let report = eyre::eyre!("the shelf is empty").wrap_err("the order failed");
//! error_sentinel::send_alert(report); // or &report
//! ```

use std::error::Error;

use eyre::Report;

use crate::alert::{Alert, Chain, IntoAlert, Origin, kind};

fn alert_of(error: &Report) -> Alert {
    let error: &(dyn Error + Send + Sync + 'static) = error.as_ref();
    Alert::new(Chain::of(error))
}

/// The backtrace in words; none when there is none, or when another handler than the default writes otherwise.
fn backtrace_of(report: &Report) -> Option<String> {
    let text = format!("{report:?}");
    text.split_once("Stack backtrace:\n").map(|(_, backtrace)| backtrace.to_owned())
}

impl IntoAlert<kind::AReport> for &Report {
    fn into_alert(self) -> Alert {
        let mut alert = alert_of(self);
        alert.origin = backtrace_of(self).map(|text| Origin::new(|| text));
        alert
    }
}

impl IntoAlert<kind::AReport> for Report {
    fn into_alert(self) -> Alert {
        let mut alert = alert_of(&self);
        // Whether there is a backtrace is only known once it is written.
        alert.origin = Some(Origin::new(move || backtrace_of(&self).unwrap_or_default()));
        alert
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_on_the_way_is_kept() {
        let error = || Report::new(std::fmt::Error).wrap_err("checkout failed");
        for alert in [(&error()).into_alert(), error().into_alert()] {
            let exceptions = alert.chain.into_exceptions();
            let values = exceptions.iter().filter_map(|exception| exception.value.as_deref());
            let values: Vec<_> = values.collect();
            assert_eq!(values, ["an error occurred when formatting an argument", "checkout failed"]);
        }
    }
}
