//! A program that dies of a panic. Its message and exit status are what they would be without the SDK.
//!
//! `ERROR_SENTINEL_DSN=… cargo run -p error-sentinel-example --bin panics`

fn read_settings(text: &str) -> u16 {
    text.parse().expect("the port is a number")
}

fn main() {
    let _guard = error_sentinel::init("");
    error_sentinel::add_breadcrumb("settings found");
    println!("listening on {}", read_settings("eighty"));
}
