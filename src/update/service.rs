//! The running box, as the updater sees it: systemd restarts it, and its own pages tell how it is.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ureq::Agent;
use ureq::tls::TlsConfig;

use super::place::Place;

/// What systemd calls it.
const UNIT: &str = "spotter.service";
/// Where it listens when its config does not say.
const LISTEN: &str = "127.0.0.1:8080";
/// The files from which the unit takes its environment.
const ENVIRONMENT: [&str; 2] = ["/etc/spotter/key", "/etc/spotter/secrets"];
/// The config of the box.
pub(super) const CONFIG: &str = "/etc/spotter/spotter.toml";
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read: those of a large picture.
const ANSWER_BYTES: u64 = 32 * 1024 * 1024;
/// What a box may ask to wait before it counts its cameras, at most.
const LATER: Duration = Duration::from_secs(60);

/// Why cameras are not counted, which is not the same as none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Uncounted {
    /// It takes no key from here for so long.
    Later(Duration),
    /// It does not take this key, and answers so.
    Refused(u16),
}

/// The running box.
pub(super) struct Service {
    systemctl: PathBuf,
    base: String,
    key: Option<String>,
    agent: Agent,
}

impl Service {
    pub(super) fn new(place: &Place, systemctl: &Path) -> Service {
        let text = fs::read_to_string(place.at(CONFIG)).unwrap_or_default();
        let (base, key) = address(&text, &environment(place));
        // A box that speaks TLS alone shows a certificate of its own, and this machine asks itself.
        let itself = TlsConfig::builder().disable_verification(true).build();
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .tls_config(itself)
            .timeout_global(Some(ANSWER))
            .build();
        Service { systemctl: systemctl.into(), base, key, agent: config.into() }
    }

    /// Asks systemd for a restart, and does not wait for it: a version that hangs must not hang the updater.
    ///
    /// # Errors
    /// systemd does not take it.
    pub(super) fn restart(&self) -> Result<(), String> {
        let asked = self.systemctl(&["--no-block", "restart", UNIT]);
        match asked {
            Ok(out) if out.status.success() => Ok(()),
            Ok(out) => Err(crate::error::one_line(&String::from_utf8_lossy(&out.stderr))),
            Err(why) => Err(format!("{}: {why}", self.systemctl.display())),
        }
    }

    /// It ended and is not started again: a fault is `failed`, an end by its own will `inactive`.
    pub(super) fn is_dead(&self) -> bool {
        self.systemctl(&["is-active", UNIT])
            .is_ok_and(|out| matches!(String::from_utf8_lossy(&out.stdout).trim(), "failed" | "inactive"))
    }

    fn systemctl(&self, arguments: &[&str]) -> std::io::Result<std::process::Output> {
        Command::new(&self.systemctl).args(arguments).stdin(Stdio::null()).output()
    }

    /// Every thread lives.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.get("/readyz"), Ok(Some(_)))
    }

    /// How many cameras show a picture now. That of a private camera is for nobody, so its word is taken.
    ///
    /// # Errors
    /// The box does not let this key count them.
    pub(super) fn live(&self) -> Result<usize, Uncounted> {
        let body = self.get("/api/v1/cameras")?.unwrap_or_default();
        let rows: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut live = 0;
        for row in rows.as_array().map(Vec::as_slice).unwrap_or_default() {
            let (name, has_frame) = (row["name"].as_str().unwrap_or_default(), row["has_frame"] == true);
            let shown = || self.get(&format!("/api/v1/cameras/{name}/snapshot"));
            let is_live =
                has_frame && (row["privacy"] == true || shown()?.is_some_and(|body| body.starts_with(&[0xff, 0xd8])));
            live += usize::from(is_live);
        }
        Ok(live)
    }

    /// The body of an answer 200; nothing for every other, and where nobody answers.
    ///
    /// # Errors
    /// The key is refused.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Uncounted> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("X-Api-Key", key);
        }
        let Ok(mut answer) = request.call() else { return Ok(None) };
        match answer.status().as_u16() {
            200 => Ok(answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().ok()),
            status @ (401 | 403) => Err(Uncounted::Refused(status)),
            429 => {
                let wait = answer.headers().get("Retry-After").and_then(|text| text.to_str().ok()?.parse().ok());
                Err(Uncounted::Later(Duration::from_secs(wait.unwrap_or(1)).clamp(Duration::from_secs(1), LATER)))
            }
            _ => Ok(None),
        }
    }
}

/// The variables that the unit gives the box.
pub(super) fn environment(place: &Place) -> HashMap<String, String> {
    let texts = ENVIRONMENT.map(|file| fs::read_to_string(place.at(file)).unwrap_or_default());
    let lines = texts.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with(['#', ';']));
    let unquoted = |value: &str| {
        let bare = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        bare.unwrap_or(value).to_string()
    };
    lines.filter_map(|line| line.split_once('=')).map(|(n, v)| (n.trim().to_string(), unquoted(v.trim()))).collect()
}

/// Where this machine reaches the box, and its key. Only these are read: the config may be one for a newer version.
fn address(config: &str, environment: &HashMap<String, String>) -> (String, Option<String>) {
    let table: toml::Table = config.parse().unwrap_or_default();
    let text = |name: &str| table.get("http").and_then(|http| http.get(name)?.as_str());
    let encrypted = || table.get("http").and_then(|http| http.get("tls")?.get("listen")?.as_str());
    let (scheme, listen) = match text("listen").unwrap_or(LISTEN) {
        // It listens with TLS alone.
        "" => ("https", encrypted().unwrap_or_default()),
        listen => ("http", listen),
    };
    let listen = match listen.rsplit_once(':') {
        Some(("0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => listen.to_string(),
    };
    let key = text("api_key").map(|key| {
        let filled = |text: String, (name, value): (&String, &String)| text.replace(&format!("${{{name}}}"), value);
        environment.iter().fold(key.to_string(), filled).replace("$${", "${")
    });
    (format!("{scheme}://{listen}"), key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn address_and_key_are_those_of_the_config_from_this_machine() {
        let environment = HashMap::from([("SPOTTER_API_KEY".to_string(), "abc".to_string())]);
        let of = |config: &str| address(config, &environment);
        assert_eq!(of(""), ("http://127.0.0.1:8080".into(), None));
        let boxs = "[http]\nlisten = \"0.0.0.0:80\"\napi_key = \"${SPOTTER_API_KEY}\"\n";
        assert_eq!(of(boxs), ("http://127.0.0.1:80".into(), Some("abc".into())));
        assert_eq!(of("[http]\nlisten = \"[::]:81\"\nnew_key = 1\n").0, "http://[::1]:81");
        assert_eq!(
            of("[http]\nlisten = \"10.0.0.1:80\"\napi_key = \"plain\"\n"),
            ("http://10.0.0.1:80".into(), Some("plain".into()))
        );
        let both = "[http.tls]\nlisten = \"0.0.0.0:8443\"\n";
        assert_eq!(of(both).0, "http://127.0.0.1:8080");
        assert_eq!(of(&format!("[http]\nlisten = \"\"\n{both}")).0, "https://127.0.0.1:8443");
    }

    /// What a count comes to at a box that answers `head`.
    fn counted(head: &str) -> Result<usize, Uncounted> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/spotter")).unwrap();
        let config = format!("[http]\nlisten = \"{}\"\n", listener.local_addr().unwrap());
        fs::write(root.path().join("etc/spotter/spotter.toml"), config).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut stream = listener.accept().unwrap().0;
                let mut byte = [0];
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                    asked.push(byte[0]);
                }
                write!(stream, "HTTP/1.1 {head}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]").unwrap();
            });
            Service::new(&Place::new(root.path()), Path::new("systemctl")).live()
        })
    }

    #[test]
    fn a_box_that_speaks_tls_alone_is_asked_over_it() {
        let root = tempfile::tempdir().unwrap();
        let tls = crate::http::tls::Settings { listen: "127.0.0.1:0".into(), given: None };
        let face = crate::http::Settings { tls, data_dir: root.path().into(), ..crate::http::Settings::default() };
        let tls = crate::http::tls::Tls::open(&face, crate::time::Wall::now()).unwrap().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        fs::create_dir_all(root.path().join("etc/spotter")).unwrap();
        let config = format!("[http]\nlisten = \"\"\n[http.tls]\nlisten = \"{}\"\n", listener.local_addr().unwrap());
        fs::write(root.path().join("etc/spotter/spotter.toml"), config).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let session = rustls::ServerConnection::new(tls.config().clone()).unwrap();
                let mut stream = rustls::StreamOwned::new(session, listener.accept().unwrap().0);
                let mut asked = [0; 4096];
                let n = stream.read(&mut asked).unwrap();
                assert!(asked[..n].starts_with(b"GET /readyz "));
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
            });
            assert!(Service::new(&Place::new(root.path()), Path::new("systemctl")).is_ready());
        });
    }

    #[test]
    fn a_refusal_is_no_count() {
        let later = |seconds| Err(Uncounted::Later(Duration::from_secs(seconds)));
        assert_eq!(counted("200 OK"), Ok(0));
        assert_eq!(counted("503 Service Unavailable"), Ok(0));
        assert_eq!(counted("401 Unauthorized"), Err(Uncounted::Refused(401)));
        assert_eq!(counted("403 Forbidden"), Err(Uncounted::Refused(403)));
        assert_eq!(counted("429 Too Many Requests\r\nRetry-After: 7"), later(7));
        assert_eq!(counted("429 Too Many Requests\r\nRetry-After: 86400"), later(LATER.as_secs()));
        assert_eq!(counted("429 Too Many Requests"), later(1));
    }

    #[test]
    fn the_environment_is_read_as_systemd_reads_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/spotter")).unwrap();
        fs::write(root.path().join("etc/spotter/key"), "SPOTTER_API_KEY=abc\n").unwrap();
        fs::write(root.path().join("etc/spotter/secrets"), "# of the door\nDOOR=\"a=b c\"\n").unwrap();
        let read = environment(&Place::new(root.path()));
        assert_eq!((read["SPOTTER_API_KEY"].as_str(), read["DOOR"].as_str(), read.len()), ("abc", "a=b c", 2));
    }
}
