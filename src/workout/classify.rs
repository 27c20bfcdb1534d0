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
use super::pair::{Pair, Toward};
use super::prototype::Prototypes;
use super::textbook::Textbook;
use super::view::{Fit, Folded, step_of};
use super::warp::warped;

/// How far bones' ends are off a good example, statures.
const ASTRAY: f32 = 0.035;
/// What is further off is another exercise.
const FAR: f32 = 1.6;
/// What moves so much otherwise is, too; the wider the margin, the more is borne.
const ODD: f32 = 0.4;
const ODD_BY_MARGIN: f32 = 0.25;
const ODDEST: f32 = 1.0;
/// What is roughly so many times as far as the nearest is not looked at finely.
const WORTH: f32 = 4.0;
/// A nearer rival than this leaves it open, and the more so the further off both are.
const LEAST_MARGIN: f32 = 1.1;
const MARGIN_BY_OFF: f32 = 0.4;
/// So many times the least margin, a name is as good as said.
const SURE_MARGIN: f32 = 1.6;
/// A name from a textbook is worth this much.
const TEXTBOOK: f32 = 0.9;
/// A set is one way round when the other way is so many times as far off.
const ONE_WAY: f32 = 1.3;
/// A deadlift begins on the floor or from the rack.
const EITHER_END: &str = "Deadlift";
/// Of less than this share nothing is said.
const LEAST_SEEN: f32 = 0.6;

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

/// Whether a set goes from turn to turn, by the textbook's ways of what it is named; nothing when both are alike, or when
/// people begin that exercise at either end.
pub fn is_turned_by_name(look: &Look, name: &str, prototypes: &Prototypes) -> Option<bool> {
    if name == EITHER_END {
        return None;
    }
    let folded = Folded::new(&look.course, &weights_of(look));
    let [straight, turned] = [false, true].map(|turned| {
        let ways = prototypes.textbooks().iter().filter(|(exercise, _)| exercise == name);
        let fits = ways.filter_map(|(_, way)| folded.fit(way, turned));
        fits.map(|fit| fit.left).fold(f32::INFINITY, f32::min)
    });
    let clear = straight.is_finite() && straight.max(turned) >= ONE_WAY * straight.min(turned);
    clear.then_some(turned < straight)
}

fn weights_of(look: &Look) -> Weights {
    look.error2.map(|error2| 1.0 / (ASTRAY.powi(2) + if error2.is_finite() { error2 } else { 0.0 }))
}

/// The nearest of every exercise, by their distance.
pub fn nearest<'a>(look: &Look, prototypes: &'a Prototypes) -> Vec<Near<'a>> {
    let weights = weights_of(look);
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
    let ([first], margin) = among(nearest)? else { return None };
    let sure = ((margin - 1.0) / (SURE_MARGIN - 1.0)).clamp(0.0, 1.0);
    Some((first.exercise, (0.5 + 0.5 * sure) * if first.recorded { 1.0 } else { TEXTBOOK }))
}

/// Of several by their distance: the first, if it is near, and those that are nearly as near, if others are not. A squat with a
/// bar that is not seen is one of three.
pub fn candidates<'n, 'a>(nearest: &'n [Near<'a>]) -> &'n [Near<'a>] {
    among(nearest).map_or(&[], |(near, _)| near)
}

/// The same, and how many times the least margin the next one is off.
fn among<'n, 'a>(nearest: &'n [Near<'a>]) -> Option<(&'n [Near<'a>], f32)> {
    let first = nearest.first()?;
    let least = LEAST_MARGIN + MARGIN_BY_OFF * first.off;
    let off = first.off.max(1e-3);
    let count = 1 + nearest[1..].iter().take_while(|next| next.off / off < least).count();
    // One that has no rival has a name, but nothing that it was told from.
    let margin = nearest.get(count).map_or(least, |next| next.off / off);
    let odd = (ODD_BY_MARGIN * margin).clamp(ODD, ODDEST);
    let known = first.off <= FAR && first.odd <= odd && margin >= least;
    known.then_some((&nearest[..count], margin / least))
}

/// What each part counts for.
pub type Weights = [f32; PARTS];

fn by_textbook<'a>(look: &Look, weights: &Weights, prototypes: &'a Prototypes, keep: &mut impl FnMut(Near<'a>)) {
    let folded = Folded::new(&look.course, weights);
    let ways = prototypes.textbooks().iter().flat_map(|(name, way)| [(name, *way, false), (name, *way, true)]);
    let fits = ways.filter_map(|of| Some((of, folded.coarse(of.1, of.2)?)));
    let fits: Vec<((&String, &Textbook, bool), Fit)> = fits.collect();
    let least = fits.iter().map(|(_, fit)| fit.left).fold(f32::INFINITY, f32::min);
    for ((exercise, way, turned), coarse) in fits {
        if coarse.left > WORTH * least {
            keep(Near { exercise, off: coarse.left, odd: ODDEST + 1.0, recorded: false });
            continue;
        }
        let fit = folded.fine(way, turned, coarse);
        let motion = &way.motions[fit.range];
        let seen = Course(std::array::from_fn(|step| fit.view.of(&motion[step_of(step, turned)])));
        keep(Near { exercise, off: fit.left, odd: odd(&look.course, &seen, weights), recorded: false });
    }
}

fn by_recording<'a>(look: &Look, weights: &Weights, prototypes: &'a Prototypes, keep: &mut impl FnMut(Near<'a>)) {
    let mirrored = look.course.mirrored();
    let ways = [look.course, look.course.turned(), mirrored, mirrored.turned()];
    // Which way round an example goes is seen at the quarters. A recording and its own mirror's make no difference
    // between the sides.
    let toward = |pair: &Pair| {
        let ways = if pair.mirrored { &ways[..2] } else { &ways[..] };
        let fits = ways.iter().map(|way| (way, pair.toward(way, weights))).filter(|(_, fit)| fit.off.is_finite());
        fits.min_by(|a, b| a.1.off.total_cmp(&b.1.off))
    };
    let fits = prototypes.pairs().filter_map(|(exercise, pair)| Some((exercise, pair, toward(pair)?)));
    let fits: Vec<(&str, &Pair, (&Course, Toward))> = fits.collect();
    let least = fits.iter().map(|(.., (_, fit))| fit.off).fold(f32::INFINITY, f32::min);
    for (exercise, pair, (way, fit)) in fits {
        if fit.off > WORTH * least {
            keep(Near { exercise, off: fit.off, odd: ODDEST + 1.0, recorded: true });
            continue;
        }
        let seen = pair.seen(&fit);
        let off = warped((STEPS, STEPS), |a, b| apart(&way.0[a], &seen.0[b], weights));
        keep(Near { exercise, off, odd: odd(way, &seen, weights), recorded: true });
    }
}

/// Mean square by which two shapes differ, weighed; infinite where too little of both was seen.
pub fn apart(a: &Shape, b: &Shape, weights: &Weights) -> f32 {
    let (mut off, mut seen, mut all) = (0.0, 0.0, 0.0);
    for ((a, b), weight) in a.iter().zip(b).zip(weights) {
        let square = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        all += weight;
        if square.is_finite() {
            (off, seen) = (off + weight * square, seen + weight);
        }
    }
    if seen > LEAST_SEEN * all { off / (2.0 * seen) } else { f32::INFINITY }
}

/// The part of a course's movement that another does not explain; infinite if nothing moves.
fn odd(course: &Course, other: &Course, weights: &Weights) -> f32 {
    let (mut moved, mut off) = (0.0, 0.0);
    for (part, weight) in weights.iter().enumerate() {
        for axis in 0..2 {
            let pairs = || (0..STEPS).map(|step| (course.0[step][part][axis], other.0[step][part][axis]));
            let pairs = || pairs().filter(|(a, b)| a.is_finite() && b.is_finite());
            let (a, b, count) = pairs().fold((0.0, 0.0, 0.0), |(a, b, count), (x, y)| (a + x, b + y, count + 1.0));
            for (x, y) in pairs() {
                let (x, y) = (x - a / count, y - b / count);
                (moved, off) = (moved + weight * x * x, off + weight * (x - y).powi(2));
            }
        }
    }
    if moved > 0.0 { off / moved } else { f32::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::super::textbook;
    use super::super::view::View;
    use super::*;

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 1e-5 * want.abs().max(1.0), "{is} and not {want}");
    }

    #[test]
    fn two_shapes_are_apart_by_the_mean_square_of_what_was_seen_of_both() {
        let (a, mut b) = ([[0.1; 2]; PARTS], [[0.2, 0.3]; PARTS]);
        near(apart(&a, &b, &[1.0; PARTS]), 0.025);
        // Eight of thirteen are enough, seven are not.
        b[..5].fill([f32::NAN, 0.3]);
        near(apart(&a, &b, &[1.0; PARTS]), 0.025);
        b[5] = [0.2, f32::INFINITY];
        assert_eq!(apart(&a, &b, &[1.0; PARTS]), f32::INFINITY);
        let mut other = a;
        other[0] = [0.4, 0.1];
        let mut weights = [1.0; PARTS];
        weights[0] = 4.0;
        near(apart(&a, &other, &weights), 4.0 * 0.09 / 32.0);
    }

    /// Part 2 goes so far across to the turn and back, from here; the others are seen and stand.
    fn course(from: f32, way: f32) -> Course {
        let out = |step: usize| step.min(STEPS - 1 - step) as f32;
        Course(std::array::from_fn(|step| {
            let mut shape = [[0.125; 2]; PARTS];
            shape[2][0] = from + way * out(step);
            shape
        }))
    }

    #[test]
    fn what_an_example_does_not_explain_of_a_movement_is_odd() {
        let of = |other: &Course| odd(&course(0.125, 0.02), other, &[1.0; PARTS]);
        assert_eq!(of(&course(0.125, 0.02)), 0.0);
        near(of(&course(0.375, 0.02)), 0.0);
        near(of(&course(0.125, 0.0)), 1.0);
        near(of(&course(0.125, 0.01)), 0.25);
        near(of(&course(0.125, -0.02)), 4.0);
        assert_eq!(odd(&course(0.125, 0.0), &course(0.125, 0.02), &[1.0; PARTS]), f32::INFINITY, "nothing moves");
        // What another part does counts by its weight.
        let mut shakes = course(0.125, 0.02);
        shakes.0.iter_mut().enumerate().for_each(|(step, shape)| shape[7][1] += 0.02 * step.min(16 - step) as f32);
        let mut weights = [1.0; PARTS];
        weights[7] = 3.0;
        near(odd(&course(0.125, 0.02), &shakes, &weights), 3.0);
        // Where one of both was not seen nothing is said.
        shakes.0.iter_mut().for_each(|shape| shape[7][1] = f32::NAN);
        near(odd(&course(0.125, 0.02), &shakes, &weights), 0.0);
    }

    fn of(exercise: &'static str, off: f32) -> Near<'static> {
        Near { exercise, off, odd: 0.1, recorded: true }
    }

    #[test]
    fn a_name_is_the_surer_the_further_off_the_next_one_is() {
        let sure = |off: f32, next: f32| chosen(&[of("Squat", off), of("Lunge", next)]).map(|(_, sure)| sure);
        // It takes 1.22 times as far, and 1.6 times that is as good as said.
        assert_eq!(sure(0.3, 0.36), None);
        near(sure(0.3, 0.45).unwrap(), 0.5 + 0.5 * (1.5 / 1.22 - 1.0) / 0.6);
        assert_eq!(sure(0.3, 0.6), Some(1.0));
        // Far off it takes more: 1.74 times.
        assert_eq!(sure(1.6, 2.7), None);
        assert!(sure(1.6, 2.9).is_some() && sure(1.61, 3.0).is_none());
        let textbook = |near: Near<'static>| Near { recorded: false, ..near };
        assert_eq!(chosen(&[textbook(of("Squat", 0.3)), of("Lunge", 0.6)]), Some(("Squat", 0.9)));
    }

    #[test]
    fn the_wider_the_margin_the_odder_it_may_move() {
        let odd = |odd: f32, next: f32| chosen(&[Near { odd, ..of("Squat", 0.3) }, of("Lunge", next)]).is_some();
        assert!(odd(0.4, 0.4) && !odd(0.41, 0.4), "four tenths at least");
        assert!(odd(0.74, 0.9) && !odd(0.76, 0.9), "a quarter of the margin");
        assert!(odd(1.0, 9.0) && !odd(1.01, 9.0), "no more than all");
        // What is no distance at all from an example is a thousandth off.
        assert!(chosen(&[of("Squat", 0.0), of("Lunge", 0.0012)]).is_some());
        assert!(chosen(&[of("Squat", 0.0), of("Lunge", 0.001)]).is_none());
    }

    #[test]
    fn parts_count_less_the_more_they_err() {
        let course = Course::UNSEEN;
        let mut error2 = [0.0; PARTS];
        (error2[1], error2[2]) = (0.035f32.powi(2), f32::NAN);
        let weights = weights_of(&Look { course, error2 });
        near(weights[0], 816.3265);
        near(weights[1], 816.3265 / 2.0);
        near(weights[2], 816.3265);
    }

    #[test]
    fn whether_a_named_set_goes_from_turn_to_turn_the_textbook_says_but_of_a_deadlift() {
        let all = Prototypes::default();
        let look = |exercise: &str, turned: bool| {
            let way = textbook::all().iter().find(|way| way.exercise == exercise).unwrap();
            let view = View { azimuth: 30.0, pitch: 5.0, size: 1.0 };
            let motion = &way.motions[textbook::USUAL];
            let course = Course(std::array::from_fn(|step| view.of(&motion[step_of(step, turned)])));
            Look { course, error2: [1e-5; PARTS] }
        };
        for name in ["Squat", "Biceps Curl", "Pull-Up"] {
            for turned in [false, true] {
                assert_eq!(is_turned_by_name(&look(name, turned), name, &all), Some(turned), "{name}");
            }
        }
        assert_eq!(is_turned_by_name(&look("Deadlift", true), "Deadlift", &all), None);
        assert_eq!(is_turned_by_name(&look("Squat", true), "Juggling", &all), None, "no textbook has it");
        // What is far further off than the nearest is not looked at finely, and is none.
        let near = nearest(&look("Squat", false), &all);
        let odd = |name: &str| near.iter().find(|near| near.exercise == name).map(|near| near.odd);
        assert!(near[0].exercise == "Squat" && near[0].odd < 0.1, "{:?}", near[0]);
        assert_eq!((odd("Biceps Curl"), odd("Push-Up")), (Some(ODDEST + 1.0), Some(ODDEST + 1.0)));
        let mut still = look("Squat", false);
        still.course = Course([still.course.0[4]; STEPS]);
        assert_eq!(is_turned_by_name(&still, "Squat", &all), None, "it is as like either way");
    }

    #[test]
    fn of_several_recordings_of_an_exercise_the_nearest_counts() {
        use super::super::form::Form;
        use super::super::prototype::Prototype;
        let recorded = |way: f32| Prototype::new("Mine", &Form::UNSEEN, &course(0.125, way));
        let look = Look { course: course(0.125, 0.02), error2: [0.0; PARTS] };
        let off = |ways: &[f32]| {
            let all = Prototypes::new(ways.iter().map(|way| recorded(*way)).collect());
            let near = nearest(&look, &all);
            assert!(near.windows(2).all(|pair| pair[0].off <= pair[1].off), "by their distance");
            let own: Vec<f32> = near.iter().filter(|near| near.exercise == "Mine").map(|near| near.off).collect();
            assert_eq!(own.len(), 1);
            own[0]
        };
        let (one, far) = (off(&[0.02]), off(&[-0.02]));
        assert!(one < 1e-3 && far > 0.01, "{one} and {far}");
        assert_eq!((off(&[-0.02, 0.02]), off(&[0.02, -0.02])), (one, one));
        // What is far further off than the nearest is not looked at finely, and is none.
        let other = Prototype::new("Other", &Form::UNSEEN, &course(0.125, -0.02));
        let all = Prototypes::new(vec![recorded(0.02), other]);
        let odd = |name: &str| nearest(&look, &all).iter().find(|near| near.exercise == name).map(|near| near.odd);
        assert!(odd("Mine").unwrap() < 0.1, "{:?}", odd("Mine"));
        assert_eq!(odd("Other"), Some(2.0));
    }
}
