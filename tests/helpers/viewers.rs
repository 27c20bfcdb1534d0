//! Many viewers of one stream at once, and one that asks for snapshots meanwhile: the load for `make bench` and for the
//! test of two hundred viewers. Loopback only; it stops by itself.
//!
//! `viewers ADDRESS STREAM_PATH SNAPSHOT_PATH VIEWERS SECONDS` prints one line of JSON: parts per viewer (least, most),
//! by how many frames the last part of the slowest viewer is behind that of the quickest, and snapshot times.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as Blocking};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

#[derive(Default)]
struct Viewer {
    line: Vec<u8>,
    body_left: usize,
    length: usize,
    parts: u64,
    frame_id: u64,
}

impl Viewer {
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let n = self.body_left.min(bytes.len());
                self.body_left -= n;
                bytes = &bytes[n..];
                continue;
            }
            let end = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| i + 1);
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end..];
            if self.line.ends_with(b"\n") {
                self.line_is_whole();
                self.line.clear();
            }
        }
    }

    fn line_is_whole(&mut self) {
        let line = String::from_utf8_lossy(&self.line).trim().to_ascii_lowercase();
        let number = |name| line.strip_prefix(name).and_then(|v: &str| v.trim().parse().ok());
        if let Some(id) = number("x-frame-id:") {
            self.frame_id = id;
        } else if let Some(length) = number("content-length:") {
            self.length = length as usize;
        } else if line.is_empty() && self.length > 0 {
            self.body_left = std::mem::take(&mut self.length);
            self.parts += 1;
        }
    }
}

fn snapshot_times(address: SocketAddr, path: String, until: Instant) -> Vec<f64> {
    let mut stream = Blocking::connect(address).expect("the box listens");
    stream.set_nodelay(true).expect("a socket option");
    let (mut times, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    while Instant::now() < until {
        let begun = Instant::now();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("the box takes requests");
        let (mut filled, mut whole) = (0, usize::MAX);
        while filled < whole {
            let n = stream.read(&mut buffer[filled..]).expect("the box answers");
            assert!(n > 0, "the box closed the connection");
            filled += n;
            if let Some(end) =
                buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n").filter(|_| whole == usize::MAX)
            {
                let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
                assert!(head.starts_with("http/1.1 200"), "{head}");
                let length = head.split("content-length:").nth(1).and_then(|r| r.split_whitespace().next());
                whole = end + 4 + length.and_then(|l| l.parse::<usize>().ok()).expect("a length");
            }
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(20));
    }
    times.sort_by(f64::total_cmp);
    times
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, stream_path, snapshot_path, viewers, seconds] = args.as_slice() else {
        eprintln!("usage: viewers ADDRESS STREAM_PATH SNAPSHOT_PATH VIEWERS SECONDS");
        std::process::exit(2);
    };
    let address: SocketAddr = address.parse().expect("an address");
    assert!(address.ip().is_loopback(), "only loopback");
    let count: usize = viewers.parse().expect("a number of viewers");
    let until = Instant::now() + Duration::from_secs_f64(seconds.parse().expect("seconds"));
    let mut poll = Poll::new().expect("a poll");
    let mut sockets: Vec<TcpStream> = (0..count)
        .map(|i| {
            let mut socket = Blocking::connect(address).expect("the box listens");
            write!(socket, "GET {stream_path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("the box takes requests");
            socket.set_nonblocking(true).expect("a socket option");
            let mut socket = TcpStream::from_std(socket);
            poll.registry().register(&mut socket, Token(i), Interest::READABLE).expect("it can be watched");
            socket
        })
        .collect();
    let path = snapshot_path.clone();
    let snapshots = std::thread::spawn(move || snapshot_times(address, path, until));
    let (mut states, mut buffer) = (Vec::new(), vec![0; 256 * 1024]);
    states.resize_with(count, Viewer::default);
    let mut events = Events::with_capacity(1024);
    while Instant::now() < until {
        poll.poll(&mut events, Some(Duration::from_millis(100))).expect("a poll");
        for event in &events {
            let i = event.token().0;
            while let Ok(n) = sockets[i].read(&mut buffer) {
                assert!(n > 0, "viewer {i} was cut off after {} parts", states[i].parts);
                states[i].feed(&buffer[..n]);
            }
        }
    }
    let times = snapshots.join().expect("the snapshots went well");
    let least = |f: fn(&Viewer) -> u64| states.iter().map(f).min().unwrap_or(0);
    let most = |f: fn(&Viewer) -> u64| states.iter().map(f).max().unwrap_or(0);
    println!(
        "{{\"viewers\":{count},\"parts_least\":{},\"parts_most\":{},\"behind_frames\":{},\"snapshots\":{},\
         \"snapshot_ms_p50\":{:.3},\"snapshot_ms_p99\":{:.3}}}",
        least(|v| v.parts),
        most(|v| v.parts),
        most(|v| v.frame_id) - least(|v| v.frame_id),
        times.len(),
        times[times.len() / 2],
        times[(times.len() * 99 / 100).min(times.len() - 1)],
    );
}
