//! The angle of a joint, seen in the picture: where a limb bends, in degrees.
//!
//! Two dimensions only: a limb that points at the camera looks bent otherwise than it is. No angle is better than a
//! guessed one: points that are hardly seen, or that coincide, give none.
//!
//! *hinge*: a joint that bends, with the two points that say how far.

use super::MIN_CONFIDENCE;
use crate::skeleton::{Joint, Keypoint, Pose};

/// Segments shorter than this have no direction. Pixels.
const MIN_SEGMENT: f32 = 1.0;

/// A joint that bends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(usize)]
#[allow(missing_docs)]
pub enum Hinge {
    LeftElbow,
    RightElbow,
    LeftShoulder,
    RightShoulder,
    LeftHip,
    RightHip,
    LeftKnee,
    RightKnee,
}

/// The angle of one hinge in one pose. As JSON `{"joint": "left_knee", "deg": 92.4, "points": [11, 13, 15]}`.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Angle {
    /// Which.
    pub joint: Hinge,
    /// 0 (folded) to 180 (straight).
    pub deg: f32,
    /// The end, the hinge and the other end, by their places in [`Pose::keypoints`].
    pub points: [usize; 3],
}

impl Hinge {
    /// All of them, by their number; left and right take turns.
    pub const ALL: [Hinge; 8] = [
        Hinge::LeftElbow,
        Hinge::RightElbow,
        Hinge::LeftShoulder,
        Hinge::RightShoulder,
        Hinge::LeftHip,
        Hinge::RightHip,
        Hinge::LeftKnee,
        Hinge::RightKnee,
    ];

    /// One end, the hinge itself, the other end.
    pub const fn joints(self) -> [Joint; 3] {
        use Joint::*;
        match self {
            Hinge::LeftElbow => [LeftShoulder, LeftElbow, LeftWrist],
            Hinge::RightElbow => [RightShoulder, RightElbow, RightWrist],
            Hinge::LeftShoulder => [LeftElbow, LeftShoulder, LeftHip],
            Hinge::RightShoulder => [RightElbow, RightShoulder, RightHip],
            Hinge::LeftHip => [LeftShoulder, LeftHip, LeftKnee],
            Hinge::RightHip => [RightShoulder, RightHip, RightKnee],
            Hinge::LeftKnee => [LeftHip, LeftKnee, LeftAnkle],
            Hinge::RightKnee => [RightHip, RightKnee, RightAnkle],
        }
    }

    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Hinge::LeftElbow => "left_elbow",
            Hinge::RightElbow => "right_elbow",
            Hinge::LeftShoulder => "left_shoulder",
            Hinge::RightShoulder => "right_shoulder",
            Hinge::LeftHip => "left_hip",
            Hinge::RightHip => "right_hip",
            Hinge::LeftKnee => "left_knee",
            Hinge::RightKnee => "right_knee",
        }
    }

    /// The same joint of the other side.
    pub const fn opposite(self) -> Hinge {
        Hinge::ALL[self as usize ^ 1]
    }

    /// Its angle in this pose; none where it is not seen well.
    pub fn of(self, pose: &Pose) -> Option<Angle> {
        let joints = self.joints();
        let [a, b, c] = joints.map(|joint| pose.at(joint));
        Some(Angle { joint: self, deg: interior_deg(a, b, c)?, points: joints.map(|joint| joint as usize) })
    }

    /// How sure the model is of its three points on average, 0 to 1.
    pub fn confidence(self, pose: &Pose) -> f32 {
        let sure = |joint| Some(pose.at(joint).confidence).filter(|c| c.is_finite()).map_or(0.0, |c| c.clamp(0.0, 1.0));
        self.joints().map(sure).iter().sum::<f32>() / 3.0
    }
}

/// The interior angle at `b` of the corner a-b-c, 0 to 180 degrees; none if a point is less sure than
/// [`MIN_CONFIDENCE`] or no number, or a segment has no length.
pub fn interior_deg(a: Keypoint, b: Keypoint, c: Keypoint) -> Option<f32> {
    if [a, b, c].iter().any(|point| !point.confidence.is_finite() || point.confidence < MIN_CONFIDENCE) {
        return None;
    }
    let (u, v) = ((a.x - b.x, a.y - b.y), (c.x - b.x, c.y - b.y));
    if !(u.0.hypot(u.1) >= MIN_SEGMENT && v.0.hypot(v.1) >= MIN_SEGMENT) {
        return None;
    }
    // atan2 is exact near 0 and 180 degrees, where the arc cosine is not.
    let deg = (u.0 * v.1 - u.1 * v.0).abs().atan2(u.0 * v.0 + u.1 * v.1).to_degrees();
    deg.is_finite().then_some(deg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32, y: f32) -> Keypoint {
        Keypoint { x, y, confidence: 0.9 }
    }

    #[test]
    fn straight_square_folded_and_in_between() {
        let cases = [((-100.0, 0.0), 180.0), ((0.0, 50.0), 90.0), ((0.0, -50.0), 90.0), ((30.0, 30.0), 45.0)];
        for ((x, y), deg) in cases.into_iter().chain([((9.0, 0.0), 0.0)]) {
            let found = interior_deg(at(110.0, 10.0), at(10.0, 10.0), at(10.0 + x, 10.0 + y)).unwrap();
            assert!((found - deg).abs() < 1e-3, "{found} instead of {deg}");
        }
    }

    #[test]
    fn points_that_are_not_seen_or_coincide_have_no_angle() {
        let (a, b, c) = (at(0.0, 0.0), at(10.0, 0.0), at(10.0, 10.0));
        let unsure = |point: Keypoint| Keypoint { confidence: 0.29, ..point };
        assert!(interior_deg(a, b, c).is_some());
        assert_eq!(interior_deg(unsure(a), b, c), None);
        assert_eq!(interior_deg(a, unsure(b), c), None);
        assert_eq!(interior_deg(a, b, unsure(c)), None);
        assert_eq!(interior_deg(b, b, c), None);
        assert_eq!(interior_deg(a, c, c), None);
        for worthless in [f32::NAN, f32::INFINITY, f32::MAX] {
            assert_eq!(interior_deg(at(worthless, worthless), b, at(worthless, -worthless)), None);
            assert_eq!(interior_deg(Keypoint { confidence: f32::NAN, ..a }, b, c), None);
        }
    }

    #[test]
    fn every_hinge_has_its_number_its_name_and_its_other_side() {
        for (n, hinge) in Hinge::ALL.into_iter().enumerate() {
            assert_eq!(hinge as usize, n);
            assert_eq!(serde_json::to_value(hinge).unwrap(), hinge.name());
            assert_eq!(hinge.opposite().opposite(), hinge);
            let swapped = hinge.name().replace("left", "?").replace("right", "left").replace('?', "right");
            assert_eq!(hinge.opposite().name(), swapped);
            let middle = format!("{:?}", hinge.joints()[1]);
            assert_eq!(middle, format!("{hinge:?}"), "the hinge is the middle point");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_angle_is_a_number_from_0_to_180(a: (f32, f32, f32), b: (f32, f32, f32), c: (f32, f32, f32)) {
            let [a, b, c] = [a, b, c].map(|(x, y, confidence)| Keypoint { x, y, confidence });
            proptest::prop_assert!(interior_deg(a, b, c).is_none_or(|deg| (0.0..=180.0).contains(&deg)));
        }
    }
}
