//! Looks for the beginning of a set: a measure that goes to and fro alike at least three times, just now.
//!
//! One channel is looked at per tick, so that the work is spread evenly, and a round over all of them takes a second.
//! Each is smoothed by little and by more and more, since a slow movement bears what would flatten a quick one.
//!
//! *line*: a signal in which repetitions may show · *alike*: of nearly the same height and duration.

use super::aim::{Aim, SHAKES_DEG};
use super::exercise::{EXERCISES, Exercise};
use super::extrema::{Cycle, Wanted, cycles, smooth, span, swings};
use super::form::{Errors, Form, errors};
use super::gate;
use super::measure::{CHANNELS, MEASURES, Measure, Side};
use super::rep::{Span, measured};
use super::signal::{Signal, seconds, ticks};

/// A measure that an exercise moves by less says nothing of it.
const LEAST_WAY_DEG: f32 = 8.0;
/// How far back a beginning is looked for.
const WINDOW_S: f32 = 42.0;
/// Ticks that are taken together.
const STEP: u64 = 2;
/// Half widths of the smoothing, in steps.
const HALVES: [usize; 4] = [1, 2, 4, 8];
/// A smoothing this wide against a repetition flattens it.
const SMOOTHEST: f32 = 0.45;
/// What is quicker than this is a step. Seconds.
const STEP_S: f32 = 0.75;
/// Repetitions must be this many times as high as what is left of the noise.
const CLEAR: f32 = 6.0;
/// Starts and turns must be this far apart, in standard deviations of one frame, the less the more repetitions say so: of
/// three, four, five … repetitions, …
const CLARITY: [f32; 5] = [7.0, 6.1, 5.2, 4.3, 3.4];
/// … and the starts must be one place: this share of the way at most.
const ASTRAY: f32 = 0.4;
/// Repetitions of one set differ less than this from their mean.
pub const UNLIKE: f32 = 0.35;
/// From so many repetitions on a set is one without the athlete's word.
pub const SURE: usize = 3;
/// That take turns.
const LEGS: usize = 2;
/// Of a repetition during which the athlete came into sight this much of the way out must be seen.
const HALF_SEEN: f32 = 0.25;
/// A limb that rests this long near the start is back.
pub const DWELL_S: f32 = 0.4;

/// What goes to and fro.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Line {
    /// One measure.
    Measure(Measure, Side),
    /// The whole body, along the way that an exercise goes.
    Exercise(&'static Exercise),
}

impl Line {
    /// Whether it shows what legs do.
    fn is_of_legs(self) -> bool {
        match self {
            Line::Measure(measure, _) => measure.told() == Measure::Knee,
            Line::Exercise(exercise) => exercise.hinge == Measure::Knee,
        }
    }

    /// Copies its newest run since `from`, in degrees. Says the tick it begins with, and the standard deviation of one
    /// frame's value.
    fn read(self, signal: &Signal, from: u64, x: &mut Vec<f32>) -> (u64, f32) {
        match self {
            Line::Measure(measure, side) => {
                let channel = measure.channel(side);
                // Repetitions mostly begin with the limb stretched, that is high.
                let first = signal.run(channel, from, x);
                x.iter_mut().for_each(|v| *v = -*v);
                (first, signal.noise_deg(channel))
            }
            Line::Exercise(exercise) => way(exercise, signal, from, x),
        }
    }
}

/// How far the body is on the way of an exercise, times 90; from where does not matter.
fn way(exercise: &Exercise, signal: &Signal, from: u64, x: &mut Vec<f32>) -> (u64, f32) {
    let (start, turn) = (exercise.start.measures(), exercise.turn.measures());
    let mut weights = [(0, 0.0); MEASURES];
    let (mut count, mut all, mut noise2) = (0, 0.0, 0.0);
    for measure in Measure::ALL {
        let (channel, way) = (measure.channel(Side::Both), turn[measure as usize] - start[measure as usize]);
        if way.is_finite() && way.abs() >= LEAST_WAY_DEG && signal.seen_since(channel, from) {
            let noise = signal.noise_deg(channel);
            let weight = way / (SHAKES_DEG.powi(2) + noise * noise);
            weights[count] = (channel, weight);
            (count, all, noise2) = (count + 1, all + weight * way, noise2 + (weight * noise).powi(2));
        }
    }
    let weights = &weights[..count];
    let mut sums =
        |values: &[f32; CHANNELS]| weights.iter().map(|(channel, weight)| weight * values[*channel]).sum::<f32>();
    x.clear();
    let Some((first, last)) = signal.newest_run(from, &mut sums) else { return (signal.newest(), 0.0) };
    x.extend((first..=last).filter_map(|tick| signal.values(tick)).map(|values| 90.0 / all * sums(values)));
    (first, 90.0 / all * noise2.sqrt())
}

/// What a beginning needs.
#[derive(Clone, Copy, Debug)]
pub struct Least {
    pub height_deg: f32,
    pub rep_s: f32,
    pub most_rep_s: f32,
    pub reps: usize,
}

/// A beginning that was found.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub spans: Vec<Span>,
    pub aim: Aim,
}

impl Beginning {
    /// Of two the one that goes evenly is better, then the clearer one.
    pub fn merit(&self) -> (bool, f32) {
        merit(&self.spans, &self.aim)
    }
}

fn merit(spans: &[Span], aim: &Aim) -> (bool, f32) {
    (evenly(spans), aim.clarity)
}

/// Room for the work, so that it is asked for once.
#[derive(Default)]
pub struct Desk {
    raw: Vec<f32>,
    pub x: Vec<f32>,
    pub spare: Vec<f32>,
    pub heights: Vec<f32>,
    pub cycles: Vec<Cycle>,
    /// What [`alike`] found last.
    pub spans: Vec<Span>,
    before: Vec<Cycle>,
}

/// What is looked at in turn: for a chosen exercise its own way and its hinge; else every exercise's, variants that go the
/// same way once, and measures that show what is no known exercise.
pub fn lines(chosen: Option<&'static Exercise>) -> impl Iterator<Item = Line> {
    use Measure::*;
    const VARIANTS: [&str; 3] = ["Front Squat", "Goblet Squat", "Incline Press"];
    const ARMS: [(Measure, Side); 9] = [
        (Elbow, Side::Both),
        (Elbow, Side::Left),
        (Elbow, Side::Right),
        (Forearm, Side::Both),
        (UpperArm, Side::Both),
        (Reach, Side::Both),
        (Reach, Side::Left),
        (Reach, Side::Right),
        (Shoulder, Side::Both),
    ];
    let among = move |exercise: &&'static Exercise| match chosen {
        Some(chosen) => chosen.name == exercise.name,
        None => !VARIANTS.contains(&exercise.name),
    };
    let legs = [Stance, Knee, Hip, Trunk, Thigh].map(|measure| (measure, Side::Both));
    let measures = legs.into_iter().chain(ARMS);
    let measures = measures.filter(move |(measure, _)| chosen.is_none_or(|chosen| chosen.hinge == measure.told()));
    let measures = measures.map(|(measure, side)| Line::Measure(measure, side));
    EXERCISES.iter().filter(among).map(Line::Exercise).chain(measures)
}

/// The best beginning in one channel, either way round, since `from`.
pub fn look(signal: &Signal, line: Line, from: u64, least: Least, desk: &mut Desk) -> Option<Beginning> {
    let from = from.max(signal.newest().saturating_sub(ticks(WINDOW_S) as u64));
    let mut best: Option<Beginning> = None;
    let (first, frame_noise) = line.read(signal, from, &mut desk.raw);
    let first = paired(first, &mut desk.raw);
    for half in HALVES {
        desk.x.clone_from(&desk.raw);
        smooth(&mut desk.x, half, &mut desk.spare);
        // What is not smoothed fully at the newer end is left out.
        desk.x.truncate(desk.x.len().saturating_sub(half));
        let (low, high) = span(&desk.x);
        if desk.x.is_empty() || high - low < least.height_deg {
            break;
        }
        let noise = frame_noise / signal.frames(3 * half * STEP as usize).sqrt();
        swings(&desk.x, least.height_deg, &mut desk.heights);
        let height = usual(&mut desk.heights);
        if height < least.height_deg.max(CLEAR * noise) {
            continue;
        }
        for turned in [false, true] {
            if turned {
                desk.x.iter_mut().for_each(|v| *v = -*v);
            }
            cycles(&desk.x, Wanted::of(height, ticks(DWELL_S) / STEP as usize + half), &mut desk.cycles);
            let place = (first, STEP);
            if !(alike(signal, place, least, desk) || line.is_of_legs() && in_turn(signal, place, least, desk)) {
                continue;
            }
            let spans = &desk.spans;
            let shortest = spans.iter().map(Span::duration_s).fold(f32::INFINITY, f32::min);
            if seconds((2 * half as u64 + 1) * STEP) > SMOOTHEST * shortest || shortest < STEP_S {
                continue;
            }
            let aim = Aim::at(signal, spans);
            if aim.clarity < CLARITY[spans.len().saturating_sub(SURE).min(CLARITY.len() - 1)]
                || aim.astray > ASTRAY
                || !gate::trains(signal, spans)
            {
                continue;
            }
            if best.as_ref().is_none_or(|best| merit(spans, &aim) > best.merit()) {
                best = Some(Beginning { spans: spans.clone(), aim });
            }
        }
    }
    best
}

/// The height that swings of late usually have; the small ones between are wobbles.
fn usual(heights: &mut Vec<f32>) -> f32 {
    const LATE: usize = 8;
    let late = heights.len().saturating_sub(LATE);
    heights.drain(..late);
    let most = heights.iter().copied().fold(0.0, f32::max);
    median(heights.iter().copied().filter(|h| *h >= 0.5 * most))
}

/// The middle of the first 64 values; 0 of none.
pub fn median(values: impl Iterator<Item = f32>) -> f32 {
    let (mut sorted, mut count) = ([0.0; 64], 0);
    for (place, value) in sorted.iter_mut().zip(values) {
        (*place, count) = (value, count + 1);
    }
    sorted[..count].sort_unstable_by(f32::total_cmp);
    sorted[..count].get(count / 2).copied().unwrap_or(0.0)
}

/// The repetition before another one. It is looked for only as far back as it can have begun: what the athlete did before
/// his first one may look like its way out.
fn before(x: &[f32], (first, step): (u64, u64), next: &Span, usual: &Usual, found: &mut Vec<Cycle>) -> Option<Span> {
    let index = |tick: u64| ((tick.saturating_sub(first)) / step) as usize;
    let to = index(next.half_out).min(x.len());
    [1.2, 1.8, 2.5].into_iter().find_map(|reach| {
        let from = index(next.start.saturating_sub(ticks(reach * usual.duration_s) as u64)).min(to);
        let mut wanted = Wanted::of(usual.height, usize::MAX);
        if from == 0 {
            wanted.out = HALF_SEEN * usual.height;
        }
        cycles(&x[from..to], wanted, found);
        let last = *found.last()?;
        let span = measured(&x[from..to], first + from as u64 * step, step, last);
        (span.end <= next.start + 2 * step).then_some(span)
    })
}

/// Means of [`STEP`] ticks; says the tick of the first.
fn paired(first: u64, x: &mut Vec<f32>) -> u64 {
    let pairs = x.len() / STEP as usize;
    // The newest tick is kept.
    let skip = x.len() - pairs * STEP as usize;
    for n in 0..pairs {
        let from = skip + n * STEP as usize;
        x[n] = x[from..from + STEP as usize].iter().sum::<f32>() / STEP as f32;
    }
    x.truncate(pairs);
    first + skip as u64
}

/// The latest so many repetitions, if there are as many and the last one was just now.
fn latest(x: &[f32], (first, step): (u64, u64), cycles: &[Cycle], reps: usize, spans: &mut Vec<Span>) -> bool {
    spans.clear();
    let Some(earlier) = cycles.len().checked_sub(reps) else { return false };
    let last = cycles.len() - 1;
    let whole = |n: usize| if n < last { cycles[n].to_its_low() } else { cycles[n] };
    spans.extend((earlier..=last).map(|n| measured(x, first, step, whole(n))));
    let now = first + x.len() as u64 * step;
    let patience_s = (2.5 * Usual::of(spans).duration_s).max(4.0);
    spans.last().is_some_and(|last| seconds(now - last.end) <= patience_s)
}

/// The newest repetitions of two legs that take turns, at least two of each: seen from a side, one leg goes otherwise than the
/// other, but each as it did before. They are left in [`Desk::spans`].
fn in_turn(signal: &Signal, place: (u64, u64), least: Least, desk: &mut Desk) -> bool {
    let Desk { x, cycles, spans, .. } = desk;
    if !latest(x, place, cycles, 2 * LEGS, spans) || !gate::squats(signal, spans) || !convincing(spans, SLACK) {
        return false;
    }
    let errors = errors(signal);
    (0..LEGS).all(|leg| {
        let own = [spans[leg], spans[leg + LEGS]];
        let usual = Usual::of(&own);
        own.iter().all(|span| usual.fits(span, least)) && of_one_form(signal, &own, &errors).is_some()
    })
}

/// The form of some repetitions, [`SURE`] at most, if all of them have it.
fn of_one_form(signal: &Signal, spans: &[Span], errors: &Errors) -> Option<Form> {
    let mut forms = [Form::UNSEEN; SURE];
    let forms = &mut forms[..spans.len().min(SURE)];
    forms.iter_mut().zip(spans).for_each(|(form, span)| *form = Form::of(signal, span));
    let mean = Form::mean(forms.iter());
    forms.iter().all(|form| mean.unlikeness(form, errors) <= UNLIKE).then_some(mean)
}

/// The newest repetitions that are alike, in height, in duration and in form, if they are enough and the last one was
/// just now; they are left in [`Desk::spans`].
pub fn alike(signal: &Signal, (first, step): (u64, u64), least: Least, desk: &mut Desk) -> bool {
    let Desk { x, cycles, spans, before: found, .. } = desk;
    if !latest(x, (first, step), cycles, least.reps, spans) {
        return false;
    }
    let usual = Usual::of(spans);
    if !spans.iter().all(|span| usual.fits(span, least)) {
        return false;
    }
    let errors = errors(signal);
    let Some(mean) = of_one_form(signal, spans, &errors) else { return false };
    while let Some(span) = before(x, (first, step), &spans[0], &usual, found) {
        let pause_s = seconds(spans[0].start.saturating_sub(span.end));
        let mut form = Form::of(signal, &span);
        if span.start < first + 2 * step {
            form.forget_way_out();
        }
        let like = || mean.unlikeness(&form, &errors) <= UNLIKE;
        if pause_s > (1.5 * usual.duration_s).max(2.0) || !usual.fits(&span, least) || !like() {
            break;
        }
        spans.insert(0, span);
    }
    // Who lies drinks nothing and puts nothing away, whatever his pace.
    least.reps < SURE || convincing(spans, SLACK) || gate::lies_down(signal, spans)
}

/// Times differ by this much for nothing. Seconds.
const SLACK_S: f32 = 0.2;
/// Who takes longer for a repetition than this may as well be drinking. Seconds.
const SLOW_S: f32 = 4.5;
/// And at such a pace three are not enough. Seconds.
const SLOWEST_S: f32 = 8.5;
/// How uneven three, four, five … repetitions may be to be a set: three must go like clockwork.
const QUICK_UNEVENNESS: [f32; 5] = [0.15, 0.22, 0.28, 0.33, 0.4];
const SLOW_UNEVENNESS: [f32; 6] = [0.06, 0.1, 0.13, 0.17, 0.2, 0.25];
/// So many times as uneven is what may still turn out to be something that nobody does but for training: who squats six times
/// quickly and gets his breath twice between.
const SLACK: f32 = 3.5;

/// So many are enough for whatever it is.
const CLEARLY: f32 = 8.0;

/// Whether start and turn are far enough apart for whatever it is.
pub fn clearly(aim: &Aim) -> bool {
    aim.clarity >= CLEARLY
}

/// Whether they go evenly enough for whatever it is.
pub fn evenly(spans: &[Span]) -> bool {
    convincing(spans, 1.0)
}

/// Whether the latest of these, three or more, go evenly enough for a set. Whoever drinks three times does so like an
/// exercise, but takes his time as he likes; the more there are, the less even they need be.
fn convincing(spans: &[Span], slack: f32) -> bool {
    (SURE..=spans.len()).any(|count| {
        let latest = &spans[spans.len() - count..];
        let interval_s = seconds(latest[count - 1].turn - latest[0].turn) / (count - 1) as f32;
        let limits: &[f32] = if interval_s > SLOW_S { &SLOW_UNEVENNESS } else { &QUICK_UNEVENNESS };
        (count > SURE || interval_s <= SLOWEST_S)
            && unevenness(latest) <= slack * limits[(count - SURE).min(limits.len() - 1)]
    })
}

/// The mean coefficient of variation of the times between turns, beyond the half, at the turn and between repetitions.
fn unevenness(spans: &[Span]) -> f32 {
    let pairs = || spans.windows(2);
    let intervals = varies(pairs().map(|pair| seconds(pair[1].turn - pair[0].turn)));
    let beyond = varies(spans.iter().map(Span::beyond_s));
    let holds = varies(spans.iter().map(|span| span.phases.hold_s));
    let pauses = varies(pairs().map(|pair| seconds(pair[1].start.saturating_sub(pair[0].end))));
    (intervals + beyond + holds + pauses) / 4.0
}

fn varies(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let count = values.clone().count() as f32;
    let mean = values.clone().sum::<f32>() / count;
    let variance = values.map(|v| (v - mean).powi(2)).sum::<f32>() / count;
    variance.sqrt() / (mean + 2.0 * SLACK_S)
}

/// What is usual of some repetitions.
#[derive(Clone, Copy, Debug)]
pub struct Usual {
    pub height: f32,
    pub duration_s: f32,
    pub beyond_s: f32,
    pub hold_s: f32,
}

impl Usual {
    pub fn of(spans: &[Span]) -> Usual {
        Usual {
            height: median(spans.iter().map(|span| span.height)),
            duration_s: median(spans.iter().map(Span::duration_s)),
            beyond_s: median(spans.iter().map(Span::beyond_s)),
            hold_s: median(spans.iter().map(|span| span.phases.hold_s)),
        }
    }

    /// Whether another one is like them, as far as its height and its times say.
    pub fn fits(&self, span: &Span, least: Least) -> bool {
        let d = span.duration_s();
        (0.55 * self.height..=1.7 * self.height).contains(&span.height)
            && (0.5 * self.beyond_s..=1.8 * self.beyond_s + SLACK_S).contains(&span.beyond_s())
            && (least.rep_s..=least.most_rep_s).contains(&d)
            && span.phases.hold_s <= 1.7 * self.hold_s + 0.6
    }

    /// Whether another one may be of the same set: later ones are slower, and stick.
    pub fn allows(&self, span: &Span, least: Least) -> bool {
        let d = span.duration_s();
        (0.5 * self.height..=1.8 * self.height).contains(&span.height)
            && (0.4 * self.beyond_s..=2.2 * self.beyond_s + 1.5).contains(&span.beyond_s())
            && (least.rep_s..=least.most_rep_s).contains(&d)
            && span.phases.hold_s <= 1.7 * self.hold_s + 1.5
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{FEET_X, FEET_Y};
    use super::super::report::Phases;
    use super::super::signal::stamp_of;
    use super::super::world::{self, squatter};
    use super::*;

    /// One that begins at this tick and is so long, so long beyond the half of its way and at its turn, in seconds.
    fn span(start: u64, duration_s: f32, beyond_s: f32, hold_s: f32, height: f32) -> Span {
        let (whole, beyond) = (ticks(duration_s) as u64, ticks(beyond_s) as u64);
        let half_out = start + (whole.saturating_sub(beyond)) / 2;
        let phases = Phases { go_s: 0.5, hold_s, back_s: 0.5, pause_s: 0.0 };
        let (turn, half_back) = (half_out + beyond / 2, half_out + beyond);
        Span { start, half_out, turn, half_back, end: start + whole, phases, height }
    }

    /// Repetitions of two seconds with so much time from each to the next.
    fn every(intervals_s: &[f32]) -> Vec<Span> {
        let mut start = 1000;
        let mut all = vec![span(start, 2.0, 1.0, 0.5, 1.0)];
        for interval_s in intervals_s {
            start += ticks(*interval_s) as u64;
            all.push(span(start, 2.0, 1.0, 0.5, 1.0));
        }
        all
    }

    fn near(is: f32, want: f32) {
        assert!((is - want).abs() < 1e-4, "{is} and not {want}");
    }

    const LEAST: Least = Least { height_deg: 25.0, rep_s: 0.6, most_rep_s: 14.0, reps: 3 };

    #[test]
    fn another_one_fits_if_it_is_about_as_high_and_as_long_and_later_ones_may_be_slower() {
        let usual = Usual::of(&every(&[3.0, 3.0]));
        assert_eq!((usual.height, usual.duration_s, usual.beyond_s, usual.hold_s), (1.0, 2.0, 1.0, 0.5));
        let high = |height: f32| span(0, 2.0, 1.0, 0.5, height);
        let beyond = |beyond_s: f32| span(0, 6.0, beyond_s, 0.5, 1.0);
        let long = |duration_s: f32| span(0, duration_s, 0.6, 0.5, 1.0);
        let held = |hold_s: f32| span(0, 2.0, 1.0, hold_s, 1.0);
        let fits = |span: Span| usual.fits(&span, LEAST);
        assert_eq!([0.54, 0.56, 1.69, 1.71].map(|height| fits(high(height))), [false, true, true, false]);
        assert_eq!([0.45, 0.55, 1.95, 2.05].map(|s| fits(beyond(s))), [false, true, true, false]);
        assert_eq!([0.55, 0.65, 13.9, 14.1].map(|s| fits(long(s))), [false, true, true, false]);
        assert_eq!([0.0, 1.4, 1.5].map(|s| fits(held(s))), [true, true, false]);
        let allows = |span: Span| usual.allows(&span, LEAST);
        assert_eq!([0.49, 0.51, 1.79, 1.81].map(|height| allows(high(height))), [false, true, true, false]);
        assert_eq!([0.35, 0.45, 3.65, 3.75].map(|s| allows(beyond(s))), [false, true, true, false]);
        assert_eq!([0.55, 0.65, 13.9, 14.1].map(|s| allows(long(s))), [false, true, true, false]);
        assert_eq!([0.0, 2.3, 2.4].map(|s| allows(held(s))), [true, true, false]);
        // In degrees, and twice as long beyond the half.
        let usual = Usual { height: 60.0, beyond_s: 2.0, ..usual };
        let high = |height: f32| Span { height, ..beyond(2.0) };
        let beyond = |beyond_s: f32| Span { height: 60.0, ..beyond(beyond_s) };
        let both = |span: Span| (usual.fits(&span, LEAST), usual.allows(&span, LEAST));
        let heights = [29.0, 31.0, 34.0, 101.0, 103.0, 109.0].map(|height| both(high(height)));
        let [no, may, yes] = [(false, false), (false, true), (true, true)];
        assert_eq!(heights, [no, may, yes, yes, may, no]);
        let times = [0.7, 0.9, 1.1, 3.7, 3.9, 5.8, 6.0].map(|s| both(beyond(s)));
        assert_eq!(times, [no, may, yes, yes, may, may, no]);
    }

    #[test]
    fn a_median_is_the_upper_middle_of_the_first_64() {
        let of = |values: &[f32]| median(values.iter().copied());
        assert_eq!((of(&[]), of(&[3.0]), of(&[5.0, 1.0, 3.0]), of(&[4.0, 1.0, 3.0, 2.0])), (0.0, 3.0, 3.0, 3.0));
        assert_eq!(median((0..100).map(|n| n as f32)), 32.0);
    }

    #[test]
    fn unevenness_is_how_times_vary_against_their_mean_and_what_differs_for_nothing() {
        // A standard deviation of 1 around 2, and two fifths.
        near(varies([1.0, 3.0].into_iter()), 1.0 / 2.4);
        assert_eq!(unevenness(&every(&[3.0, 3.0])), 0.0);
        // Times from turn to turn of 2 and 4 seconds more than nothing: 3 and 5, with pauses of 1 and 3.
        near(unevenness(&every(&[3.0, 5.0])), (1.0 / 4.4 + 1.0 / 2.4) / 4.0);
        let mut held = every(&[3.0, 3.0]);
        held[1].phases.hold_s = 1.5;
        // 0.5, 1.5, 0.5: a mean of 0.8333 and a standard deviation of 0.4714.
        near(unevenness(&held), 0.471_405 / 1.233_333 / 4.0);
        let mut long = every(&[3.0, 3.0]);
        long[0].half_out -= 10;
        near(unevenness(&long), 0.235_702 / 1.566_667 / 4.0);
    }

    #[test]
    fn three_go_like_clockwork_and_the_more_there_are_the_less_even_they_need_be() {
        assert!(evenly(&every(&[3.0, 3.0])) && !evenly(&every(&[3.0, 5.0])), "16 hundredths are too many");
        assert!(convincing(&every(&[3.0, 5.0]), SLACK) && evenly(&every(&[3.0, 4.5])));
        assert!(evenly(&every(&[3.0, 5.0, 3.0])), "of four they are not");
        assert!(!evenly(&every(&[3.0])) && !evenly(&[]), "two are none");
        // Slow ones must go more evenly, and at the slowest pace three are not enough.
        assert!(evenly(&every(&[5.0, 5.8])) && !evenly(&every(&[5.0, 7.0])));
        assert!(!evenly(&every(&[9.0, 9.0])) && evenly(&every(&[9.0, 9.0, 9.0])));
        assert!(evenly(&every(&[8.4, 8.4])));
        // What was before does not matter if the latest do so.
        assert!(evenly(&every(&[20.0, 3.0, 3.0])));
    }

    #[test]
    fn the_usual_height_is_that_of_the_late_ones_that_are_no_wobbles() {
        let mut heights = vec![100.0, 100.0, 10.0, 1.0, 11.0, 2.0, 12.0, 4.9, 13.0, 4.0];
        assert_eq!(usual(&mut heights), 12.0);
        assert_eq!(heights.len(), 8);
        assert_eq!(usual(&mut vec![6.0, 12.0, 5.0]), 12.0, "the upper one of both that are half as high");
        assert_eq!(usual(&mut vec![]), 0.0);
    }

    #[test]
    fn ticks_are_taken_together_in_pairs_and_the_newest_is_kept() {
        let mut odd = vec![1.0, 2.0, 3.0, 4.0, 6.0];
        assert_eq!((paired(10, &mut odd), odd), (11, vec![2.5, 5.0]));
        let mut even = vec![1.0, 3.0, 5.0, 7.0];
        assert_eq!((paired(10, &mut even), even), (10, vec![2.0, 6.0]));
    }

    #[test]
    fn all_that_may_be_done_is_looked_at_and_of_what_was_chosen_its_own_way_and_hinge() {
        let count = |name: &str| lines(Exercise::named(name)).count();
        assert_eq!((lines(None).count(), count("Squat"), count("Biceps Curl"), count("Deadlift")), (27, 4, 8, 3));
        assert!(
            lines(Exercise::named("Front Squat"))
                .any(|line| matches!(line, Line::Exercise(of) if of.name == "Front Squat"))
        );
        assert!(
            !lines(None).any(|line| matches!(line, Line::Exercise(of) if of.name == "Front Squat")),
            "it goes like a squat"
        );
    }

    #[test]
    fn what_is_8_standard_deviations_apart_is_clear() {
        let mut aim = Aim::at(&Signal::default(), &[]);
        assert!(!clearly(&aim));
        aim.clarity = 8.0;
        assert!(clearly(&aim));
        aim.clarity = 7.9;
        assert!(!clearly(&aim));
    }

    fn squats() -> Line {
        Line::Exercise(Exercise::named("Squat").unwrap())
    }

    #[test]
    fn the_whole_way_of_an_exercise_is_90_wherever_it_begins() {
        let (signal, mut x) = (squatter(900..1351), vec![]);
        let (first, _) = squats().read(&signal, 950, &mut x);
        assert_eq!((first, x.len()), (950, 401));
        // At the tick 1000 he stands, at 1020 he is down, at 1010 half.
        assert!((x[70] - x[50] - 90.0).abs() < 1e-2 && (x[60] - x[50] - 45.0).abs() < 1e-2);
        // Of a measure it is its own degrees, downwards: the trunk goes from 85 degrees to 50, of which the sines are told.
        let (first, noise) = Line::Measure(Measure::Trunk, Side::Both).read(&signal, 950, &mut x);
        assert_eq!(first, 950);
        assert!((x[70] - x[50] - (89.657 - 68.944)).abs() < 1e-2 && noise > 0.0, "{}", x[70] - x[50]);
        let stale = squatter(900..1351);
        assert_eq!(squats().read(&stale, 1351, &mut x), (1350, 0.0));
        assert!(x.is_empty());
    }

    #[test]
    fn the_noise_of_a_way_is_that_of_its_measures_by_their_weights() {
        let squat = Exercise::named("Squat").unwrap();
        let trunk = Measure::Trunk.channel(Side::Both);
        let upper_arm = Measure::UpperArm.channel(Side::Both);
        let thigh = Measure::Thigh.channel(Side::Both);
        let shaken = |channels: &[(usize, f32)]| {
            let mut signal = Signal::default();
            for tick in 1000..1003 {
                let mut values = [f32::NAN; CHANNELS];
                channels.iter().for_each(|(n, by)| values[*n] = if tick == 1001 { 50.0 - by } else { 50.0 + by });
                signal.advance(stamp_of(tick));
                signal.push(&values, 0.1);
            }
            let mut x = vec![];
            (way(squat, &signal, 0, &mut x).1, [trunk, thigh].map(|n| signal.noise_deg(n)))
        };
        // Of one measure whatever it weighs: 90 times its noise, against its way of 20.71 degrees.
        let (noise, [of_trunk, _]) = shaken(&[(trunk, 10.0)]);
        near(noise, 90.0 * of_trunk / (89.657_52 - 68.944));
        // The thighs go by 90 degrees of rise, from where they hang to the level.
        let (both, [one, other]) = shaken(&[(trunk, 10.0), (thigh, 4.0)]);
        let (ways, noises) = ([68.944 - 89.657_52f32, 90.0], [one, other]);
        let weights: [f32; 2] = std::array::from_fn(|n| ways[n] / (16.0 + noises[n] * noises[n]));
        let squares: f32 = (0..2).map(|n| weights[n] * weights[n] * noises[n] * noises[n]).sum();
        near(both, 90.0 * squares.sqrt() / (weights[0] * ways[0] + weights[1] * ways[1]));
        // What goes by less than eight degrees says nothing of it: upper arms go by nine, forearms by four.
        assert!(shaken(&[(upper_arm, 10.0)]).0 > 0.0);
        assert!(!shaken(&[(Measure::Forearm.channel(Side::Both), 10.0)]).0.is_normal());
    }

    #[test]
    fn a_set_begins_with_three_and_what_was_chosen_with_two() {
        let found = |from: u64, least: Least| {
            let found = look(&squatter(900..1331), squats(), from, least, &mut Desk::default())?;
            let all: Vec<u64> = found.spans.iter().map(|span| (span.turn + 10) / 20 * 20).collect();
            assert_eq!(found.merit(), (all.len() >= SURE, found.aim.clarity));
            assert!(clearly(&found.aim), "{found:?}");
            Some(all)
        };
        // Five from above or four from below: either way round is as good, as far as is known yet.
        let all = found(0, LEAST).unwrap();
        assert!(matches!(all.len(), 4 | 5) && all.windows(2).all(|pair| pair[1] - pair[0] == 60), "{all:?}");
        assert_eq!(found(1110, LEAST), Some(vec![1140, 1200, 1260]), "nothing before belongs to it");
        assert_eq!(found(1170, LEAST), None, "two");
        assert_eq!(found(1170, Least { reps: 2, ..LEAST }), Some(vec![1200, 1260]), "of what was chosen");
    }

    #[test]
    fn the_latest_end_where_they_are_lowest_but_the_last_one_where_it_paused() {
        // Three times out to 10 and back to 4, where he pauses, and then to 0.
        let once = [0.0, 0.0, 0.0, 5.0, 10.0, 10.0, 7.0, 4.0, 4.0, 4.0, 4.0, 4.0, 2.0, 0.0, 0.0, 0.0];
        let x = once.repeat(3);
        let cycles: Vec<Cycle> =
            (0..3).map(|n| 16 * n).map(|n| Cycle { start: n, turn: n + 5, end: n + 9, low: n + 14 }).collect();
        let mut spans = vec![];
        assert!(latest(&x, (500, 1), &cycles, 3, &mut spans));
        assert_eq!(spans.iter().map(|span| span.height).collect::<Vec<_>>(), [10.0, 10.0, 6.0]);
        let end = spans[2].end as usize - 500;
        assert!(latest(&x, (500, 1), &cycles, 2, &mut spans) && spans.len() == 2 && spans[0].turn == 521);
        assert!(!latest(&x, (500, 1), &cycles, 4, &mut spans) && spans.is_empty());
        // The last one must have ended within four seconds, or two and a half times as long as they take.
        let since = |rest: usize| [&x[..], &vec![4.0; rest]].concat();
        let now = |rest: usize| latest(&since(rest), (500, 1), &cycles, 3, &mut vec![]);
        assert!(now(80 + end - x.len()) && !now(81 + end - x.len()));
    }

    /// Where those turn that are alike and begin at these ticks.
    fn beginning(
        begins: &[u64],
        seen: std::ops::Range<u64>,
        but: impl Fn(u64, &mut [f32; CHANNELS]),
    ) -> Option<Vec<u64>> {
        let (mut signal, mut desk) = (Signal::default(), Desk::default());
        world::squats(&mut signal, seen, begins, but);
        let (first, _) = squats().read(&signal, 0, &mut desk.x);
        cycles(&desk.x, Wanted::of(90.0, ticks(DWELL_S)), &mut desk.cycles);
        let turns = |desk: &Desk| desk.spans.iter().map(|span| span.turn).collect();
        alike(&signal, (first, 1), LEAST, &mut desk).then(|| turns(&desk))
    }

    #[test]
    fn what_was_before_is_of_it_if_it_is_like_the_rest_and_no_long_pause_is_between() {
        let plain = |_: u64, _: &mut [f32; CHANNELS]| {};
        // The pause may be one and a half times as long as they are: three seconds.
        let paused = |pause: u64| {
            let first = 1200 - 40 - pause;
            beginning(&[first - 60, first, 1200, 1260, 1320], 900..1400, plain).map(|turns| turns.len())
        };
        assert_eq!([20, 44, 70].map(paused), [Some(5), Some(5), Some(3)]);
        let all = [1000, 1060, 1120, 1180, 1240];
        let turns = all.map(|from| from + 20);
        assert_eq!(beginning(&all, 900..1320, plain).as_deref(), Some(&turns[..]));
        // The second one was done with the arms overhead; the first one does not count without it.
        let arms = |tick: u64, values: &mut [f32; CHANNELS]| {
            if (1060..1100).contains(&tick) {
                let up = ((tick as f32 - 1060.0) / 40.0 * std::f32::consts::PI).sin();
                [Measure::UpperArm, Measure::Forearm, Measure::Reach]
                    .into_iter()
                    .for_each(|measure| values[measure.channel(Side::Both)] += 120.0 * up);
            }
        };
        assert_eq!(beginning(&all, 900..1320, arms).as_deref(), Some(&turns[2..]));
        // Of the first one he came into sight when he was half down.
        assert_eq!(beginning(&all, 1009..1320, plain).as_deref(), Some(&turns[..]));
        // Two are none.
        assert_eq!(beginning(&all[..2], 900..1200, plain), None);
    }

    #[test]
    fn what_shakes_more_than_it_moves_shows_nothing() {
        let found = |shakes_deg: f32| {
            let mut signal = Signal::default();
            let but = |tick: u64, values: &mut [f32; CHANNELS]| {
                let off = if tick.is_multiple_of(2) { shakes_deg } else { -shakes_deg };
                values[Measure::Shank.channel(Side::Both)] += off;
            };
            world::squats(&mut signal, 900..1331, &[1000, 1060, 1120, 1180, 1240], but);
            let least = Least { height_deg: 10.0, ..LEAST };
            look(&signal, Line::Measure(Measure::Shank, Side::Both), 0, least, &mut Desk::default()).is_some()
        };
        // The shanks go by twelve degrees. The mean of two ticks does not shake; but by six times what is left of such noise in as
        // many ticks as are smoothed, of six frames, that is for chance.
        assert!(found(0.0) && found(2.4));
        assert!(!found(3.2) && !found(60.0));
    }

    #[test]
    fn legs_take_turns_if_each_goes_as_it_did_before_and_he_squats() {
        // Every other one the trunk goes another way and the arms go along.
        let found = |begins: &[u64], other: &'static [u64], by_deg: f32| {
            let (mut signal, mut desk) = (Signal::default(), Desk::default());
            let but = move |tick: u64, values: &mut [f32; CHANNELS]| {
                let Some(at) = other.iter().filter_map(|from| tick.checked_sub(*from)).find(|at| *at < 40) else {
                    return;
                };
                let share = 0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / 40.0).cos();
                [Measure::UpperArm, Measure::Forearm, Measure::Reach, Measure::Shank]
                    .into_iter()
                    .for_each(|measure| values[measure.channel(Side::Both)] += by_deg * share);
            };
            world::squats(&mut signal, 900..1331, begins, but);
            let (first, _) = Line::Measure(Measure::Thigh, Side::Both).read(&signal, 0, &mut desk.x);
            desk.x.iter_mut().for_each(|v| *v = -*v);
            cycles(&desk.x, Wanted::of(90.0, ticks(DWELL_S)), &mut desk.cycles);
            let place = (first, 1);
            let alike = alike(&signal, place, LEAST, &mut desk);
            let turns = in_turn(&signal, place, LEAST, &mut desk);
            (alike, turns, desk.spans.iter().map(|span| span.turn).collect::<Vec<_>>())
        };
        let four = [1060, 1120, 1180, 1240];
        assert_eq!(found(&four, &[1060, 1180], 80.0), (false, true, four.map(|from| from + 20).to_vec()));
        assert!(found(&four, &[1120, 1240], 80.0).1);
        assert_eq!(found(&[1000, 1060, 1120, 1180, 1240], &[1060, 1180], 80.0).2, four.map(|from| from + 20));
        assert!(!found(&four, &[1060], 80.0).1, "the first one is not as the third");
        assert!(!found(&four, &[1060, 1120], 80.0).1, "nor is each as its next");
        assert!(!found(&four[1..], &[1180], 80.0).1, "three are one and a half");
        let plain = found(&four, &[], 0.0);
        assert!(plain.0 && plain.1, "who does not take turns");
    }

    #[test]
    fn the_last_one_is_found_when_he_has_rested_for_a_moment() {
        // He is back at the tick 1280, and has rested for 0.4 s at 1288 if nothing is smoothed.
        let last = |until: u64| {
            let found = look(&squatter(900..until), squats(), 1110, LEAST, &mut Desk::default());
            found.map(|found| found.spans.last().unwrap().turn)
        };
        assert!(last(1286).is_none_or(|turn| turn < 1250), "{:?}", last(1286));
        assert!(last(1306).is_some_and(|turn| turn.abs_diff(1260) < 4), "{:?}", last(1306));
    }

    /// How clear what is found of so many squats is, when everything shakes by this.
    fn clarity(reps: u64, shakes_deg: f32) -> Option<f32> {
        let begins: Vec<u64> = (0..reps).map(|n| 1000 + 60 * n).collect();
        let but = |tick: u64, values: &mut [f32; CHANNELS]| {
            let off = if tick.is_multiple_of(2) { shakes_deg } else { -shakes_deg };
            values.iter_mut().for_each(|value| *value += off);
        };
        let mut signal = Signal::default();
        world::squats(&mut signal, 990..1000 + 60 * reps, &begins, but);
        let found = look(&signal, squats(), 0, LEAST, &mut Desk::default())?;
        (found.spans.len() as u64 == reps).then_some(found.aim.clarity)
    }

    #[test]
    fn the_more_there_are_the_less_clear_they_need_be() {
        let shakes = || (40..140).map(|fifth| fifth as f32 / 5.0);
        for (reps, limit) in [(3, 7.0), (4, 6.1), (5, 5.2)] {
            let least = shakes().filter_map(|deg| clarity(reps, deg)).fold(f32::INFINITY, f32::min);
            assert!((limit..limit + 0.2).contains(&least), "{reps}: {least}");
        }
    }

    #[test]
    fn what_is_quicker_than_a_step_is_one() {
        let found = |long: u64| {
            let (mut signal, begins) = (Signal::default(), [1000, 1000 + long, 1000 + 2 * long, 1000 + 3 * long]);
            world::squats_of(long, &mut signal, 900..1030 + 4 * long, &begins, |_, _| {});
            look(&signal, squats(), 0, Least { rep_s: 0.2, ..LEAST }, &mut Desk::default()).is_some()
        };
        assert!(found(20) && found(18) && !found(13) && !found(10));
    }

    #[test]
    fn the_one_before_is_over_when_the_next_begins_but_for_two_samples() {
        // Forty samples each, three ticks apart, and twenty of rest between.
        let wave = |n: usize| if n < 40 { 0.5 - 0.5 * (n as f32 * std::f32::consts::TAU / 40.0).cos() } else { 0.0 };
        let x: Vec<f32> = (0..150).map(|n| wave((n + 40) % 60)).collect();
        let usual = Usual { height: 1.0, duration_s: 6.0, beyond_s: 3.0, hold_s: 1.0 };
        let of = |start: u64| {
            let next = Span { start, half_out: 500 + 3 * 90, ..span(0, 6.0, 3.0, 1.0, 1.0) };
            before(&x, (500, 3), &next, &usual, &mut vec![])
        };
        let found = of(500 + 3 * 80).unwrap();
        assert!(found.turn.abs_diff(500 + 3 * 40) <= 3 && found.start.abs_diff(500 + 3 * 22) <= 9, "{found:?}");
        assert_eq!(of(found.end - 6).map(|span| span.end), Some(found.end));
        assert_eq!(of(found.end - 7), None);
        // So far back that the one before would have begun: two and a half times as long as they take.
        assert!(of(500 + 3 * 119).is_some() && of(500 + 3 * 135).is_none());
    }

    #[test]
    fn lines_of_legs_are_what_is_told_by_the_knee() {
        use Measure::*;
        let measure = |measure: &Measure| Line::Measure(*measure, Side::Both).is_of_legs();
        assert!([Knee, Thigh, Shank, Stance].iter().all(measure));
        assert!(![Elbow, Shoulder, Hip, Forearm, UpperArm, Trunk, Reach].iter().any(measure));
        let exercise = |name: &str| Line::Exercise(Exercise::named(name).unwrap()).is_of_legs();
        assert!(exercise("Lunge") && squats().is_of_legs() && !exercise("Deadlift") && !exercise("Row"));
    }

    #[test]
    fn who_begins_with_a_bent_limb_is_found_like_one_who_begins_with_a_stretched_one() {
        // Three times, so that there are but two from turn to turn.
        let found = |from_deg: f32, to_deg: f32| {
            let (mut signal, begins) = (Signal::default(), [1000u64, 1060, 1120]);
            let but = |tick: u64, values: &mut [f32; CHANNELS]| {
                let at = begins.iter().filter_map(|from| tick.checked_sub(*from)).find(|at| *at < 40).unwrap_or(0);
                let share = 0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / 40.0).cos();
                values[Elbow.channel(Side::Both)] = from_deg + share * (to_deg - from_deg);
            };
            use Measure::Elbow;
            world::squats(&mut signal, 900..1200, &begins, but);
            let found = look(&signal, Line::Measure(Elbow, Side::Both), 0, LEAST, &mut Desk::default())?;
            Some(found.spans.iter().map(|span| span.turn).collect::<Vec<_>>())
        };
        for (from_deg, to_deg) in [(160.0, 60.0), (60.0, 160.0)] {
            let turns = found(from_deg, to_deg).unwrap();
            assert!(
                turns.len() == 3 && turns.iter().zip([1020, 1080, 1140]).all(|(is, want)| is.abs_diff(want) < 4),
                "{turns:?}"
            );
        }
    }

    #[test]
    fn who_goes_elsewhere_meanwhile_trains_nothing() {
        let found = |ahead: f32| {
            let but = |tick: u64, values: &mut [f32; CHANNELS]| {
                (values[FEET_X], values[FEET_Y]) = (ahead * (tick as f32 - 1000.0) / 300.0, 1.0);
            };
            let mut signal = Signal::default();
            world::squats(&mut signal, 900..1331, &[1000, 1060, 1120, 1180, 1240], but);
            look(&signal, squats(), 0, LEAST, &mut Desk::default()).is_some()
        };
        assert!(found(0.0) && found(0.3) && !found(1.0));
    }

    #[test]
    fn legs_that_neither_go_alike_nor_take_turns_begin_nothing() {
        let thighs = |other: &[u64]| {
            let but = |tick: u64, values: &mut [f32; CHANNELS]| {
                let Some(at) = other.iter().filter_map(|from| tick.checked_sub(*from)).find(|at| *at < 40) else {
                    return;
                };
                let share = 0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / 40.0).cos();
                [Measure::UpperArm, Measure::Forearm, Measure::Reach, Measure::Shank]
                    .into_iter()
                    .for_each(|measure| values[measure.channel(Side::Both)] += 80.0 * share);
            };
            let mut signal = Signal::default();
            world::squats(&mut signal, 900..1271, &[1060, 1120, 1180], but);
            look(&signal, Line::Measure(Measure::Thigh, Side::Both), 0, LEAST, &mut Desk::default()).is_some()
        };
        assert!(thighs(&[]) && !thighs(&[1120]));
    }
}
