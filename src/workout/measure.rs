//! What is followed through a repetition: numbers of one pose, in degrees, that hardly depend on where the camera stands.
//!
//! A hinge's angle in the picture is exact for a limb seen from its side and says little about one that points at the
//! camera. How much a bone rises is the other way round: turning the athlete about the vertical leaves it as it is. So
//! both kinds are measured, and whichever shows a movement best is counted by. It must never guess: a bone that is not
//! seen, or a body whose size is not known yet, gives `NaN`.
//!
//! *rise*: the share of a bone's length that its far end is above its near end, times 90: -90 hangs, 0 lies or points at
//! the camera, 90 stands · *stature*: the athlete's height in pixels, were he to stand upright where he is.

use super::MIN_CONFIDENCE;
use super::angle::Hinge;
use super::course::{BONES, bones};
use crate::skeleton::{Joint, Pose};

/// Something that is measured on either side of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Measure {
    Elbow,
    Shoulder,
    Hip,
    Knee,
    /// Rise of the forearm, from the elbow to the wrist.
    Forearm,
    /// Rise of the upper arm, from the shoulder to the elbow.
    UpperArm,
    /// Rise of the thigh, from the hip to the knee.
    Thigh,
    /// Rise of the shank, from the knee to the ankle.
    Shank,
    /// Rise of the trunk, from the hip to the shoulder.
    Trunk,
    /// Rise of the hand over the shoulder, as of one long bone.
    Reach,
    /// Height of the hip over the ankle, 180 for straight upright legs.
    Stance,
}

/// How many there are.
pub const MEASURES: usize = 11;

/// Whose: the left limb's, the right one's, or what both say together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Side {
    Left,
    Right,
    Both,
}

/// Values of one pose: every measure of every side.
pub const CHANNELS: usize = FIGURE + 2 * BONES.len();
/// Where the feet are in the picture, in statures; the hips where no foot is seen.
pub const FEET_X: usize = MEASURES * 3;
/// The same, downwards.
pub const FEET_Y: usize = MEASURES * 3 + 1;
/// Where bones point in the picture, in statures: what a movement is named by. None of it is counted by.
pub const FIGURE: usize = MEASURES * 3 + 2;

/// The share of stature that bones have on average, as drawn between the COCO points. Bone lengths after Drillis and
/// Contini (1966), shortened where the points lie inside the body.
pub const UPPER_ARM: f32 = 0.175;
pub const FOREARM: f32 = 0.150;
pub const TRUNK: f32 = 0.285;
pub const THIGH: f32 = 0.240;
pub const SHANK: f32 = 0.240;

/// A stature that grows is believed within this time, …
const GROWS_S: f32 = 0.7;
/// … and one that shrinks, since it may be only a bone turned towards the camera, within this. Seconds.
const SHRINKS_S: f32 = 20.0;
/// The difference between the sides is averaged over this time. Seconds.
const DIFFERENCE_S: f32 = 3.0;

impl Measure {
    /// All of them, by their number.
    pub const ALL: [Measure; MEASURES] = [
        Measure::Elbow,
        Measure::Shoulder,
        Measure::Hip,
        Measure::Knee,
        Measure::Forearm,
        Measure::UpperArm,
        Measure::Thigh,
        Measure::Shank,
        Measure::Trunk,
        Measure::Reach,
        Measure::Stance,
    ];

    /// Its place among the values of a pose.
    pub const fn channel(self, side: Side) -> usize {
        self as usize * 3 + side as usize
    }

    /// The hinge whose angle tells most of what this shows.
    pub const fn told(self) -> Measure {
        use Measure::*;
        match self {
            Elbow | Forearm | Reach => Elbow,
            Shoulder | UpperArm => Shoulder,
            Hip | Trunk => Hip,
            Knee | Thigh | Shank | Stance => Knee,
        }
    }

    /// As a hinge of the left or the right side; `Stance` and the rises as the hinge that tells of them.
    const fn hinge(self, right: bool) -> Hinge {
        let left = match self.told() {
            Measure::Elbow => Hinge::LeftElbow,
            Measure::Shoulder => Hinge::LeftShoulder,
            Measure::Hip => Hinge::LeftHip,
            _ => Hinge::LeftKnee,
        };
        if right { left.opposite() } else { left }
    }

    /// The bone that rises, from near to far end on the left side, and the share of stature of its length.
    const fn bone(self) -> Option<(Joint, Joint, f32)> {
        use Joint::*;
        match self {
            Measure::Forearm => Some((LeftElbow, LeftWrist, FOREARM)),
            Measure::UpperArm => Some((LeftShoulder, LeftElbow, UPPER_ARM)),
            Measure::Thigh => Some((LeftHip, LeftKnee, THIGH)),
            Measure::Shank => Some((LeftKnee, LeftAnkle, SHANK)),
            Measure::Trunk => Some((LeftHip, LeftShoulder, TRUNK)),
            Measure::Reach => Some((LeftShoulder, LeftWrist, UPPER_ARM + FOREARM)),
            Measure::Stance => Some((LeftAnkle, LeftHip, THIGH + SHANK)),
            _ => None,
        }
    }
}

/// The same joint of the right side; left and right take turns in the COCO order.
fn on_right(joint: Joint) -> usize {
    joint as usize + 1
}

/// One value and how sure the model is of what it was made from.
#[derive(Clone, Copy, Default)]
struct Value {
    deg: f32,
    confidence: f32,
}

/// What is known of the athlete's body, and the last frame's values.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// 0 while unknown.
    stature_px: f32,
    /// Left less right, of every measure, averaged; a stand-in when only one side is seen.
    difference: [f32; MEASURES],
}

impl Default for Body {
    fn default() -> Body {
        Body { stature_px: 0.0, difference: [0.0; MEASURES] }
    }
}

impl Body {
    /// Every measure of this pose, `NaN` where it is not seen. `dt_s` is the time since the pose before.
    pub fn measure(&mut self, pose: &Pose, dt_s: f32) -> [f32; CHANNELS] {
        self.grow(pose, dt_s);
        let mut values = [f32::NAN; CHANNELS];
        let share = 1.0 - (-dt_s / DIFFERENCE_S).exp();
        for measure in Measure::ALL {
            let left = self.value(pose, measure, false);
            let right = self.value(pose, measure, true);
            let difference = &mut self.difference[measure as usize];
            let both = match (left, right) {
                (Some(l), Some(r)) => {
                    *difference += share * (l.deg - r.deg - *difference);
                    let (wl, wr) = (l.confidence.powi(2), r.confidence.powi(2));
                    Some((wl * l.deg + wr * r.deg) / (wl + wr))
                }
                (Some(l), None) => Some(l.deg - *difference / 2.0),
                (None, Some(r)) => Some(r.deg + *difference / 2.0),
                (None, None) => None,
            };
            let sides = [left.map(|v| v.deg), right.map(|v| v.deg), both];
            for (side, deg) in [Side::Left, Side::Right, Side::Both].into_iter().zip(sides) {
                values[measure.channel(side)] = deg.unwrap_or(f32::NAN);
            }
        }
        [values[FEET_X], values[FEET_Y]] = self.feet(pose);
        bones(pose, self.stature_px, &mut values[FIGURE..]);
        values
    }

    fn feet(&self, pose: &Pose) -> [f32; 2] {
        let middle = |left: Joint| {
            let (mut place, mut count) = ([0.0, 0.0], 0.0);
            for point in [pose.keypoints[left as usize], pose.keypoints[on_right(left)]] {
                if point.confidence >= MIN_CONFIDENCE {
                    (place, count) = ([place[0] + point.x, place[1] + point.y], count + 1.0);
                }
            }
            (count > 0.0).then(|| place.map(|v| v / count / self.stature_px))
        };
        let place = middle(Joint::LeftAnkle).or_else(|| middle(Joint::LeftHip));
        place.filter(|_| self.stature_px > 0.0).unwrap_or([f32::NAN; 2])
    }

    fn value(&self, pose: &Pose, measure: Measure, right: bool) -> Option<Value> {
        let Some((near, far, length)) = measure.bone() else {
            let hinge = measure.hinge(right);
            return hinge.of(pose).map(|angle| Value { deg: angle.deg, confidence: hinge.confidence(pose) });
        };
        let place = |joint: Joint| pose.keypoints[if right { on_right(joint) } else { joint as usize }];
        let (near, far) = (place(near), place(far));
        if self.stature_px <= 0.0 || !(near.confidence >= MIN_CONFIDENCE && far.confidence >= MIN_CONFIDENCE) {
            return None;
        }
        let full = if measure == Measure::Stance { 180.0 } else { 90.0 };
        let rise = (near.y - far.y) / (length * self.stature_px);
        Some(Value { deg: full * rise.clamp(-1.5, 1.5), confidence: near.confidence.min(far.confidence).min(1.0) })
            .filter(|value| value.deg.is_finite())
    }

    /// The second longest bone, measured by what it should be, says the stature: the longest may be an outlier, the
    /// shorter ones point at the camera.
    fn grow(&mut self, pose: &Pose, dt_s: f32) {
        let (mut longest, mut second) = (0.0f32, 0.0f32);
        for measure in [Measure::Forearm, Measure::UpperArm, Measure::Thigh, Measure::Shank, Measure::Trunk] {
            let Some((near, far, length)) = measure.bone() else { continue };
            for (a, b) in [(near as usize, far as usize), (on_right(near), on_right(far))] {
                let (a, b) = (pose.keypoints[a], pose.keypoints[b]);
                if !(a.confidence >= MIN_CONFIDENCE && b.confidence >= MIN_CONFIDENCE) {
                    continue;
                }
                let stature = (a.x - b.x).hypot(a.y - b.y) / length;
                if stature.is_finite() {
                    second = second.max(stature.min(longest));
                    longest = longest.max(stature);
                }
            }
        }
        if second <= 0.0 {
            return;
        }
        let over_s = if second > self.stature_px { GROWS_S } else { SHRINKS_S };
        let share = if self.stature_px > 0.0 { 1.0 - (-dt_s / over_s).exp() } else { 1.0 };
        self.stature_px += share * (second - self.stature_px);
    }
}
