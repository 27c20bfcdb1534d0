//! Two thousand connections that mean no good, driven by one thread without blocking.
//!
//! Each does one thing wrong for as long as the box lets it, and dials again a second after it was cut off. Which thing is
//! told by its number, so that every kind makes up an equal part.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

/// How soon one that was cut off is back.
const BACK: Duration = Duration::from_secs(1);
/// Between two looks at all of them.
const ROUND: Duration = Duration::from_millis(20);

/// What one does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Sends its head a byte a second.
    Slow,
    /// Says nothing at all.
    Silent,
    /// Sends half a head and waits.
    Half,
    /// Sends a head without an end, as fast as it is taken.
    Huge,
    /// Sends a hundred requests in a row and reads no answer.
    Row,
    /// Asks for the longest documents, a hundred in a row, reads them all and asks again.
    Greedy,
    /// Asks for a picture and hangs up before it comes.
    Gone,
    /// Opens a stream and never reads it.
    Deaf,
    /// Sends a login's body a byte a second.
    SlowBody,
    /// Asks for a picture and reads it a byte a second.
    Sipping,
}

const KINDS: [Kind; 10] = [
    Kind::Slow,
    Kind::Silent,
    Kind::Half,
    Kind::Huge,
    Kind::Row,
    Kind::Greedy,
    Kind::Gone,
    Kind::Deaf,
    Kind::SlowBody,
    Kind::Sipping,
];

const HEAD: &str = "GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n";
const BODY_HEAD: &str = "POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 60000\r\n\r\n";

struct Bot {
    kind: Kind,
    socket: Option<TcpStream>,
    /// What it has to say, and how much of it is said.
    words: Arc<[u8]>,
    said: usize,
    /// So much is said at once, the rest a byte a second.
    at_once: usize,
    /// It does the next thing then.
    due: Instant,
}

/// What came of it all.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Connections that were begun.
    pub dials: u64,
    /// Those that the box ended.
    pub cut_off: u64,
}

/// The crowd at work; it goes home when this is ended.
pub struct Crowd {
    end: Arc<AtomicBool>,
    thread: JoinHandle<Tally>,
}

impl Crowd {
    /// `count` of them, against this address.
    pub fn gather(count: usize, address: SocketAddr) -> Crowd {
        let end = Arc::new(AtomicBool::new(false));
        let stop = end.clone();
        let thread = std::thread::spawn(move || drive(count, address, &stop));
        Crowd { end, thread }
    }

    /// All hang up.
    pub fn end(self) -> Tally {
        self.end.store(true, Ordering::Relaxed);
        self.thread.join().expect("the crowd does not panic")
    }
}

fn drive(count: usize, address: SocketAddr, end: &AtomicBool) -> Tally {
    let now = Instant::now();
    let words: Vec<Arc<[u8]>> = KINDS.map(|kind| words(kind).into()).to_vec();
    let mut bots: Vec<Bot> = (0..count)
        .map(|number| {
            let place = number % KINDS.len();
            let (kind, words) = (KINDS[place], words[place].clone());
            let at_once = match kind {
                Kind::Slow => 0,
                Kind::SlowBody => BODY_HEAD.len(),
                _ => words.len(),
            };
            Bot { kind, socket: None, words, said: 0, at_once, due: now }
        })
        .collect();
    let mut tally = Tally::default();
    while !end.load(Ordering::Relaxed) {
        let round = Instant::now();
        for bot in &mut bots {
            bot.go_on(round, address, &mut tally);
        }
        std::thread::sleep(ROUND.saturating_sub(round.elapsed()));
    }
    tally
}

fn words(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Slow | Kind::Gone | Kind::Sipping => HEAD.into(),
        Kind::Silent => Vec::new(),
        Kind::Half => HEAD[..HEAD.len() - 2].into(),
        Kind::Huge => format!("GET / HTTP/1.1\r\nHost: box\r\nX: {}", "x".repeat(1 << 20)).into(),
        Kind::Row => HEAD.repeat(100).into(),
        Kind::Greedy => {
            "GET /api/v1/openapi.json HTTP/1.1\r\nHost: box\r\n\r\nGET /metrics HTTP/1.1\r\nHost: box\r\n\r\n"
                .repeat(50)
                .into()
        }
        Kind::Deaf => "GET /stream HTTP/1.1\r\nHost: box\r\n\r\n".into(),
        Kind::SlowBody => format!("{BODY_HEAD}{}", "k".repeat(60_000)).into(),
    }
}

impl Bot {
    fn go_on(&mut self, now: Instant, address: SocketAddr, tally: &mut Tally) {
        if now < self.due {
            return;
        }
        let Some(socket) = &mut self.socket else {
            self.socket = TcpStream::connect(address).ok();
            (self.said, self.due) = (0, now);
            tally.dials += u64::from(self.socket.is_some());
            return;
        };
        // A connection that is not there yet says so as one that takes nothing.
        let next = if self.said < self.at_once { self.at_once } else { (self.said + 1).min(self.words.len()) };
        let is_over = say(socket, &self.words[..next], &mut self.said);
        let is_over = is_over || (self.reads() && self.is_cut_off());
        let all_said = self.said == self.words.len();
        if is_over || (self.kind == Kind::Gone && all_said) {
            tally.cut_off += u64::from(is_over);
            self.socket = None;
            self.due = now + BACK;
        } else if self.kind == Kind::Greedy {
            self.said = if all_said { 0 } else { self.said };
        } else if self.said >= self.at_once {
            self.due = now + BACK;
        }
    }

    /// Those who never read learn of their end by a reset alone.
    fn reads(&self) -> bool {
        !matches!(self.kind, Kind::Deaf | Kind::Row)
    }

    fn is_cut_off(&mut self) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let mut taken = [0; 65_536];
        let (room, times) = match self.kind {
            Kind::Sipping => (1, 1),
            Kind::Greedy => (taken.len(), 64),
            _ => (512, 1),
        };
        for _ in 0..times {
            match socket.read(&mut taken[..room]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(why) => return !is_a_pause(&why),
            }
        }
        false
    }
}

fn is_a_pause(why: &std::io::Error) -> bool {
    matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}

/// Says as much as is taken. True: the other side has hung up.
fn say(socket: &mut TcpStream, words: &[u8], said: &mut usize) -> bool {
    while *said < words.len() {
        match socket.write(&words[*said..]) {
            Ok(n) => *said += n,
            Err(why) => return !is_a_pause(&why),
        }
    }
    matches!(socket.take_error(), Ok(Some(_)) | Err(_))
}
