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
use super::extrema::{Cycle, Wanted, cycles, smooth};
use super::form::{Errors, Form, errors};
use super::gate;
use super::halves;
use super::rep::{Span, measured};
use super::search::{DWELL_S, Desk, Least, SURE, Usual, median};
use super::signal::{Signal, seconds, ticks};
use super::stray::{End, Stray};

/// Before and after the core a repetition is looked for this far. Seconds.
const MARGIN_S: f32 = 45.0;
/// Smoothing, as a share of a repetition.
const SMOOTH: f32 = 0.1;
/// A repetition that was counted and is further from the others than this was none; …
const STAYS: f32 = 1.0;
/// … one that was not counted is one if it is as near as this.
const LIKE: f32 = 0.5;
/// So many next to one say how it looks by now.
const NEIGHBOURS: usize = 3;
/// People get their breath in this time. Seconds.
const BREATHER_S: f32 = 4.5;
/// The first one began before anybody looked if it begins within this time of the first sight. Seconds.
const HALF_SEEN_S: f32 = 0.5;
/// That one way round there are more repetitions says this much for it, as log odds.
const MORE: f32 = 1.5;
/// And that the first and the last of them are as even as the others so much besides: nobody takes a bar up and puts it down
/// as he trains with it.
const EVEN: f32 = 4.0;
/// An end that is off by more says no more, standard deviations squared: a set may begin oddly from the right end, too.
const MOST_OFF2: f32 = 6.0;
/// So many that hang on to a set are looked at, …
const MOST_STRAYS: usize = 8;
/// … one that was none with such log odds takes those beyond it with it, …
const BY_FAR: f32 = 4.0;
/// … unless one of them is the set's with such odds.
const DOUBTFUL: f32 = -4.0;
/// Fewer repetitions do not tell which of them is none.
const KNOWN_BY: usize = 4;
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
    /// The first of them is the set's first.
    pub whole: bool,
}

/// All repetitions of the set along its own way, from the end that such movements begin at.
pub fn review(signal: &Signal, known: Known, least: Least, desk: &mut Desk) -> Vec<Span> {
    let ends = from_its_end(signal, known, least, desk);
    halves::join(signal, without_strays(signal, known.whole, ends))
}

/// The same, with those that only hang on to it.
fn from_its_end(signal: &Signal, known: Known, least: Least, desk: &mut Desk) -> Vec<Span> {
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
    // Of fewer than three everything is an end, and nothing is usual.
    if turned.len() < SURE && turned.len() < spans.len() {
        return spans;
    }
    // The postures, the times at either end, and how much is left over: as log odds that these begin where it does.
    let [own, others] = [&spans, &turned].map(|spans| uneven_ends(spans));
    let more = match spans.len().cmp(&turned.len()) {
        Ordering::Less => -odds_of_more(others),
        Ordering::Equal => 0.0,
        Ordering::Greater => odds_of_more(own),
    };
    let straight = odds(signal, &spans) + (others - own) / 2.0 + more;
    if straight < 0.0 { turned } else { spans }
}

/// What it says, as log odds, that one way round there are more repetitions, whose ends are so uneven.
fn odds_of_more(uneven: f32) -> f32 {
    MORE + EVEN * (-uneven).exp()
}

/// By how many standard deviations, squared, the times of the first and the last are off those of the others. From the wrong
/// end, the first way out is that of getting ready and the last way back that of putting the load away, with a wait before it.
fn uneven_ends(spans: &[Span]) -> f32 {
    let [first, .., last] = spans else { return 0.0 };
    let usual = Usual::of(spans);
    let off = |span: &Span| {
        let hold = (span.phases.hold_s - usual.hold_s) / (0.25 * usual.hold_s + 0.15);
        let beyond = (span.beyond_s() - usual.beyond_s) / (0.3 * usual.beyond_s + 0.3);
        (hold * hold + beyond * beyond).min(MOST_OFF2)
    };
    off(first) + off(last)
}

/// Leaves out those that hang on to the set: who bends for his bottle after a deadlift does nearly the same once more, but
/// later, at another pace and not quite alike. Of a set that is not `whole` the first ones stay.
fn without_strays(signal: &Signal, whole: bool, mut spans: Vec<Span>) -> Vec<Span> {
    spans.truncate(spans.len() - strays(signal, &spans, End::Last));
    if whole {
        spans.drain(..strays(signal, &spans, End::First));
    }
    spans
}

/// How many at this end were none, each looked at without those beyond it. One that was none by far takes others with it that
/// look much like the set's: he has fetched something by then.
fn strays(signal: &Signal, spans: &[Span], end: End) -> usize {
    let mut count = 0;
    for beyond in 0..MOST_STRAYS.min(spans.len().saturating_sub(KNOWN_BY - 1)) {
        let own = match end {
            End::Last => &spans[..spans.len() - beyond],
            End::First => &spans[beyond..],
        };
        let odds = Stray::of(signal, own, end).odds();
        if odds > if count == beyond { 0.0 } else { BY_FAR } {
            count = beyond + 1;
        }
        if odds <= DOUBTFUL {
            break;
        }
    }
    count
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
        let is_last = |cycle: &Cycle| from + (cycle.turn as u64) >= last.turn.saturating_sub(ticks(rep_s / 2.0) as u64);
        let whole = |cycle: &Cycle| if is_last(cycle) { *cycle } else { cycle.to_its_low() };
        all.extend(desk.cycles.iter().map(|cycle| measured(x, from, 1, whole(cycle))));
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
    while from + 1 < to && !judge.belongs(signal, &all[from], &all[from + 1..to]) {
        from += 1;
    }
    while from + 1 < to
        && !(judge.belongs(signal, &all[to - 1], &all[from..to - 1]) && judge.near(&all[to - 2], &all[to - 1]))
    {
        to -= 1;
    }
    while from > 0 && judge.near(&all[from - 1], &all[from]) {
        let Some(span) = judge.led_up(signal, &all[from - 1], &all[from..to], least) else { break };
        from -= 1;
        all[from] = span;
    }
    while to < all.len() && judge.near(&all[to - 1], &all[to]) {
        let count = if judge.goes_on(signal, &all[to], &all[from..to], least) {
            1
        } else if judge.is_between(signal, &all[from..], to - from, least) {
            2
        } else {
            break;
        };
        to += count;
    }
    all[from..to].to_vec()
}

/// Those of `others`, which are in order, that are next to this one.
fn nearest<'a>(span: &Span, others: &'a [Span]) -> &'a [Span] {
    let count = NEIGHBOURS.min(others.len());
    let before = others.first().is_some_and(|first| span.turn < first.turn);
    if before { &others[..count] } else { &others[others.len() - count..] }
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

    /// How unlike it is to all of them and to its neighbours, whichever is less: who tires, or is seen by a model that errs
    /// for a while, changes from one to the next.
    fn unlikeness(&self, signal: &Signal, form: &Form, neighbours: &[Span]) -> f32 {
        let near = Form::usual(signal, neighbours);
        self.mean.unlikeness(form, &self.errors).min(near.unlikeness(form, &self.errors))
    }

    /// Whether one that was counted stays. The first may come from elsewhere, the bar from its rack.
    fn belongs(&self, signal: &Signal, span: &Span, others: &[Span]) -> bool {
        let mut form = Form::of(signal, span);
        let neighbours = nearest(span, others);
        let whole = self.unlikeness(signal, &form, neighbours);
        form.forget_way_out();
        (0.5 * self.usual.height..=1.8 * self.usual.height).contains(&span.height)
            && whole.min(self.unlikeness(signal, &form, neighbours)) <= STAYS
    }

    /// Whether one beside the others is one more.
    fn goes_on(&self, signal: &Signal, span: &Span, others: &[Span], least: Least) -> bool {
        self.usual.allows(span, least)
            && self.unlikeness(signal, &Form::of(signal, span), nearest(span, others)) <= LIKE
            && !gate::walked(signal, span)
    }

    /// Whether the one at `at` is seen badly, but between those before it and another one that goes on.
    fn is_between(&self, signal: &Signal, spans: &[Span], at: usize, least: Least) -> bool {
        at + 1 < spans.len()
            && self.usual.allows(&spans[at], least)
            && self.belongs(signal, &spans[at], &spans[..at])
            && !gate::walked(signal, &spans[at])
            && self.near(&spans[at], &spans[at + 1])
            && self.goes_on(signal, &spans[at + 1], &spans[..at], least)
    }

    /// One before the others, if it is one more. Where it began is hardly known, as he got ready just before: not before the
    /// others would have.
    fn led_up(&self, signal: &Signal, span: &Span, others: &[Span], least: Least) -> Option<Span> {
        [1.5, 1.0].into_iter().find_map(|reach| {
            let earliest = span.turn.saturating_sub(ticks(reach * self.go_s) as u64);
            let span = Span { start: span.start.max(earliest).min(span.half_out), ..*span };
            self.goes_on(signal, &span, others, least).then_some(span)
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

#[cfg(test)]
mod tests {
    use super::super::measure::{CHANNELS, FEET_X, FEET_Y, Measure, Side};
    use super::super::report::Phases;
    use super::super::signal::stamp_of;
    use super::super::world::{self, squatter};
    use super::*;

    /// Of repetitions of 3 s, each from its start, with so long a hold.
    fn spans(holds_s: &[f32]) -> Vec<Span> {
        let of = |(n, hold_s): (usize, &f32)| {
            let start = 1000 + 100 * n as u64;
            let half_back = start + 30 + ticks(*hold_s) as u64;
            Span {
                start,
                half_out: start + 20,
                turn: start + 30,
                half_back,
                end: half_back + 20,
                phases: Phases { go_s: 1.0, hold_s: *hold_s, back_s: 1.0, pause_s: 0.0 },
                height: 1.0,
            }
        };
        holds_s.iter().enumerate().map(of).collect()
    }

    #[test]
    fn who_waits_before_he_puts_the_bar_away_is_counted_from_the_other_end() {
        let even = uneven_ends(&spans(&[0.6, 0.5, 0.5, 0.6, 0.5]));
        let odd = uneven_ends(&spans(&[2.5, 0.5, 0.5, 0.6, 3.0]));
        assert!(even < 1.0, "{even}");
        assert_eq!(odd, 2.0 * MOST_OFF2);
        // 0.3 s more than half a second, of 0.275, and of 1.0 s beyond the half, of 0.6; at either end.
        for holds_s in [[0.8, 0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5, 0.8]] {
            let little = uneven_ends(&spans(&holds_s));
            assert!((little - 1.440_08).abs() < 1e-3, "{little}");
        }
        assert_eq!(uneven_ends(&spans(&[0.5])), 0.0);
    }

    #[test]
    fn ends_as_even_as_the_rest_speak_for_the_longer_way_round_and_others_hardly_do() {
        let [even, odd] = [&[0.9, 0.9, 0.95, 0.9][..], &[0.9, 0.9, 0.95, 2.9]]
            .map(|holds_s| odds_of_more(uneven_ends(&spans(holds_s))));
        assert!(even > MORE + 0.9 * EVEN, "{even}");
        assert!((MORE..MORE + 0.1 * EVEN).contains(&odd), "{odd}");
    }

    /// Repetitions of 60 degrees at both knees and hips, each of which begins so much lower than the one before.
    fn sinking(by_deg: f32, count: usize) -> (Signal, Vec<Span>) {
        let spans = spans(&vec![0.0; count]);
        let mut signal = Signal::default();
        for tick in 1000..1000 + 100 * count as u64 {
            let (n, at) = ((tick - 1000) / 100, (tick - 1000) % 100);
            let out = if at < 60 { (0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / 60.0).cos()) * 60.0 } else { 0.0 };
            let mut values = [f32::NAN; CHANNELS];
            for measure in [Measure::Hip, Measure::Knee, Measure::Elbow, Measure::Stance] {
                values[measure.channel(Side::Both)] = 170.0 - by_deg * n as f32 - out;
            }
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.05);
        }
        (signal, spans)
    }

    #[test]
    fn who_changes_from_one_to_the_next_is_still_the_same() {
        let (signal, spans) = sinking(7.5, 9);
        let judge = Judge::new(&signal, &spans[..8]);
        assert!(judge.belongs(&signal, &spans[0], &spans[1..]), "next to its neighbours");
        assert!(!judge.belongs(&signal, &spans[0], &spans[5..]), "and unlike the others");
        let least = Least { height_deg: 25.0, rep_s: 0.6, most_rep_s: 14.0, reps: 3 };
        assert!(judge.goes_on(&signal, &spans[8], &spans[..8], least));
        assert!(!judge.goes_on(&signal, &spans[8], &spans[..4], least));
        let (signal, spans) = sinking(40.0, 9);
        let judge = Judge::new(&signal, &spans[..8]);
        assert!(!judge.goes_on(&signal, &spans[8], &spans[..8], least), "it changes too fast");
    }

    #[test]
    fn neighbours_are_those_next_to_it_on_whichever_side() {
        let spans = spans(&[0.5; 6]);
        assert_eq!(nearest(&spans[0], &spans[1..]), &spans[1..4]);
        assert_eq!(nearest(&spans[5], &spans[..5]), &spans[2..5]);
        assert_eq!(nearest(&spans[5], &spans[..2]), &spans[..2]);
        assert_eq!(nearest(&spans[5], &[]), &[]);
    }

    #[test]
    fn three_repetitions_are_left_alone() {
        let three = spans(&[0.5, 0.5, 3.0]);
        assert_eq!(without_strays(&Signal::default(), true, three.clone()), three);
    }

    #[test]
    fn one_that_was_none_by_far_takes_those_beyond_it_with_it() {
        // Of two at the end after long pauses: by how many degrees they go, and how many of them were none.
        for (ways_deg, none) in [([40.0, 50.0], 2), ([52.0, 45.0], 2), ([50.0, 52.0], 0), ([20.0, 60.0], 0)] {
            let mut all_deg = [60.0; 12];
            [all_deg[8], all_deg[11]] = ways_deg;
            let (signal, all) = moving(&all_deg, |_| 0.0);
            let own = [&all[..6], &all[8..=8], &all[11..=11]].concat();
            let odds = [7, 8].map(|n| Stray::of(&signal, &own[..n], End::Last).odds());
            let wanted = match odds {
                [by_far, doubtful] if by_far > BY_FAR && doubtful > DOUBTFUL => 2,
                [none, none_too] if none > 0.0 && none_too > 0.0 => 2,
                _ => 0,
            };
            assert_eq!((strays(&signal, &own, End::Last), wanted), (none, none), "{ways_deg:?}: {odds:.1?}");
            assert_eq!(without_strays(&signal, true, own.clone()), own[..8 - none]);
            assert_eq!(strays(&signal, &own[5..], End::Last), 0, "three do not tell which of them is none");
        }
    }

    const LEAST: Least = Least { height_deg: 25.0, rep_s: 0.6, most_rep_s: 14.0, reps: 3 };

    /// Every five seconds a repetition of three, of so many degrees at three joints; who does them stands `place` statures
    /// across at a tick.
    fn moving(ways_deg: &[f32], place: impl Fn(u64) -> f32) -> (Signal, Vec<Span>) {
        let mut signal = Signal::default();
        for tick in 900..1000 + 100 * ways_deg.len() as u64 {
            let (n, at) = ((tick.max(1000) - 1000) / 100, (tick - 900) % 100);
            let share = if tick >= 1000 && at < 60 {
                0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / 60.0).cos()
            } else {
                0.0
            };
            let mut values = [f32::NAN; CHANNELS];
            for measure in [Measure::Hip, Measure::Knee, Measure::Elbow] {
                values[measure.channel(Side::Both)] = 170.0 - ways_deg[n as usize] * share;
            }
            (values[FEET_X], values[FEET_Y]) = (place(tick), 1.0);
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.1);
        }
        (signal, spans(&vec![0.0; ways_deg.len()]))
    }

    /// What of these is the set, if the count knew those of them.
    fn of_core(signal: &Signal, all: &[Span], core: std::ops::Range<usize>) -> Vec<u64> {
        let (start, end) = (all[core.start].start, all[core.end - 1].end);
        chosen(signal, all.to_vec(), (start, end), LEAST).iter().map(|span| span.turn).collect()
    }

    fn turns(all: &[Span]) -> Vec<u64> {
        all.iter().map(|span| span.turn).collect()
    }

    #[test]
    fn what_is_like_the_set_before_and_after_it_is_of_it_up_to_a_long_pause() {
        let (signal, all) = moving(&[60.0; 12], |_| 0.0);
        assert_eq!(of_core(&signal, &all[..6], 2..4), turns(&all[..6]));
        // Two and a half pauses of 2.5 s and a breather of 4.5: 10.75 s. Here it is 7.5, and then 22.5.
        let paused = [&all[..4], &all[5..7]].concat();
        assert_eq!(of_core(&signal, &paused, 0..4), turns(&paused));
        assert_eq!(of_core(&signal, &paused, 4..6), turns(&paused));
        let long = [&all[..4], &all[8..10]].concat();
        assert_eq!(of_core(&signal, &long, 0..4), turns(&all[..4]));
        assert_eq!(of_core(&signal, &long, 4..6), turns(&all[8..10]));
        // He who walked away meanwhile did something else.
        let (signal, all) = moving(&[60.0; 6], |tick| if tick < 1425 { 0.0 } else { 0.3 });
        assert_eq!(of_core(&signal, &all, 0..4), turns(&all[..4]));
    }

    #[test]
    fn what_was_counted_but_is_too_high_or_too_low_was_none_at_either_end() {
        let (signal, mut all) = moving(&[60.0; 6], |_| 0.0);
        all.iter_mut().for_each(|span| span.height = 2.0);
        for height in [0.98, 3.62] {
            let (mut first, mut last) = (all.clone(), all.clone());
            first[0].height = height;
            last[5].height = height;
            assert_eq!(of_core(&signal, &first, 0..6), turns(&all[1..]), "{height}");
            assert_eq!(of_core(&signal, &last, 0..6), turns(&all[..5]), "{height}");
        }
        for height in [1.02, 3.58] {
            let mut both = all.clone();
            (both[0].height, both[5].height) = (height, height);
            assert_eq!(of_core(&signal, &both, 0..6), turns(&all), "{height}");
        }
        // A last one after a long pause is none either.
        let (signal, all) = moving(&[60.0; 10], |_| 0.0);
        let late = [&all[..5], &all[9..]].concat();
        assert_eq!(of_core(&signal, &late, 0..6), turns(&all[..5]));
        assert_eq!(chosen(&signal, all, (5, 10), LEAST), [], "there is nothing where it should be");
    }

    #[test]
    fn where_the_first_one_led_up_from_is_no_earlier_than_the_others_would_have_begun() {
        let (signal, all) = moving(&[60.0; 6], |_| 0.0);
        // He got ready for a second and a half before it; 1.5 s is the way out of the others.
        let mut early = all.clone();
        early[1].start -= 30;
        let found = chosen(&signal, early[1..].to_vec(), (all[3].start, all[5].end), LEAST);
        assert_eq!((found.len(), found[0].start), (5, all[1].turn - 45));
        let mut little = all.clone();
        little[1].start -= 10;
        let found = chosen(&signal, little[1..].to_vec(), (all[3].start, all[5].end), LEAST);
        assert_eq!((found.len(), found[0].start), (5, all[1].start - 10));
    }

    #[test]
    fn one_that_was_seen_badly_is_of_the_set_if_another_good_one_follows() {
        let mut ways = [60.0; 9];
        // Half as far: as unlike as one may be that was counted, more unlike than one that was not.
        ways[4] = 31.8;
        let (signal, all) = moving(&ways, |_| 0.0);
        let judge = Judge::new(&signal, &all[..4]);
        assert!(judge.belongs(&signal, &all[4], &all[..4]) && !judge.goes_on(&signal, &all[4], &all[..4], LEAST));
        assert_eq!(of_core(&signal, &all[..6], 0..4), turns(&all[..6]));
        assert_eq!(of_core(&signal, &all[..5], 0..4), turns(&all[..4]), "none follows");
        assert_eq!(of_core(&signal, &[&all[..5], &all[8..]].concat(), 0..4), turns(&all[..4]), "much later");
        let mut low = all[..6].to_vec();
        low[4].height = 0.4;
        assert_eq!(of_core(&signal, &low, 0..4), turns(&all[..4]), "it was none");
        let mut high = all[..6].to_vec();
        high[5].height = 2.0;
        assert_eq!(of_core(&signal, &high, 0..4), turns(&all[..4]), "nor is the next");
        ways[5] = 31.8;
        let (signal, all) = moving(&ways, |_| 0.0);
        assert_eq!(of_core(&signal, &all[..6], 0..4), turns(&all[..4]), "two are none");
        ways[5] = 60.0;
        let (signal, all) = moving(&ways, |tick| if tick < 1425 { 0.0 } else { 0.3 });
        assert_eq!(of_core(&signal, &all[..6], 0..4), turns(&all[..4]), "he walked away meanwhile");
        ways[4] = 5.0;
        let (signal, all) = moving(&ways, |_| 0.0);
        assert_eq!(of_core(&signal, &all[..6], 0..4), turns(&all[..4]), "he hardly moved");
    }

    #[test]
    fn what_hangs_on_to_four_or_more_is_left_out_at_both_ends_but_not_at_the_start_of_a_part() {
        let mut ways = [60.0; 10];
        (ways[0], ways[9]) = (20.0, 20.0);
        let (signal, all) = moving(&ways, |_| 0.0);
        // Low ones, long before and long after the others.
        let left = |whole: bool, spans: &[&[Span]]| turns(&without_strays(&signal, whole, spans.concat()));
        assert_eq!(left(true, &[&all[3..7], &all[9..]]), turns(&all[3..7]));
        assert_eq!(left(true, &[&all[..1], &all[3..7]]), turns(&all[3..7]));
        assert_eq!(left(false, &[&all[..1], &all[3..7]]), turns(&[&all[..1], &all[3..7]].concat()));
        assert_eq!(left(false, &[&all[3..7], &all[9..]]), turns(&all[3..7]));
        assert_eq!(left(true, &[&all[3..6], &all[9..]]), turns(&all[3..6]), "three and it");
        assert_eq!(left(true, &[&all[3..5], &all[9..]]).len(), 3, "of three nobody knows which is none");
        assert_eq!(left(true, &[&all[1..9]]), turns(&all[1..9]));
    }

    /// So many from this tick on, one every 60 ticks, which turn after so many and are back after so many more.
    fn known(first: u64, count: u64, go: u64, back: u64) -> Vec<Span> {
        let phases = Phases { go_s: 1.0, hold_s: 0.0, back_s: 1.0, pause_s: 0.0 };
        let of = |n: u64| {
            let (start, turn) = (first + 60 * n, first + 60 * n + go);
            Span {
                start,
                half_out: start + go / 2,
                turn,
                half_back: turn + back / 2,
                end: turn + back,
                phases,
                height: 1.0,
            }
        };
        (0..count).map(of).collect()
    }

    fn reviewed(signal: &Signal, spans: &[Span], shown: bool) -> Vec<u64> {
        let known = Known { spans, from: 0, until: u64::MAX, shown, whole: true };
        review(signal, known, LEAST, &mut Desk::default()).iter().map(|span| span.turn).collect()
    }

    fn is_near(turns: &[u64], wanted: &[u64]) {
        let near = turns.len() == wanted.len() && turns.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= 4);
        assert!(near, "{turns:?} and not {wanted:?}");
    }

    #[test]
    fn squats_that_were_counted_from_below_are_counted_from_above_in_the_end() {
        let signal = squatter(900..1400);
        let below = [1020, 1080, 1140, 1200, 1260];
        let straight = known(1000, 5, 20, 20);
        is_near(&reviewed(&signal, &straight, false), &below);
        // From turn to turn there are four, which turn where he stands.
        let turned = known(1020, 4, 30, 30);
        is_near(&reviewed(&signal, &turned, false), &below);
        // Whose beginning is known is left as he is.
        assert_eq!(reviewed(&signal, &turned, true).len(), 4);
        is_near(&reviewed(&signal, &straight, true), &below);
        // So are two, of which everything is an end.
        let two = Known { spans: &straight[..2], from: 990, until: 1110, shown: false, whole: true };
        is_near(
            &review(&signal, two, LEAST, &mut Desk::default()).iter().map(|span| span.turn).collect::<Vec<_>>(),
            &below[..2],
        );
    }

    #[test]
    fn two_do_not_show_that_three_were_counted_from_the_wrong_end() {
        let mut signal = Signal::default();
        world::squats(&mut signal, 1020..1261, &[1000, 1120, 1180, 1240], |_, _| {});
        let mut below = known(1080, 3, 30, 30);
        (below[0].start, below[0].turn) = (1020, 1080);
        let known = Known { spans: &below, from: 1020, until: u64::MAX, shown: false, whole: true };
        assert_eq!(review(&signal, known, LEAST, &mut Desk::default()).len(), 3);
    }

    #[test]
    fn where_no_posture_tells_the_end_that_there_are_more_from_does() {
        let (signal, all) = moving(&[60.0; 5], |_| 0.0);
        assert_eq!(odds(&signal, &all), 0.0);
        let turned: Vec<Span> = all[..4]
            .iter()
            .map(|span| {
                let start = span.turn;
                Span { start, half_out: start + 20, turn: start + 50, half_back: start + 80, end: start + 100, ..*span }
            })
            .collect();
        is_near(&reviewed(&signal, &turned, false), &turns(&all));
        is_near(&reviewed(&signal, &all, false), &turns(&all));
    }

    #[test]
    fn what_lies_before_or_behind_what_may_be_of_the_set_is_left_out() {
        let signal = squatter(900..1400);
        let straight = known(1060, 3, 20, 20);
        let of = |from: u64, until: u64| {
            let known = Known { spans: &straight, from, until, shown: true, whole: true };
            review(&signal, known, LEAST, &mut Desk::default()).iter().map(|span| span.turn).collect::<Vec<_>>()
        };
        is_near(&of(0, u64::MAX), &[1020, 1080, 1140, 1200, 1260]);
        is_near(&of(1050, u64::MAX), &[1080, 1140, 1200, 1260]);
        is_near(&of(0, 1230), &[1020, 1080, 1140, 1200]);
    }

    #[test]
    fn of_one_during_which_the_athlete_came_into_sight_the_way_out_need_not_be_seen() {
        // When he is seen first he is two thirds down.
        let signal = squatter(1012..1400);
        let mut spans = known(1000, 5, 20, 20);
        (spans[0].start, spans[0].half_out) = (1012, 1014);
        is_near(&reviewed(&signal, &spans, true), &[1020, 1080, 1140, 1200, 1260]);
        // Of one that began long before nobody saw it.
        is_near(&reviewed(&signal, &known(1060, 4, 20, 20), true), &[1080, 1140, 1200, 1260]);
    }

    #[test]
    fn what_was_not_seen_is_filled_along_straight_lines() {
        const NAN: f32 = f32::NAN;
        let bridged = |mut x: Vec<f32>| {
            bridge(&mut x);
            x
        };
        assert_eq!(
            bridged(vec![NAN, NAN, 2.0, NAN, NAN, NAN, 6.0, 5.0, NAN]),
            [2.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.0, 5.0]
        );
        assert_eq!(bridged(vec![NAN; 3]), [0.0; 3]);
    }

    #[test]
    fn one_just_before_the_first_must_be_as_like_as_any_that_was_not_counted() {
        // It goes half as far, as in the test before, and turns one and a half repetitions before the others do.
        let (signal, all) = moving(&[31.8, 60.0, 60.0, 60.0, 60.0], |_| 0.0);
        let known = Known { spans: &all[1..], from: 0, until: u64::MAX, shown: true, whole: true };
        let aim = Aim::at(&signal, &all[1..]);
        let found = along(&signal, &aim, known, LEAST, &mut Desk::default());
        is_near(&turns(&found), &turns(&all[1..]));
        let (signal, all) = moving(&[60.0, 60.0, 60.0, 60.0, 31.8], |_| 0.0);
        let known = Known { spans: &all[..4], ..known };
        is_near(&turns(&along(&signal, &aim, known, LEAST, &mut Desk::default())), &turns(&all[..4]));
    }

    #[test]
    fn who_is_seen_from_below_to_below_has_squatted_once_less() {
        // He comes up first and stands for four seconds, and in the end he goes down and stays there.
        let mut signal = Signal::default();
        world::squats(&mut signal, 1020..1321, &[1000, 1120, 1180, 1240, 1300], |_, _| {});
        let mut below = known(1080, 4, 30, 30);
        (below[0].start, below[0].turn) = (1020, 1080);
        let of = |shown: bool| {
            let known = Known { spans: &below, from: 1020, until: u64::MAX, shown, whole: true };
            turns(&review(&signal, known, LEAST, &mut Desk::default()))
        };
        assert_eq!(of(true).len(), 4, "where it is known that he begins there");
        is_near(&of(false), &[1140, 1200, 1260]);
    }

    #[test]
    fn slow_ones_are_smoothed_more_so_that_they_turn_where_they_do_and_not_where_he_shakes() {
        // Ten seconds each; he sways once a second, the least where he turns.
        let (mut signal, tau) = (Signal::default(), std::f32::consts::TAU);
        for tick in 900..1900 {
            let at = (tick as f32 - 1000.0).clamp(0.0, 800.0) / 200.0;
            let out = 60.0 * (0.5 - 0.5 * (tau * at).cos()) - 7.0 * (tau * tick as f32 / 20.0).cos();
            let mut values = [f32::NAN; CHANNELS];
            for measure in [Measure::Hip, Measure::Knee, Measure::Elbow] {
                values[measure.channel(Side::Both)] = 170.0 - out;
            }
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.1);
        }
        let mut spans = known(1000, 4, 100, 90);
        for (n, span) in spans.iter_mut().enumerate() {
            let later = 140 * n as u64;
            let Span { start, half_out, turn, half_back, end, .. } = span;
            [start, half_out, turn, half_back, end].into_iter().for_each(|tick| *tick += later);
        }
        let known = Known { spans: &spans, from: 0, until: u64::MAX, shown: true, whole: true };
        let found = along(&signal, &Aim::at(&signal, &spans), known, LEAST, &mut Desk::default());
        is_near(&turns(&found), &[1100, 1300, 1500, 1700]);
    }

    #[test]
    fn all_go_on_to_their_lows_but_the_last_one_ends_where_it_pauses() {
        // Each goes out in 30 ticks and most of the way back in 20, pauses for 25 and goes on.
        let softly = |part: f32| 0.5 - 0.5 * (part.clamp(0.0, 1.0) * std::f32::consts::PI).cos();
        let mut signal = Signal::default();
        for tick in 900..1500 {
            let at = if (1000..1500).contains(&tick) { ((tick - 1000) % 100) as f32 } else { 0.0 };
            let out = softly(at / 30.0) - 0.7 * softly((at - 30.0) / 20.0) - 0.3 * softly((at - 75.0) / 10.0);
            let mut values = [f32::NAN; CHANNELS];
            for measure in [Measure::Hip, Measure::Knee, Measure::Elbow] {
                values[measure.channel(Side::Both)] = 170.0 - 60.0 * out;
            }
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.1);
        }
        let spans: Vec<Span> = (0..5).map(|n| known(1000 + 100 * n, 1, 30, 55)[0]).collect();
        let known = Known { spans: &spans, from: 0, until: u64::MAX, shown: true, whole: true };
        let ends = |known: Known| {
            let found = along(&signal, &Aim::at(&signal, &spans), known, LEAST, &mut Desk::default());
            found.iter().map(|span| span.end).collect::<Vec<u64>>()
        };
        is_near(&ends(known), &[1084, 1184, 1284, 1384, 1450]);
        // It is the last one, too, if it was told to turn a second later, by less than half as long as they take.
        let mut late = spans.clone();
        late[4].turn += 20;
        is_near(&ends(Known { spans: &late, ..known }), &[1084, 1184, 1284, 1384, 1450]);
    }

    #[test]
    fn ends_that_are_as_even_as_the_rest_tell_where_as_many_begin_at_either_end() {
        // He waits at the end of the first way up, and after the sixth he stays there: five from below and five from above.
        let softly = |tick: u64, from: u64| {
            0.5 - 0.5 * (((tick.max(from) - from) as f32 / 30.0).min(1.0) * std::f32::consts::PI).cos()
        };
        let mut signal = Signal::default();
        for tick in 900..1900 {
            let ups = [1000, 1160, 1260, 1360, 1460, 1560].map(|from| softly(tick, from)).iter().sum::<f32>();
            let downs = [1090, 1190, 1290, 1390, 1490].map(|from| softly(tick, from)).iter().sum::<f32>();
            let mut values = [f32::NAN; CHANNELS];
            for measure in [Measure::Hip, Measure::Knee, Measure::Elbow] {
                values[measure.channel(Side::Both)] = 170.0 - 60.0 * (ups - downs);
            }
            signal.advance(stamp_of(tick));
            signal.push(&values, 0.1);
        }
        let mut below: Vec<Span> = (0..5).map(|n| known(1060 + 100 * n, 1, 30, 30)[0]).collect();
        let phases = Phases { hold_s: 3.0, ..below[0].phases };
        below[0] = Span { start: 1000, half_out: 1015, turn: 1060, half_back: 1105, end: 1120, phases, height: 1.0 };
        assert_eq!(odds(&signal, &below), 0.0, "no posture tells");
        let found = reviewed(&signal, &below, false);
        let low = |turn: &u64| [1140, 1240, 1340, 1440, 1540].iter().any(|middle| turn.abs_diff(*middle) <= 24);
        assert!(found.len() == 5 && found.iter().all(low), "{found:?}");
        assert!(!reviewed(&signal, &below, true).iter().any(low));
    }
}
