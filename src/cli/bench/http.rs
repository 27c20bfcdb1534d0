//! `spotter bench http`: the whole face with one still picture, for a load generator beside it.

use std::time::Duration;

use super::super::{put, say};
use crate::error::Exit;
use crate::http::bench::serve_fixed;
use crate::threads::Signals;

/// Serves until the time is over or a signal comes. The address is the first line on stdout.
pub fn serve(run: Duration, body_bytes: usize, workers: usize, listen: &str, json: bool) -> Exit {
    let mut signals = match Signals::take() {
        Ok(signals) => signals,
        Err(why) => return say(&format!("signals cannot be handled: {why}"), Exit::Failed),
    };
    match serve_fixed(listen, body_bytes, workers) {
        Ok((address, _guard)) => {
            let line = match json {
                true => format!("{{\"url\":\"http://{address}/snapshot\",\"body_bytes\":{body_bytes}}}\n"),
                false => format!("http://{address}/snapshot\n"),
            };
            let said = put(line.as_bytes());
            signals.wait(run);
            said
        }
        Err(why) => say(&format!("cannot serve on {listen}: {why}"), Exit::Failed),
    }
}
