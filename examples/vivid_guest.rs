//! The checks that `make test-vm` runs inside a virtual machine against the kernel's `vivid` camera driver.
//!
//! It prints one line per check and ends with 1 when one failed. It must be root, on a machine whose only cameras are
//! vivid's: it unbinds the driver. Run it through `tests/vm/run.sh`, never on a developer's machine.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use spotter::capture::v4l2::probe::probe;
use spotter::capture::{Address, CaptureFault, Next, Settings, Source};
use spotter::frame::{Frame, Matrix, PixelFormat, Range};
use spotter::threads::Stop;

type Check = Result<String, String>;

fn open(uri: &str) -> Result<Source, CaptureFault> {
    let address = Address::parse(uri).expect("the checks' own URIs are well formed");
    let settings = Settings { address, rtsp_udp: false, stall: Duration::from_secs(5), full_speed: false };
    Source::open(&settings, &Stop::default(), &|| ())
}

/// The first frame within half a minute: an emulated machine is slow.
fn first(source: &mut Source) -> Result<Frame, String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut frame = Frame::default();
    while Instant::now() < deadline {
        frame.reset();
        match source.next(&mut frame, Duration::from_millis(500)).map_err(|f| f.to_string())? {
            Next::Frame => return Ok(frame),
            Next::Nothing | Next::Broken => {}
            Next::Ended => return Err("a camera has no end".into()),
        }
    }
    Err("no frame".into())
}

fn control(text: &str) -> Result<(), String> {
    let output =
        Command::new("v4l2-ctl").args(["-d", "/dev/video0", "-c", text]).output().map_err(|e| e.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn sysfs(file: &str, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|e| format!("{file}: {e}"))
}

/// Y, U and V of the pixel at (x, y).
fn yuv(frame: &Frame, x: usize, y: usize) -> [f64; 3] {
    let layout = &frame.layout;
    let at = |plane: usize, row: usize, column: usize| {
        f64::from(frame.plane(plane)[row * layout.planes()[plane].stride + column])
    };
    let pair = x / 2 * 4;
    match layout.format {
        PixelFormat::I420 => [at(0, y, x), at(1, y / 2, x / 2), at(2, y / 2, x / 2)],
        PixelFormat::Nv12 => [at(0, y, x), at(1, y / 2, x / 2 * 2), at(1, y / 2, x / 2 * 2 + 1)],
        PixelFormat::Yuyv => [at(0, y, x * 2), at(0, y, pair + 1), at(0, y, pair + 3)],
        PixelFormat::Uyvy => [at(0, y, x * 2 + 1), at(0, y, pair), at(0, y, pair + 2)],
        PixelFormat::Grey => [at(0, y, x), 128.0, 128.0],
        PixelFormat::Mjpeg => [f64::NAN; 3],
    }
}

/// What the pixel means, by the matrix and range that the frame claims.
fn rgb(frame: &Frame, [y, u, v]: [f64; 3]) -> [f64; 3] {
    let (kr, kb) = match frame.layout.colour.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let (y, u, v) = match frame.layout.colour.range {
        Range::Limited => ((y - 16.0) / 219.0, (u - 128.0) / 224.0, (v - 128.0) / 224.0),
        Range::Full => (y / 255.0, (u - 128.0) / 255.0, (v - 128.0) / 255.0),
    };
    let (r, b) = (y + 2.0 * (1.0 - kr) * v, y + 2.0 * (1.0 - kb) * u);
    [r, (y - kr * r - kb * b) / (1.0 - kr - kb), b].map(|c| c * 255.0)
}

/// White, yellow, cyan, green, magenta, red, blue, black: the bars from left to right.
const BARS: [[f64; 3]; 8] = [
    [1.0, 1.0, 1.0],
    [1.0, 1.0, 0.0],
    [0.0, 1.0, 1.0],
    [0.0, 1.0, 0.0],
    [1.0, 0.0, 1.0],
    [1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.0, 0.0, 0.0],
];

/// `level`: how bright the bars are, 0.75 or 1.
fn colours(uri: &str, level: f64) -> Check {
    control(if level < 1.0 { "test_pattern=0" } else { "test_pattern=1" })?;
    let mut source = open(uri).map_err(|f| f.to_string())?;
    let frame = first(&mut source)?;
    let (width, height) = (frame.layout.width, frame.layout.height);
    let row = height * 3 / 4;
    let mut worst = 0.0f64;
    for (i, bar) in BARS.iter().enumerate() {
        let x = (width * (2 * i + 1) / 16).min(width - 1);
        let [y, u, v] = yuv(&frame, x, row);
        let seen = rgb(&frame, [y, u, v]);
        // vivid makes its grey by BT.709's weights, whatever colour space it reports.
        let luma = 0.2126 * bar[0] + 0.7152 * bar[1] + 0.0722 * bar[2];
        let want = if frame.layout.format == PixelFormat::Grey { [luma; 3] } else { *bar }.map(|c| c * 255.0 * level);
        let off = seen.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        worst = worst.max(off);
        if off > 12.0 {
            return Err(format!(
                "bar {i}: {seen:.0?} instead of {want:.0?} (YUV {y} {u} {v}, {:?})",
                frame.layout.colour
            ));
        }
    }
    let first_plane = frame.layout.planes()[0];
    Ok(format!(
        "{width}x{height}, stride {}, {:?}, off by at most {worst:.1} of 255",
        first_plane.stride, frame.layout.colour
    ))
}

fn fault(result: Result<Source, CaptureFault>, kind: &str) -> Check {
    match result {
        Ok(_) => Err("it opened".into()),
        Err(fault) if fault.kind() == kind => Ok(fault.to_string()),
        Err(fault) => Err(format!("{} instead of {kind}: {fault}", fault.kind())),
    }
}

/// Asks for frames until the source gives up, and says why it did.
fn until_fault(source: &mut Source, kind: &str) -> Check {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut frame = Frame::default();
    while Instant::now() < deadline {
        frame.reset();
        match source.next(&mut frame, Duration::from_millis(200)) {
            Ok(_) => {}
            Err(fault) if fault.kind() == kind => return Ok(fault.to_string()),
            Err(fault) => return Err(format!("{} instead of {kind}: {fault}", fault.kind())),
        }
    }
    Err("no fault within 20 s".into())
}

fn found() -> Check {
    let all = probe();
    let camera = all.iter().find(|f| f.node == "/dev/video0").ok_or("no /dev/video0")?;
    let names: Vec<String> = camera.formats.iter().map(|f| format!("{:?}", f.format)).collect();
    let want = [PixelFormat::Yuyv, PixelFormat::Uyvy, PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Grey];
    let has = |format| camera.formats.iter().any(|f| f.format == format && f.sizes.iter().any(|s| !s.rates.is_empty()));
    if let Some(lacking) = want.into_iter().find(|f| !has(*f)) {
        return Err(format!("{lacking:?} is missing: {names:?}"));
    }
    open(&camera.uri).map_err(|f| format!("{}: {f}", camera.uri))?;
    Ok(format!("{} cameras; {} ({}) {}", all.len(), camera.name, camera.driver, camera.uri))
}

fn busy() -> Check {
    let streamer = ["-d", "/dev/video0", "--stream-mmap", "--stream-count=100000", "--stream-to=/dev/null"];
    let start = || {
        let mut other = Command::new("v4l2-ctl");
        other.args(streamer).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|e| e.to_string())
    };
    let mut other = start()?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut seen = Err("never busy".to_string());
    while Instant::now() < deadline {
        seen = fault(open("v4l2:/dev/video0"), "busy");
        if seen.is_ok() {
            break;
        }
        // It came while this one had the camera, and gave up.
        if other.try_wait().is_ok_and(|ended| ended.is_some()) {
            other = start()?;
        }
        std::thread::yield_now();
    }
    let name = format!("v4l2-ctl (process {})", other.id());
    let _ = other.kill();
    let _ = other.wait();
    let sentence = seen?;
    if sentence.contains(&name) { Ok(sentence) } else { Err(format!("{sentence}, but it is {name}")) }
}

fn unplug_and_replug() -> Check {
    let mut source = open("v4l2:/dev/video0").map_err(|f| f.to_string())?;
    first(&mut source)?;
    sysfs("/sys/bus/platform/drivers/vivid/unbind", "vivid.0")?;
    let gone = until_fault(&mut source, "no_device")?;
    drop(source);
    fault(open("v4l2:/dev/video0"), "no_device")?;
    sysfs("/sys/bus/platform/drivers/vivid/bind", "vivid.0")?;
    let mut again = open("v4l2:/dev/video0").map_err(|f| format!("after the replug: {f}"))?;
    let frame = first(&mut again)?;
    Ok(format!("{gone}; back with {}x{}", frame.layout.width, frame.layout.height))
}

fn no_signal() -> Check {
    let set = |mode: &str| {
        let status = Command::new("v4l2-ctl").args(["-d", "/dev/video1", "-c", mode]).status();
        status.map_err(|e| e.to_string())?.success().then_some(()).ok_or(format!("cannot set {mode}"))
    };
    first(&mut open("v4l2:/dev/video1").map_err(|f| f.to_string())?)?;
    set("dv_timings_signal_mode=1")?;
    let sentence = fault(open("v4l2:/dev/video1"), "no_signal")?;
    set("dv_timings_signal_mode=0")?;
    first(&mut open("v4l2:/dev/video1").map_err(|f| f.to_string())?)?;
    Ok(format!("{sentence}; back with the signal"))
}

fn broken_frames() -> Check {
    let mut source = open("v4l2:/dev/video0").map_err(|f| f.to_string())?;
    first(&mut source)?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut frame = Frame::default();
    while Instant::now() < deadline {
        // Each time one picture is damaged. It may be passed over, when a newer one is there before we ask.
        control("inject_v4l2_buf_flag_error=1")?;
        for _ in 0..8 {
            frame.reset();
            if source.next(&mut frame, Duration::from_millis(500)).map_err(|f| f.to_string())? == Next::Broken {
                return first(&mut source).map(|_| "broken, then a good one".into());
            }
        }
    }
    Err("no broken frame".into())
}

fn streaming_error() -> Check {
    let mut source = open("v4l2:/dev/video0").map_err(|f| f.to_string())?;
    first(&mut source)?;
    control("inject_fatal_streaming_error=1")?;
    let sentence = until_fault(&mut source, "failed")?;
    drop(source);
    first(&mut open("v4l2:/dev/video0").map_err(|f| f.to_string())?)?;
    Ok(format!("{sentence}; opens again"))
}

/// An open file keeps its number, so after a replug the webcam has the grabber's number and the grabber a new one.
fn numbers_that_moved() -> Check {
    let size = |path: &str| -> Result<(usize, usize), String> {
        let frame = first(&mut open(path).map_err(|f| format!("{path}: {f}"))?)?;
        Ok((frame.layout.width, frame.layout.height))
    };
    let (webcam, grabber) = (size("v4l2:/dev/video0")?, size("v4l2:/dev/video1")?);
    if webcam == grabber {
        return Err("the two cameras cannot be told apart by their pictures".into());
    }
    let held = std::fs::File::open("/dev/video0").map_err(|e| e.to_string())?;
    sysfs("/sys/bus/platform/drivers/vivid/unbind", "vivid.0")?;
    sysfs("/sys/bus/platform/drivers/vivid/bind", "vivid.0")?;
    let nodes: Vec<String> = probe().into_iter().map(|f| format!("{} {}", f.node, f.bus)).collect();
    let again = (size("v4l2:/dev/video0")?, size("v4l2:/dev/video1")?);
    drop(held);
    if again == (webcam, grabber) { Ok(nodes.join(", ")) } else { Err(format!("{again:?}, nodes now {nodes:?}")) }
}

fn injected(name: &str, kind: &str) -> Check {
    control(&format!("{name}=1"))?;
    fault(open("v4l2:/dev/video0"), kind)
}

fn main() -> ExitCode {
    let mut all_well = true;
    let mut say = |name: &str, result: Check| {
        let line = match &result {
            Ok(note) => format!("ok     {name}: {note}"),
            Err(why) => format!("FAILED {name}: {why}"),
        };
        all_well &= result.is_ok();
        let _ = writeln!(std::io::stdout(), "{line}");
    };
    say("probe finds the camera with its formats", found());
    for format in ["yuyv", "uyvy", "nv12", "yu12", "grey"] {
        for level in [0.75, 1.0] {
            let uri = format!("v4l2:/dev/video0?format={format}&size=640x360");
            say(&format!("colour bars of {level} in {format}"), colours(&uri, level));
        }
    }
    say("a device that is not there", fault(open("v4l2:/dev/video9"), "no_device"));
    say("a size that is not offered", fault(open("v4l2:/dev/video0?size=123x45"), "format_refused"));
    say("another program has the camera", busy());
    say("a grabber without a signal", no_signal());
    say("a damaged picture is broken, and no more", broken_frames());
    say("a streaming error is a fault and passes", streaming_error());
    say("a stream that cannot start", injected("inject_vidioc_streamon_error", "failed"));
    say("unplug and replug", unplug_and_replug());
    say("numbers that moved", numbers_that_moved());
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
