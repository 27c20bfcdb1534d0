//! How a body moves through a repetition: where its bones point in the picture, at even steps from the start over the
//! turn to the end. It is what an exercise is named by.
//!
//! Lengths in the picture, not angles: a bone that points at the camera is short and sways little, while its angle would
//! be anything. The steps divide each quarter of the way evenly (see [`Span`]), so that tempo is out of it; pauses
//! and sticking points are left to the warp. It must never guess: what was not seen is `NaN`.
//!
//! *bone*: from one point to another, across and down, in statures · *step*: one of [`STEPS`] moments of a repetition.

use super::MIN_CONFIDENCE;
use super::measure::{CHANNELS, FEET_X, FEET_Y, FIGURE};
use super::rep::Span;
use super::signal::Signal;
use crate::skeleton::{Joint, Pose};

/// Moments of a repetition; four to a quarter.
pub const STEPS: usize = 17;
/// The turn's.
pub const TURN: usize = STEPS / 2;
const QUARTER: usize = STEPS / 4;

/// What is followed, from near to far end. Left is first; the last two lie across the body, from right to left.
pub const BONES: [(Joint, Joint); 12] = {
    use Joint::*;
    [
        (LeftShoulder, LeftElbow),
        (RightShoulder, RightElbow),
        (LeftElbow, LeftWrist),
        (RightElbow, RightWrist),
        (LeftHip, LeftKnee),
        (RightHip, RightKnee),
        (LeftKnee, LeftAnkle),
        (RightKnee, RightAnkle),
        (LeftHip, LeftShoulder),
        (RightHip, RightShoulder),
        (RightShoulder, LeftShoulder),
        (RightHip, LeftHip),
    ]
};
/// Bones that have one of their own on the other side.
const PAIRED: usize = 10;
/// All of the above, and where the feet are.
pub const PARTS: usize = BONES.len() + 1;
/// The feet's place among them, against its mean over the repetition.
pub const FEET: usize = BONES.len();

/// A body at one step: across and down of every part, statures.
pub type Shape = [[f32; 2]; PARTS];

/// The shapes of a repetition, or of several on average.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Course(pub [Shape; STEPS]);

/// Across and down of every bone of a pose, in statures; `NaN` where it is not seen.
pub fn bones(pose: &Pose, stature_px: f32, values: &mut [f32]) {
    for ((near, far), value) in BONES.iter().zip(values.chunks_exact_mut(2)) {
        let (near, far) = (pose.at(*near), pose.at(*far));
        if stature_px > 0.0 && near.confidence >= MIN_CONFIDENCE && far.confidence >= MIN_CONFIDENCE {
            let way = [far.x - near.x, far.y - near.y].map(|px| px / stature_px);
            if way.iter().all(|share| share.is_finite() && share.abs() < 1.0) {
                value.copy_from_slice(&way);
            }
        }
    }
}

/// The channels of a part.
const fn channels(part: usize) -> [usize; 2] {
    if part == FEET { [FEET_X, FEET_Y] } else { [FIGURE + 2 * part, FIGURE + 2 * part + 1] }
}

/// Mean of what is a number; `NaN` of nothing.
fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.filter(|v| v.is_finite()).fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    sum / count
}

impl Course {
    /// Nothing was seen.
    pub const UNSEEN: Course = Course([[[f32::NAN; 2]; PARTS]; STEPS]);

    /// Of a repetition that is still in the signal.
    pub fn of(signal: &Signal, span: &Span) -> Course {
        let marks = [span.start, span.half_out, span.turn, span.half_back, span.end].map(|tick| tick as f32);
        let moment = |step: usize| {
            let (quarter, share) = (step / QUARTER, (step % QUARTER) as f32 / QUARTER as f32);
            let (from, to) = (marks[quarter], marks[(quarter + 1).min(4)]);
            from + share * (to - from)
        };
        let mut course = Course::UNSEEN;
        for (step, shape) in course.0.iter_mut().enumerate() {
            let at = moment(step);
            let from = (at + moment(step.saturating_sub(1))) / 2.0;
            let to = (at + moment((step + 1).min(STEPS - 1))) / 2.0;
            let (from, to) = (from.round() as u64, (to.round() as u64).max(from.round() as u64));
            let rows = || (from..=to).filter_map(|tick| signal.values(tick));
            for (part, place) in shape.iter_mut().enumerate() {
                *place = channels(part).map(|channel| mean(rows().map(|row: &[f32; CHANNELS]| row[channel])));
            }
        }
        course.centre();
        course
    }

    /// The feet's place becomes how far they are from their mean.
    fn centre(&mut self) {
        for axis in 0..2 {
            let middle = mean(self.0.iter().map(|shape| shape[FEET][axis]));
            self.0.iter_mut().for_each(|shape| shape[FEET][axis] -= middle);
        }
    }

    /// The mean of several; of none, of nothing.
    pub fn mean<'a>(courses: impl Iterator<Item = &'a Course> + Clone) -> Course {
        let mut all = Course::UNSEEN;
        for (step, shape) in all.0.iter_mut().enumerate() {
            for (part, place) in shape.iter_mut().enumerate() {
                *place = [0, 1].map(|axis| mean(courses.clone().map(|course| course.0[step][part][axis])));
            }
        }
        all
    }

    /// As a mirror shows it: the other side does it, seen from the other side.
    pub fn mirrored(&self) -> Course {
        Course(self.0.map(|shape| {
            std::array::from_fn(|part| {
                let [across, down] = shape[if part < PAIRED { part ^ 1 } else { part }];
                // A line from right to left is one again when the sides are exchanged.
                if part >= PAIRED && part != FEET { [across, -down] } else { [-across, down] }
            })
        }))
    }

    /// From turn to turn.
    pub fn turned(&self) -> Course {
        let ends: Shape = std::array::from_fn(|part| {
            [0, 1].map(|axis| mean([0, STEPS - 1].into_iter().map(|end| self.0[end][part][axis])))
        });
        Course(std::array::from_fn(|step| if step == TURN { ends } else { self.0[(step + TURN) % (STEPS - 1)] }))
    }
}

/// What the values of a set's courses err by: variances of the parts, statures squared.
pub fn errors(signal: &Signal, reps: usize) -> [f32; PARTS] {
    std::array::from_fn(|part| {
        let noise2 = channels(part).map(|channel| signal.noise_deg(channel).powi(2));
        (noise2[0] + noise2[1]) / 2.0 / reps.max(1) as f32
    })
}
