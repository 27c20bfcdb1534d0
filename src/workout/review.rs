//! The unhurried count of a set that is over: all of it is seen at once, so that it is smoothed to both sides and aimed at
//! by all of its repetitions, not by those that were known at the time.
//!
//! Repetitions that were done before anybody knew that it is a set are found, and so is one that was hidden for a moment;
//! getting ready and putting the load away are left out, since they are unlike the others. It must never look beyond what
//! the signal still knows: of a longer set the earlier part stays as it was counted.
//!
//! *core*: from the first to the last repetition that was counted while the set went on.

use std::cmp::Ordering;

use super::aim::Aim;
use super::ends::begins;
use super::extrema::{Wanted, cycles, smooth};
use super::form::{Errors, Form, errors};
use super::gate;
use super::rep::{Span, measured};
use super::search::{DWELL_S, Desk, Least, Usual, median};
use super::signal::{Signal, seconds, ticks};

/// Before and after the core a repetition is looked for this far. Seconds.
const MARGIN_S: f32 = 45.0;
/// Smoothing, as a share of a repetition.
const SMOOTH: f32 = 0.1;
/// A repetition that was counted and is further from the others than this was none; …
const STAYS: f32 = 1.0;
/// … one that was not counted is one if it is as near as this.
const LIKE: f32 = 0.5;
/// People get their breath in this time. Seconds.
const BREATHER_S: f32 = 4.5;
/// The first one began before anybody looked if it begins within this time of the first sight. Seconds.
const HALF_SEEN_S: f32 = 0.5;
/// Rounds of aiming and counting.
const ROUNDS: usize = 2;

/// A set as the count knows it, and where it may lie.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Repetitions, in order.
    pub spans: &'a [Span],
    /// Nothing before this belongs to it, …
    pub from: u64,
    /// … nor anything behind this.
    pub until: u64,
    /// It is known where its repetitions begin.
    pub shown: bool,
}

/// All repetitions of the set along its own way, from the end that such movements begin at.
pub fn review(signal: &Signal, known: Known, least: Least, desk: &mut Desk) -> Vec<Span> {
    let spans = refined(signal, known, least, desk);
    if known.shown || spans.len() < 2 {
        return spans;
    }
    let aim = Aim::at(signal, &spans).turned();
    let turned = along(signal, &aim, Known { spans: &spans, ..known }, least, desk);
    if turned.len() < 2 {
        return spans;
    }
    let turned = refined(signal, Known { spans: &turned, ..known }, least, desk);
    let turns = match turned.len().cmp(&spans.len()) {
        Ordering::Greater if even(&turned) => true,
        Ordering::Less if even(&spans) => false,
        _ => odds(signal, &spans) < 0.0,
    };
    if turns { turned } else { spans }
}

/// Whether the first and the last are as long as the others. From the wrong end, the first way out is that of getting ready
/// and the last way back that of putting the load away, with a wait before it.
fn even(spans: &[Span]) -> bool {
    let [first, .., last] = spans else { return false };
    let usual = Usual::of(spans);
    [first, last].into_iter().all(|span| {
        span.phases.hold_s <= 1.3 * usual.hold_s + 0.2
            && (0.7 * usual.beyond_s..=1.3 * usual.beyond_s + 0.2).contains(&span.beyond_s())
    })
}

/// Log odds that repetitions begin where these do, and not at their turns.
pub fn odds(signal: &Signal, spans: &[Span]) -> f32 {
    begins(&Form::usual(signal, spans), gate::lift(signal, spans))
}

/// Aimed at anew by what was found.
fn refined(signal: &Signal, known: Known, least: Least, desk: &mut Desk) -> Vec<Span> {
    let mut spans = known.spans.to_vec();
    for _ in 0..ROUNDS {
        let aim = Aim::at(signal, &spans);
        let found = along(signal, &aim, Known { spans: &spans, ..known }, least, desk);
        if found.len() < 2 {
            break;
        }
        spans = found;
    }
    spans
}

/// The repetitions along `aim`.
fn along(signal: &Signal, aim: &Aim, known: Known, least: Least, desk: &mut Desk) -> Vec<Span> {
    let (Some(first), Some(last)) = (known.spans.first(), known.spans.last()) else { return Vec::new() };
    let margin = ticks(MARGIN_S) as u64;
    let from = first.start.saturating_sub(margin).max(known.from);
    let until = (last.end + margin).min(known.until).max(last.end);
    let x = &mut desk.x;
    x.clear();
    x.extend((from..=until).map(|tick| aim.progress(signal, tick)));
    // Of one during which the athlete came into sight the way out was hardly seen.
    let seen = x.iter().position(|v| v.is_finite()).unwrap_or(0);
    if seen > 0 && first.start <= from + (seen + ticks(HALF_SEEN_S)) as u64 {
        x[seen - 1] = 0.0;
    }
    bridge(x);
    let rep_s = median(known.spans.iter().map(Span::duration_s));
    smooth(x, ticks(SMOOTH * rep_s / 2.0).max(2), &mut desk.spare);
    let mut all = Vec::new();
    let mut height = 1.0;
    for _ in 0..2 {
        cycles(x, Wanted::of(height, ticks(DWELL_S)), &mut desk.cycles);
        all.clear();
        all.extend(desk.cycles.iter().map(|cycle| measured(x, from, 1, *cycle)));
        let core = all.iter().filter(|span| (first.start..=last.end).contains(&span.turn));
        height = median(core.map(|span| span.height));
        if height <= 0.0 {
            return Vec::new();
        }
    }
    // The other way round, the first and the last may turn where these begin and end.
    let around = ticks(rep_s / 2.0) as u64;
    chosen(signal, all, (first.start.saturating_sub(around), last.end + around), least)
}

/// Those of the core, and those before and after it that are like them.
fn chosen(signal: &Signal, mut all: Vec<Span>, (start, end): (u64, u64), least: Least) -> Vec<Span> {
    let within = |span: &&Span| (start..=end).contains(&span.turn);
    let core: Vec<Span> = all.iter().filter(within).copied().collect();
    let judge = Judge::new(signal, &core);
    let Some(mut from) = all.iter().position(|span| within(&span)) else { return Vec::new() };
    let mut to = all.iter().rposition(|span| within(&span)).map_or(from, |last| last + 1);
    while from + 1 < to && !judge.belongs(signal, &all[from]) {
        from += 1;
    }
    while from + 1 < to && !(judge.belongs(signal, &all[to - 1]) && judge.near(&all[to - 2], &all[to - 1])) {
        to -= 1;
    }
    while from > 0 && judge.near(&all[from - 1], &all[from]) {
        let Some(span) = judge.led_up(signal, &all[from - 1], least) else { break };
        from -= 1;
        all[from] = span;
    }
    while to < all.len() && judge.goes_on(signal, &all[to], least) && judge.near(&all[to - 1], &all[to]) {
        to += 1;
    }
    all[from..to].to_vec()
}

/// What repetitions at the ends of a set are measured against.
struct Judge {
    usual: Usual,
    pause_s: f32,
    /// From the start to the turn.
    go_s: f32,
    mean: Form,
    errors: Errors,
}

impl Judge {
    fn new(signal: &Signal, core: &[Span]) -> Judge {
        Judge {
            usual: Usual::of(core),
            pause_s: median(core.windows(2).map(|pair| seconds(pair[1].start.saturating_sub(pair[0].end)))),
            go_s: median(core.iter().map(|span| seconds(span.turn - span.start))),
            mean: Form::usual(signal, core),
            errors: errors(signal),
        }
    }

    /// Whether one that was counted stays. The first may come from elsewhere, the bar from its rack.
    fn belongs(&self, signal: &Signal, span: &Span) -> bool {
        let mut form = Form::of(signal, span);
        let whole = self.mean.unlikeness(&form, &self.errors);
        form.forget_way_out();
        (0.5 * self.usual.height..=1.8 * self.usual.height).contains(&span.height)
            && whole.min(self.mean.unlikeness(&form, &self.errors)) <= STAYS
    }

    /// Whether one behind the others is one more.
    fn goes_on(&self, signal: &Signal, span: &Span, least: Least) -> bool {
        self.usual.allows(span, least)
            && self.mean.unlikeness(&Form::of(signal, span), &self.errors) <= LIKE
            && !gate::walked(signal, span)
    }

    /// One before the others, if it is one more. Where it began is hardly known, as he got ready just before: not before the
    /// others would have.
    fn led_up(&self, signal: &Signal, span: &Span, least: Least) -> Option<Span> {
        [1.5, 1.0].into_iter().find_map(|reach| {
            let earliest = span.turn.saturating_sub(ticks(reach * self.go_s) as u64);
            let span = Span { start: span.start.max(earliest).min(span.half_out), ..*span };
            self.goes_on(signal, &span, least).then_some(span)
        })
    }

    /// Whether no more than a breather is between two.
    fn near(&self, before: &Span, after: &Span) -> bool {
        seconds(after.start.saturating_sub(before.end)) <= 2.5 * self.pause_s + BREATHER_S
    }
}

/// Fills what was not seen along straight lines.
fn bridge(x: &mut [f32]) {
    let mut last: Option<usize> = None;
    for n in 0..x.len() {
        if x[n].is_nan() {
            continue;
        }
        let from = last.map_or(x[n], |last| x[last]);
        let first = last.map_or(0, |last| last + 1);
        let (to, steps) = (x[n], (n + 1 - first) as f32);
        for (step, value) in x[first..n].iter_mut().enumerate() {
            *value = from + (to - from) * (step + 1) as f32 / steps;
        }
        last = Some(n);
    }
    let rest = last.map_or(0.0, |last| x[last]);
    let first = last.map_or(0, |last| last + 1);
    x[first..].fill(rest);
}
