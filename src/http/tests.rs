//! The whole face, in this process, over real sockets: cameras are fed by hand, a stand-in for the jpeg thread delivers
//! known bytes.

mod encrypted;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::capture::CaptureFault;
use crate::frame::{Frame, Layout};
use crate::jpeg::Shot;
use crate::metrics::Drop as Dropped;
use crate::time::Wall;

const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any test here takes.
const STALL: Duration = Duration::from_secs(60);

struct Face {
    address: SocketAddr,
    /// Where it speaks TLS, and what with.
    tls: Option<(SocketAddr, Arc<Tls>)>,
    house: Arc<House>,
    stop: Stop,
    /// The jpeg threads deliver while it is set.
    encode: Arc<AtomicBool>,
}

impl Drop for Face {
    fn drop(&mut self) {
        self.stop.raise();
        assert_eq!(self.house.crew.join(PATIENCE), Vec::<String>::new());
    }
}

fn settings() -> Settings {
    Settings { listen: "127.0.0.1:0".into(), workers: 2, ..Settings::default() }
}

/// What the stand-in makes of a frame: long enough to fill the sockets' buffers when `size` is.
fn bytes_of(frame_id: u64, size: usize) -> Vec<u8> {
    let mut bytes = format!("picture {frame_id} ").into_bytes();
    bytes.resize(size.max(bytes.len()), b'.');
    bytes
}

fn face_with(settings: Settings, names: &[&str], size: usize) -> Face {
    face_of(settings, names, size, |_, _| (None, None))
}

/// `with` makes the log and who looks at clips.
fn face_of(
    settings: Settings,
    names: &[&str],
    size: usize,
    with: impl FnOnce(&Crew, &Stop) -> (Option<Store>, Option<Reference>),
) -> Face {
    let metrics = Arc::new(Metrics::default());
    let events: &'static Board<Event> = Box::leak(Box::default());
    let view = |name: &&str| {
        let source = "rtsp://***@cam/1".to_string();
        let view = View::new(name.to_string(), source, false, "off", metrics.camera(name), events);
        Arc::new(view.with_stall(STALL))
    };
    let views: Vec<_> = names.iter().map(view).collect();
    let (crew, stop, encode) = (Arc::new(Crew::default()), Stop::default(), Arc::new(AtomicBool::new(true)));
    for view in views.clone() {
        let (stop, encode) = (stop.clone(), encode.clone());
        let post = Post::named(format!("jpeg-{}", view.name()));
        crew.start(post, move |beat| {
            while !stop.is_raised() {
                beat.mark(Mono::now());
                let Some(job) = view.shots().next_job(Duration::from_millis(20)) else { continue };
                while !encode.load(Ordering::Relaxed) && !stop.wait(Duration::from_millis(1)) {}
                let (frame_id, captured) = (job.frame.id, job.frame.captured);
                let bytes = bytes_of(frame_id, size);
                let captured_wall = job.frame.captured_wall;
                view.metrics().encodes.inc();
                let shot = Shot { bytes, frame_id, captured, captured_wall, ..Shot::default() };
                view.shots().deliver(job, Some(Arc::new(shot)));
            }
        })
        .unwrap();
    }
    let config_json = r#"{"http":{"api_key":"***"}}"#.into();
    let orders = Arc::default();
    let (store, reference) = with(&crew, &stop);
    let house = House {
        views,
        events,
        orders,
        store,
        reference,
        sinks: None,
        metrics,
        crew,
        boot_id: 0xb007,
        config_json,
        started: Mono::now(),
    };
    let house = Arc::new(house);
    let tls = Tls::open(&settings, Wall::now()).unwrap();
    let at = start(settings, house.clone(), tls.clone(), stop.clone()).unwrap();
    Face { address: at.plain.unwrap(), tls: at.tls.zip(tls), house, stop, encode }
}

fn face() -> Face {
    let face = face_with(settings(), &["rack", "bench 2"], 100);
    face.show(0);
    face
}

impl Face {
    fn show(&self, camera: usize) -> u64 {
        let view = &self.house.views[camera];
        let (id, captured) = (view.next_id(), Mono::now());
        let captured_wall = Wall::from_unix_ms(784_111_777_042);
        let layout = Layout::jpeg(640, 480);
        view.publish(Arc::new(Frame { id, captured, captured_wall, layout, ..Frame::default() }), captured);
        id
    }

    fn lose(&self, camera: usize) {
        self.house.views[camera].lose(&CaptureFault::Stalled { after: Duration::from_secs(5) }, Wall::from_unix_ms(7));
    }

    fn dial(&self) -> Client {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // What is sent is there: a test may rely on it before it goes on with another client.
        socket.set_nodelay(true).unwrap();
        Client(BufReader::new(socket))
    }

    fn ask(&self, line: &str, lines: &str) -> Answer {
        let mut client = self.dial();
        client.send(&format!("{line} HTTP/1.1\r\nHost: box\r\n{lines}\r\n"));
        client.answer(line.starts_with("HEAD"))
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "")
    }

    fn post(&self, path: &str, lines: &str, body: &str) -> Answer {
        let mut client = self.dial();
        let length = body.len();
        client.send(&format!("POST {path} HTTP/1.1\r\nHost: box\r\nContent-Length: {length}\r\n{lines}\r\n{body}"));
        client.answer(false)
    }
}

struct Client<S = TcpStream>(BufReader<S>);

impl<S: Read + Write> Client<S> {
    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end_matches(['\r', '\n']).to_string()
    }

    fn head(&mut self) -> Answer {
        let first = self.line();
        let status = first.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return Answer { status, lines, body: Vec::new() };
            }
            lines.push(line);
        }
    }

    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let mut taken = vec![0; bytes];
        self.0.read_exact(&mut taken).unwrap();
        taken
    }

    fn answer(&mut self, head_only: bool) -> Answer {
        let mut answer = self.head();
        if !head_only && let Some(length) = answer.line("Content-Length") {
            answer.body = self.take(length.parse().unwrap());
        }
        answer
    }

    /// Everything until the other side closes; a reset counts as closed.
    fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(why) = self.0.read_to_end(&mut rest) {
            assert_eq!(why.kind(), std::io::ErrorKind::ConnectionReset, "it must close, not stay silent");
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// One part of a multipart stream and the boundary after it.
    fn part(&mut self) -> (u64, Vec<u8>) {
        let mut part = Answer { status: 0, lines: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            part.lines.push(line);
        }
        assert_eq!(part.line("Content-Type"), Some("image/jpeg"), "{:?}", part.lines);
        assert_eq!(part.line("X-Timestamp"), Some("784111777.042"));
        let body = self.take(part.line("Content-Length").unwrap().parse().unwrap());
        assert_eq!((self.line(), self.line()), (String::new(), "--frame".into()), "the boundary comes with the part");
        (part.line("X-Frame-Id").unwrap().parse().unwrap(), body)
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    lines: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn line(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let (own, value) = line.split_once(": ")?;
            own.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_string()
    }
}

fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let end = Mono::now().plus(PATIENCE);
    while !is() {
        assert!(Mono::now() < end, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_snapshot_is_the_newest_picture_and_says_which() {
    let face = face();
    let newest = face.show(0);
    let answer = face.get("/api/v1/cameras/rack/snapshot");
    assert_eq!((answer.status, &answer.body), (200, &bytes_of(newest, 100)));
    assert_eq!(answer.line("Content-Type"), Some("image/jpeg"));
    assert_eq!(answer.line("X-Frame-Id"), Some("2"));
    assert_eq!(answer.line("X-Frame-Timestamp"), Some("1994-11-06T08:49:37.042Z"));
    assert_eq!(answer.line("Cache-Control"), Some("no-cache"));
    assert!(answer.line("X-Frame-Age-Ms").unwrap().parse::<u64>().unwrap() < 20_000);
    for alias in ["/snapshot", "/?action=snapshot", "/snapshot?q=75&t=123", "/snapshot?w=640"] {
        assert_eq!(face.get(alias).body, answer.body, "{alias}");
    }
    face.show(1);
    assert_eq!(face.get("/api/v1/cameras/bench%202/snapshot").line("X-Frame-Id"), Some("1"));
}

#[test]
fn the_same_picture_is_not_sent_twice_to_who_has_it() {
    let face = face();
    let tag = face.get("/snapshot").line("ETag").unwrap().to_string();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".into()] {
        let answer = face.ask("GET /snapshot", &format!("If-None-Match: {known}\r\n"));
        assert_eq!((answer.status, answer.line("ETag")), (304, Some(tag.as_str())), "{known}");
    }
    assert_eq!(face.ask("GET /snapshot?q=50", &format!("If-None-Match: {tag}\r\n")).status, 200, "another variant");
    face.show(0);
    assert_eq!(face.ask("GET /snapshot", &format!("If-None-Match: {tag}\r\n")).status, 200, "another frame");
}

#[test]
fn a_picture_opened_by_itself_may_be_put_in_the_middle_and_a_refusal_may_not() {
    let face = face();
    let picture = face.get("/snapshot");
    let policy = picture.line("Content-Security-Policy").unwrap().to_string();
    assert!(policy.starts_with("default-src 'none'; img-src 'self'; style-src-attr 'unsafe-inline';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script"), "{policy}");
    let known = format!("If-None-Match: {}\r\n", picture.line("ETag").unwrap());
    for (asked, lines, status) in [("GET /snapshot", &known[..], 304), ("HEAD /stream", "", 200)] {
        let answer = face.ask(asked, lines);
        assert_eq!((answer.status, answer.line("Content-Security-Policy")), (status, Some(&policy[..])), "{asked}");
    }
    let refusal = face.get("/snapshot?q=0");
    assert_eq!(refusal.status, 422);
    assert!(!refusal.line("Content-Security-Policy").unwrap().contains("unsafe"));
}

#[test]
fn a_304_needs_no_encode() {
    let face = face();
    face.encode.store(false, Ordering::Relaxed);
    assert_eq!(face.ask("GET /snapshot?q=33", "If-None-Match: *\r\n").status, 304);
    assert_eq!(face.house.views[0].metrics().encodes.get(), 0);
}

#[test]
fn a_lost_camera_is_told_by_its_fault_and_an_unknown_one_by_its_absence() {
    let face = face();
    face.lose(0);
    for path in ["/snapshot", "/stream"] {
        let answer = face.get(path);
        assert_eq!((answer.status, answer.detail().as_str()), (404, "no picture for 5 s"), "{path}");
    }
    assert_eq!(face.get("/api/v1/cameras/bench%202/snapshot").detail(), "camera bench 2 has no picture yet");
    assert_eq!(face.get("/api/v1/cameras/nobody/snapshot").detail(), "there is no camera of this name");
}

#[test]
fn a_picture_that_was_waited_for_while_the_box_was_halted_is_not_shown_afterwards() {
    let settings = Settings { shot_timeout: PATIENCE, ..settings() };
    let face = face_with(settings, &["rack"], 100);
    face.encode.store(false, Ordering::Relaxed);
    // Shown so long ago that it may still be shown, for five seconds more; then nobody has had a turn to take it away.
    let view = &face.house.views[0];
    let published = Mono::from_ns(Mono::now().as_ns() - (STALL - Duration::from_secs(5)).as_nanos() as u64);
    let frame = Frame { id: view.next_id(), captured: published, layout: Layout::jpeg(640, 480), ..Frame::default() };
    view.publish(Arc::new(frame), published);
    let mut client = face.dial();
    client.send("GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n");
    eventually("old age", || Mono::now().since(published) > STALL + Duration::from_millis(600));
    face.encode.store(true, Ordering::Relaxed);
    let answer = client.answer(false);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.detail(), "no picture for 60 s");
    assert_eq!(view.metrics().encodes.get(), 1, "it was waited for");
}

#[test]
fn numbers_out_of_their_range_are_422_and_say_the_range() {
    let face = face();
    for (query, ok) in [
        ("q=1", true),
        ("q=95", true),
        ("q=0", false),
        ("q=96", false),
        ("q=", false),
        ("q=a", false),
        ("w=16", true),
        ("w=640", true),
        ("w=15", false),
        ("w=641", false),
        ("w=-1", false),
        ("w=70000", false),
    ] {
        let status = face.get(&format!("/snapshot?{query}")).status;
        assert_eq!(status, if ok { 200 } else { 422 }, "{query}");
    }
    for query in ["fps=0", "fps=241", "fps=x", "q=0"] {
        assert_eq!(face.get(&format!("/stream?{query}")).status, 422, "{query}");
    }
    assert!(face.get("/snapshot?w=641").detail().contains("640"));
}

#[test]
fn a_picture_that_is_not_made_in_time_is_503() {
    let settings = Settings { shot_timeout: Duration::from_millis(20), ..settings() };
    let face = face_with(settings, &["rack"], 10);
    face.show(0);
    face.encode.store(false, Ordering::Relaxed);
    let answer = face.get("/snapshot");
    assert_eq!((answer.status, answer.line("Retry-After")), (503, Some("1")));
    face.encode.store(true, Ordering::Relaxed);
    eventually("it comes later", || face.get("/snapshot").status == 200);
}

#[test]
fn a_fifth_variant_is_served_when_a_new_frame_comes() {
    let face = face();
    for q in 1..=4 {
        assert_eq!(face.get(&format!("/snapshot?q={q}")).status, 200);
    }
    let mut fifth = face.dial();
    fifth.send("GET /snapshot?q=5 HTTP/1.1\r\nHost: box\r\n\r\n");
    face.show(0);
    assert_eq!(fifth.answer(false).status, 200);
}

#[test]
fn head_has_the_heads_of_get_and_no_body() {
    let face = face();
    for path in ["/snapshot", "/healthz", "/api/v1/cameras", "/", "/stream", "/api/v1/events"] {
        let mut client = face.dial();
        client.send(&format!("HEAD {path} HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n"));
        let head = client.head();
        assert_eq!((head.status, client.rest().as_str()), (200, ""), "{path}");
    }
    assert_eq!(face.ask("HEAD /snapshot", "").line("Content-Length"), Some("100"));
    assert_eq!(face.house.metrics.http.listeners.get(), 0);
}

#[test]
fn a_wrong_method_is_405_with_the_right_ones_and_nothing_is_404() {
    let face = face();
    let answer = face.post("/snapshot", "", "");
    assert_eq!((answer.status, answer.line("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(face.ask("BREW /snapshot", "").status, 405);
    let answer = face.ask("OPTIONS /login", "");
    assert_eq!((answer.status, answer.line("Allow")), (204, Some("POST, GET, HEAD, OPTIONS")));
    let answer = face.ask("OPTIONS *", "");
    assert_eq!(answer.status, 204);
    let named: Vec<&str> = answer.line("Allow").expect("Allow is there").split(", ").collect();
    for entry in &super::route::TABLE {
        assert!(named.contains(&entry.method.name()), "{} is not in {named:?}", entry.method.name());
    }
    assert_eq!(face.get("/nowhere").status, 404);
}

#[test]
fn requests_in_a_row_are_answered_in_their_order_on_one_connection() {
    let face = face();
    let mut client = face.dial();
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n");
    let paths = ["/snapshot?q=7", "/nowhere", "/healthz", "/snapshot", "/login"];
    client.send(&(0..40).map(|i| one(paths[i % paths.len()])).collect::<String>());
    for i in 0..40 {
        assert_eq!(client.answer(false).status, [200, 404, 200, 200, 200][i % paths.len()], "{i}");
    }
    client.send(
        "POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\n\r\nkey=aGET /healthz HTTP/1.1\r\nHost: b\r\n\r\n",
    );
    assert_eq!((client.answer(false).status, client.answer(false).status), (303, 200));
}

#[test]
fn a_request_may_come_in_single_bytes() {
    let face = face();
    let mut client = face.dial();
    for byte in "POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\n\r\nkey=a".chars() {
        client.send(&byte.to_string());
    }
    assert_eq!(client.answer(false).status, 303);
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_closed() {
    let face = face();
    for (text, status) in [
        ("GET http://box/ HTTP/1.1\r\nHost: box\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: box\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: box\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: box\n\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: box\r\n\r\n", 400),
        ("\x16\x03\x01\0\x05", 400),
        ("GET / HTTP/2.0\r\nHost: box\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost: box\r\nExpect: tea\r\n\r\n", 417),
        ("POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 65537\r\n\r\n", 413),
    ] {
        let mut client = face.dial();
        client.send(text);
        let answer = client.answer(false);
        assert_eq!((answer.status, answer.line("Connection")), (status, Some("close")), "{text}");
        assert!(!answer.detail().is_empty());
        assert_eq!(client.rest(), "", "{text}");
    }
}

#[test]
fn heads_and_bodies_are_bounded_to_the_byte() {
    let settings = Settings { head_bytes: 256, body_bytes: 8, ..settings() };
    let face = face_with(settings, &["rack"], 10);
    let head = |length: usize| {
        let mut text = "GET /healthz HTTP/1.1\r\nHost: box\r\nX: ".to_string();
        text.push_str(&"y".repeat(length - text.len() - 4));
        text + "\r\n\r\n"
    };
    for (text, status) in [
        (head(256), 200),
        (head(257), 431),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(300)), 414),
        ("POST /login HTTP/1.1\r\nHost: b\r\nContent-Length: 8\r\n\r\nkey=aaaa".into(), 303),
        ("POST /login HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\nkey=aaaaa".into(), 413),
    ] {
        let mut client = face.dial();
        client.send(&text);
        assert_eq!(client.answer(false).status, status, "{text}");
    }
}

#[test]
fn a_client_that_expects_100_is_told_to_go_on() {
    let face = face();
    let mut client = face.dial();
    client.send("POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().status, 100);
    client.send("key=a");
    assert_eq!(client.answer(false).status, 303);
}

#[test]
fn a_head_that_does_not_come_in_time_is_408_and_an_idle_connection_is_closed() {
    let quick = Duration::from_millis(50);
    let settings = Settings { head_timeout: quick, idle_timeout: quick, ..settings() };
    let face = face_with(settings, &["rack"], 10);
    let mut slow = face.dial();
    slow.send("GET / HT");
    assert_eq!(slow.answer(false).status, 408);
    assert_eq!(slow.rest(), "");
    let mut body = face.dial();
    body.send("POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\n\r\nke");
    assert_eq!(body.answer(false).status, 408);
    assert_eq!(face.dial().rest(), "", "said nothing");
    let mut idle = face.dial();
    idle.send("GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((idle.answer(false).status, idle.rest().as_str()), (200, ""));
    eventually("every place is given back", || face.house.metrics.http.connections.get() == 0);
}

#[test]
fn one_that_does_not_read_its_picture_is_cut_off_and_holds_up_nobody() {
    let settings = Settings { write_timeout: Duration::from_millis(50), ..settings() };
    let face = face_with(settings, &["rack"], 32 * 1024 * 1024);
    face.show(0);
    let mut stubborn = face.dial();
    stubborn.send("GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(stubborn.head().status, 200);
    eventually("it is cut off", || face.house.metrics.http.connections.get() == 0);
    assert!(stubborn.rest().len() < 32 * 1024 * 1024);
    assert_eq!(face.get("/snapshot").body.len(), 32 * 1024 * 1024, "one that reads gets all of it");
}

#[test]
fn one_connection_too_many_is_refused_and_counted() {
    let settings = Settings { connections_per_peer: 3, ..settings() };
    let face = face_with(settings, &["rack"], 10);
    let mut kept: Vec<_> = (0..3).map(|_| face.dial()).collect();
    for client in &mut kept {
        client.send("GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
        assert_eq!(client.answer(false).status, 200);
    }
    let mut refused = face.dial();
    assert_eq!(refused.answer(false).status, 503);
    assert_eq!(face.house.metrics.http.refused.get(), 1);
    kept.pop();
    eventually("the place is free again", || {
        let mut client = face.dial();
        let _ = client.0.get_mut().write_all(b"GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
        let mut start = [0u8; 12];
        client.0.read_exact(&mut start).is_ok() && start.ends_with(b"200")
    });
}

#[test]
fn the_key_opens_by_header_basic_and_cookie() {
    let face = face_with(Settings { api_key: Some("sesam".into()), ..settings() }, &["rack"], 10);
    face.show(0);
    for path in ["/snapshot", "/?action=snapshot", "/stream", "/api/v1/cameras", "/api/v1/openapi.json"] {
        let answer = face.get(path);
        assert_eq!((answer.status, answer.line("WWW-Authenticate")), (401, Some("Basic realm=\"spotter\"")), "{path}");
    }
    assert_ne!(face.get("/readyz").status, 401);
    let quiet = face.ask("GET /snapshot", "X-Requested-With: fetch\r\n");
    assert_eq!((quiet.status, quiet.line("WWW-Authenticate")), (401, None));
    for path in ["/healthz", "/metrics", "/login", "/assets/base.css"] {
        assert_eq!(face.get(path).status, 200, "{path}");
    }
    assert_eq!(face.ask("GET /snapshot", "X-Api-Key: sesam\r\n").status, 200);
    assert_eq!(face.ask("GET /snapshot", "X-Api-Key: Sesam\r\n").status, 401);
    assert_eq!(face.ask("GET /snapshot", "Authorization: Basic eDpzZXNhbQ==\r\n").status, 200, "x:sesam");
    for (lines, body) in [
        ("Content-Type: application/json\r\n", r#"{"key":"sesam"}"#),
        ("X-Requested-With: fetch\r\nOrigin: http://box\r\n", "key=sesam"),
    ] {
        let answer = face.post("/login", lines, body);
        let cookie = answer.line("Set-Cookie").unwrap();
        assert!(answer.status == 200 && cookie.contains("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
        assert!(!cookie.contains("sesam"));
        let own = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
        assert_eq!((face.ask("GET /snapshot", &own).status, face.ask("GET /", &own).status), (200, 200));
        let gone = face.post("/logout", &format!("X-Requested-With: fetch\r\n{own}"), "");
        let line = gone.line("Set-Cookie").unwrap();
        assert!(gone.status == 200 && line.starts_with("spotter=;") && line.ends_with("Max-Age=0"), "{line}");
    }
    assert_eq!(face.post("/login", "Content-Type: application/json\r\n", r#"{"key":"x"}"#).status, 401);
    assert_eq!(face.post("/login", "Content-Type: application/json\r\n", "key=sesam").status, 400);
    assert_eq!(face.post("/login", "Origin: http://evil\r\n", "key=sesam").status, 403);
    assert_eq!(face.post("/logout", "Origin: null\r\n", "").status, 403);
}

#[test]
fn who_is_logged_in_stays_so_when_the_box_restarts_with_the_same_key() {
    let keyed = |key: &str| face_with(Settings { api_key: Some(key.into()), ..settings() }, &["rack"], 10);
    let before = keyed("sesam").post("/login", "", "key=sesam");
    let own = format!("Cookie: {}\r\n", before.line("Set-Cookie").unwrap().split(';').next().unwrap());
    assert_eq!(keyed("sesam").ask("GET /api/v1/cameras", &own).status, 200);
    assert_eq!(keyed("masse").ask("GET /api/v1/cameras", &own).status, 401);
}

#[test]
fn a_page_leads_to_the_login_and_back() {
    let face = face_with(Settings { api_key: Some("sesam".into()), ..settings() }, &["rack"], 10);
    let answer = face.get("/admin");
    assert_eq!((answer.status, answer.line("Location")), (303, Some("/login?next=/admin")));
    let answer = face.post("/login?next=/admin", "", "key=sesam");
    assert_eq!((answer.status, answer.line("Location")), (303, Some("/admin")));
    assert!(answer.line("Set-Cookie").is_some());
    let answer = face.post("/login", "", "key=wrong&next=%2Fadmin");
    assert_eq!((answer.status, answer.line("Location")), (303, Some("/login?wrong=1&next=/admin")));
    assert_eq!(answer.line("Set-Cookie"), None);
    assert_eq!(face.post("/login?next=//evil", "", "key=sesam").line("Location"), Some("/"));
}

#[test]
fn a_strangers_name_that_leads_here_gives_nothing_but_signs_of_life() {
    let face = face_with(Settings { hosts: vec!["box.gym.example".into()], ..settings() }, &["rack"], 100);
    let ask = |line: &str, host: &str| {
        let mut client = face.dial();
        client.send(&format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"));
        client.answer(false)
    };
    let said = "this box does not go by that name; hosts in [http] of its config says which it goes by";
    for line in [
        "GET /",
        "GET /admin",
        "GET /assets/wall.js",
        "GET /snapshot",
        "GET /api/v1/state",
        "POST /login",
        "POST /api/v1/reference",
    ] {
        let answer = ask(line, "evil.example:8080");
        assert_eq!((answer.status, answer.detail().as_str()), (421, said), "{line}");
        assert_ne!(ask(line, "box.gym.example").status, 421, "{line}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_ne!(ask(&format!("GET {path}"), "evil.example").status, 421, "{path}");
    }
}

#[test]
fn pages_carry_their_policy_and_are_not_sent_twice() {
    let face = face();
    let page = face.get("/");
    assert!(page.line("Content-Security-Policy").unwrap().contains("script-src 'self'; frame-ancestors 'none'"));
    assert_eq!(page.line("Referrer-Policy"), Some("no-referrer"));
    assert_eq!(page.line("X-Content-Type-Options"), Some("nosniff"));
    let known = format!("If-None-Match: {}\r\n", page.line("ETag").unwrap());
    assert_eq!(face.ask("GET /", &known).status, 304);
}

#[test]
fn a_stream_is_a_row_of_whole_parts_and_ends_when_the_camera_is_lost() {
    let face = face();
    let mut viewer = face.dial();
    viewer.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    let head = viewer.head();
    assert_eq!(head.line("Content-Type"), Some("multipart/x-mixed-replace; boundary=frame"));
    assert_eq!(viewer.line(), "--frame");
    assert_eq!(viewer.part(), (1, bytes_of(1, 100)));
    for _ in 0..5 {
        let id = face.show(0);
        assert_eq!(viewer.part(), (id, bytes_of(id, 100)), "sent as soon as it is there");
    }
    assert_eq!(face.house.views[0].status(Mono::now()).viewers, 1);
    face.lose(0);
    assert_eq!(viewer.rest(), "\r\n--frame--\r\n");
    eventually("the place is given back", || face.house.views[0].status(Mono::now()).viewers == 0);
    assert_eq!(face.house.metrics.http.connections.get(), 0);
}

#[test]
fn many_viewers_cost_one_encode_a_frame() {
    let face = face();
    let mut viewers: Vec<_> = (0..20).map(|_| face.dial()).collect();
    for viewer in &mut viewers {
        viewer.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
        assert_eq!((viewer.head().status, viewer.line().as_str()), (200, "--frame"));
        viewer.part();
    }
    for _ in 0..10 {
        let id = face.show(0);
        viewers.iter_mut().for_each(|v| assert_eq!(v.part().0, id));
    }
    assert_eq!(face.house.views[0].metrics().encodes.get(), 11);
    let answer = face.get("/stream");
    assert_eq!(answer.status, 503, "one viewer too many");
    drop(viewers);
    eventually("all places are given back", || face.house.views[0].status(Mono::now()).viewers == 0);
}

#[test]
fn a_slow_viewer_skips_to_the_newest_and_each_skip_is_counted() {
    let face = face_with(settings(), &["rack"], 16 * 1024 * 1024);
    face.show(0);
    let mut slow = face.dial();
    slow.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((slow.head().status, slow.line().as_str()), (200, "--frame"));
    let mut quick = face.dial();
    quick.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((quick.head().status, quick.line().as_str()), (200, "--frame"));
    assert_eq!(quick.part().0, 1);
    for _ in 0..4 {
        let id = face.show(0);
        assert_eq!(quick.part().0, id, "the slow one does not hold it up");
    }
    assert_eq!(slow.part().0, 1);
    assert_eq!(slow.part().0, 5, "2, 3 and 4 are skipped");
    let counted = face.house.views[0].metrics().drop_of(Dropped::SlowViewer).get();
    assert!(counted >= 3, "{counted}");
}

#[test]
fn a_paced_viewer_is_sent_no_more_than_it_asked_for() {
    let face = face();
    let mut viewer = face.dial();
    viewer.send("GET /stream?fps=0.1 HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((viewer.head().status, viewer.line().as_str()), (200, "--frame"));
    assert_eq!(viewer.part().0, 1);
    let mut other = face.dial();
    other.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((other.head().status, other.line().as_str()), (200, "--frame"));
    for _ in 0..5 {
        other.part();
        face.show(0);
    }
    face.lose(0);
    assert_eq!(viewer.rest(), "\r\n--frame--\r\n", "nothing between the first picture and the end");
}

#[test]
fn events_begin_with_the_present_and_go_on_with_what_happens() {
    let face = face_with(Settings { event_viewers: 1, ..settings() }, &["rack", "door"], 10);
    face.show(0);
    let mut listener = face.dial();
    listener.send("GET /api/v1/events HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(listener.head().line("Content-Type"), Some("text/event-stream"));
    let mut next = || {
        let name = listener.line();
        let data = listener.line();
        assert_eq!(listener.line(), "");
        (name, serde_json::from_str::<serde_json::Value>(data.strip_prefix("data: ").unwrap()).unwrap())
    };
    for (camera, connected) in [("rack", true), ("door", false)] {
        let (name, data) = next();
        assert_eq!(
            (name.as_str(), &data["camera"], &data["connected"]),
            ("event: camera", &camera.into(), &connected.into())
        );
    }
    face.lose(0);
    let (_, data) = next();
    assert_eq!((&data["connected"], &data["fault"]["kind"]), (&false.into(), &"stalled".into()));
    assert_eq!(face.get("/api/v1/events").status, 503, "one listener too many");
    face.show(1);
    assert_eq!(next().1["camera"], "door");
}

#[test]
fn every_path_of_the_document_answers_with_a_status_it_names() {
    let face = face();
    let document = face.get("/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 12);
    for (template, methods) in paths {
        let path = template.replace("{name}", "rack").replace("{id}", "1").replace("{path}", "2026-11-26/a.jpg");
        for (method, operation) in methods.as_object().unwrap() {
            let named = |status: u16| operation["responses"].get(status.to_string()).is_some();
            let mut client = face.dial();
            let method = method.to_ascii_uppercase();
            client.send(&format!("{method} {path} HTTP/1.1\r\nHost: box\r\nContent-Length: 0\r\n\r\n"));
            let status = client.head().status;
            assert!(named(status), "{method} {path} answers {status}");
        }
        let known = |method: &&str| methods.as_object().unwrap().contains_key(&method.to_ascii_lowercase());
        let method = ["PATCH", "PUT", "DELETE", "POST"].into_iter().find(|method| !known(method)).unwrap();
        let status = face.ask(&format!("{method} {path}"), "").status;
        assert_eq!(status, 405, "{method} {path}");
    }
}

#[test]
fn the_small_answers_say_what_they_should() {
    let face = face();
    assert_eq!(face.get("/healthz").json(), serde_json::json!({"status": "ok"}));
    eventually("every thread has begun", || face.get("/readyz").status == 200);
    let metrics = face.get("/metrics");
    assert!(metrics.line("Content-Type").unwrap().starts_with("application/openmetrics-text"));
    assert!(String::from_utf8(metrics.body).unwrap().ends_with("# EOF\n"));
    let cameras = face.get("/api/v1/cameras").json();
    assert_eq!((&cameras[0]["name"], &cameras[0]["source"]), (&"rack".into(), &"rtsp://***@cam/1".into()));
    assert_eq!((&cameras[0]["frame_id"], &cameras[1]["has_frame"]), (&1.into(), &false.into()));
    let state = face.get("/api/v1/state").json();
    assert_eq!((&state["cameras"][0]["name"], &state["cameras"][0]["engine"]), (&"rack".into(), &"off".into()));
    let admin = face.get("/api/v1/admin").json();
    assert_eq!(admin["config"]["http"]["api_key"], "***");
    let names: Vec<_> = admin["threads"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["jpeg-rack", "jpeg-bench 2", "clip", "clerk", "stream-1", "stream-2", "http-1", "http-2"]);
    let tasks = admin["tasks"].as_array().unwrap();
    assert!(tasks.iter().any(|t| t["name"] == "http-1" && t["own"] == true && t["cores"] != ""));
    assert_eq!(admin["cameras"][0]["drops"]["SlowViewer"], 0);
}

#[test]
fn health_fails_when_no_live_camera_is_fresh() {
    let face = face_with(Settings { stale: Duration::ZERO, ..settings() }, &["rack"], 10);
    face.show(0);
    let answer = face.get("/healthz");
    assert_eq!((answer.status, answer.detail().as_str()), (503, "no camera has had a new picture for 0 s"));
}

#[test]
fn the_stop_ends_streams_properly_and_frees_the_port() {
    let face = face();
    let mut viewer = face.dial();
    viewer.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((viewer.head().status, viewer.line().as_str()), (200, "--frame"));
    viewer.part();
    let mut idle = face.dial();
    idle.send("GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
    idle.answer(false);
    face.stop.raise();
    assert_eq!(viewer.rest(), "\r\n--frame--\r\n");
    assert_eq!(idle.rest(), "");
    assert_eq!(face.house.crew.join(PATIENCE), Vec::<String>::new());
    assert!(TcpStream::connect(face.address).is_err());
    drop(TcpListener::bind(face.address).unwrap());
}

#[test]
fn a_port_in_use_is_told_with_its_address() {
    let face = face();
    let taken = Settings { listen: face.address.to_string(), ..settings() };
    let why = start(taken, face.house.clone(), None, face.stop.clone()).unwrap_err();
    assert_eq!(why.to_string(), format!("{} is in use by another program", face.address));
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    let face = face();
    let mut client = face.dial();
    client.send("GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n");
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.answer(false).status, 200);
    assert_eq!(client.rest(), "");
}

#[test]
fn loopback_is_known_by_its_address() {
    for (listen, is) in
        [("127.0.0.1:80", true), ("[::1]:80", true), ("localhost:80", true), ("0.0.0.0:80", false), ("nonsense", false)]
    {
        assert_eq!(is_loopback(listen), is, "{listen}");
    }
}

#[test]
fn the_settings_never_show_the_key_and_show_everything_else() {
    let shown = |key: Option<&str>| format!("{:?}", Settings { api_key: key.map(str::to_string), ..settings() });
    let with_key = shown(Some("sesam"));
    assert!(with_key.contains(r#"api_key: Some("***")"#) && !with_key.contains("sesam"), "{with_key}");
    assert!(shown(None).contains("api_key: None"));
    let source = include_str!("mod.rs");
    let body = source.split_once("pub struct Settings {").unwrap().1.split_once("\n}").unwrap().0;
    for line in body.lines().filter_map(|line| line.trim().strip_prefix("pub ")) {
        let name = line.split(':').next().unwrap();
        assert!(with_key.contains(&format!("{name}: ")), "{name}");
    }
}

#[test]
fn a_body_that_came_in_parts_takes_nothing_from_the_next_request() {
    // One worker, so that what another client is answered tells that the first one's bytes were read before.
    let face = face_with(Settings { workers: 1, ..settings() }, &["rack"], 10);
    face.show(0);
    face.encode.store(false, Ordering::Relaxed);
    let mut client = face.dial();
    client.send("GET /snapshot HTTP/1.1\r\nHost: box\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n12345");
    assert_eq!(client.head().status, 100);
    client.send("67890");
    assert_eq!(face.get("/healthz").status, 200);
    client.send("GET /login HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(face.get("/healthz").status, 200);
    face.encode.store(true, Ordering::Relaxed);
    assert_eq!((client.answer(false).status, client.answer(false).status), (200, 200));
}

#[test]
fn a_last_answer_comes_whole_although_the_client_sent_more_than_a_request() {
    let size = 8 * 1024 * 1024;
    let face = face_with(settings(), &["rack"], size);
    face.show(0);
    let mut client = face.dial();
    let more = "x".repeat(48 * 1024);
    client.send(&format!("GET /snapshot HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n{more}"));
    assert_eq!(client.answer(false).body.len(), size);
    assert_eq!(client.rest(), "");
    drop(client);
    eventually("the place is given back", || face.house.metrics.http.connections.get() == 0);
}

/// A face that takes clips of up to 1 MiB into `folder`; whoever looks at them finds nobody.
fn clip_face(folder: &std::path::Path, change: impl FnOnce(&mut Settings)) -> Face {
    let mut own = Settings { data_dir: folder.into(), clip_bytes: 1 << 20, ..settings() };
    change(&mut own);
    let log = folder.join("log");
    face_of(own, &["rack"], 100, move |crew, stop| {
        let settings = crate::store::Settings { folder: log, ..crate::store::Settings::default() };
        let store = Store::start(settings, crate::metrics::StoreMetrics::default(), crew, stop).unwrap();
        let engine = crate::pose::Engine::Replay { takes: Duration::ZERO };
        (Some(store), Reference::new(&engine, Duration::from_secs(5), stop))
    })
}

const REFERENCE: &str = "POST /api/v1/reference?exercise_name=Row HTTP/1.1\r\nHost: box\r\n";
const FORM: &str = "Content-Type: multipart/form-data; boundary=b\r\n";
const NO_VIDEO: &str = "the clip is not a video that can be read";

fn form_of(film: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"clip\"; filename=\"a.mp4\"\r\n\r\n{film}\r\n--b--\r\n")
}

/// What is answered to a clip of `length` bytes of which `body` is sent.
fn bring(face: &Face, lines: &str, length: u64, body: &str) -> Answer {
    let mut client = face.dial();
    client.send(&format!("{REFERENCE}{lines}Content-Length: {length}\r\n\r\n"));
    client.send(body);
    let answer = client.answer(false);
    assert_eq!(answer.line("Connection"), Some("close"));
    client.rest();
    answer
}

fn nothing_is_left(folder: &std::path::Path) {
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["log"]);
}

#[test]
fn a_clip_that_is_no_film_is_told_so_as_a_body_and_as_a_form() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |_| ());
    let film = "this is no film\n".repeat(10_000);
    let form = form_of(&film);
    for (lines, body) in [("", &film), ("Content-Type: video/mp4\r\n", &film), (FORM, &form)] {
        let answer = bring(&face, lines, body.len() as u64, body);
        assert_eq!((answer.status, answer.detail().as_str()), (422, NO_VIDEO), "{lines}");
    }
    nothing_is_left(dir.path());
}

#[test]
fn a_form_may_come_in_pieces_and_a_bad_one_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |_| ());
    let form = form_of("no film");
    let mut client = face.dial();
    client.send(&format!("{REFERENCE}{FORM}Content-Length: {}\r\n\r\n", form.len()));
    for byte in form.chars() {
        client.send(&byte.to_string());
    }
    assert_eq!(client.answer(false).detail(), NO_VIDEO);
    let twice = form_of("x").replace("--b--\r\n", "") + &form_of("y");
    for (body, why) in [
        (form.replace("\"clip\"", "\"film\""), "the form has no field clip"),
        (form.replace("--b--", "--c--"), "the form is not well formed"),
        (twice, "the form has the field clip twice"),
    ] {
        let answer = bring(&face, FORM, body.len() as u64, &body);
        assert_eq!((answer.status, answer.detail().as_str()), (422, why));
    }
    let answer = bring(&face, "Content-Type: multipart/form-data\r\n", 9, "");
    assert_eq!((answer.status, answer.detail().as_str()), (422, "the form has no usable boundary"));
    nothing_is_left(dir.path());
}

#[test]
fn what_is_wrong_with_a_clip_is_told_before_it_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |own| own.api_key = Some("k".into()));
    let key = "X-Api-Key: k\r\n";
    // Nothing of the body is ever sent.
    assert_eq!(bring(&face, "", 9, "").status, 401);
    let foreign = bring(&face, &format!("{key}Origin: http://other\r\n"), 9, "");
    assert_eq!((foreign.status, foreign.detail()), (403, "this request comes from a page of another host".into()));
    let long = bring(&face, key, (1 << 20) + 1, "");
    assert_eq!((long.status, long.detail()), (413, "a clip may have 1 MiB".into()));
    assert_eq!(bring(&face, key, 0, "").detail(), "the body must be a recorded clip");
    let names = ["", "?exercise_name=", "?exercise_name=%20", "?exercise_name=a%0ab", "?other=1"];
    for query in names.map(String::from).into_iter().chain([format!("?exercise_name={}", "n".repeat(65))]) {
        let answer = face.ask(&format!("POST /api/v1/reference{query}"), &format!("{key}Content-Length: 9\r\n"));
        let said = "exercise_name must be the exercise's name, at most 64 characters";
        assert_eq!((answer.status, answer.detail().as_str()), (422, said), "{query}");
    }
    let whole = "x".repeat(1 << 20);
    assert_eq!(bring(&face, key, 1 << 20, &whole).detail(), NO_VIDEO, "the longest that is allowed");
    nothing_is_left(dir.path());
    let blind = face_with(settings(), &[], 1);
    assert_eq!(bring(&blind, "", 9, "").detail(), "nobody looks at pictures in this box: it has no model");
}

#[test]
fn a_second_clip_waits_for_the_first_and_a_slow_one_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |own| own.head_timeout = Duration::from_secs(1));
    let mut slow = face.dial();
    slow.send(&format!("{REFERENCE}Expect: 100-continue\r\nContent-Length: 99\r\n\r\n"));
    assert_eq!(slow.head().status, 100, "it is told to go on");
    slow.send("no ");
    let second = bring(&face, "", 9, "");
    assert_eq!((second.status, second.line("Retry-After")), (503, Some("1")));
    assert_eq!(second.detail(), "another clip is being taken; ask again when it is done");
    let late = slow.answer(false);
    assert_eq!((late.status, late.detail()), (408, "the request did not come in time".into()));
    assert_eq!(bring(&face, "", 7, "no film").detail(), NO_VIDEO, "the place is free again");
    nothing_is_left(dir.path());
}

#[test]
fn a_clip_that_breaks_off_leaves_nothing_and_frees_its_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("clip.part"), "what a crash left").unwrap();
    let face = clip_face(dir.path(), |_| ());
    let mut client = face.dial();
    client.send(&format!("{REFERENCE}Content-Length: 99\r\n\r\nhalf"));
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    let answer = client.answer(false);
    assert_eq!((answer.status, answer.detail()), (400, "the clip broke off".into()));
    assert_eq!(bring(&face, "", 7, "no film").detail(), NO_VIDEO);
    nothing_is_left(dir.path());
}

#[test]
fn a_clip_for_which_there_is_no_room_is_503() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |own| own.data_dir = "/proc/nowhere".into());
    let answer = bring(&face, "", 7, "no film");
    assert_eq!(answer.status, 503);
    assert!(answer.detail().starts_with("the clip cannot be written: "), "{}", answer.detail());
}
