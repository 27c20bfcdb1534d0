//! A recorded example of an exercise, or one made up from its postures: what a set is compared with to be named.
//!
//! It can be kept and read back (serde). It must never hold what is no number, whatever was read.

use super::classify::{Look, named};
use super::course::{Course, PARTS, STEPS};
use super::exercise::{EXERCISES, Exercise, HANGING, Posture, VARIANTS};
use super::form::{Form, PLACES};
use super::measure::MEASURES;
use super::pair::Pair;
use super::textbook::{self, Textbook};
use super::view::Folded;

/// An example of an exercise.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Prototype {
    /// What it is an example of.
    pub exercise: String,
    /// Postures at the places of a repetition, degrees; nothing where a measure was not seen.
    places: [[Option<f32>; MEASURES]; PLACES],
    /// Where bones point in the picture at the steps of a repetition, statures; nothing where one was not seen.
    course: [[[Option<f32>; 2]; PARTS]; STEPS],
}

/// A recording is the other way round when it is so many times as near to the textbook then.
const ROUND: f32 = 1.3;

/// Thousandths are finer than anything that is seen.
fn rounded(value: f32) -> Option<f32> {
    Some((value * 1e3).round() / 1e3).filter(|value| value.is_finite())
}

impl Prototype {
    pub(super) fn new(exercise: &str, form: &Form, course: &Course) -> Prototype {
        let places = form.0.map(|posture| posture.map(rounded));
        let course = course.0.map(|shape| shape.map(|part| part.map(rounded)));
        Prototype { exercise: exercise.into(), places, course }
    }

    /// From what textbooks say of the start and the turn.
    fn between(start: &Posture, turn: &Posture) -> Form {
        let (start, turn) = (start.measures(), turn.measures());
        let half = std::array::from_fn(|n| (start[n] + turn[n]) / 2.0);
        Form([start, half, turn, half, start])
    }

    /// All forms of an exercise that the box knows from the day it is made.
    fn built_in(exercise: &'static Exercise) -> Vec<(&'static str, Form)> {
        let Exercise { name, start, turn, .. } = exercise;
        let mut all = vec![Prototype::between(start, turn)];
        // The other arm hangs.
        if exercise.by_one_arm() {
            all.push(Prototype::between(&start.arm_between(&HANGING), &turn.arm_between(&HANGING)));
        }
        let variants = VARIANTS.iter().filter(|(of, ..)| of == name);
        all.extend(variants.map(|(_, start, turn)| Prototype::between(start, turn)));
        all.into_iter().map(|form| (*name, form)).collect()
    }

    pub(super) fn form(&self) -> Form {
        let number = |deg: Option<f32>| deg.filter(|deg| deg.abs() <= 360.0).unwrap_or(f32::NAN);
        Form(self.places.map(|posture| posture.map(number)))
    }

    pub(super) fn course(&self) -> Course {
        let number = |share: Option<f32>| share.filter(|share| share.abs() <= 2.0).unwrap_or(f32::NAN);
        Course(self.course.map(|shape| shape.map(|part| part.map(number))))
    }
}

/// A recorded example, ready to be compared.
#[derive(Clone, PartialEq, Debug)]
struct Recorded {
    exercise: String,
    form: Form,
    course: Course,
}

impl Recorded {
    fn new(of: &Prototype) -> Recorded {
        Recorded { exercise: of.exercise.clone(), form: of.form(), course: of.course() }
    }

    /// A recording that was taken from turn to turn begins where the textbook does, if there is one.
    fn turn_round(&mut self, textbooks: &[Textbook]) {
        let folded = Folded::new(&self.course, &[1.0; PARTS]);
        let [straight, turned] = [false, true].map(|turned| {
            let own = textbooks.iter().filter(|textbook| self.exercise.eq_ignore_ascii_case(textbook.exercise));
            let fits = own.filter_map(|textbook| folded.fit(textbook, turned));
            fits.map(|fit| fit.left).fold(f32::INFINITY, f32::min)
        });
        if ROUND * turned < straight {
            self.course = self.course.turned();
        }
    }
}

/// What sets are compared with: recorded examples, and how textbooks have the exercises.
#[derive(Clone, PartialEq, Debug)]
pub struct Prototypes {
    recorded: Vec<Recorded>,
    /// Of the recorded ones, each with its mirror's and with the next one of its exercise.
    pairs: Vec<(String, Pair)>,
    /// Of exercises that have no recorded example.
    built_in: Vec<(&'static str, Form)>,
    /// By what the athlete calls it.
    textbooks: Vec<(String, &'static Textbook)>,
}

impl Default for Prototypes {
    fn default() -> Prototypes {
        Prototypes::new(Vec::new())
    }
}

impl Prototypes {
    /// With these recorded examples, and the textbook's.
    pub fn new(recorded: Vec<Prototype>) -> Prototypes {
        let missing = |exercise: &&Exercise| !recorded.iter().any(|p| p.exercise == exercise.name);
        let built_in = EXERCISES.iter().filter(missing).flat_map(Prototype::built_in);
        let mut all = Prototypes {
            recorded: Vec::new(),
            pairs: Vec::new(),
            built_in: built_in.collect(),
            textbooks: textbook::all().iter().map(|way| (way.exercise.to_string(), way)).collect(),
        };
        let mut recorded: Vec<Recorded> = recorded.iter().map(Recorded::new).collect();
        recorded.iter_mut().for_each(|of| of.turn_round(textbook::all()));
        all.rename(&recorded);
        for (n, Recorded { exercise, course, .. }) in recorded.iter().enumerate() {
            let mirrored = Pair::mirrored(course);
            // Whose sides do not do the same is seen from elsewhere only by another recording of that.
            let next = recorded[n + 1..].iter().filter(|next| !mirrored.alike() && next.exercise == *exercise);
            let next = next.map(|next| Pair::new(course, &next.course)).find(Pair::alike);
            all.pairs.extend([mirrored].into_iter().chain(next).map(|pair| (exercise.clone(), pair)));
        }
        all.recorded = recorded;
        all
    }

    /// What the athlete calls by a name of his own is called so from wherever it is seen: if a textbook names his recording,
    /// and he recorded nothing by that name, the textbook's ways are his.
    fn rename(&mut self, recorded: &[Recorded]) {
        let mut own: Vec<(&str, &str)> = Vec::new();
        for Recorded { exercise, course, .. } in recorded {
            if Exercise::named(exercise).is_some() {
                continue;
            }
            let look = Look { course: *course, error2: [0.0; PARTS] };
            let Some((known, _)) = named(&look, self) else { continue };
            let Some(known) = Exercise::named(known).map(|known| known.name) else { continue };
            if !recorded.iter().any(|other| other.exercise == known) && !own.contains(&(known, exercise)) {
                own.push((known, exercise));
            }
        }
        // Which of two names of his is meant, only his recordings can tell.
        let names = |known: &str| own.iter().filter(|(of, _)| *of == known).count();
        self.textbooks.retain(|(name, _)| names(name) < 2);
        for (name, _) in &mut self.textbooks {
            if let Some((_, exercise)) = own.iter().find(|(of, _)| of == name) {
                *name = exercise.to_string();
            }
        }
    }

    /// The names of all; one may come several times.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.recorded.iter().map(|of| of.exercise.as_str()).chain(self.built_in.iter().map(|(name, _)| *name))
    }

    /// Names and forms.
    pub(super) fn forms(&self) -> impl Iterator<Item = (&str, &Form)> {
        let recorded = self.recorded.iter().map(|of| (of.exercise.as_str(), &of.form));
        recorded.chain(self.built_in.iter().map(|(name, form)| (*name, form)))
    }

    /// Names and pairs of the recorded ones.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &Pair)> {
        self.pairs.iter().map(|(exercise, pair)| (exercise.as_str(), pair))
    }

    /// Names and ways of the textbook; ways of one name come one after the other.
    pub(super) fn textbooks(&self) -> &[(String, &'static Textbook)] {
        &self.textbooks
    }
}
