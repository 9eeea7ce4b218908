//! One error with its causes and the steps that led to it.
//!
//! `ERROR_SENTINEL_DSN=… cargo run -p error-sentinel-example --bin hello`

use std::error::Error;
use std::fmt;

#[derive(Debug)]
struct CheckoutFailed {
    cart: u32,
    cause: std::num::ParseIntError,
}

impl fmt::Display for CheckoutFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the checkout of cart {} failed", self.cart)
    }
}

impl Error for CheckoutFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

fn check_out(cart: u32, amount: &str) -> Result<u32, CheckoutFailed> {
    error_sentinel::add_breadcrumb("checkout begun");
    amount.parse().map_err(|cause| CheckoutFailed { cart, cause })
}

fn main() {
    // The DSN comes from ERROR_SENTINEL_DSN.
    let _guard = error_sentinel::init("");
    error_sentinel::set_tag("shop", "berlin");
    error_sentinel::add_breadcrumb("cart opened");
    if let Err(error) = check_out(7, "forty-two") {
        error_sentinel::send_alert(&error);
        eprintln!("{error}");
    }
}
