//! Keys and passwords, each planted once where an owner would write it, and looked for wherever the box says anything: its
//! log, every answer, every page, its files, what it prints of its config, right and wrong.
//!
//! *planted*: a text that stands nowhere else, so that finding it is a leak. Passwords are also looked for in the forms in
//! which they travel: percent-encoded and in Base64.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::common::{SpotterBox, kill, open, request, until};

const KEY: &str = "planted-face-key-1";
/// All that must not be seen anywhere.
const PLANTED: [&str; 18] = [
    KEY,
    "planted-rtsp-pass-2",
    "planted-http-pass-3",
    "planted-query-token-4",
    "planted-gst-pw-5",
    "planted-gst-location-6",
    "planted-gst-header-7",
    "planted-pump-key-8",
    "planted-hook-secret-9",
    "planted-hook-path-10",
    "planted-quoted\"pass-11",
    "planted-gst-cookie-12",
    "planted-query-access-13",
    "planted-user-14",
    "planted-gst-phrase-15",
    "planted-spaced pass-16",
    "planted-slash/pass-17",
    "planted-single'pass-18",
];

const CAMERAS: [&str; 12] = ["shown", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];

/// Every camera fails in a way of its own, so that its sentences are seen, too. Nobody listens on port 9 of this machine.
fn config(data: &Path) -> String {
    let sources = [
        ("shown", "demo:squat?size=64x48&fps=5".to_string()),
        ("a", "rtsp://admin:planted-rtsp-pass-2@127.0.0.1:9/1".into()),
        ("b", "http://planted-user-14:planted-http-pass-3@127.0.0.1:9/x.mjpg".into()),
        (
            "c",
            "http://127.0.0.1:9/x.mjpg?user=a&token=planted-query-token-4&access_token=planted-query-access-13".into(),
        ),
        (
            "d",
            "gst:rtspsrc location=rtsp://127.0.0.1:9/1 user-id=planted-user-14 user-pw=planted-gst-pw-5 ! decodebin"
                .into(),
        ),
        ("e", "gst:souphttpsrc location=http://u:planted-gst-location-6@127.0.0.1:9/ ! decodebin".into()),
        (
            "f",
            "gst:souphttpsrc location=http://127.0.0.1:9/ extra-headers=\"h,Authorization=planted-gst-header-7\" \
             cookies=\"planted-gst-cookie-12\" ! decodebin"
                .into(),
        ),
        ("g", "rtsp://admin:planted-quoted\"pass-11@127.0.0.1:9/1".into()),
        ("h", "gst:srtsrc uri=srt://127.0.0.1:9 passphrase=planted-gst-phrase-15 nonsense=1 ! decodebin".into()),
        ("i", "rtsp://admin:planted-spaced pass-16@127.0.0.1:9/1".into()),
        ("j", "rtsp://admin:planted-slash/pass-17@127.0.0.1:9/1".into()),
        ("k", "rtsp://admin:planted-single'pass-18@127.0.0.1:9/1".into()),
    ];
    let camera = |(name, source): &(&str, String)| {
        format!("[[camera]]\nname = \"{name}\"\npose = false\nsource = \"{}\"\n", source.replace('"', "\\\""))
    };
    format!(
        "data_dir = \"{}\"\n[capture]\nretry_first_s = 0.2\n{}\n[http]\nlisten = \"127.0.0.1:0\"\napi_key = \"${{PLANTED_KEY}}\"\n\
         [[sink]]\nkind = \"pump\"\nname = \"pump\"\nurl = \"http://127.0.0.1:9/\"\napi_key = \"planted-pump-key-8\"\n\
         [[sink]]\nkind = \"webhook\"\nname = \"hook\"\nurl = \"http://127.0.0.1:9/planted-hook-path-10/\"\nsecret = \"planted-hook-secret-9\"\n",
        data.display(),
        sources.iter().map(camera).collect::<String>(),
    )
}

/// The forms of a secret that would give it away.
fn forms(secret: &str) -> Vec<String> {
    let percent = secret.replace('"', "%22").replace(' ', "%20").replace('/', "%2F").replace('\'', "%27");
    let escaped = secret.replace('"', "\\\"");
    let basic =
        [format!("admin:{secret}"), format!("x:{secret}"), secret.to_string()].map(|t| BASE64_STANDARD.encode(t));
    let after_mark = secret.split(['"', ' ', '/', '\'']).nth(1).map(str::to_string);
    [secret.to_string(), percent, escaped].into_iter().chain(basic).chain(after_mark).collect()
}

/// Fails by naming the secrets that are in `said`.
fn holds_none(what: &str, said: &str) {
    for secret in PLANTED {
        for form in forms(secret) {
            let at = said.find(&form);
            let around = at.map(|at| {
                let begin = said[..at].char_indices().rev().nth(60).map_or(0, |(i, _)| i);
                said[begin..].chars().take(200).collect::<String>()
            });
            assert_eq!(around, None, "{what} gives {secret} away");
        }
    }
}

/// What a listener of events hears at first: how every camera does.
fn events_told(spotter: &SpotterBox, cameras: usize) -> String {
    let mut socket = open(spotter.address);
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: box\r\nX-Api-Key: {KEY}\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("the box takes requests");
    let (mut told, mut piece) = (String::new(), [0; 4096]);
    while told.matches("event: camera").count() < cameras {
        let n = socket.read(&mut piece).expect("the box tells");
        assert_ne!(n, 0, "it ended: {told}");
        told.push_str(&String::from_utf8_lossy(&piece[..n]));
    }
    told
}

fn written(folder: &Path, text: &str) -> PathBuf {
    let config = folder.join("spotter.toml");
    std::fs::write(&config, text).expect("there is room");
    config
}

fn spotter(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
    let done = command.args(args).env("PLANTED_KEY", KEY).stdin(Stdio::null()).output().expect("it was just built");
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}

/// Every file below a folder.
fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("it is readable") {
        let path = entry.expect("it is readable").path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

#[test]
fn no_secret_is_seen_in_any_answer_log_file_or_word_about_the_config() {
    let folder = tempfile::tempdir().expect("there is room");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("there is room");
    let config = written(folder.path(), &config(&data));
    let log = folder.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
    command.args(["run", "--config", config.to_str().expect("UTF-8")]).env("PLANTED_KEY", KEY).env("RUST_LOG", "debug");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(&log).expect("there is room"));
    let mut spotter = SpotterBox::of(command);
    let ask = |path: &str| request(spotter.address, "GET", path, &[("X-Api-Key", KEY)], b"");
    until("every camera that cannot be reached has said why", || {
        let cameras: serde_json::Value = serde_json::from_slice(&ask("/api/v1/cameras").body).expect("JSON");
        let silent: Vec<_> =
            cameras.as_array().expect("a list").iter().skip(1).filter(|c| c["fault"].is_null()).collect();
        if silent.is_empty() { Ok(()) } else { Err(format!("{silent:?}")) }
    });
    until("the log is open", || match ask("/api/v1/sets").status {
        200 => Ok(()),
        other => Err(other.to_string()),
    });
    let document: serde_json::Value = serde_json::from_slice(&ask("/api/v1/openapi.json").body).expect("JSON");
    let mut seen = 0;
    for (template, methods) in document["paths"].as_object().expect("paths") {
        if template.contains("stream") || template.ends_with("/events") || methods.get("get").is_none() {
            continue;
        }
        for camera in CAMERAS {
            let path = template.replace("{name}", camera).replace("{id}", "1").replace("{path}", "x/y.jpg");
            let reply = ask(&path);
            holds_none(&path, &format!("{}\n{}", reply.head, reply.text()));
            seen += 1;
        }
    }
    for path in ["/", "/admin", "/login", "/api/v1/events/x", "/nothing"] {
        let reply = ask(path);
        holds_none(path, &format!("{}\n{}", reply.head, reply.text()));
    }
    holds_none("the events", &events_told(&spotter, CAMERAS.len()));
    let login = request(spotter.address, "POST", "/login?next=/admin", &[], format!("key={KEY}").as_bytes());
    assert_eq!(login.status, 303);
    holds_none("the login's answer", &format!("{}\n{}", login.head, login.text()));
    let wrong = request(spotter.address, "POST", "/login", &[("X-Api-Key", KEY)], b"key=planted-http-pass-3");
    holds_none("a wrong login's answer", &format!("{}\n{}", wrong.head, wrong.text()));
    spotter.signal("TERM");
    assert_eq!(spotter.wait(), 0);
    let said = std::fs::read_to_string(&log).expect("it was written");
    assert!(said.contains("127.0.0.1"), "the cameras' faults are in the log:\n{said}");
    holds_none("the log", &said);
    let mut kept = Vec::new();
    files(&data, &mut kept);
    assert!(kept.iter().any(|path| path.ends_with("spotter.db")), "{kept:?}");
    for path in kept {
        let bytes = std::fs::read(&path).expect("it is readable");
        holds_none(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
    }
    println!("secrets: {} planted, none in {seen} answers, the log and the box's files", PLANTED.len());
}

#[test]
fn no_secret_is_seen_in_what_is_said_of_a_config_right_or_wrong() {
    let folder = tempfile::tempdir().expect("there is room");
    let right = config(folder.path());
    let whole = spotter(&["check", "--config", written(folder.path(), &right).to_str().expect("UTF-8")]);
    assert!(whole.contains("***") && whole.contains("127.0.0.1"), "it shows the config: {whole}");
    holds_none("check", &whole);
    // A fault in each line, one at a time, in every way in which a line is spoilt by a slip.
    let mut refused = 0;
    for (at, line) in right.lines().enumerate() {
        let spoilt = |by: &dyn Fn(&str) -> String| {
            let lines = right.lines().enumerate().map(|(i, l)| if i == at { by(line) } else { l.to_string() });
            lines.collect::<Vec<_>>().join("\n")
        };
        for text in [
            spoilt(&|l| l.trim_end_matches('"').to_string()),
            spoilt(&|l| l.replace(" = \"", " = ")),
            spoilt(&|l| l.replacen("http", "htp", 1)),
            spoilt(&|l| l.replacen("url", "uri", 1)),
            spoilt(&|l| l.replacen("api_key", "api_kye", 1)),
            spoilt(&|l| format!("{l} x")),
            spoilt(&|l| format!("{l}\n{l}")),
            spoilt(&|l| l.replacen("rtsp://", "rtsp:/", 1)),
        ] {
            let said = spotter(&["check", "--config", written(folder.path(), &text).to_str().expect("UTF-8")]);
            refused += usize::from(said.contains("spotter.toml:"));
            holds_none(&format!("check of a spoilt {line}"), &said);
        }
    }
    assert!(refused > 50, "{refused}");
    for source in ["rtsp://admin:planted-rtsp-pass-2@127.0.0.1:9/1", "rtsp:/admin:planted-rtsp-pass-2@127.0.0.1:9/1"] {
        holds_none("snapshot", &spotter(&["snapshot", source]));
        holds_none("run", &spotter(&["run", "--camera", source]));
        holds_none("a wrong option", &spotter(&["run", "--camrea", &format!("a={source}")]));
    }
}

/// The environment holds the key, and so does the memory: neither is left where another program of this user, or a crash,
/// would show it. systemd's unit sets it; what starts the box by hand may look inside.
///
/// *kept*: the kernel gives what `/proc` shows of such a process to root and root's group, and writes no core of it. Whose it
/// is can be seen on every machine; whether cores are written at all is the machine's affair.
#[test]
fn a_box_that_systemd_started_shows_its_environment_to_root_alone_and_leaves_no_core_file() {
    let folder = tempfile::tempdir().expect("there is room");
    let start = |as_systemd: bool| {
        // As systemd does: the variable names the process itself, which `exec` keeps.
        let variable = if as_systemd { "export SYSTEMD_EXEC_PID=$$;" } else { "" };
        let script = format!(
            "ulimit -c unlimited; cd {}; {variable} exec {} run --listen 127.0.0.1:0 --data-dir . --as-root 'a test'",
            folder.path().display(),
            env!("CARGO_BIN_EXE_spotter")
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("SPOTTER_API_KEY", KEY).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        if rustix::process::geteuid().is_root() {
            // Else its own would be root's, and nothing could be told from whose its environment is.
            command.gid(1);
        }
        SpotterBox::of(command)
    };
    let (mut kept, mut dumped) = (Vec::new(), Vec::new());
    for as_systemd in [false, true] {
        let mut spotter = start(as_systemd);
        let owner = |what: &str| {
            let shown = std::fs::metadata(format!("/proc/{}/{what}", spotter.child.id())).expect("the box runs");
            (shown.uid(), shown.gid())
        };
        kept.push(owner("environ") == (0, 0) && owner("mem") == (0, 0));
        kill(spotter.child.id(), "ABRT");
        let status = spotter.child.wait().expect("it is our child");
        assert_eq!(status.signal(), Some(6), "it ended by the signal");
        dumped.push(status.core_dumped());
    }
    let cores = if dumped[0] { "are written here" } else { "are not written here, so their absence proves nothing" };
    println!("secrets: kept of a box started by hand: {}, by systemd: {}; core files {cores}", kept[0], kept[1]);
    assert_eq!(kept, [false, true], "whose its environment and its memory are");
    assert!(!dumped[1], "a core file holds the key");
}
