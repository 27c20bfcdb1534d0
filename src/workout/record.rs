//! An example of an exercise out of a recording: the athlete is followed, what he does is counted as what he says it is, and
//! how his repetitions look is kept.

use super::counter::{Settings, Workout};
use super::exercise::Exercise;
use super::prototype::Prototype;
use super::report::Happening;
use crate::skeleton::Pose;
use crate::time::Mono;

/// Why a recording is no example.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoExample {
    /// Nobody was followed.
    #[error("there is no athlete in the recording")]
    NoAthlete,
    /// Nothing was done at least three times.
    #[error("no movement is repeated in the recording: it should show at least three repetitions")]
    NoRepetitions,
}

/// Fewer repetitions are no example: what they have in common may be chance.
pub const EXAMPLE_REPS: usize = 3;

impl Prototype {
    /// From what was found on each frame of a recording: its stamp, the frame's size, the poses. Of several sets the last
    /// one is the example.
    pub fn recorded(
        exercise: &str,
        settings: Settings,
        shots: impl IntoIterator<Item = (Mono, (usize, usize), Vec<Pose>)>,
    ) -> Result<Prototype, NoExample> {
        let (mut workout, mut told, mut seen, mut example) = (Workout::new(settings), Vec::new(), false, None);
        workout.choose(Exercise::named(exercise));
        let mut keep = |workout: &Workout, told: &mut Vec<Happening>| {
            let enough = |told: Happening| matches!(told, Happening::SetEnded(set) if set.reps.len() >= EXAMPLE_REPS);
            if told.drain(..).any(enough) {
                example = workout.example(exercise);
            }
        };
        for (stamp, size, poses) in shots {
            seen |= workout.update(stamp, size, &poses, &mut told).athlete.id.is_some();
            keep(&workout, &mut told);
        }
        workout.finish(&mut told);
        keep(&workout, &mut told);
        example.ok_or(if seen { NoExample::NoRepetitions } else { NoExample::NoAthlete })
    }
}
