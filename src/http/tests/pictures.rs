//! Snapshots: the newest picture, made once, and a refusal that says why there is none.

use super::*;

#[test]
fn a_snapshot_is_the_newest_picture_and_says_which() {
    let face = face();
    let newest = face.show(0);
    let answer = face.get("/api/v1/cameras/rack/snapshot");
    assert_eq!((answer.status, &answer.body), (200, &bytes_of(newest, 100)));
    assert_eq!(answer.line("Content-Type"), Some("image/jpeg"));
    assert_eq!(answer.line("X-Frame-Id"), Some("2"));
    assert_eq!(answer.line("X-Frame-Timestamp"), Some("1994-11-06T08:49:37.042Z"));
    assert_eq!(answer.line("Cache-Control"), Some("no-cache"));
    assert!(answer.line("X-Frame-Age-Ms").unwrap().parse::<u64>().unwrap() < 20_000);
    for alias in ["/snapshot", "/?action=snapshot", "/snapshot?q=75&t=123", "/snapshot?w=640"] {
        assert_eq!(face.get(alias).body, answer.body, "{alias}");
    }
    face.show(1);
    assert_eq!(face.get("/api/v1/cameras/bench%202/snapshot").line("X-Frame-Id"), Some("1"));
}

#[test]
fn the_same_picture_is_not_sent_twice_to_who_has_it() {
    let face = face();
    let tag = face.get("/snapshot").line("ETag").unwrap().to_string();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".into()] {
        let answer = face.ask("GET /snapshot", &format!("If-None-Match: {known}\r\n"));
        assert_eq!((answer.status, answer.line("ETag")), (304, Some(tag.as_str())), "{known}");
    }
    assert_eq!(face.ask("GET /snapshot?q=50", &format!("If-None-Match: {tag}\r\n")).status, 200, "another variant");
    face.show(0);
    assert_eq!(face.ask("GET /snapshot", &format!("If-None-Match: {tag}\r\n")).status, 200, "another frame");
}

#[test]
fn a_picture_opened_by_itself_may_be_put_in_the_middle_and_a_refusal_may_not() {
    let face = face();
    let picture = face.get("/snapshot");
    let policy = picture.line("Content-Security-Policy").unwrap().to_string();
    assert!(policy.starts_with("default-src 'none'; img-src 'self'; style-src-attr 'unsafe-inline';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script"), "{policy}");
    let known = format!("If-None-Match: {}\r\n", picture.line("ETag").unwrap());
    for (asked, lines, status) in [("GET /snapshot", &known[..], 304), ("HEAD /stream", "", 200)] {
        let answer = face.ask(asked, lines);
        assert_eq!((answer.status, answer.line("Content-Security-Policy")), (status, Some(&policy[..])), "{asked}");
    }
    let refusal = face.get("/snapshot?q=0");
    assert_eq!(refusal.status, 422);
    assert!(!refusal.line("Content-Security-Policy").unwrap().contains("unsafe"));
}

#[test]
fn a_304_needs_no_encode() {
    let face = face();
    face.encode.store(false, Ordering::Relaxed);
    assert_eq!(face.ask("GET /snapshot?q=33", "If-None-Match: *\r\n").status, 304);
    assert_eq!(face.house.views[0].metrics().encodes.get(), 0);
}

#[test]
fn a_lost_camera_is_told_by_its_fault_and_an_unknown_one_by_its_absence() {
    let face = face();
    face.lose(0);
    for path in ["/snapshot", "/stream"] {
        let answer = face.get(path);
        assert_eq!((answer.status, answer.detail().as_str()), (404, "no picture for 5 s"), "{path}");
    }
    assert_eq!(face.get("/api/v1/cameras/bench%202/snapshot").detail(), "camera bench 2 has no picture yet");
    assert_eq!(face.get("/api/v1/cameras/nobody/snapshot").detail(), "there is no camera of this name");
}

#[test]
fn a_picture_that_was_waited_for_while_the_box_was_halted_is_not_shown_afterwards() {
    let settings = Settings { shot_timeout: PATIENCE, ..settings() };
    let face = face_with(settings, &["rack"], 100);
    face.encode.store(false, Ordering::Relaxed);
    // Shown so long ago that it may still be shown, for five seconds more; then nobody has had a turn to take it away.
    let view = &face.house.views[0];
    let published = Mono::from_ns(Mono::now().as_ns() - (STALL - Duration::from_secs(5)).as_nanos() as u64);
    let frame = Frame { id: view.next_id(), captured: published, layout: Layout::jpeg(640, 480), ..Frame::default() };
    view.publish(Arc::new(frame), published);
    let mut client = face.dial();
    client.send("GET /snapshot HTTP/1.1\r\nHost: box\r\n\r\n");
    eventually("old age", || Mono::now().since(published) > STALL + Duration::from_millis(600));
    face.encode.store(true, Ordering::Relaxed);
    let answer = client.answer(false);
    assert_eq!(answer.status, 404);
    assert_eq!(answer.detail(), "no picture for 60 s");
    assert_eq!(view.metrics().encodes.get(), 1, "it was waited for");
}

#[test]
fn numbers_out_of_their_range_are_422_and_say_the_range() {
    let face = face();
    for (query, ok) in [
        ("q=1", true),
        ("q=95", true),
        ("q=0", false),
        ("q=96", false),
        ("q=", false),
        ("q=a", false),
        ("w=16", true),
        ("w=640", true),
        ("w=15", false),
        ("w=641", false),
        ("w=-1", false),
        ("w=70000", false),
    ] {
        let status = face.get(&format!("/snapshot?{query}")).status;
        assert_eq!(status, if ok { 200 } else { 422 }, "{query}");
    }
    for query in ["fps=0", "fps=241", "fps=x", "q=0"] {
        assert_eq!(face.get(&format!("/stream?{query}")).status, 422, "{query}");
    }
    assert!(face.get("/snapshot?w=641").detail().contains("640"));
}

#[test]
fn a_picture_that_is_not_made_in_time_is_503() {
    let settings = Settings { shot_timeout: Duration::from_millis(20), ..settings() };
    let face = face_with(settings, &["rack"], 10);
    face.show(0);
    face.encode.store(false, Ordering::Relaxed);
    let answer = face.get("/snapshot");
    assert_eq!((answer.status, answer.line("Retry-After")), (503, Some("1")));
    face.encode.store(true, Ordering::Relaxed);
    eventually("it comes later", || face.get("/snapshot").status == 200);
}

#[test]
fn a_fifth_variant_is_served_when_a_new_frame_comes() {
    let face = face();
    for q in 1..=4 {
        assert_eq!(face.get(&format!("/snapshot?q={q}")).status, 200);
    }
    let mut fifth = face.dial();
    fifth.send("GET /snapshot?q=5 HTTP/1.1\r\nHost: box\r\n\r\n");
    face.show(0);
    assert_eq!(fifth.answer(false).status, 200);
}
