//! Clips that are brought to be looked at: what is wrong with one is told, and nothing of it is left.

use super::*;

/// A face that takes clips of up to 1 MiB into `folder`; whoever looks at them finds nobody.
pub(super) fn clip_face(folder: &std::path::Path, change: impl FnOnce(&mut Settings)) -> Face {
    let mut own = Settings { data_dir: folder.into(), clip_bytes: 1 << 20, ..settings() };
    change(&mut own);
    let log = folder.join("log");
    face_of(own, &["rack"], 100, move |crew, stop| {
        let settings = crate::store::Settings { folder: log, ..crate::store::Settings::default() };
        let store = Store::start(settings, crate::metrics::StoreMetrics::default(), crew, stop).unwrap();
        let engine = crate::pose::Engine::Replay { takes: Duration::ZERO };
        (Some(store), Reference::new(&engine, Duration::from_secs(5), stop))
    })
}

pub(super) const REFERENCE: &str = "POST /api/v1/reference?exercise_name=Row HTTP/1.1\r\nHost: box\r\n";
pub(super) const FORM: &str = "Content-Type: multipart/form-data; boundary=b\r\n";
pub(super) const NO_VIDEO: &str = "the clip is not a video that can be read";

pub(super) fn form_of(film: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"clip\"; filename=\"a.mp4\"\r\n\r\n{film}\r\n--b--\r\n")
}

/// What is answered to a clip of `length` bytes of which `body` is sent.
fn bring(face: &Face, lines: &str, length: u64, body: &str) -> Answer {
    let mut client = face.dial();
    client.send(&format!("{REFERENCE}{lines}Content-Length: {length}\r\n\r\n"));
    client.send(body);
    let answer = client.answer(false);
    assert_eq!(answer.line("Connection"), Some("close"));
    client.rest();
    answer
}

fn nothing_is_left(folder: &std::path::Path) {
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["log"]);
}

#[test]
fn a_clip_that_is_no_film_is_told_so_as_a_body_and_as_a_form() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |_| ());
    let film = "this is no film\n".repeat(10_000);
    let form = form_of(&film);
    for (lines, body) in [("", &film), ("Content-Type: video/mp4\r\n", &film), (FORM, &form)] {
        let answer = bring(&face, lines, body.len() as u64, body);
        assert_eq!((answer.status, answer.detail().as_str()), (422, NO_VIDEO), "{lines}");
    }
    nothing_is_left(dir.path());
}

#[test]
fn a_form_may_come_in_pieces_and_a_bad_one_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |_| ());
    let form = form_of("no film");
    let mut client = face.dial();
    client.send(&format!("{REFERENCE}{FORM}Content-Length: {}\r\n\r\n", form.len()));
    for byte in form.chars() {
        client.send(&byte.to_string());
    }
    assert_eq!(client.answer(false).detail(), NO_VIDEO);
    let twice = form_of("x").replace("--b--\r\n", "") + &form_of("y");
    for (body, why) in [
        (form.replace("\"clip\"", "\"film\""), "the form has no field clip"),
        (form.replace("--b--", "--c--"), "the form is not well formed"),
        (twice, "the form has the field clip twice"),
    ] {
        let answer = bring(&face, FORM, body.len() as u64, &body);
        assert_eq!((answer.status, answer.detail().as_str()), (422, why));
    }
    let answer = bring(&face, "Content-Type: multipart/form-data\r\n", 9, "");
    assert_eq!((answer.status, answer.detail().as_str()), (422, "the form has no usable boundary"));
    nothing_is_left(dir.path());
}

#[test]
fn what_is_wrong_with_a_clip_is_told_before_it_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |own| own.api_key = Some("k".into()));
    let key = "X-Api-Key: k\r\n";
    // Nothing of the body is ever sent.
    assert_eq!(bring(&face, "", 9, "").status, 401);
    let foreign = bring(&face, &format!("{key}Origin: http://other\r\n"), 9, "");
    assert_eq!((foreign.status, foreign.detail()), (403, "this request comes from a page of another host".into()));
    let long = bring(&face, key, (1 << 20) + 1, "");
    assert_eq!((long.status, long.detail()), (413, "a clip may have 1 MiB".into()));
    assert_eq!(bring(&face, key, 0, "").detail(), "the body must be a recorded clip");
    let names = ["", "?exercise_name=", "?exercise_name=%20", "?exercise_name=a%0ab", "?other=1"];
    for query in names.map(String::from).into_iter().chain([format!("?exercise_name={}", "n".repeat(65))]) {
        let answer = face.ask(&format!("POST /api/v1/reference{query}"), &format!("{key}Content-Length: 9\r\n"));
        let said = "exercise_name must be the exercise's name, at most 64 characters";
        assert_eq!((answer.status, answer.detail().as_str()), (422, said), "{query}");
    }
    let whole = "x".repeat(1 << 20);
    assert_eq!(bring(&face, key, 1 << 20, &whole).detail(), NO_VIDEO, "the longest that is allowed");
    nothing_is_left(dir.path());
    let blind = face_with(settings(), &[], 1);
    assert_eq!(bring(&blind, "", 9, "").detail(), "nobody looks at pictures in this box: it has no model");
}

#[test]
fn a_second_clip_waits_for_the_first_and_a_slow_one_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |own| own.head_timeout = Duration::from_secs(1));
    let mut slow = face.dial();
    slow.send(&format!("{REFERENCE}Expect: 100-continue\r\nContent-Length: 99\r\n\r\n"));
    assert_eq!(slow.head().status, 100, "it is told to go on");
    slow.send("no ");
    let second = bring(&face, "", 9, "");
    assert_eq!((second.status, second.line("Retry-After")), (503, Some("1")));
    assert_eq!(second.detail(), "another clip is being taken; ask again when it is done");
    let late = slow.answer(false);
    assert_eq!((late.status, late.detail()), (408, "the request did not come in time".into()));
    assert_eq!(bring(&face, "", 7, "no film").detail(), NO_VIDEO, "the place is free again");
    nothing_is_left(dir.path());
}

#[test]
fn a_clip_that_breaks_off_leaves_nothing_and_frees_its_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("clip.part"), "what a crash left").unwrap();
    let face = clip_face(dir.path(), |_| ());
    let mut client = face.dial();
    client.send(&format!("{REFERENCE}Content-Length: 99\r\n\r\nhalf"));
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    let answer = client.answer(false);
    assert_eq!((answer.status, answer.detail()), (400, "the clip broke off".into()));
    assert_eq!(bring(&face, "", 7, "no film").detail(), NO_VIDEO);
    nothing_is_left(dir.path());
}

#[test]
fn a_clip_for_which_there_is_no_room_is_503() {
    let dir = tempfile::tempdir().unwrap();
    let face = clip_face(dir.path(), |own| own.data_dir = "/proc/nowhere".into());
    let answer = bring(&face, "", 7, "no film");
    assert_eq!(answer.status, 503);
    assert!(answer.detail().starts_with("the clip cannot be written: "), "{}", answer.detail());
}
