//! What stands for systemd: the socket that a service tells that it is ready and that it lives.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// `WatchdogSec=` of the unit.
const ALLOWED: Duration = Duration::from_secs(20);

pub struct Watchdog {
    socket: UnixDatagram,
    path: PathBuf,
    ready: bool,
    last: Instant,
    kicks: u64,
    /// Between two kicks, as they were read: the wait for the reader is in it.
    longest: Duration,
}

impl Watchdog {
    pub fn bind(folder: &Path) -> Watchdog {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket in a folder of our own");
        socket.set_nonblocking(true).expect("a socket option");
        Watchdog { socket, path, ready: false, last: Instant::now(), kicks: 0, longest: Duration::ZERO }
    }

    /// What a service's environment has of it.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        let usec = ALLOWED.as_micros().to_string();
        [("NOTIFY_SOCKET", self.path.display().to_string()), ("WATCHDOG_USEC", usec)]
    }

    /// Reads what was said since.
    pub fn listen(&mut self) {
        let mut said = [0; 4096];
        loop {
            let said = match self.socket.recv(&mut said) {
                Ok(length) => String::from_utf8_lossy(&said[..length]).into_owned(),
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                Err(why) => panic!("the socket of systemd's stand-in: {why}"),
            };
            self.ready |= said.lines().any(|line| line == "READY=1");
            if said.lines().any(|line| line == "WATCHDOG=1") {
                self.kicks += 1;
                self.longest = self.longest.max(self.last.elapsed());
                self.last = Instant::now();
            }
        }
        self.longest = self.longest.max(self.last.elapsed());
    }

    pub fn kicks(&self) -> u64 {
        self.kicks
    }

    pub fn judge(&self) -> Vec<String> {
        println!("{} signs of life, at most {:.1} s apart", self.kicks, self.longest.as_secs_f64());
        let mut wrong = Vec::new();
        if !self.ready || self.kicks == 0 {
            wrong.push(format!("ready: {}, signs of life: {}", self.ready, self.kicks));
        }
        if self.longest > ALLOWED {
            wrong.push(format!("no sign of life for {:.1} s", self.longest.as_secs_f64()));
        }
        wrong
    }
}
