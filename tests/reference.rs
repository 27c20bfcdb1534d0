//! `POST /api/v1/reference` at the front door: films of the demo's athlete are brought by curl, as a body and as a form, and
//! become prototypes; what shows nobody does not. A poses file does as well as a film.

mod common;
mod film;

use std::path::Path;
use std::process::Command;

use common::SpotterBox;
use serde_json::{Value, json};

/// What curl is answered: the status and the JSON.
fn curl(spotter: &SpotterBox, arguments: &[&str]) -> (u64, Value) {
    let url = format!("http://{}/api/v1/reference?exercise_name=My%20Squat", spotter.address);
    let out = Command::new("curl").args(["-sS", "-w", "\n%{http_code}"]).args(arguments).arg(url).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&out.stderr)));
    (status.parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn of(path: &Path, before: &str) -> String {
    format!("{before}@{}", path.display())
}

#[test]
fn a_film_becomes_a_prototype_and_an_empty_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (squat, nobody) = (dir.path().join("squat.mp4"), dir.path().join("nobody.mp4"));
    film::film(&film::small("squat", 4, 1), &squat);
    film::empty(&nobody);
    let data = dir.path().join("data");
    let data_dir = data.to_str().unwrap();
    let spotter = SpotterBox::start(&["--camera", "a=demo:squat?size=160x120&fps=5", "--data-dir", data_dir]);
    let (status, first) = curl(&spotter, &["--data-binary", &of(&squat, "")]);
    assert_eq!((status, &first), (200, &json!({"id": first["id"], "exercise": "My Squat", "reps": 4})));
    let (status, second) = curl(&spotter, &["-F", "note=mine", "-F", &of(&squat, "clip=")]);
    assert_eq!((status, &second["reps"]), (200, &json!(4)), "{second}");
    let kept = spotter.json("/api/v1/prototypes");
    let rows: Vec<_> = kept.as_array().unwrap().iter().map(|row| (&row["id"], &row["exercise"])).collect();
    assert_eq!(rows, [(&first["id"], &json!("My Squat")), (&second["id"], &json!("My Squat"))]);
    for arguments in [["--data-binary", &of(&nobody, "")], ["-F", &of(&nobody, "clip=")]] {
        let refused = curl(&spotter, &arguments);
        assert_eq!(refused, (422, json!({"detail": "nobody is seen in this clip"})));
    }
    let left = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.contains("clip")).count(), 0);
    assert_eq!(spotter.json("/api/v1/prototypes").as_array().unwrap().len(), 2);
}

#[test]
fn a_poses_file_becomes_a_prototype_and_one_that_does_not_fit_is_refused_with_its_line() {
    const POSES: &str = "Content-Type: application/jsonl; charset=utf-8";
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let camera = "a=demo:squat?size=160x120&fps=5";
    let spotter = SpotterBox::start(&["--camera", camera, "--data-dir", data.to_str().unwrap()]);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/demo_squat.jsonl");
    let raw = ["-H", POSES, "--data-binary"];
    for arguments in [[&raw[..], &[&of(&golden, "")]].concat(), vec!["-F", &of(&golden, "clip=")]] {
        let (status, answer) = curl(&spotter, &arguments);
        assert_eq!((status, &answer["exercise"], &answer["reps"]), (200, &json!("My Squat"), &json!(5)), "{answer}");
    }
    assert_eq!(spotter.json("/api/v1/prototypes").as_array().unwrap().len(), 2);
    let broken = dir.path().join("broken.jsonl");
    for (text, why) in [
        (
            "{\"t\":1,\"poses\":[]}\n{\"t\":0.5,\"poses\":[]}\n".to_string(),
            "line 2 of this clip does not fit: t goes back from 1 to 0.5",
        ),
        ("{\"size\":[640,480]}\n{\"t\":1,\"poses\":[]}\n".into(), "nobody is seen in this clip"),
        (
            (0..=120).map(|t| format!("{{\"t\":{t},\"poses\":[]}}\n")).collect(),
            "this clip is too long; 120 s and 5000 pictures are looked at",
        ),
    ] {
        std::fs::write(&broken, text).unwrap();
        let refused = curl(&spotter, &[&raw[..], &[&of(&broken, "")]].concat());
        assert_eq!(refused, (422, json!({"detail": why})));
    }
    // By its content type it would be a film.
    let film = curl(&spotter, &["-H", "Content-Type: video/mp4", "--data-binary", &of(&golden, "")]);
    assert_eq!(film, (422, json!({"detail": "the clip is not a video that can be read"})));
}

#[test]
fn a_playlist_and_a_film_of_huge_pictures_are_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let (list, huge) = (dir.path().join("list.mp4"), dir.path().join("huge.mp4"));
    std::fs::write(&list, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
        .unwrap();
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "lavfi", "-i", "color=size=8192x4096:rate=1:duration=1"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
        .arg(&huge)
        .status();
    assert!(made.unwrap().success());
    let data = dir.path().join("data");
    let camera = "a=demo:squat?size=160x120&fps=5";
    let spotter = SpotterBox::start(&["--camera", camera, "--data-dir", data.to_str().unwrap()]);
    for (path, why) in [
        (&list, "the clip is not a video that can be read"),
        (&huge, "the clip failed: its pictures have more than 4096 x 4096 pixels"),
    ] {
        assert_eq!(curl(&spotter, &["--data-binary", &of(path, "")]), (422, json!({"detail": why})));
    }
}
