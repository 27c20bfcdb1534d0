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

#[cfg(test)]
mod tests {
    use super::super::report::Phases;
    use super::super::signal::stamp_of;
    use super::*;

    const ELBOW: usize = Measure::Elbow.channel(Side::Both);
    const LEFT_ELBOW: usize = Measure::Elbow.channel(Side::Left);
    const RIGHT_ELBOW: usize = Measure::Elbow.channel(Side::Right);
    const SHOULDER: usize = Measure::Shoulder.channel(Side::Both);

    /// From tick 100 on ten ticks of each of these, after two looks that shake by so much; without errors, since no time
    /// passes by which they would be measured.
    fn seen(shakes_deg: f32, plateaus: &[&[(usize, f32)]]) -> Signal {
        let mut signal = Signal::default();
        let mut push = |tick: u64, of: &[(usize, f32)], dt_s: f32| {
            let mut values = [f32::NAN; CHANNELS];
            of.iter().for_each(|(channel, value)| values[*channel] = *value);
            signal.advance(stamp_of(tick));
            signal.push(&values, dt_s);
        };
        for (tick, deg) in [(50, shakes_deg), (51, -shakes_deg), (52, shakes_deg)] {
            push(tick, &[(ELBOW, deg)], 0.05);
        }
        (100..100 + 10 * plateaus.len()).for_each(|tick| push(tick as u64, plateaus[(tick - 100) / 10], 0.0));
        signal
    }

    /// Each begins in the middle of a plateau, turns in that of the next one and ends in that of the one after.
    fn spans(count: u64) -> Vec<Span> {
        let phases = Phases { go_s: 0.5, hold_s: 0.0, back_s: 0.5, pause_s: 0.0 };
        let of = |n: u64| {
            let start = 105 + 20 * n;
            Span {
                start,
                half_out: start + 5,
                turn: start + 10,
                half_back: start + 15,
                end: start + 20,
                phases,
                height: 1.0,
            }
        };
        (0..count).map(of).collect()
    }

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 1e-3 * want.abs().max(1e-3), "{is} and not {want}");
    }

    #[test]
    fn mean_and_variance_are_of_what_is_known() {
        assert_eq!(spread([1.0, f32::NAN, 5.0, f32::INFINITY, 3.0].into_iter()), Some((3.0, 8.0 / 3.0)));
        assert_eq!(spread([f32::NAN].into_iter()), None);
    }

    #[test]
    fn progress_is_0_at_the_start_1_at_the_turn_and_the_other_way_round_from_the_other_end() {
        // The first one comes from half way, the bar from its rack.
        let at = |deg: f32| [(ELBOW, deg)];
        let signal = seen(0.0, &[&at(100.0), &at(40.0), &at(160.0), &at(40.0), &at(160.0)]);
        let aim = Aim::at(&signal, &spans(2));
        // A way of 120 degrees, by joints that shake by 4.
        near(aim.clarity, 30.0);
        assert_eq!(aim.astray, 0.0);
        assert_eq!([105, 115, 125].map(|tick| aim.progress(&signal, tick)), [0.5, 1.0, 0.0]);
        assert!(aim.progress(&signal, 90).is_nan() && aim.progress(&signal, 200).is_nan(), "nothing is known of it");
        let turned = aim.turned();
        assert_eq!([105, 115, 125].map(|tick| turned.progress(&signal, tick)), [0.5, 0.0, 1.0]);
        assert_eq!(turned.clarity.to_bits(), 30.0f32.to_bits());
    }

    #[test]
    fn starts_that_are_not_one_place_and_joints_that_shake_make_it_less_clear() {
        let at = |deg: f32| [(ELBOW, deg)];
        let plateaus = [&at(100.0)[..], &at(40.0), &at(160.0), &at(40.0), &at(168.0)];
        // Starts at 160, 160 and 168: 162.67, with a variance of 14.22. The way is 122.67.
        let aim = Aim::at(&seen(0.0, &plateaus), &spans(2));
        near(aim.clarity, (15_047.11f32 / (16.0 + 14.2222)).sqrt());
        near(aim.astray, (14.2222f32 / 15_047.11).sqrt());
        // It was 20 off the middle of its neighbours: 400, by the share 0.0082988 and over 1.5.
        let aim = Aim::at(&seen(10.0, &plateaus), &spans(2));
        near(aim.clarity, (15_047.11f32 / (16.0 + 2.21301 + 14.2222)).sqrt());
        near(aim.astray, ((14.2222f32 - 2.21301) / 15_047.11).sqrt());
        // Turns that vary do so, too, but not for where it begins.
        let plateaus = [&at(100.0)[..], &at(30.0), &at(160.0), &at(50.0), &at(160.0)];
        let aim = Aim::at(&seen(0.0, &plateaus), &spans(2));
        near(aim.clarity, (14_400.0f32 / (16.0 + 100.0)).sqrt());
        assert_eq!(aim.astray, 0.0);
    }

    #[test]
    fn an_arm_that_works_alone_is_told_by_itself_and_legs_that_take_turns_by_both() {
        let sides = |left: f32, right: f32| [(LEFT_ELBOW, left), (RIGHT_ELBOW, right), (ELBOW, (left + right) / 2.0)];
        let rests = sides(160.0, 160.0);
        let alone = seen(0.0, &[&rests, &sides(60.0, 160.0), &rests, &sides(60.0, 160.0), &rests, &sides(160.0, 60.0)]);
        let aim = Aim::at(&alone, &spans(2));
        near(aim.clarity, 25.0);
        assert_eq!([115, 125, 155].map(|tick| aim.progress(&alone, tick)), [1.0, 0.0, 0.0]);
        let turns = seen(0.0, &[&rests, &sides(60.0, 160.0), &rests, &sides(160.0, 60.0), &rests]);
        let aim = Aim::at(&turns, &spans(2));
        near(aim.clarity, 12.5);
        assert_eq!([115, 125, 135].map(|tick| aim.progress(&turns, tick)), [1.0, 0.0, 1.0]);
        // Both arms, each on its own way.
        let both = seen(0.0, &[&rests, &sides(60.0, 80.0), &rests, &sides(60.0, 80.0), &rests]);
        near(Aim::at(&both, &spans(2)).clarity, (625.0f32 + 400.0).sqrt());
    }

    #[test]
    fn what_weighs_a_quarter_of_all_says_it_alone() {
        let at = |elbow: f32, shoulder: f32| [(ELBOW, elbow), (SHOULDER, shoulder)];
        let rests = at(160.0, 10.0);
        for (way, enough) in [(57.0f32, false), (59.0, true)] {
            let half = [(SHOULDER, 10.0 + way / 2.0)];
            let signal = seen(0.0, &[&rests, &at(60.0, 10.0 + way), &rests, &at(60.0, 10.0 + way), &rests, &half]);
            let aim = Aim::at(&signal, &spans(2));
            near(aim.clarity, (625.0 + way * way / 16.0).sqrt());
            // A third of what the elbow weighs is a quarter of both.
            assert_eq!(aim.progress(&signal, 155).is_nan(), !enough, "{way} degrees");
            assert!(!enough || aim.progress(&signal, 155) == 0.5);
        }
    }

    #[test]
    fn a_joint_that_shakes_counts_less_than_one_that_goes_as_far_and_does_not() {
        let at = |elbow: f32, shoulder: f32| [(ELBOW, elbow), (SHOULDER, shoulder)];
        let (rests, turns, half) = (at(160.0, 10.0), at(40.0, 130.0), at(40.0, 10.0));
        let signal = seen(10.0, &[&rests, &turns, &rests, &turns, &rests, &half]);
        let aim = Aim::at(&signal, &spans(2));
        // Variances of 16 + 2.21301 and of 16: the elbow alone is at its turn.
        near(aim.progress(&signal, 155), 16.0 / (16.0 + 18.21301));
        near(aim.clarity, (14_400.0f32 / 18.21301 + 14_400.0 / 16.0).sqrt());
    }
}
