//! `spotter replay`: counts what is in a recording, of pictures or of poses, as the box would have counted it live, only
//! faster. What is not called `.jsonl` is a video.
//!
//! Time is the recording's own. A line of a poses file that does not fit ends it, with the file's name and the line's number.
//!
//! *shot*: what was found on one frame.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::engine::EngineArgs;
use crate::camera::poses_file::{PosesFault, PosesFile};
use crate::camera::recording::{Recording, Sighting};
use crate::config::CaptureConfig;
use crate::error::Exit;
use crate::pose::{Engine, Limits, Shared};
use crate::threads::Stop;
use crate::time::Mono;
use crate::workout::{EXERCISES, Exercise, Happening, Prototype, Prototypes, Settings, Workout};

/// The most bytes of a prototype.
const MOST_PROTOTYPE: u64 = 1 << 20;

/// What `spotter replay` takes.
#[derive(clap::Args)]
pub(super) struct ReplayArgs {
    /// A video, or a recording of poses, one frame a line (.jsonl)
    #[arg(value_name = "VIDEO|POSES.jsonl")]
    recording: PathBuf,
    /// The model that looks at a video, an ONNX file of the YOLO pose family; without it the one in this program, which
    /// knows only the athlete of demo: sources
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    /// What is being done, by its name; without it, it is recognised
    #[arg(long, value_name = "NAME")]
    exercise: Option<String>,
    /// Recorded examples to recognise exercises by, one JSON file each
    #[arg(long, value_name = "DIR")]
    prototypes: Option<PathBuf>,
    /// One event a line as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Counts it.
pub(super) fn replay(args: &ReplayArgs) -> Exit {
    let mut workout = Workout::new(Settings::default());
    if let Err(sentence) = prepare(args, &mut workout) {
        return super::say(&sentence, Exit::Usage);
    }
    if args.recording.extension().is_some_and(|extension| extension == "jsonl") {
        return match File::open(&args.recording) {
            Ok(file) => tell(&mut workout, poses(&args.recording, file), args, Exit::Usage),
            Err(why) => super::say(&format!("{} cannot be read: {why}", args.recording.display()), Exit::Failed),
        };
    }
    match video(args) {
        Ok(shots) => tell(&mut workout, shots, args, Exit::Failed),
        Err(sentence) => super::say(&sentence, Exit::Failed),
    }
}

/// The shots of a poses file.
fn poses(path: &Path, file: File) -> impl Iterator<Item = Result<Sighting, String>> {
    let told = |shot: Result<Sighting, PosesFault>| {
        shot.map_err(|PosesFault { line, why }| format!("{}:{line}: {why}", path.display()))
    };
    PosesFile::new(BufReader::new(file)).map(told)
}

/// The shots of a video.
fn video(args: &ReplayArgs) -> Result<impl Iterator<Item = Result<Sighting, String>> + use<>, String> {
    let chosen = args.engine.choose()?;
    let shared = match &args.model {
        Some(path) => Shared::open(path, Limits::default(), chosen, 0),
        None => {
            log::warn!("without --model only the athlete of demo: sources is known");
            Shared::demo(Limits::default(), chosen, 0)
        }
    };
    let engine = Engine::Model(shared.map_err(|fault| fault.to_string())?);
    let opened = Recording::open(&args.recording, CaptureConfig::default().stall, &engine, &Stop::default());
    let mut recording = Some(opened.map_err(|fault| fault.to_string())?);
    Ok(std::iter::from_fn(move || match recording.as_mut()?.look() {
        Ok(seen) => seen.map(Ok),
        Err(fault) => {
            recording = None;
            Some(Err(fault.to_string()))
        }
    }))
}

/// Counts and tells; a recording that does not fit ends with `unfit`.
fn tell(
    workout: &mut Workout,
    shots: impl Iterator<Item = Result<Sighting, String>>,
    args: &ReplayArgs,
    unfit: Exit,
) -> Exit {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match count(workout, shots, args.json, &mut out).map(|()| out.flush()) {
        Ok(Ok(())) => Exit::Done,
        Err(Stopped::Recording(sentence)) => {
            // What was counted before the place that does not fit is told all the same.
            let _ = out.flush();
            super::say(&sentence, unfit)
        }
        Ok(Err(why)) | Err(Stopped::Stdout(why)) if why.kind() != std::io::ErrorKind::BrokenPipe => {
            super::say(&format!("stdout cannot be written: {why}"), Exit::Failed)
        }
        // A reader that has gone away, as `head` does, is no failure.
        Ok(Err(_)) | Err(Stopped::Stdout(_)) => Exit::Done,
    }
}

fn prepare(args: &ReplayArgs, workout: &mut Workout) -> Result<(), String> {
    if let Some(name) = &args.exercise {
        let unknown = || {
            let names: Vec<&str> = EXERCISES.iter().map(|exercise| exercise.name).collect();
            format!("there is no exercise {name:?}; there are {}", names.join(", "))
        };
        workout.choose(Some(Exercise::named(name).ok_or_else(unknown)?));
    }
    if let Some(folder) = &args.prototypes {
        workout.learn(Arc::new(Prototypes::new(recorded(folder)?)));
    }
    Ok(())
}

/// The prototypes of a folder, in the order of their files' names.
fn recorded(folder: &Path) -> Result<Vec<Prototype>, String> {
    let cannot = |path: &Path, why: &dyn std::fmt::Display| format!("{} cannot be read: {why}", path.display());
    let entries = std::fs::read_dir(folder).map_err(|why| cannot(folder, &why))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| cannot(folder, &why))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: &PathBuf| {
        let size = std::fs::metadata(path).map_err(|why| cannot(path, &why))?.len();
        if size > MOST_PROTOTYPE {
            return Err(cannot(path, &format!("it has {size} bytes, {MOST_PROTOTYPE} at most are allowed")));
        }
        let text = std::fs::read_to_string(path).map_err(|why| cannot(path, &why))?;
        serde_json::from_str(&text).map_err(|why| cannot(path, &why))
    };
    paths.iter().map(read).collect()
}

/// Why counting ended early.
pub(super) enum Stopped {
    /// The recording does not fit, or goes on no longer; a sentence.
    Recording(String),
    Stdout(std::io::Error),
}

/// Counts shots, from wherever they come, and writes what happens as it happens.
pub(super) fn count(
    workout: &mut Workout,
    shots: impl Iterator<Item = Result<Sighting, String>>,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Stopped> {
    let (mut told, mut frames, mut sets, mut reps) = (Vec::new(), 0u64, 0u64, 0u64);
    let mut tell = |told: &mut Vec<Happening>, out: &mut dyn Write| {
        for happening in told.drain(..) {
            match &happening {
                Happening::SetStarted { .. } | Happening::SetDropped => {}
                Happening::Rep(_) => reps += 1,
                Happening::SetEnded(_) => sets += 1,
            }
            let line = if as_json { event(&happening).to_string() } else { sentence(&happening) };
            writeln!(out, "{line}").map_err(Stopped::Stdout)?;
        }
        Ok(())
    };
    for shot in shots {
        let shot = shot.map_err(Stopped::Recording)?;
        workout.update(shot.stamp, shot.size, &shot.poses, &mut told);
        frames += 1;
        tell(&mut told, out)?;
    }
    workout.finish(&mut told);
    tell(&mut told, out)?;
    let line = if as_json {
        json!({"event": "summary", "sets": sets, "reps": reps, "frames": frames}).to_string()
    } else {
        format!("{sets} sets, {reps} repetitions in {frames} frames")
    };
    writeln!(out, "{line}").map_err(Stopped::Stdout)
}

fn seconds(stamp: Mono) -> f64 {
    (stamp.as_ns() as f64 / 1e6).round() / 1e3
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 100.0).round() / 100.0
}

fn event(happening: &Happening) -> serde_json::Value {
    match happening {
        Happening::SetStarted { at } => json!({"event": "set_started", "t": seconds(*at)}),
        Happening::Rep(rep) => json!({
            "event": "rep", "t": seconds(rep.ended), "n": rep.n, "min_deg": rounded(rep.min_deg),
            "max_deg": rounded(rep.max_deg), "duration_s": rounded(rep.ended.since(rep.started).as_secs_f32()),
        }),
        Happening::SetEnded(set) => json!({
            "event": "set_ended", "exercise": set.exercise.as_deref(), "reps": set.reps.len(), "started_at": seconds(set.started),
            "ended_at": seconds(set.ended), "confidence": rounded(set.confidence), "pending": set.pending,
        }),
        Happening::SetDropped => json!({"event": "set_dropped"}),
    }
}

fn sentence(happening: &Happening) -> String {
    match happening {
        Happening::SetStarted { at } => format!("{:9.2} s  a set", seconds(*at)),
        Happening::Rep(rep) => format!("{:9.2} s  {:3}", seconds(rep.ended), rep.n),
        Happening::SetEnded(set) => {
            let name = set.exercise.as_deref().unwrap_or("an unknown exercise");
            let sure = if set.pending { ", to be confirmed" } else { "" };
            format!(
                "{:9.2} s  {} x {name}, {:.0} % sure{sure}",
                seconds(set.ended),
                set.reps.len(),
                set.confidence * 100.0
            )
        }
        Happening::SetDropped => "             that was no set".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sets that are counted in poses which the embedded model saw of its athlete, at 7.5 frames a second.
    fn sets(name: &str, exercise: Option<&str>, quiet_seconds: f32) -> Vec<crate::workout::Set> {
        let path = format!("{}/tests/golden/demo_{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let path = Path::new(&path);
        let mut settings = Settings::default();
        settings.thresholds.quiet_seconds = quiet_seconds;
        let (mut workout, mut told) = (Workout::new(settings), Vec::new());
        workout.choose(exercise.map(|name| Exercise::named(name).unwrap()));
        for shot in poses(path, File::open(path).unwrap()) {
            let shot = shot.unwrap();
            workout.update(shot.stamp, shot.size, &shot.poses, &mut told);
        }
        workout.finish(&mut told);
        let set = |happening| if let Happening::SetEnded(set) = happening { Some(*set) } else { None };
        told.into_iter().filter_map(set).collect()
    }

    #[test]
    fn a_set_that_was_none_is_told_as_dropped() {
        assert_eq!(event(&Happening::SetDropped).to_string(), r#"{"event":"set_dropped"}"#);
        assert!(sentence(&Happening::SetDropped).ends_with("that was no set"));
    }

    #[test]
    fn the_demo_athlete_does_two_sets_of_five_by_the_poses_that_the_model_really_saw() {
        for (file, name, (bent, stretched)) in
            [("squat", "Squat", (90.0, 150.0)), ("press", "Overhead Press", (45.0, 140.0))]
        {
            // A short quiet must not end a set in the middle of a repetition.
            for (chosen, quiet_seconds) in [(None, 25.0), (Some(name), 25.0), (Some(name), 3.0), (None, 3.0)] {
                let sets = sets(file, chosen, quiet_seconds);
                let told = format!("{file}, {chosen:?}, {quiet_seconds} s: {sets:?}");
                assert_eq!(sets.iter().map(|set| set.reps.len()).collect::<Vec<_>>(), [5, 5], "{told}");
                assert!(sets.iter().all(|set| set.exercise.as_deref() == Some(name)), "{told}");
                // The angle of the hinge that works.
                let working = |rep: &crate::workout::Rep| rep.min_deg < bent && rep.max_deg > stretched;
                assert!(sets.iter().flat_map(|set| &set.reps).all(working), "{told}");
            }
        }
    }
}
