//! Demo pictures together with their answers: what a model is trained on, and what it is held against.
//!
//! This is the one way to learn where the athlete's joints are. No [`Source`](crate::capture::Source) and no thread of
//! the box reaches it: it is for `examples/demo_pictures.rs`, which writes pictures for training, and for tests.
//!
//! *truth*: what a perfect model would answer · *plain*: the picture that the address gives · *varied*: a gym, a body
//! and a camera beyond what an address can ask for, so that a model learns the athlete and not the place.

use super::body::{Joints, SIDES};
use super::camera::View;
use super::geometry::{V3, v3};
use super::look::{Dice, Look, Rgb};
use super::mannequin;
use super::motion::Exercise;
use super::raster::{Piece, Shape};
use super::{Demo, DemoAddress};
use crate::frame::Frame;
use crate::skeleton::{Joint, KEYPOINTS};

/// The exercises, by their names in an address.
pub const EXERCISES: [&str; 5] = ["squat", "curl", "press", "deadlift", "lunge"];

/// Of each face: nose, eye and ear of the left side from the head's middle, in statures.
const NOSE: V3 = v3(0.0, -0.010, 0.060);
const EYE: V3 = v3(0.0175, 0.007, 0.047);
const EAR: V3 = v3(0.046, -0.004, -0.004);

/// Where the athlete is in one picture, in its pixels.
#[derive(Clone, PartialEq, Debug)]
pub struct Truth {
    /// Left, top, right and bottom of the body and its clothes, cut at the picture's edges.
    pub bbox: [f32; 4],
    /// In the order of [`Joint`]; those outside the picture too.
    pub points: [(f32, f32); KEYPOINTS],
    /// The stature at the pelvis's distance.
    pub height: f32,
    /// The joints of the camera's side and of the other, between whose neighbours the working angle lies.
    pub hinges: [[Joint; 3]; 2],
}

impl Truth {
    /// Whether the point lies in a picture of this size.
    pub fn shows(&self, point: usize, (width, height): (usize, usize)) -> bool {
        let (x, y) = self.points[point];
        (0.0..width as f32).contains(&x) && (0.0..height as f32).contains(&y)
    }
}

/// A gym of which everything is known.
pub struct Study {
    demo: Demo,
    figure: Vec<Piece>,
}

impl Study {
    /// The gym of this address, as its camera shows it.
    pub fn plain(address: &DemoAddress) -> Study {
        Study { demo: Demo::open(address), figure: Vec::new() }
    }

    /// A gym that no address gives: other bodies, colours, cameras; smaller, aside, cut by the picture's edge.
    pub fn varied(address: &DemoAddress) -> Study {
        let (width, height) = (address.width.clamp(16, 8192), address.height.clamp(16, 8192));
        let mut dice = Dice::new(address.seed ^ 0x57_0D1E5);
        let look = other_look(address.seed, &mut dice);
        let zoom = dice.between(0.62, 1.22);
        let free = (1.15 - zoom).max(0.12);
        let shift =
            (dice.between(-0.5, 0.5) * free * width as f32, dice.between(-0.5, 0.5) * free * height as f32 * 0.8);
        let exercise = Exercise::named(&address.exercise);
        let view = View::from_afar(dice.between(3.6, 6.2), &look, exercise, width, height).framed(zoom, shift);
        Study { demo: Demo::set_up(address, look, view, (width, height)), figure: Vec::new() }
    }

    /// Frames of one round of set and rest.
    pub fn round(&self) -> u64 {
        let program = &self.demo.program;
        ((program.set_s() + program.rest_s) * self.demo.fps) as u64
    }

    /// The picture of this number, as a source would give it, and what there is to see.
    pub fn picture(&mut self, number: u64, frame: &mut Frame) -> Truth {
        self.demo.render_at(number, frame);
        self.truth(number)
    }

    /// The same gym while nobody is there.
    pub fn empty(&mut self, number: u64, frame: &mut Frame) {
        self.demo.render(number, None, frame);
    }

    fn truth(&mut self, number: u64) -> Truth {
        let demo = &self.demo;
        let joints = demo.joints(number as f64 / demo.fps);
        let on_picture = |at: V3| demo.view.see(at).map_or((f32::NAN, f32::NAN), |seen| (seen.x, seen.y));
        let scale = demo.view.see(joints.pelvis).map_or(f32::NAN, |seen| seen.scale);
        self.figure.clear();
        mannequin::dress(&demo.body, &joints, &demo.look, &mut self.figure);
        let mut bbox = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for shape in self.figure.iter().filter_map(|piece| Shape::of(piece, &demo.view)) {
            bbox =
                [bbox[0].min(shape.left), bbox[1].min(shape.top), bbox[2].max(shape.right), bbox[3].max(shape.bottom)];
        }
        let (w, h) = (demo.width as f32, demo.height as f32);
        Truth {
            bbox: [bbox[0].clamp(0.0, w), bbox[1].clamp(0.0, h), bbox[2].clamp(0.0, w), bbox[3].clamp(0.0, h)],
            points: points(&joints, demo.body.stature).map(on_picture),
            height: demo.body.stature * scale,
            hinges: hinges(demo.program.exercise, demo.look.azimuth),
        }
    }
}

/// The body's joints in the order of [`Joint`].
fn points(joints: &Joints, stature: f32) -> [V3; KEYPOINTS] {
    let on_face = |at: V3, side: f32| joints.head + joints.face.of(v3(at.x * side, at.y, at.z) * stature);
    let [left, right] = SIDES;
    let [ls, rs] = joints.shoulders;
    let [le, re] = joints.elbows;
    let [lw, rw] = joints.wrists;
    let [lh, rh] = joints.hips;
    let [lk, rk] = joints.knees;
    let [la, ra] = joints.ankles;
    let face = [on_face(NOSE, left), on_face(EYE, left), on_face(EYE, right), on_face(EAR, left), on_face(EAR, right)];
    let [nose, left_eye, right_eye, left_ear, right_ear] = face;
    [nose, left_eye, right_eye, left_ear, right_ear, ls, rs, le, re, lw, rw, lh, rh, lk, rk, la, ra]
}

fn hinges(exercise: Exercise, azimuth: f32) -> [[Joint; 3]; 2] {
    use Joint::*;
    let [left, right] = match exercise {
        Exercise::Squat | Exercise::Lunge => [[LeftHip, LeftKnee, LeftAnkle], [RightHip, RightKnee, RightAnkle]],
        Exercise::Curl | Exercise::Press => {
            [[LeftShoulder, LeftElbow, LeftWrist], [RightShoulder, RightElbow, RightWrist]]
        }
        Exercise::Deadlift => [[LeftShoulder, LeftHip, LeftKnee], [RightShoulder, RightHip, RightKnee]],
    };
    if azimuth > 0.0 { [left, right] } else { [right, left] }
}

fn other_look(seed: u64, dice: &mut Dice) -> Look {
    let mut look = Look::from_seed(seed);
    look.stature_m = dice.between(1.5, 2.0);
    look.build = dice.between(0.86, 1.2);
    look.azimuth = look.azimuth.signum() * dice.between(12f32.to_radians(), 72f32.to_radians());
    look.camera_height_m = dice.between(0.8, 2.1);
    let mut any = |from: f32, to: f32| -> Rgb { [0; 3].map(|_| dice.between(from, to)) };
    (look.shirt, look.shorts, look.shoes) = (any(20.0, 240.0), any(20.0, 200.0), any(30.0, 240.0));
    (look.plate, look.accent) = (any(30.0, 220.0), any(25.0, 170.0));
    let wall = any(-14.0, 14.0);
    look.wall = [0, 1, 2].map(|i| (look.wall[i] + wall[i]).clamp(120.0, 230.0));
    look
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::BONES;

    fn address(exercise: &str, seed: u64) -> DemoAddress {
        DemoAddress { exercise: exercise.into(), reps: 2, rest_s: 3.0, fps: 30.0, width: 160, height: 90, seed }
    }

    #[test]
    fn a_plain_picture_is_the_one_that_the_address_gives() {
        let (mut studied, mut given) = (Frame::default(), Frame::default());
        Study::plain(&address("press", 3)).picture(77, &mut studied);
        Demo::open(&address("press", 3)).render_at(77, &mut given);
        assert_eq!(studied.bytes, given.bytes);
    }

    #[test]
    fn points_lie_in_the_body_and_the_body_where_the_picture_differs_from_the_empty_gym() {
        for (seed, exercise) in (0..).zip(EXERCISES) {
            let mut study = Study::plain(&address(exercise, seed));
            let (mut with, mut without) = (Frame::default(), Frame::default());
            let truth = study.picture(seed * 40, &mut with);
            study.empty(seed * 40, &mut without);
            let [x0, y0, x1, y1] = truth.bbox;
            for (x, y) in truth.points {
                assert!(x > x0 && x < x1 && y > y0 && y < y1, "{exercise}: {x},{y} in {:?}", truth.bbox);
            }
            // Only the joints between the ends of bones are sure to be covered by flesh and cloth.
            for (a, b) in BONES {
                let ((ax, ay), (bx, by)) = (truth.points[a as usize], truth.points[b as usize]);
                let at = ((ay + by) as usize / 2) * 160 + (ax + bx) as usize / 2;
                let reach = [0, 1, 160, 161].map(|step| with.bytes[at + step].abs_diff(without.bytes[at + step]));
                assert!(reach.iter().any(|d| *d > 4), "{exercise}: nobody between {a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn varied_gyms_differ_from_plain_ones_and_most_of_the_body_is_in_the_picture() {
        let (mut frame, mut seen) = (Frame::default(), 0);
        for seed in 0..20 {
            let mut study = Study::varied(&address(EXERCISES[seed as usize % 5], seed));
            let truth = study.picture(seed * 13, &mut frame);
            assert_ne!(
                truth,
                Study::plain(&address(EXERCISES[seed as usize % 5], seed)).picture(seed * 13, &mut frame)
            );
            assert!(truth.points.iter().all(|(x, y)| x.is_finite() && y.is_finite()) && truth.height > 20.0);
            seen += (0..KEYPOINTS).filter(|point| truth.shows(*point, (160, 90))).count();
        }
        assert!(seen > 20 * KEYPOINTS * 3 / 4, "{seen}");
    }
}
