//! A config file: it is understood or refused, and a resolved one is understood as the same.
#![no_main]

use spotter::config::{Config, Flags};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::from_text("box.toml", Some(text), &Flags::default(), &|_| None) {
        Ok(config) => assert!(!config.resolved_toml().is_empty()),
        Err(faults) => assert!(!faults.to_string().is_empty()),
    }
});
