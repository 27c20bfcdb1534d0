//! V4L2 cameras with a bad driver or a bad cable, by the stand-in `fake-v4l2.c`, which is put before the real program's C library.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::common::{c_compiler, until};
use super::house::{House, during};

/// The stand-in, and a folder with a file for each camera that is plugged in.
pub struct Shim {
    folder: tempfile::TempDir,
}

impl Shim {
    pub fn new() -> Shim {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("cameras")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_cameras/fake-v4l2.c");
        let shim = Shim { folder };
        let cc = c_compiler()
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"])
            .args([&shim.library(), &source])
            .status();
        assert!(cc.unwrap().success(), "it is compiled");
        shim
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("fake-v4l2.so")
    }

    fn camera(&self, name: &str) -> PathBuf {
        self.folder.path().join("cameras").join(name)
    }

    /// Plugs a camera in, or has it behave so from now on.
    pub fn behave(&self, name: &str, how: &str) {
        // At once, for a camera whose file was half written would behave in a way that nobody asked for.
        let new = self.folder.path().join(name);
        std::fs::write(&new, how).unwrap();
        std::fs::rename(new, self.camera(name)).unwrap();
    }

    pub fn unplug(&self, name: &str) {
        std::fs::remove_file(self.camera(name)).unwrap();
    }

    /// How often its driver was asked for a picture.
    fn asked(&self, name: &str) -> u64 {
        let bytes = std::fs::read(self.camera(&format!("{name}.asked"))).unwrap_or_default();
        bytes.try_into().map_or(0, u64::from_ne_bytes)
    }

    /// A box with these cameras.
    pub fn house(&self, names: &[&str]) -> House {
        let cameras: Vec<(&str, String)> = names.iter().map(|n| (*n, format!("v4l2:/dev/fake-cameras/{n}"))).collect();
        let (library, folder) = (self.library(), self.folder.path().join("cameras"));
        let env = [("LD_PRELOAD", library.to_str().unwrap()), ("FAKE_V4L2", folder.to_str().unwrap())];
        House::start(&cameras, 1, &env)
    }
}

/// A camera's name, how it misbehaves, and the kind and the words of its fault.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// What befalls a camera that has given pictures.
const RUNNING: [Case; 14] = [
    ("dqbuf-eio", "dqbuf=5", "failed", "Input/output error"),
    ("dqbuf-enodev", "dqbuf=19", "no_device", "there is no"),
    ("dqbuf-epipe", "dqbuf=32", "failed", "Broken pipe"),
    ("dqbuf-einval", "dqbuf=22", "failed", "Invalid argument"),
    ("qbuf-eio", "qbuf=5", "failed", "Input/output error"),
    ("silent", "wait=never", "stalled", "no picture for 1 s"),
    ("storm", "wait=storm", "stalled", "no picture for 1 s"),
    ("hangup", "wait=hangup", "failed", "Input/output error"),
    ("short", "used=100000", "stalled", "no picture for 1 s"),
    ("empty", "used=0", "stalled", "no picture for 1 s"),
    ("damaged", "damaged=1", "stalled", "no picture for 1 s"),
    ("index", "index=99", "failed", "Invalid argument"),
    ("larger", "used=190000", "stalled", "no picture for 1 s"),
    ("unplugged", "", "no_device", "there is no"),
];

#[test]
fn a_v4l2_camera_that_breaks_under_way_is_lost_alone_and_comes_back() {
    let shim = Shim::new();
    let names: Vec<&str> = RUNNING.iter().map(|case| case.0).chain(["well"]).collect();
    for name in &names {
        shim.behave(name, "luma=60");
    }
    let house = shim.house(&names);
    names.iter().for_each(|name| house.until_up(name));
    for (name, how, ..) in RUNNING {
        if how.is_empty() { shim.unplug(name) } else { shim.behave(name, how) }
    }
    for (name, _, kind, words) in RUNNING {
        house.until_lost(name, kind, words);
    }
    house.until_more("well", 5);
    for (name, ..) in RUNNING {
        shim.behave(name, "luma=200");
    }
    // What comes is the new picture, never one from before.
    RUNNING.iter().for_each(|(name, ..)| house.until_grey(name, 200));
    assert_eq!(house.losses("well"), 0.0);
}

/// What a camera says that cannot be opened.
const OPENING: [Case; 21] = [
    ("querycap-eio", "querycap=5", "failed", "it is not a video device"),
    ("s-fmt-eio", "s_fmt=5", "failed", "Input/output error"),
    ("s-fmt-busy", "s_fmt=16", "busy", "another program"),
    ("s-parm-eio", "s_parm=5", "failed", "Input/output error"),
    ("reqbufs-enomem", "reqbufs=12", "failed", "Cannot allocate memory"),
    ("querybuf-einval", "querybuf=22", "failed", "Invalid argument"),
    ("streamon-eio", "streamon=5", "failed", "Input/output error"),
    ("streamon-enospc", "streamon=28", "usb_bandwidth", "no bandwidth left"),
    ("streamon-enolink", "streamon=67", "no_signal", "has no signal"),
    ("qbuf-eio", "qbuf=5", "failed", "Input/output error"),
    ("no-buffers", "buffers=0", "failed", "no buffers"),
    ("buffer-of-nothing", "length=0", "failed", "Invalid argument"),
    ("buffer-too-short", "length=4096", "failed", "too small"),
    ("other-fourcc", "take=320x240:640:NV12", "format_refused", "it offers NV12 320x240"),
    ("no-width", "take=0x240:640:YUYV", "format_refused", "it offers YUYV 0x240"),
    ("endless-width", "take=4294967295x4294967295:0:YUYV", "format_refused", "it offers YUYV 4294967295x4294967295"),
    ("endless-rows", "take=320x240:4294967295:YUYV", "failed", "too small"),
    ("jpeg-none", "jpeg=/dev/null", "stalled", "no picture for 1 s"),
    ("jpeg-garbage", "jpeg=/bin/sh", "stalled", "no picture for 1 s"),
    ("flood-of-nothing", "wait=flood used=0", "stalled", "no picture for 1 s"),
    ("silent", "wait=never", "stalled", "no picture for 1 s"),
];

#[test]
fn a_v4l2_camera_that_cannot_be_opened_says_why_and_is_opened_when_it_can() {
    let shim = Shim::new();
    // A box has sixteen cameras at most.
    for cases in OPENING.chunks(11) {
        let names: Vec<&str> = cases.iter().map(|case| case.0).collect();
        cases.iter().for_each(|(name, how, ..)| shim.behave(name, how));
        let house = shim.house(&names);
        for (name, _, kind, words) in cases {
            house.until_lost(name, kind, words);
        }
        cases.iter().for_each(|(name, ..)| shim.behave(name, "luma=200"));
        cases.iter().for_each(|(name, ..)| house.until_grey(name, 200));
    }
}

#[test]
fn a_storm_of_eagain_costs_no_core() {
    let shim = Shim::new();
    shim.behave("storm", "wait=storm");
    let house = shim.house(&["storm"]);
    house.until_lost("storm", "stalled", "no picture for 1 s");
    let (before, begun) = (shim.asked("storm"), Instant::now());
    during(Duration::from_secs(2), || house.until_lost("storm", "stalled", "no picture"));
    let a_second = (shim.asked("storm") - before) as f64 / begun.elapsed().as_secs_f64();
    println!("asked {a_second:.0} times a second");
    assert!(a_second > 1.0 && a_second < 300.0, "{a_second}");
}

#[test]
fn a_driver_that_always_has_one_more_is_left_when_the_box_ends() {
    let shim = Shim::new();
    shim.behave("flood", "wait=flood");
    shim.behave("lists", "lists=endless");
    let mut house = shim.house(&["flood", "lists"]);
    house.until_more("flood", 20);
    house.until_more("lists", 5);
    house.spotter.signal("TERM");
    assert_eq!(house.spotter.wait(), 0);
}

#[test]
fn a_v4l2_clock_that_runs_backwards_or_dreams_ages_no_picture() {
    let shim = Shim::new();
    let clocks = ["back", "zero", "future", "past"];
    clocks.iter().for_each(|clock| shim.behave(clock, &format!("stamp={clock}")));
    let house = shim.house(&clocks);
    for clock in clocks {
        house.until_up(clock);
        let mut ages = Vec::new();
        during(Duration::from_millis(500), || ages.extend(house.row(clock)["frame_age_ms"].as_f64()));
        // A picture is taken at fifteen a second, on a machine that has other work.
        assert!(!ages.is_empty() && ages.iter().all(|age| (0.0..900.0).contains(age)), "{clock}: {ages:?}");
        assert_eq!(house.losses(clock), 0.0, "{clock}");
    }
}

fn jpeg(path: &Path, width: usize, height: usize) -> String {
    let pixels: Vec<u8> = (0..width * height).map(|i| (i % 251) as u8).collect();
    let image =
        turbojpeg::Image { pixels: &pixels[..], width, pitch: width, height, format: turbojpeg::PixelFormat::GRAY };
    std::fs::write(path, &*turbojpeg::compress(image, 80, turbojpeg::Subsamp::Gray).unwrap()).unwrap();
    format!("jpeg={}", path.display())
}

#[test]
fn a_v4l2_camera_that_changes_its_size_is_followed() {
    let shim = Shim::new();
    let (small, large) = (shim.folder.path().join("small.jpg"), shim.folder.path().join("large.jpg"));
    let (small, large) = (jpeg(&small, 320, 240), jpeg(&large, 640, 480));
    shim.behave("jpeg", &small);
    shim.behave("raw", "size=320x240");
    let house = shim.house(&["jpeg", "raw"]);
    let is_wide = |name: &str, width: u64| {
        until(&format!("{name} is {width} wide"), || {
            let row = house.row(name);
            if row["width"] == width && row["has_frame"] == true { Ok(()) } else { Err(row.to_string()) }
        });
        let header = turbojpeg::read_header(&house.snapshot(name).body).unwrap();
        assert_eq!(header.width as u64, width, "{name}");
    };
    is_wide("jpeg", 320);
    is_wide("raw", 320);
    // Each JPEG says how large it is; the size of a raw picture is asked for when the camera is opened.
    shim.behave("jpeg", &large);
    is_wide("jpeg", 640);
    assert_eq!(house.losses("jpeg"), 0.0);
    shim.behave("jpeg", &format!("{large} cut=2000"));
    house.until_lost("jpeg", "stalled", "no picture for 1 s");
    shim.behave("raw", "size=640x480 used=153600");
    house.until_more("raw", 3);
    shim.behave("raw", "size=640x480 dqbuf=5");
    house.until_lost("raw", "failed", "Input/output error");
    shim.behave("raw", "size=640x480");
    is_wide("raw", 640);
}
