//! Sets as people do them: uneven tempo, pauses, sticking points, ranges that shrink, a last repetition that fails.

use super::maths::Dice;
use super::moves::{Move, Style};
use super::script::{Script, Segment};
use super::view::View;
use super::{TrueSet, mono};

/// Ranges from which a set is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub reps: (u32, u32),
    /// Seconds of one repetition.
    pub tempo_s: (f64, f64),
    /// How far a repetition goes, against the usual.
    pub range: (f64, f64),
    /// Share of sets whose last attempt fails.
    pub fails: f64,
    /// Share of repetitions that stick on the way.
    pub sticks: f64,
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { reps: (3, 20), tempo_s: (1.2, 8.0), range: (0.6, 1.15), fails: 0.15, sticks: 0.12 }
    }
}

/// No repetition is quicker or slower than this, seconds, nor goes less far or further against the usual: tiredness and chance
/// stay within what the judged sets are said to be.
const TEMPO_S: (f64, f64) = (1.2, 8.0);
const RANGE: (f64, f64) = (0.6, 1.2);

/// What is peculiar to one set.
struct Habit {
    tempo_s: f64,
    range: f64,
    /// Shares of a repetition's time: going, holding, coming back, pausing.
    shares: [f64; 4],
    /// How much slower and shorter the last repetitions are.
    tired: f64,
    /// The effort is on the way to the turn; otherwise on the way back.
    lifts_first: bool,
}

/// Adds segments one after the other.
struct Way {
    t: f64,
    at: f64,
    rep: u32,
    segments: Vec<Segment>,
}

impl Way {
    fn to(&mut self, share: f64, takes_s: f64) {
        let segment = Segment { from_s: self.t, to_s: self.t + takes_s, from: self.at, to: share, rep: self.rep };
        (self.t, self.at) = (segment.to_s, share);
        self.segments.push(segment);
    }

    /// With a stop on the way, and a slip back.
    fn sticking(&mut self, share: f64, takes_s: f64, dice: &mut Dice) {
        let stop = self.at + (share - self.at) * dice.between((0.35, 0.65));
        let slip = (share - self.at) * dice.between((0.0, 0.07));
        self.to(stop, 0.45 * takes_s);
        self.to(stop - slip, dice.between((0.2, 0.9)));
        self.to(share, 0.7 * takes_s);
    }
}

impl Habit {
    fn new(movement: Move, style: &Style, effort: &Effort, dice: &mut Dice) -> Habit {
        // Slow sets are rarer than quick ones.
        let slow = dice.roll();
        let tempo_s = effort.tempo_s.0 + (effort.tempo_s.1 - effort.tempo_s.0) * slow * slow;
        let mut shares = [0.36, 0.07, 0.4, 0.17].map(|share| share * dice.between((0.6, 1.5)));
        if dice.happens(0.15) {
            shares[1] += 0.25;
        }
        if dice.happens(0.15) {
            shares[3] += 0.3;
        }
        let sum: f64 = shares.iter().sum();
        let lifts_first = !matches!(
            movement,
            Move::Squat
                | Move::FrontSquat
                | Move::GobletSquat
                | Move::Lunge
                | Move::RomanianDeadlift
                | Move::BenchPress
                | Move::InclinePress
                | Move::PushUp
        ) && (movement != Move::TricepsExtension || style.variant != 1);
        Habit {
            tempo_s,
            range: dice.between(effort.range),
            shares: shares.map(|share| share / sum),
            tired: dice.roll(),
            lifts_first,
        }
    }

    /// One repetition as far as `top`, with the tiredness of `late`, 0 to 1; back to `rest`.
    fn rep(&self, way: &mut Way, (top, rest): (f64, f64), late: f64, sticks: bool, dice: &mut Dice) {
        let slower = (1.0 + 0.1 * dice.normal()).clamp(0.75, 1.4) * (1.0 + 0.4 * self.tired * late * late);
        let slower = slower.clamp(TEMPO_S.0 / self.tempo_s, TEMPO_S.1 / self.tempo_s);
        let [go, hold, back, _] = self.shares.map(|share| share * self.tempo_s * slower);
        let (go, back) = (go.max(0.35), back.max(0.35));
        if sticks && self.lifts_first {
            way.sticking(top, go, dice);
        } else {
            way.to(top, go);
        }
        way.to(top + 0.01 * dice.normal(), hold.max(0.03));
        if sticks && !self.lifts_first {
            way.sticking(rest, back, dice);
        } else {
            way.to(rest, back);
        }
    }

    fn pause(&self, way: &mut Way, late: f64, dice: &mut Dice) {
        let breather = dice.happens(0.25 * late * self.tired);
        let takes_s = self.shares[3] * self.tempo_s + if breather { dice.between((1.5, 4.0)) } else { 0.0 };
        way.to(way.at + 0.01 * dice.normal(), takes_s.max(0.03));
    }
}

impl Script {
    /// Gets ready, does one set and puts the load away. What was done; how it can be seen is not known yet.
    pub fn train(&mut self, movement: Move, style: Style, effort: &Effort, dice: &mut Dice) -> TrueSet {
        let habit = Habit::new(movement, &style, effort, dice);
        let reps = dice.whole(effort.reps);
        self.get_ready(movement, &style);
        let mut way = Way { t: self.t, at: 0.0, rep: 0, segments: vec![] };
        let started_s = self.t;
        let mut rep_ends = vec![];
        let fails = dice.happens(effort.fails);
        let nearly = dice.happens(0.5);
        for n in 0..reps {
            way.rep = n;
            let late = f64::from(n) / f64::from(reps);
            let mut top =
                habit.range * (1.0 + 0.04 * dice.normal().clamp(-2.0, 2.0)) * (1.0 - 0.12 * habit.tired * late);
            if fails && nearly && n + 1 == reps {
                top *= dice.between((0.8, 0.92));
            }
            let top = top.clamp(RANGE.0, RANGE.1);
            // Not every repetition ends where it could; the shorter the range, the less is left out.
            let short = (0.03 + 0.03 * habit.tired * late) * habit.range;
            let rest = (short * dice.normal()).clamp(-0.02, 0.1 * habit.range);
            let sticks = dice.happens(effort.sticks * (0.4 + 1.2 * late));
            habit.rep(&mut way, (top, rest), late, sticks, dice);
            rep_ends.push(mono(way.t));
            habit.pause(&mut way, late, dice);
        }
        let ended_s = rep_ends.last().map_or(started_s, |end| end.as_ns() as f64 / 1e9);
        if fails && !nearly {
            way.rep = reps;
            let top = habit.range * dice.between((0.15, 0.45));
            habit.rep(&mut way, (top, 0.0), 1.0, false, dice);
        }
        way.to(0.0, dice.between((0.3, 1.0)));
        self.note = movement.name();
        self.set(movement, style, way.segments);
        self.put_away(movement, &style);
        TrueSet {
            exercise: movement.name(),
            movement,
            reps,
            started: mono(started_s),
            ended: mono(ended_s),
            rep_ends,
            view: View::default(),
        }
    }
}
