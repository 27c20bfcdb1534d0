//! Which looks of the pose thread are told to listeners: at most fifteen a second, and of the frames that viewers are sent.
//!
//! A stream of fifteen pictures a second and states of fifteen a second would else be of different frames half of the time,
//! for both pick theirs from thirty. A frame is encoded for a viewer soon after it was captured, while it is looked at or
//! just after; so one that was not sent yet may wait for the next look before it is decided.

use std::time::Duration;

use crate::time::Mono;

/// Between two that are told: at most fifteen a second.
const EVERY: Duration = Duration::from_millis(66);
/// A sent frame may come this much early: fifteen of twenty a second are not evenly apart. It takes the next one's place.
const EARLY: Duration = EVERY;
/// One that no viewer was sent is told only after this time without any: an engine slower than the streams has no better.
const PASSED_EVERY: Duration = Duration::from_millis(90);
/// The same for one that may still be sent.
const OPEN_EVERY: Duration = Duration::from_millis(140);

/// What viewers had of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// Nobody watches.
    Unwatched,
    /// It was sent.
    Sent,
    /// It was not, and a newer one is there.
    Passed,
    /// It is the newest, and was not sent yet.
    Open,
}

/// What was told, and when the next may be.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Telling {
    told: Option<Mono>,
    due: Mono,
}

impl Telling {
    /// Whether the look at a frame captured at this moment is to be told; it then counts as told.
    pub(super) fn may(&mut self, captured: Mono, fate: Fate) -> bool {
        let since = self.told.map(|told| captured.since(told));
        let may = match fate {
            Fate::Unwatched => since.is_none_or(|since| since >= EVERY),
            Fate::Sent => captured.plus(EARLY) >= self.due && since.is_none_or(|since| !since.is_zero()),
            Fate::Passed => since.is_none_or(|since| since >= PASSED_EVERY),
            Fate::Open => since.is_none_or(|since| since >= OPEN_EVERY),
        };
        if may {
            self.told = Some(captured);
            self.due = self.due.max(captured).plus(EVERY);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_ns(ms * 1_000_000)
    }

    /// How many of the looks at frames of `fps` are told in ten seconds.
    fn told(fps: u64, fate: impl Fn(u64) -> Fate) -> usize {
        let mut telling = Telling::default();
        (0..10 * fps).filter(|n| telling.may(at(5000 + n * 1000 / fps), fate(*n))).count()
    }

    #[test]
    fn at_most_fifteen_a_second_whoever_watches() {
        for fps in [10, 15, 20, 25, 30, 60, 120] {
            for fate in [Fate::Unwatched, Fate::Sent] {
                let count = told(fps, |_| fate);
                assert!(count <= 153, "{count} of {fps} a second, {fate:?}");
                assert!(count as u64 >= 100.min(fps * 10), "{count} of {fps} a second, {fate:?}");
            }
        }
        assert_eq!(told(10, |_| Fate::Passed), 100, "a slow engine's looks are all told");
    }

    #[test]
    fn every_frame_of_a_stream_of_fifteen_is_told_and_hardly_another() {
        for fps in [15, 20, 21, 25, 30, 50, 60] {
            // As the stream picks them: the newest at each tick.
            let sent = |n: u64| (n + 1) * 15 / fps > n * 15 / fps;
            let mut telling = Telling::default();
            let (mut right, mut wrong, mut all) = (0, 0, 0);
            for n in 0..10 * fps {
                let may = telling.may(at(5000 + n * 1000 / fps), if sent(n) { Fate::Sent } else { Fate::Passed });
                all += usize::from(sent(n));
                right += usize::from(may && sent(n));
                wrong += usize::from(may && !sent(n));
            }
            assert!(right + 1 >= all && wrong <= 1, "{fps} a second: {right} of {all}, {wrong} others");
        }
    }
}
