//! A form with a clip, whatever the pieces it comes in.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spotter::http::fuzz::form(bytes));
