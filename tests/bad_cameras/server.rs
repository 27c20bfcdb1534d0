//! A camera on the network that says to each caller what a test has written down, until it is told to say something else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is said to one caller. It ends by itself when the line breaks, which a write tells.
pub type Script = Arc<dyn Fn(&mut Line) -> std::io::Result<()> + Send + Sync>;

/// One caller.
pub struct Line {
    pub stream: TcpStream,
    turn: u64,
    shared: Arc<Shared>,
}

impl Line {
    /// Reads what the caller asks, up to its empty line.
    pub fn request(&mut self) -> std::io::Result<String> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read(&mut byte)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            head.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }

    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Waits as long as one frame takes; an error when something else is to be said from now on.
    pub fn frame_time(&mut self, fps: u64) -> std::io::Result<()> {
        self.goes_on()?;
        std::thread::sleep(Duration::from_micros(1_000_000 / fps));
        Ok(())
    }

    /// An error when something else is to be said from now on.
    pub fn goes_on(&self) -> std::io::Result<()> {
        let on = self.turn == self.shared.turn.load(Ordering::Relaxed) && !self.shared.over.load(Ordering::Relaxed);
        if on { Ok(()) } else { Err(std::io::ErrorKind::Interrupted.into()) }
    }

    /// Says nothing until the caller has gone or something else is to be said.
    pub fn fall_silent(&mut self) -> std::io::Result<()> {
        self.stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        loop {
            self.goes_on()?;
            match self.stream.read(&mut [0; 256]) {
                Ok(0) => return Ok(()),
                _ => continue,
            }
        }
    }
}

struct Shared {
    script: Mutex<Script>,
    turn: AtomicU64,
    over: AtomicBool,
}

/// The camera; nobody listens any more when this value is gone.
pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub fn start(script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { script: Mutex::new(script), turn: AtomicU64::new(0), over: AtomicBool::new(false) });
        let own = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.over.load(Ordering::Relaxed) {
                    return;
                }
                let script = own.script.lock().unwrap().clone();
                let mut line = Line { stream, turn: own.turn.load(Ordering::Relaxed), shared: own.clone() };
                std::thread::spawn(move || {
                    // What cannot be said any more is heard by nobody.
                    let _ = script(&mut line);
                });
            }
        });
        Server { address, shared }
    }

    /// Says this from now on; whoever is still being told something else is hung up on.
    pub fn behave(&self, script: Script) {
        *self.shared.script.lock().unwrap() = script;
        self.shared.turn.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the one who waits for callers.
        let _ = TcpStream::connect(self.address);
    }
}
