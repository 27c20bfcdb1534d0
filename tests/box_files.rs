//! A box whose every camera is a recording: it looks at every frame, ends when all have ended, and says what it cannot
//! read in one sentence.

mod common;
mod helpers;

use std::path::Path;
use std::process::{Command, Output};

fn film(path: &Path, seconds: u32) {
    let source = format!("testsrc=size=160x120:rate=30:duration={seconds}");
    let done = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "lavfi", "-i", &source, "-c:v", "mpeg4"])
        .arg(path)
        .status()
        .expect("ffmpeg is installed");
    assert!(done.success());
}

fn run(config: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("spotter.toml");
    std::fs::write(&file, config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_spotter"))
        .args(["run", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .arg("--data-dir")
        .arg(folder.path())
        .output()
        .expect("the binary was just built")
}

fn camera(name: &str, path: &Path) -> String {
    format!("[[camera]]\nname = \"{name}\"\nsource = \"file:{}\"\npace = \"full\"\n", path.display())
}

#[test]
fn a_box_of_recordings_ends_when_all_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (long, short) = (folder.path().join("long.mp4"), folder.path().join("short.mp4"));
    film(&long, 3);
    film(&short, 1);
    let output = run(&(camera("long", &long) + &camera("short", &short) + "[pose]\nmodel = \"demo\"\n"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for (name, frames) in [("long", 90), ("short", 30)] {
        let count = format!("camera {name}: of the recording {frames} frames were read and {frames} looked at");
        assert!(said.contains(&count), "{count}: {said}");
    }
}

#[test]
fn what_cannot_be_read_is_one_sentence_and_the_box_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty.mp4"), b"").unwrap();
    std::fs::write(path("text.mp4"), "no film, only words\n".repeat(50)).unwrap();
    for (name, want) in [
        ("empty.mp4", "is not a video that can be read"),
        ("text.mp4", "is not a video that can be read"),
        ("none.mp4", "there is no"),
    ] {
        let output = run(&camera("film", &path(name)));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        let sentences = said.lines().filter(|line| line.contains("camera film:")).count();
        assert!(said.contains(want) && sentences == 1, "{name}: {said}");
    }
}

#[test]
fn half_a_film_shows_what_it_has_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, half) = (folder.path().join("whole.avi"), folder.path().join("half.avi"));
    film(&whole, 3);
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let output = run(&camera("film", &half));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("there is a picture"), "{said}");
}
