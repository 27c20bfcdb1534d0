//! Looks for the beginning of a set: a measure that goes to and fro alike at least three times, just now.
//!
//! One channel is looked at per tick, so that the work is spread evenly, and a round over all of them takes a second.
//! Each is smoothed by little, more and much, since a slow movement bears what would flatten a quick one.
//!
//! *line*: a signal in which repetitions may show · *alike*: of nearly the same height and duration.

use super::aim::{Aim, SHAKES_DEG};
use super::exercise::{EXERCISES, Exercise};
use super::extrema::{Cycle, Wanted, cycles, smooth, span, swings};
use super::measure::{CHANNELS, MEASURES, Measure, Side};
use super::rep::{Span, measured};
use super::signal::{Signal, seconds, ticks};

/// A measure that an exercise moves by less says nothing of it.
const LEAST_WAY_DEG: f32 = 8.0;
/// How far back a beginning is looked for.
const WINDOW_S: f32 = 42.0;
/// Half widths of the smoothing, in ticks.
const HALVES: [usize; 3] = [2, 4, 8];
/// A smoothing this wide against a repetition flattens it.
const SMOOTHEST: f32 = 0.4;
/// Repetitions must be this many times as high as what is left of the noise.
const CLEAR: f32 = 6.0;
/// Starts and turns must be this far apart, in standard deviations of one frame, …
const CLARITY: f32 = 8.0;
/// … and the starts must be one place: this share of the way at most.
const ASTRAY: f32 = 0.4;
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

    /// The channel of the hinge whose angle is told.
    pub fn hinge(self) -> usize {
        match self {
            Line::Measure(measure, side) => measure.told().channel(side),
            Line::Exercise(exercise) => exercise.hinge.channel(Side::Both),
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
    pub line: Line,
    /// How much it had to be smoothed, in ticks.
    pub half: usize,
    pub spans: Vec<Span>,
    pub aim: Aim,
}

/// Room for the work, so that it is asked for once.
#[derive(Default)]
pub struct Desk {
    raw: Vec<f32>,
    pub x: Vec<f32>,
    pub spare: Vec<f32>,
    pub heights: Vec<f32>,
    pub cycles: Vec<Cycle>,
}

/// What is looked at in turn. Variants of an exercise that go the same way are looked at once.
pub fn lines() -> impl Iterator<Item = Line> {
    use Measure::*;
    const VARIANTS: [&str; 3] = ["Front Squat", "Goblet Squat", "Incline Press"];
    let exercises = EXERCISES.iter().filter(|exercise| !VARIANTS.contains(&exercise.name)).map(Line::Exercise);
    let legs = [Stance, Knee, Hip, Trunk, Thigh].map(|measure| Line::Measure(measure, Side::Both));
    let arms = [Elbow, Forearm, UpperArm, Reach, Shoulder].into_iter();
    let arms = arms.flat_map(|measure| [Side::Both, Side::Left, Side::Right].map(|side| Line::Measure(measure, side)));
    exercises.chain(legs).chain(arms)
}

/// The best beginning in one channel, either way round, since `from`.
pub fn look(signal: &Signal, line: Line, from: u64, least: Least, desk: &mut Desk) -> Option<Beginning> {
    let from = from.max(signal.newest().saturating_sub(ticks(WINDOW_S) as u64));
    let mut best: Option<Beginning> = None;
    let (first, frame_noise) = line.read(signal, from, &mut desk.raw);
    for half in HALVES {
        desk.x.clone_from(&desk.raw);
        smooth(&mut desk.x, half, &mut desk.spare);
        // What is not smoothed fully at the newer end is left out.
        desk.x.truncate(desk.x.len().saturating_sub(half));
        let (low, high) = span(&desk.x);
        if desk.x.is_empty() || high - low < least.height_deg {
            break;
        }
        let noise = frame_noise / signal.frames(3 * half).sqrt();
        swings(&desk.x, least.height_deg, &mut desk.heights);
        let height = usual(&mut desk.heights);
        if height < least.height_deg.max(CLEAR * noise) {
            continue;
        }
        for turned in [false, true] {
            if turned {
                desk.x.iter_mut().for_each(|v| *v = -*v);
            }
            cycles(&desk.x, Wanted::of(height, ticks(DWELL_S) + half), &mut desk.cycles);
            let Some(spans) = alike(&desk.x, first, &desk.cycles, least) else { continue };
            let shortest = spans.iter().map(Span::duration_s).fold(f32::INFINITY, f32::min);
            if seconds(2 * half as u64 + 1) > SMOOTHEST * shortest {
                continue;
            }
            let aim = Aim::at(signal, &spans);
            if aim.clarity < CLARITY || aim.astray > ASTRAY {
                continue;
            }
            if best.as_ref().is_none_or(|best| aim.clarity > best.aim.clarity) {
                best = Some(Beginning { line, half, spans, aim });
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

/// The middle value; 0 of none.
pub fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_unstable_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The newest repetitions that are alike, if they are enough and the last one was just now.
pub fn alike(x: &[f32], first: u64, cycles: &[Cycle], least: Least) -> Option<Vec<Span>> {
    if cycles.len() < least.reps {
        return None;
    }
    let spans: Vec<Span> = cycles.iter().map(|cycle| measured(x, first, *cycle)).collect();
    let latest = &spans[spans.len() - least.reps..];
    let (height, duration) = (median(latest.iter().map(|s| s.height)), median(latest.iter().map(Span::duration_s)));
    let fits = |s: &Span| {
        let d = s.duration_s();
        (0.6 * height..=1.6 * height).contains(&s.height)
            && (0.55 * duration..=1.8 * duration).contains(&d)
            && (least.rep_s..=least.most_rep_s).contains(&d)
    };
    let follows = |a: &Span, b: &Span| seconds(b.start.saturating_sub(a.end)) <= (1.5 * duration).max(2.0);
    let mut begin = spans.len();
    while begin > 0 && fits(&spans[begin - 1]) && (begin == spans.len() || follows(&spans[begin - 1], &spans[begin])) {
        begin -= 1;
    }
    let now = first + x.len() as u64;
    let fresh = seconds(now - spans[spans.len() - 1].end) <= (1.5 * duration).max(2.0);
    (fresh && spans.len() - begin >= least.reps).then(|| spans[begin..].to_vec())
}
