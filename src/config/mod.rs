//! The config in two stages: [`raw`] is the text as given, [`check`] turns it into the settings of every room or into
//! the list of everything that is wrong.
//!
//! A room owns its settings and knows nothing of this one. What is printed of a config, by whatever way, holds no
//! secret: neither the key nor the user and password of a source.

mod check;
mod fault;
pub mod keys;
mod lines;
mod raw;
mod resolved;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use fault::{Fault, Faults, Place};

use crate::capture::{self, Address};
use crate::http;
use crate::jpeg;
use crate::pose;
use crate::workout::Thresholds;
use crate::workout::Zone;
use crate::{sink, store};
use fault::Gathered;

/// The most cameras of one box.
pub const CAMERAS: usize = 16;
/// A config file may be this long.
pub const FILE_BYTES: usize = 1024 * 1024;

/// The settings of the whole box.
#[derive(Clone)]
pub struct Config {
    /// Where it keeps what it writes.
    pub data_dir: PathBuf,
    /// In the order of the file; at least one.
    pub cameras: Vec<CameraConfig>,
    /// The face.
    pub http: http::Settings,
    /// It may be served beyond this machine without a key.
    pub open: bool,
    /// How cameras are watched over.
    pub capture: CaptureConfig,
    /// The crew.
    pub threads: ThreadsConfig,
    /// What encodes.
    pub jpeg: jpeg::Settings,
    /// What looks at the athlete.
    pub pose: PoseConfig,
    /// What counts as a repetition and as a set.
    pub thresholds: Thresholds,
    /// The log.
    pub store: store::Settings,
    /// Where sets are delivered, in the order of the file.
    pub sinks: Vec<sink::Settings>,
    /// How long deliveries wait for a clock that was not set, from the machine's start on.
    pub clock_wait: Duration,
}

/// One camera.
#[derive(Clone, Debug)]
pub struct CameraConfig {
    /// Its name in URLs: 1 to 32 letters, digits, `_` and `-`, unique.
    pub name: String,
    /// Where its pictures come from.
    pub source: Address,
    /// RTSP over UDP instead of TCP.
    pub rtsp_udp: bool,
    /// A recording is played as fast as it can be read.
    pub full_speed: bool,
    /// Whether its athlete is looked at.
    pub pose: bool,
    /// Its picture is for nobody: only skeletons are shown.
    pub privacy: bool,
    /// Where its athlete stands; nothing: anywhere.
    pub zone: Option<Zone>,
    /// The cores of its threads; empty: any.
    pub cores: PerThread<Vec<usize>>,
    /// The real-time priorities of its threads, 1 to 99; nothing: the ordinary scheduler.
    pub priority: PerThread<Option<u8>>,
}

/// Something for each thread of a camera.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PerThread<T> {
    /// The thread that reads the camera.
    pub capture: T,
    /// The thread that looks at the athlete.
    pub pose: T,
    /// The thread that encodes.
    pub jpeg: T,
}

/// How cameras are watched over.
#[derive(Clone, PartialEq, Debug)]
pub struct CaptureConfig {
    /// A source that delivers nothing for this time is closed and opened anew.
    pub stall: Duration,
    /// The pause before the first new attempt.
    pub retry_first: Duration,
    /// The pause doubles up to this.
    pub retry_most: Duration,
}

/// The crew.
#[derive(Clone, PartialEq, Debug)]
pub struct ThreadsConfig {
    /// A thread that has not beaten for this time counts as hung.
    pub hung: Duration,
    /// The cores of the main thread; empty: any.
    pub main_cores: Vec<usize>,
}

/// What looks at the athlete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// The fastest that there is, when there is a model.
    Auto,
    /// TensorRT, which must be installed.
    TensorRt,
    /// ONNX Runtime, which must be installed.
    OnnxRuntime,
    /// The one that is always there.
    Cpu,
    /// Nothing.
    Off,
}

/// Who is looked for, and with what.
#[derive(Clone, PartialEq, Debug)]
pub struct PoseConfig {
    /// What looks.
    pub engine: Engine,
    /// An ONNX file, or [`pose::DEMO`] for the one in the binary; without one, nobody is looked for.
    pub model: Option<PathBuf>,
    /// ONNX Runtime's library; without it, the usual places are looked at.
    pub onnxruntime: Option<PathBuf>,
    /// TensorRT's settings but for the folder, which is the data directory's.
    pub tensorrt: pose::tensorrt::Settings,
    /// Threads of the engine; 0: as many as there are cores, and one for [`pose::DEMO`].
    pub threads: usize,
    /// The most looks a second at each live camera; 0: as many as there are frames.
    pub max_fps: usize,
    /// The most people that are told of one frame.
    pub most_people: usize,
    /// The score that a person must have more of, 0 to 1.
    pub score: f32,
    /// Boxes that overlap by more than this intersection over union are the same person twice.
    pub overlap: f32,
}

impl PoseConfig {
    /// Whether there is anybody to look: an engine, and a model for it.
    pub fn looks(&self) -> bool {
        self.engine != Engine::Off && self.model.is_some()
    }
}

impl Default for PoseConfig {
    fn default() -> Self {
        let pose::Limits { score, overlap, most } = pose::Limits::default();
        PoseConfig {
            engine: Engine::Auto,
            model: None,
            onnxruntime: None,
            tensorrt: pose::tensorrt::Settings::default(),
            threads: 0,
            max_fps: 0,
            most_people: most,
            score,
            overlap,
        }
    }
}

/// What the command line says about the config. It wins over the file.
#[derive(Clone, Default)]
pub struct Flags {
    /// `NAME=URI`: another source for a camera of the file, or one more camera.
    pub cameras: Vec<String>,
    /// Instead of `http.listen`.
    pub listen: Option<String>,
    /// Instead of `data_dir`.
    pub data_dir: Option<PathBuf>,
}

impl CameraConfig {
    /// An ordinary camera.
    pub fn new(name: impl Into<String>, source: Address) -> CameraConfig {
        CameraConfig {
            name: name.into(),
            source,
            rtsp_udp: false,
            full_speed: false,
            pose: true,
            privacy: false,
            zone: None,
            cores: PerThread::default(),
            priority: PerThread::default(),
        }
    }

    /// What the capture room wants to know of it.
    pub fn capture(&self, stall: Duration) -> capture::Settings {
        capture::Settings { address: self.source.clone(), rtsp_udp: self.rtsp_udp, stall, full_speed: self.full_speed }
    }
}

impl Default for CaptureConfig {
    fn default() -> Self {
        CaptureConfig {
            stall: Duration::from_secs(5),
            retry_first: Duration::from_millis(500),
            retry_most: Duration::from_secs(10),
        }
    }
}

impl Default for ThreadsConfig {
    fn default() -> Self {
        ThreadsConfig { hung: Duration::from_secs(30), main_cores: Vec::new() }
    }
}

impl Config {
    /// Reads `file`, or, without one, the working box with one camera `demo`; then what the command line says.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Config, Faults> {
        let env = |name: &str| std::env::var(name).ok();
        let Some(file) = file else { return Config::from_text("", None, flags, &env) };
        let name = file.display().to_string();
        match text_of(file) {
            Ok(text) => Config::from_text(&name, Some(&text), flags, &env),
            Err(fault) => Err(Faults { file: name, list: vec![fault] }),
        }
    }

    /// The same from a text. `name` is what faults call it, `env` gives the environment's variables.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_text(
        name: &str,
        text: Option<&str>,
        flags: &Flags,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Config, Faults> {
        let faults = Gathered::default();
        let table = match text {
            Some(text) => match raw::read(text, env, &faults) {
                Some(table) => Some(table),
                None => return Err(faults.report(name)),
            },
            None => None,
        };
        let config = check::config(table.as_ref(), flags, &faults);
        if faults.is_empty() { Ok(config) } else { Err(faults.report(name)) }
    }
}

/// The file's text, or why it has none.
fn text_of(file: &Path) -> Result<String, Fault> {
    let whole = |sentence: String| Fault { place: Place::File, sentence };
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| whole(format!("the config cannot be read: {error}")))?;
    if bytes.len() > FILE_BYTES {
        return Err(whole(format!("the config is longer than {FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Fault { place: Place::Line(line), sentence: "this is not UTF-8".into() }
    })
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config({})", self.resolved_json())
    }
}
