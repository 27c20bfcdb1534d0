//! `spotter check`: the config as it is understood, or everything that is wrong with it.

use std::path::Path;

use crate::config::{Config, Flags};
use crate::error::Exit;

/// Prints one or the other.
pub(super) fn check(file: Option<&Path>) -> Exit {
    match Config::load(file, &Flags::default()) {
        Ok(config) => super::put(config.resolved_toml().as_bytes()),
        Err(faults) => super::say(&faults.to_string(), Exit::Usage),
    }
}
