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
