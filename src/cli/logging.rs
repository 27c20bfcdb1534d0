//! The log: one line on stderr, with level, monotonic time, thread and message.
//!
//! Under systemd the journal has its own time, so the line is only the priority, the thread and the message.

use std::io::Write;

use crate::error::redacted;
use crate::time::Mono;

/// The variable that sets what is logged, as `warn` or `spotter::capture=debug`.
const VARIABLE: &str = "RUST_LOG";

/// Starts the log. A second call is of no effect.
pub fn start() {
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let env = env_logger::Env::new().filter_or(VARIABLE, "info");
    let mut builder = env_logger::Builder::from_env(env);
    builder.format(move |out, record| {
        let line =
            line(record.level(), journal, Mono::now(), std::thread::current().name(), &record.args().to_string());
        writeln!(out, "{line}")
    });
    // A log that is already there, as in tests, is kept.
    let _ = builder.try_init();
}

fn line(level: log::Level, journal: bool, now: Mono, thread: Option<&str>, message: &str) -> String {
    // Whoever logs a library's words cannot know whether they quote a source; here they all pass.
    let message = redacted(message);
    let thread = thread.unwrap_or("-");
    if journal {
        let priority = match level {
            log::Level::Error => 3,
            log::Level::Warn => 4,
            log::Level::Info => 6,
            log::Level::Debug | log::Level::Trace => 7,
        };
        return format!("<{priority}>{thread}: {message}");
    }
    let ms = now.as_ns() / 1_000_000;
    format!("{level:5} {}.{:03} {thread}: {message}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;

    #[test]
    fn the_journal_gets_a_priority_and_people_get_a_time() {
        let now = Mono::from_ns(12_345_678_900);
        assert_eq!(line(Level::Warn, true, now, Some("feed-rack"), "gone"), "<4>feed-rack: gone");
        assert_eq!(line(Level::Info, false, now, None, "up"), "INFO  12.345 -: up");
    }

    #[test]
    fn no_line_holds_a_password() {
        let shown = line(Level::Error, true, Mono::ZERO, Some("main"), "cannot open rtsp://admin:geheim@cam/1");
        assert!(!shown.contains("geheim"), "{shown}");
    }
}
