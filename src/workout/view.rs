//! From where a camera would have to look at a textbook's body to see what it saw, and how much is then still different.
//!
//! A camera far away sees across and down of every bone as sums of left, up and ahead, so what it would see from any side is
//! worked out from a few sums over the whole repetition. All sides are tried coarsely, then finely about the best.
//!
//! *azimuth*: where the camera stands, from the athlete's front to his left · *pitch*: how far it looks down.

use std::sync::LazyLock;

use super::course::{Course, PARTS, STEPS, Shape, TURN};
use super::textbook::{Motion, Solid, Textbook, USUAL};

/// Steps between the sides that are tried first, and between the heights; degrees.
const COARSE: (f32, f32) = (30.0, 18.0);
/// They are halved so often.
const FINER: i32 = 2;
/// Cameras look no more steeply.
const STEEPEST_DEG: f32 = 30.0;
/// A body may be this much smaller or larger than it was taken for.
const SIZES: (f32, f32) = (0.85, 1.2);
/// Of less than this share nothing is said.
const LEAST_SEEN: f32 = 0.6;

/// From where something is seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct View {
    pub azimuth: f32,
    pub pitch: f32,
    pub size: f32,
}

/// How well a textbook's repetition explains a course.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fit {
    pub view: View,
    /// Which of the textbook's.
    pub range: usize,
    /// Mean square of what is left, weighed.
    pub left: f32,
}

impl View {
    /// Across and down, as shares of left, up and ahead.
    fn rows(&self) -> [[f32; 3]; 2] {
        let ((sin, cos), (tilt, level)) = (self.azimuth.to_radians().sin_cos(), self.pitch.to_radians().sin_cos());
        [[cos, 0.0, -sin], [tilt * sin, -level, tilt * cos]].map(|row| row.map(|share| self.size * share))
    }

    /// What is seen of a body.
    pub fn of(&self, body: &Solid) -> Shape {
        let rows = self.rows();
        body.map(|part| rows.map(|row| dot(&row, &part)))
    }
}

fn dot(a: &[f32; 3], b: &[f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The step of a textbook's way out that belongs to one of a course, which may go from turn to turn.
pub fn step_of(step: usize, turned: bool) -> usize {
    let out = step.min(STEPS - 1 - step);
    if turned { TURN - out } else { out }
}

/// A course as it is compared with textbooks, where the way back is the way out: sums of both.
pub struct Folded {
    /// By step and part: weight of what was seen, and that times across and down.
    steps: [[[f32; 3]; PARTS]; TURN + 1],
    squares: f32,
    seen: f32,
    all: f32,
}

impl Folded {
    pub fn new(course: &Course, weights: &[f32; PARTS]) -> Folded {
        let mut folded = Folded { steps: [[[0.0; 3]; PARTS]; TURN + 1], squares: 0.0, seen: 0.0, all: 0.0 };
        for (step, shape) in course.0.iter().enumerate() {
            for (part, (place, weight)) in shape.iter().zip(weights).enumerate() {
                folded.all += weight;
                if place.iter().all(|share| share.is_finite()) {
                    folded.seen += weight;
                    folded.squares += weight * (place[0] * place[0] + place[1] * place[1]);
                    let sums = &mut folded.steps[step_of(step, false)][part];
                    *sums = [sums[0] + weight, sums[1] + weight * place[0], sums[2] + weight * place[1]];
                }
            }
        }
        folded
    }

    /// The best view of a textbook's way; nothing where too little was seen.
    pub fn fit(&self, way: &Textbook, turned: bool) -> Option<Fit> {
        let coarse = self.coarse(way, turned)?;
        Some(self.fine(way, turned, coarse))
    }

    /// The same, roughly: over the usual range, and from coarse sides.
    pub fn coarse(&self, way: &Textbook, turned: bool) -> Option<Fit> {
        if self.seen <= LEAST_SEEN * self.all {
            return None;
        }
        Some(self.over(way, USUAL, turned)).filter(|fit| fit.left.is_finite())
    }

    /// The best view over any range.
    pub fn fine(&self, way: &Textbook, turned: bool, coarse: Fit) -> Fit {
        let others = (0..way.motions.len()).filter(|range| *range != USUAL);
        let best = others.map(|range| self.over(way, range, turned)).fold(coarse, better);
        let sums = self.with(&way.motions[best.range], turned);
        (1..=FINER).fold(best, |best, finer| {
            let (View { azimuth, pitch, .. }, share) = (best.view, 0.5f32.powi(finer));
            (0..9u8).fold(best, |best, n| {
                let (side, height) = (f32::from(n % 3) - 1.0, f32::from(n / 3) - 1.0);
                let pitch = (pitch + share * height * COARSE.1).clamp(-STEEPEST_DEG, STEEPEST_DEG);
                let view = View { azimuth: azimuth + share * side * COARSE.0, pitch, size: 1.0 };
                better(best, Fit { range: best.range, ..sums.look(view, &view.rows()) })
            })
        })
    }

    fn over(&self, way: &Textbook, range: usize, turned: bool) -> Fit {
        let sums = self.with(&way.motions[range], turned);
        let none = Fit { view: View { azimuth: 0.0, pitch: 0.0, size: 1.0 }, range, left: f32::INFINITY };
        SIDES.iter().fold(none, |best, (view, rows)| better(best, Fit { range, ..sums.look(*view, rows) }))
    }

    fn with(&self, motion: &Motion, turned: bool) -> Sums {
        let mut sums = Sums { squares: self.squares, seen: self.seen, crossed: [[0.0; 3]; 2], own: [0.0; 6] };
        for (step, parts) in self.steps.iter().enumerate() {
            let body = &motion[step_of(step, turned)];
            for ([weight, across, down], [left, up, ahead]) in parts.iter().zip(body) {
                for (axis, length) in [left, up, ahead].into_iter().enumerate() {
                    sums.crossed[0][axis] += across * length;
                    sums.crossed[1][axis] += down * length;
                }
                let products = [left * left, up * up, ahead * ahead, left * up, left * ahead, up * ahead];
                sums.own.iter_mut().zip(products).for_each(|(sum, product)| *sum += weight * product);
            }
        }
        sums
    }
}

/// The sides that are tried first, each with its rows.
static SIDES: LazyLock<Vec<(View, [[f32; 3]; 2])>> = LazyLock::new(|| {
    let sides = (0..(360.0 / COARSE.0) as u8).flat_map(|side| [-1.0, 0.0, 1.0].map(|height| (f32::from(side), height)));
    let views = sides.map(|(side, height)| View { azimuth: side * COARSE.0, pitch: height * COARSE.1, size: 1.0 });
    views.map(|view| (view, view.rows())).collect()
});

fn better(a: Fit, b: Fit) -> Fit {
    if b.left < a.left { b } else { a }
}

/// A course and a textbook's repetition, multiplied: of the course with itself, with left, up and ahead, and of those
/// with each other.
struct Sums {
    squares: f32,
    seen: f32,
    crossed: [[f32; 3]; 2],
    own: [f32; 6],
}

impl Sums {
    /// What a view leaves, with the size that leaves least.
    fn look(&self, view: View, [across, down]: &[[f32; 3]; 2]) -> Fit {
        let own = &self.own;
        let square = |[a, b, c]: &[f32; 3]| {
            own[0] * a * a + own[1] * b * b + own[2] * c * c + 2.0 * (own[3] * a * b + own[4] * a * c + own[5] * b * c)
        };
        let with = dot(across, &self.crossed[0]) + dot(down, &self.crossed[1]);
        let of = square(across) + square(down);
        let size = (with / of.max(f32::MIN_POSITIVE)).clamp(SIZES.0, SIZES.1);
        let left = (self.squares - 2.0 * size * with + size * size * of) / (2.0 * self.seen);
        Fit { view: View { size, ..view }, range: USUAL, left }
    }
}

#[cfg(test)]
mod tests {
    use super::super::textbook;
    use super::*;

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 1e-5, "{is} and not {want}");
    }

    #[test]
    fn what_a_camera_sees_of_left_up_and_ahead() {
        let seen = |azimuth: f32, pitch: f32, size: f32, want: [[f32; 3]; 2]| {
            let rows = View { azimuth, pitch, size }.rows();
            rows.into_iter().flatten().zip(want.into_iter().flatten()).for_each(|(is, want)| near(is, want));
        };
        // From the front: his left is across, and up is not down.
        seen(0.0, 0.0, 1.0, [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]);
        // From his left: who goes ahead goes to the left in the picture.
        seen(90.0, 0.0, 1.0, [[0.0, 0.0, -1.0], [0.0, -1.0, 0.0]]);
        // From above, half as steeply: what comes nearer goes down.
        seen(0.0, 30.0, 1.0, [[1.0, 0.0, 0.0], [0.0, -0.866_025, 0.5]]);
        seen(90.0, 30.0, 2.0, [[0.0, 0.0, -2.0], [1.0, -1.732_051, 0.0]]);
        let body = [[0.1, 0.2, 0.3]; PARTS];
        let [across, down] = View { azimuth: 90.0, pitch: 30.0, size: 1.0 }.of(&body)[PARTS - 1];
        near(across, -0.3);
        near(down, 0.05 - 0.173_205);
    }

    #[test]
    fn a_course_goes_out_and_back_along_the_same_steps_from_either_end() {
        assert_eq!([0, 3, 8, 9, 16].map(|step| step_of(step, false)), [0, 3, 8, 7, 0]);
        assert_eq!([0, 3, 8, 9, 16].map(|step| step_of(step, true)), [8, 5, 0, 1, 8]);
    }

    /// A textbook's way as it is seen from somewhere, every share a little off, and some of it hidden.
    fn somebody(way: &Textbook, view: View, turned: bool) -> Course {
        let mut course = Course(std::array::from_fn(|step| view.of(&way.motions[USUAL][step_of(step, turned)])));
        for (n, share) in course.0.iter_mut().flatten().flatten().enumerate() {
            *share += 0.01 * ((n * 7919 % 13) as f32 / 6.0 - 1.0);
        }
        course.0[3][5] = [f32::NAN; 2];
        course.0[12][1][0] = f32::NAN;
        course
    }

    /// The mean square of what a view leaves, weighed, share by share.
    fn left(course: &Course, weights: &[f32; PARTS], motion: &Motion, turned: bool, view: View) -> f32 {
        let (mut off, mut seen) = (0.0, 0.0);
        for (step, shape) in course.0.iter().enumerate() {
            let body = view.of(&motion[step_of(step, turned)]);
            for ((a, b), weight) in shape.iter().zip(&body).zip(weights) {
                let square = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
                if square.is_finite() {
                    (off, seen) = (off + weight * square, seen + weight);
                }
            }
        }
        off / (2.0 * seen)
    }

    #[test]
    fn what_is_left_by_the_sums_is_what_is_left_share_by_share() {
        let weights: [f32; PARTS] = std::array::from_fn(|part| 1.0 + part as f32 / 5.0);
        for (n, way) in textbook::all().iter().enumerate().step_by(4) {
            let course = somebody(way, View { azimuth: 25.0, pitch: 8.0, size: 1.05 }, false);
            let folded = Folded::new(&course, &weights);
            for turned in [false, true] {
                let motion = &way.motions[n % way.motions.len()];
                let view = View { azimuth: 20.0 * n as f32, pitch: 12.0, size: 1.0 };
                let fit = folded.with(motion, turned).look(view, &view.rows());
                let wanted = left(&course, &weights, motion, turned, fit.view);
                assert!((fit.left - wanted).abs() < 1e-4 * wanted.max(0.01), "{} and {wanted}", fit.left);
                // Another size leaves more.
                for by in [0.98, 1.02] {
                    let size = (fit.view.size * by).clamp(SIZES.0, SIZES.1);
                    let other = left(&course, &weights, motion, turned, View { size, ..fit.view });
                    assert!(other >= fit.left - 1e-6, "{other} and {}", fit.left);
                }
            }
        }
    }

    #[test]
    fn the_side_and_the_height_it_was_seen_from_are_found() {
        let sides = [(37.0, 14.0, false), (-100.0, -9.0, true), (171.0, 22.0, false), (8.0, 2.0, true)];
        for (way, (azimuth, pitch, turned)) in textbook::all().iter().zip(sides.into_iter().cycle()) {
            let course = somebody(way, View { azimuth, pitch, size: 1.1 }, turned);
            let folded = Folded::new(&course, &[1.0; PARTS]);
            let coarse = folded.coarse(way, turned).unwrap();
            assert_eq!(coarse.range, USUAL);
            let fit = folded.fine(way, turned, coarse);
            assert_eq!(folded.fit(way, turned), Some(fit));
            let off = (fit.view.azimuth - azimuth).rem_euclid(360.0);
            assert!(off.min(360.0 - off) < 8.0 && (fit.view.pitch - pitch).abs() < 7.0, "{} {fit:?}", way.exercise);
            assert!((fit.view.size - 1.1).abs() < 0.1, "{} {fit:?}", way.exercise);
            assert!(fit.left < 4e-4 && fit.left <= coarse.left, "{} {fit:?}", way.exercise);
        }
    }

    #[test]
    fn who_goes_further_than_the_textbook_is_found_so_and_of_too_little_nothing_is_said() {
        let way = &textbook::all()[0];
        let view = View { azimuth: 30.0, pitch: 0.0, size: 1.0 };
        for range in [0, 1, 3] {
            let course = Course(std::array::from_fn(|step| view.of(&way.motions[range][step_of(step, false)])));
            assert_eq!(Folded::new(&course, &[1.0; PARTS]).fit(way, false).unwrap().range, range);
        }
        let mut course = somebody(way, view, false);
        assert!(Folded::new(&course, &[1.0; PARTS]).fit(way, false).is_some());
        // Eight of thirteen parts are more than six tenths, seven less.
        course = Course(
            course
                .0
                .map(|shape| std::array::from_fn(|part| if part < 8 { [0.1; 2] } else { [f32::NAN, shape[part][1]] })),
        );
        assert!(Folded::new(&course, &[1.0; PARTS]).fit(way, false).is_some());
        course.0.iter_mut().for_each(|shape| shape[7] = [0.1, f32::NAN]);
        assert!(Folded::new(&course, &[1.0; PARTS]).fit(way, false).is_none());
    }

    #[test]
    fn no_camera_looks_more_steeply_than_30_degrees() {
        for way in textbook::all() {
            let course = somebody(way, View { azimuth: 20.0, pitch: 50.0, size: 1.0 }, false);
            let fit = Folded::new(&course, &[1.0; PARTS]).fit(way, false).unwrap();
            assert!((-30.0..=30.0).contains(&fit.view.pitch), "{fit:?}");
        }
        let course = somebody(&textbook::all()[0], View { azimuth: 20.0, pitch: 50.0, size: 1.0 }, false);
        let fit = Folded::new(&course, &[1.0; PARTS]).fit(&textbook::all()[0], false).unwrap();
        near(fit.view.pitch, 30.0);
    }

    #[test]
    fn half_way_between_two_sides_it_is_found_at_the_same_height() {
        let squat = &textbook::all()[0];
        for azimuth in [45.0, 75.0, 105.0] {
            let view = View { azimuth, pitch: 0.0, size: 1.0 };
            let course = Course(std::array::from_fn(|step| view.of(&squat.motions[USUAL][step_of(step, false)])));
            let fit = Folded::new(&course, &[1.0; PARTS]).fit(squat, false).unwrap();
            assert!(fit.left < 1e-6 && fit.range == USUAL, "{fit:?}");
            assert!((fit.view.azimuth - azimuth).abs() < 0.1 && fit.view.pitch.abs() < 0.1, "{fit:?}");
        }
    }
}
