//! A pose model that errs as real ones do. What is known of their errors: on the COCO data set a small YOLO's elbow is off by a
//! median of 12 degrees, less the larger the limb is in the picture; wrists and hips are worse than shoulders. The size of
//! errors follows the annotators' spread per point (`kpt_oks_sigmas` of `cocoeval.py`), scaled so that an elbow of a body seen
//! in full has the standard deviation that is asked for.
//!
//! Errors are correlated in time, in three parts: fast (60 ms), of a movement's length (0.3 s) and slow (2 s), as
//! wrong beliefs last as long as the picture stays alike. Now and then a point is far off, left and right are exchanged,
//! somebody is not found, or found twice. The far side of a body is half guessed.
//!
//! *hidden*: how much of a side lies behind the body, 0 to 1.

use super::camera::{Camera, Spot};
use super::maths::{Dice, V, add, decay, dot, mix, sub, times, unit};
use spotter::skeleton::{Joint, KEYPOINTS, Keypoint, Pose};

/// σ of every point, in the order of `Joint`.
const SIGMAS: [f64; KEYPOINTS] = [
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
];
/// A straight elbow's error in radians when every point errs by its σ times the stature: the three points' shares with bones
/// of 0.186 and 0.146 of the stature.
const ELBOW_RAD: f64 = 1.07;
/// The parts of the error: how long each lasts, and its share of the variance.
const PARTS: [(f64, f64); 3] = [(0.06, 0.5), (0.3, 0.3), (2.0, 0.2)];
/// Models look at pictures of this size; no error is smaller than half of its pixels.
const INPUT_PX: f64 = 640.0;
/// Who is covered by more than this share is not found.
const COVERED: f64 = 0.6;

/// How well the model sees.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Standard deviation of the angle of an elbow seen in full, degrees.
    pub noise_deg: f64,
    /// Share of the time in which somebody is not found.
    pub dropout: f64,
    /// Left and right are exchanged so many times a minute.
    pub swaps_per_min: f64,
    /// Somebody is found twice so many times a minute.
    pub doubles_per_min: f64,
    /// Points that are far off begin so many times a second on a whole body.
    pub wild_per_s: f64,
}

/// A process that wanders about 0 with standard deviation 1.
#[derive(Clone, Copy, Default, Debug)]
struct Wander(f64);

impl Wander {
    fn step(&mut self, dt_s: f64, lasts_s: f64, dice: &mut Dice) -> f64 {
        let keep = decay(-dt_s / lasts_s);
        self.0 = keep * self.0 + (1.0 - keep * keep).max(0.0).sqrt() * dice.normal();
        self.0
    }
}

/// What the model believes of one person, from frame to frame.
#[derive(Clone, Debug)]
pub struct Belief {
    dice: Dice,
    errors: [[[Wander; 2]; 3]; KEYPOINTS],
    bbox: [Wander; 4],
    score: Wander,
    guess: [Wander; 2],
    /// Seconds that each point stays wild, and where.
    wild: [(f64, [f64; 2]); KEYPOINTS],
    missing: bool,
    /// Seconds that left and right stay exchanged, and whether the arms and the legs are.
    swapped: (f64, bool, bool),
    doubled_s: f64,
    /// Since the last frame, seconds.
    started: bool,
}

/// Who hides what: the boxes of people nearer to the camera.
pub type Nearer<'a> = &'a [[f32; 4]];

impl Belief {
    pub fn new(dice: Dice) -> Belief {
        Belief {
            dice,
            errors: Default::default(),
            bbox: Default::default(),
            score: Wander::default(),
            guess: Default::default(),
            wild: [(0.0, [0.0; 2]); KEYPOINTS],
            missing: false,
            swapped: (0.0, false, false),
            doubled_s: 0.0,
            started: false,
        }
    }

    /// Adds to `found` what is found of somebody with these points in space; `dt_s` since the last frame.
    pub fn look(
        &mut self,
        (dt_s, sight): (f64, &Sight),
        camera: &Camera,
        points: &[V; KEYPOINTS],
        stature: f64,
        nearer: Nearer,
        found: &mut Vec<Pose>,
    ) {
        // Everything starts where it would be after a long time.
        let dt_s = if self.started { dt_s } else { 1e3 };
        self.started = true;
        let spots = points.map(|p| camera.spot(p));
        self.happenings(dt_s.min(1.0), sight);
        let pose = self.believe((dt_s, sight), camera, points, &spots, stature, nearer);
        let Some(pose) = pose.filter(|_| !self.missing) else { return };
        found.push(pose);
        if self.doubled_s > 0.0 {
            found.push(self.double(&pose));
        }
    }

    fn happenings(&mut self, dt_s: f64, sight: &Sight) {
        let dice = &mut self.dice;
        let ends = 1.0 - decay(-dt_s / 0.12);
        let begins = sight.dropout / (1.0 - sight.dropout) * ends;
        self.missing = if self.missing { !dice.happens(ends) } else { dice.happens(begins) };
        self.swapped.0 -= dt_s;
        if self.swapped.0 <= 0.0 {
            self.swapped = (0.0, false, false);
            if dice.happens(sight.swaps_per_min / 60.0 * dt_s) {
                let kind = dice.whole((0, 2));
                self.swapped = (dice.between((0.03, 0.3)), kind != 1, kind != 0);
            }
        }
        self.doubled_s -= dt_s;
        if dice.happens(sight.doubles_per_min / 60.0 * dt_s) {
            self.doubled_s = dice.between((0.05, 0.6));
        }
        for (left_s, off) in &mut self.wild {
            *left_s -= dt_s;
            if dice.happens(sight.wild_per_s / KEYPOINTS as f64 * dt_s) {
                *left_s = dice.between((0.02, 0.15));
                *off = [5.0 * dice.normal(), 5.0 * dice.normal()];
            }
        }
    }

    fn believe(
        &mut self,
        (dt_s, sight): (f64, &Sight),
        camera: &Camera,
        points: &[V; KEYPOINTS],
        spots: &[Spot; KEYPOINTS],
        stature: f64,
        nearer: Nearer,
    ) -> Option<Pose> {
        let trunk = middle(spots);
        if trunk.depth < 0.4 {
            return None;
        }
        let px_per_m = camera.px_per_m(trunk.depth);
        let true_box = bbox(spots, stature * px_per_m);
        let most_hidden = nearer.iter().map(|other| covered(&true_box, other)).fold(0.0, f64::max);
        if most_hidden > COVERED || !in_picture(&true_box, camera.size) {
            return None;
        }
        let hidden = hidden(camera, points);
        let guess = [0, 1].map(|n| self.guess[n].step(dt_s, 0.8, &mut self.dice));
        let mut pose = Pose::default();
        for n in 0..KEYPOINTS {
            let behind = nearer.iter().any(|b| inside(spots[n].x, spots[n].y, b));
            let hidden = if behind { 1.0 } else { hidden_point(&hidden, n) };
            let sigma = sigma_px(camera, sight, n, stature * px_per_m) * (1.0 + 1.5 * hidden);
            let mut off = [0.0; 2];
            for (axis, off) in off.iter_mut().enumerate() {
                for (part, (lasts_s, share)) in PARTS.iter().enumerate() {
                    let error = self.errors[n][part][axis].step(dt_s, *lasts_s, &mut self.dice);
                    *off += share.sqrt() * error;
                }
            }
            let wild = self.wild[n].0 > 0.0;
            let far = (off[0] * off[0] + off[1] * off[1]).sqrt() / 1.4;
            if wild {
                off = self.wild[n].1;
            }
            // A hidden limb is drawn where its visible twin is, more or less.
            let twin = spots[twin(n)];
            let pull = hidden * (0.35 + 0.25 * guess[usize::from(n > 10)]).clamp(0.0, 0.8);
            let pull = if limb(n) && spots[n].depth > twin.depth { pull } else { 0.0 };
            let x = mix(spots[n].x, twin.x, pull) + sigma * off[0];
            let y = mix(spots[n].y, twin.y, pull) + sigma * off[1];
            let sure = mix(0.97, 0.42, hidden) - 0.06 * far - if wild { self.dice.between((0.1, 0.6)) } else { 0.0 };
            let sure = sure + 0.02 * self.dice.normal();
            pose.keypoints[n] = self.cut((x, y), sure, camera.size);
        }
        self.exchange(&mut pose);
        for (n, side) in true_box.iter().enumerate() {
            let error = self.bbox[n].step(dt_s, 0.2, &mut self.dice);
            let limit = [camera.size.0, camera.size.1][n % 2] as f64;
            pose.bbox[n] = (f64::from(*side) + 0.012 * stature * px_per_m * error).clamp(0.0, limit) as f32;
        }
        let score = 0.88 + 0.04 * self.score.step(dt_s, 0.5, &mut self.dice) - 0.4 * most_hidden;
        let flicker = if self.dice.happens(0.01) { self.dice.between((0.2, 0.6)) } else { 0.0 };
        pose.score = (score - flicker).clamp(0.05, 0.97) as f32;
        Some(pose)
    }

    /// A point outside the picture is put at its edge, without belief.
    fn cut(&mut self, (x, y): (f64, f64), sure: f64, size: (usize, usize)) -> Keypoint {
        let (width, height) = (size.0 as f64, size.1 as f64);
        let outside = !(0.0..=width).contains(&x) || !(0.0..=height).contains(&y);
        let sure = if outside { self.dice.between((0.02, 0.28)) } else { sure.clamp(0.03, 0.99) };
        Keypoint { x: x.clamp(0.0, width) as f32, y: y.clamp(0.0, height) as f32, confidence: sure as f32 }
    }

    fn exchange(&self, pose: &mut Pose) {
        let (_, arms, legs) = self.swapped;
        for left in [Joint::LeftShoulder, Joint::LeftElbow, Joint::LeftWrist] {
            if arms {
                pose.keypoints.swap(left as usize, left as usize + 1);
            }
        }
        for left in [Joint::LeftHip, Joint::LeftKnee, Joint::LeftAnkle] {
            if legs {
                pose.keypoints.swap(left as usize, left as usize + 1);
            }
        }
    }

    /// The same person again, a little off and less sure; now and then only the upper body.
    fn double(&mut self, pose: &Pose) -> Pose {
        let mut double = *pose;
        let size = f64::from(pose.bbox[3] - pose.bbox[1]);
        for point in &mut double.keypoints {
            point.x += (0.01 * size * self.dice.normal()) as f32;
            point.y += (0.01 * size * self.dice.normal()) as f32;
            point.confidence *= 0.8;
        }
        if self.dice.happens(0.3) {
            double.bbox[3] = mix(f64::from(pose.bbox[1]), f64::from(pose.bbox[3]), 0.55) as f32;
            double.keypoints[11..].iter_mut().for_each(|point| point.confidence = 0.1);
        }
        double.score *= 0.7;
        double
    }
}

/// The standard deviation of a point's error, pixels.
pub fn sigma_px(camera: &Camera, sight: &Sight, point: usize, stature_px: f64) -> f64 {
    let share = sight.noise_deg * std::f64::consts::PI / 180.0 / ELBOW_RAD;
    let least = 0.5 * camera.size.0.max(camera.size.1) as f64 / INPUT_PX;
    let sigma = share * SIGMAS[point] * stature_px;
    (sigma * sigma + least * least).sqrt()
}

/// Whether somebody who is nearer to the camera covers so much of this one that he is not found.
pub fn lost_behind(
    camera: &Camera,
    (points, stature): (&[V; KEYPOINTS], f64),
    others: impl Iterator<Item = ([V; KEYPOINTS], f64)>,
) -> bool {
    let of = |points: &[V; KEYPOINTS], stature: f64| {
        let spots = points.map(|p| camera.spot(p));
        let depth = middle(&spots).depth;
        (bbox(&spots, stature * camera.px_per_m(depth)), camera.spot(points[11]).depth)
    };
    let (own, depth) = of(points, stature);
    others
        .map(|(points, stature)| of(&points, stature))
        .any(|(other, nearer)| nearer > 0.4 && nearer < depth && covered(&own, &other) > COVERED)
}

/// How much the left and the right side are hidden behind the body.
pub fn hidden(camera: &Camera, points: &[V; KEYPOINTS]) -> [f64; 2] {
    let at = |joint: Joint| points[joint as usize];
    let across = |l: Joint, r: Joint| unit(sub(at(l), at(r)));
    let left = add(across(Joint::LeftShoulder, Joint::RightShoulder), across(Joint::LeftHip, Joint::RightHip));
    let middle = times(add(at(Joint::LeftShoulder), at(Joint::RightHip)), 0.5);
    let toward = dot(unit(left), camera.from(middle));
    let much = |toward: f64| ((toward - 0.55) / 0.35).clamp(0.0, 1.0);
    [much(-toward), much(toward)]
}

/// The same of one point; points of the head's middle are never hidden.
pub fn hidden_point(hidden: &[f64; 2], point: usize) -> f64 {
    match point {
        0 => 0.0,
        n if n % 2 == 1 => hidden[0],
        _ => hidden[1],
    }
}

/// The same point of the other side.
fn twin(point: usize) -> usize {
    match point {
        0 => 0,
        n if n % 2 == 1 => n + 1,
        n => n - 1,
    }
}

/// Elbows, wrists, knees and ankles.
fn limb(point: usize) -> bool {
    matches!(point, 7..=10 | 13..=16)
}

fn middle(spots: &[Spot; KEYPOINTS]) -> Spot {
    let trunk = [Joint::LeftShoulder, Joint::RightShoulder, Joint::LeftHip, Joint::RightHip].map(|j| spots[j as usize]);
    let mean = |of: fn(&Spot) -> f64| trunk.iter().map(of).sum::<f64>() / 4.0;
    Spot { x: mean(|s| s.x), y: mean(|s| s.y), depth: mean(|s| s.depth) }
}

/// The box around somebody; heads and hands reach beyond their points.
pub fn bbox(spots: &[Spot; KEYPOINTS], stature_px: f64) -> [f32; 4] {
    let margin = 0.045 * stature_px;
    let least = |of: fn(&Spot) -> f64| spots.iter().map(of).fold(f64::INFINITY, f64::min) - margin;
    let most = |of: fn(&Spot) -> f64| spots.iter().map(of).fold(f64::NEG_INFINITY, f64::max) + margin;
    [least(|s| s.x), least(|s| s.y) - margin, most(|s| s.x), most(|s| s.y)].map(|side| side as f32)
}

fn in_picture(bbox: &[f32; 4], (width, height): (usize, usize)) -> bool {
    let wide = bbox[2].min(width as f32) - bbox[0].max(0.0);
    let high = bbox[3].min(height as f32) - bbox[1].max(0.0);
    wide > 0.3 * (bbox[2] - bbox[0]) && high > 0.3 * (bbox[3] - bbox[1]) && wide > 8.0 && high > 8.0
}

fn covered(bbox: &[f32; 4], by: &[f32; 4]) -> f64 {
    let wide = bbox[2].min(by[2]) - bbox[0].max(by[0]);
    let high = bbox[3].min(by[3]) - bbox[1].max(by[1]);
    f64::from(wide.max(0.0) * high.max(0.0)) / f64::from((bbox[2] - bbox[0]) * (bbox[3] - bbox[1]))
}

fn inside(x: f64, y: f64, bbox: &[f32; 4]) -> bool {
    let (x, y) = (x as f32, y as f32);
    (bbox[0]..=bbox[2]).contains(&x) && (bbox[1]..=bbox[3]).contains(&y)
}
