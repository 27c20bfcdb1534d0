//! Cameras on the network, against a real RTSP server in another process.

mod helpers;

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use helpers::{Server, end_of, open, picture, settings};
use spotter::capture::{Next, Source};
use spotter::frame::{Frame, PixelFormat};
use spotter::threads::Stop;

/// Y, U, V of the seven upper SMPTE bars at 75 %, as BT.601 has them: grey, yellow, cyan, green, magenta, red, blue.
const BARS: [[i32; 3]; 7] =
    [[180, 128, 128], [162, 44, 142], [131, 156, 44], [112, 72, 58], [84, 184, 198], [65, 100, 212], [35, 212, 114]];

fn yuv_at(frame: &Frame, x: usize, y: usize) -> [i32; 3] {
    let planes = frame.layout.planes();
    let at = |index: usize, x: usize, y: usize| i32::from(frame.plane(index)[y * planes[index].stride + x]);
    match frame.layout.format {
        PixelFormat::I420 => [at(0, x, y), at(1, x / 2, y / 2), at(2, x / 2, y / 2)],
        PixelFormat::Nv12 => [at(0, x, y), at(1, x / 2 * 2, y / 2), at(1, x / 2 * 2 + 1, y / 2)],
        other => panic!("not expected from a decoder here: {other:?}"),
    }
}

fn shows_bars(url: &str, width: usize, height: usize) {
    let (mut source, mut frame) = (open(url, 15).unwrap(), Frame::default());
    for _ in 0..3 {
        assert_eq!(picture(&mut source, &mut frame), Ok(Next::Frame));
    }
    assert_eq!((frame.layout.width, frame.layout.height), (width, height));
    assert!(frame.media_time.is_none());
    // High definition is BT.709 to the test picture; grey is the same in both, so only its bar is compared there.
    for (bar, want) in BARS.iter().enumerate().take(if height > 576 { 1 } else { 7 }) {
        let got = yuv_at(&frame, (2 * bar + 1) * width / 14, height / 3);
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() <= 6), "bar {bar}: {got:?}, not {want:?}");
    }
}

#[test]
fn h264_of_two_sizes_shows_its_colours() {
    for (width, height) in [(640, 480), (1920, 1080)] {
        let server = Server::start(width, height, 15, None);
        shows_bars(&format!("{}/h264", server.url), width as usize, height as usize);
    }
}

#[test]
fn h265_shows_its_colours() {
    let server = Server::start(640, 480, 15, None);
    shows_bars(&format!("{}/h265", server.url), 640, 480);
}

#[test]
fn mjpeg_is_handed_on_as_it_came() {
    let server = Server::start(640, 480, 15, None);
    let mut source = open(&format!("{}/mjpeg", server.url), 15).unwrap();
    let mut frame = Frame::default();
    assert_eq!(picture(&mut source, &mut frame), Ok(Next::Frame));
    assert_eq!((frame.layout.format, frame.layout.width, frame.layout.height), (PixelFormat::Mjpeg, 640, 480));
    assert!(frame.bytes.starts_with(&[0xff, 0xd8]) && frame.bytes.ends_with(&[0xff, 0xd9]));
    let Source::Gst(gst) = &source else { panic!("not read by GStreamer") };
    assert_eq!(gst.decoder(), None);
}

#[test]
fn each_refusal_has_its_own_fault_and_no_password() {
    let server = Server::start(320, 240, 15, None);
    let at = |user: &str, path: &str| server.url.replace("://", &format!("://{user}")) + path;
    for (uri, kind) in [
        (at("user:geheim@", "/auth"), "wrong_password"),
        (at("", "/auth"), "wrong_password"),
        (at("user:geheim@", "/nowhere"), "not_found"),
        ("rtsp://user:geheim@127.0.0.1:1/h264".to_string(), "unreachable"),
    ] {
        let fault = open(&uri, 10).err().unwrap_or_else(|| panic!("{kind}: it was opened"));
        assert_eq!(fault.kind(), kind, "{fault}");
        assert!(!format!("{fault} {fault:?}").contains("geheim"), "{fault:?}");
    }
    assert!(open(&at("user:pass@", "/auth"), 15).is_ok());
}

#[test]
fn a_killed_server_is_a_fault() {
    let server = Server::start(320, 240, 15, None);
    let mut source = open(&format!("{}/h264", server.url), 6).unwrap_or_else(|f| panic!("{f}"));
    drop(server);
    let kind = end_of(&mut source).kind();
    assert!(["ended", "unreachable", "stalled"].contains(&kind), "{kind}");
}

#[test]
fn a_halted_server_is_a_stall_and_can_be_left() {
    let server = Server::start(320, 240, 15, None);
    let url = format!("{}/h264", server.url);
    let mut source = open(&url, 6).unwrap_or_else(|f| panic!("{f}"));
    server.signal("STOP");
    assert_eq!(end_of(&mut source).kind(), "stalled");
    let begun = Instant::now();
    drop(source);
    println!("left a halted server after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(10), "closing hung");
    // The library's own timeout and the stall are near each other here; either may be first.
    let kind = open(&url, 1).err().map(|f| f.kind());
    assert!(matches!(kind, Some("unreachable" | "stalled")), "{kind:?}");
    server.signal("CONT");
    assert!(open(&url, 15).is_ok());
}

#[test]
fn the_stop_flag_ends_a_wait_for_a_silent_server() {
    // It accepts and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("rtsp://127.0.0.1:{}/x", silent.local_addr().unwrap().port());
    let stop = Stop::default();
    let other = stop.clone();
    let opener = std::thread::spawn(move || Source::open(&settings(&uri, 600), &other, &|| ()).err());
    let _line = silent.accept().unwrap();
    stop.raise();
    assert_eq!(opener.join().unwrap().map(|f| f.kind()), Some("ended"));
}

/// A child that does not outlive its test, not even a failed one.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_a_web_server_refuses_has_its_own_fault() {
    for (status, kind) in [
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"cam\"", "wrong_password"),
        ("404 Not Found", "not_found"),
        ("200 OK\r\nContent-Type: text/html", "not_video"),
    ] {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://user:geheim@{}/stream.mjpg", server.local_addr().unwrap());
        std::thread::spawn(move || {
            for line in server.incoming() {
                let (mut line, mut head) = (line.unwrap(), [0u8; 2048]);
                let _ = line.read(&mut head);
                let page = "<html><head><title>A page</title></head><body>It is no video.</body></html>\n".repeat(60);
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
                let _ = line.write_all((answer + &page).as_bytes());
            }
        });
        let fault = open(&uri, 10).err().unwrap_or_else(|| panic!("{kind}: it was opened"));
        assert_eq!(fault.kind(), kind, "{fault}");
        assert!(!format!("{fault:?}").contains("geheim"), "{fault:?}");
    }
}

#[test]
fn motion_jpeg_over_http_is_handed_on_as_it_came() {
    // Free a moment ago; the system hands such ports out in turn.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{port}/stream.mjpg");
    let ffmpeg = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15", "-t", "60"])
        .args(["-c:v", "mjpeg", "-f", "mpjpeg", "-listen", "1", &uri])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ffmpeg = Killed(ffmpeg);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut source = loop {
        match open(&uri, 10) {
            Ok(source) => break source,
            Err(fault) if Instant::now() < deadline => assert_eq!(fault.kind(), "unreachable"),
            Err(fault) => panic!("{fault}"),
        }
    };
    let mut frame = Frame::default();
    for _ in 0..5 {
        assert_eq!(picture(&mut source, &mut frame), Ok(Next::Frame));
        assert_eq!((frame.layout.format, frame.layout.width), (PixelFormat::Mjpeg, 320));
        assert!(frame.media_time.is_none());
    }
    drop(ffmpeg);
    assert!(["ended", "unreachable"].contains(&end_of(&mut source).kind()));
}
