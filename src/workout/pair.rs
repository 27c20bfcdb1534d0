//! Two views of one movement, and what a third camera sees of it.
//!
//! A view from far away is a sum of two others (Ullman and Basri, 1991): turned about the vertical, what lies across is
//! so much of what lay across in the one and so much in the other, and a camera that stands higher or lower adds
//! depth, which is their difference, to what lies down. One recording is enough for a body whose sides do the same, since its
//! mirror's is the view from the other side. So an example that was recorded from one side serves for all sides.
//!
//! It must never be bent into something that it is not: the shares stay near those of the recorded view unless much is
//! gained, and are limited.

use super::classify::{Weights, apart};
use super::course::{Course, STEPS, Shape};

/// People go as far as this less or further than an example.
const RANGES: (f32, f32) = (0.6, 1.4);
/// The start, half out, the turn, half back and the end.
const QUARTERS: [usize; 5] = [0, STEPS / 4, STEPS / 2, 3 * STEPS / 4, STEPS - 1];
/// What other shares than the recorded view's must gain, as a part of the whole example.
const STAY: f32 = 0.02;
/// No share is larger.
const MOST: f32 = 2.0;

/// What is up and down in two views of one movement differs by less than this, root mean square, statures.
const ALIKE: f32 = 0.03;

/// An example from two sides.
#[derive(Clone, PartialEq, Debug)]
pub struct Pair {
    near: Course,
    far: Course,
    ends: [Shape; 2],
    /// The other side is the mirror's.
    pub mirrored: bool,
}

/// How a pair is seen so that it is like a course.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Toward {
    range: f32,
    /// Shares of near and far across; of near down and of their difference across.
    across: [f32; 2],
    down: [f32; 2],
    /// What is left at the quarters, on average.
    pub off: f32,
}

/// Sums for a least-squares fit of two shares.
#[derive(Clone, Copy, Default)]
struct Squares {
    own: [f32; 3],
    with: [f32; 2],
}

impl Squares {
    fn add(&mut self, weight: f32, [a, b]: [f32; 2], to: f32) {
        if a.is_finite() && b.is_finite() && to.is_finite() {
            let products = [a * a, b * b, a * b].map(|product| weight * product);
            self.own.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
            self.with = [self.with[0] + weight * a * to, self.with[1] + weight * b * to];
        }
    }

    /// The shares that leave least, drawn to (1, 0).
    fn shares(&self, stay: f32) -> [f32; 2] {
        let ([a, b, ab], [with_a, with_b]) = (self.own, self.with);
        let (a, b, with_a) = (a + stay, b + stay, with_a + stay);
        let determinant = a * b - ab * ab;
        let shares = [b * with_a - ab * with_b, a * with_b - ab * with_a].map(|share| share / determinant);
        if shares.iter().all(|share| share.is_finite()) { shares.map(|s| s.clamp(-MOST, MOST)) } else { [1.0, 0.0] }
    }
}

/// Where a course starts and ends, on average.
fn ends(course: &Course) -> Shape {
    let [start, end] = [course.0[0], course.0[STEPS - 1]];
    std::array::from_fn(|part| std::array::from_fn(|axis| (start[part][axis] + end[part][axis]) / 2.0))
}

impl Pair {
    /// Two recordings of an exercise.
    pub fn new(near: &Course, far: &Course) -> Pair {
        Pair { near: *near, far: *far, ends: [ends(near), ends(far)], mirrored: false }
    }

    /// One recording, and what a mirror shows of it.
    pub fn mirrored(course: &Course) -> Pair {
        Pair { mirrored: true, ..Pair::new(course, &course.mirrored()) }
    }

    /// Whether both go up and down alike, as views of one movement do.
    pub fn alike(&self) -> bool {
        let (mut off, mut count) = (0.0, 0.0);
        for (a, b) in self.near.0.iter().flatten().zip(self.far.0.iter().flatten()) {
            let square = (a[1] - b[1]).powi(2);
            if square.is_finite() {
                (off, count) = (off + square, count + 1.0);
            }
        }
        off <= ALIKE.powi(2) * count
    }

    /// Both at a step, so many times as far from the ends.
    fn at(&self, step: usize, range: f32) -> [Shape; 2] {
        let scaled = |shape: &Shape, ends: &Shape| -> Shape {
            std::array::from_fn(|part| {
                std::array::from_fn(|n| ends[part][n] + range * (shape[part][n] - ends[part][n]))
            })
        };
        [scaled(&self.near.0[step], &self.ends[0]), scaled(&self.far.0[step], &self.ends[1])]
    }

    /// How far `course` goes, by what it goes up and down, as a multiple of how far the example goes.
    fn range(&self, course: &Course, weights: &Weights) -> f32 {
        let (mut with, mut own) = (0.0, 0.0);
        for step in QUARTERS {
            for (part, weight) in weights.iter().enumerate() {
                let end = self.ends[0][part][1];
                let (moved, to) = (self.near.0[step][part][1] - end, course.0[step][part][1] - end);
                if moved.is_finite() && to.is_finite() {
                    (with, own) = (with + weight * moved * to, own + weight * moved * moved);
                }
            }
        }
        if own > 0.0 { (with / own).clamp(RANGES.0, RANGES.1) } else { 1.0 }
    }

    /// From where it is most like `course`.
    pub fn toward(&self, course: &Course, weights: &Weights) -> Toward {
        let range = self.range(course, weights);
        let [mut across, mut down] = [Squares::default(); 2];
        let shapes = QUARTERS.map(|step| self.at(step, range));
        for (step, [near, far]) in QUARTERS.into_iter().zip(&shapes) {
            for (part, weight) in weights.iter().enumerate() {
                let ([near, far], to) = ([near[part], far[part]], course.0[step][part]);
                across.add(*weight, [near[0], far[0]], to[0]);
                down.add(*weight, [near[1], near[0] - far[0]], to[1]);
            }
        }
        let stay = STAY * (across.own[0] + down.own[0]);
        let mut toward = Toward { range, across: across.shares(stay), down: down.shares(stay), off: 0.0 };
        for (step, both) in QUARTERS.into_iter().zip(&shapes) {
            toward.off += apart(&course.0[step], &toward.shape(both), weights) / QUARTERS.len() as f32;
        }
        toward
    }

    /// What is seen then.
    pub fn seen(&self, toward: &Toward) -> Course {
        Course(std::array::from_fn(|step| toward.shape(&self.at(step, toward.range))))
    }
}

impl Toward {
    fn shape(&self, [near, far]: &[Shape; 2]) -> Shape {
        std::array::from_fn(|part| {
            let (near, far) = (near[part], far[part]);
            let across = self.across[0] * near[0] + self.across[1] * far[0];
            [across, self.down[0] * near[1] + self.down[1] * (near[0] - far[0])]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::course::{PARTS, TURN};
    use super::*;

    /// 0 at the ends, 1 at the turn.
    fn out(step: usize) -> f32 {
        step.min(STEPS - 1 - step) as f32 / TURN as f32
    }

    /// Every part is so far across and down at a step.
    fn course(across: impl Fn(usize) -> f32, down: impl Fn(usize) -> f32) -> Course {
        Course(std::array::from_fn(|step| [[across(step), down(step)]; PARTS]))
    }

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 1e-4, "{is} and not {want}");
    }

    #[test]
    fn shares_are_those_of_the_least_squares_drawn_to_the_recorded_view() {
        let mut squares = Squares::default();
        squares.add(2.0, [1.0, 0.0], 2.0);
        squares.add(1.0, [1.0, 1.0], 2.5);
        for hole in [[f32::NAN, 0.0], [0.0, f32::INFINITY]] {
            squares.add(5.0, hole, 1.0);
        }
        squares.add(5.0, [1.0, 1.0], f32::NAN);
        let is = |stay: f32, wanted: [f32; 2]| {
            squares.shares(stay).into_iter().zip(wanted).for_each(|(is, want)| near(is, want));
        };
        // Exactly 2 and a half: 2 · 1 and 2 · 1 + 0.5 · 1 are what was seen.
        is(0.0, [2.0, 0.5]);
        is(1.0, [12.5 / 7.0, 2.5 / 7.0]);
        let mut far = Squares::default();
        far.add(1.0, [1.0, 0.0], 9.0);
        far.add(1.0, [0.0, 1.0], -9.0);
        assert_eq!(far.shares(0.0), [2.0, -2.0], "no share is larger");
        assert_eq!(Squares::default().shares(0.0), [1.0, 0.0], "of nothing it stays as it was recorded");
    }

    #[test]
    fn a_range_is_how_far_a_course_goes_down_against_the_example_within_limits() {
        let pair = Pair::new(&course(out, |step| 0.2 + 0.5 * out(step)), &course(out, |_| 0.9));
        let range = |way: f32| pair.range(&course(|_| 0.0, |step| 0.2 + way * out(step)), &[1.0; PARTS]);
        [(0.6, 1.2), (0.4, 0.8), (0.9, 1.4), (0.1, 0.6)].iter().for_each(|(way, want)| near(range(*way), *want));
        // Who is lower all along goes further, as far as can be told.
        near(pair.range(&course(|_| 0.0, |step| 0.25 + 0.5 * out(step)), &[1.0; PARTS]), 1.13333);
        let still = Pair::new(&course(out, |_| 0.2), &course(out, |_| 0.2));
        assert_eq!(still.range(&course(out, out), &[1.0; PARTS]), 1.0);
        // Parts count by their weights, and only where both were seen.
        let mut two = course(|_| 0.0, |_| 0.2);
        two.0.iter_mut().enumerate().for_each(|(step, shape)| shape[3][1] += 0.6 * out(step));
        two.0.iter_mut().for_each(|shape| shape[4..].fill([f32::NAN; 2]));
        let mut weights = [1.0; PARTS];
        (weights[0], weights[3]) = (0.0, 4.0);
        // 4 · 1.2 of 4 + 1 + 1.
        near(pair.range(&two, &weights), 0.8);
    }

    #[test]
    fn a_pair_is_bent_towards_a_view_between_and_beside_it() {
        let near_view = course(|step| 0.3 * out(step), |step| 0.4 * out(step));
        let far_view = course(|step| 0.1 - 0.2 * out(step).powi(2), |step| 0.4 * out(step));
        let pair = Pair::new(&near_view, &far_view);
        assert!(pair.alike() && !pair.mirrored && Pair::mirrored(&near_view).mirrored);
        // 1.1 as far, three quarters of the one and half of the other, from a camera that looks down.
        let (of_near, of_far) = (|step| 0.33 * out(step), |step| 0.1 - 0.22 * out(step).powi(2));
        let other = course(
            |step| 0.75 * of_near(step) + 0.5 * of_far(step),
            |step| 0.44 * out(step) + 0.05 * (of_near(step) - of_far(step)),
        );
        let toward = pair.toward(&other, &[1.0; PARTS]);
        let seen = pair.seen(&toward);
        let off = |seen: &Course| {
            let all = seen.0.iter().flatten().flatten().zip(other.0.iter().flatten().flatten());
            all.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(off(&seen) < 0.012 && off(&near_view) > 0.05, "{} and {}", off(&seen), off(&near_view));
        assert!((toward.across[0] - 0.75).abs() < 0.06 && (toward.across[1] - 0.5).abs() < 0.12, "{toward:?}");
        // Down, of what is across so much as the camera looks down.
        assert!((toward.down[0] - 1.0).abs() < 0.06 && (toward.down[1] - 0.05).abs() < 0.03, "{toward:?}");
        // What is left is the mean square at the quarters.
        let left = QUARTERS.map(|step| {
            let parts = seen.0[step].iter().zip(&other.0[step]);
            parts.map(|(a, b)| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sum::<f32>() / (2 * PARTS) as f32
        });
        assert!((toward.off - left.iter().sum::<f32>() / 5.0).abs() < 1e-7, "{} and {left:?}", toward.off);
        // Only what weights are to each other matters.
        let heavy = pair.toward(&other, &[1000.0; PARTS]);
        near(heavy.across[0], toward.across[0]);
        near(heavy.across[1], toward.across[1]);
        near(heavy.down[1], toward.down[1]);
        // Seen as it was recorded it stays so.
        let same = pair.toward(&near_view, &[1.0; PARTS]);
        near(same.range, 1.0);
        assert!(same.off < 1e-8, "{same:?}");
    }

    #[test]
    fn views_of_one_movement_go_up_and_down_alike() {
        let plain = course(out, |step| 0.4 * out(step));
        let other = |by: f32| course(|_| 0.7, |step| 0.4 * out(step) + if step % 2 == 0 { by } else { -by });
        assert!(Pair::new(&plain, &other(0.029)).alike() && !Pair::new(&plain, &other(0.031)).alike());
        // What was not seen says nothing.
        let mut half = other(0.031);
        half.0[..9].fill([[f32::NAN; 2]; PARTS]);
        assert!(!Pair::new(&plain, &half).alike());
    }
}
