//! What a camera can see of a set at all, from the noiseless picture: how far each joint's angle goes, against how far the
//! model's errors alone would move it. The rule by which a set is called *hidden* is here, and looks at no count.
//!
//! A set is hidden when no joint of a side that is in sight goes further than 20 degrees in the picture, nor further than
//! three and a half standard deviations of its error: then the movement is along the line of sight, or under the noise.
//! Nor is one seen whose athlete is behind somebody else, so that no model finds him, for more than half of it.

use super::TrueSet;
use super::camera::Camera;
use super::maths::{V, length, sub};
use super::model::{Sight, hidden, hidden_point, lost_behind, sigma_px};
use super::script::Person;
use spotter::skeleton::{KEYPOINTS, Keypoint};
use spotter::workout::{Hinge, interior_deg};

/// The least range that can be told from none, degrees.
const LEAST_DEG: f64 = 20.0;
/// The same in standard deviations of the angle's error.
const LEAST_SIGMAS: f64 = 3.5;
/// Looks a second.
const RATE_HZ: f64 = 20.0;
/// A side that is more hidden than this on average is not seen.
const OUT_OF_SIGHT: f64 = 0.5;

/// Who is behind somebody else for more than this share of a set is not seen.
const MOST_BEHIND: f64 = 0.5;

/// The joint whose movement is seen best.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub hinge: Hinge,
    /// From the 5th to the 95th percentile of its angle in the picture.
    pub range_deg: f64,
    /// The standard deviation of its error.
    pub noise_deg: f64,
    /// The share of the time during which the athlete is behind somebody else.
    pub behind: f64,
}

impl Default for View {
    fn default() -> View {
        View { hinge: Hinge::LeftElbow, range_deg: 0.0, noise_deg: 1.0, behind: 0.0 }
    }
}

impl View {
    /// Whether anybody could count it.
    pub fn hidden(&self) -> bool {
        self.range_deg < LEAST_DEG || self.range_deg < LEAST_SIGMAS * self.noise_deg || self.behind > MOST_BEHIND
    }

    fn strength(&self) -> f64 {
        self.range_deg / self.noise_deg
    }
}

/// The angle of a hinge in the noiseless picture, degrees.
pub fn angle_deg(camera: &Camera, points: &[V; KEYPOINTS], hinge: Hinge) -> Option<f64> {
    let [a, b, c] = hinge.joints().map(|joint| {
        let spot = camera.spot(points[joint as usize]);
        Keypoint { x: spot.x as f32, y: spot.y as f32, confidence: 1.0 }
    });
    interior_deg(a, b, c).map(f64::from)
}

/// The angles of one hinge over a set, at an even rate.
pub fn course(camera: &Camera, athlete: &Person, set: &TrueSet, hinge: Hinge) -> Vec<f64> {
    moments(set).filter_map(|t| angle_deg(camera, &athlete.points(t)?, hinge)).collect()
}

fn moments(set: &TrueSet) -> impl Iterator<Item = f64> {
    let (from, to) = (set.started.as_ns() as f64 / 1e9, set.ended.as_ns() as f64 / 1e9);
    (0..((to - from) * RATE_HZ) as u32).map(move |n| from + f64::from(n) / RATE_HZ)
}

/// The joint of this set that is seen best.
pub fn seen(camera: &Camera, athlete: &Person, set: &TrueSet, sight: &Sight) -> View {
    let mut all: [(Vec<f64>, Vec<f64>, f64); 8] = Default::default();
    for points in moments(set).filter_map(|t| athlete.points(t)) {
        let behind = hidden(camera, &points);
        for ((angles, errors, hidden), hinge) in all.iter_mut().zip(Hinge::ALL) {
            let joints = hinge.joints().map(|joint| joint as usize);
            angles.extend(angle_deg(camera, &points, hinge));
            errors.push(error_deg(camera, sight, &points, joints, athlete.body.stature));
            *hidden += hidden_point(&behind, joints[1]);
        }
    }
    let views = all.iter_mut().zip(Hinge::ALL).filter_map(|((angles, errors, hidden), hinge)| {
        if angles.is_empty() || *hidden / errors.len() as f64 > OUT_OF_SIGHT {
            return None;
        }
        let range_deg = percentile(angles, 0.95) - percentile(angles, 0.05);
        Some(View { hinge, range_deg, noise_deg: percentile(errors, 0.5), behind: 0.0 })
    });
    views.max_by(|a, b| a.strength().total_cmp(&b.strength())).unwrap_or_default()
}

/// The share of a set during which its athlete is behind one of the others.
pub fn behind(camera: &Camera, athlete: &Person, others: &[Person], set: &TrueSet) -> f64 {
    let (mut covered, mut all) = (0.0, 0.0);
    for t in moments(set) {
        let Some(points) = athlete.points(t) else { continue };
        let others = others.iter().filter_map(|other| Some((other.points(t)?, other.body.stature)));
        covered += f64::from(u8::from(lost_behind(camera, (&points, athlete.body.stature), others)));
        all += 1.0;
    }
    covered / f64::max(all, 1.0)
}

/// The standard deviation of the angle at the middle joint, by its points' errors over the bones' lengths in the picture.
fn error_deg(camera: &Camera, sight: &Sight, points: &[V; KEYPOINTS], joints: [usize; 3], stature: f64) -> f64 {
    let spots = joints.map(|n| camera.spot(points[n]));
    let px = stature * camera.px_per_m(spots[1].depth);
    let [a, b, c] = joints.map(|n| sigma_px(camera, sight, n, px));
    let flat = |n: usize| [spots[n].x, spots[n].y, 0.0];
    let first = length(sub(flat(0), flat(1))).max(1.0);
    let second = length(sub(flat(2), flat(1))).max(1.0);
    let sum = (a / first).powi(2) + (c / second).powi(2) + (b * (1.0 / first + 1.0 / second)).powi(2);
    sum.sqrt().to_degrees()
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

/// How often a course goes there and back by more than `least`, from its start's side.
pub fn zig_zags(course: &[f64], least: f64) -> u32 {
    let Some(&first) = course.first() else { return 0 };
    let (mut low, mut high, mut turns, mut up) = (first, first, 0, None);
    for &value in course {
        low = if up == Some(false) || up.is_none() { low.min(value) } else { low };
        high = if up == Some(true) || up.is_none() { high.max(value) } else { high };
        let (rises, falls) = (value - low > least, high - value > least);
        if rises && up != Some(true) {
            (up, high, turns) = (Some(true), value, turns + 1);
        } else if falls && up != Some(false) {
            (up, low, turns) = (Some(false), value, turns + 1);
        }
    }
    turns / 2
}
