//! The model inside the binary, held against the truth: pictures of gyms and athletes that it was not trained on go the
//! real way (renderer, preprocess, engine, decode), and what it finds is measured.
//!
//! *error*: from a found point to the true one, as a share of the athlete's stature in the picture · *working angle*: in
//! the picture, at the joint that the exercise bends: elbow, hip or knee · *held out*: training takes its seeds from
//! hashes of 64 bits; seeds here are small.

use std::fmt::Write as _;
use std::process::Command;

use spotter::capture::demo::study::{EXERCISES, Study, Truth};
use spotter::capture::uri::DemoAddress;
use spotter::frame::Frame;
use spotter::jpeg::{Encoder, Variant};
use spotter::pose::{Chosen, Eye, Limits, Places, Shared, Wanted};
use spotter::skeleton::{Joint, KEYPOINTS, Pose, iou};

/// The most that points may be off on average.
const ERROR_MOST: f64 = 0.025;
/// People who must be found, and empty rooms in which nobody may be.
const RIGHT_LEAST: f64 = 0.995;

fn address(exercise: &str, (width, height): (usize, usize), seed: u64) -> DemoAddress {
    DemoAddress { exercise: exercise.into(), reps: 3, rest_s: 4.0, fps: 30.0, width, height, seed }
}

fn eye() -> Eye {
    let chosen = Chosen::of(Wanted::Cpu, &Places::usual(None, None)).expect("this engine is always there");
    Eye::new(Shared::demo(Limits::default(), chosen, 1).expect("the embedded model is a pose model"))
}

/// What was found in many pictures.
#[derive(Default)]
struct Tally {
    people: usize,
    found: usize,
    doubled: usize,
    empty: usize,
    empty_right: usize,
    errors: Vec<f64>,
    /// Of the working angle, on the camera's side and on the other.
    angles_deg: [Vec<f64>; 2],
}

impl Tally {
    fn look(&mut self, eye: &mut Eye, study: &mut Study, size: (usize, usize), pictures: u64, frame: &mut Frame) {
        let mut poses = Vec::new();
        for turn in 0..pictures {
            // Evenly over sets and rest, never twice at the same moment of a repetition.
            let truth = study.picture(turn * study.round() / pictures + turn % 7, frame);
            eye.look(frame, &mut poses).unwrap();
            self.add(&truth, &poses, size);
        }
        study.empty(0, frame);
        eye.look(frame, &mut poses).unwrap();
        self.empty += 1;
        self.empty_right += usize::from(poses.is_empty());
    }

    fn add(&mut self, truth: &Truth, poses: &[Pose], size: (usize, usize)) {
        self.people += 1;
        self.doubled += usize::from(poses.len() > 1);
        let Some(pose) = poses.iter().find(|pose| iou(&pose.bbox, &truth.bbox) > 0.5) else { return };
        self.found += 1;
        let points = pose.keypoints.map(|point| (point.x, point.y));
        for i in (0..KEYPOINTS).filter(|i| truth.shows(*i, size)) {
            let (found, true_) = (points[i], truth.points[i]);
            self.errors.push(f64::from((found.0 - true_.0).hypot(found.1 - true_.1) / truth.height));
        }
        for (list, hinge) in self.angles_deg.iter_mut().zip(truth.hinges) {
            if hinge.iter().all(|joint| truth.shows(*joint as usize, size)) {
                list.push(f64::from((angle_deg(&points, hinge) - angle_deg(&truth.points, hinge)).abs()));
            }
        }
    }

    fn mean_error(&self) -> f64 {
        mean(&self.errors)
    }

    fn found_share(&self) -> f64 {
        self.found as f64 / self.people as f64
    }

    fn empty_share(&self) -> f64 {
        self.empty_right as f64 / self.empty as f64
    }

    fn told(&self, name: &str) -> String {
        let mut out = format!(
            "{name:9} {:5} people: error {:.2} % of stature, 95th percentile {:.2}; found {:.2} %, more than one {:.2} %; {} empty rooms: nobody {:.2} %; working angle, near and far side, degrees off:",
            self.people,
            self.mean_error() * 100.0,
            percentile(&self.errors, 0.95) * 100.0,
            self.found_share() * 100.0,
            self.doubled as f64 / self.people as f64 * 100.0,
            self.empty,
            self.empty_share() * 100.0,
        );
        for list in &self.angles_deg {
            let _ = write!(out, " mean {:.2} p95 {:.2};", mean(list), percentile(list, 0.95));
        }
        out
    }

    fn take_in(&mut self, other: Tally) {
        self.people += other.people;
        self.found += other.found;
        self.doubled += other.doubled;
        self.empty += other.empty;
        self.empty_right += other.empty_right;
        self.errors.extend(other.errors);
        for (list, more) in self.angles_deg.iter_mut().zip(other.angles_deg) {
            list.extend(more);
        }
    }

    fn hold(&self) {
        assert!(self.mean_error() <= ERROR_MOST, "error {}", self.mean_error());
        assert!(self.found_share() >= RIGHT_LEAST, "found {} of {}", self.found, self.people);
        assert!(self.empty_share() >= RIGHT_LEAST, "nobody in {} of {}", self.empty_right, self.empty);
    }
}

fn mean(list: &[f64]) -> f64 {
    list.iter().sum::<f64>() / list.len() as f64
}

fn percentile(list: &[f64], share: f64) -> f64 {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

fn angle_deg(points: &[(f32, f32); KEYPOINTS], [a, at, b]: [Joint; 3]) -> f32 {
    let [a, at, b] = [a, at, b].map(|joint| points[joint as usize]);
    let ((ax, ay), (bx, by)) = ((a.0 - at.0, a.1 - at.1), (b.0 - at.0, b.1 - at.1));
    (ax * by - ay * bx).atan2(ax * bx + ay * by).abs().to_degrees()
}

/// Looks at `gyms` gyms of each exercise, `pictures` of each, and prints a line for each exercise and one for all.
fn tally(gyms: u64, pictures: u64, open: impl Fn(&DemoAddress) -> Study, sizes: &[(usize, usize)]) -> Tally {
    let (mut eye, mut frame, mut all) = (eye(), Frame::default(), Tally::default());
    for exercise in EXERCISES {
        let mut one = Tally::default();
        for seed in 0..gyms {
            let size = sizes[seed as usize % sizes.len()];
            one.look(&mut eye, &mut open(&address(exercise, size, seed)), size, pictures, &mut frame);
        }
        println!("{}", one.told(exercise));
        all.take_in(one);
    }
    println!("{}", all.told("all"));
    all
}

#[test]
fn the_athlete_is_found_and_his_points_are_where_they_are() {
    tally(8, 6, Study::plain, &[(640, 360), (480, 270)]).hold();
}

#[test]
#[ignore = "minutes; make test-model"]
fn thousands_of_athletes_are_found() {
    tally(60, 12, Study::plain, &[(1280, 720), (640, 360), (1280, 720), (640, 480), (960, 540)]).hold();
}

/// Smaller, aside, cut by the picture's edge, from other sides: beyond what an address can ask for.
#[test]
#[ignore = "minutes; make test-model"]
fn athletes_beyond_the_address_are_found() {
    tally(60, 8, Study::varied, &[(1280, 720), (640, 360), (640, 480)]).hold();
}

/// From a file to numbers as a user has them.
#[test]
fn saved_pictures_are_read_by_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let mut encoder = Encoder::cpu().unwrap();
    let (mut tally, mut frame, size) = (Tally::default(), Frame::default(), (640, 360));
    for (seed, exercise) in (100..).zip(EXERCISES) {
        let mut study = Study::plain(&address(exercise, size, seed));
        let truth = study.picture(study.round() / 4, &mut frame);
        let (path, mut jpeg) = (dir.path().join(format!("{exercise}.jpg")), Vec::new());
        encoder.encode(&frame, Variant { quality: Some(85), width: None }, &mut jpeg).unwrap();
        std::fs::write(&path, &jpeg).unwrap();
        let said = Command::new(env!("CARGO_BIN_EXE_spotter")).arg("pose").arg(&path).arg("--json").output().unwrap();
        let note = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(note.contains("without --model only the athlete of demo: sources is known"), "{note}");
        let told: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let number = |value: &serde_json::Value| value.as_f64().unwrap() as f32;
        let poses: Vec<Pose> = told["poses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|person| {
                let mut pose = Pose { score: number(&person["score"]), ..Pose::default() };
                pose.bbox = [0, 1, 2, 3].map(|i| number(&person["bbox"][i]));
                for (i, point) in pose.keypoints.iter_mut().enumerate() {
                    [point.x, point.y, point.confidence] = [0, 1, 2].map(|k| number(&person["keypoints"][i][k]));
                }
                pose
            })
            .collect();
        tally.add(&truth, &poses, size);
    }
    assert_eq!((tally.found, tally.doubled), (tally.people, 0), "{}", tally.told("saved"));
    assert!(tally.mean_error() <= ERROR_MOST, "{}", tally.told("saved"));
}
