//! Which way round the repetitions of a set go: from their start to their turn, or from turn to turn, by how the exercises
//! that they look like begin.

use super::form::{Errors, Form};
use super::measure::Measure;
use super::prototype::Prototypes;

/// What is further from every prototype may be anything: the part of the movement that it does not explain.
const FAR: f32 = 2.5;
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
    for (exercise, prototype) in prototypes.forms().filter(|(name, _)| look.may_be(name)) {
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
    let known = straight.min(turned) <= FAR && !EITHER_END.contains(&best);
    (clear && known).then_some(turned < straight)
}

#[cfg(test)]
mod tests {
    use super::super::measure::MEASURES;
    use super::*;

    /// What single values err by, degrees squared.
    const ERRORS: Errors = [25.0; MEASURES];

    fn look(form: Form, lift: f32) -> Look {
        Look { form, lift }
    }

    #[test]
    fn feet_that_stay_pull_nobody_up_and_feet_that_rise_press_nothing() {
        let lifts = [0.0, 0.04, LIFTED, -0.06, LIFTING, 0.11, -0.11, f32::NAN];
        let may = |exercise: &str| lifts.map(|lift| look(Form::UNSEEN, lift).may_be(exercise));
        assert_eq!(may("Pull-Up"), [false, false, true, true, true, true, true, true]);
        assert_eq!(may("Overhead Press"), [true, true, true, true, true, false, false, true]);
        assert_eq!(may("Squat"), [true; 8]);
    }

    #[test]
    fn angles_in_the_picture_differ_from_camera_to_camera_and_where_bones_rise_to_does_not() {
        let errors = across_views(&ERRORS);
        for measure in Measure::ALL {
            let hinge = matches!(measure, Measure::Elbow | Measure::Shoulder | Measure::Hip | Measure::Knee);
            assert_eq!(errors[measure as usize], if hinge { 25.0 + 625.0 } else { 25.0 }, "{measure:?}");
        }
    }

    #[test]
    fn every_exercise_is_known_from_its_start_and_from_its_turn_but_those_that_begin_at_either_end() {
        let all = Prototypes::default();
        let (mut sure, mut either) = (0, 0);
        for (name, form) in all.forms() {
            let lift = if name == "Pull-Up" { 0.3 } else { 0.0 };
            let ways = |form: &Form| [*form, form.turned()].map(|form| is_turned(&look(form, lift), &ERRORS, &all));
            if EITHER_END.contains(&name) {
                either += usize::from(ways(form) == [None, None]);
                continue;
            }
            for range in [0.6, 1.0, 1.15] {
                assert_eq!(ways(&form.scaled(range)), [Some(false), Some(true)], "{name}, {range} of the way");
                sure += 1;
            }
        }
        // An extension beside the body looks like another exercise in angles alone.
        assert!(sure >= 50 && either == 3, "{sure} {either}");
    }

    #[test]
    fn what_is_like_nothing_known_or_was_not_seen_has_no_direction() {
        let all = Prototypes::default();
        let mut odd = Form([[0.0; MEASURES]; 5]);
        for (place, posture) in odd.0.iter_mut().enumerate() {
            for (measure, deg) in posture.iter_mut().enumerate() {
                *deg = if (place + measure) % 2 == 0 { -80.0 } else { 80.0 };
            }
        }
        for form in [odd, Form::UNSEEN] {
            assert_eq!(is_turned(&look(form, f32::NAN), &ERRORS, &all), None);
        }
    }
}
