//! What the tests of sources share: the RTSP server as a child, a source opened from a text, looks at a picture.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use spotter::capture::{Address, CaptureFault, Next, Settings, Source};
use spotter::frame::Frame;
use spotter::threads::Stop;

/// A running server; it dies with this value.
pub struct Server {
    child: Child,
    /// `rtsp://127.0.0.1:PORT`
    pub url: String,
}

impl Server {
    /// Starts one and waits until it listens.
    pub fn start(width: u32, height: u32, fps: u32, port: Option<u16>) -> Server {
        let mut command = Command::new(example("rtsp_server"));
        command.args([width, height, fps].map(|n| n.to_string())).args(port.map(|p| p.to_string()));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo build --example rtsp_server comes before a test that is run alone");
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_string();
        assert!(url.starts_with("rtsp://"), "the server did not start: {url}");
        Server { child, url }
    }

    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Sends it a signal by name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where cargo put an example, beside the test's own folder.
pub fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().join("examples").join(name)
}

pub fn settings(uri: &str, stall_s: u64) -> Settings {
    let address = Address::parse(uri).unwrap();
    Settings { address, rtsp_udp: false, stall: Duration::from_secs(stall_s), full_speed: true }
}

pub fn open(uri: &str, stall_s: u64) -> Result<Source, CaptureFault> {
    Source::open(&settings(uri, stall_s), &Stop::default(), &|| ())
}

/// The next picture, waited for up to 20 s; the end or the fault otherwise.
pub fn picture(source: &mut Source, frame: &mut Frame) -> Result<Next, CaptureFault> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        frame.reset();
        match source.next(frame, Duration::from_millis(100))? {
            Next::Nothing => assert!(Instant::now() < deadline, "nothing for 20 s"),
            other => return Ok(other),
        }
    }
}

/// The threads, descriptors and resident kilobytes of this process.
pub fn holdings() -> (usize, usize, usize) {
    let entries = |path: &str| std::fs::read_dir(path).unwrap().count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    let kb = rss.split_whitespace().next().unwrap().parse().unwrap();
    (entries("/proc/self/task"), entries("/proc/self/fd"), kb)
}

/// What ends a source that is asked again and again.
pub fn end_of(source: &mut Source) -> CaptureFault {
    let (mut frame, deadline) = (Frame::default(), Instant::now() + Duration::from_secs(30));
    while Instant::now() < deadline {
        frame.reset();
        if let Err(fault) = source.next(&mut frame, Duration::from_millis(100)) {
            return fault;
        }
    }
    panic!("no fault within 30 s");
}
