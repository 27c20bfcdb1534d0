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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::Keypoint;

    /// Somebody who stands upright, arms hanging, with a stature of 200 pixels: by joint of the left side, how far down.
    const STANDS: [(Joint, f32); 6] = [
        (Joint::LeftShoulder, 147.0),
        (Joint::LeftElbow, 182.0),
        (Joint::LeftWrist, 212.0),
        (Joint::LeftHip, 204.0),
        (Joint::LeftKnee, 252.0),
        (Joint::LeftAnkle, 300.0),
    ];

    fn stands() -> Pose {
        let mut pose = Pose::default();
        for (joint, y) in STANDS {
            pose.keypoints[joint as usize] = Keypoint { x: 120.0, y, confidence: 0.9 };
            pose.keypoints[on_right(joint)] = Keypoint { x: 80.0, y, confidence: 0.9 };
        }
        pose
    }

    fn hide(pose: &mut Pose, joint: usize) {
        pose.keypoints[joint].confidence = 0.29;
    }

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 2e-2, "{is} and not {want}");
    }

    fn all_of(values: &[f32; CHANNELS], measure: Measure) -> [f32; 3] {
        [Side::Left, Side::Right, Side::Both].map(|side| values[measure.channel(side)])
    }

    #[test]
    fn who_stands_upright_with_hanging_arms_has_straight_joints_and_upright_bones() {
        let values = Body::default().measure(&stands(), 0.0);
        let wanted = [180.0, 0.0, 180.0, 180.0, -90.0, -90.0, -90.0, -90.0, 90.0, -90.0, 180.0];
        for (measure, deg) in Measure::ALL.into_iter().zip(wanted) {
            all_of(&values, measure).into_iter().for_each(|is| near(is, deg));
        }
        near(values[FEET_X], 0.5);
        near(values[FEET_Y], 1.5);
        // The left upper arm points down by 35 of 200 pixels.
        near(values[FIGURE], 0.0);
        near(values[FIGURE + 1], 0.175);
    }

    #[test]
    fn a_side_that_is_seen_better_counts_more_and_one_alone_stands_for_both() {
        let mut pose = stands();
        let [elbow, wrist] = [Joint::LeftElbow, Joint::LeftWrist].map(|joint| joint as usize);
        // The left forearm is level, the right one hangs; of the left wrist the model is twice as sure.
        pose.keypoints[wrist] = Keypoint { x: 150.0, y: 182.0, confidence: 0.8 };
        pose.keypoints[wrist + 1].confidence = 0.4;
        let mut body = Body::default();
        let values = body.measure(&pose, 3.0);
        near(values[Measure::Forearm.channel(Side::Left)], 0.0);
        near(values[Measure::Forearm.channel(Side::Right)], -90.0);
        near(values[Measure::Forearm.channel(Side::Both)], -18.0);
        near(values[Measure::Elbow.channel(Side::Left)], 90.0);
        // They differ by 90 degrees; after three seconds by 1 - 1/e of it.
        let mut left = pose;
        hide(&mut left, wrist + 1);
        let [is, none, both] = all_of(&body.clone().measure(&left, 0.0), Measure::Forearm);
        near(is, 0.0);
        near(both, -0.63212 * 45.0);
        assert!(none.is_nan());
        let mut right = pose;
        hide(&mut right, elbow);
        let [none, is, both] = all_of(&body.measure(&right, 0.0), Measure::Forearm);
        near(is, -90.0);
        near(both, -90.0 + 0.63212 * 45.0);
        assert!(none.is_nan());
        hide(&mut right, elbow + 1);
        assert!(all_of(&body.measure(&right, 0.0), Measure::Forearm).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn the_second_longest_bone_says_the_stature_which_grows_soon_and_shrinks_slowly() {
        let scaled = |by: f32| {
            let mut pose = stands();
            pose.keypoints.iter_mut().for_each(|point| (point.x, point.y) = (by * point.x, by * point.y));
            pose
        };
        let after = |by: f32, dt_s: f32| {
            let mut body = Body::default();
            body.grow(&stands(), 0.0);
            body.grow(&scaled(by), dt_s);
            body.stature_px
        };
        near(after(1.0, 1.0), 200.0);
        near(after(2.0, 0.7), 200.0 + 0.63212 * 200.0);
        near(after(0.5, 20.0), 200.0 - 0.63212 * 100.0);
        // A forearm that is seen twice as long is an outlier; nor can it rise twice.
        let mut outlier = stands();
        outlier.keypoints[Joint::LeftWrist as usize].y = 242.0;
        let mut body = Body::default();
        near(body.measure(&outlier, 0.0)[Measure::Forearm.channel(Side::Left)], -135.0);
        near(body.stature_px, 200.0);
        // With all but one foreshortened it is the second longest.
        let mut short = scaled(0.5);
        short.keypoints[Joint::RightAnkle as usize].y = 252.0 / 2.0 + 36.0;
        let mut body = Body::default();
        body.grow(&short, 0.0);
        near(body.stature_px, 100.0);
        short.keypoints[Joint::LeftAnkle as usize].y = 252.0 / 2.0 + 33.6;
        let mut body = Body::default();
        body.grow(&short, 0.0);
        near(body.stature_px, 140.0);
    }

    #[test]
    fn without_a_stature_nothing_rises_and_nobody_stands_anywhere() {
        let mut pose = stands();
        // Of all bones only the left shank.
        (0..pose.keypoints.len()).filter(|n| ![13, 15].contains(n)).for_each(|n| hide(&mut pose, n));
        let mut body = Body::default();
        let values = body.measure(&pose, 0.1);
        assert_eq!(body.stature_px, 0.0);
        assert!(values.iter().all(|value| value.is_nan()), "{values:?}");
        body.grow(&stands(), 0.0);
        let values = body.measure(&pose, 0.1);
        near(values[Measure::Shank.channel(Side::Both)], -90.0);
        near(body.stature_px, 200.0);
    }

    #[test]
    fn feet_are_between_the_ankles_or_the_one_that_is_seen_or_else_the_hips() {
        let mut body = Body::default();
        body.grow(&stands(), 0.0);
        let mut pose = stands();
        pose.keypoints[Joint::LeftAnkle as usize].y = 290.0;
        let is = |pose: &Pose, x: f32, y: f32| {
            let feet = body.feet(pose);
            near(feet[0], x);
            near(feet[1], y);
        };
        is(&pose, 0.5, 1.475);
        hide(&mut pose, Joint::RightAnkle as usize);
        is(&pose, 0.6, 1.45);
        hide(&mut pose, Joint::LeftAnkle as usize);
        is(&pose, 0.5, 1.02);
        hide(&mut pose, Joint::LeftHip as usize);
        hide(&mut pose, Joint::RightHip as usize);
        assert!(body.feet(&pose).iter().all(|place| place.is_nan()));
    }

    #[test]
    fn every_measure_tells_of_one_hinge_on_its_own_side() {
        use Measure::*;
        let told = [Elbow, Shoulder, Hip, Knee, Elbow, Shoulder, Knee, Knee, Hip, Elbow, Knee];
        assert_eq!(Measure::ALL.map(Measure::told), told);
        let left = [Elbow, Shoulder, Hip, Knee].map(|measure| measure.hinge(false));
        assert_eq!(left, [Hinge::LeftElbow, Hinge::LeftShoulder, Hinge::LeftHip, Hinge::LeftKnee]);
        assert_eq!(Trunk.hinge(true), Hinge::RightHip);
    }
}
