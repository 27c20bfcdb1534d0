//! Ten people who look: six at streams, two at what happens, two who ask for a picture now and then. Who is cut off or refused
//! comes back. Each sees to it that a camera's frames never go back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

/// What each asks for. The first hears everything and is left alone, since the log is held against what it heard.
const WISHES: [&str; 10] = [
    "/api/v1/events",
    "/api/v1/events",
    "/api/v1/cameras/demo/stream?q=60",
    "/api/v1/cameras/demo/stream?w=160&fps=3",
    "/api/v1/cameras/rtsp/stream",
    "/api/v1/cameras/rtsp/stream?q=40&fps=5",
    "/api/v1/cameras/film/stream?fps=2",
    "/api/v1/cameras/film/stream?q=60&w=200",
    "/api/v1/cameras/demo/snapshot",
    "/api/v1/cameras/rtsp/snapshot?w=120",
];

/// Before one who was cut off is back, and between two pictures of one who asks.
const PAUSE: Duration = Duration::from_secs(1);
/// Streams of a lost camera are silent; who waits longer than this asks anew.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Seen {
    pictures: u64,
    /// Connections, answers other than 200.
    dials: u64,
    refusals: BTreeMap<String, u64>,
    newest: u64,
    heard: Vec<(String, Value)>,
    wrong: Vec<String>,
}

#[derive(Default)]
struct Viewer {
    socket: Mutex<Option<TcpStream>>,
    deaf: AtomicBool,
    seen: Mutex<Seen>,
}

pub struct Viewers {
    all: Vec<Arc<Viewer>>,
    threads: Vec<JoinHandle<()>>,
    end: Arc<AtomicBool>,
}

impl Viewers {
    pub fn gather(address: SocketAddr) -> Viewers {
        let (end, all) = (Arc::new(AtomicBool::new(false)), WISHES.map(|_| Arc::<Viewer>::default()).to_vec());
        let threads = all.iter().zip(WISHES).map(|(viewer, wish)| {
            let (viewer, end) = (viewer.clone(), end.clone());
            std::thread::spawn(move || {
                while !end.load(Ordering::Relaxed) {
                    viewer.visit(address, wish, &end);
                    std::thread::sleep(PAUSE);
                }
            })
        });
        let threads = threads.collect();
        Viewers { all, threads, end }
    }

    /// How many there are of whom one may be broken.
    pub fn count(&self) -> usize {
        self.all.len() - 1
    }

    /// One is cut off.
    pub fn cut(&self, which: usize) {
        if let Some(socket) = &*self.all[which + 1].socket.lock().expect("no thread panics under it") {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// One stops to read, or goes on.
    pub fn deafen(&self, which: usize, deaf: bool) {
        self.all[which + 1].deaf.store(deaf, Ordering::Relaxed);
    }

    /// What the first has heard, in order: an event's name and what it says.
    pub fn heard(&self) -> Vec<(String, Value)> {
        self.all[0].seen.lock().expect("no thread panics under it").heard.clone()
    }

    /// All go; what was wrong.
    pub fn end(self) -> Vec<String> {
        self.end.store(true, Ordering::Relaxed);
        for viewer in &self.all {
            if let Some(socket) = &*viewer.socket.lock().expect("no thread panics under it") {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        let broken = self.threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
        let mut wrong: Vec<String> = (broken > 0).then(|| format!("{broken} viewers broke")).into_iter().collect();
        for (viewer, wish) in self.all.iter().zip(WISHES) {
            let seen = viewer.seen.lock().expect("no thread panics under it");
            println!("{wish}: {} came, {} dials, refused {:?}", seen.pictures, seen.dials, seen.refusals);
            wrong.extend(seen.wrong.iter().map(|why| format!("{wish}: {why}")));
            if seen.pictures == 0 {
                wrong.push(format!("{wish}: nothing came"));
            }
        }
        wrong
    }
}

impl Viewer {
    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().expect("no thread panics under it"));
    }

    /// One connection, until it ends. Whatever a network does to it is no news.
    fn visit(&self, address: SocketAddr, wish: &str, end: &AtomicBool) {
        let Ok(mut stream) = TcpStream::connect(address) else { return };
        let _ = stream.set_read_timeout(Some(PATIENCE));
        *self.socket.lock().expect("no thread panics under it") = stream.try_clone().ok();
        self.note(|seen| seen.dials += 1);
        let once = if wish.contains("snapshot") { "Connection: close\r\n" } else { "" };
        let asked = write!(stream, "GET {wish} HTTP/1.1\r\nHost: {address}\r\n{once}\r\n");
        let mut reader = BufReader::new(stream);
        let Some(status) = asked.ok().and_then(|()| line(&mut reader)) else { return };
        if !status.contains(" 200 ") {
            return self.note(|seen| *seen.refusals.entry(status).or_default() += 1);
        }
        // The head of a snapshot is that of its picture.
        while !wish.contains("snapshot") {
            match line(&mut reader) {
                Some(line) if line.is_empty() => break,
                Some(_) => {}
                None => return,
            }
        }
        while !end.load(Ordering::Relaxed) {
            while self.deaf.load(Ordering::Relaxed) && !end.load(Ordering::Relaxed) {
                std::thread::sleep(PAUSE);
            }
            let came = if wish.ends_with("events") { self.event(&mut reader) } else { self.picture(&mut reader) };
            if came.is_none() {
                return;
            }
        }
    }

    fn picture(&self, reader: &mut BufReader<TcpStream>) -> Option<()> {
        let (mut id, mut length) = (None, None);
        loop {
            let line = line(reader)?;
            if let Some((name, value)) = line.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "x-frame-id" => id = value.trim().parse::<u64>().ok(),
                    "content-length" => length = value.trim().parse::<usize>().ok(),
                    _ => {}
                }
            } else if line.is_empty() && length.is_some() {
                break;
            }
        }
        let mut body = vec![0; length?];
        reader.read_exact(&mut body).ok()?;
        let whole = body.starts_with(&[0xff, 0xd8]) && body.ends_with(&[0xff, 0xd9]);
        self.note(|seen| {
            seen.pictures += 1;
            match id {
                Some(id) if whole && id >= seen.newest => seen.newest = id,
                _ => seen.wrong.push(format!("frame {id:?} after {}, whole: {whole}", seen.newest)),
            }
        });
        Some(())
    }

    fn event(&self, reader: &mut BufReader<TcpStream>) -> Option<()> {
        let name = loop {
            let line = line(reader)?;
            if let Some(name) = line.strip_prefix("event: ") {
                break name.to_string();
            }
        };
        let data = line(reader)?;
        let told = data.strip_prefix("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok());
        self.note(|seen| {
            seen.pictures += 1;
            match told {
                Some(told) if name != "state" => seen.heard.push((name, told)),
                Some(_) => {}
                None => seen.wrong.push(format!("{name} says {data}")),
            }
        });
        Some(())
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(n) if n > 0 => Some(line.trim_end().to_string()),
        _ => None,
    }
}
