//! The head of a request, whatever the pieces it comes in.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spotter::http::fuzz::head(bytes));
