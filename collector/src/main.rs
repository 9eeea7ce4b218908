//! The binary `error-sentinel`.
fn main() {}
