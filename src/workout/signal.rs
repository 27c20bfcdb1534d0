//! The last minutes of an athlete's measures at a constant rate, whatever the frames' rate is.
//!
//! Frames of one tick are averaged; ticks between two frames are filled along a straight line, up to [`BREAK_TICKS`].
//! A longer gap stays one: nobody knows what was done in it. It must never hold more than [`KEPT`] ticks.
//!
//! *tick*: a twentieth of a second, numbered since the clock began · *run*: ticks without a gap.

use super::measure::CHANNELS;
use crate::time::Mono;

/// Ticks a second.
pub const RATE_HZ: u32 = 20;
/// So much is kept for the count at a set's end: six minutes.
const KEPT: usize = 360 * RATE_HZ as usize;
/// A minute: four repetitions of ten seconds, and some.
pub const TICKS: usize = 60 * RATE_HZ as usize;
/// Gaps up to this are bridged: a second.
pub const BREAK_TICKS: u64 = RATE_HZ as u64;
const TICK_NS: u64 = 1_000_000_000 / RATE_HZ as u64;
/// Single wild values are taken out where frames come at least this often; seldom frames hold too little for it.
const MEDIAN_DT_S: f32 = 0.09;

/// The number of the tick in which this moment lies.
pub fn tick_of(stamp: Mono) -> u64 {
    stamp.as_ns() / TICK_NS
}

/// The middle of a tick.
pub fn stamp_of(tick: u64) -> Mono {
    Mono::from_ns(tick * TICK_NS + TICK_NS / 2)
}

/// Seconds as ticks.
pub fn ticks(seconds: f32) -> usize {
    (seconds * RATE_HZ as f32).round().max(0.0) as usize
}

/// Ticks as seconds.
pub fn seconds(ticks: u64) -> f32 {
    ticks as f32 / RATE_HZ as f32
}

/// Noise is averaged over this time, seconds.
const NOISE_S: f32 = 6.0;
/// The variance of a value less the mean of its two neighbours, for independent errors of variance 1.
const OFF2: f32 = 1.5;

/// One channel's state between frames.
#[derive(Clone, Copy, Default)]
struct Channel {
    /// The values of the last two frames.
    before: [Option<f32>; 2],
    sum: f32,
    count: f32,
    /// The newest tick with a value of its own.
    last: Option<u64>,
    /// Mean square of what a value is off the middle of its neighbours in time.
    off2: f32,
}

/// The last minute.
pub struct Signal {
    values: Vec<[f32; CHANNELS]>,
    channels: [Channel; CHANNELS],
    /// The tick that frames fall into now.
    newest: u64,
    /// Nothing before this is known.
    oldest: u64,
    /// The usual time between two frames, seconds.
    frame_s: f32,
}

impl Default for Signal {
    fn default() -> Signal {
        Signal {
            values: vec![[f32::NAN; CHANNELS]; KEPT],
            channels: [Channel::default(); CHANNELS],
            newest: 0,
            oldest: 0,
            frame_s: 0.0,
        }
    }
}

impl Signal {
    /// The tick that frames fall into now.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Forgets everything; the athlete is somebody else.
    pub fn forget(&mut self) {
        self.channels = [Channel::default(); CHANNELS];
        self.oldest = self.newest + 1;
    }

    /// Time goes on to the tick of `stamp`, whether anybody is seen or not. Says how many ticks it went on.
    pub fn advance(&mut self, stamp: Mono) -> u64 {
        let tick = tick_of(stamp);
        if tick <= self.newest {
            return 0;
        }
        let fresh = (tick - self.newest).min(KEPT as u64);
        for number in tick + 1 - fresh..=tick {
            self.values[number as usize % KEPT] = [f32::NAN; CHANNELS];
        }
        self.newest = tick;
        self.channels.iter_mut().for_each(|channel| (channel.sum, channel.count) = (0.0, 0.0));
        fresh
    }

    /// Takes the values of a frame of the newest tick; `dt_s` is the time since the frame before.
    pub fn push(&mut self, values: &[f32; CHANNELS], dt_s: f32) {
        let share = 1.0 - (-dt_s / NOISE_S).exp();
        self.frame_s += if self.frame_s > 0.0 { share * (dt_s.min(1.0) - self.frame_s) } else { dt_s };
        for (n, value) in values.iter().enumerate() {
            let channel = &mut self.channels[n];
            let Some(value) = Some(*value).filter(|v| v.is_finite()) else { continue };
            let calm = match channel.before {
                [Some(a), Some(b)] if dt_s < MEDIAN_DT_S => value.max(a.min(b)).min(a.max(b)),
                _ => value,
            };
            if let [Some(a), Some(b)] = channel.before {
                channel.off2 += share * ((b - (a + value) / 2.0).powi(2) - channel.off2);
            }
            channel.before = [channel.before[1], Some(value)];
            channel.sum += calm;
            channel.count += 1.0;
            let mean = channel.sum / channel.count;
            let last = channel.last.filter(|last| self.newest - last <= BREAK_TICKS);
            channel.last = Some(self.newest);
            if let Some(last) = last.filter(|last| *last + 1 < self.newest) {
                let from = self.values[last as usize % KEPT][n];
                let step = (mean - from) / (self.newest - last) as f32;
                for tick in last + 1..self.newest {
                    self.values[tick as usize % KEPT][n] = from + step * (tick - last) as f32;
                }
            }
            self.values[self.newest as usize % KEPT][n] = mean;
        }
    }

    /// Copies the newest run of one channel that does not begin before `from`, and says the tick it begins with. Empty
    /// when the newest value is older than a gap that would be bridged.
    pub fn run(&self, channel: usize, from: u64, out: &mut Vec<f32>) -> u64 {
        out.clear();
        let Some((first, last)) = self.newest_run(from, &mut |values| values[channel]) else { return self.newest };
        out.extend((first..=last).map(|tick| self.values[tick as usize % KEPT][channel]));
        first
    }

    /// Standard deviation of one frame's value, degrees.
    pub fn noise_deg(&self, channel: usize) -> f32 {
        (self.channels[channel].off2 / OFF2).sqrt()
    }

    /// Nothing before this tick is known any more.
    pub fn oldest(&self) -> u64 {
        self.oldest.max((self.newest + 1).saturating_sub(KEPT as u64))
    }

    /// How many frames there are in some ticks; at least one.
    pub fn frames(&self, ticks: usize) -> f32 {
        (seconds(ticks as u64) / self.frame_s.max(1e-3)).max(1.0)
    }

    /// Whether a channel had a value lately, and not only before `from`.
    pub fn seen_since(&self, channel: usize, from: u64) -> bool {
        self.channels[channel].last.is_some_and(|last| last >= from && self.newest - last <= BREAK_TICKS)
    }

    /// The newest ticks, from first to last, for which `of` has a value without a gap; not before `from`.
    pub fn newest_run(&self, from: u64, of: &mut impl FnMut(&[f32; CHANNELS]) -> f32) -> Option<(u64, u64)> {
        let oldest = from.max(self.oldest).max((self.newest + 1).saturating_sub(TICKS as u64));
        let mut known = |tick: u64| !of(&self.values[tick as usize % KEPT]).is_nan();
        let youngest = oldest.max(self.newest.saturating_sub(BREAK_TICKS));
        let last = (youngest..=self.newest).rev().find(|tick| known(*tick))?;
        let first = (oldest..=last).rev().take_while(|tick| known(*tick)).last()?;
        Some((first, last))
    }

    /// Every channel's value at a tick of the last six minutes.
    pub fn values(&self, tick: u64) -> Option<&[f32; CHANNELS]> {
        let known = tick >= self.oldest && tick <= self.newest && self.newest - tick < KEPT as u64;
        known.then(|| &self.values[tick as usize % KEPT])
    }

    /// Whether anything was seen at a tick of the last six minutes.
    pub fn sees(&self, tick: u64) -> bool {
        self.values(tick).is_some_and(|values| values.iter().any(|v| v.is_finite()))
    }

    /// One channel's mean over the ticks that are at most `reach` from this one, of what is known; `NaN` of nothing.
    pub fn around(&self, channel: usize, tick: u64, reach: u64) -> f32 {
        let near = (tick.saturating_sub(reach)..=tick + reach).map(|tick| self.at(channel, tick));
        let (sum, count) = near.filter(|v| v.is_finite()).fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
        sum / count
    }

    /// One channel's value at a tick of the last six minutes; `NaN` if it is not known.
    pub fn at(&self, channel: usize, tick: u64) -> f32 {
        self.values(tick).map_or(f32::NAN, |values| values[channel])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: usize = 5;

    /// One frame a tick with these values, at a distance of `dt_s` as far as the signal knows.
    fn seen(values: &[(u64, f32)], dt_s: f32) -> Signal {
        let mut signal = Signal::default();
        values.iter().for_each(|(tick, value)| push(&mut signal, *tick, *value, dt_s));
        signal
    }

    fn push(signal: &mut Signal, tick: u64, value: f32, dt_s: f32) {
        let mut values = [f32::NAN; CHANNELS];
        values[CHANNEL] = value;
        signal.advance(stamp_of(tick));
        signal.push(&values, dt_s);
    }

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 1e-3 * want.abs(), "{is} and not {want}");
    }

    #[test]
    fn a_tick_is_a_twentieth_of_a_second_and_its_stamp_is_its_middle() {
        assert_eq!([49_999_999, 50_000_000, 1_000_000_000].map(|ns| tick_of(Mono::from_ns(ns))), [0, 1, 20]);
        assert_eq!([0, 20].map(|tick| stamp_of(tick).as_ns()), [25_000_000, 1_025_000_000]);
        assert_eq!([1.0, 0.12, 0.13, -1.0].map(ticks), [20, 2, 3, 0]);
        assert_eq!(seconds(30), 1.5);
    }

    #[test]
    fn time_goes_on_by_as_many_ticks_as_are_emptied_and_never_back() {
        let mut signal = Signal::default();
        assert_eq!([100, 103, 103, 101].map(|tick| signal.advance(stamp_of(tick))), [100, 3, 0, 0]);
        assert_eq!(signal.newest(), 103);
        assert_eq!(signal.advance(stamp_of(103 + 3 * 7200)), 7200, "no more than there are");
    }

    #[test]
    fn frames_of_one_tick_are_averaged_and_the_next_tick_begins_anew() {
        let signal = seen(&[(100, 10.0), (100, 20.0), (101, 40.0)], 0.1);
        assert_eq!(
            [100, 101, 102].map(|tick| signal.at(CHANNEL, tick)).map(f32::to_bits),
            [15.0f32, 40.0, f32::NAN].map(f32::to_bits)
        );
    }

    #[test]
    fn a_single_wild_value_is_taken_out_where_frames_come_often() {
        for (wild, calm) in [(90.0, 20.0), (-50.0, 10.0), (12.0, 12.0)] {
            let last = |dt_s: f32| seen(&[(100, 10.0), (101, 20.0), (102, wild)], dt_s).at(CHANNEL, 102);
            assert_eq!((last(0.089), last(0.09)), (calm, wild));
        }
        // It is taken for true when the next one says the same.
        assert_eq!(seen(&[(100, 10.0), (101, 20.0), (102, 90.0), (103, 90.0)], 0.05).at(CHANNEL, 103), 90.0);
    }

    #[test]
    fn gaps_of_a_second_are_filled_along_a_straight_line_and_longer_ones_stay() {
        let signal = seen(&[(100, 10.0), (104, 30.0)], 0.2);
        assert_eq!([100, 101, 102, 103, 104].map(|tick| signal.at(CHANNEL, tick)), [10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(seen(&[(100, 10.0), (120, 50.0)], 1.0).at(CHANNEL, 110), 30.0);
        assert!(seen(&[(100, 10.0), (121, 50.0)], 1.0).at(CHANNEL, 110).is_nan());
    }

    #[test]
    fn what_was_forgotten_is_not_known_and_nothing_leads_on_from_it() {
        let mut signal = seen(&[(98, 0.0), (99, 80.0), (100, 10.0)], 0.1);
        assert!(signal.noise_deg(CHANNEL) > 1.0);
        signal.forget();
        assert!(signal.at(CHANNEL, 100).is_nan() && !signal.seen_since(CHANNEL, 0));
        assert_eq!((signal.oldest(), signal.noise_deg(CHANNEL)), (101, 0.0));
        push(&mut signal, 103, 30.0, 0.1);
        assert!(signal.at(CHANNEL, 102).is_nan());
        assert_eq!(signal.at(CHANNEL, 103), 30.0);
        assert_eq!(signal.newest_run(0, &mut |values| values[CHANNEL]), Some((103, 103)));
    }

    #[test]
    fn six_minutes_are_kept() {
        let mut signal = seen(&[(100, 10.0)], 0.1);
        assert_eq!(signal.oldest(), 0);
        signal.advance(stamp_of(100 + 7199));
        assert_eq!((signal.at(CHANNEL, 100), signal.oldest()), (10.0, 100));
        signal.advance(stamp_of(100 + 7200));
        assert!(signal.at(CHANNEL, 100).is_nan() && signal.values(100).is_none());
        assert!(signal.at(CHANNEL, 100 + 7200).is_nan(), "it stands where the tick 100 stood");
        assert_eq!(signal.oldest(), 101);
        assert!(signal.values(100 + 7201).is_none(), "nobody knows what comes");
        // Where the old ones were is empty, after however long a time.
        signal.advance(stamp_of(100 + 4 * 7200));
        assert!(signal.at(CHANNEL, 100 + 4 * 7200).is_nan());
    }

    #[test]
    fn a_run_has_no_gap_ends_just_now_and_is_of_the_last_minute() {
        let ramp = |ticks: std::ops::RangeInclusive<u64>| ticks.map(|tick| (tick, tick as f32));
        let mut signal = seen(&ramp(50..=60).chain(ramp(100..=105)).collect::<Vec<_>>(), 0.1);
        let run = |signal: &Signal, from: u64| {
            let mut out = vec![7.0];
            (signal.run(CHANNEL, from, &mut out), out)
        };
        assert_eq!(run(&signal, 0), (100, vec![100.0, 101.0, 102.0, 103.0, 104.0, 105.0]));
        assert_eq!(run(&signal, 103), (103, vec![103.0, 104.0, 105.0]));
        assert!(run(&signal, 106).1.is_empty());
        signal.advance(stamp_of(125));
        assert_eq!(run(&signal, 104), (104, vec![104.0, 105.0]), "a second ago");
        assert!(signal.seen_since(CHANNEL, 105) && !signal.seen_since(CHANNEL, 106));
        signal.advance(stamp_of(126));
        assert_eq!(run(&signal, 104), (126, vec![]));
        assert!(!signal.seen_since(CHANNEL, 105));
        let long = seen(&ramp(100..=1400).collect::<Vec<_>>(), 0.1);
        let (first, values) = run(&long, 0);
        assert_eq!((first, values.len()), (201, 1200));
    }

    #[test]
    fn noise_is_what_values_are_off_the_middle_of_their_neighbours() {
        // The middle one is off by 2: 4, by the share 1 - exp(-0.05 / 6) = 0.0082988 and over 1.5.
        near(seen(&[(100, 1.0), (101, -1.0), (102, 1.0)], 0.05).noise_deg(CHANNEL), 0.14876);
        let shaking: Vec<_> = (100..1300).map(|tick| (tick, if tick % 2 == 0 { 1.0 } else { -1.0 })).collect();
        near(seen(&shaking, 0.05).noise_deg(CHANNEL), 1.63299);
        assert_eq!(seen(&[(100, 10.0), (101, 30.0), (102, 50.0)], 0.05).noise_deg(CHANNEL), 0.0, "a straight line");
    }

    #[test]
    fn frames_are_counted_by_their_usual_distance() {
        assert_eq!(seen(&[(100, 1.0)], 0.1).frames(20), 10.0);
        assert_eq!(seen(&[(100, 1.0)], 0.1).frames(1), 1.0, "one at least");
        let mut signal = seen(&[(100, 1.0)], 0.1);
        push(&mut signal, 104, 1.0, 0.2);
        near(signal.frames(200), 96.826);
        let mut signal = seen(&[(100, 1.0)], 0.1);
        // Who was away for five seconds says no more than one second.
        push(&mut signal, 200, 1.0, 5.0);
        near(signal.frames(200), 16.424);
    }

    #[test]
    fn a_mean_around_a_tick_is_of_what_is_known() {
        let signal = seen(&[(0, 4.0), (1, 16.0), (100, 1.0), (101, 4.0), (102, 9.0), (103, 16.0), (104, 25.0)], 0.1);
        near(signal.around(CHANNEL, 101, 1), 14.0 / 3.0);
        assert_eq!(signal.around(CHANNEL, 102, 2), 11.0);
        assert_eq!((signal.around(CHANNEL, 100, 1), signal.around(CHANNEL, 104, 1)), (2.5, 20.5));
        assert_eq!(signal.around(CHANNEL, 0, 1), 10.0);
        assert!(signal.around(CHANNEL, 90, 3).is_nan());
    }
}
