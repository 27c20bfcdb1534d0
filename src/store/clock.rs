//! What time it is, where the wall clock may be wrong: a box without a battery begins in 1970, or where it was switched off,
//! and is told the time by the network some minutes later.
//!
//! Between two moments without such a step, the wall clock and the monotonic one differ by the same amount. When that
//! amount changes, the clock was *set*, and what the box noted since it was started is moved by the same step.
//!
//! *plausible*: not before this version of Spotter was made · *gap*: by how much the wall clock is ahead of the monotonic
//! one, time asleep left out (the monotonic clock stands still while a laptop sleeps; that is no step).

use std::time::Duration;

use crate::time::{Mono, Wall};

/// From 2026-01-01 on for fifty years, in milliseconds since 1970: a clock that shows anything else is wrong.
pub(super) const PLAUSIBLE_MS: std::ops::Range<u64> = 1_767_225_600_000..1_767_225_600_000 + 50 * 31_557_600_000;
/// Less than this is no clock that was set but one that was kept right: a crystal loses seconds in a week without network.
const STEP_MS: i64 = 30_000;
/// Less than this is how the two clocks are read, one after the other.
const NOISE_MS: i64 = 1000;

/// All clocks, read at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The monotonic clock.
    pub mono: Mono,
    /// The wall clock, right or not.
    pub wall: Wall,
    /// How long the machine slept since it was started.
    pub asleep: Duration,
}

impl Reading {
    /// Now.
    pub fn now() -> Reading {
        Reading { mono: Mono::now(), wall: Wall::now(), asleep: crate::time::asleep() }
    }

    /// Whether the wall clock may be right.
    pub fn is_plausible(&self) -> bool {
        is_plausible(self.wall.unix_ms())
    }

    /// Whether what is sent out may bear this time: the clock is plausible, or nobody has set it for `wait` since the
    /// machine was started.
    pub fn is_settled(&self, wait: Duration) -> bool {
        self.is_plausible() || self.mono.since(Mono::ZERO) >= wait
    }

    /// Milliseconds by which the wall clock is ahead.
    pub fn gap_ms(&self) -> i64 {
        let own_ms = self.mono.since(Mono::ZERO).saturating_add(self.asleep).as_millis();
        signed(u128::from(self.wall.unix_ms())).saturating_sub(signed(own_ms))
    }
}

/// Whether a wall time may be right.
pub fn is_plausible(unix_ms: u64) -> bool {
    PLAUSIBLE_MS.contains(&unix_ms)
}

/// The step from one gap to another, if it is one.
pub fn step_ms(from: i64, to: i64) -> Option<i64> {
    let step = to.saturating_sub(from);
    (step.saturating_abs() > STEP_MS).then_some(step)
}

/// Whether two gaps are the same but for how clocks are read.
pub fn is_same(a: i64, b: i64) -> bool {
    a.saturating_sub(b).saturating_abs() <= NOISE_MS
}

fn signed(ms: u128) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// The kernel's name of this start of the machine; the monotonic clock means something within it alone.
pub fn boot_id() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let told = told.trim();
    // Without one, every start of the program counts as a start of the machine: then nothing is moved wrongly.
    if told.is_empty() { super::key::random_hex() } else { told.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THIS_YEAR_MS: u64 = PLAUSIBLE_MS.start;

    fn at(mono_s: u64, wall_ms: u64, asleep_s: u64) -> Reading {
        Reading {
            mono: Mono::from_ns(mono_s * 1_000_000_000),
            wall: Wall::from_unix_ms(wall_ms),
            asleep: Duration::from_secs(asleep_s),
        }
    }

    #[test]
    fn a_set_clock_is_a_step_and_sleep_is_none() {
        let before = at(100, 100_000, 0);
        let later = at(160, 160_900, 0);
        assert!(is_same(before.gap_ms(), later.gap_ms()), "0.9 s is how clocks are read");
        assert_eq!([step_ms(0, 30_000), step_ms(0, -30_000)], [None, None]);
        assert_eq!([step_ms(0, 30_001), step_ms(0, -30_001)], [Some(30_001), Some(-30_001)]);
        let set = at(170, THIS_YEAR_MS + 70_000, 0);
        assert_eq!(step_ms(before.gap_ms(), set.gap_ms()), Some((THIS_YEAR_MS - 100_000) as i64));
        let back = at(180, 100_000, 0);
        assert_eq!(step_ms(set.gap_ms(), back.gap_ms()), Some(-((THIS_YEAR_MS - 20_000) as i64)));
        let woken = at(170, THIS_YEAR_MS + 3_670_000, 3600);
        assert_eq!(step_ms(set.gap_ms(), woken.gap_ms()), None);
    }

    #[test]
    fn only_a_clock_of_this_age_is_plausible_and_patience_ends() {
        for (ms, plausible) in [(0, false), (THIS_YEAR_MS - 1, false), (THIS_YEAR_MS, true), (PLAUSIBLE_MS.end, false)]
        {
            assert_eq!(at(1, ms, 0).is_plausible(), plausible, "{ms}");
        }
        let wait = Duration::from_secs(300);
        assert!(!at(299, 0, 0).is_settled(wait));
        assert!(at(300, 0, 0).is_settled(wait));
        assert!(at(0, THIS_YEAR_MS, 0).is_settled(wait));
    }
}
