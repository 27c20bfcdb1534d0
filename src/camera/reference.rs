//! A recorded clip of one exercise becomes an example by which sets are named: the clip is looked at with the box's engine,
//! its athlete is followed and counted as before a camera, and of its sets the one with the most repetitions is taken.
//!
//! The work is bounded by the clip's own time and by its pictures, so that no upload keeps an engine busy for ever.

use std::path::Path;
use std::time::Duration;

use super::recording::{Recording, RecordingFault};
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

    /// The example in a clip, and its repetitions.
    ///
    /// # Errors
    /// Why there is none.
    pub fn example(&self, clip: &Path, exercise: &str, beat: &Beat) -> Result<(Prototype, usize), NoReference> {
        let mut recording = Recording::open(clip, self.stall, &self.engine, &self.stop)?;
        let (mut workout, mut told, mut best) = (Workout::new(Settings::default()), Vec::new(), None);
        workout.choose(Exercise::named(exercise));
        let (mut pictures, mut begun, mut somebody) = (0, None, false);
        while let Some(seen) = recording.look()? {
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
