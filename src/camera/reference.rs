//! A recorded clip of one exercise becomes an example by which sets are named. It is a film, which is looked at with the box's
//! engine, or a poses file, which somebody has looked at already. Its athlete is followed and counted as before a camera, and
//! of its sets the one with the most repetitions is taken.
//!
//! The work is bounded by the clip's own time and by its pictures, so that no upload keeps an engine busy for ever.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use super::poses_file::{PosesFault, PosesFile};
use super::recording::{Recording, RecordingFault, Sighting};
use crate::capture::CaptureFault;
use crate::pose::{Engine, PoseFault};
use crate::threads::{Beat, Stop};
use crate::time::Mono;
use crate::workout::{EXAMPLE_REPS, Exercise, Happening, Prototype, Settings, Workout};

/// A clip is no longer, seconds.
const MOST_S: u64 = 120;
/// Nor has it more pictures.
const MOST_PICTURES: u32 = 5000;
/// What faults call it; its place on the disk is nobody's business.
const CLIP: &str = "the clip";

/// Why a clip is no example.
#[derive(Debug, thiserror::Error)]
pub enum NoReference {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(CaptureFault),
    /// It is a poses file with a line that is none.
    #[error("line {} of this clip does not fit: {}", .0.line, .0.why)]
    Line(PosesFault),
    /// Nobody was followed in it.
    #[error("nobody is seen in this clip")]
    Nobody,
    /// Nothing in it is a set.
    #[error("no repetition was found in this clip")]
    NoRepetition,
    /// It would keep the engine too long.
    #[error("this clip is too long; {MOST_S} s and {MOST_PICTURES} pictures are looked at")]
    TooLong,
    /// The engine is at fault, not the clip.
    #[error(transparent)]
    Engine(PoseFault),
    /// The box ends.
    #[error("the box is ending")]
    Stopped,
}

impl NoReference {
    /// Another clip may do better.
    pub fn is_of_the_clip(&self) -> bool {
        !matches!(self, NoReference::Engine(_) | NoReference::Stopped)
    }
}

impl From<RecordingFault> for NoReference {
    fn from(fault: RecordingFault) -> NoReference {
        match fault {
            RecordingFault::Capture(CaptureFault::NotVideo { .. }) => {
                NoReference::Unreadable(CaptureFault::NotVideo { what: CLIP.into() })
            }
            RecordingFault::Capture(CaptureFault::Failed { why, .. }) => {
                NoReference::Unreadable(CaptureFault::Failed { what: CLIP.into(), why })
            }
            RecordingFault::Capture(other) => NoReference::Unreadable(other),
            RecordingFault::Pose(fault) => NoReference::Engine(fault),
            RecordingFault::Stopped => NoReference::Stopped,
        }
    }
}

/// Looks at clips.
#[derive(Clone)]
pub struct Reference {
    engine: Engine,
    stall: Duration,
    stop: Stop,
}

impl Reference {
    /// With the box's engine; nothing where nobody looks. `stall` is how long a clip may give no picture.
    pub fn new(engine: &Engine, stall: Duration, stop: &Stop) -> Option<Reference> {
        let looks = !matches!(engine, Engine::Off);
        looks.then(|| Reference { engine: engine.clone(), stall, stop: stop.clone() })
    }

    /// How long opening a clip may take, in which no beat is marked.
    pub fn stall(&self) -> Duration {
        self.stall
    }

    /// The example in a film, and its repetitions.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of_film(&self, film: &Path, exercise: &str, beat: &Beat) -> Result<(Prototype, usize), NoReference> {
        let mut recording = Recording::open(film, self.stall, &self.engine, &self.stop)?;
        let shots = std::iter::from_fn(|| recording.look().map_err(NoReference::from).transpose());
        self.example(shots, exercise, beat)
    }

    /// The example in a poses file, and its repetitions.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of_poses(&self, file: impl Read, exercise: &str, beat: &Beat) -> Result<(Prototype, usize), NoReference> {
        let lines = PosesFile::new(BufReader::new(Watched { file, beat, stop: &self.stop }));
        let fault = |fault| if self.stop.is_raised() { NoReference::Stopped } else { NoReference::Line(fault) };
        self.example(lines.map(|shot| shot.map_err(fault)), exercise, beat)
    }

    fn example(
        &self,
        shots: impl Iterator<Item = Result<Sighting, NoReference>>,
        exercise: &str,
        beat: &Beat,
    ) -> Result<(Prototype, usize), NoReference> {
        let (mut workout, mut told, mut best) = (Workout::new(Settings::default()), Vec::new(), None);
        workout.choose(Exercise::named(exercise));
        let (mut pictures, mut begun, mut somebody) = (0, None, false);
        for seen in shots {
            let seen = seen?;
            beat.mark(Mono::now());
            pictures += 1;
            let begun = *begun.get_or_insert(seen.stamp);
            if pictures > MOST_PICTURES || seen.stamp.since(begun).as_secs() >= MOST_S {
                return Err(NoReference::TooLong);
            }
            somebody |= workout.update(seen.stamp, seen.size, &seen.poses, &mut told).athlete.id.is_some();
            keep_best(&workout, exercise, &mut told, &mut best);
        }
        workout.finish(&mut told);
        keep_best(&workout, exercise, &mut told, &mut best);
        best.ok_or(if somebody { NoReference::NoRepetition } else { NoReference::Nobody })
    }
}

/// A file that is read under a beat and until the box ends, also where it has no line for long.
struct Watched<'a, R> {
    file: R,
    beat: &'a Beat,
    stop: &'a Stop,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.beat.mark(Mono::now());
        if self.stop.is_raised() {
            return Err(io::Error::other("the box is ending"));
        }
        self.file.read(into)
    }
}

/// The workout remembers only the set that ended last, so it is asked whenever one ends.
fn keep_best(workout: &Workout, exercise: &str, told: &mut Vec<Happening>, best: &mut Option<(Prototype, usize)>) {
    for happening in told.drain(..) {
        let Happening::SetEnded(set) = happening else { continue };
        let better = set.reps.len() > best.as_ref().map_or(EXAMPLE_REPS - 1, |(_, reps)| *reps);
        if better && let Some(prototype) = workout.example(exercise) {
            *best = Some((prototype, set.reps.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUATS: &str = include_str!("../../tests/golden/demo_squat.jsonl");

    fn learnt(text: &str) -> Result<usize, String> {
        // No engine is asked: somebody has looked already.
        let reference = Reference { engine: Engine::Off, stall: Duration::ZERO, stop: Stop::default() };
        let example = reference.of_poses(text.as_bytes(), "Squat", &Beat::detached());
        example.map(|(_, reps)| reps).map_err(|why| why.to_string())
    }

    #[test]
    fn a_poses_file_is_learnt_and_one_that_does_not_fit_is_refused_with_its_line() {
        assert_eq!(learnt(SQUATS), Ok(5));
        let second = SQUATS.lines().nth(1).unwrap();
        let (lines, broken) = (SQUATS.lines().count(), format!("{SQUATS}{second}\n"));
        let told = learnt(&broken).unwrap_err();
        assert!(told.starts_with(&format!("line {} of this clip does not fit: t goes back", lines + 1)), "{told}");
        assert_eq!(learnt("").unwrap_err(), "nobody is seen in this clip");
    }

    #[test]
    fn a_poses_file_has_the_limits_of_a_film() {
        let frames = |every_s: f64, count: u32| -> String {
            (0..count).map(|n| format!("{{\"t\":{},\"poses\":[]}}\n", f64::from(n) * every_s)).collect()
        };
        let (nobody, long) = ("nobody is seen in this clip", NoReference::TooLong.to_string());
        assert_eq!(learnt(&frames(1.0, 120)).unwrap_err(), nobody);
        assert_eq!(learnt(&frames(1.0, 121)).unwrap_err(), long);
        assert_eq!(learnt(&frames(0.01, MOST_PICTURES)).unwrap_err(), nobody);
        assert_eq!(learnt(&frames(0.01, MOST_PICTURES + 1)).unwrap_err(), long);
    }

    #[test]
    fn a_box_that_ends_lets_go_of_a_poses_file() {
        let stop = Stop::default();
        let reference = Reference { engine: Engine::Off, stall: Duration::ZERO, stop: stop.clone() };
        stop.raise();
        let blank = io::repeat(b'\n');
        assert!(matches!(reference.of_poses(blank, "Row", &Beat::detached()), Err(NoReference::Stopped)));
    }
}
