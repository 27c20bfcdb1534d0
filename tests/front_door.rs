//! The real binary on the demo camera, asked over real HTTP: what a user relies on, from the first snapshot to the end.

mod common;

use std::io::{Read, Write};

use common::{Parts, SpotterBox, kill, open, request, until};

const SNAPSHOT: &str = "/api/v1/cameras/demo/snapshot";

fn demo(more: &[&str]) -> SpotterBox {
    let size = ["--camera", "demo=demo:squat?size=320x240&fps=30"];
    let spotter = SpotterBox::start(&[&size, more].concat());
    until("the first frame", || match spotter.get(SNAPSHOT).status {
        200 => Ok(()),
        other => Err(other.to_string()),
    });
    spotter
}

#[test]
fn a_box_without_a_config_shows_the_demo() {
    let spotter = SpotterBox::start(&[]);
    let reply = until("a snapshot", || match spotter.get("/snapshot") {
        reply if reply.status == 200 => Ok(reply),
        reply => Err(reply.text()),
    });
    assert_eq!(reply.header("content-type"), Some("image/jpeg"));
    let header = turbojpeg::read_header(&reply.body).unwrap();
    assert_eq!((header.width, header.height), (1280, 720));
}

#[test]
fn one_picture_is_encoded_once_and_an_etag_saves_sending_it() {
    let spotter = demo(&["--camera", "slow=demo:squat?size=64x48&fps=1"]);
    let path = "/api/v1/cameras/slow/snapshot?q=60";
    let first = until("a snapshot", || match spotter.get(path) {
        reply if reply.status == 200 => Ok(reply),
        reply => Err(reply.text()),
    });
    let encodes = || spotter.metric("spotter_encodes_total{camera=\"slow\"}");
    let (before, tag) = (encodes(), first.header("etag").expect("an ETag").to_string());
    let mut same_frame = 0;
    for _ in 0..50 {
        let again = request(spotter.address, "GET", path, &[("If-None-Match", &tag)], b"");
        if again.status == 304 {
            assert!(again.body.is_empty());
            same_frame += 1;
        }
    }
    let newest = spotter.json("/api/v1/cameras")[1]["frame_id"].as_u64().unwrap();
    let first_id: u64 = first.header("x-frame-id").unwrap().parse().unwrap();
    assert!(same_frame > 0);
    assert!(encodes() - before <= (newest - first_id) as f64, "more encodes than frames");
}

#[test]
fn a_stream_gives_growing_frames_and_stops_encoding_when_it_is_closed() {
    let spotter = demo(&[]);
    let mut parts = Parts::open(spotter.address, "/api/v1/cameras/demo/stream?q=50");
    let ids: Vec<u64> = (0..20).map(|_| parts.next_part().expect("a part").frame_id).collect();
    assert!(ids.windows(2).all(|w| w[0] < w[1]), "{ids:?}");
    drop(parts);
    let viewers = || spotter.json("/api/v1/cameras")[0]["viewers"].as_u64().unwrap();
    until("the viewer is gone", || if viewers() == 0 { Ok(()) } else { Err(viewers().to_string()) });
    // One wish may have been left for the frame after the last one; after that nobody looks and nothing is encoded.
    let state = || {
        let row = &spotter.json("/api/v1/cameras")[0];
        (row["frame_id"].as_u64().unwrap(), row["encodes"].as_u64().unwrap())
    };
    let (frame, encodes) = state();
    let (later, encodes_later) =
        until(
            "thirty frames more",
            || if state().0 > frame + 30 { Ok(state()) } else { Err(format!("{:?}", state())) },
        );
    assert!(encodes_later - encodes <= 1, "{} frames, {} encodes for nobody", later - frame, encodes_later - encodes);
}

#[test]
fn the_first_sigterm_ends_a_box_with_open_streams_in_order() {
    let mut spotter = demo(&[]);
    let mut streams: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = open(spotter.address);
            write!(stream, "GET /api/v1/cameras/demo/stream HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut first = [0; 12];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            stream
        })
        .collect();
    spotter.signal("TERM");
    assert_eq!(spotter.wait(), 0);
    for stream in &mut streams {
        let mut rest = Vec::new();
        // Closed, not left open: a read comes to the end.
        let _ = stream.read_to_end(&mut rest);
    }
}

#[test]
fn a_library_that_hangs_holds_up_neither_the_other_cameras_nor_the_end() {
    // The picture takes a minute, and closing the pipeline waits for it: the capture thread is stuck in the library.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("spotter.toml");
    let stuck = "gst:videotestsrc is-live=true ! identity sleep-time=60000000 ! video/x-raw,format=I420";
    let cameras = [("stuck", stuck), ("demo", "demo:squat?size=320x240")]
        .map(|(name, source)| format!("[[camera]]\nname = \"{name}\"\nsource = \"{source}\"\n"));
    std::fs::write(&config, format!("[capture]\nstall_s = 1\n{}", cameras.concat())).unwrap();
    let mut spotter = SpotterBox::start(&["--config", config.to_str().unwrap()]);
    let stuck_state = || spotter.json("/api/v1/cameras")[0].clone();
    until("the other camera has a picture", || match spotter.get(SNAPSHOT).status {
        200 => Ok(()),
        other => Err(other.to_string()),
    });
    // The fault is told after the pipeline was closed, so while nothing is told the thread is inside the library.
    let begun = std::time::Instant::now();
    until("three stall times have passed", || match begun.elapsed().as_secs() {
        0..3 => Err(stuck_state().to_string()),
        _ => Ok(()),
    });
    assert_eq!(spotter.get("/api/v1/cameras/stuck/snapshot").status, 404);
    assert_eq!(spotter.get(SNAPSHOT).status, 200);
    let asked = std::time::Instant::now();
    spotter.signal("TERM");
    assert_eq!(spotter.wait(), 0);
    println!("blocked camera: ended_ms={}", asked.elapsed().as_millis());
    // Far less than the minute that the library would take; the 2 s that are promised are measured, not asserted, since
    // this machine may be loaded.
    assert!(asked.elapsed().as_secs() < 20);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut spotter = demo(&[]);
    // Stopped, so that it cannot have handled the first before the second is there.
    // The signal is sent before every thread has stopped, and one that still runs would handle the first.
    kill(spotter.child.id(), "STOP");
    let stopped = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    until("every thread has stopped", || {
        let mut tasks =
            std::fs::read_dir(format!("/proc/{}/task", spotter.child.id())).map_err(|why| why.to_string())?;
        if tasks.all(stopped) { Ok(()) } else { Err("one still runs".to_string()) }
    });
    kill(spotter.child.id(), "TERM");
    kill(spotter.child.id(), "INT");
    kill(spotter.child.id(), "CONT");
    assert_eq!(spotter.wait(), 1);
}

#[test]
fn the_log_is_open_and_a_data_directory_that_is_none_stops_no_picture() {
    let spotter = demo(&[]);
    until("the log is open", || match spotter.metric("spotter_store_up ") {
        1.0 => Ok(()),
        other => Err(other.to_string()),
    });
    let file = tempfile::NamedTempFile::new().expect("there is room for a file");
    let spotter = demo(&["--data-dir", file.path().to_str().expect("a plain path")]);
    until("the log has failed", || match spotter.metric("spotter_store_failures_total ") {
        0.0 => Err("not yet".into()),
        count => Ok(count),
    });
    assert_eq!(spotter.metric("spotter_store_up "), 0.0);
    assert_eq!(spotter.get(SNAPSHOT).status, 200);
}

#[test]
fn a_port_in_use_is_said_and_fails() {
    let first = demo(&[]);
    let listen = first.address.to_string();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spotter"))
        .args(["run", "--data-dir", env!("CARGO_TARGET_TMPDIR"), "--listen", &listen])
        .output()
        .expect("the binary was just built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("{listen} is in use by another program")), "{said}");
}

#[test]
fn a_missing_camera_answers_404_with_its_sentence_and_the_others_go_on() {
    let spotter = demo(&["--camera", "gone=v4l2:/dev/spotter-none"]);
    let reply = until("the fault is known", || {
        let reply = spotter.get("/api/v1/cameras/gone/snapshot");
        if reply.text().contains("there is no") { Ok(reply) } else { Err(reply.text()) }
    });
    assert_eq!(reply.status, 404);
    assert_eq!(spotter.get(SNAPSHOT).status, 200);
    let row = &spotter.json("/api/v1/cameras")[1];
    assert_eq!((row["connected"].as_bool(), row["fault"]["kind"].as_str()), (Some(false), Some("no_device")));
}

#[test]
fn every_thread_is_named_and_counted() {
    let spotter = demo(&[]);
    let threads = std::fs::read_dir(format!("/proc/{}/task", spotter.child.id())).unwrap();
    let real: Vec<String> =
        threads.map(|t| std::fs::read_to_string(t.unwrap().path().join("comm")).unwrap().trim().to_string()).collect();
    let admin = spotter.json("/api/v1/admin");
    let names = |list: &str| -> Vec<String> {
        let rows = admin[list].as_array().unwrap_or_else(|| panic!("{list}: {admin}"));
        rows.iter().map(|row| row["name"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(names("tasks").len(), real.len(), "{real:?}\n{admin}");
    assert!(names("threads").iter().all(|own| real.contains(own)), "{real:?}\n{admin}");
    for name in ["cap:demo", "pose:demo", "jpeg:demo"] {
        assert!(real.iter().any(|r| r == name), "{name} in {real:?}");
    }
}

#[test]
fn the_bench_server_says_where_it_is_and_ends_with_the_pipe_that_started_it() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    for json in [false, true] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotter"));
        command.args(["bench", "http", "--seconds", "600", "--body-bytes", "1000"]);
        if json {
            command.arg("--json");
        }
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut served = piped.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(served.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = match json {
            true => serde_json::from_str::<serde_json::Value>(&line).unwrap()["address"].as_str().unwrap().to_string(),
            false => line.trim_end().to_string(),
        };
        let reply = request(address.parse().unwrap(), "GET", "/snapshot", &[], b"");
        assert_eq!((reply.status, reply.body.len()), (200, 1000));
        drop(served.stdin.take());
        let code = until("the end", || served.try_wait().unwrap().ok_or_else(|| "it goes on".to_string()));
        assert!(code.success(), "{code}");
    }
}

#[test]
fn a_full_disk_behind_stderr_does_not_change_how_the_program_ends() {
    for (arguments, want) in [(["snapshot", "ftp://x"], 2), (["check", "--no-such"], 2)] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_spotter"));
        let status = command.args(arguments).stdout(std::process::Stdio::null()).stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(want), "{arguments:?}");
    }
}
