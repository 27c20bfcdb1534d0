//! What a set is counted by: how far the whole body is on the way from its start to its turn.
//!
//! One joint says it with the noise of three points. All joints together say it better, each with as much weight as it
//! moves and as little as it shakes (the linear discriminant of the start and the turn with independent errors). A joint
//! that is hidden for a moment is left out; the others go on.
//!
//! *way*: from the mean value at the starts to the mean value at the turns, of one channel · *progress*: 0 at the start,
//! 1 at the turn · *clarity*: how far start and turn are apart, in standard deviations.

use super::measure::{CHANNELS, Measure, Side};
use super::rep::Span;
use super::signal::Signal;

/// Joints shake at least this much, degrees: the model errs in the same way for a while.
pub const SHAKES_DEG: f32 = 4.0;
/// Less than this share of the weight in view says nothing.
const LEAST_WEIGHT: f32 = 0.25;
/// Ticks around a start or a turn that are averaged.
const AROUND: u64 = 1;

/// A body's start and turn, as far as they are known.
#[derive(Clone, Debug)]
pub struct Aim {
    start: [f32; CHANNELS],
    way: [f32; CHANNELS],
    weight: [f32; CHANNELS],
    pub clarity: f32,
    /// How far the starts are from each other, as a share of the way to the turns.
    pub astray: f32,
}

/// Mean and variance.
pub fn spread(values: impl Iterator<Item = f32> + Clone) -> Option<(f32, f32)> {
    let seen = values.filter(|v| v.is_finite());
    let count = seen.clone().count() as f32;
    let mean = seen.clone().sum::<f32>() / count;
    (count > 0.0).then(|| (mean, seen.map(|v| (v - mean).powi(2)).sum::<f32>() / count))
}

/// One channel's mean around a tick.
pub fn around(signal: &Signal, channel: usize, tick: u64) -> f32 {
    signal.around(channel, tick, AROUND)
}

/// What one channel does between starts and turns.
#[derive(Clone, Copy, Default)]
struct Part {
    channel: usize,
    start: f32,
    way: f32,
    /// 0 where it was not seen.
    variance: f32,
}

impl Part {
    fn of(signal: &Signal, channel: usize, spans: &[Span]) -> Part {
        let value = |tick| around(signal, channel, tick);
        let turns = spread(spans.iter().map(|span| value(span.turn)));
        let (Some(start), Some(turn)) = (spread(starts(spans).map(value)), turns) else { return Part::default() };
        let variance = SHAKES_DEG.powi(2) + signal.noise_deg(channel).powi(2) + start.1 + turn.1;
        Part { channel, start: start.0, way: turn.0 - start.0, variance }
    }

    fn clarity2(&self) -> f32 {
        if self.variance > 0.0 { self.way * self.way / self.variance } else { 0.0 }
    }
}

/// Where repetitions begin and end. The first one may come from elsewhere, the bar from its rack.
fn starts(spans: &[Span]) -> impl Iterator<Item = u64> + Clone {
    spans.iter().skip(1).map(|span| span.start).chain(spans.iter().map(|span| span.end))
}

/// How far the starts are from each other, as a share of the way. Both sides together, since legs may take turns.
fn astray(signal: &Signal, spans: &[Span]) -> f32 {
    let (mut ways, mut strays) = (0.0, 0.0);
    for channel in Measure::ALL.map(|measure| measure.channel(Side::Both)) {
        let value = |tick| around(signal, channel, tick);
        let turns = spread(spans.iter().map(|span| value(span.turn)));
        if let (Some(start), Some(turn)) = (spread(starts(spans).map(value)), turns) {
            let noise2 = signal.noise_deg(channel).powi(2);
            ways += (turn.0 - start.0).powi(2) / (SHAKES_DEG.powi(2) + noise2);
            strays += (start.1 - noise2).max(0.0) / (SHAKES_DEG.powi(2) + noise2);
        }
    }
    (strays / ways.max(f32::MIN_POSITIVE)).sqrt()
}

impl Aim {
    /// From repetitions that are still in the signal.
    pub fn at(signal: &Signal, spans: &[Span]) -> Aim {
        let (start, way, weight) = ([0.0; CHANNELS], [0.0; CHANNELS], [0.0; CHANNELS]);
        let mut aim = Aim { start, way, weight, clarity: 0.0, astray: 0.0 };
        aim.astray = astray(signal, spans);
        let mut squares = 0.0;
        for measure in Measure::ALL {
            let [left, right, both] =
                [Side::Left, Side::Right, Side::Both].map(|side| Part::of(signal, measure.channel(side), spans));
            // Legs that take turns are told by their mean, an arm that works alone by itself.
            let apart = left.clarity2() + right.clarity2();
            let parts = if both.clarity2() >= apart { [both, Part::default()] } else { [left, right] };
            for Part { channel, start, way, variance } in parts.into_iter().filter(|part| part.variance > 0.0) {
                (aim.start[channel], aim.way[channel], aim.weight[channel]) = (start, way, way / variance);
                squares += way * way / variance;
            }
        }
        aim.clarity = squares.sqrt();
        aim
    }

    /// The same way, from its other end.
    pub fn turned(mut self) -> Aim {
        for (start, way) in self.start.iter_mut().zip(&mut self.way) {
            *start += *way;
            *way = -*way;
        }
        self.weight.iter_mut().for_each(|weight| *weight = -*weight);
        self
    }

    /// How far the body is at this tick; `NaN` if too little of it is seen.
    pub fn progress(&self, signal: &Signal, tick: u64) -> f32 {
        let Some(values) = signal.values(tick) else { return f32::NAN };
        let (mut sum, mut seen, mut all) = (0.0, 0.0, 0.0);
        for (n, value) in values.iter().enumerate() {
            let share = self.weight[n] * self.way[n];
            all += share;
            if value.is_finite() {
                sum += self.weight[n] * (value - self.start[n]);
                seen += share;
            }
        }
        if seen > 0.0 && seen >= LEAST_WEIGHT * all { sum / seen } else { f32::NAN }
    }
}
