//! The exercises the box knows from the day it is made: how a body stands in each at the start and at the turn.
//!
//! A posture is five elevations: they are the same from wherever the camera looks, and for either side of the body. Their
//! values are those of textbook form; nobody's are quite so, and recorded prototypes know better.
//!
//! *elevation*: of a bone from its near to its far end, degrees: -90 hangs, 0 is level, 90 stands · *start*, *turn*: where
//! a repetition begins and ends, and where it changes direction.

use super::measure::{FOREARM, MEASURES, Measure, SHANK, THIGH, UPPER_ARM};

/// A body at one moment, by the elevations of its bones, both sides together. Degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Posture {
    trunk: f32,
    upper_arm: f32,
    forearm: f32,
    thigh: f32,
    shank: f32,
}

/// An exercise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Exercise {
    /// Its name in the log and the API.
    pub name: &'static str,
    /// The hinge whose angle is told with its repetitions.
    pub(super) hinge: Measure,
    /// Where a repetition begins and ends.
    pub(super) start: Posture,
    /// Where it changes direction.
    pub(super) turn: Posture,
    /// Seconds of its shortest and longest repetition.
    pub(super) rep_s: (f32, f32),
    /// The least share of the way that is a repetition.
    pub(super) least_way: f32,
}

const fn posture(trunk: f32, upper_arm: f32, forearm: f32, thigh: f32, shank: f32) -> Posture {
    Posture { trunk, upper_arm, forearm, thigh, shank }
}

const fn exercise(name: &'static str, hinge: Measure, start: Posture, turn: Posture) -> Exercise {
    Exercise { name, hinge, start, turn, rep_s: (0.7, 12.0), least_way: 0.3 }
}

/// All of them.
pub const EXERCISES: [Exercise; 16] = {
    use Measure::{Elbow, Hip, Knee};
    [
        exercise("Squat", Knee, posture(85., -50., 60., -90., -88.), posture(50., -60., 55., 0., -60.)),
        exercise("Front Squat", Knee, posture(87., 0., 40., -90., -88.), posture(65., 0., 40., 0., -58.)),
        exercise("Goblet Squat", Knee, posture(87., -75., 50., -90., -88.), posture(65., -70., 50., 0., -58.)),
        exercise("Lunge", Knee, posture(87., -87., -80., -90., -89.), posture(85., -87., -80., -30., -35.)),
        exercise("Deadlift", Hip, posture(88., -87., -87., -89., -88.), posture(25., -80., -85., -25., -72.)),
        exercise("Romanian Deadlift", Hip, posture(88., -87., -87., -89., -89.), posture(15., -82., -87., -65., -83.)),
        exercise("Bench Press", Elbow, posture(0., 80., 88., -10., -80.), posture(0., -15., 85., -10., -80.)),
        exercise("Incline Press", Elbow, posture(35., 80., 88., 0., -80.), posture(35., -25., 85., 0., -80.)),
        exercise("Overhead Press", Elbow, posture(87., -50., 75., -90., -90.), posture(87., 78., 87., -90., -90.)),
        exercise("Biceps Curl", Elbow, posture(88., -87., -80., -90., -90.), posture(88., -75., 55., -90., -90.)),
        exercise("Triceps Extension", Elbow, posture(85., -82., 15., -90., -90.), posture(85., -82., -78., -90., -90.)),
        exercise("Row", Elbow, posture(25., -85., -88., -65., -80.), posture(25., 15., -80., -65., -80.)),
        exercise("Pull-Up", Elbow, posture(88., 78., 87., -80., -80.), posture(80., -45., 80., -80., -75.)),
        exercise("Push-Up", Elbow, posture(18., -85., -88., -15., -15.), posture(3., 5., -85., -5., -10.)),
        exercise("Sit-Up", Hip, posture(0., 20., 20., 45., -50.), posture(70., 10., 20., 45., -50.)),
        exercise("Hip Thrust", Hip, posture(40., -40., -20., 20., -85.), posture(2., -20., -10., -2., -88.)),
    ]
};

/// Somebody who stands, arms hanging.
pub(super) const HANGING: Posture = posture(88., -87., -82., -90., -90.);

/// Other ways of doing some of them: the arms overhead, seated at a cable, one leg always in front.
pub(super) const VARIANTS: [(&str, Posture, Posture); 3] = [
    ("Triceps Extension", posture(88., 78., -20., -90., -90.), posture(88., 80., 80., -90., -90.)),
    ("Row", posture(80., -20., -25., 5., -40.), posture(88., -60., 0., 5., -40.)),
    ("Lunge", posture(86., -87., -82., -55., -55.), posture(82., -87., -82., -20., -35.)),
];

impl Exercise {
    /// Whether one bends for it, as for a thing on the floor.
    pub(super) fn bends(&self) -> bool {
        matches!(self.name, "Deadlift" | "Romanian Deadlift")
    }

    /// Whether an arm goes up in it as from the side to the mouth or to the hair.
    pub(super) fn reaches_up(&self) -> bool {
        self.name == "Overhead Press"
    }

    /// Whether bottles, towels and telephones are moved as in it.
    pub(super) fn is_daily(&self) -> bool {
        self.name == "Biceps Curl"
    }

    /// Whether it is often done with one arm.
    pub(super) fn by_one_arm(&self) -> bool {
        matches!(self.name, "Biceps Curl" | "Triceps Extension" | "Row" | "Overhead Press")
    }

    /// The one of this name, whichever case it is written in.
    pub fn named(name: &str) -> Option<&'static Exercise> {
        EXERCISES.iter().find(|exercise| exercise.name.eq_ignore_ascii_case(name.trim()))
    }
}

impl Posture {
    /// With the arms between this and `other`: one of them is there, the mean of both is between.
    pub fn arm_between(&self, other: &Posture) -> Posture {
        // Elevations are averaged as the rises that they are measured by.
        let mean = |a: f32, b: f32| ((a.to_radians().sin() + b.to_radians().sin()) / 2.0).asin().to_degrees();
        Posture {
            upper_arm: mean(self.upper_arm, other.upper_arm),
            forearm: mean(self.forearm, other.forearm),
            ..*self
        }
    }

    /// As measures; `NaN` for the hinges, whose angle in the picture depends on where the camera stands.
    pub fn measures(&self) -> [f32; MEASURES] {
        let sin = |deg: f32| deg.to_radians().sin();
        let mut all = [f32::NAN; MEASURES];
        let bones = [
            (Measure::Trunk, self.trunk),
            (Measure::UpperArm, self.upper_arm),
            (Measure::Forearm, self.forearm),
            (Measure::Thigh, self.thigh),
            (Measure::Shank, self.shank),
        ];
        for (measure, deg) in bones {
            all[measure as usize] = 90.0 * sin(deg);
        }
        let arm = UPPER_ARM * sin(self.upper_arm) + FOREARM * sin(self.forearm);
        let leg = THIGH * sin(self.thigh) + SHANK * sin(self.shank);
        all[Measure::Reach as usize] = 90.0 * arm / (UPPER_ARM + FOREARM);
        all[Measure::Stance as usize] = -180.0 * leg / (THIGH + SHANK);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exercises_are_found_by_name_and_move() {
        assert_eq!(Exercise::named(" biceps curl ").map(|e| e.name), Some("Biceps Curl"));
        assert_eq!(Exercise::named("Juggling"), None);
        for exercise in &EXERCISES {
            let (start, turn) = (exercise.start.measures(), exercise.turn.measures());
            let most = start.iter().zip(turn).map(|(a, b)| (a - b).abs()).filter(|d| d.is_finite()).fold(0.0, f32::max);
            assert!(most > 30.0, "{}: {most}", exercise.name);
        }
    }

    #[test]
    fn one_arm_that_hangs_halves_what_both_do_and_measures_are_rises() {
        let curl = Exercise::named("Biceps Curl").unwrap();
        let posture = curl.turn.arm_between(&HANGING);
        let all = posture.measures();
        let near = |measure: Measure, deg: f32| {
            assert!((all[measure as usize] - deg).abs() < 0.01, "{measure:?}: {} and not {deg}", all[measure as usize]);
        };
        // Upper arms at -75 and -87, forearms at 55 and -82 degrees: the mean of their sines.
        near(Measure::UpperArm, 90.0 * -0.982_28);
        near(Measure::Forearm, 90.0 * -0.085_56);
        near(Measure::Reach, 90.0 * (0.175 * -0.982_28 + 0.15 * -0.085_56) / 0.325);
        near(Measure::Trunk, 90.0 * 0.999_39);
        near(Measure::Stance, 180.0);
        let hinges = [Measure::Elbow, Measure::Shoulder, Measure::Hip, Measure::Knee];
        assert!(hinges.iter().all(|hinge| all[*hinge as usize].is_nan()), "they depend on where the camera stands");
        // Thighs at 0 and shanks at -60: half of the leg stands to 0.866.
        let squat = Exercise::named("Squat").unwrap().turn.measures();
        assert!(
            (squat[Measure::Stance as usize] - 180.0 * 0.433_01).abs() < 0.01,
            "{}",
            squat[Measure::Stance as usize]
        );
    }

    #[test]
    fn what_is_said_of_an_exercise_is_said_of_these() {
        let those =
            |is: fn(&Exercise) -> bool| EXERCISES.iter().filter(|of| is(of)).map(|of| of.name).collect::<Vec<_>>();
        assert_eq!(those(Exercise::bends), ["Deadlift", "Romanian Deadlift"]);
        assert_eq!(those(Exercise::reaches_up), ["Overhead Press"]);
        assert_eq!(those(Exercise::is_daily), ["Biceps Curl"]);
        assert_eq!(those(Exercise::by_one_arm), ["Overhead Press", "Biceps Curl", "Triceps Extension", "Row"]);
    }
}
