//! Programs that nobody here wrote read the stream at mjpg-streamer's addresses: FFmpeg, GStreamer and curl.

mod common;

use std::process::{Command, Output};

use common::{SpotterBox, until};

fn demo() -> SpotterBox {
    let spotter = SpotterBox::start(&["--camera", "demo=demo:squat?size=320x240&fps=15"]);
    until("a picture", || match spotter.get("/snapshot").status {
        200 => Ok(()),
        other => Err(other.to_string()),
    });
    spotter
}

fn run(program: &str, args: &[&str]) -> Output {
    // A client that never ends is a failure and not a hanging test.
    let output = Command::new("timeout").arg("60").arg(program).args(args).output().expect("the client is installed");
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn ffmpeg_reads_the_stream() {
    let spotter = demo();
    for path in ["/stream", "/?action=stream"] {
        let url = format!("http://{}{path}", spotter.address);
        let output =
            run("ffmpeg", &["-loglevel", "error", "-f", "mpjpeg", "-i", &url, "-frames:v", "5", "-f", "framemd5", "-"]);
        let text = String::from_utf8_lossy(&output.stdout);
        let frames = text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(frames, 5, "{path}: {text}");
    }
}

#[test]
fn gstreamer_reads_the_stream() {
    let spotter = demo();
    let location = format!("location=http://{}/stream", spotter.address);
    let folder = tempfile::tempdir().unwrap();
    let pictures = format!("location={}/%d.raw", folder.path().display());
    let pipeline = [
        "-q",
        "souphttpsrc",
        &location,
        "num-buffers=60",
        "!",
        "multipartdemux",
        "!",
        "jpegdec",
        "!",
        "multifilesink",
        &pictures,
    ];
    run("gst-launch-1.0", &pipeline);
    let sizes: Vec<u64> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).collect();
    assert!(!sizes.is_empty() && sizes.iter().all(|size| *size == 320 * 240 * 3 / 2), "{sizes:?}");
}

#[test]
fn curl_takes_a_snapshot_by_the_old_address() {
    let spotter = demo();
    let url = format!("http://{}/?action=snapshot", spotter.address);
    let picture = run("curl", &["-sSf", &url]).stdout;
    assert_eq!(turbojpeg::read_header(&picture).map(|h| (h.width, h.height)).ok(), Some((320, 240)));
}
