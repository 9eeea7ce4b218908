//! The smallest program with our SDK.

fn main() {
    let _guard = error_sentinel::init("");
    if let Err(err) = "forty-two".parse::<u32>() {
        error_sentinel::send_alert(&err);
    }
    println!("hello");
}
