//! Requests and answers byte by byte, as they come over a line that is slow, in a hurry or broken.

use super::*;

#[test]
fn head_has_the_heads_of_get_and_no_body() {
    let face = face();
    for path in ["/snapshot", "/healthz", "/api/v1/cameras", "/", "/stream", "/api/v1/events"] {
        let mut client = face.dial();
        client.send(&format!("HEAD {path} HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n"));
        let head = client.head();
        assert_eq!((head.status, client.rest().as_str()), (200, ""), "{path}");
    }
    assert_eq!(face.ask("HEAD /snapshot", "").line("Content-Length"), Some("100"));
    assert_eq!(face.house.metrics.http.listeners.get(), 0);
}

#[test]
fn requests_in_a_row_are_answered_in_their_order_on_one_connection() {
    let face = face();
    let mut client = face.dial();
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n");
    let paths = ["/snapshot?q=7", "/nowhere", "/healthz", "/snapshot", "/login"];
    client.send(&(0..40).map(|i| one(paths[i % paths.len()])).collect::<String>());
    for i in 0..40 {
        assert_eq!(client.answer(false).status, [200, 404, 200, 200, 200][i % paths.len()], "{i}");
    }
    client.send(
        "POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\n\r\nkey=aGET /healthz HTTP/1.1\r\nHost: b\r\n\r\n",
    );
    assert_eq!((client.answer(false).status, client.answer(false).status), (303, 200));
}

#[test]
fn a_request_may_come_in_single_bytes() {
    let face = face();
    let mut client = face.dial();
    for byte in "POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\n\r\nkey=a".chars() {
        client.send(&byte.to_string());
    }
    assert_eq!(client.answer(false).status, 303);
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_closed() {
    let face = face();
    for (text, status) in [
        ("GET http://box/ HTTP/1.1\r\nHost: box\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: box\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: box\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: box\n\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: box\r\n\r\n", 400),
        ("\x16\x03\x01\0\x05", 400),
        ("GET / HTTP/2.0\r\nHost: box\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost: box\r\nExpect: tea\r\n\r\n", 417),
        ("POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 65537\r\n\r\n", 413),
    ] {
        let mut client = face.dial();
        client.send(text);
        let answer = client.answer(false);
        assert_eq!((answer.status, answer.line("Connection")), (status, Some("close")), "{text}");
        assert!(!answer.detail().is_empty());
        assert_eq!(client.rest(), "", "{text}");
    }
}

#[test]
fn heads_and_bodies_are_bounded_to_the_byte() {
    let settings = Settings { head_bytes: 256, body_bytes: 8, ..settings() };
    let face = face_with(settings, &["rack"], 10);
    let head = |length: usize| {
        let mut text = "GET /healthz HTTP/1.1\r\nHost: box\r\nX: ".to_string();
        text.push_str(&"y".repeat(length - text.len() - 4));
        text + "\r\n\r\n"
    };
    for (text, status) in [
        (head(256), 200),
        (head(257), 431),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(300)), 414),
        ("POST /login HTTP/1.1\r\nHost: b\r\nContent-Length: 8\r\n\r\nkey=aaaa".into(), 303),
        ("POST /login HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\nkey=aaaaa".into(), 413),
    ] {
        let mut client = face.dial();
        client.send(&text);
        assert_eq!(client.answer(false).status, status, "{text}");
    }
}

#[test]
fn a_client_that_expects_100_is_told_to_go_on() {
    let face = face();
    let mut client = face.dial();
    client.send("POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().status, 100);
    client.send("key=a");
    assert_eq!(client.answer(false).status, 303);
}

#[test]
fn a_head_that_does_not_come_in_time_is_408_and_an_idle_connection_is_closed() {
    let quick = Duration::from_millis(50);
    let settings = Settings { head_timeout: quick, idle_timeout: quick, ..settings() };
    let face = face_with(settings, &["rack"], 10);
    let mut slow = face.dial();
    slow.send("GET / HT");
    assert_eq!(slow.answer(false).status, 408);
    assert_eq!(slow.rest(), "");
    let mut body = face.dial();
    body.send("POST /login HTTP/1.1\r\nHost: box\r\nContent-Length: 5\r\n\r\nke");
    assert_eq!(body.answer(false).status, 408);
    assert_eq!(face.dial().rest(), "", "said nothing");
    let mut idle = face.dial();
    idle.send("GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((idle.answer(false).status, idle.rest().as_str()), (200, ""));
    eventually("every place is given back", || face.house.metrics.http.connections.get() == 0);
}

#[test]
fn one_that_does_not_read_its_picture_is_cut_off_and_holds_up_nobody() {
    let settings = Settings { write_timeout: Duration::from_millis(50), ..settings() };
    let face = face_with(settings, &["rack"], 32 * 1024 * 1024);
    face.show(0);
    let mut stubborn = face.dial();
    stubborn.send("GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(stubborn.head().status, 200);
    eventually("it is cut off", || face.house.metrics.http.connections.get() == 0);
    assert!(stubborn.rest().len() < 32 * 1024 * 1024);
    assert_eq!(face.get("/snapshot").body.len(), 32 * 1024 * 1024, "one that reads gets all of it");
}

#[test]
fn one_connection_too_many_is_refused_and_counted() {
    let settings = Settings { connections_per_peer: 3, ..settings() };
    let face = face_with(settings, &["rack"], 10);
    let mut kept: Vec<_> = (0..3).map(|_| face.dial()).collect();
    for client in &mut kept {
        client.send("GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
        assert_eq!(client.answer(false).status, 200);
    }
    let mut refused = face.dial();
    assert_eq!(refused.answer(false).status, 503);
    assert_eq!(face.house.metrics.http.refused.get(), 1);
    kept.pop();
    eventually("the place is free again", || {
        let mut client = face.dial();
        let _ = client.0.get_mut().write_all(b"GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n");
        let mut start = [0u8; 12];
        client.0.read_exact(&mut start).is_ok() && start.ends_with(b"200")
    });
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    let face = face();
    let mut client = face.dial();
    client.send("GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n");
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.answer(false).status, 200);
    assert_eq!(client.rest(), "");
}

#[test]
fn a_body_that_came_in_parts_takes_nothing_from_the_next_request() {
    // One worker, so that what another client is answered tells that the first one's bytes were read before.
    let face = face_with(Settings { workers: 1, ..settings() }, &["rack"], 10);
    face.show(0);
    face.encode.store(false, Ordering::Relaxed);
    let mut client = face.dial();
    client.send("GET /snapshot HTTP/1.1\r\nHost: box\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n12345");
    assert_eq!(client.head().status, 100);
    client.send("67890");
    assert_eq!(face.get("/healthz").status, 200);
    client.send("GET /login HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(face.get("/healthz").status, 200);
    face.encode.store(true, Ordering::Relaxed);
    assert_eq!((client.answer(false).status, client.answer(false).status), (200, 200));
}

#[test]
fn a_last_answer_comes_whole_although_the_client_sent_more_than_a_request() {
    let size = 8 * 1024 * 1024;
    let face = face_with(settings(), &["rack"], size);
    face.show(0);
    let mut client = face.dial();
    let more = "x".repeat(48 * 1024);
    client.send(&format!("GET /snapshot HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n{more}"));
    assert_eq!(client.answer(false).body.len(), size);
    assert_eq!(client.rest(), "");
    drop(client);
    eventually("the place is given back", || face.house.metrics.http.connections.get() == 0);
}
