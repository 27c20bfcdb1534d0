//! What a workout reports: sets that begin, repetitions, sets that end. Nouns and nothing else; the log, the deliveries and
//! the pages know these words, and none of what found them.
//!
//! Moments are the frames' own time. A set begins where its first repetition begins and ends where its last one ends; the
//! quiet after it, in which the box makes sure that it is over, is no part of it.
//!
//! *turn*: where a repetition changes direction, the bottom of a squat · *go*, *hold*, *back*, *pause*: its four phases,
//! towards the turn, at the turn, back to the start, at the start before the next one.

use std::sync::Arc;

use crate::time::Mono;

/// Seconds of a repetition's four phases.
#[derive(Clone, Copy, PartialEq, Default, Debug, serde::Serialize, serde::Deserialize)]
pub struct Phases {
    /// From the start to the turn: down in a squat, up in a curl.
    pub go_s: f32,
    /// At the turn.
    pub hold_s: f32,
    /// From the turn back to the start.
    pub back_s: f32,
    /// At the start, until the next repetition; of the last one, until it was told.
    pub pause_s: f32,
}

/// One repetition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rep {
    /// In its set, from 1.
    pub n: u32,
    /// It left its start.
    pub started: Mono,
    /// It was as far as it went.
    pub turned: Mono,
    /// It was back.
    pub ended: Mono,
    /// The least angle of the measured joint, degrees.
    pub min_deg: f32,
    /// The greatest.
    pub max_deg: f32,
    /// Its tempo.
    pub phases: Phases,
}

/// A second count that differs by a share of the first takes this many times as much of the confidence.
const DISAGREEMENT: f32 = 2.5;

/// How far the second count agrees with the first, 0 to 1: 1 where it is the same.
pub fn agreement(counted: usize, recount: u32) -> f32 {
    let counted = counted.max(1) as f32;
    (1.0 - DISAGREEMENT * (recount as f32 - counted).abs() / counted).clamp(0.0, 1.0)
}

/// A set that is over.
#[derive(Clone, PartialEq, Debug)]
pub struct Set {
    /// What was done; nothing when it is unknown.
    pub exercise: Option<Arc<str>>,
    /// The athlete said what he would do; otherwise it was recognised.
    pub chosen: bool,
    /// In order; never empty. Counted anew at the end, so that there may be others than were told at the time.
    pub reps: Vec<Rep>,
    /// How many there are by the second, unhurried count at the end.
    pub recount: u32,
    /// The start of the first repetition.
    pub started: Mono,
    /// The end of the last one.
    pub ended: Mono,
    /// How sure the count and the name are, 0 to 1.
    pub confidence: f32,
    /// The athlete should confirm it.
    pub pending: bool,
}

/// Something that others want to know at once.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// Enough was seen to be sure that a set goes on; told before its repetitions.
    SetStarted {
        /// The start of its first repetition.
        at: Mono,
    },
    /// A repetition is complete.
    Rep(Rep),
    /// The set is over.
    SetEnded(Box<Set>),
    /// What was told as a set was none, as is seen now that it is over.
    SetDropped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_counts_agree_less_the_more_they_differ_for_their_size() {
        assert_eq!(agreement(10, 10), 1.0);
        assert_eq!([agreement(10, 9), agreement(10, 11)], [0.75, 0.75]);
        assert_eq!(agreement(5, 4), 0.5, "one of five is more than one of ten");
        assert_eq!(agreement(2, 20), 0.0);
        assert_eq!([agreement(0, 1), agreement(0, 0)], [1.0, 0.0]);
    }
}
