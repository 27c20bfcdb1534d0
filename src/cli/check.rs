//! `spotter check`: the config as it is understood, or everything that is wrong with it.

use std::path::Path;

use crate::config::{Config, Flags};
use crate::error::Exit;
use crate::pose::Engine;

/// Prints one or the other.
pub(super) fn check(file: Option<&Path>) -> Exit {
    match Config::load(file, &Flags::default()) {
        // A model of the wrong kind is no fault of the config's text, but the box would not start with it.
        Ok(config) => match config.engine().and_then(|engine| engine.load().map(|()| engine)) {
            Ok(engine) => super::put(format!("{}{}", config.resolved_toml(), taken(&engine)).as_bytes()),
            Err(fault) => super::say(&fault.to_string(), Exit::Failed),
        },
        Err(faults) => super::say(&faults.to_string(), Exit::Usage),
    }
}

/// What `auto` came to, as a comment: the result is still a config.
fn taken(engine: &Engine) -> String {
    engine.why().map_or_else(String::new, |why| format!("\n# [pose] looks with {}: {why}\n", engine.name()))
}
