//! What goes on: streams of pictures and of events, to viewers who are quick, slow or many.

use super::*;

#[test]
fn a_stream_is_a_row_of_whole_parts_and_ends_when_the_camera_is_lost() {
    let face = face();
    let mut viewer = face.dial();
    viewer.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    let head = viewer.head();
    assert_eq!(head.line("Content-Type"), Some("multipart/x-mixed-replace; boundary=frame"));
    assert_eq!(viewer.line(), "--frame");
    assert_eq!(viewer.part(), (1, bytes_of(1, 100)));
    for _ in 0..5 {
        let id = face.show(0);
        assert_eq!(viewer.part(), (id, bytes_of(id, 100)), "sent as soon as it is there");
    }
    assert_eq!(face.house.views[0].status(Mono::now()).viewers, 1);
    face.lose(0);
    assert_eq!(viewer.rest(), "\r\n--frame--\r\n");
    eventually("the place is given back", || face.house.views[0].status(Mono::now()).viewers == 0);
    assert_eq!(face.house.metrics.http.connections.get(), 0);
}

#[test]
fn many_viewers_cost_one_encode_a_frame() {
    let face = face();
    let mut viewers: Vec<_> = (0..20).map(|_| face.dial()).collect();
    for viewer in &mut viewers {
        viewer.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
        assert_eq!((viewer.head().status, viewer.line().as_str()), (200, "--frame"));
        viewer.part();
    }
    for _ in 0..10 {
        let id = face.show(0);
        viewers.iter_mut().for_each(|v| assert_eq!(v.part().0, id));
    }
    assert_eq!(face.house.views[0].metrics().encodes.get(), 11);
    let answer = face.get("/stream");
    assert_eq!(answer.status, 503, "one viewer too many");
    drop(viewers);
    eventually("all places are given back", || face.house.views[0].status(Mono::now()).viewers == 0);
}

#[test]
fn a_slow_viewer_skips_to_the_newest_and_each_skip_is_counted() {
    let face = face_with(settings(), &["rack"], 16 * 1024 * 1024);
    face.show(0);
    let mut slow = face.dial();
    slow.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((slow.head().status, slow.line().as_str()), (200, "--frame"));
    let mut quick = face.dial();
    quick.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((quick.head().status, quick.line().as_str()), (200, "--frame"));
    assert_eq!(quick.part().0, 1);
    for _ in 0..4 {
        let id = face.show(0);
        assert_eq!(quick.part().0, id, "the slow one does not hold it up");
    }
    assert_eq!(slow.part().0, 1);
    assert_eq!(slow.part().0, 5, "2, 3 and 4 are skipped");
    let counted = face.house.views[0].metrics().drop_of(Dropped::SlowViewer).get();
    assert!(counted >= 3, "{counted}");
}

#[test]
fn a_paced_viewer_is_sent_no_more_than_it_asked_for() {
    let face = face();
    let mut viewer = face.dial();
    viewer.send("GET /stream?fps=0.1 HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((viewer.head().status, viewer.line().as_str()), (200, "--frame"));
    assert_eq!(viewer.part().0, 1);
    let mut other = face.dial();
    other.send("GET /stream HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!((other.head().status, other.line().as_str()), (200, "--frame"));
    for _ in 0..5 {
        other.part();
        face.show(0);
    }
    face.lose(0);
    assert_eq!(viewer.rest(), "\r\n--frame--\r\n", "nothing between the first picture and the end");
}

#[test]
fn events_begin_with_the_present_and_go_on_with_what_happens() {
    let face = face_with(Settings { event_viewers: 1, ..settings() }, &["rack", "door"], 10);
    face.show(0);
    let mut listener = face.dial();
    listener.send("GET /api/v1/events HTTP/1.1\r\nHost: box\r\n\r\n");
    assert_eq!(listener.head().line("Content-Type"), Some("text/event-stream"));
    let mut next = || {
        let name = listener.line();
        let data = listener.line();
        assert_eq!(listener.line(), "");
        (name, serde_json::from_str::<serde_json::Value>(data.strip_prefix("data: ").unwrap()).unwrap())
    };
    for (camera, connected) in [("rack", true), ("door", false)] {
        let (name, data) = next();
        assert_eq!(
            (name.as_str(), &data["camera"], &data["connected"]),
            ("event: camera", &camera.into(), &connected.into())
        );
    }
    face.lose(0);
    let (_, data) = next();
    assert_eq!((&data["connected"], &data["fault"]["kind"]), (&false.into(), &"stalled".into()));
    assert_eq!(face.get("/api/v1/events").status, 503, "one listener too many");
    face.show(1);
    assert_eq!(next().1["camera"], "door");
}
