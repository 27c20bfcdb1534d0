//! Every route of `openapi.json`, asked as a stranger's page would ask: from another origin, by a stranger's name, without
//! the key, by GET what only others may do. The table comes from the box itself, so that a new route cannot be forgotten.

use std::io::{Read, Write};

use super::common::{Reply, SpotterBox, open, parse, request, until};

const KEY: &str = "a-key-for-the-tables";
const CONFIG: &str = "[http]\napi_key = \"a-key-for-the-tables\"\nwrong_keys_per_minute = 5\n\
     [[camera]]\nname = \"demo\"\nsource = \"demo:squat?size=64x48&fps=5\"\npose = false\n";
/// What a picture's policy allows and no other does.
const STYLED: &str = "style-src-attr 'unsafe-inline';";
/// Never closed by the box, so only their heads are read.
const ENDLESS: [&str; 3] = ["/stream", "/api/v1/events", "/api/v1/cameras/demo/stream"];

fn keyed() -> (SpotterBox, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("there is room");
    let config = folder.path().join("spotter.toml");
    std::fs::write(&config, CONFIG).expect("there is room");
    let spotter = SpotterBox::start(&["--config", config.to_str().expect("UTF-8")]);
    until("a picture and an open log", || {
        let ask = |path| request(spotter.address, "GET", path, &[("X-Api-Key", KEY)], b"").status;
        match (ask("/snapshot"), ask("/api/v1/sets")) {
            (200, 200) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    (spotter, folder)
}

/// Method and path of every row, its variable part filled in.
fn rows(spotter: &SpotterBox) -> Vec<(String, String)> {
    let document = request(spotter.address, "GET", "/api/v1/openapi.json", &[("X-Api-Key", KEY)], b"");
    let document: serde_json::Value = serde_json::from_slice(&document.body).expect("JSON");
    let mut rows = Vec::new();
    for (template, methods) in document["paths"].as_object().expect("it has paths") {
        let path = template.replace("{name}", "demo").replace("{id}", "1").replace("{path}", "2026-11-26/a.jpg");
        assert!(!path.contains('{'), "{template}: this table does not know what to put there");
        rows.extend(methods.as_object().expect("methods").keys().map(|m| (m.to_ascii_uppercase(), path.clone())));
    }
    rows
}

/// Its head at least; of a stream nothing more.
fn ask(spotter: &SpotterBox, method: &str, path: &str, lines: &[(&str, &str)]) -> Reply {
    let place = path.split('?').next().unwrap_or(path);
    let host = lines.iter().find(|(name, _)| *name == "Host").map_or("box", |(_, host)| host);
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n");
    for (name, value) in lines.iter().filter(|(name, _)| *name != "Host") {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut socket = open(spotter.address);
    socket.write_all(format!("{head}\r\n").as_bytes()).expect("the box takes requests");
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let n = socket.read(&mut piece).expect("the box answers");
        all.extend_from_slice(&piece[..n]);
        let head_is_here = all.windows(4).any(|w| w == b"\r\n\r\n");
        if n == 0 || (head_is_here && ENDLESS.contains(&place)) {
            return parse(&all);
        }
    }
}

/// What a change would change, but for what goes on by itself.
fn state(spotter: &SpotterBox) -> String {
    let paths = [
        "/api/v1/sets",
        "/api/v1/thresholds",
        "/api/v1/prototypes",
        "/api/v1/exercises",
        "/api/v1/cameras/demo/exercise",
        "/api/v1/snapshots",
    ];
    paths.map(|path| ask(spotter, "GET", path, &[("X-Api-Key", KEY)]).text()).join("\n")
}

#[test]
fn what_changes_something_is_done_for_the_boxs_own_pages_alone() {
    let (spotter, _folder) = keyed();
    let rows = rows(&spotter);
    let changing: Vec<_> = rows.iter().filter(|(method, _)| !matches!(&method[..], "GET" | "HEAD")).collect();
    assert!(changing.len() >= 10, "{changing:?}");
    let before = state(&spotter);
    for (method, path) in changing {
        let wants_key = !matches!(&path[..], "/login" | "/logout");
        for origin in ["http://evil.example", "https://box.evil.example", "null", "http://box:81", "file://"] {
            let reply = ask(&spotter, method, path, &[("X-Api-Key", KEY), ("Origin", origin)]);
            assert_eq!(reply.status, 403, "{method} {path} from {origin}: {}", reply.text());
        }
        for host in ["evil.example", "box.local.evil.example:80", "127.0.0.1.evil.example"] {
            let reply = ask(&spotter, method, path, &[("X-Api-Key", KEY), ("Host", host)]);
            assert_eq!(reply.status, 421, "{method} {path} as {host}: {}", reply.text());
        }
        let without = ask(&spotter, method, path, &[]).status;
        assert_eq!(without == 401, wants_key, "{method} {path} without the key: {without}");
    }
    assert_eq!(state(&spotter), before);
}

#[test]
fn nothing_is_changed_by_get_and_nothing_is_told_to_a_strangers_name() {
    let (spotter, _folder) = keyed();
    let before = state(&spotter);
    for (_, path) in rows(&spotter) {
        for method in ["GET", "HEAD"] {
            let signs_of_life = matches!(&path[..], "/healthz" | "/readyz" | "/metrics");
            let page = matches!(&path[..], "/login" | "/logout");
            let reply = ask(&spotter, method, &path, &[("X-Api-Key", KEY), ("Host", "evil.example")]);
            let barred = matches!(reply.status, 421 | 405);
            assert_eq!(barred, !signs_of_life, "{method} {path} by a stranger's name: {}", reply.status);
            let reply = ask(&spotter, method, &path, &[]);
            let open = signs_of_life || page;
            assert!(open || matches!(reply.status, 401 | 405), "{method} {path} without the key: {}", reply.status);
            let as_well = [("X-Api-Key", KEY), ("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "DELETE")];
            let reply = ask(&spotter, method, &format!("{path}?_method=DELETE"), &as_well);
            assert!(reply.status < 500 || reply.status == 503, "{method} {path}: {}", reply.status);
        }
    }
    assert_eq!(state(&spotter), before);
}

#[test]
fn every_answer_carries_the_headers_that_a_browser_needs() {
    let (spotter, _folder) = keyed();
    let mut asked: Vec<(String, String)> = rows(&spotter);
    for path in ["/", "/admin", "/assets/wall.js", "/nothing", "/api/v1/nothing", "/../x", "/%00", "/?action=snapshot"]
    {
        asked.push(("GET".into(), path.into()));
    }
    asked.extend([("OPTIONS".into(), "/snapshot".into()), ("BREW".into(), "/".into()), ("PUT".into(), "/".into())]);
    let mut seen = std::collections::BTreeSet::new();
    for (method, path) in &asked {
        let strange =
            [("Host", "evil.example"), ("Origin", "http://evil.example")].map(|line| [("X-Api-Key", KEY), line]);
        for lines in [&[("X-Api-Key", KEY)][..], &[], &strange[0], &strange[1]] {
            let reply = ask(&spotter, method, path, lines);
            seen.insert(reply.status);
            bears_headers(&reply, &format!("{method} {path} {lines:?}"));
        }
    }
    for status in [200, 303, 400, 401, 403, 404, 405, 421, 422] {
        assert!(seen.contains(&status), "no answer was {status}, so nothing is said of its headers: {seen:?}");
    }
    let cookie = request(spotter.address, "POST", "/login", &[], format!("key={KEY}").as_bytes());
    bears_headers(&cookie, "login");
    let cookie = cookie.header("set-cookie").expect("the key is right");
    for word in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
}

fn bears_headers(reply: &Reply, what: &str) {
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{what}");
    let policies = reply.head.to_ascii_lowercase().matches("content-security-policy:").count();
    assert_eq!(policies, 1, "{what}: {}", reply.head);
    let policy = reply.header("content-security-policy").expect("just counted");
    assert!(policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src '"), "{what}: {policy}");
    // A browser puts a picture in the middle of its window by style attributes; they are all that is allowed it.
    let kind = reply.header("content-type").unwrap_or_default();
    let is_picture = kind.starts_with("image/") || kind.starts_with("multipart/x-mixed-replace");
    assert_eq!(policy.contains(STYLED), is_picture, "{what}: {policy}");
    let rest = policy.replace(STYLED, "");
    assert!(!rest.contains("unsafe") && !rest.contains('*'), "{what}: {policy}");
    assert_eq!(reply.header("access-control-allow-origin"), None, "{what}");
    assert_eq!(reply.header("server"), None, "{what}");
}

#[test]
fn who_guesses_the_key_is_slowed_and_who_is_logged_in_is_not() {
    let (spotter, _folder) = keyed();
    let login =
        |key: &str| request(spotter.address, "POST", "/login", &[("X-Requested-With", "fetch")], key.as_bytes());
    let came_in = login(&format!("key={KEY}"));
    let cookie = came_in.header("set-cookie").and_then(|c| c.split(';').next()).expect("the key is right").to_string();
    let by_header = |key: &str| ask(&spotter, "GET", "/api/v1/state", &[("X-Api-Key", key)]);
    for n in 0..5 {
        let status = if n % 2 == 0 { by_header("wrong").status } else { login("key=wrong").status };
        assert_eq!(status, 401, "{n}");
    }
    for reply in [by_header("wrong"), by_header(KEY), login(&format!("key={KEY}"))] {
        assert_eq!(reply.status, 429, "{}", reply.text());
        let wait: u64 = reply.header("retry-after").and_then(|s| s.parse().ok()).expect("it says how long");
        assert!((1..=13).contains(&wait), "{wait}");
        assert_eq!(reply.text(), r#"{"detail":"too many wrong keys came from this address; wait and try again"}"#);
    }
    assert_eq!(ask(&spotter, "GET", "/api/v1/state", &[("Cookie", &cookie)]).status, 200);
    assert_eq!(ask(&spotter, "GET", "/api/v1/state", &[]).status, 401);
}
