//! What a pose is: a person's seventeen points in a picture, and the bones between them.
//!
//! A noun and nothing else: no model, no device, no time. Coordinates are pixels of the frame that was looked at, from
//! its upper left corner, x to the right and y down. The order of the points is that of the COCO keypoint data set.
//!
//! *left* and *right* are the person's own · *confidence* is how sure the model is that it sees the point, 0 to 1.

use serde::ser::{Serialize, SerializeTuple, Serializer};

/// Points of one person.
pub const KEYPOINTS: usize = 17;

/// The points, by their place in [`Pose::keypoints`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(usize)]
#[allow(missing_docs)]
pub enum Joint {
    Nose,
    LeftEye,
    RightEye,
    LeftEar,
    RightEar,
    LeftShoulder,
    RightShoulder,
    LeftElbow,
    RightElbow,
    LeftWrist,
    RightWrist,
    LeftHip,
    RightHip,
    LeftKnee,
    RightKnee,
    LeftAnkle,
    RightAnkle,
}

/// The lines that are drawn between points.
pub const BONES: [(Joint, Joint); 16] = {
    use Joint::*;
    [
        (LeftAnkle, LeftKnee),
        (LeftKnee, LeftHip),
        (RightAnkle, RightKnee),
        (RightKnee, RightHip),
        (LeftHip, RightHip),
        (LeftShoulder, LeftHip),
        (RightShoulder, RightHip),
        (LeftShoulder, RightShoulder),
        (LeftShoulder, LeftElbow),
        (LeftElbow, LeftWrist),
        (RightShoulder, RightElbow),
        (RightElbow, RightWrist),
        (Nose, LeftEye),
        (Nose, RightEye),
        (LeftEye, LeftEar),
        (RightEye, RightEar),
    ]
};

/// One point. As JSON `[x, y, confidence]`.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Keypoint {
    /// Pixels from the left.
    pub x: f32,
    /// Pixels from the top.
    pub y: f32,
    /// How sure, 0 to 1.
    pub confidence: f32,
}

/// One person. As JSON `{"score", "bbox": [x0, y0, x1, y1], "keypoints": [[x, y, confidence], …]}`.
#[derive(Clone, Copy, PartialEq, Default, Debug, serde::Serialize)]
pub struct Pose {
    /// How sure that it is a person, 0 to 1.
    #[serde(serialize_with = "ten_thousandth")]
    pub score: f32,
    /// Left, top, right, bottom, in pixels.
    #[serde(serialize_with = "hundredths")]
    pub bbox: [f32; 4],
    /// In the order of [`Joint`].
    pub keypoints: [Keypoint; KEYPOINTS],
}

impl Pose {
    /// One of its points.
    pub fn at(&self, joint: Joint) -> Keypoint {
        self.keypoints[joint as usize]
    }
}

/// Intersection over union of two boxes of left, top, right, bottom; 0 when neither has a surface.
pub fn iou(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let surface = |r: &[f32; 4]| (r[2] - r[0]).max(0.0) * (r[3] - r[1]).max(0.0);
    let both = surface(&[a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    let union = surface(a) + surface(b) - both;
    if union > 0.0 { both / union } else { 0.0 }
}

// More digits than a model means would only cost bytes on the wire, fifteen times a second for every viewer.
fn rounded(value: f32, per_one: f64) -> f64 {
    (f64::from(value) * per_one).round() / per_one
}

fn ten_thousandth<S: Serializer>(value: &f32, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(rounded(*value, 1e4))
}

fn hundredths<S: Serializer>(values: &[f32; 4], to: S) -> Result<S::Ok, S::Error> {
    values.map(|value| rounded(value, 100.0)).serialize(to)
}

impl Serialize for Keypoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut row = to.serialize_tuple(3)?;
        row.serialize_element(&rounded(self.x, 100.0))?;
        row.serialize_element(&rounded(self.y, 100.0))?;
        row.serialize_element(&rounded(self.confidence, 1e4))?;
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bone_joins_two_points_and_every_point_has_a_bone() {
        for (a, b) in BONES {
            assert_ne!(a, b);
        }
        let joined = |n: usize| BONES.iter().any(|(a, b)| *a as usize == n || *b as usize == n);
        assert!((0..KEYPOINTS).all(joined));
        assert_eq!(Joint::RightAnkle as usize, KEYPOINTS - 1);
    }

    #[test]
    fn json_is_as_the_contract_has_it() {
        let mut pose = Pose { score: 0.98768, bbox: [1.0, 2.004, 3.5, 4.25], ..Pose::default() };
        pose.keypoints[0] = Keypoint { x: 10.126, y: 20.0, confidence: 0.5 };
        let json = serde_json::to_string(&pose).unwrap();
        assert!(
            json.starts_with(
                r#"{"score":0.9877,"bbox":[1.0,2.0,3.5,4.25],"keypoints":[[10.13,20.0,0.5],[0.0,0.0,0.0]"#
            ),
            "{json}"
        );
    }
}
