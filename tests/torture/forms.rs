//! Requests that two readers could understand differently: each is answered 400 and its connection closed, and what hides
//! behind it is never answered.
//!
//! *hidden*: a whole request behind the odd one, which a reader that understood the odd one otherwise would answer, too.

use std::io::{Read, Write};

use super::common::{SpotterBox, open};

const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n";

/// Lines of a head that has a host already.
const LINES: [&str; 44] = [
    // Two lengths, or a length that is none.
    "Content-Length: 3\r\nContent-Length: 4\r\n",
    "Content-Length: 3\r\nContent-Length: 3\r\n",
    "Content-Length: 3\r\ncontent-length: 0\r\n",
    "Content-Length: 3, 3\r\n",
    "Content-Length: +3\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 0x3\r\n",
    "Content-Length: 3 3\r\n",
    "Content-Length: 3;\r\n",
    "Content-Length: ٣\r\n",
    "Content-Length:\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length : 3\r\n",
    "Content-Length\t: 3\r\n",
    // A length and chunks, and chunks alone, however they are written.
    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding: Chunked\r\n",
    "Transfer-Encoding:\tchunked\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding:\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding\u{b}: chunked\r\n",
    // Lines that go on, and lines that are none.
    "X: a\r\n b\r\n",
    "X: a\r\n\tb\r\n",
    "X: a\r\n Transfer-Encoding: chunked\r\n",
    " X: a\r\n",
    "X\r\n",
    ": a\r\n",
    "X Y: a\r\n",
    "(X): a\r\n",
    // Other ends of a line.
    "X: a\nContent-Length: 3\r\n",
    "X: a\rContent-Length: 3\r\n",
    "X: a\r\rY: b\r\n",
    // Characters that no line may hold.
    "X: a\0b\r\n",
    "X\0: a\r\n",
    "X: a\u{1}b\r\n",
    // More hosts than one.
    "Host: other\r\n",
    "hOST: box\r\n",
];

/// What stands for a host and is none.
const HOSTS: [&str; 10] =
    ["a b", "box, other", "box/evil", "user@box", "box?x", "box#x", "box\\x", "http://box", "b\"x", "[::1"];

/// Addresses, and first lines as a whole.
const TARGETS: [&str; 30] = [
    "http://box/healthz",
    "HTTP://box/healthz",
    "https://box/healthz",
    "box:80",
    "box",
    "*",
    "healthz",
    "?x",
    "../healthz",
    "/%",
    "/%4",
    "/%zz",
    "/%0",
    "/a#b",
    "/%00",
    "/a%00.jpg",
    "/a%0d%0aX:b",
    "/a%0a",
    "/%7f",
    "/..",
    "/../etc/passwd",
    "/a/%2e%2e/b",
    "/a/.%2E/b",
    "/%2E./b",
    "/./a",
    "/%2e/a",
    "/%c0%ae%c0%ae/a",
    "/%e0%80%ae%e0%80%ae/a",
    "/%ff",
    "/ä",
];

const WHOLE: [&str; 14] = [
    "GET /healthz\r\n\r\n",
    "GET /healthz HTTP/1.1 \r\nHost: box\r\n\r\n",
    "GET  /healthz HTTP/1.1\r\nHost: box\r\n\r\n",
    "GET /healthz  HTTP/1.1\r\nHost: box\r\n\r\n",
    "GET\t/healthz\tHTTP/1.1\r\nHost: box\r\n\r\n",
    " GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n",
    "GET /healthz HTTP/1.1\r\n Host: box\r\n\r\n",
    "GET /healthz HTTP/1.1\nHost: box\n\n",
    "GET /healthz HTTP/1.1\r\nHost: box\r\n\n",
    "GET /healthz HTTP/1.1\r\nHost: box\n\r\n",
    "G@T /healthz HTTP/1.1\r\nHost: box\r\n\r\n",
    "GET /heal\0thz HTTP/1.1\r\nHost: box\r\n\r\n",
    "GET /healthz HTTP/1.1\r\n\r\n",
    "\x16\x03\x01\0\x05GET / HTTP/1.1\r\nHost: box\r\n\r\n",
];

/// Bodies in chunks, whose sizes are wrong in every way that was ever made use of; the last is right and refused, too.
const CHUNKS: [&str; 9] = [
    "5;ext=\"\r\n\"\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-1\r\nhello\r\n0\r\n\r\n",
    "5\nhello\n0\n\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
];

fn forms() -> Vec<String> {
    let lines = LINES.map(|lines| format!("POST /login HTTP/1.1\r\nHost: box\r\n{lines}\r\nkey"));
    let targets = TARGETS.map(|target| format!("GET {target} HTTP/1.1\r\nHost: box\r\n\r\n"));
    let chunks =
        CHUNKS.map(|body| format!("POST /login HTTP/1.1\r\nHost: box\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
    let hosts = HOSTS.map(|host| format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    let whole = WHOLE.map(str::to_string);
    lines.into_iter().chain(targets).chain(chunks).chain(hosts).chain(whole).collect()
}

/// Everything that the box says to this until it hangs up.
fn said(spotter: &SpotterBox, text: &str) -> String {
    let mut socket = open(spotter.address);
    socket.write_all(text.as_bytes()).expect("the box takes requests");
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap_or_else(|why| panic!("{text:?}: it must close, not stay silent: {why}"));
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn what_two_readers_could_understand_differently_is_400_and_the_end() {
    let spotter = SpotterBox::start(&["--camera", "demo=demo:squat?size=64x48&fps=1"]);
    let control = said(&spotter, &format!("{HIDDEN}GET /healthz HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n"));
    assert_eq!(control.matches("HTTP/1.1 ").count(), 2, "in a row they are both answered: {control}");
    let forms = forms();
    let mut wrong = Vec::new();
    for form in &forms {
        let answer = said(&spotter, &format!("{form}{HIDDEN}"));
        let (answers, closes) = (answer.matches("HTTP/1.1 ").count(), answer.contains("\r\nConnection: close\r\n"));
        if !answer.starts_with("HTTP/1.1 400 ") || answers != 1 || !closes {
            wrong.push(format!("{form:?}: {:?}", answer.lines().next()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), forms.len(), wrong.join("\n"));
    println!("forms: {} were answered 400 and hung up on", forms.len());
}
