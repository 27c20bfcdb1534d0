//! `spotter bench http`: the whole face with one still picture, for a load generator beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::{put, say};
use crate::error::Exit;
use crate::http::bench::serve_fixed;
use crate::threads::Signals;
use crate::time::Mono;

/// How often it is looked whether the other end of stdin is gone.
const LOOK: Duration = Duration::from_millis(100);

/// Serves until the time is over, a signal comes, or who started it closes the pipe that is its stdin. The address is the
/// first line on stdout.
pub fn serve(run: Duration, body_bytes: usize, workers: usize, listen: &str, json: bool) -> Exit {
    let mut signals = match Signals::take() {
        Ok(signals) => signals,
        Err(why) => return say(&format!("signals cannot be handled: {why}"), Exit::Failed),
    };
    match serve_fixed(listen, body_bytes, workers) {
        Ok((address, _guard)) => {
            let line = match json {
                true => format!("{{\"address\":\"{address}\",\"path\":\"/snapshot\",\"body_bytes\":{body_bytes}}}\n"),
                false => format!("{address}\n"),
            };
            let said = put(line.as_bytes());
            let (end, closed) = (Mono::now().plus(run), closed_stdin());
            while Mono::now() < end && !closed.load(Ordering::Relaxed) {
                if signals.wait(LOOK.min(end.since(Mono::now()))) {
                    break;
                }
            }
            said
        }
        Err(why) => say(&format!("cannot serve on {listen}: {why}"), Exit::Failed),
    }
}

/// Becomes true when stdin is a pipe and its other end is closed. A terminal, a file or /dev/null says nothing of anybody.
fn closed_stdin() -> Arc<AtomicBool> {
    use rustix::fs::{FileType, fstat};
    let closed = Arc::new(AtomicBool::new(false));
    let kind = fstat(std::io::stdin()).map(|stat| FileType::from_raw_mode(stat.st_mode));
    if matches!(kind, Ok(FileType::Fifo | FileType::Socket)) {
        let closed = closed.clone();
        // It ends with the program: nothing can wake a thread that reads.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            closed.store(true, Ordering::Relaxed);
        });
    }
    closed
}
