//! `[http]`: the face and its limits.
//!
//! Rules between keys: beyond this machine nothing is served without a key, unless the file says in so many words
//! that it shall be; streams and listeners, which stay for hours, never take all connections; and a box listens somewhere.

use std::net::IpAddr;

use super::part::Part;
use crate::config::Flags;
use crate::config::fault::{Gathered, Place};
use crate::events;
use crate::http::Settings;
use crate::http::tls;

/// So many names may be given.
const HOSTS: usize = 16;

const NO_ADDRESS: &str = "the listening address wants HOST:PORT, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080";

/// A key may be this long.
pub(super) const KEY_BYTES: usize = 256;

pub(super) fn settings(part: &Part, flags: &Flags, faults: &Gathered) -> (Settings, bool) {
    let or = Settings::default();
    let encrypted = part.part("tls");
    let tls = tls(&encrypted, faults);
    let read = Settings {
        listen: listen(part, flags, tls.listen.is_empty(), faults).unwrap_or_default(),
        tls,
        api_key: api_key(part, faults),
        wrong_keys_per_minute: part.count("wrong_keys_per_minute", 1..=1000, or.wrong_keys_per_minute),
        hosts: part.names("hosts", HOSTS, is_host),
        workers: part.count("workers", 1..=64, or.workers),
        stream_workers: part.count("stream_workers", 1..=64, or.stream_workers),
        stream_viewers: part.count("stream_viewers", 1..=1000, or.stream_viewers),
        stream_viewers_per_peer: part.count("stream_viewers_per_peer", 1..=1000, or.stream_viewers_per_peer),
        event_viewers: part.count("event_viewers", 1..=events::LISTENERS as i64, or.event_viewers),
        event_viewers_per_peer: part.count("event_viewers_per_peer", 1..=1000, or.event_viewers_per_peer),
        connections: part.count("connections", 4..=4096, or.connections),
        connections_per_peer: part.count("connections_per_peer", 1..=4096, or.connections_per_peer),
        head_bytes: part.count("head_bytes", 1024..=65_536, or.head_bytes),
        body_bytes: part.count("body_bytes", 1024..=16_777_216, or.body_bytes),
        clip_bytes: part.whole("clip_mb", 1..=4096).map_or(or.clip_bytes, |mb| mb as u64 * 1024 * 1024),
        head_timeout: part.seconds("head_timeout_s", 0.5..=60.0, or.head_timeout),
        idle_timeout: part.seconds("idle_timeout_s", 1.0..=600.0, or.idle_timeout),
        write_timeout: part.seconds("write_timeout_s", 1.0..=600.0, or.write_timeout),
        shot_timeout: part.seconds("shot_timeout_s", 0.1..=30.0, or.shot_timeout),
        cores: part.cores("cores"),
        ..or
    };
    leaves_room(part, &read, faults);
    let open = part.flag("open", false);
    // A key that is given but does not hold is a fault of its own already.
    let place = match &flags.listen {
        Some(_) => Place::Option("--listen"),
        None => Place::Line(part.line_of("listen")),
    };
    for (address, place) in [(&read.listen, place), (&read.tls.listen, Place::Line(encrypted.line_of("listen")))] {
        if !open && !part.has("api_key") && !address.is_empty() && !stays_here(address) {
            let sentence = format!(
                "listening on {address} beyond this machine wants an `api_key` in [http], or `open = true` to serve without one"
            );
            faults.add(place, sentence);
        }
    }
    (read, open)
}

/// Else a box with all its viewers would answer nobody, not even who looks whether it lives.
fn leaves_room(part: &Part, read: &Settings, faults: &Gathered) {
    let stay = read.stream_viewers + read.event_viewers;
    if read.connections > stay {
        return;
    }
    let given = ["connections", "stream_viewers", "event_viewers"].into_iter().find(|key| part.has(key));
    let sentence = format!(
        "`connections` in [http] wants more than the {stay} of `stream_viewers` and `event_viewers` together, not {}",
        read.connections
    );
    faults.add(Place::Line(part.line_of(given.unwrap_or("connections"))), sentence);
}

fn api_key(part: &Part, faults: &Gathered) -> Option<String> {
    let (key, line) = part.text("api_key")?;
    if key.is_empty() || key.len() > KEY_BYTES || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let sentence = format!("`api_key` in [http] wants 1 to {KEY_BYTES} printable ASCII characters without a space");
        faults.add(Place::Line(line), sentence);
        return None;
    }
    Some(key.to_string())
}

/// Nowhere is said by an empty text, which only a box that listens with TLS may be told.
fn listen(part: &Part, flags: &Flags, alone: bool, faults: &Gathered) -> Option<String> {
    let (text, place) = match &flags.listen {
        Some(text) => (text.as_str(), Place::Option("--listen")),
        None if !part.has("listen") => return Some(Settings::default().listen),
        None => part.text("listen").map(|(text, line)| (text, Place::Line(line)))?,
    };
    if split(text).is_none() && (alone || !text.is_empty()) {
        faults.add(place, NO_ADDRESS);
        return None;
    }
    Some(text.to_string())
}

/// `[http.tls]`
fn tls(part: &Part, faults: &Gathered) -> tls::Settings {
    let mut listen = part.text("listen").filter(|(text, _)| !text.is_empty());
    if let Some((_, line)) = listen.take_if(|(text, _)| split(text).is_none()) {
        faults.add(Place::Line(line), NO_ADDRESS);
    }
    let path = |key: &str| {
        let (path, line) = part.text(key)?;
        if path.is_empty() {
            faults.add(Place::Line(line), format!("`{key}` in [http.tls] wants a path"));
        }
        Some(path)
    };
    let given = match (path("certificate"), path("key")) {
        (Some(certificate), Some(key)) => Some(tls::Given { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => {
            let line = part.line_of("certificate").max(part.line_of("key"));
            faults
                .add(Place::Line(line), "`certificate` and `key` in [http.tls] belong together: give both or neither");
            None
        }
    };
    tls::Settings { listen: listen.map_or_else(String::new, |(text, _)| text.to_string()), given }
}

/// Host, without brackets, and port.
fn split(listen: &str) -> Option<(&str, u16)> {
    let (host, port) = listen.rsplit_once(':')?;
    let port = port.parse().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()))?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())?,
        None => host,
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let fits = host.parse::<IpAddr>().is_ok() && (!host.contains(':') || listen.starts_with('['))
        || !host.is_empty() && host.chars().all(is_name);
    fits.then_some((host, port))
}

/// Whether it is a host's name, without a port (RFC 1123).
fn is_host(name: &str) -> bool {
    let label =
        |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.len() <= 253 && name.split('.').all(label)
}

/// Whether only this machine can reach the address. A name other than `localhost` may mean anything.
fn stays_here(listen: &str) -> bool {
    let Some((host, _)) = split(listen) else { return false };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_strictly() {
        for good in ["127.0.0.1:0", "0.0.0.0:80", "[::1]:8080", "localhost:65535", "box.local:1", "[::]:80"] {
            assert!(split(good).is_some(), "{good}");
        }
        for bad in [
            "",
            ":",
            "8080",
            ":8080",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:+80",
            "::1:80",
            "[::1]",
            "[127.0.0.1]:80",
            "a b:80",
            "http://127.0.0.1:80",
        ] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_loopback_stays_here() {
        for here in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "LocalHost:80", "[::ffff:127.0.0.1]:80"] {
            assert!(stays_here(here), "{here}");
        }
        for beyond in ["0.0.0.0:80", "[::]:80", "192.168.1.5:80", "box.local:80", "[::ffff:10.0.0.1]:80"] {
            assert!(!stays_here(beyond), "{beyond}");
        }
    }
}
