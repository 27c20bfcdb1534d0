//! The second, unhurried count of a set: how often its signal crosses the middle of its own range, over the whole of it.
//!
//! It shares nothing with the first count but the signal: no extremes, no memory of what was told. It holds at most
//! [`LENGTH`]; a longer set is counted piece by piece.

use super::extrema::smooth;
use super::signal::{RATE_HZ, TICKS, ticks};

/// Ten minutes.
const LENGTH: usize = 600 * RATE_HZ as usize;
/// Ticks younger than this may still be filled.
const YOUNG: u64 = 2 * RATE_HZ as u64;
/// Shares of the range that must be crossed up and down.
const HIGH: f32 = 0.6;
const LOW: f32 = 0.4;
/// Smoothing is this share of a repetition.
const SMOOTH: f32 = 0.12;

/// What was counted by, since the set's first repetition.
pub struct Tape {
    values: Vec<f32>,
    first: u64,
    next: u64,
    counted: u32,
}

impl Tape {
    pub fn new(start: u64) -> Tape {
        Tape { values: Vec::with_capacity(LENGTH), first: start, next: start, counted: 0 }
    }

    /// Takes what is old enough from the signal, before it is forgotten there.
    pub fn take(&mut self, newest: u64, minute: &[f32]) {
        while self.next + YOUNG <= newest && self.values.len() < LENGTH {
            self.values.push(minute[self.next as usize % TICKS]);
            self.next += 1;
        }
    }

    /// Piece by piece: counts what is there up to a repetition's end, and begins anew behind it.
    pub fn turn_over(&mut self, end: u64, rep_s: f32) {
        if self.values.len() >= LENGTH {
            self.counted = self.count((self.first, end), rep_s);
            let done = (end.saturating_sub(self.first) as usize).min(self.values.len());
            self.values.drain(..done);
            self.first += done as u64;
        }
    }

    /// Repetitions from the tick `from` up to the tick `end`, each of about `rep_s` seconds.
    pub fn count(&self, (from, end): (u64, u64), rep_s: f32) -> u32 {
        let length = (end.saturating_sub(self.first) as usize + 1).min(self.values.len());
        let skipped = (from.saturating_sub(self.first) as usize).min(length);
        let mut x = self.values[skipped..length].to_vec();
        let mut last = x.iter().copied().find(|v| v.is_finite()).unwrap_or(0.0);
        for value in &mut x {
            last = if value.is_finite() { *value } else { last };
            *value = last;
        }
        smooth(&mut x, ticks(SMOOTH * rep_s / 2.0).max(1), &mut Vec::new());
        let mut sorted = x.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let Some(most) = sorted.len().checked_sub(1) else { return self.counted };
        let (low, high) = (sorted[most / 20], sorted[most - most / 20]);
        let level = |share: f32| low + share * (high - low);
        let (mut up, mut count) = (false, 0);
        for value in x {
            if !up && value > level(HIGH) {
                (up, count) = (true, count + 1);
            } else if up && value < level(LOW) {
                up = false;
            }
        }
        self.counted + count
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    /// A tape that begins at the tick 5 and was given so many ticks of `value`, minute by minute, as a signal keeps them.
    fn taken(length: u64, value: impl Fn(u64) -> f32, mut each: impl FnMut(&mut Tape, u64)) -> Tape {
        let (mut tape, mut minute) = (Tape::new(5), vec![f32::NAN; TICKS]);
        for tick in 5..5 + length {
            minute[tick as usize % TICKS] = value(tick - 5);
            tape.take(tick, &minute);
            each(&mut tape, tick);
        }
        tape
    }

    /// How many are counted, each of so many seconds and of the same form, with what follows left out.
    fn counted(seconds: f32, rep_s: f32, value: impl Fn(f32) -> f32) -> u32 {
        let length = ticks(seconds) as u64;
        // What is young is not taken.
        taken(length + YOUNG, |tick| value(tick as f32 / RATE_HZ as f32), |_, _| {}).count((5, 5 + length - 1), rep_s)
    }

    fn squat(t: f32, rep_s: f32) -> f32 {
        130.0 - 40.0 * (TAU * t / rep_s).cos()
    }

    #[test]
    fn each_way_over_the_middle_and_back_is_one() {
        assert_eq!(counted(20.0, 2.0, |t| squat(t, 2.0)), 10);
        assert_eq!(counted(60.0, 10.0, |t| squat(t, 10.0)), 6);
        assert_eq!(counted(20.0, 2.0, |t| -squat(t, 2.0)), 11, "whichever way it goes, with a half at either end");
        assert_eq!(counted(20.0, 2.0, |_| f32::NAN), 0, "nothing was seen");
        assert_eq!(Tape::new(7).count((7, 100), 2.0), 0, "nothing was taken");
    }

    #[test]
    fn what_sticks_half_way_is_one_and_what_hardly_goes_is_none() {
        // From 0 to 100 and back; on the way back it stays, between what counts as up and as down, and goes up again.
        let sticks = |t: f32| match t % 4.0 {
            t if t < 1.0 => 0.0,
            t if t < 2.0 => 100.0,
            t if t < 2.5 => 47.0,
            t if t < 3.0 => 80.0,
            _ => 0.0,
        };
        assert_eq!(counted(40.0, 4.0, sticks), 10);
        // Ten of them from 0 to 100; the sixth is between these.
        let one_between = |low: f32, high: f32| {
            move |t: f32| {
                let (low, high) = if t > 20.0 && t < 24.0 { (low, high) } else { (0.0, 100.0) };
                if t % 4.0 < 2.0 { low } else { high }
            }
        };
        assert_eq!(counted(40.0, 4.0, one_between(0.0, 66.0)), 10);
        assert_eq!(counted(40.0, 4.0, one_between(0.0, 54.0)), 9);
        assert_eq!(counted(40.0, 4.0, one_between(34.0, 100.0)), 10);
        assert_eq!(counted(40.0, 4.0, one_between(46.0, 100.0)), 9);
    }

    #[test]
    fn a_tremble_is_smoothed_and_a_quick_repetition_among_slow_ones_is_not() {
        // Ten ticks to and fro.
        let off = |t: f32| if ticks(t) % 10 < 5 { 20.0 } else { -20.0 };
        let trembling = |t: f32| squat(t, 10.0) + off(t);
        assert_eq!(counted(60.0, 10.0, trembling), 6);
        let quicker = |t: f32| squat(t, if t < 40.0 { 10.0 } else { 2.5 });
        assert_eq!(counted(60.0, 10.0, quicker), 4 + 8);
    }

    #[test]
    fn a_gap_is_as_it_was_before_it_and_single_wild_values_do_not_set_the_range() {
        let gaps = |t: f32| if t < 1.0 || (6.2..6.8).contains(&t) { f32::NAN } else { squat(t, 2.0) };
        assert_eq!(counted(20.0, 2.0, gaps), 10);
        let wild = |t: f32| if (8.9..9.0).contains(&t) { 2000.0 } else { squat(t, 2.0) };
        assert_eq!(counted(20.05, 2.0, wild), 10);
        let wild = |t: f32| if (8.0..8.1).contains(&t) { -2000.0 } else { squat(t, 2.0) };
        assert_eq!(counted(20.05, 2.0, wild), 10);
    }

    #[test]
    fn what_is_young_and_what_comes_behind_the_end_is_not_counted() {
        let tape = taken(400, |tick| squat(tick as f32 / RATE_HZ as f32, 2.0), |_, _| {});
        assert_eq!(tape.values.len() as u64, 400 - YOUNG);
        assert_eq!(tape.values[399 - YOUNG as usize], squat(399.0 / RATE_HZ as f32 - 2.0, 2.0));
        // The end itself belongs to it.
        let late = taken(200, |tick| if tick < 50 || tick == 120 { 100.0 } else { 0.0 }, |_, _| {});
        assert_eq!((late.count((5, 5 + 119), 1.0), late.count((5, 5 + 120), 1.0)), (1, 2));
        assert_eq!(
            (tape.count((5, 5 + 99), 2.0), tape.count((5, 5 + 199), 2.0), tape.count((5, u64::MAX), 2.0)),
            (3, 5, 9)
        );
        // What was taken for a first one and was none is not counted either.
        assert_eq!(tape.count((5 + 80, 5 + 199), 2.0), 3);
    }

    #[test]
    fn a_set_longer_than_the_tape_is_counted_piece_by_piece_without_losing_one() {
        let mut turned = 0;
        let rep = ticks(4.0) as u64;
        let tape = taken(
            3 * LENGTH as u64,
            |tick| squat(tick as f32 / RATE_HZ as f32, 4.0),
            |tape, tick| {
                assert!(tape.values.len() <= LENGTH);
                // Told a little after it ended.
                if tick > 105 && (tick - 5 - 50) % rep == 0 {
                    let was = tape.counted;
                    tape.turn_over(tick - 50, 4.0);
                    turned += u32::from(tape.counted != was);
                    assert_eq!(tape.first + tape.values.len() as u64, tape.next);
                }
            },
        );
        assert_eq!(turned, 2, "only when it is full");
        assert_eq!(tape.count((5, 5 + 3 * LENGTH as u64 - 1), 4.0), (3 * LENGTH as u64 - YOUNG).div_ceil(rep) as u32);
    }
}
