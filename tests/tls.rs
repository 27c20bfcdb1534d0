//! TLS at the front door: the real binary, and the clients that people have: curl, OpenSSL and Python.

mod common;

use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use common::{SpotterBox, until};

const CAMERA: &str = "[[camera]]\nname = \"demo\"\nsource = \"demo:squat?size=320x240&fps=30\"\n";
const SNAPSHOT: &str = "/api/v1/cameras/demo/snapshot";

/// A box that speaks TLS, its folder, and where it does so.
struct Encrypted {
    spotter: SpotterBox,
    base: String,
    folder: tempfile::TempDir,
}

fn config(folder: &Path, http: &str, tls: &str) -> String {
    let file = folder.join("box.toml");
    let text = format!("{CAMERA}[http]\n{http}\n[http.tls]\nlisten = \"127.0.0.1:0\"\n{tls}\n");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn start(folder: tempfile::TempDir, http: &str, tls: &str) -> Encrypted {
    let config = config(folder.path(), http, tls);
    let data = folder.path().display().to_string();
    let mut spotter = SpotterBox::start(&["--config", &config, "--data-dir", &data]);
    let mut line = String::new();
    spotter.out.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("spotter: https://127.0.0.1:").and_then(|rest| rest.strip_suffix('/'));
    let base = format!("https://localhost:{}", address.unwrap_or_else(|| panic!("no TLS address in {line:?}")));
    Encrypted { spotter, base, folder }
}

fn fresh() -> Encrypted {
    start(tempfile::tempdir().unwrap(), "", "")
}

fn command(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).stdin(Stdio::null()).output().unwrap_or_else(|why| panic!("{program}: {why}"))
}

impl Encrypted {
    fn pem(&self) -> String {
        self.folder.path().join("tls.pem").display().to_string()
    }

    /// What curl gets that trusts the box's certificate and nothing else.
    fn curl(&self, args: &[&str], path: &str) -> Output {
        let (pem, url) = (self.pem(), format!("{}{path}", self.base));
        command("curl", &[&["-sS", "--max-time", "60", "--cacert", &pem], args, &[&url]].concat())
    }

    /// The fingerprint by OpenSSL's reckoning.
    fn fingerprint(&self) -> String {
        let out = command("openssl", &["x509", "-in", &self.pem(), "-noout", "-fingerprint", "-sha256"]);
        let text = String::from_utf8(out.stdout).unwrap();
        text.trim().split_once('=').unwrap_or_else(|| panic!("{text}")).1.to_string()
    }

    fn ready(self) -> Self {
        until("the first frame", || match self.spotter.get(SNAPSHOT).status {
            200 => Ok(()),
            other => Err(other.to_string()),
        });
        self
    }
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn curl_trusts_the_certificate_and_gets_what_is_served_without_tls() {
    let encrypted = fresh().ready();
    for versions in [&["--tlsv1.2", "--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        let out = encrypted.curl(&[versions, &["-f", "--http1.1"]].concat(), SNAPSHOT);
        assert!(out.status.success() && out.stdout.starts_with(&[0xff, 0xd8]), "{versions:?} {}", said(&out));
    }
    let openapi = encrypted.curl(&["-f"], "/api/v1/openapi.json");
    assert!(openapi.stdout == encrypted.spotter.get("/api/v1/openapi.json").body, "{}", said(&openapi));
    let base = encrypted.base.replace("localhost", "127.0.0.1");
    let by_address = command("curl", &["-sSf", "--cacert", &encrypted.pem(), &format!("{base}/healthz")]);
    assert!(by_address.status.success(), "the certificate has the address, too: {}", said(&by_address));
    let stranger = command("curl", &["-sS", &format!("{base}/healthz")]);
    assert_eq!(stranger.status.code(), Some(60), "who does not know the certificate does not trust it");
    let old = encrypted.curl(&["--tls-max", "1.1"], "/healthz");
    assert!(!old.status.success(), "TLS 1.1 is not spoken");
}

#[test]
fn the_fingerprint_is_openssls_wherever_it_is_shown() {
    let encrypted = fresh();
    let fingerprint = encrypted.fingerprint();
    let tls = &encrypted.spotter.json("/api/v1/state")["tls"];
    assert_eq!((tls["sha256"].as_str(), tls["own"].as_bool()), (Some(fingerprint.as_str()), Some(true)));
    assert_eq!(&encrypted.spotter.json("/api/v1/admin")["tls"], tls);
    let config = encrypted.folder.path().join("box.toml").display().to_string();
    let check = |data: &Path| {
        let data = data.display().to_string();
        let out = command(env!("CARGO_BIN_EXE_spotter"), &["check", "--config", &config, "--data-dir", &data]);
        String::from_utf8(out.stdout).unwrap()
    };
    let empty = tempfile::tempdir().unwrap();
    let none = check(empty.path());
    assert!(none.contains("\n# [http.tls] the certificate is made at the first start, in /"), "{none}");
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "a check makes nothing");
    let shown = check(encrypted.folder.path());
    assert!(shown.contains(&format!("\n# [http.tls] the certificate in {}", encrypted.pem())), "{shown}");
    assert!(shown.contains(&fingerprint), "{shown}");
    let address = encrypted.base.strip_prefix("https://").unwrap();
    let out =
        command("openssl", &["s_client", "-connect", address, "-alpn", "h2,http/1.1", "-CAfile", &encrypted.pem()]);
    let told = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(told.contains("Verify return code: 0 (ok)") && told.contains("ALPN protocol: http/1.1"), "{told}");
}

#[test]
fn the_certificate_outlives_a_restart_and_is_made_anew_when_it_is_damaged() {
    let mut encrypted = fresh();
    let first = encrypted.fingerprint();
    encrypted.spotter.signal("TERM");
    assert_eq!(encrypted.spotter.wait(), 0);
    let mut again = start(encrypted.folder, "", "");
    assert_eq!(again.fingerprint(), first);
    again.spotter.signal("TERM");
    again.spotter.wait();
    let whole = std::fs::read_to_string(again.pem()).unwrap();
    std::fs::write(again.pem(), &whole[..whole.len() / 3]).unwrap();
    let third = start(again.folder, "", "");
    assert_ne!(third.fingerprint(), first);
    assert!(third.curl(&["-f"], "/healthz").status.success());
}

#[test]
fn a_given_certificate_that_cannot_be_used_stops_the_box_with_its_sentence() {
    let encrypted = fresh();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("other.key").display().to_string();
    let made =
        command("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
    assert!(made.status.success(), "{}", said(&made));
    let pem = encrypted.pem();
    for (certificate, key, want) in [
        (&pem, &key, format!("the key in {key} does not belong to the certificate in {pem}")),
        (&key, &key, format!("{key} holds no certificate (PEM)")),
        (&pem, &"/no/such.key".to_string(), "the certificate or key /no/such.key cannot be read: No such file".into()),
    ] {
        let config = config(folder.path(), "", &format!("certificate = \"{certificate}\"\nkey = \"{key}\""));
        for args in [&["run", "--listen", "127.0.0.1:0", "--config", &config][..], &["check", "--config", &config]] {
            let out = command(env!("CARGO_BIN_EXE_spotter"), args);
            assert_eq!(out.status.code(), Some(2), "{args:?}");
            assert!(said(&out).contains(&want), "{want}: {}", said(&out));
        }
    }
    // One that OpenSSL made, of RSA, is as good as the box's own.
    let (crt, rsa) =
        (folder.path().join("a.crt").display().to_string(), folder.path().join("a.key").display().to_string());
    let mut args = vec!["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"];
    args.extend(["-addext", "subjectAltName=DNS:localhost", "-keyout", &rsa, "-out", &crt]);
    assert!(command("openssl", &args).status.success());
    let given = start(folder, "", &format!("certificate = \"{crt}\"\nkey = \"{rsa}\""));
    let out = command("curl", &["-sSf", "--cacert", &crt, &format!("{}/healthz", given.base)]);
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(given.spotter.json("/api/v1/state")["tls"]["own"], false);
    assert!(!Path::new(&given.pem()).exists(), "none is made");
}

#[test]
fn a_box_may_speak_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (config, data) = (config(folder.path(), "", ""), folder.path().display().to_string());
    let mut child = Command::new(env!("CARGO_BIN_EXE_spotter"))
        .args(["run", "--config", &config, "--data-dir", &data, "--listen", ""])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.trim().strip_prefix("spotter: ").unwrap_or_default().to_string();
    let asked = base.starts_with("https://").then(|| command("curl", &["-sSfk", &format!("{base}healthz")]));
    common::kill(child.id(), "TERM");
    let code = child.wait().unwrap().code();
    assert_eq!((asked.map(|out| out.status.success()), code), (Some(true), Some(0)), "{line:?}");
}

#[test]
fn pythons_ssl_reads_a_stream_and_hears_its_end() {
    let mut encrypted = fresh().ready();
    let script = "import ssl,socket,sys\n\
        context=ssl.create_default_context(cafile=sys.argv[1])\n\
        s=context.wrap_socket(socket.create_connection(('127.0.0.1',int(sys.argv[2]))),server_hostname='localhost')\n\
        s.sendall(b'GET /stream HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')\n\
        seen=0\n\
        told=False\n\
        while True:\n\
        \x20data=s.recv(65536)\n\
        \x20if not data: break\n\
        \x20seen+=data.count(b'--frame')\n\
        \x20if seen>20 and not told: told=True; print('enough',flush=True)\n\
        print('closed')\n";
    let port = encrypted.base.rsplit(':').next().unwrap().to_string();
    let mut viewer = Command::new("python3")
        .args(["-c", script, &encrypted.pem(), &port])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let mut out = std::io::BufReader::new(viewer.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "enough\n");
    encrypted.spotter.signal("TERM");
    assert_eq!(encrypted.spotter.wait(), 0);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    // Python says "EOF occurred in violation of protocol" where an end is not said.
    assert_eq!((rest.as_str(), viewer.wait().unwrap().success()), ("closed\n", true));
}

/// What a connection costs while it does not read, and what a crowd at the door costs the others.
#[test]
fn deaf_viewers_and_stalled_handshakes_cost_little_memory_and_no_thread() {
    const DEAF: usize = 20;
    const STALLED: usize = 40;
    let encrypted = start(tempfile::tempdir().unwrap(), "head_timeout_s = 60.0", "").ready();
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", encrypted.spotter.child.id())).unwrap();
        let line = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim().to_string();
        let kib: usize = line("VmRSS:").strip_suffix(" kB").unwrap().parse().unwrap();
        (kib, line("Threads:"))
    };
    assert!(encrypted.curl(&["-f"], "/healthz").status.success());
    let (before, threads) = resident();
    let script = "import ssl,socket,sys\n\
        context=ssl.create_default_context(cafile=sys.argv[1])\n\
        address=('127.0.0.1',int(sys.argv[2]))\n\
        kept=[]\n\
        for n in range(int(sys.argv[3])):\n\
        \x20s=socket.socket()\n\
        \x20s.setsockopt(socket.SOL_SOCKET,socket.SO_RCVBUF,4096)\n\
        \x20s.connect(address)\n\
        \x20s=context.wrap_socket(s,server_hostname='localhost')\n\
        \x20s.sendall(b'GET /stream?q=95 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')\n\
        \x20kept.append(s)\n\
        for n in range(int(sys.argv[4])):\n\
        \x20s=socket.create_connection(address)\n\
        \x20s.sendall(bytes([0x16,3,1,2,0,1,0,1,0xfc,3,3]))\n\
        \x20kept.append(s)\n\
        print('there',flush=True)\n\
        sys.stdin.read()\n";
    let port = encrypted.base.rsplit(':').next().unwrap().to_string();
    let mut crowd = Command::new("python3")
        .args(["-c", script, &encrypted.pem(), &port, &DEAF.to_string(), &STALLED.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let mut line = String::new();
    std::io::BufReader::new(crowd.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "there\n");
    // Each is sent what fits the buffers, and then no more, however many pictures there are.
    let sent = || encrypted.spotter.metric("spotter_http_sent_total");
    let newest = || encrypted.spotter.json("/api/v1/state")["cameras"][0]["newest_id"].as_u64().unwrap();
    until("everybody is full", || {
        let (first, before) = (newest(), sent());
        until("a second's pictures", || if newest() >= first + 30 { Ok(()) } else { Err(newest().to_string()) });
        let more = sent() - before;
        // Of these the answers to our own questions.
        if more < 2_000_000.0 { Ok(()) } else { Err(format!("{more} bytes while there were 30 pictures")) }
    });
    let began = Instant::now();
    assert!(encrypted.curl(&["-f"], SNAPSHOT).status.success());
    let (after, threads_after) = resident();
    let each = (after.saturating_sub(before)) as f64 / (DEAF + STALLED) as f64;
    println!("{each:.0} KiB for each of {DEAF} deaf and {STALLED} stalled; a snapshot took {:?}", began.elapsed());
    assert_eq!(threads_after, threads);
    assert!(each < 160.0, "{before} KiB before, {after} KiB after");
    crowd.stdin.take().unwrap().flush().unwrap();
    assert!(crowd.wait().unwrap().success());
}
