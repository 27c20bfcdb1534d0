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
use super::{CaptureConfig, Config, Encoder, Engine, Flags, PoseConfig, ThreadsConfig};

/// Checks everything. No table: no file was given.
pub(super) fn config(table: Option<&Table>, flags: &Flags, faults: &Gathered) -> Config {
    let root = Part::root(table, faults);
    let data_dir = data_dir(&root, flags, faults);
    let (mut http, open) = http::settings(&root.part("http"), flags, faults);
    http.stale = root.part("health").seconds("stale_s", 1.0..=3600.0, http.stale);
    http.data_dir = data_dir.clone();
    let sinks = log::sinks(&root, faults);
    Config {
        store: log::store(&root, &data_dir, &sinks),
        sinks,
        clock_wait: root.part("store").seconds("clock_wait_s", 0.0..=86_400.0, log::CLOCK_WAIT),
        data_dir,
        cameras: cameras::cameras(&root, table.is_some(), flags, faults),
        http,
        open,
        capture: capture(&root.part("capture"), faults),
        threads: threads(&root.part("threads")),
        encoder: encoder(&root.part("jpeg")),
        pose: pose(&root.part("pose"), faults),
    }
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

fn encoder(part: &Part) -> Encoder {
    part.choice("encoder", &[("auto", Encoder::Auto), ("cpu", Encoder::Cpu)], &["nvjpeg", "nvjpegenc"], Encoder::Auto)
}

fn pose(part: &Part, faults: &Gathered) -> PoseConfig {
    let or = PoseConfig::default();
    let choices = [("auto", Engine::Auto), ("cpu", Engine::Cpu), ("off", Engine::Off)];
    let model = part.text("model");
    let read = PoseConfig {
        engine: part.choice("engine", &choices, &["tensorrt", "onnxruntime"], or.engine),
        model: model.filter(|(path, _)| !path.is_empty()).map(|(path, _)| PathBuf::from(path)),
        threads: part.count("threads", 0..=64, or.threads),
        max_fps: part.count("max_fps", 0..=240, or.max_fps),
        most_people: part.count("most_people", 1..=100, or.most_people),
    };
    match model {
        Some(("", line)) => faults.add(Place::Line(line), "`model` in [pose] wants a path"),
        None if read.engine == Engine::Cpu => {
            faults.add(Place::Line(part.line_of("engine")), "`engine` in [pose] has no `model` to look with");
        }
        _ => {}
    }
    read
}
