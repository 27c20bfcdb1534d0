//! Films of the demo's athlete as H.264, made by ffmpeg from the renderer's own pictures: a known exercise, a known number
//! of repetitions, and nothing of the program's own between the picture and the file.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use spotter::capture::demo::study::Study;
use spotter::capture::uri::DemoAddress;
use spotter::frame::Frame;

/// What the demo calls its exercises, and what the box calls them.
#[allow(dead_code, reason = "each test binary uses a part of it")]
pub const SHOWN: [(&str, &str); 4] =
    [("squat", "Squat"), ("curl", "Biceps Curl"), ("press", "Overhead Press"), ("deadlift", "Deadlift")];

/// A small, short film that a debug build looks at in seconds.
#[allow(dead_code, reason = "each test binary uses a part of it")]
pub fn small(exercise: &str, reps: u32, seed: u64) -> DemoAddress {
    DemoAddress { exercise: exercise.into(), reps, rest_s: 3.0, fps: 15.0, width: 320, height: 180, seed }
}

/// Films one round, the set and the rest after it, into `path`; its kind is told by its ending.
pub fn film(address: &DemoAddress, path: &Path) {
    let mut study = Study::plain(address);
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuvj420p"])
        .args(["-s", &format!("{}x{}", address.width, address.height), "-r", &address.fps.to_string(), "-i", "-"])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed");
    let mut input = ffmpeg.stdin.take().expect("it is piped");
    let mut frame = Frame::default();
    for number in 0..study.round() {
        study.picture(number, &mut frame);
        input.write_all(&frame.bytes).expect("ffmpeg takes pictures");
    }
    drop(input);
    assert!(ffmpeg.wait().expect("it is our child").success(), "ffmpeg makes {}", path.display());
}

/// A film in which nobody is.
#[allow(dead_code, reason = "each test binary uses a part of it")]
pub fn empty(path: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=10:duration=3"])
        .args(["-c:v", "libx264", "-pix_fmt", "yuv420p"])
        .arg(path)
        .status()
        .expect("ffmpeg is installed");
    assert!(made.success());
}
