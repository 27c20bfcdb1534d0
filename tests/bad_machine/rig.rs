//! A box with a config and a log of its own, and what is read of it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::common::{SpotterBox, open, until};

/// A camera that is only shown.
pub const SHOWN: &str =
    "[[camera]]\nname = \"rack\"\nsource = \"demo:squat?fps=15&size=160x120&seed=4\"\npose = false\n";

/// Three curls, a rest that is just long enough for the set to be over, and so on.
pub const TRAINS: &str = "confidence_threshold = 0.5\n[[camera]]\nname = \"rack\"\n\
    source = \"demo:curl?reps=3&rest=7&fps=10&size=320x180&seed=7\"\n[set_boundary]\nquiet_seconds = 3.0\n";

pub struct Rig {
    pub spotter: SpotterBox,
    pub folder: tempfile::TempDir,
}

impl Rig {
    pub fn start(config: &str) -> Rig {
        Rig::start_as(config, |_, _| program())
    }

    /// What `starter` makes, with the arguments of a box.
    pub fn start_as(config: &str, starter: impl FnOnce(&Path, &str) -> Command) -> Rig {
        let folder = tempfile::tempdir().expect("there is room");
        std::fs::write(folder.path().join("spotter.toml"), config).expect("there is room");
        let command = Rig::command(folder.path(), starter(folder.path(), env!("CARGO_BIN_EXE_spotter")));
        Rig { spotter: SpotterBox::of(command), folder }
    }

    fn command(folder: &Path, mut command: Command) -> Command {
        command.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(folder.join("spotter.toml"));
        command.arg("--data-dir").arg(folder.join("data"));
        let log = File::create(folder.join("log")).expect("there is room");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        command
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("it was made")
    }

    /// Waits until the log says it, once.
    pub fn says(&self, sentence: &str) {
        until(sentence, || if self.log().contains(sentence) { Ok(()) } else { Err(self.log()) });
    }

    pub fn pid(&self) -> u32 {
        self.spotter.child.id()
    }

    pub fn has_picture(&self) {
        until("a picture", || match self.spotter.get("/snapshot") {
            reply if reply.status == 200 => Ok(()),
            reply => Err(reply.text()),
        });
    }

    /// Waits until a metric's value is as wanted.
    pub fn metric_is(&self, line: &str, is: impl Fn(f64) -> bool) {
        until(line, || match self.spotter.metric(line) {
            value if is(value) => Ok(()),
            value => Err(format!("{value}\n{}", self.log())),
        });
    }

    /// The log of sets, the oldest first.
    pub fn sets(&self) -> Vec<Value> {
        self.spotter.json("/api/v1/sets.json").as_array().expect("a list").clone()
    }

    /// Waits for a repetition of the set that goes on.
    pub fn in_a_set(&self) {
        until("he trains", || {
            let state = self.spotter.json("/api/v1/state");
            if state["cameras"][0]["reps"].as_u64().unwrap_or(0) > 0 { Ok(()) } else { Err(state.to_string()) }
        });
    }

    /// A thread of the crew, as the admin page has it.
    pub fn member(&self, name: &str) -> Value {
        let admin = self.spotter.json("/api/v1/admin");
        let members = admin["threads"].as_array().expect("a list").clone();
        members.into_iter().find(|member| member["name"] == name).unwrap_or_else(|| panic!("{name}: {admin}"))
    }
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_spotter"))
}

/// The box in a mount namespace of its own, each `here` mounted over its place.
pub fn mounted(over: &[(PathBuf, &str)]) -> Command {
    let mut script = String::new();
    for (here, place) in over {
        script.push_str(&format!("mount --bind '{}' '{place}' && ", here.display()));
    }
    script.push_str("exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_spotter")]);
    command
}

/// Whether the tests run as root; said when not.
pub fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("not run: {what} wants root");
    }
    root
}

/// A connection that stays, for questions when no new one can be had.
pub struct Line(BufReader<TcpStream>);

impl Line {
    pub fn open(rig: &Rig) -> Line {
        Line(BufReader::new(open(rig.spotter.address)))
    }

    /// Status and body.
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: box\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.0.get_mut().write_all(head.as_bytes()).expect("the box takes requests");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("the box answers") > 0, "the box hung up");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if line.starts_with("HTTP/") {
                status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
            } else if let Some(("content-length", value)) = line.to_ascii_lowercase().split_once(':') {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a whole answer");
        (status, body)
    }

    pub fn metric(&mut self, line_start: &str) -> f64 {
        let (status, text) = self.ask("GET", "/metrics", "");
        assert_eq!(status, 200);
        let text = String::from_utf8(text).expect("text");
        let line = text.lines().find(|line| line.starts_with(line_start)).unwrap_or_else(|| panic!("{line_start}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
    }
}
