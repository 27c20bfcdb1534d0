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

#[cfg(test)]
mod tests {
    use super::super::course::TURN;
    use super::super::textbook::USUAL;
    use super::super::view::{View, step_of};
    use super::*;

    /// A recording by this name of an exercise's n-th way, seen from this side.
    fn recording(name: &str, exercise: &str, n: usize, azimuth: f32) -> Prototype {
        let way = textbook::all().iter().filter(|way| way.exercise == exercise).nth(n).unwrap();
        let view = View { azimuth, pitch: 5.0, size: 1.0 };
        let course = Course(std::array::from_fn(|step| view.of(&way.motions[USUAL][step_of(step, false)])));
        Prototype::new(name, &Form::UNSEEN, &course)
    }

    fn pairs(all: &Prototypes) -> Vec<&Pair> {
        all.pairs().map(|(_, pair)| pair).collect()
    }

    fn ways(all: &Prototypes, name: &str) -> usize {
        all.textbooks().iter().filter(|(of, _)| of == name).count()
    }

    #[test]
    fn a_recording_keeps_thousandths_and_nothing_that_is_no_posture() {
        assert_eq!([0.1234, -0.0006, 90.0].map(rounded), [Some(0.123), Some(-0.001), Some(90.0)]);
        assert_eq!([f32::NAN, f32::INFINITY].map(rounded), [None, None]);
        let mut form = Form([[10.0; MEASURES]; PLACES]);
        form.0[1][2..6].copy_from_slice(&[360.0, 361.0, -360.0, f32::NAN]);
        let mut course = Course([[[0.25; 2]; PARTS]; STEPS]);
        course.0[3][4] = [2.0, -2.1];
        let read = Prototype::new("Squat", &form, &course);
        assert_eq!(read.form().0[1][2..5].iter().map(|deg| deg.is_finite()).collect::<Vec<_>>(), [true, false, true]);
        assert!(read.form().0[1][5].is_nan() && read.form().0[0] == [10.0; MEASURES]);
        let [across, down] = read.course().0[3][4];
        assert!(across == 2.0 && down.is_nan() && read.course().0[2][4] == [0.25; 2]);
    }

    #[test]
    fn a_textbooks_form_goes_from_its_start_over_the_half_to_its_turn_and_back() {
        let squat = &EXERCISES[0];
        let [start, out, turn, back, end] = Prototype::between(&squat.start, &squat.turn).0;
        let trunk = super::super::measure::Measure::Trunk as usize;
        // It stands at 85 degrees and leans to 50: 90 times their sines.
        let near = |is: f32, want: f32| assert!((is - want).abs() < 0.01, "{is} and not {want}");
        [(start, 89.657), (out, 79.300), (turn, 68.944), (back, 79.300), (end, 89.657)]
            .iter()
            .for_each(|(posture, deg)| near(posture[trunk], *deg));
    }

    #[test]
    fn every_exercise_is_there_once_and_those_of_one_arm_and_with_variants_more_often() {
        let all = Prototypes::default();
        let times = |all: &Prototypes, name: &str| all.names().filter(|of| *of == name).count();
        assert_eq!(all.names().count(), 16 + 4 + 3);
        assert_eq!(["Squat", "Biceps Curl", "Lunge", "Row"].map(|name| times(&all, name)), [1, 2, 2, 3]);
        assert_eq!(all.forms().count(), 23);
        // What was recorded stands for all of them.
        let mine = Prototypes::new(vec![recording("Row", "Row", 0, 30.0)]);
        assert_eq!((times(&mine, "Row"), mine.names().count(), mine.names().next()), (1, 21, Some("Row")));
    }

    #[test]
    fn a_recording_from_turn_to_turn_is_turned_round() {
        let straight = recording("Squat", "Squat", 0, 30.0);
        let turned = Prototype::new("squat", &Form::UNSEEN, &straight.course().turned());
        assert_eq!(pairs(&Prototypes::new(vec![straight.clone()])), [&Pair::mirrored(&straight.course())]);
        assert_eq!(pairs(&Prototypes::new(vec![turned.clone()])), [&Pair::mirrored(&turned.course().turned())]);
        // Of what no textbook knows it is left as it was.
        let own = Prototype { exercise: "Mine".into(), ..turned.clone() };
        assert_eq!(pairs(&Prototypes::new(vec![own])), [&Pair::mirrored(&turned.course())]);
    }

    #[test]
    fn what_one_arm_does_is_known_from_elsewhere_by_another_recording_of_it() {
        let [a, b] = [35.0, -35.0].map(|azimuth| recording("Biceps Curl", "Biceps Curl", 1, azimuth));
        let other = recording("Squat", "Squat", 0, -35.0);
        let all = Prototypes::new(vec![a.clone(), other.clone(), b.clone()]);
        let [left, right, squat] = [&a, &b, &other].map(Prototype::course);
        let wanted = [Pair::mirrored(&left), Pair::new(&left, &right), Pair::mirrored(&squat), Pair::mirrored(&right)];
        assert_eq!(pairs(&all), wanted.iter().collect::<Vec<_>>());
        // Both sides of a squat do the same: its mirror's is enough.
        let squats = [35.0, -10.0].map(|azimuth| recording("Squat", "Squat", 0, azimuth));
        assert_eq!(pairs(&Prototypes::new(squats.to_vec())).len(), 2);
    }

    #[test]
    fn a_textbooks_ways_get_the_athletes_own_name_unless_it_is_not_clear_which() {
        let all = ways(&Prototypes::default(), "Biceps Curl");
        assert!(all > 0);
        let own = |name: &str| recording(name, "Biceps Curl", 0, 30.0);
        let one = Prototypes::new(vec![own("Front Curl"), own("Front Curl")]);
        assert_eq!([ways(&one, "Front Curl"), ways(&one, "Biceps Curl")], [all, 0]);
        let two = Prototypes::new(vec![own("Front Curl"), own("Second Curl")]);
        assert_eq!(["Front Curl", "Second Curl", "Biceps Curl"].map(|name| ways(&two, name)), [0, 0, 0]);
        // Who recorded it by its name as well means something else by his own.
        let both = Prototypes::new(vec![own("Biceps Curl"), own("Front Curl")]);
        assert_eq!([ways(&both, "Front Curl"), ways(&both, "Biceps Curl")], [0, all]);
        assert_eq!(ways(&one, "Squat"), ways(&Prototypes::default(), "Squat"), "the others keep theirs");
        assert_eq!(one.textbooks()[0].1.motions[USUAL].len(), TURN + 1);
    }
}
