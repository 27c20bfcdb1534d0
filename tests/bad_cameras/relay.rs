//! A line to a real RTSP server on which what the server says is spoilt on its way, piece by piece.
//!
//! *message*: an answer, its head and its body · *packet*: what stands between messages on the same line: `$`, the channel, the
//! length, and RTP or RTCP

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use super::server::{Line, Script};

/// What the server says next.
pub enum Piece {
    Message(Vec<u8>),
    Packet(Vec<u8>),
}

/// For each caller anew: what is said in a piece's place. An error hangs up.
pub type Spoiler = Box<dyn FnMut(Piece) -> io::Result<Vec<u8>> + Send>;

impl Piece {
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Piece::Message(bytes) | Piece::Packet(bytes) => bytes,
        }
    }

    fn read(stream: &mut TcpStream) -> io::Result<Piece> {
        let mut bytes = vec![0];
        stream.read_exact(&mut bytes)?;
        if bytes[0] == b'$' {
            bytes.resize(4, 0);
            stream.read_exact(&mut bytes[1..])?;
            bytes.resize(4 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 0);
            stream.read_exact(&mut bytes[4..])?;
            return Ok(Piece::Packet(bytes));
        }
        while !bytes.ends_with(b"\r\n\r\n") {
            let end = bytes.len();
            bytes.push(0);
            stream.read_exact(&mut bytes[end..])?;
        }
        let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let end = bytes.len();
        bytes.resize(end + length.map_or(0, |l| l.trim().parse().unwrap()), 0);
        stream.read_exact(&mut bytes[end..])?;
        Ok(Piece::Message(bytes))
    }
}

/// Hands on what callers ask to the server at this port, and its answers as the spoiler has them.
pub fn relay(port: u16, spoiler: impl Fn() -> Spoiler + Send + Sync + 'static) -> Script {
    Arc::new(move |line: &mut Line| {
        let mut server = TcpStream::connect(("127.0.0.1", port))?;
        let (mut asking, mut asked) = (line.stream.try_clone()?, server.try_clone()?);
        std::thread::spawn(move || {
            let _ = io::copy(&mut asking, &mut asked);
            let _ = asked.shutdown(Shutdown::Both);
        });
        let mut spoil = spoiler();
        let mut pass = || -> io::Result<()> {
            loop {
                line.goes_on()?;
                let said = spoil(Piece::read(&mut server)?)?;
                line.stream.write_all(&said)?;
            }
        };
        let ended = pass();
        let _ = (line.stream.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        ended
    })
}

/// Everything as it is.
pub fn honest(port: u16) -> Script {
    relay(port, || Box::new(|piece| Ok(piece.bytes())))
}

/// The server's answers up to that to PLAY, in their order.
pub fn recorded(port: u16, open: impl Fn(&str)) -> Vec<Vec<u8>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let own = heard.clone();
    let server = super::server::Server::start(relay(port, move || {
        let own = own.clone();
        Box::new(move |piece| {
            if let Piece::Message(bytes) = &piece {
                own.lock().unwrap().push(bytes.clone());
            }
            Ok(piece.bytes())
        })
    }));
    open(&format!("rtsp://{}/h264", server.address));
    let heard = heard.lock().unwrap();
    let play = heard.iter().position(|answer| answer.windows(9).any(|at| at.eq_ignore_ascii_case(b"RTP-Info:")));
    heard[..=play.expect("PLAY was answered")].to_vec()
}

/// Answers each request as it was answered when these were recorded, and hangs up before byte `length` of all answers in a row,
/// also on who calls again and goes on where he was.
pub fn replay(answers: Vec<Vec<u8>>, length: usize) -> Script {
    Arc::new(move |line: &mut Line| {
        loop {
            let request = line.request()?;
            let at = METHODS.iter().position(|method| request.starts_with(method)).unwrap_or(0);
            let before: usize = answers[..at].iter().map(Vec::len).sum();
            let answer = numbered(&answers[at], &request);
            let said = answer.len().min(length.saturating_sub(before));
            line.say(&answer[..said])?;
            if said < answer.len() {
                return Ok(());
            }
        }
    })
}

/// In the order in which a player asks.
const METHODS: [&str; 4] = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"];

/// The answer with the number of this request; the head alone is text.
fn numbered(answer: &[u8], request: &str) -> Vec<u8> {
    let number = |text: &str| text.lines().find(|line| line.starts_with("CSeq:")).unwrap_or("CSeq: 0").to_string();
    let end = answer.windows(4).position(|at| at == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    [head.replace(&number(&head), &number(request)).as_bytes(), &answer[end..]].concat()
}

/// The answers with this in place of the description of the stream.
pub fn described(answers: &[Vec<u8>], head: &str, body: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = answers.to_vec();
    answers[1] = [format!("RTSP/1.0 200 OK\r\nCSeq: 0\r\n{head}\r\n\r\n").as_bytes(), body].concat();
    answers
}

/// What the camera itself says of its stream.
pub fn description(answers: &[Vec<u8>]) -> String {
    let text = String::from_utf8_lossy(&answers[1]).into_owned();
    text.split_once("\r\n\r\n").expect("a head").1.to_string()
}
