//! SIGTERM and SIGINT: the first asks the box to end, the second ends it at once.
//!
//! The handler only writes a byte to a socket, which wakes the main thread; nothing else is safe in a handler.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

/// The main thread's ear for signals.
pub struct Signals {
    wake: UnixStream,
    heard: usize,
}

impl Signals {
    /// Takes SIGTERM and SIGINT over.
    ///
    /// # Errors
    /// When the system refuses the handlers or the socket pair.
    pub fn take() -> std::io::Result<Signals> {
        let (wake, tell) = UnixStream::pair()?;
        let second = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // The order matters: a second signal finds the flag up and ends the process; the first only raises it.
            signal_hook::flag::register_conditional_shutdown(signal, 1, second.clone())?;
            signal_hook::flag::register(signal, second.clone())?;
            signal_hook::low_level::pipe::register(signal, tell.try_clone()?)?;
        }
        Ok(Signals { wake, heard: 0 })
    }

    /// Sleeps until a signal came (true) or `timeout` has passed.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        // A zero timeout would mean for ever.
        let timeout = timeout.max(Duration::from_millis(1));
        let read = self.wake.set_read_timeout(Some(timeout)).and_then(|()| self.wake.read(&mut [0; 16]));
        self.heard += read.as_ref().map_or(0, |n| *n);
        matches!(read, Ok(n) if n > 0)
    }

    /// Whether more than one has come. Two that come at the same moment may be handled by two threads, of which neither
    /// sees the other's flag up; then nothing ended the process at once, and the end must tell it.
    pub fn came_twice(&mut self) -> bool {
        self.wait(Duration::ZERO);
        self.heard > 1
    }
}
