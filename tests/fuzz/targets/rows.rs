//! Rows of the log, of any values that the tables let in.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spotter::store::fuzz::rows(bytes));
