//! From a model's answer to poses: threshold, suppression of doubles, back to the frame's pixels.
//!
//! The order and the numbers are those of Ultralytics' own post-processing: a score must be greater than the threshold;
//! candidates are taken by falling score, equal ones in the answer's order; one that overlaps a taken one by more than
//! the limit of intersection over union is a double. Rows that come ready are only held against the threshold.
//!
//! The answer may hold anything. A candidate with a number that is not finite is no candidate: there is no way to draw
//! half a person. A box may be inside out (its right side left of its left one), as untrained weights give them; it is
//! told as it is, and whoever follows people passes over it. Time and memory are bounded by [`CANDIDATES_MAX`] and `most`, and nothing is allocated once an answer
//! of this size has been read.

use super::layout::{Kind, Layout};
use super::preprocess::Letterbox;
use crate::skeleton::{KEYPOINTS, Keypoint, Pose, iou};

/// Candidates beyond the best so many are not looked at, as in Ultralytics' `max_nms`.
pub const CANDIDATES_MAX: usize = 30_000;

/// What counts as a person.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// A score must be greater.
    pub score: f32,
    /// Intersection over union of boxes; more is the same person twice.
    pub overlap: f32,
    /// The most people in one frame.
    pub most: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { score: 0.25, overlap: 0.7, most: 20 }
    }
}

#[derive(Clone, Copy)]
struct Candidate {
    score: f32,
    place: u32,
}

/// Reads answers of one model.
pub struct Decoder {
    layout: Layout,
    limits: Limits,
    candidates: Vec<Candidate>,
    /// Left, top, right, bottom of those taken, in the input's pixels.
    taken: Vec<[f32; 4]>,
}

impl Decoder {
    /// For answers of this layout.
    pub fn new(layout: Layout, limits: Limits) -> Decoder {
        Decoder { layout, limits, candidates: Vec::new(), taken: Vec::with_capacity(limits.most) }
    }

    /// Puts the poses in `answer`, in the frame's pixels and by falling score, in place of what was in `out`. An answer
    /// shorter than the layout says holds nobody.
    pub fn run(&mut self, answer: &[f32], letterbox: &Letterbox, out: &mut Vec<Pose>) {
        out.clear();
        if answer.len() < self.layout.answer_len() {
            return;
        }
        match self.layout.kind {
            Kind::Channels { classes, places } => self.channels(answer, classes, places, letterbox, out),
            Kind::Rows { rows } => self.rows(answer, rows, letterbox, out),
        }
    }

    fn channels(&mut self, answer: &[f32], classes: usize, n: usize, letterbox: &Letterbox, out: &mut Vec<Pose>) {
        let scores = |class: usize| &answer[(4 + class) * n..][..n];
        let person = scores(self.layout.person);
        self.candidates.clear();
        for (place, &score) in person.iter().enumerate() {
            if score > self.limits.score && score.is_finite() {
                self.candidates.push(Candidate { score, place: place as u32 });
            }
        }
        // What is more of a dog than of a person is no person.
        if classes > 1 {
            self.candidates.retain(|c| (0..classes).all(|class| scores(class)[c.place as usize] <= c.score));
        }
        self.sort();
        self.taken.clear();
        for candidate in &self.candidates {
            if out.len() >= self.limits.most {
                break;
            }
            let place = candidate.place as usize;
            let column = |row: usize| answer[row * n + place];
            let [x, y, w, h] = [0, 1, 2, 3].map(column);
            let corners = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
            if self.taken.iter().any(|other| iou(other, &corners) > self.limits.overlap) {
                continue;
            }
            let points = |row: usize| column(4 + classes + row);
            if let Some(pose) = pose(candidate.score, corners, points, letterbox) {
                self.taken.push(corners);
                out.push(pose);
            }
        }
    }

    fn rows(&mut self, answer: &[f32], rows: usize, letterbox: &Letterbox, out: &mut Vec<Pose>) {
        let row = |place: usize| &answer[place * (6 + KEYPOINTS * 3)..][..6 + KEYPOINTS * 3];
        self.candidates.clear();
        for place in 0..rows {
            let (score, class) = (row(place)[4], row(place)[5]);
            if score > self.limits.score && score.is_finite() && class == self.layout.person as f32 {
                self.candidates.push(Candidate { score, place: place as u32 });
            }
        }
        self.sort();
        for candidate in &self.candidates {
            if out.len() >= self.limits.most {
                break;
            }
            let row = row(candidate.place as usize);
            let corners = [row[0], row[1], row[2], row[3]];
            out.extend(pose(candidate.score, corners, |i| row[6 + i], letterbox));
        }
    }

    /// The best first, equal ones in the answer's order, and no more than are looked at.
    fn sort(&mut self) {
        let before = |a: &Candidate, b: &Candidate| b.score.total_cmp(&a.score).then(a.place.cmp(&b.place));
        if self.candidates.len() > CANDIDATES_MAX {
            self.candidates.select_nth_unstable_by(CANDIDATES_MAX, before);
            self.candidates.truncate(CANDIDATES_MAX);
        }
        self.candidates.sort_unstable_by(before);
    }
}

/// The pose in the frame's pixels; `points` gives x, y, visibility, x, … of its points. Nothing when one of its numbers
/// is not finite.
fn pose(score: f32, corners: [f32; 4], points: impl Fn(usize) -> f32, letterbox: &Letterbox) -> Option<Pose> {
    let [left, top, right, bottom] = corners;
    let ((x0, y0), (x1, y1)) = (letterbox.undo(left, top), letterbox.undo(right, bottom));
    let mut pose = Pose { score: score.min(1.0), bbox: [x0, y0, x1, y1], ..Pose::default() };
    let mut sound = corners.iter().all(|v| v.is_finite());
    for (i, point) in pose.keypoints.iter_mut().enumerate() {
        let [x, y, seen] = [0, 1, 2].map(|k| points(i * 3 + k));
        sound &= x.is_finite() && y.is_finite() && seen.is_finite();
        let (x, y) = letterbox.undo(x, y);
        *point = Keypoint { x, y, confidence: seen.clamp(0.0, 1.0) };
    }
    sound.then_some(pose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LETTERBOX: ((usize, usize), (usize, usize)) = ((1280, 720), (640, 640));

    fn letterbox() -> Letterbox {
        Letterbox::new(LETTERBOX.0, LETTERBOX.1)
    }

    fn layout(kind: Kind, person: usize) -> Layout {
        Layout { input: LETTERBOX.1, half: false, kind, person }
    }

    #[test]
    fn a_box_that_is_inside_out_is_told_as_it_is_and_is_nobodys_double() {
        for (w, h) in [(40.0, 80.0), (0.0, 0.0), (-40.0, 80.0), (40.0, -80.0), (-40.0, -80.0)] {
            let (layout, answer) = channels(&[([300.0, 300.0, w, h], &[0.9]), ([300.0, 300.0, -w, -h], &[0.8])]);
            let poses = read(layout, &answer, Limits::default());
            // The input's 640x640 shows the frame at half size, 140 pixels down.
            let corners = |w: f32, h: f32| [600.0 - w, 320.0 - h, 600.0 + w, 320.0 + h];
            assert_eq!(poses.iter().map(|p| p.bbox).collect::<Vec<_>>(), [corners(w, h), corners(-w, -h)], "{w} x {h}");
        }
    }

    /// Box, score of each class; the points lie at the box's centre.
    type Given<'a> = ([f32; 4], &'a [f32]);

    fn channels(given: &[Given]) -> (Layout, Vec<f32>) {
        let (classes, places) = (given[0].1.len(), given.len());
        let layout = layout(Kind::Channels { classes, places }, 0);
        let mut answer = vec![0.0; layout.answer_len()];
        for (i, ([x, y, w, h], scores)) in given.iter().enumerate() {
            let column = [*x, *y, *w, *h].into_iter().chain(scores.iter().copied());
            let points = (0..KEYPOINTS).flat_map(|_| [*x, *y, 0.9]);
            for (row, value) in column.chain(points).enumerate() {
                answer[row * places + i] = value;
            }
        }
        (layout, answer)
    }

    fn read(layout: Layout, answer: &[f32], limits: Limits) -> Vec<Pose> {
        let mut out = vec![Pose::default()];
        Decoder::new(layout, limits).run(answer, &letterbox(), &mut out);
        out
    }

    #[test]
    fn doubles_go_and_the_best_comes_first_in_the_frames_pixels() {
        let (layout, answer) = channels(&[
            ([100.0, 320.0, 50.0, 100.0], &[0.6]),
            ([400.0, 320.0, 50.0, 100.0], &[0.9]),
            ([401.0, 321.0, 50.0, 100.0], &[0.8]),
            ([420.0, 320.0, 50.0, 100.0], &[0.7]),
            ([200.0, 320.0, 50.0, 100.0], &[0.25]),
        ]);
        let poses = read(layout, &answer, Limits::default());
        assert_eq!(poses.iter().map(|p| p.score).collect::<Vec<_>>(), [0.9, 0.7, 0.6]);
        // The input's 640x640 shows the frame at half size, 140 pixels down.
        assert_eq!(poses[0].bbox, [750.0, 260.0, 850.0, 460.0]);
        assert_eq!(poses[0].keypoints[16], Keypoint { x: 800.0, y: 360.0, confidence: 0.9 });
    }

    #[test]
    fn overlap_at_the_limit_is_no_double_and_a_score_at_the_threshold_is_nobody() {
        // Two boxes of 100 by 100, 50 apart: 5000 / 15000.
        let (layout, answer) =
            channels(&[([100.0, 300.0, 100.0, 100.0], &[0.9]), ([150.0, 300.0, 100.0, 100.0], &[0.5])]);
        let limits = |overlap, score| Limits { overlap, score, most: 20 };
        let third = 5000.0f32 / 15000.0;
        assert_eq!(read(layout.clone(), &answer, limits(third, 0.25)).len(), 2);
        assert_eq!(read(layout.clone(), &answer, limits(third - 1e-4, 0.25)).len(), 1);
        assert_eq!(read(layout.clone(), &answer, limits(0.7, 0.5)).len(), 1);
        assert_eq!(read(layout, &answer, limits(0.7, 0.9)).len(), 0);
    }

    #[test]
    fn of_many_classes_only_people_are_people() {
        let (mut layout, answer) =
            channels(&[([100.0, 300.0, 50.0, 50.0], &[0.8, 0.5]), ([300.0, 300.0, 50.0, 50.0], &[0.4, 0.6])]);
        assert_eq!(read(layout.clone(), &answer, Limits::default()).len(), 1);
        layout.person = 1;
        let poses = read(layout, &answer, Limits::default());
        assert_eq!((poses.len(), poses[0].score), (1, 0.6));
    }

    #[test]
    fn ready_rows_are_held_against_the_threshold_alone() {
        let layout = layout(Kind::Rows { rows: 4 }, 0);
        let mut answer = vec![0.0; layout.answer_len()];
        for (row, (score, class)) in [(0.5, 0.0), (0.9, 0.0), (0.2, 0.0), (0.8, 3.0)].into_iter().enumerate() {
            answer[row * 57..][..6].copy_from_slice(&[100.0, 240.0, 200.0, 440.0, score, class]);
        }
        let poses = read(layout, &answer, Limits::default());
        assert_eq!(poses.iter().map(|p| p.score).collect::<Vec<_>>(), [0.9, 0.5]);
        assert_eq!(poses[0].bbox, [200.0, 200.0, 400.0, 600.0]);
    }

    #[test]
    fn no_more_than_the_most_and_nobody_in_a_short_answer() {
        let given: Vec<Given> = (0..40).map(|i| ([i as f32 * 15.0, 300.0, 10.0, 10.0], &[0.9][..])).collect();
        let (layout, answer) = channels(&given);
        assert_eq!(read(layout.clone(), &answer, Limits::default()).len(), 20);
        assert_eq!(read(layout, &answer[1..], Limits::default()), []);
    }

    #[test]
    fn equal_scores_come_in_the_answers_order() {
        let (layout, answer) = channels(&[([500.0, 300.0, 9.0, 9.0], &[0.5]), ([100.0, 300.0, 9.0, 9.0], &[0.5])]);
        let poses = read(layout, &answer, Limits::default());
        assert!(poses[0].bbox[0] > poses[1].bbox[0]);
    }

    #[test]
    fn the_worst_answer_takes_bounded_work_and_no_more_memory_the_second_time() {
        let places = 86_016;
        let layout = layout(Kind::Channels { classes: 1, places }, 0);
        let mut answer = vec![0.9f32; layout.answer_len()];
        for (i, x) in answer[..places].iter_mut().enumerate() {
            *x = i as f32 * 3.0;
        }
        let mut decoder = Decoder::new(layout, Limits { most: 300, ..Limits::default() });
        let mut out = Vec::new();
        decoder.run(&answer, &letterbox(), &mut out);
        let (size, kept) = (decoder.candidates.capacity(), decoder.candidates.len());
        decoder.run(&answer, &letterbox(), &mut out);
        assert_eq!((decoder.candidates.capacity(), kept, out.len()), (size, CANDIDATES_MAX, 300));
    }

    fn number() -> impl Strategy<Value = f32> {
        prop_oneof![
            8 => 0.0f32..700.0,
            4 => 0.0f32..1.0,
            1 => any::<f32>(),
            1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(f32::MAX), Just(-0.0)],
        ]
    }

    fn check(poses: &[Pose], most: usize) {
        assert!(poses.len() <= most);
        assert!(poses.is_sorted_by(|a, b| a.score >= b.score));
        for pose in poses {
            let points = pose.keypoints.iter().flat_map(|k| [k.x, k.y]);
            assert!(pose.bbox.into_iter().chain(points).all(|v| (0.0..=1280.0).contains(&v)), "{pose:?}");
            assert!(pose.keypoints.iter().all(|k| (0.0..=1.0).contains(&k.confidence)), "{pose:?}");
            assert!((0.25..=1.0).contains(&pose.score), "{pose:?}");
        }
    }

    proptest! {
        #[test]
        fn hostile_answers_give_finite_poses_within_the_frame(
            answer in proptest::collection::vec(number(), 57 * 6), classes in 1..3usize, rows: bool,
        ) {
            let kind = match rows {
                true => Kind::Rows { rows: 6 },
                false => Kind::Channels { classes, places: 6 },
            };
            let poses = read(layout(kind, 0), &answer, Limits { most: 5, ..Limits::default() });
            check(&poses, 5);
        }
    }

    /// `cargo test --release --lib ten_million -- --ignored`
    #[test]
    #[ignore = "minutes even in a release build"]
    fn ten_million_hostile_answers_are_read() {
        let mut state = 1u64;
        let mut roll = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let kinds = [
            Kind::Rows { rows: 3 },
            Kind::Channels { classes: 1, places: 3 },
            Kind::Channels { classes: 2, places: 3 },
        ];
        let mut decoders = kinds.map(|kind| Decoder::new(layout(kind, 0), Limits { most: 2, ..Limits::default() }));
        let (mut answer, mut out, mut people) = (vec![0.0f32; 57 * 3], Vec::new(), 0u64);
        for turn in 0..10_000_000 {
            for value in &mut answer {
                let bits = roll();
                *value = match bits >> 60 {
                    0 => f32::from_bits(bits as u32),
                    1..=8 => (bits as u32 % 70_000) as f32 / 100.0,
                    _ => (bits as u32 % 1000) as f32 / 1000.0,
                };
            }
            decoders[turn % 3].run(&answer, &letterbox(), &mut out);
            check(&out, 2);
            people += out.len() as u64;
        }
        assert!(people > 1_000_000, "most answers must reach the end of the way: {people}");
        println!("10,000,000 answers read, {people} people found");
    }
}
