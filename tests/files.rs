//! Recordings: every picture in order, and one sentence for what is none.

mod helpers;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use helpers::{open, picture, settings};
use spotter::capture::{Next, Settings, Source};
use spotter::frame::{Frame, PixelFormat};
use spotter::threads::Stop;
use spotter::time::Mono;

const BITS: usize = 10;

/// Makes a film whose pictures show their number as a row of black and white blocks.
fn film(path: &Path, (width, height): (usize, usize), count: usize, coding: &[&str]) {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-r", "30", "-s"])
        .args([&format!("{width}x{height}"), "-i", "-"])
        .args(coding)
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed");
    let mut input = ffmpeg.stdin.take().unwrap();
    let mut image = vec![0u8; width * height];
    for number in 0..count {
        for (at, pixel) in image.iter_mut().enumerate() {
            let bit = (at % width) * BITS / width;
            *pixel = if number >> bit & 1 == 1 { 220 } else { 30 };
        }
        input.write_all(&image).unwrap();
    }
    drop(input);
    assert!(ffmpeg.wait().unwrap().success());
}

fn number_in(frame: &Frame) -> usize {
    let (luma, stride) = (frame.plane(0), frame.layout.planes()[0].stride);
    let (width, height) = (frame.layout.width, frame.layout.height);
    let bit = |b: usize| usize::from(luma[height / 2 * stride + (2 * b + 1) * width / (2 * BITS)] > 125);
    (0..BITS).map(|b| bit(b) << b).sum()
}

const H264: [&str; 6] = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast"];
const H264_B: [&str; 8] = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "veryfast", "-bf", "2"];

fn uri(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// The numbers seen until the end.
fn numbers(path: &Path) -> Vec<usize> {
    let mut source = open(&uri(path), 20).unwrap_or_else(|f| panic!("{f}"));
    let (mut frame, mut seen, mut last) = (Frame::default(), Vec::new(), None);
    while picture(&mut source, &mut frame).unwrap() == Next::Frame {
        seen.push(number_in(&frame));
        let time = frame.media_time.expect("a recording has a time");
        assert!(last.is_none_or(|l: Duration| time > l), "{time:?} after {last:?}");
        last = Some(time);
    }
    seen
}

#[test]
fn three_hundred_pictures_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, coding) in [("a.mp4", &H264[..]), ("b.mp4", &H264_B[..]), ("c.mkv", &H264[..])] {
        let path = folder.path().join(name);
        film(&path, (320, 240), 300, coding);
        assert_eq!(numbers(&path), (0..300).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn odd_sizes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.mkv");
    film(&path, (322, 242), 20, &H264);
    assert_eq!(numbers(&path), (0..20).collect::<Vec<_>>());
    let path = folder.path().join("odder.mkv");
    film(&path, (321, 241), 20, &["-c:v", "ffv1", "-pix_fmt", "yuv420p"]);
    assert_eq!(numbers(&path), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_motion_jpeg_recording_is_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.avi");
    film(&path, (320, 240), 30, &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]);
    let mut source = open(&uri(&path), 20).unwrap_or_else(|f| panic!("{f}"));
    let (mut frame, mut count) = (Frame::default(), 0);
    while picture(&mut source, &mut frame).unwrap() == Next::Frame {
        count += 1;
        assert_eq!((frame.layout.format, frame.layout.width), (PixelFormat::Mjpeg, 320));
    }
    assert_eq!(count, 30);
}

#[test]
fn half_a_film_gives_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.mkv");
    film(&path, (320, 240), 300, &H264);
    let whole = std::fs::read(&path).unwrap();
    let half = folder.path().join("half.mkv");
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    let seen = numbers(&half);
    assert!(seen.len() > 50 && seen.len() < 300, "{}", seen.len());
    assert_eq!(seen, (0..seen.len()).collect::<Vec<_>>());
    // An mp4 has its table at the end: cut in half, nothing of it can be read.
    let path = folder.path().join("whole.mp4");
    film(&path, (320, 240), 300, &H264);
    let whole = std::fs::read(&path).unwrap();
    let half = folder.path().join("half.mp4");
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(open(&uri(&half), 6).err().map(|f| f.kind()), Some("not_video"));
}

#[test]
fn what_is_no_film_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, text) = (folder.path().join("empty.mp4"), folder.path().join("text.mp4"));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&text, "This is a text, and not a film.\n".repeat(100)).unwrap();
    let sound = folder.path().join("sound.wav");
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "lavfi", "-i", "sine=duration=1"])
        .arg(&sound)
        .status();
    assert!(made.unwrap().success());
    for (path, kind) in [
        (empty.as_path(), "not_video"),
        (text.as_path(), "not_video"),
        (sound.as_path(), "not_video"),
        (folder.path(), "not_video"),
        (&folder.path().join("missing.mp4"), "no_device"),
    ] {
        let fault = open(&uri(path), 10).err().unwrap_or_else(|| panic!("{}: it was opened", path.display()));
        assert_eq!(fault.kind(), kind, "{}: {fault}", path.display());
    }
}

/// A film may come from a stranger: what it is must not make the box ask the network.
#[test]
fn a_list_of_addresses_is_no_film_and_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = server.local_addr().unwrap();
    let (port, host) = (address.port(), address.ip());
    for (name, text) in [
        (
            "hls.mp4",
            format!(
                "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.0,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n"
            ),
        ),
        (
            "dash.mp4",
            format!(
                "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
                 mediaPresentationDuration=\"PT9S\" profiles=\"urn:mpeg:dash:profile:isoff-main:2011\"><Period>\
                 <AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"9\">\
                 <BaseURL>http://{address}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>\n"
            ),
        ),
        (
            "sdp.mp4",
            format!(
                "v=0\r\no=- 0 0 IN IP4 {host}\r\ns=x\r\nc=IN IP4 {host}\r\nt=0 0\r\na=control:rtsp://{address}/\r\nm=video {port} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            ),
        ),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let fault = open(&uri(&path), 10).err().unwrap_or_else(|| panic!("{name}: it was opened"));
        assert_eq!(fault.kind(), "not_video", "{name}: {fault}");
        let asked = server.accept().map(|(_, by)| by).map_err(|why| why.kind());
        assert_eq!(asked, Err(std::io::ErrorKind::WouldBlock), "{name}");
    }
}

/// A film of 400 KB took 1.5 GB of memory.
#[test]
fn a_recording_of_huge_pictures_is_refused_before_it_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.mp4");
    film(&path, (8192, 4096), 2, &H264);
    let fault = open(&uri(&path), 10).err().expect("it is refused");
    assert_eq!(fault.to_string(), format!("{} failed: its pictures have more than 4096 x 4096 pixels", path.display()));
    film(&path, (4096, 4096), 2, &H264);
    assert!(open(&uri(&path), 20).is_ok());
}

/// A camera on the network that sends a whole film at once to whoever asks, and then nothing more.
fn sends_at_once(film: Vec<u8>) -> std::net::SocketAddr {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for line in server.incoming() {
            let (mut line, film) = (line.unwrap(), film.clone());
            std::thread::spawn(move || {
                let mut asked = [0; 2048];
                let _ = line.read(&mut asked);
                // Who is gone need not be told.
                let _ = line.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n");
                let _ = line.write_all(&film);
                let _ = line.read(&mut asked);
            });
        }
    });
    address
}

/// Its frames began at 0 again after a reconnect, long before what had been counted; and a burst was shown at its own pace, late.
#[test]
fn a_stream_over_http_that_is_no_mjpeg_goes_on_in_time_when_it_is_opened_again_and_does_not_lag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.ts");
    const FRAMES: usize = 900;
    film(&path, (320, 240), FRAMES, &H264);
    let uri = format!("http://{}/live.ts", sends_at_once(std::fs::read(&path).unwrap()));
    let settings = Settings { full_speed: false, ..settings(&uri, 20) };
    let mut last = Mono::ZERO;
    for _ in 0..2 {
        let begun = Mono::now();
        let mut source = Source::open(&settings, &Stop::default(), &|| ()).unwrap_or_else(|f| panic!("{f}"));
        let (mut frame, mut newest) = (Frame::default(), 0);
        // A decoder keeps the last ones back.
        while newest < FRAMES - 60 {
            assert_eq!(picture(&mut source, &mut frame), Ok(Next::Frame));
            assert!(frame.own_time() > last && frame.own_time() >= begun, "{:?}", frame.own_time());
            assert!(number_in(&frame) >= newest, "{} after {newest}", number_in(&frame));
            (last, newest) = (frame.own_time(), number_in(&frame));
        }
        // The film is half a minute long.
        assert!(last.since(begun) < Duration::from_secs(14), "{:?}", last.since(begun));
    }
}

#[test]
fn a_written_pipeline_is_read_up_to_its_sink() {
    let mut source = open("gst:videotestsrc num-buffers=5 ! video/x-raw,format=NV12,width=64,height=48", 10)
        .unwrap_or_else(|f| panic!("{f}"));
    let (mut frame, mut count) = (Frame::default(), 0);
    while picture(&mut source, &mut frame).unwrap() == Next::Frame {
        assert_eq!((frame.layout.format, frame.layout.width, frame.layout.height), (PixelFormat::Nv12, 64, 48));
        assert_eq!(frame.media_time, None, "opened again it would begin anew");
        count += 1;
    }
    assert_eq!(count, 5);
    let fault = open("gst:rtspsrc user-pw=geheim nonsense=geheim ! x", 5).err().unwrap();
    assert_eq!(fault.kind(), "failed");
    assert!(!format!("{fault:?}").contains("geheim"), "{fault:?}");
}
