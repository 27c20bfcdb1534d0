//! From a cycle in a signal to a repetition in time: when it left its start, turned and was back, and its tempo.
//!
//! *share*: how far between start and turn, 0 to 1.

use super::extrema::{Cycle, span};
use super::report::{Phases, Rep};
use super::search::Desk;
use super::signal::{Signal, seconds, stamp_of, ticks};

/// Below this share a limb is taken to rest at its start; above 1 less this, at its turn.
const EDGE: f32 = 0.1;
/// From the edge to the half a limb that speeds up softly takes this many times as long as it took from standing still
/// to the edge: between a straight ramp (4) and a cosine (1.43).
const SOFT: f32 = 2.2;

/// A slope that goes down by less than this share of its height is flat; one that goes up by that much has ended.
const FLAT: f32 = 0.03;
const AGAIN: f32 = 0.2;
/// A flat stretch this long is the end of a slope. Seconds.
const PATIENCE_S: f32 = 0.4;

/// A repetition within the signal, in ticks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Span {
    pub start: u64,
    pub half_out: u64,
    pub turn: u64,
    pub half_back: u64,
    pub end: u64,
    /// From leaving the start to the edge of the turn, and so on.
    pub phases: Phases,
    /// How high the way back was.
    pub height: f32,
}

/// How many samples after the first the foot of a slope is: where it goes down no more, or up again. What lies lower
/// still but further away than `patience` is another matter.
fn foot<'a>(slope: impl Iterator<Item = &'a f32>, height: f32, patience: usize) -> usize {
    let (mut least, mut at) = (f32::INFINITY, 0);
    for (n, value) in slope.enumerate() {
        if *value < least - FLAT * height || n == 0 {
            (least, at) = (*value, n);
        } else if *value > least + AGAIN * height || n - at > patience {
            break;
        }
    }
    at
}

/// Where the cycle's edges are in the oriented signal `x`, whose first sample is of the tick `first`, one every `step`.
pub fn measured(x: &[f32], first: u64, step: u64, cycle: Cycle) -> Span {
    let Cycle { turn, .. } = cycle;
    let top = x[turn];
    let rough = top - x[cycle.start].max(x[cycle.end]);
    let half = |share: &f32| *share < top - rough / 2.0;
    let half_out = x[cycle.start..=turn].iter().rposition(half).map_or(cycle.start, |n| cycle.start + n);
    let half_back = x[turn..=cycle.end].iter().position(half).map_or(cycle.end, |n| turn + n);
    let patience = |quarter: usize| quarter * 3 / 2 + ticks(PATIENCE_S) / step as usize;
    let start = half_out - foot(x[cycle.start..=half_out].iter().rev(), rough, patience(turn - half_out));
    let end = half_back + foot(x[half_back..=cycle.end].iter(), rough, patience(half_back - turn));
    let height = top - x[end];
    let level = |foot: usize, share: f32| x[foot] + share * (top - x[foot]);
    let before = |share: f32| (start..=turn).rev().find(|n| x[*n] < level(start, share)).unwrap_or(start);
    let after = |share: f32| (turn..=end).find(|n| x[*n] < level(end, share)).unwrap_or(end);
    let soft = |edge: usize, half: usize| (edge.abs_diff(half) as f32 / SOFT).round() as usize;
    let left = before(EDGE).saturating_sub(soft(before(EDGE), before(0.5))).max(start);
    let back = (after(EDGE) + soft(after(EDGE), after(0.5))).min(end);
    let (reached, leaves) = (before(1.0 - EDGE), after(1.0 - EDGE));
    let span_s = |from: usize, to: usize| seconds(to.saturating_sub(from) as u64 * step);
    let phases = Phases {
        go_s: span_s(left, reached),
        hold_s: span_s(reached, leaves),
        back_s: span_s(leaves, back),
        pause_s: 0.0,
    };
    let tick = |n: usize| first + n as u64 * step;
    Span {
        start: tick(left),
        half_out: tick(before(0.5)),
        turn: tick(turn),
        half_back: tick(after(0.5)),
        end: tick(back),
        phases,
        height,
    }
}

impl Span {
    /// How long it took.
    pub fn duration_s(&self) -> f32 {
        seconds(self.end - self.start)
    }

    /// How long it was beyond the half of its way; unlike its duration, it does not depend on where a slow start began.
    pub fn beyond_s(&self) -> f32 {
        seconds(self.half_back - self.half_out)
    }

    /// As the `n`-th of its set, with the angles of the hinge on `channel`.
    pub fn rep(&self, n: u32, signal: &Signal, channel: usize, desk: &mut Desk) -> Rep {
        let Desk { heights: degrees, spare, .. } = desk;
        degrees.clear();
        degrees.extend((self.start..=self.end).map(|tick| signal.at(channel, tick)).filter(|deg| deg.is_finite()));
        super::extrema::smooth(degrees, 2, spare);
        let (min_deg, max_deg) = if degrees.is_empty() { (0.0, 0.0) } else { span(degrees) };
        let [started, turned, ended] = [self.start, self.turn, self.end].map(stamp_of);
        Rep { n, started, turned, ended, min_deg, max_deg, phases: self.phases }
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::PI;

    use super::super::measure::{CHANNELS, Measure, Side};
    use super::super::signal::RATE_HZ;
    use super::*;

    const RATE: f32 = RATE_HZ as f32;

    /// The angle within half a turn of a cosine by which a limb that starts and stops softly is so far on its way.
    fn angle_at(share: f32) -> f32 {
        (1.0 - 2.0 * share).acos()
    }

    /// From 0 to 100 in `go` samples and back in `back`, softly, with so many of rest before, at the turn and after.
    fn soft(rest: usize, go: usize, hold: usize, back: usize, after: usize) -> Vec<f32> {
        let way = |length: usize| (1..=length).map(move |n| 50.0 - 50.0 * (PI * n as f32 / length as f32).cos());
        let mut x = vec![0.0; rest];
        x.extend(way(go).chain(std::iter::repeat_n(100.0, hold)));
        x.extend(way(back).map(|x| 100.0 - x).chain(std::iter::repeat_n(0.0, after)));
        x
    }

    fn near(what: &str, is: f32, want: f32, by: f32) {
        assert!((is - want).abs() <= by, "{what}: {is} and not {want}");
    }

    #[test]
    fn a_soft_repetition_is_as_long_as_its_ways_and_holds_as_long_as_it_stays() {
        // Two seconds out, one at the turn, three back, in ticks from the tick 500 on.
        let x = soft(30, 40, 20, 60, 40);
        let span = measured(&x, 500, 1, Cycle { start: 0, turn: 75, end: x.len() - 1, low: x.len() - 1 });
        let tick = |way: f32, from: f32, share: f32| from + way * angle_at(share) / PI;
        // Where a way is found to begin from where its edge and its half are.
        let left = |way: f32| way / PI * (angle_at(EDGE) - (angle_at(0.5) - angle_at(EDGE)) / SOFT);
        near("start", span.start as f32, 529.0 + left(40.0), 1.0);
        near("end", span.end as f32, 589.0 + 60.0 - left(60.0), 2.0);
        near("half out", span.half_out as f32, tick(40.0, 529.0, 0.5), 1.0);
        near("half back", span.half_back as f32, tick(60.0, 589.0, 0.5), 1.0);
        assert_eq!(span.turn, 575);
        near("height", span.height, 100.0, 100.0 * FLAT);
        let [go, back] = [40.0, 60.0].map(|way| (tick(way, 0.0, 1.0 - EDGE) - left(way)) / RATE);
        near("go", span.phases.go_s, go, 0.11);
        near("back", span.phases.back_s, back, 0.15);
        let hold = (20.0 + (40.0 + 60.0) * (1.0 - angle_at(1.0 - EDGE) / PI)) / RATE;
        near("hold", span.phases.hold_s, hold, 0.11);
        assert_eq!(span.phases.pause_s, 0.0);
        let parts = span.phases.go_s + span.phases.hold_s + span.phases.back_s;
        near("all of it", span.duration_s(), parts, 1e-3);
        near("beyond the half", span.beyond_s(), (20.0 + 20.0 + 30.0) / RATE, 0.11);
    }

    #[test]
    fn samples_that_are_several_ticks_apart_are_told_in_ticks() {
        let x = soft(30, 40, 20, 60, 40);
        let cycle = Cycle { start: 0, turn: 75, end: x.len() - 1, low: x.len() - 1 };
        let (every, third) = (measured(&x, 500, 1, cycle), measured(&x, 500, 3, cycle));
        let apart = |of: Span| [of.start, of.half_out, of.turn, of.half_back, of.end].map(|tick| tick - 500);
        assert_eq!(apart(third), apart(every).map(|tick| 3 * tick));
        near("go", third.phases.go_s, 3.0 * every.phases.go_s, 1e-3);
        near("hold", third.phases.hold_s, 3.0 * every.phases.hold_s, 1e-3);
        near("back", third.phases.back_s, 3.0 * every.phases.back_s, 1e-3);
    }

    #[test]
    fn a_limb_that_starts_at_once_starts_where_it_leaves_and_not_before() {
        // Straight out in 20 samples and back in 20 from the tick 100 on, one of rest before and after.
        let mut x = vec![0.0; 30];
        x.extend((1..=20).map(|n| 5.0 * n as f32));
        x.extend((1..=20).rev().map(|n| 5.0 * (n - 1) as f32));
        x.extend(vec![0.0; 30]);
        let span = measured(&x, 100, 1, Cycle { start: 0, turn: 49, end: 99, low: 99 });
        assert_eq!((span.start, span.turn, span.end), (129, 149, 169));
        // The last below the half out and the first below it back.
        assert_eq!((span.half_out, span.half_back), (138, 160));
    }

    #[test]
    fn what_lies_lower_long_before_or_behind_a_wave_is_no_start_and_no_end() {
        let rise = soft(0, 20, 5, 20, 0);
        let of = |before: &[f32], after: &[f32]| {
            let x: Vec<f32> = before.iter().chain(&rise).chain(after).copied().collect();
            let turn = before.len() + 20;
            let span = measured(&x, 0, 1, Cycle { start: 0, turn, end: x.len() - 1, low: x.len() - 1 });
            (turn as i64 - span.start as i64, span.end as i64 - turn as i64)
        };
        let (flat, low) = ([0.0f32; 40], [-12.0f32; 20]);
        let alone = of(&flat, &flat);
        near("start", alone.0 as f32, 20.0, 3.0);
        near("end", alone.1 as f32, 24.0, 3.0);
        assert_eq!(of(&[&low[..], &flat].concat(), &flat), alone, "he stood lower long ago");
        assert_eq!(of(&flat, &[&flat[..], &low].concat()), alone, "or does long after");
        let wave = |low: f32| [low, 30.0, 0.0, 0.0, 0.0];
        assert_eq!(of(&wave(-5.0), &flat), alone, "and behind a wave");
        let back: Vec<f32> = wave(-5.0).into_iter().rev().collect();
        assert_eq!(of(&flat, &back), alone);
        // What still goes down goes on, over a wave that is low.
        let (start, _) = of(&[-20.0, -20.0, -20.0, -20.0, -10.0, 0.0, 5.0, 0.0], &flat);
        assert!(start > alone.0 + 2, "{start}");
        let (_, end) = of(&flat, &[0.0, 5.0, 0.0, -10.0, -20.0, -20.0, -20.0, -20.0]);
        assert!(end > alone.1 + 2, "{end}");
    }

    #[test]
    fn a_foot_is_where_a_slope_is_flat_for_long_or_goes_up_again() {
        let foot = |slope: &[f32], patience: usize| super::foot(slope.iter(), 100.0, patience);
        assert_eq!(foot(&[50.0, 30.0, 10.0, 0.0, 0.0, 0.0, 0.0], 2), 3);
        assert_eq!(foot(&[50.0, 30.0, 29.0, 28.0, 26.0], 9), 4, "less than 3 % is flat, more in the end is not");
        assert_eq!(foot(&[50.0, 30.0, 29.0, 28.0, 28.0], 9), 1);
        assert_eq!(foot(&[50.0, 30.0, 30.0, 30.0, 20.0], 3), 4, "patience is long enough");
        assert_eq!(foot(&[50.0, 30.0, 30.0, 30.0, 30.0, 20.0], 3), 5, "just long enough");
        assert_eq!(foot(&[50.0, 30.0, 30.0, 30.0, 30.0, 20.0], 2), 1, "and not");
        assert_eq!(foot(&[50.0, 30.0, 49.0, 10.0], 9), 3, "a wave of less than 20 %");
        assert_eq!(foot(&[50.0, 30.0, 51.0, 10.0], 9), 1, "of more");
        assert_eq!(foot(&[50.0], 9), 0);
    }

    #[test]
    fn each_way_has_its_own_half_and_the_way_back_is_the_height() {
        // Out by 100, back by 60 only.
        let mut x = soft(30, 40, 0, 40, 30);
        let turn = 69;
        x[turn..].iter_mut().for_each(|x| *x = 40.0 + 0.6 * *x);
        let span = measured(&x, 0, 1, Cycle { start: 0, turn, end: x.len() - 1, low: x.len() - 1 });
        near("height", span.height, 60.0, 2.5);
        let at = |tick: u64| x[tick as usize];
        assert!(at(span.half_out) < 51.5 && at(span.half_out + 1) >= 50.0, "of the way out");
        assert!(at(span.half_back - 1) >= 70.0 && at(span.half_back) < 72.0, "of the way back");
    }

    #[test]
    fn the_angles_of_a_repetition_are_those_between_its_start_and_its_end() {
        let (channel, mut signal) = (Measure::Knee.channel(Side::Left), Signal::default());
        for tick in 1000..1200 {
            let mut values = [f32::NAN; CHANNELS];
            // 10 before and 179 after; 170 within, and 90 in the middle; not seen for a while, and wild for a moment.
            values[channel] = match tick {
                ..1040 => 10.0,
                1070..1090 => 90.0,
                1125 => 500.0,
                1140.. => 179.0,
                _ => 170.0,
            };
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.05);
        }
        let span = Span {
            start: 1045,
            half_out: 1060,
            turn: 1080,
            half_back: 1100,
            end: 1135,
            phases: Phases { go_s: 1.0, hold_s: 0.5, back_s: 1.5, pause_s: 0.0 },
            height: 80.0,
        };
        let mut desk = Desk::default();
        let rep = span.rep(3, &signal, channel, &mut desk);
        assert_eq!((rep.n, rep.min_deg, rep.max_deg, rep.phases), (3, 90.0, 170.0, span.phases));
        assert_eq!([rep.started, rep.turned, rep.ended], [1045, 1080, 1135].map(stamp_of));
        let unseen = span.rep(1, &signal, Measure::Elbow.channel(Side::Left), &mut desk);
        assert_eq!((unseen.min_deg, unseen.max_deg), (0.0, 0.0));
    }

    #[test]
    fn how_long_a_flat_stretch_may_last_is_a_time_however_far_samples_are_apart() {
        // Softly out and back in 20 samples each; before it the limb was flat for so many, and lower before that; or behind it. It
        // began lower if it was flat for no longer than a share of the way out, in samples, and 0.4 s.
        let of = |flat: usize, step: u64, behind: bool| {
            let mut x = vec![-20.0; 10];
            x.extend(vec![0.0; flat]);
            x.extend(soft(0, 20, 0, 20, 40));
            let mut turn = 10 + flat + 19;
            if behind {
                x.reverse();
                turn = x.len() - 1 - turn;
            }
            let span = measured(&x, 0, step, Cycle { start: 0, turn, end: x.len() - 1, low: x.len() - 1 });
            if behind { span.end / step - turn as u64 } else { turn as u64 - span.start / step }
        };
        for behind in [false, true] {
            let lower = |flat: &usize, step: u64| of(*flat, step, behind) >= 19 + *flat as u64;
            let [every, fourth] = [1, 4].map(|step| (3..40).take_while(|flat| lower(flat, step)).count());
            assert_eq!(every - fourth, 8 - 2, "{every} and {fourth}");
            assert!((12..20).contains(&fourth), "{fourth}");
        }
    }

    #[test]
    fn who_drifts_before_he_starts_has_started_as_long_before_the_edge_as_one_who_starts_softly() {
        // Up to 7.5 in 30 samples, and on to 100 in 20; back in the same way.
        let mut x = vec![0.0; 10];
        x.extend((1..=30).map(|n| 0.25 * n as f32).chain((1..=20).map(|n| 7.5 + 4.625 * n as f32)));
        x.extend(x.clone().iter().rev());
        let span = measured(&x, 0, 1, Cycle { start: 0, turn: 59, end: x.len() - 1, low: x.len() - 1 });
        // From the edge, at 39, to the half, at 48, are nine samples: four more.
        assert_eq!((span.start, span.half_out), (39 - 4, 48));
        assert_eq!((span.half_back, span.end), (119 - 48, 119 - 39 + 4));
    }
}
