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
            let last = channel.last.filter(|last| *last >= self.oldest && self.newest - last <= BREAK_TICKS);
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
        self.channels[channel]
            .last
            .is_some_and(|last| last >= from.max(self.oldest) && self.newest - last <= BREAK_TICKS)
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
