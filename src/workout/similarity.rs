//! How alike two poses are: by their boxes (IoU) and by their points (OKS). Also which poses are fit to be compared.
//!
//! It must never answer something that is not a number from 0 to 1, whatever the poses hold; `tidied` sees to that.
//!
//! *IoU*: the area two boxes share over the area they cover together · *OKS*: object keypoint similarity, the measure of
//! the COCO keypoint evaluation: the mean over the points seen in both of exp(-d² / (2 s² k²)), where d is the distance
//! in pixels, s² the person's area and k = 2σ, with σ as the COCO evaluation code (`cocoeval.py`, `kpt_oks_sigmas`)
//! has it, measured there on how far annotators disagree. COCO takes the area of the outline; a box is what we have, and
//! it is roughly twice as large, which makes the measure the more forgiving that people move between two frames.

use super::MIN_CONFIDENCE;
use crate::skeleton::{KEYPOINTS, Keypoint, Pose, iou};

/// σ of every point, in the order of `Joint`.
const SIGMAS: [f32; KEYPOINTS] = [
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
    0.089,
];
/// With fewer points seen in both, OKS says nothing.
const MIN_COMMON: usize = 4;
/// The smallest side of a box, in pixels.
const MIN_SIDE: f32 = 4.0;
/// The largest side of a box, in frames.
const MAX_SIDE: f32 = 2.0;

/// The pose with its worthless points marked as not seen; nothing if its score or its box is worthless.
pub fn tidied(pose: &Pose, frame: (usize, usize)) -> Option<Pose> {
    let (frame_width, frame_height) = (frame.0 as f32, frame.1 as f32);
    let [left, top, right, bottom] = pose.bbox;
    let (width, height) = (right - left, bottom - top);
    let fits = (MIN_SIDE..=MAX_SIDE * frame_width).contains(&width)
        && (MIN_SIDE..=MAX_SIDE * frame_height).contains(&height)
        && left < frame_width
        && right > 0.0
        && top < frame_height
        && bottom > 0.0;
    if !(fits && pose.score > 0.0 && pose.score.is_finite()) {
        return None;
    }
    let near = |value: f32, side: f32| (-MAX_SIDE * side..=(1.0 + MAX_SIDE) * side).contains(&value);
    let mut tidy = *pose;
    for point in &mut tidy.keypoints {
        if !(near(point.x, frame_width) && near(point.y, frame_height) && point.confidence.is_finite()) {
            *point = Keypoint::default();
        }
    }
    Some(tidy)
}

/// Pixels squared.
pub fn area(bbox: &[f32; 4]) -> f32 {
    (bbox[2] - bbox[0]) * (bbox[3] - bbox[1])
}

/// The longer side of the box: a standing body's height, a lying one's length. Pixels.
pub fn length(bbox: &[f32; 4]) -> f32 {
    (bbox[2] - bbox[0]).max(bbox[3] - bbox[1])
}

/// Of both, pixels squared.
pub fn shared(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let width = a[2].min(b[2]) - a[0].max(b[0]);
    let height = a[3].min(b[3]) - a[1].max(b[1]);
    width.max(0.0) * height.max(0.0)
}

/// Object keypoint similarity, with the larger box's area; nothing if too few points are seen in both.
pub fn oks(a: &Pose, b: &Pose) -> Option<f32> {
    let area = area(&a.bbox).max(area(&b.bbox));
    let (mut sum, mut common) = (0.0, 0);
    for ((p, q), sigma) in a.keypoints.iter().zip(&b.keypoints).zip(SIGMAS) {
        if p.confidence >= MIN_CONFIDENCE && q.confidence >= MIN_CONFIDENCE {
            let distance2 = (p.x - q.x).powi(2) + (p.y - q.y).powi(2);
            sum += (-distance2 / (2.0 * area * (2.0 * sigma).powi(2))).exp();
            common += 1;
        }
    }
    (common >= MIN_COMMON).then(|| sum / common as f32)
}

/// How likely both are the same person a moment apart: the mean of IoU and OKS; IoU alone where the points are hidden.
pub fn likeness(a: &Pose, b: &Pose) -> f32 {
    let iou = iou(&a.bbox, &b.bbox);
    oks(a, b).map_or(iou, |oks| (iou + oks) / 2.0)
}

/// Whether one frame's two poses are one person found twice: the points coincide, and most of one box is in the other
/// (an upper body found beside the whole one has a small IoU); without points, boxes that are nearly the same.
pub fn duplicate(a: &Pose, b: &Pose) -> bool {
    let of_smaller = shared(&a.bbox, &b.bbox) / area(&a.bbox).min(area(&b.bbox));
    match oks(a, b) {
        Some(oks) => oks >= 0.6 && of_smaller >= 0.6,
        None => iou(&a.bbox, &b.bbox) >= 0.8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: (usize, usize) = (1280, 720);

    fn pose(left: f32, top: f32) -> Pose {
        let mut pose = Pose { score: 0.9, bbox: [left, top, left + 100.0, top + 300.0], ..Pose::default() };
        for (n, point) in pose.keypoints.iter_mut().enumerate() {
            *point = Keypoint { x: left + 50.0, y: top + 15.0 * n as f32, confidence: 0.9 };
        }
        pose
    }

    #[test]
    fn a_pose_is_like_itself_and_unlike_one_far_away() {
        let (here, there) = (pose(100.0, 100.0), pose(900.0, 100.0));
        assert_eq!((iou(&here.bbox, &here.bbox), oks(&here, &here)), (1.0, Some(1.0)));
        assert_eq!(iou(&here.bbox, &there.bbox), 0.0);
        assert!(oks(&here, &there).unwrap() < 1e-6);
        assert!(duplicate(&here, &here) && !duplicate(&here, &there));
    }

    #[test]
    fn iou_and_oks_are_what_the_formulas_say() {
        let (a, b) = (pose(100.0, 100.0), pose(150.0, 100.0));
        assert!((iou(&a.bbox, &b.bbox) - 1.0 / 3.0).abs() < 1e-6);
        // Every point is 50 px off, the area is 30000 px².
        let expected = SIGMAS.map(|sigma| (-2500.0 / (2.0 * 30000.0 * 4.0 * sigma * sigma)).exp()).iter().sum::<f32>();
        assert!((oks(&a, &b).unwrap() - expected / 17.0).abs() < 1e-5);
    }

    #[test]
    fn an_upper_body_found_beside_the_whole_one_is_the_same_person() {
        let whole = pose(100.0, 100.0);
        let mut upper = whole;
        upper.bbox[3] = 200.0;
        upper.keypoints[11..].fill(Keypoint::default());
        assert!(iou(&whole.bbox, &upper.bbox) < 0.4 && duplicate(&whole, &upper));
    }

    #[test]
    fn poses_that_are_no_numbers_empty_or_huge_are_refused_and_bad_points_are_not_seen() {
        assert_eq!(tidied(&pose(100.0, 100.0), FRAME), Some(pose(100.0, 100.0)));
        let boxes = [
            [f32::NAN, 0.0, 100.0, 100.0],
            [0.0, 0.0, f32::INFINITY, 100.0],
            [50.0, 50.0, 50.0, 50.0],
            [100.0, 100.0, 50.0, 50.0],
            [-1e30, -1e30, 1e30, 1e30],
            [-300.0, 0.0, -100.0, 300.0],
        ];
        for bbox in boxes {
            assert_eq!(tidied(&Pose { bbox, ..pose(0.0, 0.0) }, FRAME), None, "{bbox:?}");
        }
        assert_eq!(tidied(&Pose { score: f32::NAN, ..pose(0.0, 0.0) }, FRAME), None);
        assert_eq!(tidied(&pose(0.0, 0.0), (0, 0)), None);
        let mut odd = pose(100.0, 100.0);
        odd.keypoints[3].x = f32::NAN;
        odd.keypoints[4].y = 1e20;
        let tidy = tidied(&odd, FRAME).unwrap();
        assert_eq!((tidy.keypoints[3], tidy.keypoints[4]), (Keypoint::default(), Keypoint::default()));
    }

    #[test]
    fn boxes_share_what_lies_in_both() {
        let one = [10.0, 20.0, 50.0, 80.0];
        for (other, area) in [
            ([30.0, 40.0, 90.0, 60.0], 20.0 * 20.0),
            ([0.0, 0.0, 20.0, 30.0], 10.0 * 10.0),
            (one, 40.0 * 60.0),
            ([60.0, 20.0, 90.0, 80.0], 0.0),
            ([10.0, 90.0, 50.0, 99.0], 0.0),
            ([60.0, 90.0, 90.0, 99.0], 0.0),
        ] {
            assert_eq!((shared(&one, &other), shared(&other, &one)), (area, area), "{other:?}");
        }
    }

    #[test]
    fn likeness_is_the_mean_of_both_measures_or_that_of_the_boxes_where_points_are_hidden() {
        let (a, b) = (pose(100.0, 100.0), pose(150.0, 100.0));
        assert_eq!(likeness(&a, &b), (iou(&a.bbox, &b.bbox) + oks(&a, &b).unwrap()) / 2.0);
        let mut hidden = b;
        hidden.keypoints[4..].fill(Keypoint::default());
        assert!(oks(&a, &hidden).is_some(), "four points say something");
        hidden.keypoints[3].confidence = 0.29;
        assert_eq!((oks(&a, &hidden), likeness(&a, &hidden)), (None, iou(&a.bbox, &b.bbox)));
    }

    #[test]
    fn one_is_found_twice_if_points_and_boxes_nearly_coincide() {
        let a = pose(100.0, 100.0);
        // The points are the same; six tenths of the smaller box must lie in the other.
        let beside = |right: f32| Pose { bbox: [100.0 + right, 100.0, 200.0 + right, 400.0], ..pose(100.0, 100.0) };
        assert!(duplicate(&a, &beside(39.0)) && !duplicate(&a, &beside(41.0)));
        // The boxes are the same, the points are too far off for one person.
        let mut off = a;
        off.keypoints.iter_mut().for_each(|point| point.x += 15.0);
        assert!(duplicate(&a, &off));
        off.keypoints.iter_mut().for_each(|point| point.x += 30.0);
        assert!(!duplicate(&a, &off));
        // Without points the boxes must be nearly the same.
        let bare = |right: f32| Pose { bbox: beside(right).bbox, ..Pose::default() };
        assert!(duplicate(&a, &bare(11.0)) && !duplicate(&a, &bare(12.0)));
    }

    #[test]
    fn boxes_are_4_pixels_wide_and_two_frames_at_most_and_in_the_picture() {
        let fits = |bbox: [f32; 4]| tidied(&Pose { bbox, ..pose(0.0, 0.0) }, FRAME).is_some();
        assert!(fits([10.0, 10.0, 14.0, 14.0]));
        assert!(!fits([10.0, 10.0, 13.9, 14.0]) && !fits([10.0, 10.0, 14.0, 13.9]));
        assert!(fits([-1000.0, -500.0, 1560.0, 940.0]));
        assert!(!fits([-1000.0, -500.0, 1561.0, 940.0]) && !fits([-1000.0, -500.0, 1560.0, 941.0]));
        assert!(fits([1279.0, 719.0, 1300.0, 800.0]));
        assert!(!fits([1280.0, 600.0, 1300.0, 800.0]) && !fits([1200.0, 720.0, 1300.0, 800.0]));
        assert!(fits([-20.0, -20.0, 1.0, 1.0]) && !fits([-20.0, 5.0, 0.0, 100.0]) && !fits([5.0, -20.0, 100.0, 0.0]));
        assert_eq!(tidied(&Pose { score: 0.0, ..pose(0.0, 0.0) }, FRAME), None);
        // Points are within two frames of the picture.
        for (x, y, seen) in [
            (-2560.0, -1440.0, true),
            (3840.0, 2160.0, true),
            (-2561.0, 0.0, false),
            (3841.0, 0.0, false),
            (0.0, -1441.0, false),
            (0.0, 2161.0, false),
        ] {
            let mut odd = pose(100.0, 100.0);
            (odd.keypoints[7].x, odd.keypoints[7].y) = (x, y);
            assert_eq!(tidied(&odd, FRAME).unwrap().keypoints[7].confidence > 0.0, seen, "{x}, {y}");
        }
        assert_eq!((area(&[10.0, 20.0, 50.0, 80.0]), length(&[10.0, 20.0, 50.0, 80.0])), (2400.0, 60.0));
        assert_eq!(length(&[10.0, 20.0, 90.0, 80.0]), 80.0);
    }
}
