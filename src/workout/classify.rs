//! Which exercise a set is: that of the nearest example, or none that is known.
//!
//! A set is held against every recorded repetition by dynamic time warping, and against the textbook's bodies as a camera
//! would see them. Of each exercise the nearest one counts, so that it does not matter how many it has. What is far from
//! all is unknown, and so is what is nearly as near to another exercise, or moves otherwise. It must never take what
//! is no number for a distance.
//!
//! *off*: the mean square by which bones' ends are elsewhere, in those of people who do the same · *odd*: the part of the
//! movement that the example does not explain: 0 the same, 1 as if it stood still · *margin*: how many times as far off
//! the nearest other exercise is.

use super::course::{Course, PARTS, STEPS, Shape};
use super::prototype::Prototypes;
use super::textbook::Textbook;
use super::view::{Fit, Folded, step_of};
use super::warp::warped;

/// How far bones' ends are off a good example, statures.
const ASTRAY: f32 = 0.035;
/// What is further off is another exercise.
const FAR: f32 = 1.6;
/// What moves so much otherwise is, too; …
const ODD: f32 = 0.45;
/// … with a wide margin some more is borne.
const ODDEST: f32 = 0.7;
const WIDE_MARGIN: f32 = 3.0;
/// A nearer rival than this leaves it open, and the more so the further off both are.
const LEAST_MARGIN: f32 = 1.1;
const MARGIN_BY_OFF: f32 = 0.4;
/// So many times the least margin, a name is as good as said.
const SURE_MARGIN: f32 = 1.6;
/// A name from a textbook is worth this much.
const TEXTBOOK: f32 = 0.9;
/// Across depends on from where a recording was made: it counts as much as this share of down.
const ACROSS: f32 = 0.25;
/// People go as far as this less or further than an example.
const RANGES: (f32, f32) = (0.6, 1.4);
/// Of less than this share nothing is said.
const LEAST_SEEN: f32 = 0.6;
/// Half out, at the turn, half back, and both ends.
const QUARTERS: [usize; 5] = [0, STEPS / 4, STEPS / 2, 3 * STEPS / 4, STEPS - 1];

/// How a set's repetitions go on average, and the variances of its parts, statures squared.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub course: Course,
    pub error2: [f32; PARTS],
}

/// How near the nearest example of an exercise is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Near<'a> {
    pub exercise: &'a str,
    pub off: f32,
    pub odd: f32,
    pub recorded: bool,
}

/// The exercise of a set that looks like this, and how sure that is, 0 to 1.
pub fn named<'a>(look: &Look, prototypes: &'a Prototypes) -> Option<(&'a str, f32)> {
    chosen(&nearest(look, prototypes))
}

/// The nearest of every exercise, by their distance.
pub fn nearest<'a>(look: &Look, prototypes: &'a Prototypes) -> Vec<Near<'a>> {
    let weights = look.error2.map(|error2| 1.0 / (ASTRAY.powi(2) + if error2.is_finite() { error2 } else { 0.0 }));
    let scale = weights.iter().sum::<f32>() / PARTS as f32;
    let mut all: Vec<Near> = Vec::with_capacity(32);
    let mut keep = |near: Near<'a>| {
        let near = Near { off: scale * near.off, ..near };
        if !(near.off.is_finite() && near.odd.is_finite()) {
            return;
        }
        match all.iter_mut().find(|known| known.exercise == near.exercise) {
            Some(known) if near.off < known.off => *known = near,
            Some(_) => {}
            None => all.push(near),
        }
    };
    by_textbook(look, &weights, prototypes, &mut keep);
    by_recording(look, &weights, prototypes, &mut keep);
    all.sort_unstable_by(|a, b| a.off.total_cmp(&b.off));
    all
}

/// Of several by their distance: the first, if it is near and the next is not.
pub fn chosen<'a>(nearest: &[Near<'a>]) -> Option<(&'a str, f32)> {
    let first = nearest.first()?;
    let least = LEAST_MARGIN + MARGIN_BY_OFF * first.off;
    // One that has no rival has a name, but nothing that it was told from.
    let margin = nearest.get(1).map_or(least, |next| next.off / first.off.max(1e-3));
    let odd = if margin >= WIDE_MARGIN { ODDEST } else { ODD };
    if !(first.off <= FAR && first.odd <= odd && margin >= least) {
        return None;
    }
    let sure = ((margin / least - 1.0) / (SURE_MARGIN - 1.0)).clamp(0.0, 1.0);
    Some((first.exercise, (0.5 + 0.5 * sure) * if first.recorded { 1.0 } else { TEXTBOOK }))
}

type Weights = [f32; PARTS];

fn by_textbook<'a>(look: &Look, weights: &Weights, prototypes: &'a Prototypes, keep: &mut impl FnMut(Near<'a>)) {
    let folded = Folded::new(&look.course, weights);
    let ways = prototypes.textbooks();
    // Ways of one exercise come one after the other.
    for ways in ways.chunk_by(|(a, _), (b, _)| a == b) {
        let mut best: Option<(Fit, &Textbook, bool)> = None;
        for (textbook, turned) in ways.iter().flat_map(|(_, textbook)| [(textbook, false), (textbook, true)]) {
            let known = best.map_or(f32::INFINITY, |(fit, ..)| fit.left);
            if let Some(fit) = folded.fit(textbook, turned, known).filter(|fit| fit.left < known) {
                best = Some((fit, textbook, turned));
            }
        }
        let (Some((fit, textbook, turned)), Some((name, _))) = (best, ways.first()) else { continue };
        let seen = std::array::from_fn(|step| fit.view.of(&textbook.bodies[step_of(step, turned)]));
        let odd = odd(&look.course, &Course(seen), weights, 1.0);
        keep(Near { exercise: name, off: fit.left, odd, recorded: false });
    }
}

fn by_recording<'a>(look: &Look, weights: &Weights, prototypes: &'a Prototypes, keep: &mut impl FnMut(Near<'a>)) {
    let mirrored = look.course.mirrored();
    let ways = [look.course, look.course.turned(), mirrored, mirrored.turned()];
    for (exercise, course) in prototypes.courses() {
        let ends = ends(course);
        // Which way round and how far is seen at the quarters.
        let (mut best, mut least) = ((0, 1.0), f32::INFINITY);
        for (n, way) in ways.iter().enumerate() {
            let range = range(course, &ends, way, weights);
            let off = QUARTERS.map(|step| apart(&way.0[step], &scaled(&course.0[step], &ends, range), weights));
            let off = off.iter().sum::<f32>();
            if off < least {
                (best, least) = ((n, range), off);
            }
        }
        if !least.is_finite() {
            continue;
        }
        let (way, course) = (&ways[best.0], Course(course.0.map(|shape| scaled(&shape, &ends, best.1))));
        let off = warped((STEPS, STEPS), |a, b| apart(&way.0[a], &course.0[b], weights));
        keep(Near { exercise, off, odd: odd(way, &course, weights, ACROSS), recorded: true });
    }
}

/// Mean square by which two shapes differ, weighed; infinite where too little of both was seen.
fn apart(a: &Shape, b: &Shape, weights: &Weights) -> f32 {
    let (mut off, mut seen, mut all) = (0.0, 0.0, 0.0);
    for ((a, b), weight) in a.iter().zip(b).zip(weights) {
        let square = ACROSS * (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        all += weight;
        if square.is_finite() {
            (off, seen) = (off + weight * square, seen + weight);
        }
    }
    if seen > LEAST_SEEN * all { off / ((1.0 + ACROSS) * seen) } else { f32::INFINITY }
}

/// Where a course starts and ends, on average.
fn ends(course: &Course) -> Shape {
    let [start, end] = [course.0[0], course.0[STEPS - 1]];
    std::array::from_fn(|part| std::array::from_fn(|axis| (start[part][axis] + end[part][axis]) / 2.0))
}

/// How far `way` goes, as a multiple of how far the example goes.
fn range(course: &Course, ends: &Shape, way: &Course, weights: &Weights) -> f32 {
    let (mut with, mut own) = (0.0, 0.0);
    for (shape, seen) in QUARTERS.map(|step| (&course.0[step], &way.0[step])) {
        for (part, weight) in weights.iter().enumerate() {
            for (axis, share) in [ACROSS, 1.0].into_iter().enumerate() {
                let (moved, to) = (shape[part][axis] - ends[part][axis], seen[part][axis] - ends[part][axis]);
                if moved.is_finite() && to.is_finite() {
                    (with, own) = (with + share * weight * moved * to, own + share * weight * moved * moved);
                }
            }
        }
    }
    if own > 0.0 { (with / own).clamp(RANGES.0, RANGES.1) } else { 1.0 }
}

/// A shape so many times as far from the ends.
fn scaled(shape: &Shape, ends: &Shape, range: f32) -> Shape {
    std::array::from_fn(|part| std::array::from_fn(|n| ends[part][n] + range * (shape[part][n] - ends[part][n])))
}

/// The part of a course's movement that another does not explain; infinite if nothing moves.
fn odd(course: &Course, other: &Course, weights: &Weights, across: f32) -> f32 {
    let (mut moved, mut off) = (0.0, 0.0);
    for (part, weight) in weights.iter().enumerate() {
        for (axis, share) in [across, 1.0].into_iter().enumerate() {
            let pairs = || (0..STEPS).map(|step| (course.0[step][part][axis], other.0[step][part][axis]));
            let pairs = || pairs().filter(|(a, b)| a.is_finite() && b.is_finite());
            let (a, b, count) = pairs().fold((0.0, 0.0, 0.0), |(a, b, count), (x, y)| (a + x, b + y, count + 1.0));
            for (x, y) in pairs() {
                let (x, y) = (x - a / count, y - b / count);
                (moved, off) = (moved + share * weight * x * x, off + share * weight * (x - y).powi(2));
            }
        }
    }
    if moved > 0.0 { off / moved } else { f32::INFINITY }
}
