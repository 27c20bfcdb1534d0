//! When the athlete does what: sets of repetitions at a steady tempo, then rest, for ever.
//!
//! *depth*: how far into the repetition, 0 at its start, 1 at its turning point · *go*: towards the turning point ·
//! *back*: to the start. A pure function of time: asking for a moment twice gives it twice.

use super::geometry::{ease, mix};
use super::look::{Dice, Look};
use crate::capture::uri::DemoAddress;

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exercise {
    Squat,
    Curl,
    Press,
    Deadlift,
    Lunge,
}

impl Exercise {
    /// By its name in the address; the address was checked, so an unknown one cannot come and is a squat.
    pub fn named(name: &str) -> Exercise {
        match name {
            "curl" => Exercise::Curl,
            "press" => Exercise::Press,
            "deadlift" => Exercise::Deadlift,
            "lunge" => Exercise::Lunge,
            _ => Exercise::Squat,
        }
    }

    /// Seconds of going, holding, coming back and pausing.
    fn tempo_s(self) -> [f64; 4] {
        match self {
            Exercise::Squat => [1.6, 0.25, 1.2, 0.55],
            Exercise::Curl => [1.1, 0.25, 1.5, 0.35],
            Exercise::Press => [1.1, 0.35, 1.4, 0.45],
            Exercise::Deadlift => [1.5, 0.3, 1.3, 0.6],
            Exercise::Lunge => [1.4, 0.2, 1.3, 0.5],
        }
    }
}

/// One moment of the program.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Moment {
    /// 0 at the repetition's start, 1 at its turning point.
    pub depth: f32,
    /// 0 in the set, 1 at rest, in between on the way.
    pub rest: f32,
    /// Repetitions begun in this set before this one.
    pub rep: u32,
    /// Radians of one breath, of a sway and of a glance.
    pub breath: f32,
    pub sway: f32,
    pub glance: f32,
}

/// The program for ever.
#[derive(Clone, Debug)]
pub struct Program {
    pub exercise: Exercise,
    pub reps: u32,
    pub rest_s: f64,
    tempo_s: [f64; 4],
    habit: f64,
    seed: u64,
}

/// How long it takes to come to rest and out of it.
const SETTLE_S: f64 = 1.2;

impl Program {
    pub fn new(address: &DemoAddress, look: &Look) -> Program {
        let exercise = Exercise::named(&address.exercise);
        Program {
            exercise,
            reps: address.reps.max(1),
            rest_s: if address.rest_s.is_finite() { address.rest_s.max(0.0) } else { 0.0 },
            tempo_s: exercise.tempo_s().map(|s| s * f64::from(look.tempo)),
            habit: f64::from(look.habit),
            seed: address.seed,
        }
    }

    /// Seconds of one repetition.
    pub fn rep_s(&self) -> f64 {
        self.tempo_s.iter().sum()
    }

    /// Seconds of one set.
    pub fn set_s(&self) -> f64 {
        self.rep_s() * f64::from(self.reps)
    }

    /// What happens `t` seconds after the start.
    pub fn at(&self, t: f64) -> Moment {
        let round_s = self.set_s() + self.rest_s;
        let round = (t / round_s).floor();
        let within = t - round * round_s;
        let angle = |period_s: f64| ((t / period_s).fract() * std::f64::consts::TAU + self.habit) as f32;
        let mut out =
            Moment { depth: 0.0, rest: 0.0, rep: 0, breath: angle(3.6), sway: angle(5.3), glance: angle(9.7) };
        if within < self.set_s() {
            let rep = (within / self.rep_s()).floor().min(f64::from(self.reps - 1));
            out.rep = rep as u32;
            out.depth = self.depth(within - rep * self.rep_s()) * self.fullness(round, rep);
        } else {
            let (rested, left) = (within - self.set_s(), round_s - within);
            let settle = SETTLE_S.min(self.rest_s / 2.0).max(1e-6);
            out.rest = ease((rested.min(left) / settle) as f32);
        }
        out
    }

    fn depth(&self, t: f64) -> f32 {
        let [go, hold, back, _] = self.tempo_s;
        if t < go {
            ease((t / go) as f32)
        } else if t < go + hold {
            1.0
        } else {
            1.0 - ease(((t - go - hold) / back) as f32)
        }
    }

    /// No two repetitions are quite the same; but a deadlift's plates do reach the floor.
    fn fullness(&self, round: f64, rep: f64) -> f32 {
        if self.exercise == Exercise::Deadlift {
            return 1.0;
        }
        let mut dice = Dice::new(self.seed ^ (round as u64).wrapping_mul(7919) ^ (rep as u64) << 40);
        mix(0.955, 1.0, dice.between(0.0, 1.0))
    }
}
