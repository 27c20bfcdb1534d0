//! A body: bones of fixed length, and how they lie when the trunk, the feet and the hands are somewhere.
//!
//! Segment lengths are shares of stature after Drillis and Contini (1966, as in Winter, *Biomechanics and Motor Control of
//! Human Movement*), each varied by some per cent; widths between the points are those that the COCO data set marks, which lie
//! within the body's outline. Elbows and knees follow from where hands and feet are (two bones, one plane); a hand that
//! cannot reach goes as far as it can, so that no bone ever changes its length.
//!
//! *stance*: everything that determines a posture · *pole*: the way an elbow or a knee points.

use super::maths::{Dice, V, add, cos_deg, cross, dot, length, mix, mixed, sin_deg, sub, times, unit};
use spotter::skeleton::KEYPOINTS;

/// Lengths, metres.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    pub stature: f64,
    /// The ankle's height above the floor.
    pub foot: f64,
    pub shank: f64,
    pub thigh: f64,
    /// Between the hips.
    pub hips: f64,
    /// From the middle of the hips to the middle of the shoulders.
    pub torso: f64,
    /// Between the shoulders.
    pub shoulders: f64,
    pub upper: f64,
    pub fore: f64,
}

/// A posture, in the station's space, before the body is turned to where it looks. Left is first.
#[derive(Clone, Copy, Debug)]
pub struct Stance {
    /// The middle of the hips.
    pub pelvis: V,
    /// How far the trunk leans forward; -90 lies on its back, 90 on its belly. Degrees.
    pub lean: f64,
    /// How far it leans to the left.
    pub roll: f64,
    /// How far the shoulders are turned against the hips, to the right.
    pub twist: f64,
    /// How far the head is bowed.
    pub nod: f64,
    pub ankles: [V; 2],
    pub knees: [V; 2],
    pub wrists: [V; 2],
    pub elbows: [V; 2],
}

impl Stance {
    /// Some way from this one to `other`.
    pub fn toward(&self, other: &Stance, share: f64) -> Stance {
        let pair = |a: [V; 2], b: [V; 2]| [mixed(a[0], b[0], share), mixed(a[1], b[1], share)];
        Stance {
            pelvis: mixed(self.pelvis, other.pelvis, share),
            lean: mix(self.lean, other.lean, share),
            roll: mix(self.roll, other.roll, share),
            twist: mix(self.twist, other.twist, share),
            nod: mix(self.nod, other.nod, share),
            ankles: pair(self.ankles, other.ankles),
            knees: pair(self.knees, other.knees),
            wrists: pair(self.wrists, other.wrists),
            elbows: pair(self.elbows, other.elbows),
        }
    }

    /// The trunk's axes: up the spine, out of the chest, to the left.
    pub fn axes(&self) -> (V, V, V) {
        let level = cos_deg(self.roll);
        let spine = [sin_deg(self.roll), level * cos_deg(self.lean), level * sin_deg(self.lean)];
        let ahead = [0.0, -sin_deg(self.lean), cos_deg(self.lean)];
        let side = unit(cross(spine, ahead));
        let left = add(times(side, cos_deg(self.twist)), times(cross(side, spine), -sin_deg(self.twist)));
        (spine, unit(cross(left, spine)), left)
    }

    /// The shoulders, left first.
    pub fn shoulders(&self, body: &Body) -> [V; 2] {
        let (spine, _, left) = self.axes();
        let middle = add(self.pelvis, times(spine, body.torso));
        [1.0, -1.0].map(|side| add(middle, times(left, side * body.shoulders / 2.0)))
    }
}

impl Body {
    /// Somebody: 1.55 to 1.95 m, and every bone a little longer or shorter than usual.
    pub fn new(dice: &mut Dice) -> Body {
        let stature = dice.between((1.55, 1.95));
        let mut share = |share: f64| share * stature * (1.0 + 0.04 * dice.normal().clamp(-2.0, 2.0));
        Body {
            foot: share(0.039),
            shank: share(0.246),
            thigh: share(0.245),
            hips: share(0.12),
            torso: share(0.288),
            shoulders: share(0.22),
            upper: share(0.186),
            fore: share(0.146),
            stature,
        }
    }

    pub fn arm(&self) -> f64 {
        self.upper + self.fore
    }

    pub fn leg(&self) -> f64 {
        self.thigh + self.shank
    }

    /// The seventeen points of COCO.
    pub fn points(&self, stance: &Stance) -> [V; KEYPOINTS] {
        let (spine, chest, left) = stance.axes();
        let [shoulder, shoulder2] = stance.shoulders(self);
        let neck = times(add(shoulder, shoulder2), 0.5);
        let crown = add(times(spine, cos_deg(stance.nod)), times(chest, sin_deg(stance.nod)));
        let face = sub(times(chest, cos_deg(stance.nod)), times(spine, sin_deg(stance.nod)));
        let head = |up: f64, front: f64, side: f64| {
            let way = add(add(times(crown, up), times(face, front)), times(left, side));
            add(neck, times(way, self.stature))
        };
        let hip = |side: f64| add(stance.pelvis, [side * self.hips / 2.0, 0.0, 0.0]);
        let (elbow, wrist) = bent(shoulder, stance.wrists[0], self.upper, self.fore, stance.elbows[0]);
        let (elbow2, wrist2) = bent(shoulder2, stance.wrists[1], self.upper, self.fore, stance.elbows[1]);
        let (knee, ankle) = bent(hip(1.0), stance.ankles[0], self.thigh, self.shank, stance.knees[0]);
        let (knee2, ankle2) = bent(hip(-1.0), stance.ankles[1], self.thigh, self.shank, stance.knees[1]);
        let (eye, eye2) = (head(0.122, 0.045, 0.019), head(0.122, 0.045, -0.019));
        let (ear, ear2) = (head(0.112, -0.005, 0.043), head(0.112, -0.005, -0.043));
        [
            head(0.098, 0.062, 0.0),
            eye,
            eye2,
            ear,
            ear2,
            shoulder,
            shoulder2,
            elbow,
            elbow2,
            wrist,
            wrist2,
            hip(1.0),
            hip(-1.0),
            knee,
            knee2,
            ankle,
            ankle2,
        ]
    }
}

/// Where a limb of two bones has its middle and its end when it starts at `from` and reaches for `target`.
fn bent(from: V, target: V, first: f64, second: f64, pole: V) -> (V, V) {
    let way = sub(target, from);
    let along = unit(way);
    let reach = length(way).clamp((first - second).abs() + 0.02, 0.9995 * (first + second));
    let foot = (first * first - second * second + reach * reach) / (2.0 * reach);
    let out = (first * first - foot * foot).max(0.0).sqrt();
    let mut aside = sub(pole, times(along, dot(pole, along)));
    if length(aside) < 1e-3 {
        aside = cross(along, [1.0, 0.3, 0.2]);
    }
    (add(from, add(times(along, foot), times(unit(aside), out))), add(from, times(along, reach)))
}
