//! What the front-door tests share: the real binary on a port of its own, and the plainest possible HTTP client.
//!
//! Nothing here sleeps and hopes: [`until`] asks again and again for a condition and says what was seen last when the
//! deadline passes. Every started box is killed when its guard goes.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough for a loaded machine; reaching it is a failure.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A running `spotter run`.
pub struct SpotterBox {
    pub child: Child,
    pub address: SocketAddr,
    /// Its stdout after the first address.
    pub out: BufReader<ChildStdout>,
    data: Option<tempfile::TempDir>,
}

impl SpotterBox {
    /// Starts `spotter run ARGS --listen 127.0.0.1:0` and waits for the address it prints.
    pub fn start(args: &[&str]) -> SpotterBox {
        SpotterBox::start_with(args, &[])
    }

    /// The same with more variables in its environment.
    pub fn start_with(args: &[&str], env: &[(&str, &str)]) -> SpotterBox {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
        command.arg("run").args(args).envs(env.iter().copied());
        if !args.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let data = tempfile::tempdir().expect("there is room for a data directory");
        if !args.contains(&"--data-dir") {
            command.arg("--data-dir").arg(data.path());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file(args));
        println!("the log of this box: {}", log_path(args).display());
        let mut spotter = SpotterBox::of(command);
        spotter.data = Some(data);
        spotter
    }

    /// What this command starts, whose stdout is piped, once it has printed its address.
    pub fn of(mut command: Command) -> SpotterBox {
        let mut child = command.spawn().expect("the binary was just built");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        out.read_line(&mut line).expect("stdout is readable");
        let address = line.trim().strip_prefix("spotter: http://").and_then(|rest| rest.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}; see the log of {command:?}"));
        SpotterBox { address: address.parse().expect("an address is printed"), child, out, data: None }
    }

    /// GET without any header.
    pub fn get(&self, path: &str) -> Reply {
        request(self.address, "GET", path, &[], b"")
    }

    /// GET, as JSON.
    pub fn json(&self, path: &str) -> serde_json::Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    /// Sends a signal to the box.
    pub fn signal(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> i32 {
        let mut code = None;
        until("the box ends", || {
            code = self.child.try_wait().expect("it is our child");
            code.map(|_| ()).ok_or_else(|| "it still runs".into())
        });
        code.and_then(|status| status.code()).unwrap_or(-1)
    }

    /// The value of one metric line.
    pub fn metric(&self, line_start: &str) -> f64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find(|l| l.starts_with(line_start)).unwrap_or_else(|| panic!("{line_start}:\n{text}"));
        line.rsplit(' ').next().and_then(|v| v.parse().ok()).expect("a metric ends in a number")
    }
}

impl Drop for SpotterBox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_path(args: &[&str]) -> std::path::PathBuf {
    let mut hash = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(&(args, std::thread::current().name()), &mut hash);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("box-{:016x}.log", std::hash::Hasher::finish(&hash)))
}

fn log_file(args: &[&str]) -> std::fs::File {
    std::fs::File::create(log_path(args)).expect("the test folder is writable")
}

/// The C compiler for the machine that the tests run on, which `CC` names where it is not that of the build.
pub fn c_compiler() -> Command {
    Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
}

/// `kill -SIGNAL PID`.
pub fn kill(pid: u32, signal: &str) {
    let done = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
    assert!(done.is_ok_and(|status| status.success()), "kill -{signal} {pid}");
}

/// How many times longer than elsewhere a picture may take: where every instruction is translated `SPOTTER_SLOWER` says so.
pub fn slower() -> u64 {
    std::env::var("SPOTTER_SLOWER").map_or(1, |times| times.parse().expect("a number"))
}

/// Asks until `check` is `Ok`; fails with what it said last.
pub fn until<T>(what: &str, mut check: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE * slower().min(5) as u32;
    loop {
        match check() {
            Ok(value) => return value,
            Err(last) if Instant::now() > deadline => panic!("{what}: {last}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let of = |line: &'_ str| line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        self.head.lines().find(|l| of(l)).map(|l| l.split_once(':').expect("just seen").1.trim())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One request on a connection of its own.
pub fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut stream = open(address);
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("the box takes requests");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the box answers and closes");
    parse(&all)
}

/// A connection that gives up after [`PATIENCE`].
pub fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the box listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

/// Splits an answer that has come whole.
pub fn parse(all: &[u8]) -> Reply {
    let end = all
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no end of head in {:?}", String::from_utf8_lossy(&all[..all.len().min(200)])));
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status line");
    Reply { status, head, body: all[end + 4..].to_vec() }
}

/// A stream that is read part by part.
pub struct Parts {
    reader: BufReader<TcpStream>,
}

/// One part of a multipart stream.
pub struct Part {
    pub frame_id: u64,
    pub body: Vec<u8>,
}

impl Parts {
    /// Opens a stream and reads its head.
    pub fn open(address: SocketAddr, path: &str) -> Parts {
        let mut stream = open(address);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("the box takes requests");
        let mut parts = Parts { reader: BufReader::new(stream) };
        let status = parts.line().expect("an answer");
        assert!(status.contains(" 200 "), "{path}: {status}");
        while !parts.line().expect("a head").is_empty() {}
        parts
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(n) if n > 0 => Some(line.trim_end().to_string()),
            _ => None,
        }
    }

    /// The next part; nothing when the stream has ended.
    pub fn next_part(&mut self) -> Option<Part> {
        let (mut frame_id, mut length) = (0, None);
        loop {
            let line = self.line()?;
            if let Some((name, value)) = line.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "x-frame-id" => frame_id = value.trim().parse().expect("a number"),
                    "content-length" => length = value.trim().parse::<usize>().ok(),
                    _ => {}
                }
            } else if line.is_empty() && length.is_some() {
                break;
            }
        }
        let mut body = vec![0; length?];
        self.reader.read_exact(&mut body).ok()?;
        Some(Part { frame_id, body })
    }
}
