//! Cameras that speak RTSP and break off, lie, or send something else than they said.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::common::slower;
use super::helpers::{Server as Real, open, picture};
use super::relay::{described, description, honest, recorded, replay};
use super::server::{Script, Server};
use spotter::capture::Next;
use spotter::frame::Frame;

fn answers(real: &Real) -> Vec<Vec<u8>> {
    recorded(real.port(), |uri| {
        let mut source = open(uri, 15).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(picture(&mut source, &mut Frame::default()), Ok(Next::Frame));
    })
}

/// Opens a camera that hangs up at byte `length`, for each up to `whole`: no picture, no hang, and how often which fault.
pub fn at_every_byte(
    whole: usize,
    scheme: &str,
    cut: impl Fn(usize) -> Script + Sync,
) -> BTreeMap<&'static str, usize> {
    let (next, kinds) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                let camera = Server::start(cut(0));
                let uri = format!("{scheme}://{}/h264", camera.address);
                loop {
                    let length = next.fetch_add(1, Ordering::Relaxed);
                    if length >= whole {
                        return;
                    }
                    camera.behave(cut(length));
                    let asked = Instant::now();
                    let fault = open(&uri, 5).err().unwrap_or_else(|| panic!("it is open after {length} bytes"));
                    assert!(
                        asked.elapsed() < Duration::from_secs(8 * slower()),
                        "{length}: {fault} after {:?}",
                        asked.elapsed()
                    );
                    *kinds.lock().unwrap().entry(fault.kind()).or_insert(0) += 1;
                }
            });
        }
    });
    kinds.into_inner().unwrap()
}

#[test]
fn a_camera_that_hangs_up_at_every_byte_of_the_handshake() {
    let real = Real::start(320, 240, 15, None);
    let answers = answers(&real);
    let whole: usize = answers.iter().map(Vec::len).sum();
    let begun = Instant::now();
    let kinds = at_every_byte(whole, "rtsp", |length| replay(answers.clone(), length));
    println!("{whole} bytes in {:?}: {:?}", begun.elapsed(), kinds);
    let camera = Server::start(honest(real.port()));
    assert!(open(&format!("rtsp://{}/h264", camera.address), 15).is_ok());
}

/// Opens all of these at once, with `stall_s`; each one's fault, or what it would have been.
fn open_all(cases: &[(&str, Script)], stall_s: u64) -> Vec<(String, Duration)> {
    let one = |say: &Script| {
        let camera = Server::start(say.clone());
        let begun = Instant::now();
        let said = match open(&format!("rtsp://{}/h264", camera.address), stall_s) {
            Ok(_) => "a picture".to_string(),
            Err(fault) => format!("{}: {fault}", fault.kind()),
        };
        (said, begun.elapsed())
    };
    std::thread::scope(|threads| {
        let asked: Vec<_> = cases.iter().map(|(_, say)| threads.spawn(move || one(say))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn wrong_descriptions() {
    let real = Real::start(320, 240, 15, None);
    let answers = answers(&real);
    let sdp = description(&answers);
    let head = |length: &str| format!("Content-Type: application/sdp\r\nContent-Length: {length}");
    let given = |head: &str, body: &str| replay(described(&answers, head, body.as_bytes()), usize::MAX);
    let with = |body: &str| given(&head(&body.len().to_string()), body);
    let but = |from: &str, to: &str| {
        assert!(sdp.contains(from), "{from}");
        with(&sdp.replace(from, to))
    };
    let (session, media) = sdp.split_once("m=").unwrap();
    let no_control: String = sdp.lines().filter(|l| !l.starts_with("a=control")).map(|l| format!("{l}\r\n")).collect();
    let html = format!("Content-Type: text/html\r\nContent-Length: {}", sdp.len());
    let told = |length: &str| given(&head(length), &sdp);
    let cases: [(&str, &str, Script); 29] = [
        ("not_video", "empty", with("")),
        ("not_video", "words", with("hello")),
        ("not_video", "zeros", with(&"\0".repeat(1000))),
        ("not_video", "another type", given(&html, &sdp)),
        ("not_video", "no streams", with(session)),
        ("not_video", "in one line", with(&sdp.replace("\r\n", " "))),
        ("not_video", "half of it told", given(&head("100"), &sdp)),
        ("not_video", "no length", given("Content-Type: application/sdp", &sdp)),
        ("unsupported_codec", "sound only", but("m=video", "m=audio")),
        ("unsupported_codec", "no coding", but("a=rtpmap:96 H264/90000\r\n", "")),
        ("unsupported_codec", "no such transport", but("RTP/AVP 96", "XYZ/ABC 96")),
        ("unsupported_codec", "no such payload", but("RTP/AVP 96", "RTP/AVP 999999")),
        ("unsupported_codec", "cut off", with(&sdp[..sdp.len() / 2])),
        ("unreachable", "less than nothing told", told("-1")),
        ("unreachable", "more told than a number holds", told("99999999999")),
        ("unreachable|stalled", "more told than comes", told("100000")),
        ("unreachable|stalled", "2 GB told", told("2147483647")),
        // These answers promise a stream, and none comes.
        ("stalled", "no such coding", but("H264/90000", "FOO/90000")),
        ("stalled", "a clock of 0", but("H264/90000", "H264/0")),
        ("stalled", "a clock of less", but("H264/90000", "H264/-90000")),
        ("stalled", "a port of less", but("m=video 0", "m=video -1")),
        ("stalled", "no control", with(&no_control)),
        ("stalled", "controlled elsewhere", but("a=control:stream=0", "a=control:rtsp://127.0.0.1:1/x")),
        ("stalled", "controlled by a file", but("a=control:stream=0", "a=control:file:///etc/passwd")),
        ("stalled", "parameters of nonsense", but("sprop-parameter-sets=Z", "sprop-parameter-sets=!!!!Z")),
        ("stalled", "an address of nonsense", but("c=IN IP4 0.0.0.0", "c=IN IP6 ::ffff:zz")),
        ("stalled", "a million lines", with(&format!("{sdp}{}", "a=x:y\r\n".repeat(1_000_000)))),
        ("stalled", "a line of 10 MB", with(&format!("{sdp}a=x:{}\r\n", "y".repeat(10_000_000)))),
        ("stalled", "five hundred streams", with(&format!("{session}{}", format!("m={media}").repeat(500)))),
    ];
    let scripts: Vec<(&str, Script)> = cases.iter().map(|(_, name, say)| (*name, say.clone())).collect();
    for ((kinds, name, _), (said, after)) in cases.iter().zip(open_all(&scripts, 4)) {
        let kind = said.split(':').next().unwrap();
        assert!(kinds.split('|').any(|wanted| wanted == kind), "{name}: {said}");
        assert!(after < Duration::from_secs(10), "{name}: {said} after {after:?}");
    }
}

#[test]
fn redirects() {
    let real = Real::start(320, 240, 15, None);
    let answers = answers(&real);
    let sends_to = |location: &str| {
        let mut answers = answers.clone();
        answers[1] = format!("RTSP/1.0 302 Found\r\nCSeq: 0\r\n{location}\r\n").into_bytes();
        replay(answers, usize::MAX)
    };
    let circle = Server::start(honest(real.port()));
    let own = format!("rtsp://{}/h264", circle.address);
    circle.behave(sends_to(&format!("Location: {own}\r\n")));
    let cases = [
        ("to the camera", sends_to(&format!("Location: {}/h264\r\n", real.url))),
        ("in a circle", sends_to(&format!("Location: {own}\r\n"))),
        ("to nobody", sends_to("Location: rtsp://127.0.0.1:1/x\r\n")),
        ("nowhere", sends_to("")),
        ("to the web", sends_to("Location: http://127.0.0.1:1/x\r\n")),
        ("to a file", sends_to("Location: file:///etc/passwd\r\n")),
    ];
    let said = open_all(&cases, 2);
    println!("{said:?}");
    assert_eq!(said[0].0, "a picture");
    for ((name, _), (said, after)) in cases.iter().zip(&said).skip(1) {
        assert!(said != "a picture" && *after < Duration::from_secs(12), "{name}: {said} after {after:?}");
    }
}
