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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skeleton::{Joint, Keypoint};

    /// Slots of which every second one has an angle: these, each seen so surely.
    fn slots(degs: &[f32], confidence: f32) -> [Slot; SLOTS] {
        let mut all = [Slot::default(); SLOTS];
        for (n, deg) in degs.iter().enumerate() {
            // Three frames each.
            all[2 * n] = Slot { deg: 3.0 * deg, confidence: 3.0 * confidence, count: 3.0 };
        }
        all
    }

    #[test]
    fn the_range_of_a_joint_leaves_out_the_wildest_tenths() {
        let of = |degs: &[f32]| work(&slots(degs, 0.5));
        // In their order 0, 10, … 100: the second and the second last.
        let eleven = of(&[100.0, 0.0, 50.0, 10.0, 90.0, 20.0, 80.0, 30.0, 70.0, 40.0, 60.0]);
        assert_eq!((eleven.range_deg, eleven.confidence), (80.0, 0.5));
        assert_eq!(eleven.strength(), 40.0);
        assert_eq!(of(&[0.0, 10.0, 20.0, 30.0]).range_deg, 0.0, "four slots say nothing");
        assert_eq!(of(&[0.0, 10.0, 20.0, 30.0, 40.0]).range_deg, 30.0);
    }

    /// Elbows at these angles, each so sure; nothing else is seen.
    fn arms(left_deg: f32, right_deg: f32, left: f32, right: f32) -> Pose {
        let mut pose = Pose::default();
        for (side, deg, confidence) in [(0, left_deg, left), (1, right_deg, right)] {
            let x = 100.0 + 200.0 * side as f32;
            let (sin, cos) = deg.to_radians().sin_cos();
            let places = [(x, 0.0), (x, 100.0), (x + 80.0 * sin, 100.0 - 80.0 * cos)];
            for (joint, (x, y)) in [Joint::LeftShoulder, Joint::LeftElbow, Joint::LeftWrist].into_iter().zip(places) {
                pose.keypoints[joint as usize + side] = Keypoint { x, y, confidence };
            }
        }
        pose
    }

    /// So many seconds at ten frames a second, from `from` on, with both elbows between 90 degrees and so much less, in turns of
    /// half a second; which elbow is told after each frame.
    fn watched(
        mover: &mut Mover,
        from: f32,
        seconds: f32,
        (left, right): (f32, f32),
        sure: (f32, f32),
    ) -> Vec<Option<Hinge>> {
        let frame = |n: u64| {
            let bent = if (n / 5).is_multiple_of(2) { 0.0 } else { 1.0 };
            let pose = arms(90.0 - left * bent, 90.0 - right * bent, sure.0, sure.1);
            let stamp = Mono::from_ns(((from * 10.0) as u64 + n) * 100_000_000);
            mover.update(stamp, Some(1), Some(&pose)).map(|angle| angle.joint)
        };
        (0..(seconds * 10.0) as u64).map(frame).collect()
    }

    #[test]
    fn what_moves_less_than_20_degrees_is_no_work() {
        for (deg, told) in [(19.0, None), (21.0, Some(Hinge::LeftElbow))] {
            let all = watched(&mut Mover::default(), 10.0, 4.0, (deg, 0.0), (0.9, 0.9));
            assert_eq!(all[39], told, "{deg} degrees");
        }
    }

    #[test]
    fn of_two_sides_that_move_alike_the_better_seen_one_is_measured() {
        let told = |ways: (f32, f32), sure: (f32, f32)| watched(&mut Mover::default(), 10.0, 4.0, ways, sure)[39];
        assert_eq!(told((60.0, 50.0), (0.5, 0.9)), Some(Hinge::RightElbow));
        assert_eq!(told((60.0, 50.0), (0.9, 0.5)), Some(Hinge::LeftElbow));
        // Half guessed it moves more, but not so much that it is stronger.
        assert_eq!(told((60.0, 80.0), (0.9, 0.5)), Some(Hinge::LeftElbow));
        assert_eq!(told((60.0, 39.0), (0.5, 0.6)), Some(Hinge::LeftElbow), "less than two thirds is not alike");
        assert_eq!(told((60.0, 41.0), (0.5, 0.6)), Some(Hinge::RightElbow));
    }

    /// After ten seconds of these ways with both seen alike: how many tenths of a second it takes until the other elbow is told.
    fn changes_after(then: (f32, f32), sure: (f32, f32)) -> Option<usize> {
        let mut mover = Mover::default();
        let before = watched(&mut mover, 10.0, 10.0, (60.0, 30.0), (0.6, 0.6));
        assert_eq!(before[99], Some(Hinge::LeftElbow));
        watched(&mut mover, 20.0, 20.0, then, sure).iter().position(|joint| *joint == Some(Hinge::RightElbow))
    }

    #[test]
    fn another_joint_must_be_stronger_by_half_or_better_seen_for_a_second() {
        assert_eq!(changes_after((60.0, 30.0), (0.6, 0.6)), None);
        assert_eq!(changes_after((40.0, 59.0), (0.6, 0.6)), None, "not by half");
        let stronger = changes_after((40.0, 70.0), (0.6, 0.6)).unwrap();
        assert!((11..=60).contains(&stronger), "{stronger}");
        assert_eq!(changes_after((60.0, 55.0), (0.6, 0.74)), None, "hardly better seen");
        let surer = changes_after((60.0, 55.0), (0.6, 0.9)).unwrap();
        assert!((11..=50).contains(&surer), "{surer}");
        assert_eq!(changes_after((60.0, 30.0), (0.6, 0.9)), None, "the better seen one moves half as much");
        assert_eq!(changes_after((27.0, 19.0), (0.6, 0.78)), None, "it hardly moves at all");
        assert!(changes_after((27.0, 21.0), (0.6, 0.78)).is_some());
    }

    #[test]
    fn a_slot_is_a_tenth_of_a_second_and_four_seconds_are_looked_back_on() {
        assert_eq!([99_999_999, 100_000_000, 1_000_000_000].map(|ns| slot_number(Mono::from_ns(ns))), [0, 1, 10]);
        let mut mover = Mover::default();
        watched(&mut mover, 10.0, 4.0, (60.0, 0.0), (0.9, 0.9));
        assert!(mover.slots[Hinge::LeftElbow as usize].iter().all(|slot| slot.count == 1.0));
        // Nobody is seen for a second and a half: its slots are empty, the others stay.
        let stamp = Mono::from_ns(15_400_000_000);
        assert_eq!(mover.update(stamp, Some(1), None), None);
        let count =
            |mover: &Mover| mover.slots[Hinge::LeftElbow as usize].iter().filter(|slot| slot.count > 0.0).count();
        assert_eq!(count(&mover), 25);
        mover.update(Mono::from_ns(60_000_000_000), Some(1), None);
        assert_eq!(count(&mover), 0);
    }

    #[test]
    fn who_is_stronger_is_chosen_after_a_second_and_begins_anew_when_he_was_not_meanwhile() {
        let mut mover = Mover { chosen: Some(Hinge::LeftElbow), ..Mover::default() };
        let weak = slots(&[0.0, 10.0, 20.0, 30.0, 40.0], 0.5);
        mover.slots[Hinge::LeftElbow as usize] = weak;
        let mut told = |tenths: u64, other: [Slot; SLOTS]| {
            mover.now = Mono::from_ns(tenths * 100_000_000);
            mover.slots[Hinge::RightElbow as usize] = other;
            mover.compare();
            mover.chosen
        };
        let strong = slots(&[0.0, 30.0, 60.0, 90.0, 120.0], 0.5);
        assert_eq!([100, 105, 109].map(|tenths| told(tenths, strong)), [Some(Hinge::LeftElbow); 3]);
        assert_eq!(told(110, weak), Some(Hinge::LeftElbow));
        assert_eq!([111, 115, 120].map(|tenths| told(tenths, strong)), [Some(Hinge::LeftElbow); 3]);
        assert_eq!(told(121, strong), Some(Hinge::RightElbow));
    }
}
