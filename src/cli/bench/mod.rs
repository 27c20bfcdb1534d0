//! `spotter bench`: what this machine can do, measured on the real code.
//!
//! Each prints lines for people, or with `--json` one value for programs. Comparisons with other programs are the bench scripts'.

mod encoders;
mod http;
mod mailbox;
pub mod pipeline;
mod pose;
mod workout;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::engine::EngineArgs;
use crate::error::Exit;
use crate::http::Settings;

/// What `spotter bench` takes.
#[derive(clap::Args, Debug)]
pub struct BenchArgs {
    /// As JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// What is measured
    #[command(subcommand)]
    pub what: Bench,
}

/// What can be measured.
#[derive(clap::Subcommand, Clone, PartialEq, Debug)]
pub enum Bench {
    /// One post and one take of the mailbox, in nanoseconds
    Mailbox,
    /// One 1280x720 frame at quality 75: encoded anew, and found in the cache
    Encode,
    /// Every JPEG encoder of this machine: milliseconds a frame, for one camera and two, and how near it is to the CPU's
    Encoders {
        /// Frames of each size and number of cameras
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        frames: u32,
        /// The folder of CUDA's libraries, as `jpeg.cuda` in the config
        #[arg(long, value_name = "DIR")]
        cuda: Option<PathBuf>,
    },
    /// Serve one still picture until the time is over, for a load generator beside it
    Http {
        /// How long
        #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
        seconds: u32,
        /// How long the picture is
        #[arg(long, value_name = "BYTES", default_value_t = 122_880)]
        body_bytes: usize,
        /// Threads for short requests [default: as many as the box would have]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
        workers: Option<u32>,
        /// Where to serve; port 0 takes a free one
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
        listen: String,
    },
    /// Where the time of one look goes, beside the engine's bare inference
    Pose {
        /// The picture, PNG or JPEG; it is looked at in its own size
        image: PathBuf,
        /// The model; without it the one in this program
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
        /// What looks
        #[command(flatten)]
        engine: EngineArgs,
        /// Threads of the engine; 0: as many as there are cores, and one for the model in this program
        #[arg(long, value_name = "N", default_value_t = 0)]
        threads: usize,
        /// Looks that the medians are taken of
        #[arg(long, value_name = "N", default_value_t = 60)]
        looks: usize,
    },
    /// What it costs to follow and to count, a frame
    Workout {
        /// A recording of poses, one frame a line (.jsonl)
        poses: PathBuf,
        /// So many frames are put between each two of the recording
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60))]
        between: u32,
    },
    /// The real threads of one camera, with a paced source and an engine that sleeps
    Pipeline {
        /// Frames a second of the camera; 0: as fast as it can
        #[arg(long, value_name = "F", default_value_t = 15.0, value_parser = rate)]
        camera_fps: f64,
        /// How long one inference takes
        #[arg(long, value_name = "M", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=10_000))]
        infer_ms: u32,
        /// How long
        #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
        seconds: u32,
    },
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.0..=1000.0).contains(rate));
    rate.ok_or_else(|| "a rate from 0 to 1000 frames a second is wanted".into())
}

/// Encodes that the median is taken of.
const ENCODES: usize = 100;
/// How often the workout counts its recording.
const ROUNDS: usize = 20;

/// Measures.
pub fn bench(args: &BenchArgs) -> Exit {
    match &args.what {
        Bench::Mailbox => tell(args.json, &mailbox::measure()),
        Bench::Encode => match crate::jpeg::bench::measure(ENCODES) {
            Ok(measured) => tell(args.json, &measured),
            Err(why) => super::say(&why.to_string(), Exit::Failed),
        },
        Bench::Encoders { frames, cuda } => match crate::jpeg::encoders::measure(*frames as usize, cuda.clone()) {
            Ok(measured) => encoders::tell(args.json, &measured),
            Err(why) => super::say(&why.to_string(), Exit::Failed),
        },
        Bench::Http { seconds, body_bytes, workers, listen } => {
            let workers = workers.map_or(Settings::default().workers, |n| n as usize);
            http::serve(Duration::from_secs((*seconds).into()), *body_bytes, workers, listen, args.json)
        }
        Bench::Pose { image, model, engine, threads, looks } => {
            match engine.choose().and_then(|chosen| pose::measure(image, model.as_deref(), chosen, *threads, *looks)) {
                Ok(measured) => tell(args.json, &measured),
                Err(why) => super::say(&why, Exit::Failed),
            }
        }
        Bench::Workout { poses, between } => match workout::measure(poses, *between, ROUNDS) {
            Ok(measured) => tell(args.json, &measured),
            Err(why) => super::say(&why, Exit::Failed),
        },
        Bench::Pipeline { camera_fps, infer_ms, seconds } => {
            let (infer, run) = (Duration::from_millis((*infer_ms).into()), Duration::from_secs((*seconds).into()));
            match pipeline::measure(*camera_fps, infer, run) {
                Ok(report) => tell(args.json, &report),
                Err(why) => super::say(&format!("the bench cannot run: {why}"), Exit::Failed),
            }
        }
    }
}

/// Prints what was measured: an object for programs, `name value` lines for people.
fn tell(json: bool, measured: &impl Serialize) -> Exit {
    let value = serde_json::to_value(measured).expect("plain structs of numbers and texts have a JSON form");
    let text = match (&value, json) {
        (serde_json::Value::Object(fields), false) => {
            fields.iter().map(|(name, value)| format!("{name:16} {value}\n")).collect()
        }
        _ => format!("{value}\n"),
    };
    super::put(text.as_bytes())
}
