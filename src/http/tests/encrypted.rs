//! The face over TLS, with rustls' client on real sockets: what it serves is what is served without TLS, and nobody who is
//! slow, silent or lost at its door costs others anything.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::clips::{FORM, NO_VIDEO, REFERENCE, clip_face, form_of};
use super::*;
use crate::http::tls::{FILE, Given, TlsFault};
use crate::http::transport::{OWED, Transport};

const DAY: Duration = Duration::from_secs(24 * 3600);

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn after(days: u32, since: Wall) -> Wall {
    Wall::from_unix_ms(since.unix_ms() + (DAY * days).as_millis() as u64)
}

/// Settings of a face that speaks both, with its certificate in `folder`.
fn both(folder: &Path) -> Settings {
    let tls = tls::Settings { listen: "127.0.0.1:0".into(), given: None };
    Settings { tls, data_dir: folder.into(), ..settings() }
}

/// One that shows pictures of `size` bytes.
fn face_of_size(settings: Settings, size: usize) -> Face {
    let face = face_with(settings, &["rack"], size);
    face.show(0);
    face
}

fn client_of(folder: &Path, versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join(FILE)).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

impl Face {
    fn tls_address(&self) -> SocketAddr {
        self.tls.as_ref().unwrap().0
    }

    fn tls_socket(&self) -> TcpStream {
        let socket = TcpStream::connect(self.tls_address()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    fn dial_as(&self, config: ClientConfig, name: &str) -> Client<Stream> {
        let name = ServerName::try_from(name.to_string()).unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        Client(BufReader::new(StreamOwned::new(tls, self.tls_socket())))
    }

    fn dial_tls(&self, folder: &Path) -> Client<Stream> {
        self.dial_as(client_of(folder, rustls::ALL_VERSIONS), "localhost")
    }

    fn ask_tls(&self, folder: &Path, line: &str, lines: &str) -> Answer {
        let mut client = self.dial_tls(folder);
        client.send(&format!("{line} HTTP/1.1\r\nHost: box\r\n{lines}\r\n"));
        client.answer(line.starts_with("HEAD"))
    }
}

impl Client<Stream> {
    fn tls(&self) -> &ClientConnection {
        &self.0.get_ref().conn
    }
}

const SNAPSHOT: &str = "GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n";
const STREAM: &str = "GET /stream HTTP/1.1\r\nHost: box\r\n\r\n";

#[test]
fn what_is_served_over_tls_is_what_is_served_without() {
    let folder = tempfile::tempdir().unwrap();
    let face = face_of_size(both(folder.path()), 300_000);
    let plain = face.get("/snapshot");
    for (versions, name) in [(&[&rustls::version::TLS12], "127.0.0.1"), (&[&rustls::version::TLS13], "localhost")] {
        let mut client = face.dial_as(client_of(folder.path(), versions), name);
        for _ in 0..3 {
            client.send(SNAPSHOT);
            let answer = client.answer(false);
            assert_eq!((answer.status, &answer.body), (200, &plain.body), "{name}");
            assert_eq!(answer.line("ETag"), plain.line("ETag"));
        }
        assert_eq!(client.tls().alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(client.tls().protocol_version(), Some(versions[0].version));
        client.send(&SNAPSHOT.repeat(5));
        for _ in 0..5 {
            assert_eq!(client.answer(false).body, plain.body, "requests in a row");
        }
    }
    assert_eq!(face.ask_tls(folder.path(), "HEAD /snapshot", "").line("Content-Length"), Some("300000"));
}

#[test]
fn who_speaks_http2_alone_is_refused_by_the_handshake() {
    let folder = tempfile::tempdir().unwrap();
    let face = face_of_size(both(folder.path()), 100);
    let mut config = client_of(folder.path(), rustls::ALL_VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = face.dial_as(config, "localhost");
    let why = client.0.get_mut().write_all(SNAPSHOT.as_bytes()).unwrap_err();
    assert!(why.to_string().contains("NoApplicationProtocol"), "{why}");
}

#[test]
fn a_request_may_come_in_single_records_and_an_end_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let face = face_of_size(both(folder.path()), 100);
    let mut client = face.dial_tls(folder.path());
    for byte in SNAPSHOT.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes() {
        client.0.get_mut().write_all(&[*byte]).unwrap();
    }
    assert_eq!(client.answer(false).status, 200);
    // Without close_notify this were an error: the client could not tell an end from a cut.
    assert_eq!(client.0.read(&mut [0; 1]).unwrap(), 0);
    let mut said_all = face.dial_tls(folder.path());
    said_all.send(SNAPSHOT);
    said_all.0.get_mut().conn.send_close_notify();
    said_all.0.get_mut().flush().unwrap();
    assert_eq!(said_all.answer(false).status, 200, "a client that has said all still gets its answer");
}

#[test]
fn a_login_over_tls_has_a_cookie_that_never_goes_without() {
    let folder = tempfile::tempdir().unwrap();
    let face = face_of_size(Settings { api_key: Some("sesam".into()), ..both(folder.path()) }, 100);
    let login = |lines: &str| {
        let mut client = face.dial_tls(folder.path());
        client.send(&format!("POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 9\r\n{lines}\r\nkey=sesam"));
        client.answer(false)
    };
    let answer = login("Origin: https://box\r\n");
    let cookie = answer.line("Set-Cookie").unwrap();
    assert!(cookie.starts_with("__Host-spotter=") && cookie.ends_with("; Secure"), "{cookie}");
    let own = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(face.ask_tls(folder.path(), "GET /snapshot", "").status, 401);
    assert_eq!(face.ask_tls(folder.path(), "GET /snapshot", &own).status, 200);
    assert_eq!(login("Origin: http://box\r\n").status, 403);
    let gone = face.ask_tls(folder.path(), "POST /logout", "X-Requested-With: x\r\n");
    let ended: Vec<_> = gone.lines.iter().filter(|line| line.starts_with("Set-Cookie: ")).collect();
    assert_eq!(ended.len(), 2, "{ended:?}");
    let plain = face.post("/login", "", "key=sesam");
    assert!(plain.line("Set-Cookie").is_some_and(|c| c.starts_with("spotter=") && !c.contains("Secure")));
}

#[test]
fn streams_and_events_go_over_tls_and_end_properly_with_the_box() {
    let folder = tempfile::tempdir().unwrap();
    let face = face_of_size(both(folder.path()), 500_000);
    let mut viewer = face.dial_tls(folder.path());
    viewer.send(STREAM);
    assert_eq!((viewer.head().status, viewer.line().as_str()), (200, "--frame"));
    let mut listener = face.dial_tls(folder.path());
    listener.send("GET /api/v1/events HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((listener.head().status, listener.line().as_str()), (200, "event: camera"));
    for id in 1..=20 {
        let (shown, body) = viewer.part();
        assert_eq!((shown, body == bytes_of(id, 500_000)), (id, true));
        face.show(0);
    }
    let mut idle = face.dial_tls(folder.path());
    idle.send("GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
    idle.answer(false);
    face.stop.raise();
    for mut client in [viewer, listener, idle] {
        let mut rest = Vec::new();
        // A connection that is cut without a word is an error here.
        client.0.read_to_end(&mut rest).unwrap();
    }
}

#[test]
fn a_viewer_that_does_not_read_is_sent_no_more_than_its_buffers_hold_and_is_cut_off() {
    const SIZE: usize = 6 * 1024 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let own = Settings { write_timeout: Duration::from_millis(500), ..both(folder.path()) };
    let face = face_of_size(own, SIZE);
    let http = &face.house.metrics.http;
    let mut deaf = face.dial_tls(folder.path());
    deaf.send(STREAM);
    assert_eq!((deaf.head().status, deaf.line().as_str()), (200, "--frame"));
    let mut quick = face.dial_tls(folder.path());
    for _ in 0..4 {
        face.show(0);
        quick.send(SNAPSHOT);
        assert_eq!(quick.answer(false).body.len(), SIZE, "others are served meanwhile");
    }
    eventually("it is cut off", || face.house.views[0].metrics().viewers.get() == 0);
    // Of its first picture not half was taken from the box, of the others nothing.
    let taken = http.sent_bytes.get() - 4 * SIZE as u64;
    assert!((1..SIZE as u64 / 2).contains(&taken), "{taken}");
}

/// A session with a client that has shaken hands and reads nothing, and what that client would read with.
fn session(folder: &Path) -> (Transport, Stream) {
    let tls = Tls::open(&both(folder), Wall::now()).unwrap().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let own = listener.accept().unwrap().0;
    let mut own = Transport::tls(mio::net::TcpStream::from_std(own), tls.config()).unwrap();
    own.wait_at_most(Duration::from_millis(20)).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(client_of(folder, rustls::ALL_VERSIONS)), name).unwrap();
    let mut client = StreamOwned::new(client, socket);
    let shaking = std::thread::spawn(move || {
        client.write_all(b"hello").unwrap();
        client
    });
    let mut said = [0; 5];
    eventually("the handshake", || own.read_exact(&mut said).is_ok());
    assert_eq!(&said, b"hello");
    (own, shaking.join().unwrap())
}

/// A clip's thread marks its beat, looks at the clock and at whether the box ends between two reads.
#[test]
fn a_record_that_comes_byte_by_byte_keeps_nobody_from_looking_at_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let (mut own, mut client) = session(folder.path());
    own.wait_at_most(PATIENCE).unwrap();
    let mut record = Vec::new();
    client.conn.writer().write_all(&[7; 100]).unwrap();
    client.conn.write_tls(&mut record).unwrap();
    let (begun, before, mut room) = (Instant::now(), own.came(), [0; 200]);
    let last = record.len() - 1;
    for (n, byte) in record.iter().enumerate() {
        client.sock.write_all(&[*byte]).unwrap();
        let read = own.read(&mut room);
        assert_eq!(own.came() - before, n as u64 + 1);
        match read {
            Ok(all) => assert_eq!((n, all), (last, 100)),
            Err(why) => assert!(n < last && why.kind() == ErrorKind::WouldBlock, "{n}: {why}"),
        }
    }
    assert_eq!(room[..100], [7; 100]);
    assert!(begun.elapsed() < PATIENCE, "it waited for the next byte");
}

#[test]
fn a_session_holds_a_bounded_part_of_what_is_written_and_loses_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut own, mut client) = session(folder.path());
    // A row of blocks whose length shares nothing with that of a record.
    let block: Vec<u8> = (0..4099u32).map(|n| (n / 7) as u8).collect();
    let body = block.repeat(4096);
    let (mut taken, mut refused) = (0, 0);
    // The kernel may still make room for a little after it had none.
    while refused < 100 {
        match own.write_vectored(&[std::io::IoSlice::new(&body[taken..]), std::io::IoSlice::new(b"tail")]) {
            Ok(n) => (taken, refused) = (taken + n, 0),
            Err(why) => {
                assert_eq!(why.kind(), std::io::ErrorKind::WouldBlock);
                refused += 1;
            }
        }
    }
    assert!(own.owes() && taken < body.len());
    let reading = std::thread::spawn(move || {
        let mut read = vec![0; taken];
        client.read_exact(&mut read).unwrap();
        read
    });
    let mut held = 0;
    eventually("what it held", || {
        held += own.settle().unwrap();
        !own.owes()
    });
    // Each record has a head of 5 bytes, a type and a tag of 16.
    assert!((1..=OWED + (OWED / 16_384 + 2) * 22).contains(&held), "{held}");
    assert!(reading.join().unwrap() == body[..taken]);
}

#[test]
fn a_handshake_that_stalls_is_cut_off_in_time_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let own = Settings { head_timeout: Duration::from_millis(400), workers: 1, ..both(folder.path()) };
    let face = face_of_size(own, 100);
    // The beginning of a handshake record of 512 bytes.
    let begun = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let dialled = Instant::now();
    let mut silent = face.tls_socket();
    let mut slow = face.tls_socket();
    slow.write_all(&begun).unwrap();
    let mut quick = face.dial_tls(folder.path());
    for round in 0..20 {
        quick.send(SNAPSHOT);
        assert_eq!(quick.answer(false).status, 200);
        // One more byte now and then buys no time.
        if round % 5 == 0 {
            slow.write_all(&[0]).unwrap();
        }
    }
    assert!(dialled.elapsed() < Duration::from_millis(400), "the others waited for them");
    for cut in [&mut silent, &mut slow] {
        assert_eq!(cut.read(&mut [0; 100]).unwrap(), 0, "nothing is said to who has not shaken hands");
    }
    assert!(dialled.elapsed() >= Duration::from_millis(400));
    let mut wrong = face.tls_socket();
    wrong.write_all(&[0x16, 3, 1, 0, 4, 0xff, 0, 0, 0]).unwrap();
    let mut alert = Vec::new();
    let _ = wrong.read_to_end(&mut alert);
    assert_eq!(alert.first(), Some(&0x15), "what is no handshake is told so in TLS' own words");
    let http = &face.house.metrics.http;
    eventually("their places", || http.connections.get() == 1);
    assert_eq!(http.handshakes_failed.get(), 3);
}

#[test]
fn no_sense_at_the_door_ends_in_an_alert_or_in_silence_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let face = face_of_size(Settings { workers: 1, ..both(folder.path()) }, 100);
    // A real beginning, of which each client changes a few bytes, and what is behind it at random.
    let name = ServerName::try_from("localhost").unwrap();
    let config = Arc::new(client_of(folder.path(), rustls::ALL_VERSIONS));
    let mut real = Vec::new();
    ClientConnection::new(config, name).unwrap().write_tls(&mut real).unwrap();
    let mut seed = 1u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for _ in 0..300 {
        let mut sent = real.clone();
        for _ in 0..=next() % 4 {
            let at = next() % sent.len();
            sent[at] = next() as u8;
        }
        // Else it were a stray, who is told more.
        sent[0] = 0x16;
        sent.extend((0..next() % 600).map(|_| next() as u8));
        let mut client = face.tls_socket();
        client.write_all(&sent).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        if let Err(why) = client.read_to_end(&mut said) {
            assert_eq!(why.kind(), std::io::ErrorKind::ConnectionReset);
        }
        // Something of TLS: a part of the handshake, or an alert.
        assert!(said.first().is_none_or(|first| [0x14, 0x15, 0x16].contains(first)), "{said:?}");
    }
    assert_eq!(face.ask_tls(folder.path(), "GET /snapshot", "").status, 200);
    let http = &face.house.metrics.http;
    eventually("their places", || http.connections.get() == 0);
    assert_eq!(http.handshakes_failed.get(), 300);
}

#[test]
fn who_speaks_plainly_where_tls_is_spoken_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let own = Settings { api_key: Some("sesam".into()), ..both(folder.path()) };
    let face = face_of_size(own, 100);
    for request in
        [SNAPSHOT, "POST /api/v1/reference HTTP/1.1\r\nHost: box\r\nX-Api-Key: sesam\r\nContent-Length: 9\r\n\r\nx"]
    {
        let mut stray = Client(BufReader::new(face.tls_socket()));
        stray.send(request);
        let answer = stray.answer(false);
        assert_eq!(answer.status, 400);
        assert_eq!(answer.detail(), "this port speaks HTTPS; ask it with https:// instead of http://");
        assert_eq!(stray.rest(), "");
    }
    let mut torn = Client(BufReader::new(face.tls_socket()));
    torn.send("GET\r\n\r\n");
    assert_eq!(torn.answer(false).status, 400);
}

#[test]
fn limits_of_connections_count_both_doors() {
    let folder = tempfile::tempdir().unwrap();
    let own = Settings { connections_per_peer: 2, ..both(folder.path()) };
    let face = face_of_size(own, 100);
    let mut first = face.dial_tls(folder.path());
    first.send(SNAPSHOT);
    assert_eq!(first.answer(false).status, 200);
    let mut second = face.dial();
    second.send(SNAPSHOT);
    assert_eq!(second.answer(false).status, 200);
    let mut third = face.tls_socket();
    let closed = third.read(&mut [0; 100]);
    assert!(matches!(closed, Ok(0)), "{closed:?}");
}

#[test]
fn a_clip_comes_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let face = clip_face(folder.path(), |own| own.tls.listen = "127.0.0.1:0".into());
    let film = "no film".repeat(40_000);
    for (lines, body) in [("", film.clone()), (FORM, form_of(&film))] {
        let mut client = face.dial_tls(folder.path());
        let length = body.len();
        client.send(&format!("{REFERENCE}{lines}Content-Length: {length}\r\n\r\n{body}"));
        let answer = client.answer(false);
        assert_eq!((answer.status, answer.detail()), (422, NO_VIDEO.into()));
        assert_eq!(client.0.read(&mut [0; 1]).unwrap(), 0, "its end is said");
    }
}

#[test]
fn the_certificate_is_told_and_another_is_shown_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let face = face_of_size(both(folder.path()), 100);
    let (_, tls) = face.tls.as_ref().unwrap();
    let told = |path: &str| face.get(path).json()["tls"].clone();
    let shown = || {
        let mut client = face.dial_tls(folder.path());
        client.send(SNAPSHOT);
        client.answer(false);
        client.tls().peer_certificates().unwrap()[0].to_vec()
    };
    let (first, before) = (told("/api/v1/state"), shown());
    assert_eq!(first["own"], true);
    let made = Wall::from_unix_ms(first["begins_ms"].as_u64().unwrap() + DAY.as_millis() as u64);
    assert_eq!(first["ends_ms"], after(820, made).unix_ms());
    assert_eq!(told("/api/v1/admin"), first);
    let mut open = face.dial_tls(folder.path());
    open.send(SNAPSHOT);
    open.answer(false);
    // The clerk looks once a minute by the clock of this machine, these looks are of another time.
    let look = |minutes: u64, now: Wall| tls.tend(Mono::now().plus(Duration::from_secs(120 * minutes)), now);
    let file = folder.path().join(FILE);
    std::fs::rename(&file, folder.path().join("elsewhere")).unwrap();
    look(1, after(789, made));
    assert!(!file.exists(), "a file that is gone changes nothing while the certificate holds");
    std::fs::rename(folder.path().join("elsewhere"), &file).unwrap();
    assert_eq!((told("/api/v1/state"), shown() == before), (first.clone(), true));
    look(2, after(790, made));
    let second = told("/api/v1/state");
    assert_eq!(second["ends_ms"], after(790 + 820, made).unix_ms());
    assert_ne!(second["sha256"], first["sha256"]);
    open.send(SNAPSHOT);
    assert_eq!(open.answer(false).status, 200, "who is connected stays so");
    let config = client_of(folder.path(), rustls::ALL_VERSIONS);
    let mut later = face.dial_as(config, "localhost");
    let refused = later.0.get_mut().write_all(SNAPSHOT.as_bytes()).unwrap_err();
    assert!(refused.to_string().contains("not valid yet"), "the new one is shown, and is of later: {refused}");
}

#[test]
fn a_given_certificate_is_read_again_when_it_changes_and_kept_when_it_is_broken() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for folder in [&folder, &other] {
        Tls::open(&both(folder.path()), Wall::now()).unwrap();
    }
    let file = folder.path().join(FILE);
    let given = Given { certificate: file.clone(), key: file.clone() };
    let own = Settings { tls: tls::Settings { given: Some(given), ..both(folder.path()).tls }, ..settings() };
    let tls = Tls::open(&own, Wall::now()).unwrap().unwrap();
    let first = tls.about();
    assert!(!first.own);
    let look = |seconds: u64| tls.tend(Mono::from_ns(seconds * 1_000_000_000), Wall::now());
    std::fs::write(&file, "broken").unwrap();
    look(0);
    assert_eq!(tls.about().sha256, first.sha256);
    std::fs::copy(other.path().join(FILE), &file).unwrap();
    look(59);
    assert_eq!(tls.about().sha256, first.sha256, "not more than once a minute");
    look(60);
    assert_ne!(tls.about().sha256, first.sha256);
    std::fs::write(&file, "broken").unwrap();
    let path = file.display().to_string();
    assert_eq!(Tls::open(&own, Wall::now()).err(), Some(TlsFault::NoCertificate { path: path.clone() }));
    assert_eq!(Tls::foretell(&own).err(), Some(TlsFault::NoCertificate { path }));
}
