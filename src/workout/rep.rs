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
