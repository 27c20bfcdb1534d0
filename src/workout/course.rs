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

#[cfg(test)]
mod tests {
    use super::super::report::Phases;
    use super::super::signal::stamp_of;
    use super::*;
    use crate::skeleton::{KEYPOINTS, Keypoint};

    /// Across and down differ, and so do parts and steps.
    fn sample() -> Course {
        Course(std::array::from_fn(|step| {
            std::array::from_fn(|part| [(100 * step + part) as f32, -((100 * step + part) as f32) - 0.5])
        }))
    }

    #[test]
    fn a_mirror_exchanges_the_sides_and_what_is_across() {
        let (course, seen) = (sample(), sample().mirrored());
        for (before, after) in course.0.iter().zip(&seen.0) {
            // The left upper arm is the right one's.
            assert_eq!(after[0], [-before[1][0], before[1][1]]);
            assert_eq!(after[1], [-before[0][0], before[0][1]]);
            assert_eq!(after[9], [-before[8][0], before[8][1]]);
            // Shoulders and hips, from right to left.
            assert_eq!(after[10], [before[10][0], -before[10][1]]);
            assert_eq!(after[11], [before[11][0], -before[11][1]]);
            assert_eq!(after[FEET], [-before[FEET][0], before[FEET][1]]);
        }
        assert_eq!(seen.mirrored(), course);
    }

    #[test]
    fn from_turn_to_turn_start_and_end_are_one() {
        let (course, turned) = (sample(), sample().turned());
        assert_eq!((turned.0[0], turned.0[STEPS - 1]), (course.0[TURN], course.0[TURN]));
        assert_eq!(turned.0[TURN][3], [803.0, -803.5], "the mean of steps 0 and 16");
        for step in 1..TURN {
            assert_eq!((turned.0[step], turned.0[TURN + step]), (course.0[TURN + step], course.0[step]));
        }
        let mut late = sample();
        late.0[0] = [[f32::NAN; 2]; PARTS];
        assert_eq!(late.turned().0[TURN], late.0[STEPS - 1], "what was seen of the two");
    }

    #[test]
    fn the_mean_is_of_what_was_seen_and_the_feet_are_told_from_their_own() {
        let (mut one, mut other) = (sample(), sample());
        one.0[2][5] = [f32::NAN; 2];
        other.0[3][5][0] += 10.0;
        let mean = Course::mean([&one, &other].into_iter());
        assert_eq!((mean.0[2][5], mean.0[3][5]), (sample().0[2][5], [310.0, -305.5]));
        assert!(Course::mean([].into_iter()).0.iter().flatten().flatten().all(|v| v.is_nan()));
        let mut centred = sample();
        centred.centre();
        for axis in 0..2 {
            let sum: f32 = centred.0.iter().map(|shape| shape[FEET][axis]).sum();
            assert!(sum.abs() < 0.1, "{sum}");
        }
        assert_eq!(centred.0[1][FEET][0] - centred.0[0][FEET][0], 100.0);
        assert_eq!(centred.0[5][..FEET], sample().0[5][..FEET], "nothing else is moved");
    }

    #[test]
    fn a_bone_is_its_way_across_and_down_in_statures_or_nothing() {
        let point = |x, y, confidence| Keypoint { x, y, confidence };
        let mut pose = Pose { keypoints: [point(0.0, 0.0, 0.0); KEYPOINTS], ..Pose::default() };
        pose.keypoints[Joint::LeftShoulder as usize] = point(100.0, 50.0, 1.0);
        pose.keypoints[Joint::LeftElbow as usize] = point(120.0, 90.0, MIN_CONFIDENCE);
        let told = |pose: &Pose, stature: f32| {
            let mut values = [f32::NAN; 2 * BONES.len()];
            bones(pose, stature, &mut values);
            assert!(values[2..].iter().all(|v| v.is_nan()), "nothing else is seen");
            [values[0], values[1]]
        };
        assert_eq!(told(&pose, 200.0), [0.1, 0.2]);
        for stature in [0.0, -200.0, f32::NAN, 40.0, 20.0] {
            assert!(told(&pose, stature).iter().all(|v| v.is_nan()), "a stature of {stature}");
        }
        for (joint, at) in [(Joint::LeftElbow, 0), (Joint::LeftShoulder, 1)] {
            let mut hidden = pose;
            hidden.keypoints[joint as usize].confidence = MIN_CONFIDENCE * 0.99;
            assert!(told(&hidden, 200.0).iter().all(|v| v.is_nan()), "without point {at}");
        }
    }

    /// Of ticks 1 to 200; the first part goes across by a thousandth a tick and shakes downwards, the feet go across by two.
    fn signal() -> Signal {
        let mut signal = Signal::default();
        for tick in 1..=200u64 {
            signal.advance(stamp_of(tick));
            let mut values = [f32::NAN; CHANNELS];
            let shakes = if tick % 2 == 0 { 0.02 } else { 0.0 };
            (values[FIGURE], values[FIGURE + 1]) = (tick as f32 / 1000.0, shakes);
            (values[FEET_X], values[FEET_Y]) = (tick as f32 / 500.0, 0.5);
            // So seldom that no value is taken for a wild one.
            signal.push(&values, 0.1);
        }
        signal
    }

    #[test]
    fn a_course_is_the_means_around_sixteenths_of_the_way_from_edge_to_edge() {
        let phases = Phases::default();
        let span = Span { start: 100, half_out: 108, turn: 120, half_back: 136, end: 160, phases, height: 1.0 };
        let course = Course::of(&signal(), &span);
        // The middle of the ticks from half way to the step before to half way to the next one.
        for (step, tick) in
            [(0, 100.5), (1, 102.0), (4, 108.5), (5, 111.5), (8, 120.5), (12, 136.5), (15, 154.0), (16, 158.5)]
        {
            let [across, down] = course.0[step][0];
            assert!((across - tick / 1000.0).abs() < 1e-5, "{step}: {across} and not {tick}");
            assert!((0.0..=0.02).contains(&down) && course.0[step][1].iter().all(|v| v.is_nan()), "{step}");
        }
        let feet = |step: usize| course.0[step][FEET];
        assert!((feet(12)[0] - feet(4)[0] - 28.0 / 500.0).abs() < 1e-5, "{:?} {:?}", feet(4), feet(12));
        assert!(course.0.iter().map(|shape| shape[FEET][0]).sum::<f32>().abs() < 1e-4, "they stand around their mean");
    }

    #[test]
    fn a_part_errs_by_the_mean_of_its_two_variances_and_less_the_more_repetitions_there_are() {
        let signal = signal();
        let [across2, down2] = [FIGURE, FIGURE + 1].map(|channel| signal.noise_deg(channel).powi(2));
        assert!(down2 > 1e-5 && across2 < 1e-9, "{across2} {down2}");
        for (reps, share) in [(0, 1.0), (1, 1.0), (4, 0.25)] {
            let found = errors(&signal, reps)[0];
            assert!((found / (down2 / 2.0 * share) - 1.0).abs() < 1e-3, "{reps}: {found} of {down2}");
        }
    }
}
