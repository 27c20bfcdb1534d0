//! Who may come in: the key by header, by HTTP Basic, or a cookie that was given for it.
//!
//! The cookie holds a random token, never the key or anything made from it; the box remembers the last few tokens it gave
//! and forgets them when it restarts. Keys and tokens are compared in constant time.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::{Choice, ConstantTimeEq};

use super::head::{Field, Head};
use super::{query, stamp};

/// Logged-in browsers at once; the one that logged in first is forgotten for one more.
pub const SESSIONS: usize = 64;
const COOKIE: &[u8] = b"spotter=";
type Token = [u8; 32];

/// The keeper of the key.
pub struct Gate {
    key: Option<Vec<u8>>,
    sessions: Mutex<VecDeque<Token>>,
}

impl Gate {
    /// With this key, or open to all.
    pub fn new(key: Option<&str>) -> Gate {
        Gate { key: key.map(|k| k.as_bytes().to_vec()), sessions: Mutex::default() }
    }

    /// Whether a request may pass.
    pub fn admits(&self, head: &Head, bytes: &[u8]) -> bool {
        if self.key.is_none() {
            return true;
        }
        head.field(bytes, Field::ApiKey).is_some_and(|given| self.fits(given))
            || head.field(bytes, Field::Authorization).is_some_and(|given| self.fits_basic(given))
            || token_in(head.field(bytes, Field::Cookie)).is_some_and(|token| self.knows(&token))
    }

    /// Whether this is the key. Without a key everything is.
    pub fn fits(&self, given: &[u8]) -> bool {
        self.key.as_ref().is_none_or(|key| bool::from(key.as_slice().ct_eq(given)))
    }

    fn fits_basic(&self, value: &[u8]) -> bool {
        let Some((scheme, rest)) = value.split_at_checked(6) else { return false };
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return false;
        }
        let Ok(pair) = BASE64_STANDARD.decode(rest.trim_ascii()) else { return false };
        let colon = pair.iter().position(|b| *b == b':');
        colon.is_some_and(|at| self.fits(&pair[at + 1..]))
    }

    fn knows(&self, token: &Token) -> bool {
        let sessions = self.sessions.lock().expect("nothing panics under this lock");
        let found = sessions.iter().fold(Choice::from(0), |found, known| found | known.ct_eq(token));
        found.into()
    }

    /// A new cookie.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn cookie(&self) -> std::io::Result<Vec<u8>> {
        let mut token = Token::default();
        std::fs::File::open("/dev/urandom")?.read_exact(&mut token)?;
        let mut sessions = self.sessions.lock().expect("nothing panics under this lock");
        if sessions.len() == SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back(token);
        drop(sessions);
        let mut cookie = COOKIE.to_vec();
        for word in token.chunks_exact(8) {
            stamp::hex(&mut cookie, u64::from_be_bytes(word.try_into().expect("chunks of 8")));
        }
        cookie.extend_from_slice(b"; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000");
        Ok(cookie)
    }

    /// Forgets the cookie of this request; what is to be set in its place.
    pub fn forget(&self, head: &Head, bytes: &[u8]) -> &'static [u8] {
        if let Some(token) = token_in(head.field(bytes, Field::Cookie)) {
            self.sessions.lock().expect("nothing panics under this lock").retain(|known| *known != token);
        }
        b"spotter=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
    }
}

fn token_in(cookies: Option<&[u8]>) -> Option<Token> {
    let text = cookies?.split(|b| *b == b';').find_map(|c| c.trim_ascii().strip_prefix(COOKIE))?;
    let mut token = Token::default();
    if text.len() != token.len() * 2 {
        return None;
    }
    for (byte, pair) in token.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(token)
}

/// Whether a request that changes something comes from a page of this box: what a browser says of its origin must be the
/// host that it asked. Programs say nothing.
pub fn same_origin(head: &Head, bytes: &[u8]) -> bool {
    let Some(origin) = head.field(bytes, Field::Origin) else { return true };
    let host = head.field(bytes, Field::Host).unwrap_or(&[]);
    let from = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
    from.is_some_and(|from| from.eq_ignore_ascii_case(host))
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

    fn admitted(gate: &Gate, line: &str) -> bool {
        let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{line}\r\n");
        gate.admits(&parse(text.as_bytes()).unwrap(), text.as_bytes())
    }

    fn basic(pair: &str) -> String {
        format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn the_key_opens_by_header_and_by_basic_and_nothing_else_does() {
        let gate = Gate::new(Some("sesam:1"));
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
        assert!(admitted(&Gate::new(None), ""));
    }

    #[test]
    fn a_cookie_opens_until_it_is_forgotten() {
        let gate = Gate::new(Some("k"));
        let given = String::from_utf8(gate.cookie().unwrap()).unwrap();
        let line = format!("Cookie: a=b; {}\r\n", given.split(';').next().unwrap());
        assert!(admitted(&gate, &line));
        let other = line.replace("spotter=", "spotter=0").replace("0\r", "\r");
        assert!(!admitted(&gate, &other));
        let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{line}\r\n");
        gate.forget(&parse(text.as_bytes()).unwrap(), text.as_bytes());
        assert!(!admitted(&gate, &line));
    }

    #[test]
    fn sessions_are_bounded_and_the_oldest_goes() {
        let gate = Gate::new(Some("k"));
        let cookies: Vec<_> = (0..=SESSIONS).map(|_| gate.cookie().unwrap()).collect();
        let line = |c: &[u8]| format!("Cookie: {}\r\n", String::from_utf8_lossy(c).split(';').next().unwrap());
        assert!(!admitted(&gate, &line(&cookies[0])));
        assert!(admitted(&gate, &line(&cookies[1])) && admitted(&gate, &line(&cookies[SESSIONS])));
    }

    #[test]
    fn only_the_boxs_own_pages_change_something() {
        let from = |line: &str| {
            let text = format!("POST / HTTP/1.1\r\nHost: box:8080\r\n{line}\r\n");
            same_origin(&parse(text.as_bytes()).unwrap(), text.as_bytes())
        };
        assert!(from("") && from("Origin: http://box:8080\r\n") && from("Origin: https://BOX:8080\r\n"));
        for foreign in ["http://evil", "null", "http://box", "http://box:8080.evil", "box:8080"] {
            assert!(!from(&format!("Origin: {foreign}\r\n")), "{foreign}");
        }
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
