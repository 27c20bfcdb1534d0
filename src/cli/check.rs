//! `spotter check`: the config as it is understood, or everything that is wrong with it.

use std::path::Path;

use crate::config::{Config, Flags};
use crate::error::Exit;
use crate::http::tls::Tls;
use crate::jpeg::Chosen;

/// Prints one or the other.
pub(super) fn check(file: Option<&Path>, flags: &Flags) -> Exit {
    match Config::load(file, flags) {
        // A model of the wrong kind is no fault of the config's text, but the box would not start with it.
        Ok(config) => match (Tls::foretell(&config.http), chosen(&config)) {
            (Ok(tls), Ok(taken)) => {
                let tls = tls.map_or_else(String::new, |told| format!("\n# [http.tls] {told}\n"));
                super::put(format!("{}{taken}{tls}", config.resolved_toml()).as_bytes())
            }
            (Err(fault), _) => super::say(&fault.to_string(), Exit::Usage),
            (_, Err(why)) => super::say(&why, Exit::Failed),
        },
        Err(faults) => super::say(&faults.to_string(), Exit::Usage),
    }
}

/// What `auto` came to, as comments: the result is still a config.
///
/// # Errors
/// One sentence, when the box would not start.
fn chosen(config: &Config) -> Result<String, String> {
    let encoder = Chosen::of(&config.jpeg).map_err(|fault| fault.to_string())?;
    let engine = config.engine().map_err(|fault| fault.to_string())?;
    engine.load().map_err(|fault| fault.to_string())?;
    let encodes = format!("\n# [jpeg] encodes with {}: {}\n", encoder.name(), encoder.why());
    let looks = |why: String| format!("\n# [pose] looks with {}: {why}\n", engine.name());
    Ok(encodes + &engine.why().map_or_else(String::new, looks))
}
