//! One person through the frames: where he is, where he will be, how long he is here, how he moves.
//!
//! It must never depend on how many frames a second come: every average is over seconds. It holds no memory beyond itself.
//!
//! *seen*: matched with a pose of the newest frame · *drift*: how fast the body as a whole goes, pixels a second ·
//! *feet*: where he touches the floor · *place*: where he was on average of late; a walker is ahead of his · *leap*: found again,
//! but little like before: it may be somebody else who appeared while he was not found.

use std::time::Duration;

use super::similarity::{length, likeness};
use super::{MIN_CONFIDENCE, Zone};
use crate::skeleton::{Joint, Pose};
use crate::time::Mono;

/// How long measured drift counts, in seconds.
const DRIFT_S: f32 = 0.3;
/// Feet are averaged over this time, so that a shaking point does not step over a line. Seconds.
const FEET_S: f32 = 0.5;
/// The time over which the average place is taken, in seconds.
const PLACE_S: f32 = 3.0;
/// Movement of the limbs is remembered for this time, in seconds: longer than the pause between repetitions.
const MOVEMENT_S: f32 = 5.0;
/// Whoever is hidden longer must be alike to be recognised; to be near is enough only until then.
const COASTS: Duration = Duration::from_millis(1000);
/// Nobody is expected further ahead than his drift brings him in this time, in seconds.
const AHEAD_MOST_S: f32 = 1.0;
/// The longer sides of two boxes of one person differ at most by this factor (a deep squat: 1.6).
const SCALE_MOST: f32 = 1.8;
/// Limbs that swing by this share of the body's length (standard deviation, mean of all) move fully.
const MOVES_FULLY: f32 = 0.05;
/// Arms and legs with what they hang from; the head is left out.
const BODY: std::ops::Range<usize> = Joint::LeftShoulder as usize..Joint::RightAnkle as usize + 1;
const TORSO: [Joint; 4] = [Joint::LeftShoulder, Joint::RightShoulder, Joint::LeftHip, Joint::RightHip];

/// A pose that is less like a track is somebody else.
pub const LIKENESS_LEAST: f32 = 0.3;
/// Whoever is less like himself than this leapt.
const LEAP: f32 = 0.5;
/// Nobody is further from where he is expected than this brings him, in body lengths a second: who steps into a lunge and
/// sinks is as fast as who runs. At few frames a second a sudden step leaves nothing of two boxes in common.
const SPRINT: f32 = 5.0;
/// Nor than this, in body lengths.
const REACH_MOST: f32 = 0.5;

type Point = [f32; 2];

/// Mean and variance of something that moves in the plane, over the last seconds.
#[derive(Clone, Copy, Default, Debug)]
struct Swing {
    mean: Point,
    variance: f32,
}

/// One person.
#[derive(Clone, Copy, Debug)]
pub struct Track {
    /// Never given twice.
    pub id: u32,
    /// As last seen.
    pub pose: Pose,
    pub last_seen: Mono,
    /// Which of the poses he was on the frame on which he was last seen.
    pub index: usize,
    /// Frames in which he was seen, up to the largest number.
    pub sightings: u32,
    /// Who of the others was seen on the same frame once, a bit for each place among them: he is certainly somebody else.
    pub company: u16,
    /// Since when the feet are in the zone without a break.
    pub inside_since: Option<Mono>,
    /// Since when the feet are out of it without a break.
    pub outside_since: Option<Mono>,
    /// Since when he is much better than the athlete.
    pub ahead_since: Option<Mono>,
    first_seen: Mono,
    /// How he was before he leapt, and when he did.
    leapt: Option<(Pose, Mono)>,
    drift: Point,
    feet: Point,
    place: Point,
    swings: [Swing; BODY.end - BODY.start],
}

fn seen(pose: &Pose, joint: Joint) -> Option<Point> {
    let point = pose.at(joint);
    (point.confidence >= MIN_CONFIDENCE).then_some([point.x, point.y])
}

fn middle(pose: &Pose) -> Point {
    let [left, top, right, bottom] = pose.bbox;
    [(left + right) / 2.0, (top + bottom) / 2.0]
}

/// Between the ankles if both are seen, else the middle of the box's lower edge.
fn feet(pose: &Pose) -> Point {
    match (seen(pose, Joint::LeftAnkle), seen(pose, Joint::RightAnkle)) {
        (Some(left), Some(right)) => [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0],
        _ => [middle(pose)[0], pose.bbox[3]],
    }
}

/// How far the body went: the mean way of the torso's points that are seen in both, else of the box.
fn way(from: &Pose, to: &Pose) -> Point {
    let (mut sum, mut count) = ([0.0, 0.0], 0.0);
    for joint in TORSO {
        if let (Some(a), Some(b)) = (seen(from, joint), seen(to, joint)) {
            sum = [sum[0] + b[0] - a[0], sum[1] + b[1] - a[1]];
            count += 1.0;
        }
    }
    if count > 0.0 {
        return sum.map(|way| way / count);
    }
    let (a, b) = (middle(from), middle(to));
    [b[0] - a[0], b[1] - a[1]]
}

fn shifted(pose: &Pose, by: Point) -> Pose {
    let mut moved = *pose;
    for (n, side) in moved.bbox.iter_mut().enumerate() {
        *side += by[n % 2];
    }
    for point in &mut moved.keypoints {
        (point.x, point.y) = (point.x + by[0], point.y + by[1]);
    }
    moved
}

/// Moves an average towards a new value that stands for `share` of it.
fn blend(average: &mut Point, value: Point, share: f32) {
    for (average, value) in average.iter_mut().zip(value) {
        *average += share * (value - *average);
    }
}

impl Track {
    /// Somebody who is seen for the first time. The pose is tidied, as are all that follow.
    pub fn begin(id: u32, stamp: Mono, (index, pose): (usize, Pose)) -> Track {
        Track {
            id,
            pose,
            last_seen: stamp,
            index,
            sightings: 1,
            company: 0,
            inside_since: None,
            outside_since: None,
            ahead_since: None,
            first_seen: stamp,
            leapt: None,
            drift: [0.0; 2],
            feet: feet(&pose),
            place: middle(&pose),
            swings: [Swing::default(); BODY.end - BODY.start],
        }
    }

    /// How long he has been here.
    pub fn present(&self) -> Duration {
        self.last_seen.since(self.first_seen)
    }

    /// How likely `pose`, found at `stamp`, is this person, 0 to 1.
    pub fn likeness(&self, stamp: Mono, pose: &Pose) -> f32 {
        let (was, is) = (length(&self.pose.bbox), length(&pose.bbox));
        if was.max(is) > SCALE_MOST * was.min(is) {
            return 0.0;
        }
        let hidden = stamp.since(self.last_seen);
        let hidden_s = hidden.as_secs_f32();
        let expected = shifted(&self.pose, self.drift.map(|drift| drift * hidden_s.min(AHEAD_MOST_S)));
        // Whoever stops or turns is where he was, not where he was going.
        let alike = likeness(&expected, pose).max(likeness(&self.pose, pose));
        if hidden > COASTS {
            return alike;
        }
        let here = middle(pose);
        let from = |place: Point| (here[0] - place[0]).hypot(here[1] - place[1]);
        let off = from(middle(&expected)).min(from(middle(&self.pose)));
        let reach = (SPRINT * hidden_s).min(REACH_MOST) * was;
        // Just enough to be taken when nobody else is likelier.
        if off < reach { alike.max(LIKENESS_LEAST + 0.01 * (1.0 - off / reach)) } else { alike }
    }

    /// Notes, before he is seen again so alike, whether he leaps.
    pub fn may_leap(&mut self, stamp: Mono, alike: f32) {
        if alike < LEAP {
            self.leapt = Some((self.pose, stamp));
        }
    }

    /// How like `pose` is to him as he was before a leap of late, if whoever he was taken for since is less so.
    pub fn landed_elsewhere(&self, stamp: Mono, pose: &Pose, lately: Duration) -> Option<f32> {
        let (was, _) = self.leapt.as_ref().filter(|(_, when)| stamp.since(*when) <= lately)?;
        let alike = likeness(was, pose);
        (alike >= LIKENESS_LEAST && alike > likeness(was, &self.pose)).then_some(alike)
    }

    /// He is where he was before he leapt: it was somebody else who did.
    pub fn take_back(&mut self, stamp: Mono, pose: Pose) {
        if let Some((was, _)) = self.leapt.take() {
            self.pose = was;
        }
        self.drift = [0.0; 2];
        self.see(stamp, pose, false);
    }

    /// He is seen again. `alone` is false when the pose may as well be somebody else's: then his course is kept.
    pub fn see(&mut self, stamp: Mono, pose: Pose, alone: bool) {
        let dt_s = stamp.since(self.last_seen).as_secs_f32();
        let share = |over_s: f32| 1.0 - (-dt_s / over_s).exp();
        if dt_s > 0.0 && alone {
            blend(&mut self.drift, way(&self.pose, &pose).map(|way| way / dt_s), share(DRIFT_S));
        }
        blend(&mut self.feet, feet(&pose), share(FEET_S));
        blend(&mut self.place, middle(&pose), share(PLACE_S));
        self.last_seen = stamp;
        self.sightings = self.sightings.saturating_add(1);
        self.pose = pose;
        // A young average forgets as fast as it is old, or its first value would count for too long.
        let over_s = self.present().as_secs_f32().clamp(dt_s.max(f32::MIN_POSITIVE), MOVEMENT_S.max(dt_s));
        self.swing((dt_s / over_s).min(1.0));
    }

    /// Limbs are looked at from between the hips, so that walking through the room alone is no movement.
    fn swing(&mut self, share: f32) {
        let (Some(left), Some(right)) = (seen(&self.pose, Joint::LeftHip), seen(&self.pose, Joint::RightHip)) else {
            return;
        };
        let hips = [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0];
        for (swing, point) in self.swings.iter_mut().zip(&self.pose.keypoints[BODY]) {
            if point.confidence < MIN_CONFIDENCE {
                continue;
            }
            let here = [point.x - hips[0], point.y - hips[1]];
            let off2 = (here[0] - swing.mean[0]).powi(2) + (here[1] - swing.mean[1]).powi(2);
            blend(&mut swing.mean, here, share);
            swing.variance = (1.0 - share) * (swing.variance + share * off2);
        }
    }

    /// How much the limbs move, 0 to 1.
    pub fn movement(&self) -> f32 {
        let mean = self.swings.iter().map(|swing| swing.variance).sum::<f32>() / self.swings.len() as f32;
        (mean.sqrt() / length(&self.pose.bbox) / MOVES_FULLY).min(1.0)
    }

    /// How much he stays where he is, 0 to 1: a walker is a body's length ahead of his average place.
    pub fn settled(&self) -> f32 {
        let now = middle(&self.pose);
        let off = (now[0] - self.place[0]).hypot(now[1] - self.place[1]);
        1.0 - (off / length(&self.pose.bbox)).min(1.0)
    }

    /// Notes whether the feet are in the zone, on this frame on which he is seen.
    pub fn stand(&mut self, stamp: Mono, zone: &Zone, frame: (usize, usize)) {
        // Feet below the picture are at its edge.
        let share = |value: f32, side: usize| (value / side as f32).clamp(0.0, 1.0);
        if zone.holds(share(self.feet[0], frame.0), share(self.feet[1], frame.1)) {
            self.inside_since = self.inside_since.or(Some(stamp));
            self.outside_since = None;
        } else {
            self.outside_since = self.outside_since.or(Some(stamp));
            self.inside_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::Keypoint;

    /// Somebody 300 pixels tall of whom only the box is seen.
    fn at(left: f32, top: f32) -> Pose {
        Pose { score: 0.9, bbox: [left, top, left + 100.0, top + 300.0], ..Pose::default() }
    }

    /// Whether who is found so far aside and down may be somebody who was last seen so many seconds before.
    fn may_be(aside: f32, down: f32, hidden_s: f32) -> bool {
        let (then, hidden) = (Duration::from_secs(5), Duration::from_secs_f32(hidden_s));
        let stamp = |at: Duration| Mono::from_ns(at.as_nanos() as u64);
        let track = Track::begin(1, stamp(then), (0, at(500.0, 100.0)));
        track.likeness(stamp(then + hidden), &at(500.0 + aside, 100.0 + down)) >= LIKENESS_LEAST
    }

    #[test]
    fn who_sinks_at_once_or_while_he_is_not_found_for_a_moment_is_the_same() {
        assert!(may_be(90.0, 119.0, 0.1), "half a body's length in a tenth of a second");
        assert!(!may_be(90.0, 121.0, 0.1), "and no further");
        assert!(may_be(60.0, 44.0, 0.05), "in half the time half as far");
        assert!(!may_be(60.0, 47.0, 0.05));
        assert!(may_be(90.0, 119.0, 1.0), "he was not found for a second");
        assert!(!may_be(90.0, 121.0, 1.0), "not even then is he elsewhere");
        assert!(!may_be(90.0, 119.0, 1.1), "who is hidden for longer must be alike");
        assert!(may_be(5.0, 10.0, 1.9));
    }

    /// The same with a body: limbs below the hips and beside them, all of it `aside` of where the box would have it.
    fn body(left: f32, aside: f32) -> Pose {
        let mut pose = at(left, 100.0);
        for (n, point) in pose.keypoints.iter_mut().enumerate() {
            let hips = [Joint::LeftHip as usize, Joint::RightHip as usize].contains(&n);
            let x = left + 50.0 + if hips { 0.0 } else { aside };
            *point = Keypoint { x, y: 110.0 + 10.0 * n as f32, confidence: 0.9 };
        }
        pose
    }

    fn stamp(at_s: f32) -> Mono {
        Mono::from_ns((f64::from(at_s) * 1e9).round() as u64)
    }

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 1e-3 * want.abs().max(1.0), "{is} and not {want}");
    }

    /// Of averages over so long, this much is new after as long.
    const NEW: f32 = 0.632_12;

    #[test]
    fn feet_are_between_the_ankles_if_both_are_seen_or_else_below_the_box() {
        let mut pose = body(200.0, 0.0);
        pose.keypoints[Joint::LeftAnkle as usize] = Keypoint { x: 210.0, y: 380.0, confidence: 0.9 };
        pose.keypoints[Joint::RightAnkle as usize] = Keypoint { x: 250.0, y: 390.0, confidence: 0.9 };
        assert_eq!(feet(&pose), [230.0, 385.0]);
        pose.keypoints[Joint::RightAnkle as usize].confidence = 0.29;
        assert_eq!(feet(&pose), [250.0, 400.0]);
        assert_eq!(middle(&pose), [250.0, 250.0]);
    }

    #[test]
    fn a_way_is_that_of_the_torso_as_far_as_it_is_seen_or_else_of_the_box() {
        let (from, mut to) = (body(200.0, 0.0), body(230.0, 0.0));
        to.keypoints[Joint::LeftShoulder as usize].x += 20.0;
        to.keypoints[Joint::LeftHip as usize].y += 8.0;
        to.keypoints[Joint::LeftWrist as usize].x += 500.0;
        assert_eq!(way(&from, &to), [35.0, 2.0]);
        to.keypoints[Joint::LeftShoulder as usize].confidence = 0.1;
        to.keypoints[Joint::LeftHip as usize].confidence = 0.1;
        assert_eq!(way(&from, &to), [30.0, 0.0]);
        assert_eq!(way(&at(200.0, 100.0), &at(210.0, 105.0)), [10.0, 5.0]);
    }

    #[test]
    fn who_goes_on_is_expected_ahead_unless_he_may_as_well_be_somebody_else() {
        let mut track = Track::begin(1, stamp(5.0), (0, at(500.0, 100.0)));
        track.see(stamp(5.3), at(530.0, 94.0), false);
        assert_eq!(track.drift, [0.0, 0.0]);
        track.see(stamp(5.6), at(560.0, 88.0), true);
        // 100 pixels a second aside and 20 up.
        near(track.drift[0], NEW * 100.0);
        near(track.drift[1], NEW * -20.0);
        // Hidden for half a second and for five, in which nobody is expected further than in one.
        let ahead =
            |hidden_s: f32, aside: f32| track.likeness(stamp(5.6 + hidden_s), &at(560.0 + aside, 88.0 - aside / 5.0));
        near(ahead(0.5, NEW * 50.0), 1.0);
        near(ahead(5.0, NEW * 100.0), 1.0);
        assert_eq!(ahead(0.5, 0.0), 1.0, "who stops is where he was");
        assert!(ahead(5.0, NEW * 200.0) < 0.7);
    }

    #[test]
    fn who_is_nearly_twice_as_long_is_somebody_else() {
        let track = Track::begin(1, stamp(5.0), (0, at(500.0, 100.0)));
        let long = |length: f32| Pose { bbox: [500.0, 100.0, 600.0, 100.0 + length], ..at(500.0, 100.0) };
        assert_eq!([541.0, 166.0].map(|length| track.likeness(stamp(5.1), &long(length))), [0.0, 0.0]);
        assert!([539.0, 168.0].iter().all(|length| track.likeness(stamp(5.1), &long(*length)) > 0.3));
    }

    #[test]
    fn the_nearer_to_where_he_is_expected_the_likelier_when_nothing_else_tells() {
        let track = Track::begin(1, stamp(5.0), (0, at(500.0, 100.0)));
        // Nothing of the boxes in common; a body's half length is within reach.
        let beside = |aside: f32| track.likeness(stamp(5.2), &at(500.0 + aside, 100.0));
        near(beside(120.0), 0.302);
        near(beside(135.0), 0.301);
        assert_eq!(beside(150.0), 0.0);
    }

    #[test]
    fn places_are_averaged_over_seconds_and_a_walker_is_ahead_of_his() {
        let mut track = Track::begin(1, stamp(5.0), (0, at(500.0, 100.0)));
        assert_eq!((track.settled(), track.present()), (1.0, Duration::ZERO));
        track.see(stamp(8.0), at(590.0, 100.0), true);
        near(track.place[0], 550.0 + NEW * 90.0);
        near(track.settled(), 1.0 - (1.0 - NEW) * 90.0 / 300.0);
        assert_eq!((track.present(), track.sightings), (Duration::from_secs(3), 2));
        track.see(stamp(8.01), at(1500.0, 100.0), true);
        assert_eq!(track.settled(), 0.0);
        let mut track = Track::begin(1, stamp(5.0), (0, at(500.0, 100.0)));
        track.see(stamp(5.5), at(540.0, 130.0), true);
        near(track.feet[0], 550.0 + NEW * 40.0);
        near(track.feet[1], 400.0 + NEW * 30.0);
    }

    #[test]
    fn movement_is_how_far_limbs_swing_about_the_hips_and_not_where_the_body_goes() {
        let mut track = Track::begin(1, stamp(5.0), (0, body(500.0, 0.0)));
        track.see(stamp(5.1), body(500.0, 0.0), true);
        assert_eq!(track.movement(), 0.0);
        track.see(stamp(5.2), body(700.0, 0.0), true);
        assert_eq!(track.movement(), 0.0, "he walked");
        track.see(stamp(5.3), shifted(&body(700.0, 0.0), [-20.0, 40.0]), true);
        assert!(track.movement() < 1e-3, "and came nearer");
        let mut swings = track;
        // Half of a second is new: variances of a quarter of 12 squared, of ten limbs of twelve.
        let mut track = Track::begin(1, stamp(5.0), (0, body(500.0, 0.0)));
        track.see(stamp(5.1), body(500.0, 0.0), true);
        track.see(stamp(5.2), body(500.0, 12.0), true);
        near(track.movement(), 30.0f32.sqrt() / 300.0 / 0.05);
        // Without hips nothing is known of it.
        let mut headless = body(700.0, 300.0);
        headless.keypoints[Joint::RightHip as usize].confidence = 0.1;
        swings.see(stamp(5.4), headless, true);
        assert!(swings.movement() < 1e-3);
        swings.see(stamp(5.5), body(700.0, 300.0), true);
        assert_eq!(swings.movement(), 1.0, "no more than fully");
    }

    #[test]
    fn movement_is_forgotten_within_seconds_at_any_rate() {
        let after = |rate: f32| {
            let mut track = Track::begin(1, stamp(5.0), (0, body(500.0, 0.0)));
            for n in 1..=(10.0 * rate) as u32 {
                track.see(stamp(5.0 + n as f32 / rate), body(500.0, 10.0 * (n as f32 / rate).sin()), true);
            }
            let moved = track.movement();
            for n in 1..=(5.0 * rate) as u32 {
                track.see(stamp(15.0 + n as f32 / rate), body(500.0, 0.0), true);
            }
            (moved, track.movement())
        };
        let ((moved, rest), (seldom, seldom_rest)) = (after(30.0), after(5.0));
        assert!((0.35..0.55).contains(&moved) && (moved / seldom - 1.0).abs() < 0.15, "{moved} and {seldom}");
        assert!(rest < 0.72 * moved && seldom_rest < 0.72 * seldom, "{rest} of {moved}, {seldom_rest} of {seldom}");
    }

    #[test]
    fn feet_are_in_the_zone_or_out_of_it_since_they_stepped_over_its_edge() {
        let zone = Zone::new(&[(0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)]).unwrap();
        let frame = (1000, 500);
        let mut track = Track::begin(1, stamp(5.0), (0, at(500.0, 100.0)));
        let since = |track: &Track| (track.inside_since, track.outside_since);
        track.stand(stamp(5.0), &zone, frame);
        track.stand(stamp(6.0), &zone, frame);
        assert_eq!(since(&track), (Some(stamp(5.0)), None));
        track.feet = [499.0, 400.0];
        track.stand(stamp(7.0), &zone, frame);
        track.stand(stamp(8.0), &zone, frame);
        assert_eq!(since(&track), (None, Some(stamp(7.0))));
        // Below the picture is at its edge.
        track.feet = [1100.0, 510.0];
        track.stand(stamp(9.0), &zone, frame);
        assert_eq!(since(&track), (Some(stamp(9.0)), None));
    }

    #[test]
    fn a_pose_that_is_moved_has_its_points_and_its_box_elsewhere_and_is_the_same_else() {
        let mut pose = Pose { bbox: [10.0, 20.0, 30.0, 60.0], score: 0.5, ..Pose::default() };
        pose.keypoints.iter_mut().enumerate().for_each(|(n, point)| (point.x, point.y) = (n as f32, 40.0 - n as f32));
        let moved = shifted(&pose, [3.0, -7.0]);
        assert_eq!((moved.bbox, moved.score), ([13.0, 13.0, 33.0, 53.0], 0.5));
        for (n, (is, was)) in moved.keypoints.iter().zip(&pose.keypoints).enumerate() {
            assert_eq!((is.x, is.y, is.confidence), (was.x + 3.0, was.y - 7.0, was.confidence), "{n}");
        }
    }

    #[test]
    fn limbs_that_are_seen_badly_are_no_movement() {
        let movement = |confidence: f32| {
            let mut track = Track::begin(1, stamp(5.0), (0, body(500.0, 0.0)));
            for n in 1..20u8 {
                let mut pose = body(500.0, 0.0);
                let wrist = &mut pose.keypoints[Joint::LeftWrist as usize];
                (wrist.x, wrist.confidence) = (wrist.x + 150.0 * f32::from(n % 2), confidence);
                track.see(stamp(5.0 + 0.1 * f32::from(n)), pose, true);
            }
            track.movement()
        };
        let (still, seen) = (movement(0.2), movement(0.3));
        assert!(seen > 2.0 * still, "{seen} and {still}");
    }
}
