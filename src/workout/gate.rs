//! What swings to and fro and is no exercise: walking, above all.
//!
//! Who trains comes back to where he was with every repetition; who walks does not. Who walks on the spot lifts one
//! knee after the other, and his hips hardly sink.

use super::measure::{FEET_X, FEET_Y, Measure, Side};
use super::rep::Span;
use super::signal::Signal;

/// Feet that are further away at a repetition's end than at its start, in statures, walked.
const AWAY: f32 = 0.22;
/// And further than this after all of them. A set may be bent down to before it and shift a foot within it.
const ELSEWHERE: f32 = 0.4;
/// Ticks on either side over which a place is averaged.
const AROUND: u64 = 3;
/// The range of so much noise is this many times its standard deviation.
const NOISE: f32 = 5.0;
/// Thighs that rise against each other by this, degrees of rise, are steps, …
const STEP_DEG: f32 = 22.0;
/// … unless the hips sink by this, as in a lunge.
const SINK_DEG: f32 = 22.0;

/// Nobody walks with a trunk that rises by less, and the feet of one who lies are seen badly.
const UPRIGHT_DEG: f32 = 54.0;

/// Whether the athlete mostly stayed where he was, and did not step on the spot; between repetitions, too, he walks
/// nowhere.
pub fn trains(signal: &Signal, spans: &[Span]) -> bool {
    if lies_down(signal, spans) {
        return true;
    }
    if let [first, .., last] = spans
        && between(signal, first.start, last.end) > ELSEWHERE
    {
        return false;
    }
    let moved = spans.iter().filter(|span| walked(signal, span) || steps(signal, span)).count();
    2 * moved < spans.len()
}

/// Whether the athlete lies wherever one of these begins or ends.
pub fn lies_down(signal: &Signal, spans: &[Span]) -> bool {
    spans.iter().all(|span| lies(signal, span.start) && lies(signal, span.end))
}

/// Whether the trunk is far from upright.
fn lies(signal: &Signal, tick: u64) -> bool {
    place(signal, Measure::Trunk.channel(Side::Both), tick).abs() < UPRIGHT_DEG
}

/// Whether the feet are elsewhere after a repetition.
pub fn walked(signal: &Signal, span: &Span) -> bool {
    between(signal, span.start, span.end) > AWAY
}

/// How far the feet are at one tick from where they are at another, in statures; 0 where they were not seen.
fn between(signal: &Signal, from: u64, to: u64) -> f32 {
    let away = |channel: usize| {
        let way = place(signal, channel, to) - place(signal, channel, from);
        if way.is_finite() { way } else { 0.0 }
    };
    away(FEET_X).hypot(away(FEET_Y))
}

/// How far the feet rise from the repetitions' starts to their turns, in statures; `NaN` where they were not seen.
pub fn lift(signal: &Signal, spans: &[Span]) -> f32 {
    let lifts = spans.iter().map(|of| place(signal, FEET_Y, of.start) - place(signal, FEET_Y, of.turn));
    let (mut sum, mut count) = (0.0, 0.0);
    for lift in lifts.filter(|lift| lift.is_finite()) {
        (sum, count) = (sum + lift, count + 1.0);
    }
    sum / count
}

fn place(signal: &Signal, channel: usize, tick: u64) -> f32 {
    let near = (tick.saturating_sub(AROUND)..=tick + AROUND).map(|tick| signal.at(channel, tick));
    let (mut sum, mut count) = (0.0, 0.0);
    for value in near.filter(|v| v.is_finite()) {
        (sum, count) = (sum + value, count + 1.0);
    }
    sum / count
}

fn steps(signal: &Signal, of: &Span) -> bool {
    let range = |value: &dyn Fn(u64) -> f32| {
        let mean = |tick: u64| (tick - AROUND..=tick + AROUND).map(value).sum::<f32>() / (2 * AROUND + 1) as f32;
        let values = (of.start.max(AROUND)..=of.end).map(mean).filter(|v| v.is_finite());
        let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        (high - low).max(0.0)
    };
    let [left, right] = [Side::Left, Side::Right].map(|side| Measure::Thigh.channel(side));
    let apart = range(&|tick| signal.at(left, tick) - signal.at(right, tick));
    let sinks = range(&|tick| signal.at(Measure::Stance.channel(Side::Both), tick));
    let noise = signal.noise_deg(left).hypot(signal.noise_deg(right)) / signal.frames(2 * AROUND as usize + 1).sqrt();
    apart > STEP_DEG + NOISE * noise && sinks < SINK_DEG
}

#[cfg(test)]
mod tests {
    use super::super::measure::CHANNELS;
    use super::super::report::Phases;
    use super::super::signal::stamp_of;
    use super::*;

    /// Ten seconds of somebody whose trunk rises by so much, and whose thighs go up and down against each other.
    fn swaying(trunk_deg: f32) -> Signal {
        let mut signal = Signal::default();
        for tick in 1000..1200 {
            let mut values = [f32::NAN; CHANNELS];
            let sway = 20.0 * (tick as f32 * 0.3).sin();
            values[Measure::Trunk.channel(Side::Both)] = trunk_deg;
            values[Measure::Stance.channel(Side::Both)] = 0.0;
            values[Measure::Thigh.channel(Side::Left)] = -60.0 + sway;
            values[Measure::Thigh.channel(Side::Right)] = -60.0 - sway;
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.05);
        }
        signal
    }

    #[test]
    fn steps_on_the_spot_are_those_of_one_who_is_upright() {
        let span = |start: u64| Span {
            start,
            half_out: start + 10,
            turn: start + 20,
            half_back: start + 30,
            end: start + 40,
            phases: Phases { go_s: 1.0, hold_s: 0.0, back_s: 1.0, pause_s: 0.0 },
            height: 60.0,
        };
        let spans = [span(1010), span(1060), span(1110)];
        assert!(!trains(&swaying(85.0), &spans), "he marches");
        assert!(trains(&swaying(5.0), &spans), "he lies on a bench");
    }
}
