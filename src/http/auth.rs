//! Who may come in: the key by header, by HTTP Basic, or a cookie that was given for it.
//!
//! The box remembers no cookie. A cookie is a random nonce, the time of the login and a proof of both (HMAC-SHA256 under
//! a key that is derived from the API key), so a wall that is logged in stays so when the box restarts. It holds for 30
//! days; another API key voids all cookies at once. It never holds the key itself, but whoever reads one may try keys on
//! it without asking the box: a key that is hard to guess is wanted.
//!
//! A logout takes the cookie from the browser that asks. A copy of it that somebody kept holds until its time is over;
//! only another key ends that too.
//!
//! Keys and proofs are compared in constant time, and who brings wrong ones is slowed ([`super::guess`]).

use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::guess::Guesses;
use super::head::{Field, Head};
use super::query;
use crate::time::{Mono, Wall};

/// The cookie of a login without TLS, and of one with it. The second has a name that a browser takes over TLS alone, so
/// that neither a login without TLS nor anybody on the way can put another in its place.
const NAMES: [&str; 2] = ["spotter", "__Host-spotter"];
/// What a cookie's key is derived for. Another number makes all cookies void.
const PURPOSE: &[u8] = b"spotter cookie 1";
const AGE_S: u64 = 30 * 24 * 3600;
/// A browser takes these for the end of the cookies.
const GONE: [&[u8]; 2] = [
    b"spotter=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0",
    b"__Host-spotter=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0; Secure",
];

/// What ends the cookies that a browser has of this box, as far as it may be told so: those of TLS over TLS alone.
pub fn gone(secure: bool) -> &'static [&'static [u8]] {
    if secure { &GONE } else { &GONE[..1] }
}

const NONCE: usize = 16;
const SAID: usize = NONCE + 8;
const PROOF: usize = 32;
/// Nonce, milliseconds since 1970 in network order, proof of both.
type Cookie = [u8; SAID + PROOF];
/// Its length in a header.
const TEXT: usize = (SAID + PROOF) * 4 / 3 + 1;

/// Who asks, and when.
#[derive(Clone, Copy)]
pub struct Asker {
    /// The address at the other end of the connection.
    pub peer: IpAddr,
    /// This turn.
    pub now: Mono,
    /// The same for cookies.
    pub wall: Wall,
}

/// What the gate says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Come in.
    Admitted,
    /// There is no key, or a wrong one.
    Refused,
    /// There were too many wrong ones from this address; its next is looked at after this time.
    Slowed(Duration),
}

/// The keeper of the key.
pub struct Gate {
    key: Option<Vec<u8>>,
    guesses: Guesses,
    /// Ready to prove, with the derived key inside.
    prover: Hmac<Sha256>,
}

impl Gate {
    /// With this key, or open to all; so many wrong keys are looked at a minute from one address.
    pub fn new(key: Option<&str>, wrong_keys: usize) -> Gate {
        let key = key.map(|k| k.as_bytes().to_vec());
        let derived = keyed(key.as_deref().unwrap_or(&[])).chain_update(PURPOSE).finalize().into_bytes();
        Gate { key, guesses: Guesses::new(wrong_keys), prover: keyed(&derived) }
    }

    /// Whether a request may pass.
    pub fn judge(&self, head: &Head, bytes: &[u8], asker: Asker) -> Verdict {
        if self.key.is_none() || head.field(bytes, Field::Cookie).is_some_and(|c| self.fits_cookie(c, asker.wall)) {
            return Verdict::Admitted;
        }
        let header = head.field(bytes, Field::ApiKey);
        let basic = head.field(bytes, Field::Authorization).and_then(password);
        if header.is_none() && basic.is_none() {
            return Verdict::Refused;
        }
        self.weigh(asker, || header.is_some_and(|key| self.fits(key)) || basic.is_some_and(|key| self.fits(&key)))
    }

    /// Whether this, given to the login, is the key. Without a key everything is.
    pub fn judge_key(&self, given: &[u8], asker: Asker) -> Verdict {
        self.weigh(asker, || self.fits(given))
    }

    /// Looks at what was given, unless this address was wrong too often.
    fn weigh(&self, asker: Asker, fits: impl FnOnce() -> bool) -> Verdict {
        if let Some(wait) = self.guesses.wait(asker.peer, asker.now) {
            return Verdict::Slowed(wait);
        }
        if fits() {
            return Verdict::Admitted;
        }
        self.guesses.wrong(asker.peer, asker.now);
        Verdict::Refused
    }

    fn fits(&self, given: &[u8]) -> bool {
        self.key.as_ref().is_none_or(|key| bool::from(key.as_slice().ct_eq(given)))
    }

    fn fits_cookie(&self, cookies: &[u8], now: Wall) -> bool {
        read(cookies).any(|cookie| self.is_own(&cookie, now))
    }

    fn is_own(&self, cookie: &Cookie, now: Wall) -> bool {
        let (said, proof) = cookie.split_at(SAID);
        if !bool::from(self.prove(said).ct_eq(proof)) {
            return false;
        }
        let mut issued_ms = [0; 8];
        issued_ms.copy_from_slice(&said[NONCE..]);
        // A cookie of the future is the box's own all the same: a box without a battery for its clock begins in the past.
        now.unix_ms().saturating_sub(u64::from_be_bytes(issued_ms)) < AGE_S * 1000
    }

    fn prove(&self, said: &[u8]) -> [u8; PROOF] {
        self.prover.clone().chain_update(said).finalize().into_bytes().into()
    }

    /// A new cookie, for a login over TLS or one without.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn cookie(&self, now: Wall, secure: bool) -> std::io::Result<Vec<u8>> {
        let mut cookie: Cookie = [0; SAID + PROOF];
        let (said, proof) = cookie.split_at_mut(SAID);
        std::fs::File::open("/dev/urandom")?.read_exact(&mut said[..NONCE])?;
        said[NONCE..].copy_from_slice(&now.unix_ms().to_be_bytes());
        proof.copy_from_slice(&self.prove(said));
        let text = BASE64_URL_SAFE_NO_PAD.encode(cookie);
        let (name, end) = (NAMES[usize::from(secure)], if secure { "; Secure" } else { "" });
        Ok(format!("{name}={text}; HttpOnly; SameSite=Strict; Path=/; Max-Age={AGE_S}{end}").into_bytes())
    }
}

/// The password of HTTP Basic; nothing where another scheme or no pair is given.
fn password(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut pair = BASE64_STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = pair.iter().position(|b| *b == b':')?;
    Some(pair.split_off(colon + 1))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of every length")
}

/// The box's cookies among those of a request: one of each name at most, where nobody meddled.
fn read(cookies: &[u8]) -> impl Iterator<Item = Cookie> {
    let named = |cookie: &&[u8]| NAMES.iter().any(|name| value(cookie, name).is_some());
    cookies.split(|b| *b == b';').map(<[u8]>::trim_ascii).filter(named).take(NAMES.len()).filter_map(|cookie| {
        let text = NAMES.iter().find_map(|name| value(cookie, name)).filter(|text| text.len() == TEXT)?;
        let mut cookie: Cookie = [0; SAID + PROOF];
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut cookie).ok()?;
        (length == cookie.len()).then_some(cookie)
    })
}

fn value<'a>(cookie: &'a [u8], name: &str) -> Option<&'a [u8]> {
    cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// Whether a request that changes something comes from a page of this box: what a browser says of its origin must be the
/// host that it asked. Programs say nothing. Over TLS the page must have come over TLS too, since anybody on the way can write
/// one that did not; without it, a proxy before the box may be what speaks TLS with the browser.
pub fn same_origin(head: &Head, bytes: &[u8], secure: bool) -> bool {
    let Some(origin) = head.field(bytes, Field::Origin) else { return true };
    let host = head.field(bytes, Field::Host).unwrap_or(&[]);
    let plain = origin.strip_prefix(b"http://").filter(|_| !secure);
    let from = plain.or_else(|| origin.strip_prefix(b"https://"));
    from.is_some_and(|from| from.eq_ignore_ascii_case(host))
}

/// Names below these belong to a house's own network; no stranger can have one (RFC 6761, 6762, 8375, and `internal`, which
/// is kept free for it). `lan` and `home` are what routers use.
const OURS: [&str; 6] = ["localhost", "local", "lan", "home", "home.arpa", "internal"];

/// Whether the request calls this box as its own network does: by an address, by a name without a dot or below [`OURS`],
/// or by one of `hosts`. Else a stranger's page whose name has been made to lead here could read all that the viewer may.
pub fn knows_host(head: &Head, bytes: &[u8], hosts: &[String]) -> bool {
    // A program of HTTP/1.0 that names none is no browser.
    let Ok(host) = std::str::from_utf8(head.field(bytes, Field::Host).unwrap_or(&[])) else { return false };
    let port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, after)| port(after)).map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    // Every request asks, so nothing is copied.
    let below = |end: &str| {
        let (rest, last) = name.as_bytes().split_at(name.len().saturating_sub(end.len()));
        last.eq_ignore_ascii_case(end.as_bytes()) && rest.ends_with(b".")
    };
    address.parse::<IpAddr>().is_ok()
        || !name.contains('.')
        || OURS.iter().any(|end| below(end))
        || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A place within this box to go to after the login; the wall when what is asked is none.
pub fn next_place(asked: Option<&str>) -> &str {
    let inside = |place: &&str| {
        place.starts_with('/')
            && !place.starts_with("//")
            && place.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"'))
    };
    asked.filter(inside).unwrap_or("/")
}

/// The key in a login's body: a form's `key`, or a JSON object's.
pub fn key_in(body: &[u8], json: bool) -> Option<String> {
    if json {
        let value: serde_json::Value = serde_json::from_slice(body).ok()?;
        return value.get("key")?.as_str().map(str::to_string);
    }
    query::text(body, "key").map(|key| key.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head::parse;

    const LOGIN: Wall = Wall::from_unix_ms(784_111_777_042);
    const ASKER: Asker = Asker { peer: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), now: Mono::ZERO, wall: LOGIN };

    /// One that is patient with who guesses.
    fn gate_of(key: Option<&str>) -> Gate {
        Gate::new(key, 100_000)
    }

    fn admitted_at(gate: &Gate, line: &str, now: Wall) -> bool {
        let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{line}\r\n");
        let asker = Asker { wall: now, ..ASKER };
        gate.judge(&parse(text.as_bytes()).unwrap(), text.as_bytes(), asker) == Verdict::Admitted
    }

    fn admitted(gate: &Gate, line: &str) -> bool {
        admitted_at(gate, line, LOGIN)
    }

    /// The value of a new cookie.
    fn issued(gate: &Gate) -> String {
        let line = String::from_utf8(gate.cookie(LOGIN, false).unwrap()).unwrap();
        line.strip_prefix("spotter=").unwrap().split(';').next().unwrap().to_string()
    }

    fn sent(value: &str) -> String {
        format!("Cookie: a=b; spotter={value}\r\n")
    }

    fn basic(pair: &str) -> String {
        format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn the_key_opens_by_header_and_by_basic_and_nothing_else_does() {
        let gate = gate_of(Some("sesam:1"));
        for open in ["X-Api-Key: sesam:1\r\n", &basic("anybody:sesam:1"), &basic(":sesam:1")] {
            assert!(admitted(&gate, open), "{open}");
        }
        for shut in [
            "",
            "X-Api-Key: sesam\r\n",
            "X-Api-Key: \r\n",
            &basic("sesam:1"),
            "Authorization: Basic !!\r\n",
            "Authorization: Bearer sesam:1\r\n",
            "Authorization: B\r\n",
            "Cookie: spotter=sesam:1\r\n",
        ] {
            assert!(!admitted(&gate, shut), "{shut}");
        }
        assert!(admitted(&gate_of(None), ""));
    }

    #[test]
    fn who_was_wrong_too_often_is_not_looked_at_and_a_cookie_passes_all_the_same() {
        let gate = Gate::new(Some("sesam"), 3);
        let judge = |line: &str, asker: Asker| {
            let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{line}\r\n");
            gate.judge(&parse(text.as_bytes()).unwrap(), text.as_bytes(), asker)
        };
        let cookie = sent(&issued(&gate));
        for _ in 0..9 {
            assert_eq!(judge("", ASKER), Verdict::Refused, "who brings none is not counted");
            assert_eq!(judge("Cookie: spotter=old\r\n", ASKER), Verdict::Refused);
        }
        assert_eq!(judge("X-Api-Key: a\r\n", ASKER), Verdict::Refused);
        assert_eq!(judge(&basic("x:b"), ASKER), Verdict::Refused);
        assert_eq!(judge("X-Api-Key: sesam\r\n", ASKER), Verdict::Admitted);
        assert_eq!(gate.judge_key(b"c", ASKER), Verdict::Refused);
        let slowed = Verdict::Slowed(Duration::from_secs(20));
        for line in ["X-Api-Key: d\r\n", "X-Api-Key: sesam\r\n", &basic("x:sesam")] {
            assert_eq!(judge(line, ASKER), slowed, "{line}");
        }
        assert_eq!(gate.judge_key(b"sesam", ASKER), slowed);
        assert_eq!(judge(&cookie, ASKER), Verdict::Admitted);
        let other = Asker { peer: IpAddr::from([10, 0, 0, 2]), ..ASKER };
        assert_eq!(judge("X-Api-Key: sesam\r\n", other), Verdict::Admitted);
        let later = Asker { now: Mono::from_ns(20_000_000_000), ..ASKER };
        assert_eq!(judge("X-Api-Key: sesam\r\n", later), Verdict::Admitted);
        assert_eq!(gate_of(None).judge_key(b"anything", ASKER), Verdict::Admitted);
    }

    #[test]
    fn a_cookie_holds_over_restarts_and_for_nobody_with_another_key() {
        let cookie = issued(&gate_of(Some("k")));
        assert!(admitted(&gate_of(Some("k")), &sent(&cookie)), "the box has restarted");
        for other in ["K", "k2", ""] {
            assert!(!admitted(&gate_of(Some(other)), &sent(&cookie)), "{other:?}");
        }
        let gate = gate_of(Some("k"));
        assert_ne!(issued(&gate), issued(&gate), "no two are the same");
        let by_none = issued(&gate_of(None));
        assert!(!admitted(&gate, &sent(&by_none)), "the box had no key when it gave it");
    }

    #[test]
    fn a_cookie_is_its_header_to_the_byte_and_holds_no_key() {
        let line = String::from_utf8(gate_of(Some("sesam")).cookie(LOGIN, false).unwrap()).unwrap();
        let (value, rest) = line.split_once("; ").unwrap();
        assert_eq!(rest, "HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000");
        assert_eq!(value.len(), "spotter=".len() + TEXT);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value.strip_prefix("spotter=").unwrap()).unwrap();
        assert!(!bytes.windows(5).any(|part| part == b"sesam"));
    }

    #[test]
    fn a_cookie_of_tls_has_a_name_of_its_own_and_neither_stands_in_the_others_way() {
        let gate = gate_of(Some("k"));
        let line = String::from_utf8(gate.cookie(LOGIN, true).unwrap()).unwrap();
        let (pair, rest) = line.split_once("; ").unwrap();
        assert_eq!(rest, "HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000; Secure");
        assert!(pair.starts_with("__Host-spotter="));
        let old = issued(&gate_of(Some("another key")));
        assert!(admitted(&gate, &format!("Cookie: {pair}\r\n")));
        assert!(admitted(&gate, &format!("Cookie: spotter={old}; {pair}\r\n")));
        assert!(admitted(&gate, &format!("Cookie: spotter=; {pair}\r\n")));
        assert!(!admitted(&gate, &format!("Cookie: spotter={old}; __Host-spotter={old}\r\n")));
        assert!(!admitted(&gate, &format!("Cookie: {}; {pair}\r\n", ["spotter=x"; 9].join("; "))), "bounded");
        assert_eq!((gone(false).len(), gone(true).len()), (1, 2));
        assert!(gone(true)[1].starts_with(b"__Host-spotter=;") && gone(true)[1].ends_with(b"; Secure"));
    }

    #[test]
    fn a_cookie_that_is_cut_longer_or_changed_anywhere_opens_nothing() {
        let gate = gate_of(Some("k"));
        let cookie = issued(&gate);
        for length in 0..cookie.len() {
            assert!(!admitted(&gate, &sent(&cookie[..length])), "{length}");
        }
        assert!(!admitted(&gate, &sent(&format!("{cookie}A"))) && !admitted(&gate, &sent(&format!("{cookie}="))));
        for at in 0..cookie.len() {
            let other = if &cookie[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &cookie[..at], &cookie[at + 1..]);
            assert!(!admitted(&gate, &sent(&changed)), "{changed}");
        }
    }

    #[test]
    fn a_cookie_ends_after_30_days_to_the_millisecond() {
        let gate = gate_of(Some("k"));
        let line = sent(&issued(&gate));
        let age_ms = 30 * 24 * 3600 * 1000;
        let after = |ms: u64| Wall::from_unix_ms(LOGIN.unix_ms() + ms);
        assert!(admitted_at(&gate, &line, after(age_ms - 1)));
        assert!(!admitted_at(&gate, &line, after(age_ms)));
        assert!(admitted_at(&gate, &line, Wall::from_unix_ms(0)), "the clock is not set yet");
    }

    #[test]
    fn only_the_boxs_own_pages_change_something() {
        let over = |line: &str, secure: bool| {
            let text = format!("POST / HTTP/1.1\r\nHost: box:8080\r\n{line}\r\n");
            same_origin(&parse(text.as_bytes()).unwrap(), text.as_bytes(), secure)
        };
        let from = |line: &str| over(line, false);
        assert!(over("", true) && over("Origin: https://box:8080\r\n", true));
        assert!(!over("Origin: http://box:8080\r\n", true), "anybody on the way can have written that page");
        assert!(!over("Origin: https://box\r\n", true));
        assert!(from("") && from("Origin: http://box:8080\r\n") && from("Origin: https://BOX:8080\r\n"));
        for foreign in ["http://evil", "null", "http://box", "http://box:8080.evil", "box:8080"] {
            assert!(!from(&format!("Origin: {foreign}\r\n")), "{foreign}");
        }
    }

    #[test]
    fn a_strangers_name_that_leads_here_is_not_answered() {
        let hosts = ["spotter.gym.example".to_string()];
        let known = |host: &str| {
            let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            knows_host(&parse(text.as_bytes()).unwrap(), text.as_bytes(), &hosts)
        };
        for host in [
            "127.0.0.1",
            "10.1.2.3:8080",
            "[::1]",
            "[fd00::1]:80",
            "localhost",
            "localhost:80",
            "spotter-7f3a",
            "SPOTTER.local",
            "spotter.local.:8080",
            "box.gym.lan",
            "box.home.arpa",
            "box.internal",
            "spotter.gym.example:443",
            "Spotter.Gym.Example",
        ] {
            assert!(known(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "local.evil.example",
            "xlan.x-lan",
            "gym.example",
            "a.spotter.gym.example",
            "[::1].evil.example",
            "evil.local.example.",
        ] {
            assert!(!known(host), "{host}");
        }
        let old = b"GET / HTTP/1.0\r\n\r\n";
        assert!(knows_host(&parse(old).unwrap(), old, &[]));
    }

    #[test]
    fn the_way_after_the_login_stays_in_the_box() {
        for (asked, want) in
            [("/admin?x=1", "/admin?x=1"), ("//evil", "/"), ("http://evil", "/"), ("/\\evil", "/"), ("/a b", "/")]
        {
            assert_eq!(next_place(Some(asked)), want, "{asked}");
        }
        assert_eq!(next_place(None), "/");
        assert_eq!(key_in(b"a=b&key=x%26+y", false).as_deref(), Some("x& y"));
        assert_eq!(key_in(br#"{"key":"k"}"#, true).as_deref(), Some("k"));
        assert_eq!(key_in(br#"["key"]"#, true), None);
    }
}
