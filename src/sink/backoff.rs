//! How long to wait before the next attempt: 1 s, doubling up to 5 min, less up to a quarter by chance, so that many boxes
//! that lost one receiver at one moment do not come back to it at one moment.
//!
//! A receiver may ask for more time (`Retry-After`), within reason.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
/// The longest pause of its own.
pub(super) const MOST: Duration = Duration::from_secs(300);
/// The longest pause that a receiver may ask for.
const ASKED_MOST: Duration = Duration::from_secs(3600);

/// Where one sink stands.
pub(super) struct Backoff {
    failures: u32,
    chance: u64,
}

impl Backoff {
    /// At the beginning; `seed` decides over chance.
    pub(super) fn new(seed: u64) -> Backoff {
        Backoff { failures: 0, chance: seed }
    }

    /// Something was delivered.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now; `asked`: what the receiver wants.
    pub(super) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(16)).min(MOST);
        self.failures = self.failures.saturating_add(1);
        let own = whole.mul_f64(1.0 - self.next() / 4.0).max(FIRST);
        own.max(asked.unwrap_or_default().min(ASKED_MOST))
    }

    /// From 0 to 1. SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    fn next(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_a_second_to_five_minutes_and_begin_anew() {
        let mut backoff = Backoff::new(7);
        for n in 0..40 {
            let whole = Duration::from_secs(2_u64.pow(n.min(9)).min(300));
            let pause = backoff.pause(None);
            let least = whole.mul_f64(0.75).max(FIRST);
            assert!((least..=whole).contains(&pause), "{n}: {pause:?}");
        }
        backoff.reset();
        assert_eq!(backoff.pause(None), FIRST);
    }

    #[test]
    fn boxes_do_not_come_back_together() {
        let third = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..3).map(|_| backoff.pause(None)).last().unwrap()
        };
        let all: std::collections::BTreeSet<Duration> = (0..100).map(third).collect();
        assert!(all.len() > 90, "{}", all.len());
        let spread = all.last().unwrap().saturating_sub(*all.first().unwrap());
        assert!(spread > Duration::from_millis(800), "{spread:?} of the second that a quarter of 4 s is");
    }

    #[test]
    fn chance_is_that_of_the_generator_it_is_named_after() {
        // What the authors' own code gives first for the seed 1234567.
        let published: [u64; 3] = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        let mut backoff = Backoff::new(1_234_567);
        for whole in published {
            assert_eq!(backoff.next(), (whole >> 11) as f64 / (1u64 << 53) as f64);
        }
    }

    #[test]
    fn a_receiver_gets_the_time_it_asks_for_within_reason() {
        let asked = |s| Backoff::new(1).pause(Some(Duration::from_secs(s)));
        assert_eq!([asked(0), asked(40), asked(1_000_000)], [FIRST, Duration::from_secs(40), ASKED_MOST]);
    }
}
