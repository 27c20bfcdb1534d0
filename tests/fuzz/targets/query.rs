//! Queries and their escapes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spotter::http::fuzz::query(bytes));
