//! Which joint of the athlete works, and its angle now: the one that moved most in the last four seconds.
//!
//! It must never jump from joint to joint within an exercise, and never depend on the frame rate: angles are gathered
//! in slots of a tenth of a second, and joints are compared once a slot.
//!
//! *range*: how far an angle goes, from its 10th to its 90th percentile, so that single wild angles do not count ·
//! *strength*: the range times the mean confidence of the three points: the far arm, half guessed, moves wildly.

use std::time::Duration;

use super::angle::{Angle, Hinge};
use crate::skeleton::Pose;
use crate::time::Mono;

/// Slots a second.
const RATE_HZ: u64 = 10;
/// Four seconds.
const SLOTS: usize = 4 * RATE_HZ as usize;
/// Fewer slots with an angle say nothing: a second's worth at 5 frames a second.
const MIN_SLOTS: usize = 5;
/// No joint is chosen that moves less than this, in degrees: jitter alone reaches some 15.
const MIN_RANGE_DEG: f32 = 20.0;
/// Another joint must be this many times as strong, …
const ADVANTAGE: f32 = 1.5;
/// … and the other side of the same joint this much surer, …
const SURER: f32 = 0.15;
/// … for this long.
const PATIENCE: Duration = Duration::from_secs(1);

/// What one hinge did in one slot; sums, to be divided by the count.
#[derive(Clone, Copy, Default)]
struct Slot {
    deg: f32,
    confidence: f32,
    count: f32,
}

/// What one hinge did in the whole window.
#[derive(Clone, Copy, Default)]
struct Work {
    range_deg: f32,
    confidence: f32,
}

impl Work {
    fn strength(self) -> f32 {
        self.range_deg * self.confidence
    }
}

/// Finds the joint that works. No allocation, ever.
#[derive(Clone, Copy)]
pub struct Mover {
    id: Option<u32>,
    slots: [[Slot; SLOTS]; Hinge::ALL.len()],
    /// Number of the newest slot since the clock began.
    newest: u64,
    now: Mono,
    chosen: Option<Hinge>,
    /// Who is about to be chosen instead, and since when.
    rival: Option<(Hinge, Mono)>,
}

impl Default for Mover {
    fn default() -> Mover {
        Mover {
            id: None,
            slots: [[Slot::default(); SLOTS]; Hinge::ALL.len()],
            newest: 0,
            now: Mono::ZERO,
            chosen: None,
            rival: None,
        }
    }
}

impl Mover {
    /// Takes the athlete's pose on the next frame, if he is seen on it, and says the angle of the joint that works.
    ///
    /// Nothing while no joint has moved 20 degrees yet, or where its points are not seen. Another `id` begins anew.
    /// A stamp before the last one counts as the last one.
    pub fn update(&mut self, stamp: Mono, id: Option<u32>, pose: Option<&Pose>) -> Option<Angle> {
        let now = self.now.max(stamp);
        if id != self.id {
            *self = Mover { id, newest: slot_number(now), ..Mover::default() };
        }
        self.now = now;
        let pose = pose.filter(|_| id.is_some());
        if slot_number(now) > self.newest {
            self.compare();
            self.turn(slot_number(now));
        }
        let pose = pose?;
        let newest = self.newest as usize % SLOTS;
        for (slots, hinge) in self.slots.iter_mut().zip(Hinge::ALL) {
            if let Some(angle) = hinge.of(pose) {
                let slot = &mut slots[newest];
                slot.deg += angle.deg;
                slot.confidence += hinge.confidence(pose);
                slot.count += 1.0;
            }
        }
        self.chosen?.of(pose)
    }

    /// Empties the slots up to `newest`, which were not written in this turn.
    fn turn(&mut self, newest: u64) {
        let fresh = (newest - self.newest).min(SLOTS as u64);
        for number in newest + 1 - fresh..=newest {
            self.slots.iter_mut().for_each(|slots| slots[number as usize % SLOTS] = Slot::default());
        }
        self.newest = newest;
    }

    /// Once a slot: who works most, and is it time to change?
    fn compare(&mut self) {
        let work = Hinge::ALL.map(|hinge| work(&self.slots[hinge as usize]));
        let of = |hinge: Hinge| work[hinge as usize];
        let strongest = Hinge::ALL.into_iter().max_by(|a, b| of(*a).strength().total_cmp(&of(*b).strength()));
        let Some(best) = strongest.filter(|hinge| of(*hinge).range_deg >= MIN_RANGE_DEG) else {
            self.rival = None;
            return;
        };
        // Both sides work alike in most exercises; then the better seen one is measured.
        let alike = |a: Hinge, b: Hinge| of(a).range_deg * ADVANTAGE >= of(b).range_deg;
        let Some(chosen) = self.chosen else {
            let other = best.opposite();
            let other_better = alike(other, best) && of(other).confidence > of(best).confidence;
            self.chosen = Some(if other_better { other } else { best });
            return;
        };
        let other = chosen.opposite();
        let rival = if of(best).strength() > ADVANTAGE * of(chosen).strength() {
            Some(best)
        } else {
            let surer = of(other).confidence > of(chosen).confidence + SURER;
            (surer && alike(other, chosen) && of(other).range_deg >= MIN_RANGE_DEG).then_some(other)
        };
        let since = self.rival.filter(|(hinge, _)| Some(*hinge) == rival).map_or(self.now, |(_, since)| since);
        self.rival = rival.map(|hinge| (hinge, since));
        if let Some((hinge, _)) = self.rival.filter(|_| self.now.since(since) >= PATIENCE) {
            (self.chosen, self.rival) = (Some(hinge), None);
        }
    }
}

fn slot_number(stamp: Mono) -> u64 {
    stamp.as_ns() / (1_000_000_000 / RATE_HZ)
}

fn work(slots: &[Slot; SLOTS]) -> Work {
    let (mut degs, mut count, mut confidence) = ([0.0; SLOTS], 0, 0.0);
    for slot in slots.iter().filter(|slot| slot.count > 0.0) {
        degs[count] = slot.deg / slot.count;
        confidence += slot.confidence / slot.count;
        count += 1;
    }
    if count < MIN_SLOTS {
        return Work::default();
    }
    let degs = &mut degs[..count];
    degs.sort_unstable_by(f32::total_cmp);
    let percentile = |n: usize| degs[(count - 1) * n / 100];
    Work { range_deg: percentile(90) - percentile(10), confidence: confidence / count as f32 }
}
