//! The smallest program with the crate sentry.

fn main() {
    let _guard = sentry::init(());
    if let Err(err) = "forty-two".parse::<u32>() {
        sentry::capture_error(&err);
    }
    println!("hello");
}
