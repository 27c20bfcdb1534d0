//! The command line, one file per subcommand.
//!
//! Only this room prints to stdout. A wrong argument may hold a password (a source is an argument), so what the
//! argument parser says about it goes through [`redacted`] before it is shown.

pub mod bench;
mod check;
mod completions;
mod engine;
pub mod logging;
mod picture;
mod pose;
mod probe;
mod replay;
mod root;
pub mod run;
mod snapshot;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub use bench::{Bench, BenchArgs};

use crate::config::{Config, Flags};
use crate::error::{Exit, redacted};

const EXAMPLES: &str = "\
Examples:
  spotter run                                      a rendered athlete on http://127.0.0.1:8080/
  spotter run --camera rack=v4l2:/dev/video0       a USB camera
  spotter run --config /etc/spotter/spotter.toml   a whole box
  spotter check --config spotter.toml              is this config right?
  spotter probe                                    the cameras here and their source lines
  spotter snapshot rtsp://camera/stream -o a.jpg   one picture
  spotter pose a.jpg --model yolo11n-pose.onnx     the people in it
  spotter replay squats.mp4 --model yolo11n-pose.onnx   the repetitions in a video
  spotter replay poses.jsonl --json                the same in a recording of poses

Sources:
  demo:                           a rendered athlete; demo:squat?reps=5&rest=8&fps=30&size=1280x720
                                  (squat, curl, press, deadlift or lunge; also &seed=1)
  v4l2:/dev/v4l/by-path/...       a V4L2 device; ?size=1280x720&fps=30&format=mjpeg
                                  (mjpeg, yuyv, uyvy, nv12, yu12 or grey)
  rtsp://user:pass@host/path      a network camera, also rtsps://; H.264, H.265 or MJPEG
  http://host/stream.mjpg         MJPEG over HTTP, also https://
  file:PATH                       a recording, every frame in order
  gst:PIPELINE                    any GStreamer pipeline without its sink
  webcam:0                        a laptop's webcam, in builds with the feature webcam

Exit codes:
  0  done
  1  it was understood but did not work
  2  the arguments or the config are wrong

The log goes to stderr; RUST_LOG=debug (or warn, error, spotter::capture=trace) says more or less.";

/// The service inside a gym camera box: it captures, serves the picture and watches over its cameras.
#[derive(Parser)]
#[command(name = "spotter", after_help = EXAMPLES, after_long_help = EXAMPLES, max_term_width = 110)]
#[command(version = version(), arg_required_else_help = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the box until it is told to stop
    ///
    /// Without --config it is a working box with one camera `demo`, listening on 127.0.0.1:8080. No file is read
    /// that was not named. SIGTERM or Ctrl-C ends it in order, a second one at once. When every camera is a
    /// recording, it ends by itself after the last one.
    Run(RunArgs),
    /// Print the config as it is understood, or everything that is wrong with it
    ///
    /// The result is TOML on stdout, with every key and its value, secrets as ***. Faults are `file:line: sentence`
    /// on stderr, all of them at once.
    Check {
        /// The config file; without it, the config that `spotter run` has without one
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Where the box keeps what it writes, if `spotter run` is told so, too
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// List the cameras of this machine, with the source line for each
    Probe {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Take one picture from a source
    Snapshot(snapshot::SnapshotArgs),
    /// Find the people in one picture
    Pose(pose::PoseArgs),
    /// Count the repetitions in a video or in a recording of poses
    Replay(replay::ReplayArgs),
    /// Measure this machine
    Bench(BenchArgs),
    /// Print a completion script for a shell
    ///
    /// For bash: spotter completions bash > /etc/bash_completion.d/spotter
    Completions {
        /// Which one
        shell: clap_complete::Shell,
    },
}

/// What `spotter run` takes.
#[derive(clap::Args)]
struct RunArgs {
    /// The config file; what follows wins over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A camera: another source for the one of this name, or one more; may be repeated
    #[arg(long, value_name = "NAME=URI")]
    camera: Vec<String>,
    /// Where to serve; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Where to keep what is written: the log
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Why it may run as root, which it refuses when systemd starts it so
    #[arg(long, value_name = "WHY")]
    as_root: Option<String>,
}

/// The table of arguments, for whoever writes man pages and completions from it.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Does what the arguments say.
pub fn main(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    logging::start();
    match arguments.command {
        Command::Run(args) => {
            if let Some(exit) = root::refused(args.as_root.as_deref()) {
                return exit;
            }
            root::keep_to_itself();
            let flags = Flags { cameras: args.camera, listen: args.listen, data_dir: args.data_dir };
            match Config::load(args.config.as_deref(), &flags) {
                Ok(config) => run::run(config),
                Err(faults) => say(&faults.to_string(), Exit::Usage),
            }
        }
        Command::Check { config, data_dir } => check::check(config.as_deref(), &Flags { data_dir, ..Flags::default() }),
        Command::Probe { json } => probe::probe(json),
        Command::Snapshot(args) => snapshot::snapshot(&args),
        Command::Pose(args) => pose::pose(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Completions { shell } => completions::completions(shell, &mut Arguments::command()),
    }
}

/// Help and version are asked for; everything else is a wrong argument.
fn refuse(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Ok(()) => Exit::Done,
            Err(_) => Exit::Failed,
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nothing was given, so nothing of it can be shown; the exit code says what is to be said.
            let _ = error.print();
            Exit::Usage
        }
        _ => {
            tell(&redacted(&error.render().to_string()));
            Exit::Usage
        }
    }
}

/// One or more sentences for a person on stderr, and the exit code that goes with them.
fn say(sentences: &str, exit: Exit) -> Exit {
    tell(&format!("{}\n", redacted(sentences)));
    exit
}

/// Text on stderr. Where it cannot be written nobody reads it, and the exit code still tells.
fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Text on stdout. A reader that has gone away, as `head` does, is no failure.
fn put(bytes: &[u8]) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => say(&format!("stdout cannot be written: {error}"), Exit::Failed),
    }
}

/// The version, and what this build is.
pub fn version() -> String {
    let features = [("gst", cfg!(feature = "gst")), ("webcam", cfg!(feature = "webcam"))];
    let mut features: Vec<&str> = features.into_iter().filter_map(|(name, on)| on.then_some(name)).collect();
    if features.is_empty() {
        features.push("none");
    }
    format!(
        "{} ({}, {}-{}, {}, features: {})",
        env!("CARGO_PKG_VERSION"),
        option_env!("SPOTTER_COMMIT").unwrap_or("commit unknown"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        if cfg!(debug_assertions) { "debug" } else { "release" },
        features.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_arguments_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_bench_of_the_contract_is_understood() {
        let given = "spotter bench pipeline --camera-fps 15 --infer-ms 100 --seconds 10 --json".split(' ');
        let Command::Bench(args) = Arguments::try_parse_from(given).unwrap().command else { panic!("not a bench") };
        assert!(args.json);
        let want = Bench::Pipeline { camera_fps: 15.0, infer_ms: 100, seconds: 10 };
        assert_eq!(args.what, want);
    }
}
