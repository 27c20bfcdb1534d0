//! A receiver of sets on loopback: a small blocking HTTP server that checks every header and field of what it gets, as PUMP
//! or as a signed webhook, and that can behave badly when it is told to.
//!
//! It notes what was wrong instead of failing in its own thread; [`Receiver::got`] and [`Receiver::wrong`] say what came.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;

pub const API_KEY: &str = "geheim-pump-1";
pub const SECRET: &str = "geheim-hook-2";

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub text: String,
    /// JSON; null without a body.
    pub body: Value,
    /// It was answered as it should be.
    pub is_taken: bool,
}

impl Request {
    pub fn key(&self) -> &str {
        self.headers.get("idempotency-key").map_or("", String::as_str)
    }
}

/// How a request is treated.
#[derive(Clone, Debug)]
pub enum Manner {
    /// As it should be.
    Well,
    /// Read, and answered so.
    Answer { status: u16, headers: &'static str, body: String },
    /// Read and noted, and the connection closed without an answer.
    Drop,
    /// The connection is closed before anything is read.
    Refuse,
    /// Read and noted, and answered when the other side has gone.
    Late,
    /// Read and noted, and the answer breaks off.
    Half,
    /// As it should be if the request is so, else in another manner.
    Unless { is_well: fn(&Request) -> bool, manner: Box<Manner> },
}

impl Manner {
    pub fn status(status: u16) -> Manner {
        Manner::Answer { status, headers: "", body: "no\n".into() }
    }
}

/// What it takes itself for.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Pump,
    /// A webhook that checks signatures with this secret.
    Webhook(&'static str),
}

type Script = Box<dyn FnMut(usize) -> Manner + Send>;

struct State {
    script: Script,
    connections: usize,
    got: Vec<Request>,
    wrong: Vec<String>,
    ids: HashMap<String, u64>,
}

/// A running receiver; it listens until the process ends.
pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// One that behaves as `script` says for each connection, counted from 0.
    pub fn start(part: Part, script: impl FnMut(usize) -> Manner + Send + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        let address = listener.local_addr().expect("it is bound");
        let (script, ids): (Script, _) = (Box::new(script), HashMap::new());
        let state = State { script, connections: 0, got: Vec::new(), wrong: Vec::new(), ids };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.expect("a connection"), shared.clone());
                std::thread::spawn(move || serve(part, stream, &state));
            }
        });
        Receiver { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it behaves so.
    pub fn behave(&self, script: impl FnMut(usize) -> Manner + Send + 'static) {
        self.state.lock().expect("no thread of it panics").script = Box::new(script);
    }

    /// Every request that was read, in order.
    pub fn got(&self) -> Vec<Request> {
        self.state.lock().expect("no thread of it panics").got.clone()
    }

    /// What was wrong with them.
    pub fn wrong(&self) -> Vec<String> {
        self.state.lock().expect("no thread of it panics").wrong.clone()
    }
}

fn serve(part: Part, mut stream: TcpStream, state: &Mutex<State>) {
    let manner = {
        let mut state = state.lock().expect("no thread of it panics");
        let count = state.connections;
        state.connections += 1;
        (state.script)(count)
    };
    if matches!(manner, Manner::Refuse) {
        return;
    }
    // A sender that is killed halfway leaves nothing that could be noted.
    let Some(mut request) = read(&stream) else { return };
    let manner = match manner {
        Manner::Unless { is_well, .. } if is_well(&request) => Manner::Well,
        Manner::Unless { manner, .. } => *manner,
        manner => manner,
    };
    request.is_taken = matches!(manner, Manner::Well);
    let answer = {
        let mut state = state.lock().expect("no thread of it panics");
        let wrong = match part {
            Part::Pump => check_pump(&request),
            Part::Webhook(secret) => check_webhook(&request, secret),
        };
        let what = format!("{} {}", request.method, request.path);
        state.wrong.extend(wrong.into_iter().map(|why| format!("{what}: {why}")));
        let next = state.ids.len() as u64 + 1;
        let is_set = request.path == "/api/sets" && matches!(manner, Manner::Well | Manner::Late | Manner::Half);
        let id = if is_set { *state.ids.entry(request.key().to_string()).or_insert(next) } else { 0 };
        state.got.push(request);
        match &manner {
            Manner::Answer { status, headers, body } => response(*status, headers, body),
            _ if id > 0 => response(201, "", &format!("{{\"id\":{id}}}")),
            _ => response(200, "", "{}"),
        }
    };
    match manner {
        Manner::Drop => {}
        Manner::Late => {
            let _ = stream.read_to_end(&mut Vec::new());
            let _ = stream.write_all(answer.as_bytes());
        }
        Manner::Half => {
            let _ = stream.write_all(&answer.as_bytes()[..answer.len() - 4]);
        }
        _ => {
            let _ = stream.write_all(answer.as_bytes());
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_string(), words.next()?.to_string());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_string());
    }
    let length = headers.get("content-length").map_or(0, |text| text.parse().expect("a length is a number"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).expect("JSON is UTF-8");
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("a body is JSON") };
    Some(Request { method, path, headers, text, body, is_taken: false })
}

fn check_common(request: &Request) -> Vec<String> {
    let mut wrong = Vec::new();
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    if !request.text.is_empty() && header("content-type") != "application/json" {
        wrong.push(format!("Content-Type is {:?}", header("content-type")));
    }
    if !header("user-agent").starts_with("spotter/") {
        wrong.push(format!("User-Agent is {:?}", header("user-agent")));
    }
    let key = header("idempotency-key");
    let start = key.split('-').next().unwrap_or_default();
    if start.len() != 32 || !start.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        wrong.push(format!("Idempotency-Key is {key:?}"));
    }
    wrong
}

/// Each way in which a request is not what PUMP wants.
fn check_pump(request: &Request) -> Vec<String> {
    let mut wrong = check_common(request);
    if request.headers.get("x-api-key").map(String::as_str) != Some(API_KEY) {
        wrong.push("X-Api-Key is not the key".into());
    }
    let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let is_id = |part: &str| part.parse::<u64>().is_ok();
    let fields: &[&str] = match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["api", "sets"]) => {
            let all = ["Confidence", "Date", "Name", "Note", "Pending", "Reps", "Source", "Weight"];
            let there: Vec<&str> =
                request.body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            if there != all {
                wrong.push(format!("the fields are {there:?}"));
            }
            &["Confidence", "Date", "Name", "Note", "Pending", "Reps", "Source", "Weight"]
        }
        ("PATCH", ["api", "sets", id]) if is_id(id) => &["Date", "Name", "Note", "Reps", "Weight"],
        ("POST", ["api", "sets", id, "confirm"]) if is_id(id) => &[],
        ("DELETE", ["api", "sets", id]) if is_id(id) => {
            if !request.body.is_null() {
                wrong.push("DELETE has a body".into());
            }
            return wrong;
        }
        _ => {
            wrong.push("there is no such call".into());
            return wrong;
        }
    };
    for (name, value) in request.body.as_object().into_iter().flatten() {
        if !fields.contains(&name.as_str()) {
            wrong.push(format!("{name} does not belong here"));
        } else if !is_right(name, value) {
            wrong.push(format!("{name} is {value}"));
        }
    }
    wrong
}

/// Whether a field of PUMP's has a value that it can have.
fn is_right(name: &str, value: &Value) -> bool {
    let text = value.as_str();
    match name {
        "Date" => text.is_some_and(|date| {
            let numbers: Vec<Option<u32>> = date.split('-').map(|part| part.parse().ok()).collect();
            date.len() == 10 && matches!(numbers[..], [Some(1970..), Some(1..=12), Some(1..=31)])
        }),
        "Name" => text.is_some_and(|name| !name.is_empty()),
        "Weight" => text.is_some_and(|weight| {
            let decimals = weight.split_once('.').map(|(_, decimals)| decimals.len());
            weight.parse::<f64>().is_ok() && decimals == Some(1)
        }),
        "Reps" => value.as_u64().is_some(),
        "Source" => text == Some("cv"),
        "Confidence" => value.as_f64().is_some_and(|c| (0.0..=1.0).contains(&c) && (c * 1000.0).fract().abs() < 1e-9),
        "Pending" => value.is_boolean(),
        _ => value.is_string(),
    }
}

/// Each way in which a request is not what a webhook wants.
fn check_webhook(request: &Request, secret: &str) -> Vec<String> {
    let mut wrong = check_common(request);
    if request.method != "POST" {
        wrong.push("a webhook is a POST".into());
    }
    let given = request.headers.get("x-spotter-signature").and_then(|value| value.strip_prefix("sha256="));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(request.text.as_bytes());
    let own: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    if given != Some(own.as_str()) {
        wrong.push("the signature is not that of the body".into());
    }
    if !["set", "correct", "confirm", "delete"].iter().any(|event| request.body["event"] == *event) {
        wrong.push(format!("event is {}", request.body["event"]));
    }
    let set = &request.body["set"];
    if !set["id"].is_u64() || set["reps"].as_u64().is_none() || !set["repetitions"].is_array() {
        wrong.push("the set is not whole".into());
    }
    if request.body.as_object().is_none_or(|body| body.len() != 2) || !set["deliveries"].is_null() {
        wrong.push("there is more than belongs there".into());
    }
    wrong
}
