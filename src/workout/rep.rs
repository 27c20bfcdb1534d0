//! From a cycle in a signal to a repetition in time: when it left its start, turned and was back, and its tempo.
//!
//! *share*: how far between start and turn, 0 to 1.

use super::extrema::{Cycle, span};
use super::report::{Phases, Rep};
use super::signal::{Signal, seconds, stamp_of};

/// Below this share a limb is taken to rest at its start; above 1 less this, at its turn.
const EDGE: f32 = 0.1;
/// From the edge to the half a limb that speeds up softly takes this many times as long as it took from standing still
/// to the edge: between a straight ramp (4) and a cosine (1.43).
const SOFT: f32 = 2.2;

/// A repetition within the signal, in ticks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Span {
    pub start: u64,
    pub turn: u64,
    pub end: u64,
    /// From leaving the start to the edge of the turn, and so on.
    pub phases: Phases,
    /// How high the way back was.
    pub height: f32,
}

/// Where the cycle's edges are in the oriented signal `x`, whose first sample is of the tick `first`.
pub fn measured(x: &[f32], first: u64, cycle: Cycle) -> Span {
    let Cycle { start, turn, end } = cycle;
    let (top, out_foot, back_foot) = (x[turn], x[start], x[end]);
    let height = top - back_foot;
    // A first repetition may come from further below than it goes back to: only the common part is its way.
    let foot = out_foot.max(back_foot);
    let level = |share: f32| foot + share * (top - foot);
    let before = |share: f32| (start..=turn).rev().find(|n| x[*n] < level(share)).unwrap_or(start);
    let after = |share: f32| (turn..=end).find(|n| x[*n] < level(share)).unwrap_or(end);
    let soft = |edge: usize, half: usize| (edge.abs_diff(half) as f32 / SOFT).round() as usize;
    let left = before(EDGE).saturating_sub(soft(before(EDGE), before(0.5))).max(start);
    let back = (after(EDGE) + soft(after(EDGE), after(0.5))).min(end);
    let (reached, leaves) = (before(1.0 - EDGE), after(1.0 - EDGE));
    let span_s = |from: usize, to: usize| seconds(to.saturating_sub(from) as u64);
    let phases = Phases {
        go_s: span_s(left, reached),
        hold_s: span_s(reached, leaves),
        back_s: span_s(leaves, back),
        pause_s: 0.0,
    };
    let tick = |n: usize| first + n as u64;
    Span { start: tick(left), turn: tick(turn), end: tick(back), phases, height }
}

impl Span {
    /// How long it took.
    pub fn duration_s(&self) -> f32 {
        seconds(self.end - self.start)
    }

    /// As the `n`-th of its set, with the angles of the hinge on `channel`.
    pub fn rep(&self, n: u32, signal: &Signal, channel: usize, spare: &mut Vec<f32>) -> Rep {
        spare.clear();
        spare.extend((self.start..=self.end).map(|tick| signal.at(channel, tick)).filter(|deg| deg.is_finite()));
        super::extrema::smooth(spare, 2, &mut Vec::new());
        let (min_deg, max_deg) = if spare.is_empty() { (0.0, 0.0) } else { span(spare) };
        let [started, turned, ended] = [self.start, self.turn, self.end].map(stamp_of);
        Rep { n, started, turned, ended, min_deg, max_deg, phases: self.phases }
    }
}
