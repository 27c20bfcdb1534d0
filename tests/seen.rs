//! What a box tells of the people it sees, and what it keeps to itself, by the front door: the real program with a stand-in
//! for a model that sees the same two people in every picture (`tests/browser/standin.py`).

mod common;

use common::{SpotterBox, request, until};
use serde_json::{Value, json};

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/standin.onnx");

/// A box whose config is `cameras` and the stand-in with `pose` beside it. The engine is named: which one `auto` takes
/// hangs on what is installed.
fn seeing(cameras: &str, pose: &str) -> SpotterBox {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("box.toml");
    std::fs::write(&config, format!("{cameras}\n[pose]\nmodel = \"{STAND_IN}\"\nengine = \"cpu\"\n{pose}\n")).unwrap();
    SpotterBox::start(&["--config", config.to_str().unwrap()])
}

fn camera(name: &str, lines: &str) -> String {
    format!("[[camera]]\nname = \"{name}\"\nsource = \"demo:squat?size=320x180&fps=20\"\n{lines}\n")
}

/// What the state says of camera `index` once `fits` holds of it.
fn state(spotter: &SpotterBox, index: usize, fits: impl Fn(&Value) -> bool) -> Value {
    until("a state that fits", || {
        let row = spotter.json("/api/v1/state")["cameras"][index].clone();
        if fits(&row) { Ok(row) } else { Err(row.to_string()) }
    })
}

#[test]
fn a_private_camera_gives_its_people_and_no_picture() {
    let spotter = seeing(&(camera("rack", "privacy = true") + &camera("open", "")), "");
    let row = state(&spotter, 0, |row| row["poses"].as_array().is_some_and(|poses| poses.len() == 2));
    assert_eq!(row["engine"], "cpu");
    let cameras = spotter.json("/api/v1/cameras");
    let told = |n: usize| (cameras[n]["privacy"].clone(), cameras[n]["pose"].clone(), cameras[n]["zone"].clone());
    assert_eq!(told(0), (json!(true), json!(true), Value::Null));
    assert_eq!(told(1), (json!(false), json!(true), Value::Null));
    for path in [
        "/api/v1/cameras/rack/snapshot",
        "/api/v1/cameras/rack/snapshot?q=999",
        "/api/v1/cameras/rack/stream",
        "/snapshot",
        "/stream",
        "/?action=snapshot",
        "/?action=stream",
    ] {
        for method in ["GET", "HEAD"] {
            let reply = request(spotter.address, method, path, &[], b"");
            assert_eq!(reply.status, 403, "{method} {path}");
            let said = r#"{"detail":"camera rack shows no pictures, only skeletons"}"#;
            assert_eq!(reply.text(), if method == "GET" { said } else { "" }, "{method} {path}");
        }
    }
    until("the other camera gives its picture", || match spotter.get("/api/v1/cameras/open/snapshot").status {
        200 => Ok(()),
        other => Err(other.to_string()),
    });
    assert_eq!(spotter.metric("spotter_encodes_total{camera=\"rack\"}"), 0.0);
    assert!(spotter.metric("spotter_encodes_total{camera=\"open\"}") > 0.0);
}

#[test]
fn only_who_stands_in_the_zone_is_followed() {
    // The larger of the two stands at (0.5, 0.9) of the picture, the smaller one at (0.16, 0.65).
    let zone = "zone = [[0.05, 0.5], [0.3, 0.5], [0.3, 0.8], [0.05, 0.8]]";
    let spotter = seeing(&(camera("anywhere", "") + &camera("corner", zone)), "");
    let athlete = |index: usize| {
        let row = state(&spotter, index, |row| row["athlete"]["pose"].is_u64());
        row["poses"][row["athlete"]["pose"].as_u64().unwrap() as usize]["score"].clone()
    };
    assert_eq!((athlete(0), athlete(1)), (json!(0.9), json!(0.8)));
    let cameras = spotter.json("/api/v1/cameras");
    assert_eq!(cameras[1]["zone"], json!([[0.05, 0.5], [0.3, 0.5], [0.3, 0.8], [0.05, 0.8]]));
}

#[test]
fn the_threshold_of_the_config_holds() {
    let spotter = seeing(&camera("rack", ""), "score = 0.85");
    let row = state(&spotter, 0, |row| row["frame_id"].as_u64() > Some(5));
    assert_eq!(row["poses"].as_array().unwrap().len(), 1);
}

#[test]
fn a_camera_that_nobody_looks_at_is_neither_followed_nor_measured() {
    let spotter = seeing(&camera("rack", "pose = false"), "");
    until("frames go by", || match spotter.metric("spotter_frames_captured_total{camera=\"rack\"}") {
        many if many > 20.0 => Ok(()),
        few => Err(few.to_string()),
    });
    let row = state(&spotter, 0, |row| row["connected"] == true);
    assert_eq!((&row["engine"], &row["frame_id"], &row["pose_fps"]), (&json!("off"), &json!(0), &json!(0.0)));
    assert_eq!((&row["athlete"], &row["angle"], &row["poses"]), (&Value::Null, &Value::Null, &json!([])));
    assert_eq!(spotter.metric("spotter_frames_inferred_total{camera=\"rack\"}"), 0.0);
    assert_eq!(spotter.json("/api/v1/cameras")[0]["pose"], false);
}

#[test]
fn the_admin_report_says_who_looks_and_how_long_it_takes() {
    let spotter = seeing(&(camera("rack", "") + &camera("shown", "pose = false")), "");
    state(&spotter, 0, |row| row["frame_id"].as_u64() > Some(3));
    let rows = spotter.json("/api/v1/admin")["cameras"].clone();
    assert_eq!((&rows[0]["engine"], &rows[1]["engine"]), (&json!("cpu"), &json!("off")));
    assert!(rows[0]["infer_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{rows}");
    assert_eq!((&rows[1]["infer_ms"], &rows[0]["pose_fault"]), (&Value::Null, &Value::Null));
}
