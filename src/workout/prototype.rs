//! A recorded example of an exercise, or one made up from its postures: what a set is compared with to be named.
//!
//! It can be kept and read back (serde). It must never hold what is no number, whatever was read.

use super::exercise::{EXERCISES, Exercise, HANGING, Posture, VARIANTS};
use super::form::{Form, PLACES};
use super::measure::MEASURES;

/// An example of an exercise.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Prototype {
    /// What it is an example of.
    pub exercise: String,
    /// Postures at the places of a repetition, degrees; nothing where a measure was not seen.
    places: [[Option<f32>; MEASURES]; PLACES],
}

impl Prototype {
    pub(super) fn new(exercise: &str, form: &Form) -> Prototype {
        let places = form.0.map(|posture| posture.map(|deg| Some(deg).filter(|deg| deg.is_finite())));
        Prototype { exercise: exercise.into(), places }
    }

    /// From what textbooks say of the start and the turn.
    fn between(exercise: &str, start: &Posture, turn: &Posture) -> Prototype {
        let (start, turn) = (start.measures(), turn.measures());
        let half = std::array::from_fn(|n| (start[n] + turn[n]) / 2.0);
        Prototype::new(exercise, &Form([start, half, turn, half, start]))
    }

    /// All ways of doing an exercise that the box knows from the day it is made.
    fn built_in(exercise: &Exercise) -> Vec<Prototype> {
        let Exercise { name, start, turn, .. } = exercise;
        let mut all = vec![Prototype::between(name, start, turn)];
        // The other arm hangs.
        if exercise.by_one_arm() {
            all.push(Prototype::between(name, &start.arm_between(&HANGING), &turn.arm_between(&HANGING)));
        }
        let variants = VARIANTS.iter().filter(|(of, ..)| of == name);
        all.extend(variants.map(|(_, start, turn)| Prototype::between(name, start, turn)));
        all
    }

    pub(super) fn form(&self) -> Form {
        let number = |deg: Option<f32>| deg.filter(|deg| deg.abs() <= 360.0).unwrap_or(f32::NAN);
        Form(self.places.map(|posture| posture.map(number)))
    }
}

/// What sets are compared with: recorded examples, and the built-in ones of exercises that have none.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Prototypes {
    all: Vec<(Prototype, Form, bool)>,
}

impl Prototypes {
    /// With these recorded examples, and the built-in ones.
    pub fn new(recorded: Vec<Prototype>) -> Prototypes {
        let missing = |exercise: &&Exercise| !recorded.iter().any(|p| p.exercise == exercise.name);
        let built_in: Vec<Prototype> = EXERCISES.iter().filter(missing).flat_map(Prototype::built_in).collect();
        let with_form = |recorded: bool| move |p: Prototype| (p.form(), p, recorded);
        let all = recorded.into_iter().map(with_form(true)).chain(built_in.into_iter().map(with_form(false)));
        Prototypes { all: all.map(|(form, prototype, recorded)| (prototype, form, recorded)).collect() }
    }

    /// The names of all; one may come several times.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(prototype, ..)| prototype.exercise.as_str())
    }

    /// Name, form, and whether it was recorded.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Form, bool)> {
        self.all.iter().map(|(prototype, form, recorded)| (prototype.exercise.as_str(), form, *recorded))
    }
}
