//! The second stage: from the values as given to the settings of every room.
//!
//! Nothing stops at the first fault. A value that does not fit is reported and its default taken in its place, so that
//! the rest is checked as well; the result counts only when nothing was reported.

mod cameras;
mod http;
mod log;
mod part;

use std::path::PathBuf;

use self::part::Part;
use super::fault::{Gathered, Place};
use super::raw::Table;
use super::{CameraConfig, CaptureConfig, Config, Engine, Flags, PoseConfig, ThreadsConfig};
use crate::capture::Address;
use crate::jpeg::{self, Wanted as Encoder};
use crate::pose;
use crate::pose::tensorrt::{Precision, Settings};
use crate::workout::{KNOBS, Thresholds};

/// So long after its last repetition a set of the demo box is over; its athlete rests for eight seconds.
const DEMO_QUIET_S: f32 = 6.0;

/// Checks everything. No table: no file was given.
pub(super) fn config(table: Option<&Table>, flags: &Flags, faults: &Gathered) -> Config {
    let root = Part::root(table, faults);
    let data_dir = data_dir(&root, flags, faults);
    let (mut http, open) = http::settings(&root.part("http"), flags, faults);
    http.stale = root.part("health").seconds("stale_s", 1.0..=3600.0, http.stale);
    http.data_dir = data_dir.clone();
    let (cameras, private) = cameras::cameras(&root, table.is_some(), flags, faults);
    let pose = pose(&root.part("pose"), &cameras, faults);
    cameras::blind(&private, pose.looks(), faults);
    let sinks = log::sinks(&root, faults);
    Config {
        store: log::store(&root, &data_dir, &sinks),
        sinks,
        clock_wait: root.part("store").seconds("clock_wait_s", 0.0..=86_400.0, log::CLOCK_WAIT),
        data_dir,
        cameras,
        http,
        open,
        capture: capture(&root.part("capture"), faults),
        threads: threads(&root.part("threads")),
        jpeg: jpeg(&root.part("jpeg"), faults),
        pose,
        thresholds: thresholds(&root, table.is_some()),
    }
}

/// What counts as a repetition and as a set. The demo box, which has no file, rests for seconds only between its sets.
fn thresholds(root: &Part, is_file: bool) -> Thresholds {
    let mut all = Thresholds::default();
    if !is_file {
        all.quiet_seconds = DEMO_QUIET_S;
    }
    for knob in KNOBS {
        let value = (knob.of)(&mut all);
        let fits = knob.least..=knob.most;
        *value = match knob.name.split_once('.') {
            Some((section, key)) => root.part(section).share(key, fits, *value),
            None => root.share(knob.name, fits, *value),
        };
    }
    all
}

fn data_dir(root: &Part, flags: &Flags, faults: &Gathered) -> PathBuf {
    if let Some(flag) = &flags.data_dir {
        if flag.as_os_str().is_empty() {
            faults.add(Place::Option("--data-dir"), "the data directory wants a path");
        }
        return flag.clone();
    }
    match root.text("data_dir") {
        Some(("", line)) => {
            faults.add(Place::Line(line), "`data_dir` wants a path");
            PathBuf::from(".")
        }
        Some((path, _)) => PathBuf::from(path),
        None => PathBuf::from("."),
    }
}

fn capture(part: &Part, faults: &Gathered) -> CaptureConfig {
    let or = CaptureConfig::default();
    let read = CaptureConfig {
        stall: part.seconds("stall_s", 1.0..=60.0, or.stall),
        retry_first: part.seconds("retry_first_s", 0.1..=60.0, or.retry_first),
        retry_most: part.seconds("retry_most_s", 0.1..=600.0, or.retry_most),
    };
    if read.retry_first > read.retry_most {
        let line = part.line_of("retry_first_s").max(part.line_of("retry_most_s"));
        faults.add(Place::Line(line), "`retry_first_s` in [capture] is longer than `retry_most_s`");
    }
    read
}

fn threads(part: &Part) -> ThreadsConfig {
    let or = ThreadsConfig::default();
    ThreadsConfig { hung: part.seconds("hung_s", 5.0..=600.0, or.hung), main_cores: part.cores("main_cores") }
}

fn jpeg(part: &Part, faults: &Gathered) -> jpeg::Settings {
    let choices = [
        ("auto", Encoder::Auto),
        ("cpu", Encoder::Cpu),
        ("nvjpeg", Encoder::Nvjpeg),
        ("nvjpegenc", Encoder::Nvjpegenc),
    ];
    let cuda = part.text("cuda");
    if let Some(("", line)) = cuda {
        faults.add(Place::Line(line), "`cuda` in [jpeg] wants a path");
    }
    jpeg::Settings { encoder: part.choice("encoder", &choices, Encoder::Auto), cuda: cuda.map(|(path, _)| path.into()) }
}

/// Without `model`, the one in the binary looks where it can see somebody: when every camera that is looked at is a
/// `demo:` source.
fn pose(part: &Part, cameras: &[CameraConfig], faults: &Gathered) -> PoseConfig {
    let or = PoseConfig::default();
    let choices = [
        ("auto", Engine::Auto),
        ("tensorrt", Engine::TensorRt),
        ("onnxruntime", Engine::OnnxRuntime),
        ("cpu", Engine::Cpu),
        ("off", Engine::Off),
    ];
    let (model, library) = (part.text("model"), part.text("onnxruntime"));
    let path = |text: Option<(&str, usize)>| text.filter(|(path, _)| !path.is_empty()).map(|(path, _)| path.into());
    let mut read = PoseConfig {
        engine: part.choice("engine", &choices, or.engine),
        model: path(model),
        onnxruntime: path(library),
        tensorrt: tensorrt(part, faults),
        threads: part.count("threads", 0..=64, or.threads),
        max_fps: part.count("max_fps", 0..=240, or.max_fps),
        most_people: part.count("most_people", 1..=100, or.most_people),
        score: part.share("score", 0.01..=0.99, or.score),
        overlap: part.share("overlap", 0.1..=1.0, or.overlap),
    };
    match model {
        Some(("", line)) => faults.add(Place::Line(line), "`model` in [pose] wants a path"),
        None if read.engine != Engine::Off && only_demo(cameras) => read.model = Some(pose::DEMO.into()),
        None if matches!(read.engine, Engine::Cpu | Engine::OnnxRuntime | Engine::TensorRt) => {
            faults.add(Place::Line(part.line_of("engine")), "`engine` in [pose] has no `model` to look with");
        }
        _ => {}
    }
    if let Some(("", line)) = library {
        faults.add(Place::Line(line), "`onnxruntime` in [pose] wants a path");
    }
    read
}

fn tensorrt(part: &Part, faults: &Gathered) -> Settings {
    let path = |key: &str| {
        let (path, line) = part.text(key)?;
        if path.is_empty() {
            faults.add(Place::Line(line), format!("`{key}` in [pose] wants a path"));
        }
        Some(path.into())
    };
    let precisions = [("fp16", Precision::Fp16), ("fp32", Precision::Fp32)];
    Settings {
        library: path("tensorrt"),
        trtexec: path("trtexec"),
        precision: part.choice("precision", &precisions, Precision::Fp16),
        meanwhile_cpu: part.choice("meanwhile", &[("nobody", false), ("cpu", true)], false),
        cache: PathBuf::new(),
    }
}

fn only_demo(cameras: &[CameraConfig]) -> bool {
    let mut looked_at = cameras.iter().filter(|camera| camera.pose).peekable();
    looked_at.peek().is_some() && looked_at.all(|camera| matches!(camera.source, Address::Demo(_)))
}
