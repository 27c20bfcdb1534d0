//! Answers: the head is written into a buffer that is used again and again, the body is only pointed at.

use std::sync::Arc;

use serde::Serialize;

use super::stamp;
use crate::jpeg::ShotRef;
use crate::metrics::RouteClass;
use crate::time::Wall;

/// What is sent after the head.
pub enum Body {
    /// Nothing.
    Empty,
    /// Bytes of the program.
    Static(&'static [u8]),
    /// Bytes made for this answer.
    Owned(Vec<u8>),
    /// The same, and something that is let go with them.
    Held {
        /// The bytes.
        bytes: Vec<u8>,
        /// Let go when they are sent.
        _until_sent: Arc<()>,
    },
    /// A picture that others may be sent at the same time.
    Shot(ShotRef),
}

impl Body {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Body::Empty => &[],
            Body::Static(bytes) => bytes,
            Body::Owned(bytes) | Body::Held { bytes, .. } => bytes,
            Body::Shot(shot) => &shot.bytes,
        }
    }
}

/// An answer whose head stands in the connection's buffer.
pub struct Reply {
    /// What it is counted as.
    pub class: RouteClass,
    /// Its status.
    pub status: u16,
    /// What follows the head.
    pub body: Body,
    /// The connection is closed after it.
    pub close: bool,
}

/// The date line, made once a second.
pub struct Date {
    second: u64,
    text: Vec<u8>,
}

impl Default for Date {
    fn default() -> Self {
        Date { second: u64::MAX, text: Vec::with_capacity(32) }
    }
}

impl Date {
    /// `now` as a header has it.
    pub fn at(&mut self, now: Wall) -> &[u8] {
        let second = now.unix_ms() / 1000;
        if second != self.second {
            self.second = second;
            self.text.clear();
            stamp::http_date(&mut self.text, now);
        }
        &self.text
    }
}

/// The words of every status that is ever sent.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        303 => "See Other",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

/// What is no page may still be opened as one.
pub const NO_PAGE_POLICY: &str = "Content-Security-Policy: default-src 'none'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A browser puts a picture that is opened by itself into a page of its own, and in its middle by style attributes. This
/// allows those and no more; nothing of ours stands in that page, and there is no script.
pub const PICTURE_POLICY: &str = "Content-Security-Policy: default-src 'none'; img-src 'self'; style-src-attr 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Writes the lines of one head.
pub struct Lines<'a>(&'a mut Vec<u8>);

impl<'a> Lines<'a> {
    /// Begins a head in `out`, whose old content goes. Its content runs nothing and stands in no frame, be it opened as a page.
    pub fn begin(out: &'a mut Vec<u8>, status: u16, date: &[u8]) -> Lines<'a> {
        let mut lines = Lines::begin_page(out, status, date);
        lines.fixed(NO_PAGE_POLICY);
        lines
    }

    /// The same for a picture, or pictures without end.
    pub fn begin_picture(out: &'a mut Vec<u8>, status: u16, date: &[u8]) -> Lines<'a> {
        let mut lines = Lines::begin_page(out, status, date);
        lines.fixed(PICTURE_POLICY);
        lines
    }

    /// The same for a page, which brings its own policy.
    pub fn begin_page(out: &'a mut Vec<u8>, status: u16, date: &[u8]) -> Lines<'a> {
        out.clear();
        out.extend_from_slice(b"HTTP/1.1 ");
        stamp::number(out, status.into());
        out.push(b' ');
        out.extend_from_slice(reason(status).as_bytes());
        out.extend_from_slice(b"\r\nDate: ");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
        let mut lines = Lines(out);
        lines.fixed("X-Content-Type-Options: nosniff").fixed("Referrer-Policy: no-referrer");
        lines
    }

    /// A line. The value must hold no line end.
    pub fn line(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.with(name, |out| out.extend(value.iter().filter(|b| !matches!(b, b'\r' | b'\n'))))
    }

    /// A line with a value that is known to hold no line end.
    pub fn fixed(&mut self, line: &'static str) -> &mut Self {
        self.0.extend_from_slice(line.as_bytes());
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// A line whose value is written by `write`.
    pub fn with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b": ");
        write(self.0);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// Ends the head of an answer with a body of `length` bytes.
    pub fn end(&mut self, length: usize, close: bool) {
        self.with("Content-Length", |out| stamp::number(out, length as u64));
        self.end_open(close);
    }

    /// Ends the head of an answer that has no length: a stream, or one without a body.
    pub fn end_open(&mut self, close: bool) {
        if close {
            self.fixed("Connection: close");
        }
        self.0.extend_from_slice(b"\r\n");
    }
}

/// What every error says.
#[derive(Serialize)]
struct Detail<'a> {
    detail: &'a str,
}

/// The body of an error.
pub fn detail(sentence: &str) -> Vec<u8> {
    json(&Detail { detail: sentence })
}

/// Any value as JSON.
pub fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("the face's own types have string keys and no failing parts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_its_lines_and_its_end() {
        let mut out = b"old".to_vec();
        let mut date = Date::default();
        let mut lines = Lines::begin(&mut out, 200, date.at(Wall::from_unix_ms(784_111_777_000)));
        lines.line("X-Odd", b"a\r\nSet-Cookie: b").end(12, true);
        let want = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Content-Type-Options: nosniff\r\n\
                    Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; img-src 'self'; \
                    base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\nX-Odd: aSet-Cookie: b\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn every_status_of_the_table_has_words() {
        for entry in &super::super::route::TABLE {
            for status in entry.answers {
                assert_ne!(reason(*status), "Unknown", "{status}");
            }
        }
    }
}
