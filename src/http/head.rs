//! The head of a request: found, checked and taken apart, without copying and without trust.
//!
//! The parser is pure: bytes in, a [`Head`] of positions or a [`Refusal`] out. It is strict where two readers of one
//! connection could disagree about where a request ends (a proxy before the box, say): one way to end a line, one length
//! or none, no chunks, no folded lines, no absolute targets. What it refuses is answered and the connection closed.

use std::mem::MaybeUninit;

use super::query;

/// Header lines in one head.
const LINES: usize = 64;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// OPTIONS
    Options,
    /// Any other token.
    Other,
}

impl Method {
    fn of(name: &str) -> Method {
        match name {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            _ => Method::Other,
        }
    }

    /// As it stands in a request.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Other => "",
        }
    }
}

/// The header lines that the face reads; all others are passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// Host
    Host,
    /// Origin
    Origin,
    /// Authorization
    Authorization,
    /// X-Api-Key
    ApiKey,
    /// Content-Type
    ContentType,
    /// X-Requested-With
    RequestedWith,
    /// Cookie
    Cookie,
    /// If-None-Match
    IfNoneMatch,
}

const FIELDS: [(&str, Field); 8] = [
    ("host", Field::Host),
    ("origin", Field::Origin),
    ("authorization", Field::Authorization),
    ("x-api-key", Field::ApiKey),
    ("content-type", Field::ContentType),
    ("x-requested-with", Field::RequestedWith),
    ("cookie", Field::Cookie),
    ("if-none-match", Field::IfNoneMatch),
];

/// A stretch of the head's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Where `part` lies within `whole`; heads are far shorter than 4 GiB.
    fn of(part: &[u8], whole: &[u8]) -> Span {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        Span { start: start as u32, end: (start + part.len()) as u32 }
    }

    fn read(self, whole: &[u8]) -> &[u8] {
        whole.get(self.start as usize..self.end as usize).unwrap_or(&[])
    }
}

/// A head that was understood: positions within its bytes.
#[derive(Clone, Debug)]
pub struct Head {
    /// Bytes of it, blank line included.
    pub len: usize,
    /// What is to be done.
    pub method: Method,
    /// Bytes of body that follow.
    pub content_length: u64,
    /// The connection may be used again.
    pub keep_alive: bool,
    /// The client waits for "100 Continue" before it sends the body.
    pub expects_continue: bool,
    path: Span,
    query: Span,
    fields: [Option<Span>; FIELDS.len()],
}

impl Head {
    /// The path as sent: ASCII, with valid escapes, without dot segments. `bytes` are those that were parsed.
    pub fn path<'a>(&self, bytes: &'a [u8]) -> &'a str {
        std::str::from_utf8(self.path.read(bytes)).unwrap_or("")
    }

    /// What follows the question mark, as sent.
    pub fn query<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.query.read(bytes)
    }

    /// A header's value.
    pub fn field<'a>(&self, bytes: &'a [u8], field: Field) -> Option<&'a [u8]> {
        self.fields[field as usize].map(|span| span.read(bytes))
    }
}

/// Why a head is not answered in earnest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The status to answer.
    pub status: u16,
    /// Why, for people.
    pub detail: &'static str,
}

const fn bad(detail: &'static str) -> Refusal {
    Refusal { status: 400, detail }
}

/// What a head that is longer than allowed is refused with: it depends on whether its first line ended.
pub fn too_long(bytes: &[u8]) -> Refusal {
    if bytes.contains(&b'\n') {
        Refusal { status: 431, detail: "the request's header lines are too long" }
    } else {
        Refusal { status: 414, detail: "the request's address is too long" }
    }
}

/// Where the head ends, blank line included, if its end is there. `scanned` bytes were looked at before.
///
/// # Errors
/// At the first byte that no head can hold, so that nobody waits for the rest of something that is no request.
pub fn find_end(bytes: &[u8], scanned: usize) -> Result<Option<usize>, Refusal> {
    for at in scanned..bytes.len() {
        let after_cr = at > 0 && bytes[at - 1] == b'\r';
        match bytes[at] {
            b'\n' if !after_cr => return Err(bad("a line of the request ends without a carriage return")),
            b'\n' if bytes[..at].ends_with(b"\r\n\r") => return Ok(Some(at + 1)),
            b'\n' => {}
            0 => return Err(bad("the request holds a NUL")),
            _ if after_cr => return Err(bad("the request holds a carriage return within a line")),
            _ => {}
        }
    }
    Ok(None)
}

/// Takes a whole head apart, blank line included.
///
/// # Errors
/// When it is not one that every reader understands the same way.
pub fn parse(bytes: &[u8]) -> Result<Head, Refusal> {
    let mut lines = [const { MaybeUninit::uninit() }; LINES];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(httparse::Status::Complete(len)) if len == bytes.len() => {}
        Ok(_) => return Err(bad("this is no HTTP request")),
        Err(httparse::Error::TooManyHeaders) => return Err(too_long(b"\n")),
        Err(httparse::Error::Version) if names_a_version(bytes) => {
            return Err(Refusal { status: 505, detail: "this HTTP version is not spoken here" });
        }
        Err(_) => return Err(bad("this is no HTTP request")),
    }
    let method = Method::of(request.method.unwrap_or(""));
    let old = request.version == Some(0);
    let (path, query) = target(request.path.unwrap_or("").as_bytes(), method)?;
    let mut head = Head {
        len: bytes.len(),
        method,
        content_length: 0,
        keep_alive: !old,
        expects_continue: false,
        path: Span::of(path, bytes),
        query: Span::of(query, bytes),
        fields: [None; FIELDS.len()],
    };
    let mut length = None;
    for line in request.headers.iter() {
        head.take(line, bytes, &mut length)?;
    }
    if !old && head.fields[Field::Host as usize].is_none() {
        return Err(bad("the request names no host"));
    }
    if !head.field(bytes, Field::Host).is_none_or(may_be_a_host) {
        return Err(bad("what stands for a host is none"));
    }
    head.content_length = length.unwrap_or(0);
    // An old client that asks for it would have to be told "keep-alive"; it is not worth a line in every answer.
    head.keep_alive &= !old;
    // Nor does it know an answer before the answer.
    head.expects_continue &= !old;
    Ok(head)
}

/// Whether the first line is well formed but for its version. An address with a space in it looks like a version, too.
fn names_a_version(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\r').next().unwrap_or(&[]);
    let mut words = line.split(|b| *b == b' ').skip(2);
    words.next().is_some_and(|version| version.starts_with(b"HTTP/")) && words.next().is_none()
}

/// Whether a name or address, with or without a port, could be meant. What else a proxy might read in it (a user, a path,
/// two hosts) is nobody's business here.
fn may_be_a_host(host: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    let inside = host.strip_prefix(b"[").map_or(host, |rest| match rest.iter().position(|b| *b == b']') {
        Some(end) if rest[end + 1..].iter().all(plain) => &rest[..end],
        _ => b"?",
    });
    inside.iter().all(plain)
}

/// Path and query of a target in origin form.
fn target(target: &[u8], method: Method) -> Result<(&[u8], &[u8]), Refusal> {
    if target == b"*" && method == Method::Options {
        return Ok((target, &[]));
    }
    if target.first() != Some(&b'/') {
        return Err(bad("the request's address must begin with a slash"));
    }
    if !target.iter().all(|b| b.is_ascii_graphic() && *b != b'#') || !query::escapes_are_whole(target) {
        return Err(bad("the request's address is not well formed"));
    }
    let (path, query) = match target.iter().position(|b| *b == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &[][..]),
    };
    if !query::path_is_plain(path) {
        return Err(bad("the request's path is not well formed"));
    }
    Ok((path, query))
}

impl Head {
    fn take(&mut self, line: &httparse::Header<'_>, bytes: &[u8], length: &mut Option<u64>) -> Result<(), Refusal> {
        let named = |name: &str| line.name.eq_ignore_ascii_case(name);
        if let Some((_, field)) = FIELDS.iter().find(|(name, _)| named(name)) {
            let list = matches!(field, Field::Cookie | Field::IfNoneMatch);
            let slot = &mut self.fields[*field as usize];
            if slot.is_some() && !list {
                return Err(bad("a header line that may stand once stands twice"));
            }
            *slot = Some(Span::of(line.value, bytes));
        } else if named("content-length") {
            let digits = std::str::from_utf8(line.value).ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
            let value = digits.and_then(|v| v.parse().ok()).ok_or(bad("the request's length is no number"))?;
            if length.replace(value).is_some() {
                return Err(bad("the request has two lengths"));
            }
        } else if named("transfer-encoding") {
            return Err(bad("a request in chunks is not read here; send its length"));
        } else if named("connection") {
            for token in line.value.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
                if token.eq_ignore_ascii_case(b"close") {
                    self.keep_alive = false;
                }
            }
        } else if named("expect") {
            if !line.value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Refusal { status: 417, detail: "this expectation cannot be met" });
            }
            self.expects_continue = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Head, u16> {
        let bytes = text.as_bytes();
        let end = find_end(bytes, 0).map_err(|r| r.status)?.ok_or(0u16)?;
        parse(&bytes[..end]).map_err(|r| r.status)
    }

    fn with(lines: &str) -> Result<Head, u16> {
        read(&format!("GET /a?b=1 HTTP/1.1\r\nHost: h\r\n{lines}\r\n"))
    }

    #[test]
    fn a_plain_request_is_taken_apart() {
        let text = b"POST /a/b?c=d%20e HTTP/1.1\r\nHOST: box\r\nX-Api-Key:  k \r\nContent-Length: 3\r\n\r\n";
        let head = parse(text).unwrap();
        assert_eq!((head.method, head.path(text), head.query(text)), (Method::Post, "/a/b", &b"c=d%20e"[..]));
        assert_eq!((head.content_length, head.keep_alive, head.len), (3, true, text.len()));
        assert_eq!(head.field(text, Field::ApiKey), Some(&b"k"[..]));
        assert_eq!(head.field(text, Field::Cookie), None);
    }

    #[test]
    fn each_method_is_known_by_its_name_and_any_other_is_other() {
        let method = |name: &str| read(&format!("{name} / HTTP/1.1\r\nHost: h\r\n\r\n")).unwrap().method;
        for (name, is) in [
            ("GET", Method::Get),
            ("HEAD", Method::Head),
            ("POST", Method::Post),
            ("PUT", Method::Put),
            ("PATCH", Method::Patch),
            ("DELETE", Method::Delete),
            ("OPTIONS", Method::Options),
        ] {
            assert_eq!((method(name), is.name()), (is, name));
        }
        assert_eq!((method("BREW"), method("get"), Method::Other.name()), (Method::Other, Method::Other, ""));
    }

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_cut() {
        let text = b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET";
        let end = text.len() - 3;
        for cut in 0..text.len() {
            let found = find_end(&text[..cut], 0).unwrap();
            assert_eq!(found, (cut >= end).then_some(end), "{cut}");
            if found.is_none() {
                assert_eq!(find_end(text, cut).unwrap(), Some(end), "{cut}");
            }
        }
    }

    #[test]
    fn nobody_waits_for_the_rest_of_a_head_with_a_byte_that_none_can_hold() {
        for begun in ["GET /\0", "GET / HTTP/1.1\r\nX: \0", "GET / HTTP/1.1\n", "GET /\r ", "\n", "\r\r"] {
            assert_eq!(find_end(begun.as_bytes(), 0).err().map(|r| r.status), Some(400), "{begun:?}");
        }
    }

    #[test]
    fn what_follows_a_head_is_not_taken_for_a_part_of_it() {
        let head = b"GET / HTTP/1.1\r\nHost: h\r\n\r\nX: y\r\n\r\n";
        assert_eq!(parse(head).err().map(|r| r.status), Some(400));
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_refused() {
        for lines in [
            "Content-Length: 3\r\nContent-Length: 3\r\n",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Content-Length: +3\r\n",
            "Content-Length: 3, 3\r\n",
            "Content-Length: \r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Length : 3\r\n",
            "X: a\r\n folded\r\n",
            "X: a\nY: b\r\n",
            "X: a\rb\r\n",
            "X: a\0b\r\n",
            "Host: again\r\n",
            ": empty\r\n",
        ] {
            assert_eq!(with(lines).err(), Some(400), "{lines:?}");
        }
    }

    #[test]
    fn odd_targets_are_refused() {
        for target in [
            "http://h/a",
            "h:80",
            "*",
            "/%",
            "/%4",
            "/%zz",
            "/a#b",
            "/%00",
            "/../etc",
            "/a/%2e%2e/b",
            "/a/.%2E",
            "/./a",
            "/%c0%ae%c0%ae/",
            "/%ff",
            "/ä",
            "/a?%zz",
            "/a%0d%0ab",
            "",
        ] {
            assert_eq!(read(&format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")).err(), Some(400), "{target}");
        }
        assert!(read("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").is_ok());
        assert!(read("GET /a..b/.c/%C3%A4?q=%zz0 HTTP/1.1\r\nHost: h\r\n\r\n").is_err());
        assert!(read("GET /a..b/.c/%C3%A4?q=%7e HTTP/1.1\r\nHost: h\r\n\r\n").is_ok());
    }

    #[test]
    fn what_stands_for_a_host_is_one() {
        let status = |host: &str| read(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).err();
        for host in ["box", "box.local.:80", "10.0.0.1", "[::1]", "[fe80::1]:8080", "a_b", ""] {
            assert_eq!(status(host), None, "{host}");
        }
        for host in ["a b", "a,b", "a@b", "a/b", "a?b", "a#b", "http://a", "a\\b", "[::1", "[::1]x/", "ä", "[[::1]]"] {
            assert_eq!(status(host), Some(400), "{host}");
        }
    }

    #[test]
    fn versions_and_what_they_mean_for_the_connection() {
        assert_eq!(read("GET / HTTP/2.0\r\nHost: h\r\n\r\n").err(), Some(505));
        assert_eq!(read("GET /\r\n\r\n").err(), Some(400));
        for odd in
            ["GET /a b HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", "GET / FTP/2.0", "GET /"]
        {
            assert_eq!(read(&format!("{odd}\r\nHost: h\r\n\r\n")).err(), Some(400), "{odd}");
        }
        assert_eq!(read("GET / HTTP/1.1\r\n\r\n").err(), Some(400), "no host");
        assert!(!read("GET / HTTP/1.0\r\n\r\n").unwrap().keep_alive);
        assert!(!read("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").unwrap().keep_alive);
        assert!(!read("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").unwrap().expects_continue);
        assert!(!with("Connection: foo, Close\r\n").unwrap().keep_alive);
        assert_eq!(with("Expect: tea\r\n").err(), Some(417));
        assert!(with("Expect: 100-Continue\r\n").unwrap().expects_continue);
    }

    #[test]
    fn too_many_or_too_long_lines_have_their_own_status() {
        let many = |n: usize| with(&"X: y\r\n".repeat(n)).err();
        assert_eq!((many(LINES - 1), many(LINES)), (None, Some(431)));
        assert_eq!(too_long(b"GET /aaaa").status, 414);
        assert_eq!(too_long(b"GET / HTTP/1.1\r\nX: ").status, 431);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            if let Ok(Some(end)) = find_end(&bytes, 0) {
                let _ = parse(&bytes[..end]);
            }
            let _ = parse(&bytes);
        }
    }
}
