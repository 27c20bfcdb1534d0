//! Which exercise a set is: that of the nearest prototype, or none that is known.
//!
//! The distance is that of postures at equal shares of the way, so it is finite for a set of any tempo; where it is not,
//! the prototype has nothing in common with the set and is passed over. What is far from everything is unknown, and so is
//! what is as near to another exercise.
//!
//! *distance*: the part of the set's movement that a prototype does not explain · *margin*: how many times as far the
//! nearest prototype of any other exercise is.

use super::form::{Errors, Form};
use super::measure::Measure;
use super::prototype::Prototypes;

/// Further from a recorded prototype it is another exercise; …
const FAR: f32 = 0.7;
/// … textbooks are less like anybody in particular.
const FAR_FROM_TEXTBOOK: f32 = 2.5;
/// Where little moves, what is held differently counts for much: then it is enough that every other exercise is as much
/// further.
const FAR_BUT_ALONE: f32 = 3.0;
const ALONE_MARGIN: f32 = 2.0;
/// A nearer rival than this leaves it open.
const LEAST_MARGIN: f32 = 1.1;
/// With this margin a name is as good as said.
const SURE_MARGIN: f32 = 1.8;
/// A name from a textbook is worth this much.
const TEXTBOOK: f32 = 0.9;
/// A form is one way round when the other way is so many times as far.
const ONE_WAY: f32 = 1.5;
/// A deadlift begins on the floor or from the rack, an extension stretched or bent.
const EITHER_END: [&str; 2] = ["Deadlift", "Triceps Extension"];
/// Angles in the picture differ by this much from camera to camera, degrees.
const VIEWS_DEG: f32 = 25.0;
/// Ways of people who do not go as far as the example, or further.
const RANGES: [f32; 5] = [0.6, 0.75, 0.9, 1.0, 1.15];

/// Feet that rise by less than this towards the turn, in statures, are not pulled up, …
const LIFTED: f32 = 0.05;
/// … and by more than this, the arms lift the body and not a bar.
const LIFTING: f32 = 0.1;

/// How a set looks, and how far its feet rise towards the turn, in statures; `NaN` where they were not seen.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub form: Form,
    pub lift: f32,
}

impl Look {
    /// Arms tell a press from a pull-up by nothing; the feet do. With the turns taken for starts they sink.
    fn may_be(&self, exercise: &str) -> bool {
        let lift = self.lift.abs();
        match exercise {
            "Pull-Up" => lift >= LIFTED || lift.is_nan(),
            "Overhead Press" => lift <= LIFTING || lift.is_nan(),
            _ => true,
        }
    }
}

fn across_views(errors: &Errors) -> Errors {
    let mut errors = *errors;
    for hinge in [Measure::Elbow, Measure::Shoulder, Measure::Hip, Measure::Knee] {
        errors[hinge as usize] += VIEWS_DEG.powi(2);
    }
    errors
}

/// Whether a form goes from turn to turn, by the nearest prototype that it has one way round; nothing when it is far from
/// all, or when people begin that exercise at either end.
pub fn is_turned(look: &Look, errors: &Errors, prototypes: &Prototypes) -> Option<bool> {
    let errors = across_views(errors);
    let forms = [look.form, look.form.turned()];
    let (mut best, mut distances) = ("", [f32::INFINITY; 2]);
    for (exercise, prototype, _) in prototypes.iter().filter(|(name, ..)| look.may_be(name)) {
        for (way, form) in forms.iter().enumerate() {
            let to = |range: &f32| form.unlikeness(&prototype.scaled(*range), &errors);
            let distance = RANGES.iter().map(to).filter(|d| d.is_finite()).fold(f32::INFINITY, f32::min);
            if distance < distances[0].min(distances[1]) {
                best = exercise;
            }
            distances[way] = distances[way].min(distance);
        }
    }
    let [straight, turned] = distances;
    let clear = straight.max(turned) >= ONE_WAY * straight.min(turned);
    let known = straight.min(turned) <= FAR_FROM_TEXTBOOK && !EITHER_END.contains(&best);
    (clear && known).then_some(turned < straight)
}

/// The exercise of a set whose repetitions look like this on average, and how sure that is.
pub fn named<'a>(look: &Look, errors: &Errors, prototypes: &'a Prototypes) -> Option<(&'a str, f32)> {
    let errors = across_views(errors);
    let (form, turned) = (&look.form, look.form.turned());
    let (mut best, mut best_distance, mut other) = (None, f32::INFINITY, f32::INFINITY);
    for (exercise, prototype, recorded) in prototypes.iter().filter(|(name, ..)| look.may_be(name)) {
        let to = |form: &Form, range: f32| form.unlikeness(&prototype.scaled(range), &errors);
        let distances = RANGES.iter().flat_map(|range| [to(form, *range), to(&turned, *range)]);
        let distance = distances.filter(|d| d.is_finite()).fold(f32::INFINITY, f32::min);
        let known = best.is_some_and(|(name, _)| name == exercise);
        if distance < best_distance {
            other = if known { other } else { best_distance };
            (best, best_distance) = (Some((exercise, recorded)), distance);
        } else if !known {
            other = other.min(distance);
        }
    }
    let (exercise, recorded) = best?;
    let margin = other / best_distance.max(1e-3);
    let far = if recorded { FAR } else { FAR_FROM_TEXTBOOK };
    let near = best_distance <= far && margin >= LEAST_MARGIN;
    if !(near || best_distance <= FAR_BUT_ALONE && margin >= ALONE_MARGIN) {
        return None;
    }
    let sure = ((margin - LEAST_MARGIN) / (SURE_MARGIN - LEAST_MARGIN)).clamp(0.0, 1.0);
    let confidence = (0.5 + 0.5 * sure) * if recorded { 1.0 } else { TEXTBOOK };
    Some((exercise, confidence))
}
