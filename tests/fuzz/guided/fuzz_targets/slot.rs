//! See `error_sentinel_fuzz::TARGETS`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| error_sentinel_fuzz::run("slot", bytes));
