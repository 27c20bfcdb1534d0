//! Cameras that send MJPEG over HTTP, wrongly.

use std::io;
use std::sync::Arc;

use super::common::{slower, until};
use super::helpers::open;
use super::house::House;
use super::rtsp::at_every_byte;
use super::server::{Line, Script, Server};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";

/// A grey JPEG; `luma` as [`House::until_grey`] wants it.
pub fn grey(width: usize, height: usize, luma: u8) -> Vec<u8> {
    let pixels = vec![((u32::from(luma) - 16) * 255 / 219) as u8; width * height];
    let image =
        turbojpeg::Image { pixels: &pixels[..], width, pitch: width, height, format: turbojpeg::PixelFormat::GRAY };
    turbojpeg::compress(image, 80, turbojpeg::Subsamp::Gray).unwrap().to_vec()
}

fn part(boundary: &str, length: Option<i64>, body: &[u8]) -> Vec<u8> {
    let length = length.map(|n| format!("Content-Length: {n}\r\n")).unwrap_or_default();
    [format!("--{boundary}\r\nContent-Type: image/jpeg\r\n{length}\r\n").as_bytes(), body, b"\r\n"].concat()
}

fn script(say: impl Fn(&mut Line) -> io::Result<()> + Send + Sync + 'static) -> Script {
    Arc::new(say)
}

/// Listens to the request, says the head and then this part, again and again.
fn repeats(head: &'static str, fps: u64, part: Vec<u8>) -> Script {
    script(move |line| {
        line.request()?;
        line.say(head)?;
        loop {
            line.say(&part)?;
            line.frame_time(fps)?;
        }
    })
}

/// As it should be.
pub fn good(luma: u8) -> Script {
    let body = grey(320, 240, luma);
    repeats(OK, 15, part("frame", Some(body.len() as i64), &body))
}

/// Good for some frames, then this once, then nothing.
fn then(after: Vec<u8>) -> Script {
    let body = grey(320, 240, 60);
    let well = part("frame", Some(body.len() as i64), &body);
    script(move |line| {
        line.request()?;
        line.say(OK)?;
        for _ in 0..5 {
            line.say(&well)?;
            line.frame_time(15)?;
        }
        line.say(&after)?;
        line.fall_silent()
    })
}

/// What it says for ever, as fast as it is heard.
fn endless(head: Vec<u8>, what: Vec<u8>) -> Script {
    script(move |line| {
        line.request()?;
        line.say(&head)?;
        loop {
            line.say(&what)?;
            line.goes_on()?;
        }
    })
}

fn once(what: impl Into<Vec<u8>>) -> Script {
    let what = what.into();
    script(move |line| {
        line.request()?;
        line.say(&what)
    })
}

/// Takes the call and says nothing.
pub fn hangs_up() -> Script {
    once("")
}

/// A camera's name, what it says, and the kind and the words of its fault; no kind: it gives its picture all the same.
type Case = (&'static str, Script, &'static str, &'static str);

/// Starts a box with these cameras, looks for each one's fault, has them all behave and looks for their new pictures.
fn misbehave_and_recover(cases: Vec<Case>) -> House {
    misbehave(1, cases)
}

/// The same with another `stall_s`.
fn misbehave(stall_s: u32, cases: Vec<Case>) -> House {
    let cases: Vec<_> =
        cases.into_iter().map(|(name, say, kind, words)| (name, Server::start(say), kind, words)).collect();
    let cameras: Vec<(&str, String)> =
        cases.iter().map(|(name, server, ..)| (*name, format!("http://{}/stream", server.address))).collect();
    let house = House::start(&cameras, stall_s, &[]);
    for (name, _, kind, words) in &cases {
        if kind.is_empty() { house.until_grey(name, 60) } else { house.until_lost(name, kind, words) }
    }
    cases.iter().for_each(|(_, server, ..)| server.behave(good(200)));
    cases.iter().for_each(|(name, ..)| house.until_grey(name, 200));
    house
}

#[test]
fn wrong_boundaries_and_lengths_of_parts() {
    let jpeg = grey(320, 240, 60);
    let n = jpeg.len() as i64;
    let whole = |boundary, length| repeats(OK, 15, part(boundary, length, &jpeg));
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    misbehave_and_recover(vec![
        ("other-boundary", whole("other", Some(n)), "", ""),
        ("no-length", whole("frame", None), "", ""),
        ("negative-length", whole("frame", Some(-5)), "", ""),
        ("no-type", repeats("HTTP/1.1 200 OK\r\n\r\n", 15, part("frame", Some(n), &jpeg)), "", ""),
        ("other-type", repeats(html, 15, part("frame", Some(n), &jpeg)), "", ""),
        ("short-length", whole("frame", Some(n / 2)), "not_video", "is not a video"),
        ("long-length", whole("frame", Some(n * 2)), "not_video", "is not a video"),
        ("huge-length", whole("frame", Some(99_999_999_999)), "stalled", "no picture for 1 s"),
        ("largest-length", whole("frame", Some(i64::from(i32::MAX))), "stalled", "no picture for 1 s"),
        ("empty-parts", repeats(OK, 15, part("frame", Some(0), b"")), "stalled", "no picture for 1 s"),
        ("garbage-parts", repeats(OK, 15, part("frame", Some(5000), &[7; 5000])), "stalled", "no picture for 1 s"),
        ("cut-parts", repeats(OK, 15, part("frame", Some(n / 2), &jpeg[..jpeg.len() / 2])), "stalled", "no picture"),
        ("boundary-changes", then(part("other", Some(n), &jpeg).repeat(20)), "not_video", "is not a video"),
        ("falls-silent", then(Vec::new()), "stalled", "no picture for 1 s"),
    ]);
}

#[test]
fn answers_that_are_none() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n";
    let chunks = |size: &str| once(format!("{head}Transfer-Encoding: chunked\r\n\r\n{size}\r\n--frame\r\n"));
    let status = |line: &str| once(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n"));
    let drip = script(|line| {
        line.request()?;
        OK.bytes().try_for_each(|byte| line.say([byte]).and_then(|()| line.frame_time(5)))
    });
    misbehave_and_recover(vec![
        ("hangs-up", once(""), "unreachable", "cannot be reached"),
        ("half-a-head", once("HTTP/1.1 200 OK\r\nContent-Ty"), "unreachable", "cannot be reached"),
        ("no-http", repeats("", 15, part("frame", None, &grey(320, 240, 60))), "unreachable", "cannot be reached"),
        ("binary", once(vec![0; 4096]), "unreachable", "cannot be reached"),
        ("no-such-status", status("999999 OK"), "unreachable", "cannot be reached"),
        ("silent", script(|line| line.fall_silent()), "unreachable", "cannot be reached"),
        ("drips", drip, "stalled", "no picture for 1 s"),
        ("nothing-follows", once("HTTP/1.1 200 OK\r\n\r\n"), "not_video", "is not a video"),
        ("chunks-of-nonsense", chunks("zzzz"), "not_video", "is not a video"),
        ("chunks-without-end", chunks("ffffffffffffffff"), "not_video", "is not a video"),
        ("broken", status("500 Broken"), "failed", "it answers 500"),
        ("busy", status("503 Busy"), "failed", "it answers 503"),
        ("redirects-nowhere", status("302 Found"), "failed", "it answers 302"),
        ("redirects-to-a-file", status("302 Found\r\nLocation: file:///etc/passwd"), "failed", "it answers 302"),
        ("redirects-in-a-circle", status("302 Found\r\nLocation: /again"), "failed", "it answers 302"),
    ]);
}

#[test]
fn a_camera_that_is_there_and_talks_nonsense_is_not_opened_twice_a_second() {
    let camera = Server::start(once(vec![0; 4096]));
    let retry = "retry_first_s = 3.0\nretry_most_s = 3.0";
    let house = House::retrying(&[("nonsense", format!("http://{}/stream", camera.address))], retry, &[]);
    house.until_lost("nonsense", "unreachable", "cannot be reached");
    let (opens, begun) = (house.opens("nonsense"), std::time::Instant::now());
    until("it is opened again", || if house.opens("nonsense") > opens { Ok(()) } else { Err("not yet".into()) });
    let again = begun.elapsed();
    assert!(again.as_secs_f64() > 2.0, "opened again after {again:?}");
}

#[test]
fn a_redirect_to_a_camera_is_followed() {
    let camera = Server::start(good(60));
    let elsewhere = format!("HTTP/1.1 302 Found\r\nLocation: http://{}/x\r\nContent-Length: 0\r\n\r\n", camera.address);
    let porter = Server::start(once(elsewhere));
    let house = House::start(&[("redirected", format!("http://{}/stream", porter.address))], 1, &[]);
    house.until_grey("redirected", 60);
    camera.behave(good(200));
    house.until_grey("redirected", 200);
}

#[test]
fn a_web_camera_that_hangs_up_at_every_byte() {
    let jpeg = grey(16, 16, 60);
    let whole = [OK.as_bytes(), &part("frame", Some(jpeg.len() as i64), &jpeg)].concat();
    let kinds = at_every_byte(OK.len() + 100, "http", |length| once(&whole[..length]));
    println!("{kinds:?}");
    assert!(kinds.keys().all(|kind| ["unreachable", "not_video", "ended"].contains(kind)), "{kinds:?}");
    let camera = Server::start(good(60));
    assert!(open(&format!("http://{}/stream", camera.address), 10).is_ok());
}

/// A JPEG with a hundred million bytes between its head and its end.
fn gigantic() -> Vec<u8> {
    let mut bytes = grey(320, 240, 60);
    let end = bytes.split_off(bytes.len() - 2);
    bytes.resize(100_000_000, 0);
    [bytes, end].concat()
}

#[test]
fn what_has_no_end_fills_no_memory() {
    let big = gigantic();
    let told = [OK.as_bytes(), &part("frame", Some(big.len() as i64), &big)].concat();
    let untold = [OK.as_bytes(), &part("frame", None, &big)].concat();
    let ok = || OK.as_bytes().to_vec();
    let line = b"X-Header: value\r\n".repeat(1000);
    // They end by what they say, and not by the stall.
    let cases = vec![
        ("part-of-100-mb", endless(Vec::new(), told), "failed", "no picture in 16 MiB of its stream"),
        ("the-same-untold", endless(Vec::new(), untold), "failed", "no picture in 16 MiB of its stream"),
        (
            "part-of-zeros",
            endless([&ok()[..], b"--frame\r\nContent-Type: image/jpeg\r\n\r\n"].concat(), vec![0; 100_000]),
            "failed",
            "no picture in 16 MiB of its stream",
        ),
        ("head-of-a-part", endless([&ok()[..], b"--frame\r\n"].concat(), line.clone()), "not_video", "is not a video"),
        ("no-part", endless(ok(), vec![7; 100_000]), "not_video", "is not a video"),
        (
            "empty-parts",
            endless(ok(), part("frame", Some(0), b"").repeat(100)),
            "failed",
            "no picture in 16 MiB of its stream",
        ),
        ("head", endless(b"HTTP/1.1 200 OK\r\n".to_vec(), line), "unreachable", "cannot be reached"),
        ("line", endless(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'a'; 16_000]), "unreachable", "cannot be reached"),
    ];
    let house = misbehave(slower() as u32, cases);
    let most_mb = house.kilobytes("VmHWM:") / 1024;
    println!("eight cameras without an end: {most_mb} MiB at most");
    // 16 MiB each, as the library has them in pieces, put together, and as the allocator grows.
    assert!(most_mb < 80 + 8 * 3 * 16, "{most_mb}");
}
