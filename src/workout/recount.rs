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
            self.counted = self.count(end, rep_s);
            let done = (end.saturating_sub(self.first) as usize).min(self.values.len());
            self.values.drain(..done);
            self.first += done as u64;
        }
    }

    /// Repetitions up to the tick `end`, each of about `rep_s` seconds.
    pub fn count(&self, end: u64, rep_s: f32) -> u32 {
        let length = (end.saturating_sub(self.first) as usize + 1).min(self.values.len());
        let mut x = self.values[..length].to_vec();
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
