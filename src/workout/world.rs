//! A little gym for the tests: people who stand, walk and train, and a model that finds them imperfectly. Every frame
//! follows from the time and the seed alone.
//!
//! Lengths are shares of the frame's height unless said otherwise; *nearer* people have their feet lower in the picture.

use super::exercise;
use super::measure::{CHANNELS, Measure, Side};
use super::signal::{Signal, stamp_of};
use crate::skeleton::{Joint, KEYPOINTS, Keypoint, Pose};

/// What somebody does.
#[derive(Clone, Copy, PartialEq)]
pub enum Exercise {
    Stand,
    /// One squat in two seconds.
    Squat,
    /// One curl of the right arm in two seconds; the left hangs.
    Curl,
}

pub struct Person {
    pub height: f32,
    /// Seconds, feet x as a share of the width, feet y; straight between, absent before the first and after the last.
    pub path: Vec<(f32, f32, f32)>,
    /// From when on he does what.
    pub does: Vec<(f32, Exercise)>,
    /// Seconds in which nobody finds him.
    pub hidden: (f32, f32),
    /// Left and right exchanged.
    pub mirrored: bool,
    /// His left side's confidence; the right one's is 0.9.
    pub left_confidence: f32,
}

pub struct World {
    pub fps: f32,
    pub frame: (usize, usize),
    pub people: Vec<Person>,
    /// Standard deviation of every coordinate.
    pub jitter_px: f32,
    /// Share of detections that are missing.
    pub dropped: f32,
    /// Scores are between 0.9 and 0.9 less this.
    pub flicker: f32,
    /// Everybody is found a second time, a little off.
    pub doubled: bool,
    pub seed: u64,
}

/// The random numbers of SplitMix64, 0 to 1.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Mean 0, standard deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f32 {
        (-2.0 * self.roll().max(1e-9).ln()).sqrt() * (std::f32::consts::TAU * self.roll()).cos()
    }
}

/// Somebody who stands at `x`, `y` from `from` to `to`.
pub fn person(height: f32, x: f32, y: f32, (from, to): (f32, f32), does: Exercise) -> Person {
    Person {
        height,
        path: vec![(from, x, y), (to, x, y)],
        does: vec![(0.0, does)],
        hidden: (0.0, 0.0),
        mirrored: false,
        left_confidence: 0.9,
    }
}

impl Person {
    /// Feet (x as a share of the width, y) and whether he walks.
    fn at(&self, t: f32) -> Option<(f32, f32, bool)> {
        let leg = self.path.windows(2).find(|leg| (leg[0].0..leg[1].0).contains(&t))?;
        let part = (t - leg[0].0) / (leg[1].0 - leg[0].0);
        let between = |a: f32, b: f32| a + part * (b - a);
        let (x, y) = (between(leg[0].1, leg[1].1), between(leg[0].2, leg[1].2));
        Some((x, y, (leg[0].1 - leg[1].1).abs() > 0.01))
    }

    /// Points from the feet, x to the right and y up, in body heights.
    fn body(&self, t: f32, walks: bool) -> [(f32, f32); KEYPOINTS] {
        let does = self.does.iter().rev().find(|(from, _)| *from <= t).map_or(Exercise::Stand, |(_, does)| *does);
        let phase = 0.5 - 0.5 * (std::f32::consts::PI * t).cos();
        let down = if does == Exercise::Squat && !walks { phase } else { 0.0 };
        let bend = if does == Exercise::Curl && !walks { 2.4 * phase } else { 0.0 };
        let step = if walks { 0.1 * (std::f32::consts::TAU * t).sin() } else { 0.0 };
        // From the hips upwards everything sinks by `sunk`; knees go out and a little down.
        let sunk = 0.24 * down;
        let arm = |side: f32, bend: f32| (side * (0.15 + 0.17 * bend.sin()), 0.63 - sunk - 0.17 * bend.cos());
        let pair = |x: f32, y: f32| [(x, y), (-x, y)];
        let [eye, eye2] = pair(0.02, 0.95 - sunk);
        let [ear, ear2] = pair(0.04, 0.94 - sunk);
        let [shoulder, shoulder2] = pair(0.12, 0.82 - sunk);
        let [elbow, elbow2] = pair(0.15, 0.63 - sunk);
        let [hip, hip2] = pair(0.08, 0.52 - sunk);
        let [knee, knee2] = [(0.085 + 0.12 * down + step, 0.28 - 0.04 * down), (-0.085 - 0.12 * down - step, 0.28)];
        let [ankle, ankle2] = [(0.09 + step, 0.04), (-0.09 - step, 0.04)];
        let (wrist, wrist2) = (arm(1.0, 0.0), arm(-1.0, bend));
        let nose = (0.0, 0.93 - sunk);
        let points = [
            nose, eye, eye2, ear, ear2, shoulder, shoulder2, elbow, elbow2, wrist, wrist2, hip, hip2, knee, knee2,
            ankle, ankle2,
        ];
        points.map(|(x, y)| (if self.mirrored { -x } else { x }, y))
    }

    fn pose(&self, t: f32, frame: (usize, usize)) -> Option<Pose> {
        let (x, y, walks) = self.at(t)?;
        let (width, height) = (frame.0 as f32, frame.1 as f32);
        let mut pose = Pose { bbox: [f32::MAX, f32::MAX, f32::MIN, f32::MIN], ..Pose::default() };
        let scale = self.height * height;
        for (n, (right, up)) in self.body(t, walks).into_iter().enumerate() {
            let left_side = n % 2 == 1 && n > Joint::Nose as usize;
            let confidence = if left_side { self.left_confidence } else { 0.9 };
            let point = Keypoint { x: x * width + right * scale, y: y * height - up * scale, confidence };
            pose.keypoints[n] = point;
            let margin = 0.04 * scale;
            pose.bbox[0] = pose.bbox[0].min(point.x - margin);
            pose.bbox[1] = pose.bbox[1].min(point.y - margin);
            pose.bbox[2] = pose.bbox[2].max(point.x + margin);
            pose.bbox[3] = pose.bbox[3].max(point.y + margin);
        }
        Some(pose)
    }
}

impl World {
    /// 1280x720 at 30 frames a second, everything found, 2 px of jitter.
    pub fn new(people: Vec<Person>) -> World {
        World {
            fps: 30.0,
            frame: (1280, 720),
            people,
            jitter_px: 2.0,
            dropped: 0.0,
            flicker: 0.1,
            doubled: false,
            seed: 1,
        }
    }

    /// What the model finds on the n-th frame, by falling score, each with whose it is.
    pub fn found(&self, n: u32) -> Vec<(Pose, usize)> {
        let t = n as f32 / self.fps;
        let all: Vec<_> = self.people.iter().map(|p| (p.pose(t, self.frame), p.at(t).map_or(0.0, |at| at.1))).collect();
        let mut found = vec![];
        for (who, (pose, feet)) in all.iter().enumerate() {
            let mut dice = Dice(self.seed ^ (u64::from(n) << 20) ^ ((who as u64) << 54));
            let Some(pose) = pose else { continue };
            // Whoever stands behind somebody is not found.
            let behind = |(other, their_feet): &(Option<Pose>, f32)| {
                their_feet > feet && other.is_some_and(|other| covered(&pose.bbox, &other.bbox) > 0.6)
            };
            let (from, to) = self.people[who].hidden;
            if (from..to).contains(&t) || all.iter().any(behind) || dice.roll() < self.dropped {
                continue;
            }
            for copy in 0..=u32::from(self.doubled) {
                let mut pose = self.shaken(pose, &mut dice);
                pose.score = 0.9 - self.flicker * dice.roll() - 0.01 * copy as f32;
                found.push((pose, who));
            }
        }
        found.sort_by(|a, b| b.0.score.total_cmp(&a.0.score));
        found
    }

    fn shaken(&self, pose: &Pose, dice: &mut Dice) -> Pose {
        let mut shaken = *pose;
        for point in &mut shaken.keypoints {
            point.x += self.jitter_px * dice.normal();
            point.y += self.jitter_px * dice.normal();
        }
        for side in &mut shaken.bbox {
            *side += self.jitter_px * dice.normal();
        }
        shaken
    }
}

/// How much of `bbox` lies behind `other`.
fn covered(bbox: &[f32; 4], other: &[f32; 4]) -> f32 {
    let width = bbox[2].min(other[2]) - bbox[0].max(other[0]);
    let height = bbox[3].min(other[3]) - bbox[1].max(other[1]);
    width.max(0.0) * height.max(0.0) / ((bbox[2] - bbox[0]) * (bbox[3] - bbox[1]))
}

/// The measures of somebody who squats as the textbook has it, five times from the tick 1000 on, two seconds each with one of rest;
/// seen during these ticks.
pub fn squatter(seen: std::ops::Range<u64>) -> Signal {
    let mut signal = Signal::default();
    squats(&mut signal, seen, &[1000, 1060, 1120, 1180, 1240], |_, _| {});
    signal
}

/// The same of somebody who begins to squat at these ticks, of whom other things may be seen, too.
pub fn squats(
    signal: &mut Signal,
    seen: std::ops::Range<u64>,
    begins: &[u64],
    but: impl Fn(u64, &mut [f32; CHANNELS]),
) {
    squats_of(40, signal, seen, begins, but);
}

/// The same of squats that take so many ticks each.
pub fn squats_of(
    long: u64,
    signal: &mut Signal,
    seen: std::ops::Range<u64>,
    begins: &[u64],
    but: impl Fn(u64, &mut [f32; CHANNELS]),
) {
    let squat = exercise::Exercise::named("Squat").unwrap();
    let (start, turn) = (squat.start.measures(), squat.turn.measures());
    for tick in seen {
        let at = begins.iter().filter_map(|from| tick.checked_sub(*from)).find(|at| *at < long).unwrap_or(0);
        let share = 0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / long as f32).cos();
        let mut values = [f32::NAN; CHANNELS];
        for measure in Measure::ALL {
            let n = measure as usize;
            values[measure.channel(Side::Both)] = start[n] + share * (turn[n] - start[n]);
        }
        but(tick, &mut values);
        signal.advance(stamp_of(tick));
        signal.push(&values, 0.1);
    }
}
