//! An example of an exercise out of a recording: the athlete is followed and counted as always, and how his repetitions
//! look is kept.

use super::counter::{Settings, Workout};
use super::prototype::Prototype;
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

impl Prototype {
    /// From what was found on each frame of a recording: its stamp, the frame's size, the poses. Of several sets the last
    /// one is the example.
    pub fn recorded(
        exercise: &str,
        settings: Settings,
        shots: impl IntoIterator<Item = (Mono, (usize, usize), Vec<Pose>)>,
    ) -> Result<Prototype, NoExample> {
        let (mut workout, mut told, mut seen) = (Workout::new(settings), Vec::new(), false);
        for (stamp, size, poses) in shots {
            seen |= workout.update(stamp, size, &poses, &mut told).athlete.id.is_some();
            told.clear();
        }
        workout.finish(&mut told);
        workout.example(exercise).ok_or(if seen { NoExample::NoRepetitions } else { NoExample::NoAthlete })
    }
}
