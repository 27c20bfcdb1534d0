//! The head of a release's file, its label, and its payload.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spotter::update::fuzz::release(bytes));
