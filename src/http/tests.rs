//! The whole face, in this process, over real sockets: cameras are fed by hand, a stand-in for the jpeg thread delivers
//! known bytes.

mod clips;
mod encrypted;
mod pictures;
mod streams;
mod wire;

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
