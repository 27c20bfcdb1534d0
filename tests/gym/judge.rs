//! Compares what was counted with what was done.
//!
//! A true set is compared with all counted sets that overlap it in time: its error is their repetitions' sum less the truth;
//! nothing counted is an error of all its repetitions. More than one counted set is a *split* as well. A counted set that
//! overlaps several true ones is given to the one it overlaps longest, so that a merge shows as an error too. A *ghost* is a
//! counted set that overlaps no true one. A name is right if the set's longest part has it.
//!
//! Sets whose movement cannot be seen (see [`super::view`]) are listed and left out of the shares.

use std::collections::BTreeMap;

use super::maths::Dice;
use super::moves::{KNOWN, Move};
use super::{Gym, Plan, TrueSet};
use spotter::time::Mono;

/// A set as it was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    pub name: Option<String>,
    pub reps: u32,
    pub started: Mono,
    pub ended: Mono,
    pub rep_ends: Vec<Mono>,
}

/// One true set and what became of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub seed: u64,
    pub movement: Move,
    pub hidden: bool,
    pub reps: u32,
    pub counted: u32,
    pub parts: usize,
    pub name: Option<String>,
    /// What it was like, by condition.
    pub labels: Vec<String>,
    /// Ends of repetitions that nobody did, and of those that were not counted: seconds from the set's start.
    pub surplus: Vec<f32>,
    pub lost: Vec<f32>,
}

impl Outcome {
    pub fn error(&self) -> u32 {
        self.reps.abs_diff(self.counted)
    }
}

/// What became of a session's sets, and how many counted sets nobody did.
pub fn compare(seed: u64, gym: &Gym, counted: &[Counted]) -> (Vec<Outcome>, Vec<Counted>) {
    let (parts, ghosts) = shared_out(&gym.truth, counted);
    let outcome = |(set, parts): (&TrueSet, Vec<&Counted>)| {
        let ends: Vec<Mono> = parts.iter().flat_map(|part| part.rep_ends.iter().copied()).collect();
        let longest = parts.iter().max_by_key(|part| part.ended.since(part.started));
        Outcome {
            seed,
            movement: set.movement,
            hidden: set.view.hidden(),
            reps: set.reps,
            counted: parts.iter().map(|part| part.reps).sum(),
            parts: parts.len(),
            name: longest.and_then(|part| part.name.clone()),
            labels: labels(gym, set),
            surplus: unmatched(set, &ends, &set.rep_ends),
            lost: unmatched(set, &set.rep_ends, &ends),
        }
    };
    (gym.truth.iter().zip(parts).map(outcome).collect(), ghosts)
}

/// Those of `ends` that have none of `others` for themselves within half of a repetition; seconds from the set's start.
fn unmatched(set: &TrueSet, ends: &[Mono], others: &[Mono]) -> Vec<f32> {
    let seconds = |at: Mono| at.since(set.started).as_secs_f32() - set.started.since(at).as_secs_f32();
    let reach = 0.5 * set.ended.since(set.started).as_secs_f32() / set.reps as f32;
    let mut left: Vec<f32> = others.iter().map(|at| seconds(*at)).collect();
    let mut alone = vec![];
    for end in ends.iter().map(|at| seconds(*at)) {
        match left.iter().position(|other| (other - end).abs() <= reach) {
            Some(n) => drop(left.remove(n)),
            None => alone.push(end),
        }
    }
    alone
}

/// The counted sets of every true one, and those of none.
fn shared_out<'a>(truth: &[TrueSet], counted: &'a [Counted]) -> (Vec<Vec<&'a Counted>>, Vec<Counted>) {
    let mut parts = vec![vec![]; truth.len()];
    let mut ghosts = vec![];
    for set in counted {
        let overlap = |real: &TrueSet| {
            let (from, to) = (real.started.max(set.started), real.ended.min(set.ended));
            (to >= from).then(|| to.since(from))
        };
        let best = truth.iter().enumerate().filter_map(|(n, real)| Some((overlap(real)?, n))).max();
        match best {
            Some((_, n)) => parts[n].push(set),
            None => ghosts.push(set.clone()),
        }
    }
    (parts, ghosts)
}

fn labels(gym: &Gym, set: &TrueSet) -> Vec<String> {
    let fps = [5.0, 10.0, 15.0, 30.0, 60.0].into_iter().rev().find(|fps| gym.fps >= 0.99 * fps).unwrap_or(5.0);
    let azimuth = gym.azimuth.abs();
    let view = match azimuth {
        a if a < 20.0 => "front 0-20°",
        a if a < 40.0 => "oblique 20-40°",
        a if a < 60.0 => "oblique 40-60°",
        _ => "side 60-90°",
    };
    let range = if set.view.range_deg < 6.0 * set.view.noise_deg { "range under 6 σ" } else { "range over 6 σ" };
    let each_s = set.ended.since(set.started).as_secs_f64() / f64::from(set.reps);
    let tempo = match each_s {
        s if s < 2.0 => "tempo under 2 s",
        s if s < 4.0 => "tempo 2-4 s",
        _ => "tempo over 4 s",
    };
    let people = if gym.people.len() > 1 { "others about" } else { "alone" };
    vec![
        format!("{fps:>2} fps"),
        view.into(),
        format!("noise {:>2}°", gym.sight.noise_deg),
        range.into(),
        tempo.into(),
        people.into(),
    ]
}

/// The conditions of a judged set: drawn for every seed, exercises in turn.
pub fn conditions(movement: Move, seed: u64) -> Plan {
    let mut dice = Dice::new(seed, 11);
    let mut plan = Plan::new(vec![movement]);
    let fps = *dice.pick(&[5.0, 10.0, 15.0, 15.0, 30.0, 30.0, 30.0, 60.0]);
    plan.fps = (fps, fps);
    plan.sight.noise_deg = *dice.pick(&[3.0, 3.0, 6.0, 6.0, 6.0, 9.0, 9.0, 12.0]);
    plan.sight.dropout = *dice.pick(&[0.0, 0.02, 0.05, 0.1]);
    plan.rest_s = (8.0, 30.0);
    plan.after_s = (15.0, 40.0);
    plan
}

/// Which set the n-th is, with its seed.
pub fn nth(n: u64, first_seed: u64) -> (Move, u64) {
    (KNOWN[(n % 16) as usize], first_seed + n)
}

/// A counted set in a line: its repetitions, when they ended, and what the athlete really did.
pub fn told(gym: &Gym, set: &Counted) -> String {
    let seconds = |at: Mono| at.as_ns() as f64 / 1e9 - super::BEGIN_S;
    let ends: Vec<f64> = set.rep_ends.iter().map(|at| seconds(*at)).collect();
    let (from, to) = (seconds(set.started), seconds(set.ended));
    let notes = gym.people[0].notes(from + super::BEGIN_S, to + super::BEGIN_S);
    format!("{} reps from {from:.1}, {ends:.1?}, {:?}; he {notes:?}", set.reps, set.name)
}

/// Sums of some sets.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sum {
    pub sets: u32,
    pub hidden: u32,
    pub missed: u32,
    pub exact: u32,
    pub within_one: u32,
    pub error: u32,
    pub split: u32,
    pub right: u32,
    pub wrong: u32,
}

impl Sum {
    pub fn add(&mut self, outcome: &Outcome) {
        if outcome.hidden {
            self.hidden += 1;
            return;
        }
        self.sets += 1;
        self.error += outcome.error();
        self.exact += u32::from(outcome.error() == 0);
        self.within_one += u32::from(outcome.error() <= 1);
        self.missed += u32::from(outcome.parts == 0);
        self.split += u32::from(outcome.parts > 1);
        match &outcome.name {
            Some(name) if name == outcome.movement.name() => self.right += 1,
            Some(_) => self.wrong += 1,
            None => {}
        }
    }

    pub fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Sum {
        let mut sum = Sum::default();
        outcomes.for_each(|outcome| sum.add(outcome));
        sum
    }

    pub fn mean_error(&self) -> f64 {
        f64::from(self.error) / f64::from(self.sets.max(1))
    }

    pub fn share(&self, of: u32) -> f64 {
        f64::from(of) / f64::from(self.sets.max(1))
    }

    fn row(&self, name: &str) -> String {
        let percent = |of: u32| format!("{:.1}", 100.0 * self.share(of));
        format!(
            "{name:<20} {:>5} {:>6} {:>6} {:>6.3} {:>6} {:>6} {:>5} {:>6} {:>6}\n",
            self.sets,
            self.hidden,
            self.missed,
            self.mean_error(),
            percent(self.exact),
            percent(self.within_one),
            self.split,
            percent(self.right),
            percent(self.wrong),
        )
    }
}

/// The table: all, by exercise, by condition.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{:<20} {:>5} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5} {:>6} {:>6}\n",
        "", "sets", "hidden", "missed", "error", "exact%", "±1%", "split", "right%", "wrong%"
    );
    text += &Sum::of(outcomes.iter()).row("all");
    text += "\n";
    for movement in KNOWN {
        text += &Sum::of(outcomes.iter().filter(|o| o.movement == movement)).row(movement.name());
    }
    let mut by: BTreeMap<(usize, &str), Sum> = BTreeMap::new();
    for outcome in outcomes {
        for (n, label) in outcome.labels.iter().enumerate() {
            by.entry((n, label)).or_default().add(outcome);
        }
    }
    let mut last = usize::MAX;
    for ((n, label), sum) in by {
        text += if n == last { "" } else { "\n" };
        text += &sum.row(label);
        last = n;
    }
    text
}

#[test]
fn every_counted_set_is_given_to_the_true_one_it_overlaps_longest_or_is_a_ghost() {
    let at = |t_s: u64| Mono::from_ns(t_s * 1_000_000_000);
    let real = |from: u64, to: u64| TrueSet {
        exercise: "Squat",
        movement: Move::Squat,
        reps: 5,
        started: at(from),
        ended: at(to),
        rep_ends: vec![],
        view: super::view::View::default(),
    };
    let set = |from: u64, to: u64| Counted { name: None, reps: 3, started: at(from), ended: at(to), rep_ends: vec![] };
    let truth = [real(10, 20), real(30, 40)];
    let counted = [set(9, 14), set(15, 21), set(19, 38), set(50, 60)];
    let (parts, ghosts) = shared_out(&truth, &counted);
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((ghosts.len(), ghosts[0].started), (1, at(50)));
}
