//! Is anybody there again? A look from outside at a source that was lost, much cheaper than opening it.
//!
//! Backoff keeps a broken camera from being hammered, but a lifter should not wait ten seconds for a camera that is back.
//! While a thread waits it knocks now and then; only a change from absence to an answer cuts the wait short, so that a
//! camera that answers and refuses (a wrong password) still meets the whole backoff.
//!
//! *away*: there is no device, or the host takes no connection · *silent*: the host takes one and says nothing in time. It is
//! halted or only slow; one that is silent twice in a row counts as away, so that a slow one is not hammered for it.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::Address;

/// What came of a knock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// The device is there, or the host says something.
    Here,
    /// The host takes a connection and says nothing.
    Silence,
    /// There is no device, or the host takes no connection.
    Away,
}

/// Looks whether the source's device or host is there; nothing when there is no way to tell. It takes up to `patience` for
/// each step, and a slow name server may make it longer.
pub fn knock(address: &Address, patience: Duration) -> Option<Heard> {
    match address {
        Address::V4l2(v4l2) => Some(if Path::new(&v4l2.path).exists() { Heard::Here } else { Heard::Away }),
        Address::Rtsp(uri) => {
            let (secure, authority) = authority(uri)?;
            let greeting = format!("OPTIONS rtsp://{}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", host_and_port(authority, 554));
            Some(hear(&host_and_port(authority, if secure { 322 } else { 554 }), greeting, secure, patience))
        }
        Address::Http(uri) => {
            let (secure, authority) = authority(uri)?;
            let at = host_and_port(authority, if secure { 443 } else { 80 });
            let greeting = format!("HEAD / HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
            Some(hear(&at, greeting, secure, patience))
        }
        _ => None,
    }
}

/// What the knocks at a lost source come to.
#[derive(Default, Debug)]
pub struct Absence {
    silences: u32,
    is_away: bool,
}

impl Absence {
    /// Takes the next knock: whether the source was away before it and is here now.
    pub fn is_over(&mut self, heard: Option<Heard>) -> bool {
        match heard {
            Some(Heard::Here) => {
                self.silences = 0;
                return self.is_away;
            }
            Some(Heard::Silence) => self.silences += 1,
            Some(Heard::Away) => self.is_away = true,
            None => {}
        }
        self.is_away |= self.silences >= 2;
        false
    }
}

/// Whether it is encrypted, and host and maybe port without credentials.
fn authority(uri: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if rest.contains('@') && !authority.contains('@') {
        // A password with such a character in it, maybe; part of it must not be asked of a name server.
        return None;
    }
    let secure = scheme.eq_ignore_ascii_case("rtsps") || scheme.eq_ignore_ascii_case("https");
    Some((secure, authority.rsplit_once('@').map_or(authority, |(_, host)| host)))
}

fn host_and_port(authority: &str, port: u16) -> String {
    let bare_v6 = authority.ends_with(']');
    match authority.rsplit_once(':') {
        Some((_, given)) if !bare_v6 && given.parse::<u16>().is_ok() => authority.to_string(),
        _ => format!("{authority}:{port}"),
    }
}

/// A host that is halted still takes connections, so it must say something; one that speaks only after a handshake has
/// answered when it takes the connection.
fn hear(at: &str, greeting: String, secure: bool, patience: Duration) -> Heard {
    let Some(address) = at.to_socket_addrs().ok().and_then(|mut all| all.next()) else { return Heard::Away };
    let Ok(mut stream) = TcpStream::connect_timeout(&address, patience) else { return Heard::Away };
    if secure {
        return Heard::Here;
    }
    let heard = stream
        .set_read_timeout(Some(patience))
        .and_then(|()| stream.set_write_timeout(Some(patience)))
        .and_then(|()| stream.write_all(greeting.as_bytes()))
        .and_then(|()| stream.read(&mut [0; 64]));
    if matches!(heard, Ok(n) if n > 0) { Heard::Here } else { Heard::Silence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const PATIENCE: Duration = Duration::from_millis(300);

    #[test]
    fn host_and_port_are_found_without_the_credentials() {
        for (uri, want) in [
            ("rtsp://u:p@cam/1", "cam:554"),
            ("rtsp://cam:8554/1", "cam:8554"),
            ("rtsp://u:a@b@10.0.0.9?x=1", "10.0.0.9:554"),
            ("rtsp://[::1]/x", "[::1]:554"),
            ("rtsp://[::1]:99/x", "[::1]:99"),
        ] {
            assert_eq!(host_and_port(authority(uri).unwrap().1, 554), want, "{uri}");
        }
    }

    #[test]
    fn part_of_a_password_is_never_looked_up() {
        for uri in ["rtsp://admin:a/b@cam/1", "http://admin:a?b@cam/1"] {
            assert_eq!(authority(uri), None, "{uri}");
        }
    }

    #[test]
    fn one_that_takes_a_connection_must_say_something_to_be_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("rtsp://u:p@{}/x", listener.local_addr().unwrap());
        let address = Address::parse(&uri).unwrap();
        assert_eq!(knock(&address, PATIENCE), Some(Heard::Silence));
        let speaker = std::thread::spawn(move || {
            // The first connection is that of the knock above, which has hung up.
            let _silent = listener.accept().unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"RTSP/1.0 200 OK\r\n\r\n").unwrap();
            let _ = stream.read(&mut [0; 256]);
        });
        assert_eq!(knock(&address, Duration::from_secs(10)), Some(Heard::Here));
        speaker.join().unwrap();
        assert_eq!(knock(&address, PATIENCE), Some(Heard::Away), "the port is closed now");
    }

    #[test]
    fn a_device_is_there_when_its_path_is() {
        let at = |address: &str| knock(&Address::parse(address).unwrap(), PATIENCE);
        assert_eq!(at("v4l2:/dev/null"), Some(Heard::Here));
        assert_eq!(at("v4l2:/dev/spotter-none"), Some(Heard::Away));
        assert_eq!(at("demo:"), None);
    }

    /// Whether a source is opened after the last of these knocks, and after none before it.
    fn opened(knocks: &[Option<Heard>]) -> bool {
        let mut absence = Absence::default();
        let over: Vec<bool> = knocks.iter().map(|heard| absence.is_over(*heard)).collect();
        assert!(over[..over.len() - 1].iter().all(|over| !over), "{knocks:?}: {over:?}");
        *over.last().unwrap()
    }

    #[test]
    fn one_that_was_away_or_silent_twice_and_answers_is_back() {
        let [here, silence, away] = [Heard::Here, Heard::Silence, Heard::Away].map(Some);
        assert!(opened(&[away, here]));
        assert!(opened(&[here, away, here]));
        assert!(opened(&[silence, silence, here]));
        assert!(opened(&[silence, away, silence, here]));
        assert!(opened(&[away, None, here]));
    }

    #[test]
    fn one_that_answers_all_the_time_or_is_only_slow_is_not_back_for_it() {
        let [here, silence] = [Heard::Here, Heard::Silence].map(Some);
        assert!(!opened(&[here, here, here]));
        assert!(!opened(&[silence, here]));
        assert!(!opened(&[here, silence, here, silence, here]));
        assert!(!opened(&[silence, silence, silence]));
        assert!(!opened(&[None, here]));
    }
}
