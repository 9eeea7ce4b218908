//! Errors that are made in one place and reported in another: `origins WAY`. Whose functions count as the application's
//! own may be said by more words.

use std::time::Duration;

use error_sentinel::{Options, send_alert};

/// Where errors are made.
mod shelf {
    use std::num::ParseIntError;

    #[inline(never)]
    pub fn anyhow_error() -> anyhow::Result<u32> {
        anyhow::bail!("the shelf is empty")
    }

    #[inline(never)]
    pub fn anyhow_of_another() -> anyhow::Result<u32> {
        Ok("many".parse::<u32>()?)
    }

    #[inline(never)]
    pub fn anyhow_with_context() -> anyhow::Result<u32> {
        anyhow::Context::context("many".parse::<u32>(), "the shelf is not counted")
    }

    #[inline(never)]
    pub fn eyre_error() -> eyre::Result<u32> {
        eyre::bail!("the shelf is empty")
    }

    #[inline(never)]
    pub fn eyre_of_another() -> eyre::Result<u32> {
        Ok("many".parse::<u32>()?)
    }

    #[inline(never)]
    pub fn eyre_with_context() -> eyre::Result<u32> {
        eyre::WrapErr::wrap_err("many".parse::<u32>(), "the shelf is not counted")
    }

    #[inline(never)]
    pub fn plain() -> Result<u32, ParseIntError> {
        "many".parse()
    }
}

/// Where they are reported.
mod desk {
    use super::send_alert;

    #[inline(never)]
    pub fn anyhow_error(made: anyhow::Result<u32>, is_given_away: bool) {
        let error = made.expect_err("the shelf never works").context("the order failed");
        if is_given_away {
            send_alert(error);
        } else {
            send_alert(&error);
        }
    }

    #[inline(never)]
    pub fn eyre_error(made: eyre::Result<u32>, is_given_away: bool) {
        let report = made.expect_err("the shelf never works").wrap_err("the order failed");
        if is_given_away {
            send_alert(report);
        } else {
            send_alert(&report);
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let way = arguments.next().expect("a way");
    let options = arguments.fold(Options::new(""), |options, own| options.in_app(own));
    let guard = error_sentinel::init(options);
    match way.as_str() {
        "anyhow" => desk::anyhow_error(shelf::anyhow_error(), true),
        "anyhow-lent" => desk::anyhow_error(shelf::anyhow_error(), false),
        "anyhow-of-another" => desk::anyhow_error(shelf::anyhow_of_another(), true),
        "anyhow-with-context" => desk::anyhow_error(shelf::anyhow_with_context(), true),
        "eyre" => desk::eyre_error(shelf::eyre_error(), true),
        "eyre-lent" => desk::eyre_error(shelf::eyre_error(), false),
        "eyre-of-another" => desk::eyre_error(shelf::eyre_of_another(), true),
        "eyre-with-context" => desk::eyre_error(shelf::eyre_with_context(), true),
        "plain" => _ = send_alert(&shelf::plain().expect_err("it never works")),
        other => panic!("there is no way {other:?}"),
    }
    assert!(guard.close(Duration::from_secs(60)), "nobody takes it");
}
